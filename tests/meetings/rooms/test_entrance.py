"""Coming by the code at the door, by name there, and leaving: what counts, what is kept, what opens nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.errors import Conflict, Forbidden
from meetings import attending, holding, queries, speaking, walls
from meetings.rooms import codes, undoing
from meetings.rooms.presence import PresenceRecord, presence_of
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.rooms.test_room_pages import words_of
from tests.web.people import sign_in

KEY = "the secret of a test"
NOON = datetime(2026, 12, 7, 5, 0, 0, tzinfo=UTC)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_code_is_good_in_its_minute_and_the_next_and_never_after(second: int, later: int) -> None:
    began, now = NOON + timedelta(seconds=second), NOON + timedelta(seconds=second + later)
    code = codes.code_at(KEY, 4, began)
    assert codes.is_code(KEY, 4, code, now) == (now.timestamp() // 60 - began.timestamp() // 60 <= 1)
    assert not codes.is_code(KEY, 5, code, began)
    assert not codes.is_code("another secret", 4, code, began)
    assert timedelta(0) < codes.changes_at(began) - began <= codes.CODE_TIME


@pytest.mark.parametrize("forged", ["", "4", "4.x.y", "4..", "5.{until}.{sig}", "4.9{until}.{sig}", "4.{until}.é"])
def test_a_forged_pass_opens_nothing(forged: str) -> None:
    until, sig = codes.pass_for(KEY, 4, NOON).split(".")[1:]
    assert codes.is_pass(KEY, 4, f"4.{until}.{sig}", NOON + codes.PASS_TIME)
    assert not codes.is_pass(KEY, 4, f"4.{until}.{sig}", NOON + codes.PASS_TIME + timedelta(seconds=1))
    assert not codes.is_pass(KEY, 4, forged.format(until=until, sig=sig), NOON)


def test_a_phone_scans_signs_in_and_is_there(app: Flask, db: Database, cast: Cast, config: Config) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        attending.set_at_entrance(tx, cast.thu, stage.id, True)
    phone = sign_in(app, "lan")
    refused = phone.post(f"/meetings/{stage.id}/check-in")
    assert refused.status_code == 409
    assert "quét mã ở cửa" in refused.text
    late = phone.get(f"/here/{stage.id}/{codes.code_at(config.signing_secret(), stage.id, NOON)}")
    assert (late.status_code, at.TITLES[0] in late.text) == (404, False)
    assert phone.post(f"/meetings/{stage.id}/here").status_code == 409
    code = codes.code_at(config.signing_secret(), stage.id, clock.now())
    scanned = phone.get(f"/here/{stage.id}/{code}")
    assert scanned.location == f"/meetings/{stage.id}/here"
    assert "Tôi có mặt" in phone.get(scanned.location).text
    assert _record(db, cast, stage).came == []  # reading changes nothing
    phone.post(scanned.location)
    there = phone.get(scanned.location).text
    assert re.search(r"Đã điểm danh lúc [\d:/ ]+\.", words_of(there))
    (line,) = _record(db, cast, stage).came
    assert (line.person.id, line.stays[0].by_word.vi) == (stage.people["lan"], "quét mã ở cửa")


def test_the_pass_of_a_stranger_and_of_another_meeting_opens_nothing(
    app: Flask, db: Database, cast: Cast, config: Config
) -> None:
    stage, other = at.convened(db, cast), at.convened(db, cast)
    stranger, lan = sign_in(app, "oanh"), sign_in(app, "lan")
    code = codes.code_at(config.signing_secret(), stage.id, clock.now())
    for client in (stranger, lan):
        assert client.get(f"/here/{stage.id}/{code}").status_code == 302
    assert stranger.get(f"/meetings/{stage.id}/here").status_code == 404
    assert stranger.post(f"/meetings/{stage.id}/here").status_code == 404
    assert lan.post(f"/meetings/{other.id}/here").status_code == 409
    assert app.test_client().get(f"/here/999999/{code}").status_code == 404


def test_a_paired_door_takes_people_by_name_and_a_wall_does_not(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    app.config["WTF_CSRF_ENABLED"] = False  # the token of a page is the page's business
    entry, wall = app.test_client(), app.test_client()
    for client, kind in ((entry, walls.ENTRANCE), (wall, walls.WALL)):
        with db.write() as tx:
            screen = walls.show_code(tx)
            walls.pair(tx, cast.thu, stage.id, screen.code, kind)
        client.set_cookie(walls.COOKIE, screen.token)
    assert entry.get("/wall").location == f"/meetings/{stage.id}/entrance"
    assert wall.get("/wall").location == f"/meetings/{stage.id}/wall"
    assert wall.get(f"/meetings/{stage.id}/entrance").status_code == 403
    assert entry.get(f"/meetings/{stage.id}/entrance/code").mimetype == "image/svg+xml"
    for name, status in (("lan", 403), ("thu", 200), ("oanh", 404)):  # who is far away cannot fetch what stands there
        assert sign_in(app, name).get(f"/meetings/{stage.id}/entrance/code").status_code == status
    found = words_of(entry.get(f"/meetings/{stage.id}/entrance?find={cast.lan.name.split()[-1]}").text)
    assert cast.lan.name in found
    assert cast.nam.name not in found
    in_ = entry.post(f"/meetings/{stage.id}/entrance/people/{stage.people['lan']}")
    assert in_.status_code == 303, in_.text
    assert f"Đã điểm danh: {cast.lan.name}." in words_of(entry.get(in_.location).text)
    assert wall.post(f"/meetings/{stage.id}/entrance/people/{stage.people['nam']}").status_code == 403
    assert [line.person.id for line in _record(db, cast, stage).came] == [stage.people["lan"]]


def test_who_leaves_is_not_counted_gives_the_floor_back_and_may_come_again(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    opened = at.meeting(db, stage).opened_at
    assert opened is not None
    with clock.frozen(opened + timedelta(minutes=12)), db.write() as tx:
        attending.check_in(tx, cast.lan, stage.id)
        speaking.call_on(tx, cast.binh, stage.id, stage.people["lan"])
    with clock.frozen(opened + timedelta(minutes=30)), db.write() as tx:
        attending.leave(tx, cast.lan, stage.id)
    with db.read() as tx:
        page = queries.page(tx, cast.thu, stage.id)
    assert (page.turns, page.quorum.present) == ((), 0)
    assert _lines(db, cast, stage) == [("lan", 12, True, 1)]
    with clock.frozen(opened + timedelta(minutes=40)), db.write() as tx:
        attending.check_in_for(tx, cast.thu, stage.id, stage.people["lan"])
    assert _lines(db, cast, stage) == [("lan", 12, False, 2)]
    with db.write() as tx:
        attending.take_back(tx, cast.thu, stage.id, stage.people["lan"])
    assert _lines(db, cast, stage) == [("lan", 12, True, 1)]


def test_only_the_desk_notes_that_others_leave_and_reads_who_came_when(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        attending.check_in(tx, cast.nam, stage.id)
    with pytest.raises(Forbidden), db.write() as tx:
        attending.leave_for(tx, cast.lan, stage.id, stage.people["nam"])
    assert sign_in(app, "lan").get(f"/meetings/{stage.id}/attendance").status_code == 403
    thu = sign_in(app, "thu")
    thu.post(f"/meetings/{stage.id}/people/{stage.people['nam']}/leave", data={"from": "plain"})
    said = words_of(thu.get(f"/meetings/{stage.id}/attendance").text)
    assert "Đã đến: 1" in said
    assert re.search(r"tự điểm danh \S+ (\S+ )?về trước", said)


def test_an_opening_pressed_by_mistake_is_taken_back_until_something_hangs_on_it(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        undoing.undo_open(tx, cast.binh, stage.id)
    assert (at.meeting(db, stage).state, at.meeting(db, stage).opened_at) == ("convened", None)
    with db.write() as tx:
        holding.open_meeting(tx, cast.binh, stage.id)
        holding.take_item(tx, cast.binh, stage.id, stage.items[0])
    with pytest.raises(Conflict), db.write() as tx:
        undoing.undo_open(tx, cast.binh, stage.id)


def test_a_closing_pressed_by_mistake_goes_back_to_the_point_and_its_time(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    began = clock.now()
    with clock.frozen(began), db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[1])
    with clock.frozen(began + timedelta(minutes=5)), db.write() as tx:
        holding.close(tx, cast.binh, stage.id)
    with clock.frozen(began + timedelta(minutes=7)), db.write() as tx:
        undoing.undo_close(tx, cast.binh, stage.id)
    meeting = at.meeting(db, stage)
    assert (meeting.state, meeting.current_item_id, meeting.closed_at) == ("open", stage.items[1], None)
    assert meeting.current_at == began + timedelta(minutes=2)
    with db.write() as tx:
        holding.close(tx, cast.binh, stage.id)
    with clock.frozen(clock.now() + timedelta(minutes=4)), pytest.raises(Conflict), db.write() as tx:
        undoing.undo_close(tx, cast.binh, stage.id)


def _record(db: Database, cast: Cast, stage: at.Stage) -> PresenceRecord:
    with db.read() as tx:
        return presence_of(tx, queries.page(tx, cast.thu, stage.id))


def _lines(db: Database, cast: Cast, stage: at.Stage) -> list[tuple[str, int, bool, int]]:
    names = {number: name for name, number in stage.people.items()}
    found = _record(db, cast, stage).came
    return [(names[line.person.id], line.late_minutes, line.left_early, len(line.stays)) for line in found]
