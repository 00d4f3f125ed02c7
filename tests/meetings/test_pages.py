"""The endpoints of meetings over HTTP: forms keep what was typed, strangers learn nothing, reads change nothing."""

import io
import re
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from meetings.models import AgendaItem, Conclusion, Meeting, MeetingPaper, Participant
from meetings.routes import routes
from notify import links
from notify.models import Link, Message
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.papers import pdf
from tests.web.people import sign_in

JSON = {"Accept": "application/json"}


def facts(**changes: str) -> dict[str, str]:
    on = clock.today() + timedelta(days=3)
    return {
        "kind": "room",
        "title": "Họp giao ban",
        "place": "Phòng 1",
        "starts_on": on.isoformat(),
        "starts_at": "08:00",
        "ends_at": "10:30",
        **changes,
    }


def test_a_meeting_is_planned_and_convened_with_forms_alone(app: Flask, db: Database, cast: Cast) -> None:
    thu = sign_in(app, "thu")
    chair = str(cast.binh.person_id)
    answer = thu.post("/meetings", data=facts(chair_id=chair))
    assert answer.status_code == 303
    base = answer.location.removesuffix("/build")
    for title in at.TITLES:
        assert thu.post(f"{base}/items", data={"title": title, "presenter": "", "minutes": "15"}).status_code == 303
    with db.read() as tx:
        items = list(tx.session.scalars(sa.select(AgendaItem.id).order_by(AgendaItem.id)))
    order = [str(i) for i in reversed(items)]
    assert thu.post(f"{base}/order", data={"order": order}).status_code == 303
    file = {"file": (io.BytesIO(pdf(2)), "Báo cáo.pdf")}
    assert thu.post(f"{base}/items/{items[0]}/papers", data=file).status_code == 303
    people = [str(a.person_id) for a in (cast.lan, cast.nam, cast.dung, cast.phuc)]
    assert thu.post(f"{base}/people", data={"person": people, "role": "delegate"}).status_code == 303
    assert thu.post(f"{base}/convene").status_code == 303
    page = thu.get(f"{base}/build").text
    assert all(title in page for title in at.TITLES)
    assert page.count("Chờ gửi") == 12
    seen = sign_in(app, "lan").get(base).text
    assert "Báo cáo" in seen
    assert "Chờ gửi" not in seen
    with db.read() as tx:
        assert [str(i) for i in tx.session.scalars(sa.select(Meeting)).one().item_order] == order


def test_a_wrong_form_comes_back_with_what_was_typed(app: Flask, db: Database) -> None:
    thu = sign_in(app, "thu")
    wrongs = [
        {"title": ""},
        {"ends_at": "07:00"},
        {"starts_on": "hôm qua"},
        {"starts_on": "2020-01-01"},
        {"starts_on": "0001-01-01", "starts_at": "00:00"},
        {"starts_on": "9999-12-31", "ends_at": "23:59"},
        {"kind": "online", "online_url": "không phải"},
        {"kind": "elsewhere", "place": ""},
        {"chair_id": "99999999999999999999"},
    ]
    for wrong in wrongs:
        answer = thu.post("/meetings", data=facts(**{"title": "Tên đã gõ", "place": "Nơi đã gõ", **wrong}))
        assert answer.status_code == 422
        assert "error-summary" in answer.text
        assert ("Tên đã gõ" in answer.text) == ("title" not in wrong)
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Meeting)) == 0


def test_a_refused_item_and_a_refused_conclusion_keep_their_words(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    base, thu = f"/meetings/{stage.id}", sign_in(app, "thu")
    item = thu.post(f"{base}/items", data={"title": "Việc <b>mới</b>", "presenter": "Ai đó", "minutes": "một"})
    assert item.status_code == 422
    assert "Việc &lt;b&gt;mới&lt;/b&gt;" in item.text
    assert "Ai đó" in item.text
    told = thu.post(f"{base}/conclusions", data={"text": "Lời kết luận", "due": "ngày mai kia", "assign": "y"})
    assert told.status_code == 422
    assert "Lời kết luận" in told.text
    assert "ngày mai kia" in told.text
    by_script = thu.post(f"{base}/conclusions", data={"text": ""}, headers=JSON)
    assert by_script.status_code == 422
    assert list(by_script.json["fields"]) == ["text"]  # type: ignore[index]


def test_the_plain_form_of_a_conclusion_sent_again_writes_nothing_twice(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    base, thu = f"/meetings/{stage.id}", sign_in(app, "thu")
    carried = re.compile(r'name="command_id" value="([^"]+)"')
    [number] = carried.findall(thu.get(f"{base}/plain").text)
    assert carried.findall(thu.get(f"{base}/room").text) != [number]
    refused = thu.post(f"{base}/conclusions", data={"from": "plain", "command_id": number, "text": ""})
    assert (refused.status_code, carried.findall(refused.text)) == (422, [number])
    typed = {
        "from": "plain",
        "command_id": number,
        "text": "Rà soát",
        "lead_id": str(cast.nam.person_id),
        "assign": "y",
    }
    for _ in range(2):
        answer = thu.post(f"{base}/conclusions", data=typed)
        assert (answer.status_code, answer.location) == (303, f"{base}/plain")
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Conclusion)) == 1
        told = sa.select(sa.func.count()).where(Message.kind == "task.given", Message.channel == "sms")
        assert tx.session.scalar(told) == 1


