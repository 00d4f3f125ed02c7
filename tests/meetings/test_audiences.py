"""A confidential point reaches the desk and the chosen people, and nobody else: pages, papers, streams, snapshots."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from directory.actor import Actor
from kernel.audit import AuditEntry
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, Stale
from kernel.storage.blobs import Blob
from kernel.streams import between, heads, may_join, replay
from meetings import access, audiences, concluding, convening, following, holding, planning, projection, snapshots
from meetings.audiences import AudienceFacts
from meetings.concluding import ConclusionWords
from meetings.planning import ItemFacts, PaperFile
from meetings.states import Audience
from tests.cast import Cast
from tests.meetings import stage as at
from tests.web.people import sign_in

SECRETS = ("Điều động cán bộ", "Kỷ luật", "Tờ trình mật", "Giao bí mật")
WALL = "wall"


def actor_of(cast: Cast, name: str, stage: at.Stage) -> Actor:
    if name == WALL:
        return Actor(kind="wall", scopes=frozenset({access.wall_scope(stage.id)}))
    actor: Actor = getattr(cast, name)
    return actor


def restrict(db: Database, cast: Cast, stage: at.Stage, item: int, audience: Audience, *names: str) -> None:
    with db.write(cast.thu.by) as tx:
        facts = AudienceFacts(audience, frozenset(stage.people[name] for name in names))
        audiences.change_audience(tx, cast.thu, stage.id, item, facts)


@pytest.fixture
def stage(db: Database, cast: Cast) -> at.Stage:
    """A meeting in progress: its second point is closed and its third hidden, both but for Lan."""
    stage = at.opened(db, cast)
    with db.write(cast.thu.by) as tx:
        for item, title in zip(stage.items[1:], SECRETS[:2], strict=True):
            planning.change_item(tx, cast.thu, stage.id, item, ItemFacts(title, "Ban Tổ chức", 5), 1)
            file = PaperFile(f"Tờ trình mật {item}", Blob("cd" * 32, 4096), 3)
            planning.add_paper(tx, cast.thu, stage.id, item, file)
    restrict(db, cast, stage, stage.items[1], Audience.CLOSED, "lan")
    restrict(db, cast, stage, stage.items[2], Audience.HIDDEN, "lan")
    return stage


def read(db: Database, actor: Actor, stage: at.Stage) -> dict[str, Any]:
    with db.read() as tx:
        return snapshots.snapshot(tx, actor, stage.id).wire()


def told(db: Database, after: dict[str, int]) -> list[dict[str, Any]]:
    with db.read() as tx:
        events = [e for name, head in heads(tx, after).items() for e in between(tx, name, after[name], head)]
    return [{"kind": e.kind, "data": e.data} for e in events]


def busy(db: Database, cast: Cast, stage: at.Stage) -> None:
    """All that happens around confidential points."""
    _, closed, hidden = stage.items
    with db.write(cast.binh.by) as tx:
        holding.take_item(tx, cast.binh, stage.id, closed)
        words = ConclusionWords("Giao bí mật một việc")
        concluding.conclude(tx, cast.binh, stage.id, words)
    with db.write(cast.binh.by) as tx:
        holding.take_item(tx, cast.binh, stage.id, hidden)
        left = concluding.conclude(tx, cast.binh, stage.id, ConclusionWords("Giao bí mật việc khác"))
        concluding.conclude(tx, cast.binh, stage.id, ConclusionWords("Giao bí mật việc thứ ba"))
    with db.write(cast.thu.by) as tx:
        concluding.drop(tx, cast.thu, stage.id, left["conclusion"])
        planning.add_item(tx, cast.thu, stage.id, ItemFacts("Việc sau"))
        planning.change_item(tx, cast.thu, stage.id, closed, ItemFacts("Kỷ luật cán bộ", "", 7), 4)
    with db.write(cast.thu.by) as tx:
        order = at.meeting(db, stage).item_order
        planning.reorder(tx, cast.thu, stage.id, [*order[1:], order[0]])


@pytest.mark.parametrize("name", ["thu", "lan", "nam", WALL])
def test_what_is_told_leads_each_reader_where_the_rows_lead(
    db: Database, cast: Cast, stage: at.Stage, name: str
) -> None:
    actor = actor_of(cast, name, stage)
    start = read(db, actor, stage)
    busy(db, cast, stage)
    state = start["state"]
    streams = {stream: head for stream, head in start["heads"].items() if stream.startswith("meeting:")}
    for event in told(db, streams):
        state = projection.apply(state, event["kind"], event["data"])
    after = read(db, actor, stage)
    assert state == after["state"]
    knows_hidden = stage.items[2] in projection.seen(state)["meeting"]["item_order"]
    assert knows_hidden == (name in {"thu", "lan"})
    if knows_hidden:
        assert projection.seen(state)["meeting"]["item_order"] == at.meeting(db, stage).item_order
        assert projection.seen(state)["meeting"]["current"] == stage.items[2]


@pytest.mark.parametrize("name", ["nam", WALL])
def test_nothing_of_it_reaches_the_others(db: Database, cast: Cast, stage: at.Stage, name: str) -> None:
    actor = actor_of(cast, name, stage)
    start = read(db, actor, stage)
    busy(db, cast, stage)
    heard = json.dumps([start, told(db, start["heads"]), read(db, actor, stage)], ensure_ascii=False)
    assert [secret for secret in SECRETS if secret in heard] == []
    assert "Nội dung kín" in heard
    assert f'"id": {stage.items[2]},' not in json.dumps(start["state"]["items"])


def test_no_page_shows_it_to_who_was_not_chosen(app: Flask, db: Database, cast: Cast, stage: at.Stage) -> None:
    busy(db, cast, stage)
    places = [f"/meetings/{stage.id}{page}" for page in ("", "/room", "/plain", "/snapshot")]
    nam, lan = sign_in(app, "nam"), sign_in(app, "lan")
    for place in places:
        shown = json.dumps(nam.get(place).get_data(as_text=True), ensure_ascii=False)
        assert [secret for secret in SECRETS if secret in shown] == [], place
        assert SECRETS[3] in json.dumps(lan.get(place).get_data(as_text=True), ensure_ascii=False), place


def test_its_papers_are_not_found_by_others(db: Database, cast: Cast, stage: at.Stage) -> None:
    with db.read() as tx:
        papers = [audiences.papers_of(tx, item)[0].id for item in stage.items[1:]]
        for paper in papers:
            for name in ("nam", WALL):
                with pytest.raises(NotFound):
                    access.paper_for(tx, actor_of(cast, name, stage), stage.id, paper)
            assert access.paper_for(tx, cast.lan, stage.id, paper).id == paper
    with db.write(cast.thu.by) as tx:
        following.lead(tx, cast.thu, stage.id, papers[0], 2)
    assert read(db, cast.nam, stage)["follow"] is None
    assert read(db, cast.lan, stage)["follow"]["page"] == 2


def test_its_stream_is_denied_as_one_that_is_not_there(db: Database, cast: Cast, stage: at.Stage) -> None:
    names = [f"meeting:{stage.id}/item:{item}" for item in (*stage.items, 999_999, "x", "")]
    with db.read() as tx:
        allowed = {
            name: [may_join(tx, actor_of(cast, name, stage), stream) for stream in names]
            for name in ("thu", "lan", "nam", "oanh", WALL)
        }
    everything = [False, True, True, False, False, False]
    assert allowed == {"thu": everything, "lan": everything} | dict.fromkeys(("nam", "oanh", WALL), [False] * 6)


def test_what_was_told_before_it_was_closed_is_not_replayed(db: Database, cast: Cast, stage: at.Stage) -> None:
    room = f"meeting:{stage.id}"
    with db.read() as tx:
        head = heads(tx, [room])[room]
    restrict(db, cast, stage, stage.items[0], Audience.CLOSED)
    with db.read() as tx:
        assert replay(tx, room, head - 1) is None
        news = replay(tx, room, head)
    assert news is not None
    assert [e.kind for e in news][-1] == "reset"


def test_only_its_readers_are_reset_when_one_of_them_may_not_any_more(
    db: Database, cast: Cast, stage: at.Stage
) -> None:
    own, room = f"meeting:{stage.id}/item:{stage.items[2]}", f"meeting:{stage.id}"
    with db.read() as tx:
        before = heads(tx, [own, room])
    restrict(db, cast, stage, stage.items[2], Audience.HIDDEN)
    with db.read() as tx:
        assert [e.kind for e in replay(tx, own, before[own]) or []][-1] == "reset"
        assert "reset" not in [e.kind for e in replay(tx, room, before[room]) or []]
        assert not may_join(tx, cast.lan, own)


def test_a_point_can_be_opened_again(db: Database, cast: Cast, stage: at.Stage) -> None:
    busy(db, cast, stage)
    for item in stage.items[1:]:
        restrict(db, cast, stage, item, Audience.EVERYONE)
    shown = read(db, cast.nam, stage)["state"]
    assert len(shown["items"]) == 4
    assert len(shown["conclusions"]) == 2
    assert shown["meeting"]["current"] == stage.items[2]
    assert read(db, cast.lan, stage)["state"] == shown


def test_the_journal_of_the_agency_does_not_hold_its_words(db: Database, cast: Cast, stage: at.Stage) -> None:
    busy(db, cast, stage)
    with db.read() as tx:
        entries = tx.session.scalars(sa.select(AuditEntry.detail).where(AuditEntry.action.like("meeting.%"))).all()
    said = json.dumps(entries[-12:], ensure_ascii=False)
    assert "Giao bí mật" not in said


def test_who_may_not_and_what_cannot_be_is_refused(db: Database, cast: Cast, stage: at.Stage) -> None:
    facts = AudienceFacts(Audience.CLOSED)
    with db.write() as tx, pytest.raises(Forbidden):
        audiences.change_audience(tx, cast.lan, stage.id, stage.items[0], facts)
    with db.write() as tx, pytest.raises(NotFound):
        audiences.change_audience(tx, cast.oanh, stage.id, stage.items[0], facts)
    with db.write() as tx, pytest.raises(Stale):
        audiences.change_audience(tx, cast.thu, stage.id, stage.items[0], facts, 99)
    with db.write() as tx, pytest.raises(Invalid):
        strangers = AudienceFacts(Audience.CLOSED, frozenset({999_999}))
        audiences.change_audience(tx, cast.thu, stage.id, stage.items[0], strangers)


def test_who_was_taken_off_the_list_reads_nothing_any_more(db: Database, cast: Cast, stage: at.Stage) -> None:
    own = f"meeting:{stage.id}/item:{stage.items[1]}"
    with db.write(cast.thu.by) as tx:
        convening.drop_person(tx, cast.thu, stage.id, stage.people["lan"])
    with db.read() as tx:
        assert not may_join(tx, cast.lan, own)
        assert audiences.cleared_for(tx, stage.items[1]) == frozenset()


def test_the_builder_says_who_reads_a_point_and_keeps_what_was_chosen(app: Flask, cast: Cast, stage: at.Stage) -> None:
    thu = sign_in(app, "thu")
    build = f"/meetings/{stage.id}/build"
    assert "Nội dung kín: 1 người" in thu.get(build).get_data(as_text=True)
    place = f"/meetings/{stage.id}/items/{stage.items[0]}/audience"
    done = thu.post(place, data={"audience": "closed", "reader": [stage.people["nam"], stage.people["dung"]]})
    assert done.status_code == 303
    assert "Nội dung kín: 2 người" in thu.get(build).get_data(as_text=True)
    refused = thu.post(place, data={"audience": "nobody"})
    assert refused.status_code == 422
    assert "Xin chọn ai được xem nội dung này." in refused.get_data(as_text=True)