def test_a_file_that_is_no_paper_is_refused_at_its_field(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    thu = sign_in(app, "thu")
    for data in (b"", b"MZ\x90", b"%PDF-1.7 broken"):
        file = {"file": (io.BytesIO(data), "../../x.pdf"), "paper_title": "Tên"}
        answer = thu.post(f"/meetings/{stage.id}/items/{stage.items[0]}/papers", data=file)
        assert answer.status_code == 422
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(MeetingPaper)) == 0


def test_a_stranger_finds_nothing_behind_any_endpoint(app: Flask, db: Database, cast: Cast) -> None:
    stage, other = at.opened(db, cast), at.opened(db, cast)
    before = _state(db)
    oanh = sign_in(app, "oanh")
    for endpoint in routes.endpoints:
        if "<int:meeting_id>" not in endpoint.path:
            continue
        for meeting_id in (stage.id, 999_999_999):
            path = _filled(endpoint.path, meeting_id, other)
            answer = oanh.open(
                path, method=endpoint.method, data=_valid(other, cast) if endpoint.method == "POST" else None
            )
            hidden = answer.status_code == 404 or (endpoint.name == "meetings.wall" and answer.status_code == 302)
            assert hidden, f"{endpoint.method} {path}: {answer.status_code}"
    assert _state(db) == before


def test_a_delegate_passes_no_endpoint_of_the_desk(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    lan = sign_in(app, "lan")
    own = {"answer", "cast_vote", "cast_sealed", "check_in", "ask_to_speak", "withdraw", "come", "leave"}
    before = _state(db)
    for endpoint in routes.endpoints:
        name = endpoint.name.removeprefix("meetings.")
        if "<int:meeting_id>" in endpoint.path and endpoint.method == "POST" and name not in own:
            answer = lan.post(_filled(endpoint.path, stage.id, stage), data=_valid(stage, cast))
            assert answer.status_code == 403, f"{endpoint.path}: {answer.status_code}"
    assert _state(db) == before
    for page in ("build", "facts"):
        assert lan.get(f"/meetings/{stage.id}/{page}").status_code == 403


def test_things_of_another_meeting_are_not_found_through_mine(app: Flask, db: Database, cast: Cast) -> None:
    mine, other = at.opened(db, cast), at.opened(db, cast)
    thu = sign_in(app, "thu")
    for endpoint in routes.endpoints:
        if endpoint.method == "POST" and endpoint.path.count("<int:") == 2:
            answer = thu.post(_filled(endpoint.path, mine.id, other), data={"title": "x", "minutes": "5", "rev": "1"})
            refused = answer.status_code == 404 or endpoint.name == "meetings.add_paper"
            assert refused, f"{endpoint.path}: {answer.status_code}"
    assert thu.post(f"/meetings/{mine.id}/current", data={"item": other.items[0]}).status_code == 404


def test_a_move_made_on_an_old_view_answers_409_with_what_stands(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    binh = sign_in(app, "binh")
    done = binh.post(f"/meetings/{stage.id}/current", data={"item": stage.items[0]}, headers=JSON)
    assert done.json == {"current": stage.items[0], "rev": at.meeting(db, stage).rev}
    late = binh.post(f"/meetings/{stage.id}/current", data={"item": stage.items[1], "rev": "1"}, headers=JSON)
    assert late.status_code == 409
    assert late.json["info"]["current"]["current"] == stage.items[0]  # type: ignore[index]
    order = binh.post(f"/meetings/{stage.id}/order", data={"order": ["1"]}, headers=JSON)
    assert order.status_code == 409
    for item in ("", "x", "-1", "9" * 30):
        assert binh.post(f"/meetings/{stage.id}/current", data={"item": item}, headers=JSON).status_code == 404


def test_the_snapshot_is_read_again_only_when_something_happened(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    lan = sign_in(app, "lan")
    first = lan.get(f"/meetings/{stage.id}/snapshot")
    assert first.json["state"]["meeting"]["state"] == "open"  # type: ignore[index]
    again = lan.get(f"/meetings/{stage.id}/snapshot", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    sign_in(app, "binh").post(f"/meetings/{stage.id}/current", data={"item": stage.items[0]})
    changed = lan.get(f"/meetings/{stage.id}/snapshot", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.json["state"]["meeting"]["current"] == stage.items[0]  # type: ignore[index]


def test_a_wall_reads_the_paper_and_nothing_that_is_the_desks(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    thu, wall = sign_in(app, "thu"), app.test_client()
    file = {"file": (io.BytesIO(pdf(1)), "a.pdf")}
    thu.post(f"/meetings/{stage.id}/items/{stage.items[0]}/papers", data=file)
    assert wall.get("/wall").status_code == 200
    wall.post("/wall")
    code = re.sub(r"\s", "", re.search(r'wall-code"[^>]*>([^<]+)<', wall.get("/wall").text)[1])  # type: ignore[index]
    assert wall.get(f"/meetings/{stage.id}/snapshot").status_code == 404
    assert thu.post(f"/meetings/{stage.id}/walls", data={"code": "AAAAAA"}).status_code == 422
    assert thu.post(f"/meetings/{stage.id}/walls", data={"code": code}).status_code == 303
    assert wall.get("/wall").location == f"/meetings/{stage.id}/wall"
    assert wall.get(f"/meetings/{stage.id}/wall").status_code == 200
    with db.read() as tx:
        paper = tx.session.scalars(sa.select(MeetingPaper.id)).one()
    answer = wall.get(f"/meetings/{stage.id}/papers/{paper}")
    assert answer.data.startswith(b"%PDF-")
    assert "immutable" in answer.headers["Cache-Control"]
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert wall.get(f"/meetings/{stage.id}/papers/{paper}", headers=tag).status_code == 304
    part = wall.get(f"/meetings/{stage.id}/papers/{paper}", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.data) == (206, answer.data[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(answer.data)}"
    beyond = wall.get(f"/meetings/{stage.id}/papers/{paper}", headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.data) == (416, b"")
    for path in ("", "/build", "/room", "/plain"):
        assert wall.get(f"/meetings/{stage.id}{path}").status_code in {302, 403, 404}
    assert wall.post(f"/meetings/{stage.id}/open").status_code in {401, 403, 404}
    assert at.meeting(db, stage).state == "convened"


def test_opening_a_link_in_any_way_changes_nothing_and_its_form_acts_once(
    app: Flask, db: Database, cast: Cast, config: Config
) -> None:
    at.convened(db, cast)
    with db.read() as tx:
        link = tx.session.scalars(sa.select(Link).where(Link.person_id == cast.lan.person_id)).one()
        path = f"/l/{links.token(link, config.signing_secret())}"
    guest = app.test_client()
    before = _state(db)
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        assert guest.open(path, method=method).status_code in {200, 204}
    assert _state(db) == before
    page = guest.get(path).text
    assert "Phòng họp số 1" in page
    assert not any(title in page for title in at.TITLES)
    refused = guest.post(path, data={"answer": "no", "reason": ""})
    assert refused.status_code == 422
    assert _state(db) == before
    for _ in range(2):
        assert guest.post(path, data={"answer": "yes"}).status_code == 303
    with db.read() as tx:
        place = tx.session.scalars(sa.select(Participant).where(Participant.person_id == cast.lan.person_id)).one()
    assert (place.answer, place.rev) == ("yes", 2)


def test_every_page_shows_every_state(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    base, thu, lan = f"/meetings/{stage.id}", sign_in(app, "thu"), sign_in(app, "lan")
    thu.post(f"{base}/convene")
    for step in ("", "open", "pause", "resume", "close"):
        if step:
            assert thu.post(f"{base}/{step}", data={"from": "plain"}).location == f"{base}/plain"
        for page in ("", "/room", "/plain", "/build?q=Lan", "/build?fragment=1", "?fragment=1"):
            assert thu.get(f"{base}{page}").status_code == 200
        for page in ("", "/room", "/plain"):
            assert lan.get(f"{base}{page}").status_code == 200
    assert thu.get("/meetings?fragment=1").status_code == 200
    assert "Đã kết thúc" in lan.get("/meetings").text
    empty = sign_in(app, "hanh")
    assert "Chưa có cuộc họp nào" in empty.get("/meetings").text
    assert empty.get("/meetings/new").status_code == 403


def _filled(path: str, meeting_id: int, stage: at.Stage) -> str:
    thing = {
        "item_id": stage.items[0],
        "participant_id": stage.people["nam"],
        "paper_id": 1,
        "turn_id": 1,
        "conclusion_id": 1,
        "wall_id": 1,
        "vote_id": 1,
    }
    path = path.replace("<int:meeting_id>", str(meeting_id))
    return re.sub(r"<int:(\w+)>", lambda m: str(thing[m[1]]), path)


def _valid(stage: at.Stage, cast: Cast) -> dict[str, Any]:
    """Fields that a form of any endpoint would take."""
    return {
        **facts(chair_id=str(cast.binh.person_id)),
        "minutes": "10",
        "rev": "1",
        "order": [str(i) for i in stage.items],
        "person": [str(cast.oanh.person_id)],
        "item": str(stage.items[0]),
        "reason": "Lý do",
        "answer": "yes",
        "text": "Kết luận",
        "code": "AAAAAA",
        "file": (io.BytesIO(pdf(1)), "a.pdf"),
    }


def _state(db: Database) -> list[Any]:
    with db.read() as tx:
        meetings = [(m.state, m.rev, m.item_order) for m in tx.session.scalars(sa.select(Meeting).order_by(Meeting.id))]
        counts = [
            tx.session.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (AgendaItem, Participant, MeetingPaper, Conclusion, Message, Link)
        ]
        people = list(tx.session.execute(sa.select(Participant.answer, Participant.rev).order_by(Participant.id)))
    return [meetings, counts, people]
