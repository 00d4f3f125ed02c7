"""The state of a screen: the events of a meeting lead where its rows lead, and events may come twice or late."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from kernel.db import Database
from kernel.streams import between, heads
from meetings import answering, attending, concluding, convening, holding, planning, projection, snapshots, speaking
from meetings.answering import Reply
from meetings.concluding import ConclusionWords
from meetings.planning import ItemFacts
from meetings.quorum import QuorumRule
from meetings.states import Answer
from meetings.voting import deciding
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.voting import scene

EVENTS = json.loads((Path(__file__).parent / "events.json").read_text())


def project(events: list[dict[str, Any]]) -> projection.State:
    state = projection.empty()
    for event in events:
        state = projection.apply(state, event["kind"], event["data"])
    return state


def test_the_fixture_leads_to_the_state_that_a_reader_expects() -> None:
    state = project(EVENTS)
    assert state["meeting"] == {
        "id": 4,
        "rev": 5,
        "title": "Họp giao ban",
        "state": "open",
        "item_order": [12, 11],
        "current": 11,
        "visited": [11],
        "current_at": "2026-11-23T01:00:00.000+00:00",
    }
    assert list(state["items"]) == ["12"]
    assert state["items"]["12"]["title"] == "Phương án chống ngập"
    assert state["people"]["32"]["answer"] == "no"
    assert state["answers"]["32"]["reason"] == "Bận"
    assert state["queue"]["turns"][0]["state"] == "speaking"
    assert (state["queue"]["limit"], state["queue"]["quiet_first"]) == (180, True)
    assert state["speeches"] == {"32": {"id": 32, "rev": 2, "times": 2, "seconds": 140}}
    assert state["conclusions"]["51"] == {"id": 51, "rev": 2, "text": "Giao Sở Tài chính", "task": 91}
    assert state["tasks"]["91"]["state"] == "received"


def test_what_a_reader_is_cleared_for_is_laid_over_the_agenda() -> None:
    seen = projection.seen(project(EVENTS))
    assert seen["meeting"]["item_order"] == [12, 13, 14, 11]
    assert (seen["meeting"]["current"], seen["meeting"]["visited"]) == (13, [11, 13])
    assert seen["items"]["12"]["title"] == "Phương án nhân sự"
    assert sorted(seen["items"]) == ["12", "13", "14"]


def test_events_that_come_twice_or_again_later_change_nothing() -> None:
    wanted = project(EVENTS)
    source = random.Random(7)
    for _ in range(200):
        delivered: list[dict[str, Any]] = []
        for event in EVENTS:
            delivered.append(event)
            if event["data"].get("rev", 0) and not _deletes_later(event) and source.random() < 0.5:
                delivered.append(source.choice([e for e in delivered if not _deletes_later(e)]))
        assert project(delivered) == wanted


def _deletes_later(event: dict[str, Any]) -> bool:
    """Streams are dense and in order, so nothing of an object comes after it is gone."""
    return bool((event["kind"], event["data"].get("id")) in {("item", 11), ("cleared", 15), ("speech", 33)})


def test_applying_leaves_the_old_state_as_it_was() -> None:
    before = project(EVENTS[:5])
    copy = json.loads(json.dumps(before))
    projection.apply(before, "person", {"id": 32, "rev": 9, "gone": True})
    projection.apply(before, "meeting", {"rev": 9, "title": "Khác"})
    assert before == copy


@pytest.mark.parametrize("name", ["thu", "lan"])
def test_what_was_told_live_equals_what_the_rows_say(db: Database, cast: Cast, name: str) -> None:
    """The oracle: everything that can happen, then events against the snapshot, for the desk and for a delegate."""
    stage = at.opened(db, cast)
    _everything(db, cast, stage)
    actor = getattr(cast, name)
    with db.read() as tx:
        snapshot = snapshots.snapshot(tx, actor, stage.id).wire()
        names = [n for n in snapshots.stream_names(tx, actor, at.meeting(db, stage)) if n.startswith("meeting:")]
        told = [e for n, head in heads(tx, names).items() for e in between(tx, n, 0, head)]
    state = project([{"kind": e.kind, "data": e.data} for e in told])
    tasks = snapshot["state"].pop("tasks")
    state.pop("tasks")
    for place in (state, snapshot["state"]):
        for answer in place["answers"].values():
            del answer["rev"]  # a check-in counts there too, and changes no answer
    assert state == snapshot["state"]
    assert bool(tasks) == (name == "thu")
    assert all(snapshot["heads"][n] == max(e.seq for e in told if e.stream == n) for n in names)


def _everything(db: Database, cast: Cast, stage: at.Stage) -> None:
    with db.write() as tx:
        extra = planning.add_item(tx, cast.thu, stage.id, ItemFacts("Thừa"))
        answering.answer(tx, cast.lan, stage.id, Reply(Answer.NO, "Đi công tác"))
        answering.answer(tx, cast.dung, stage.id, Reply(Answer.SUBSTITUTE, "", "Trần Văn Ví", "Chuyên viên", ""))
    with db.write() as tx:
        planning.drop_item(tx, cast.thu, stage.id, extra.id)
        planning.change_item(tx, cast.thu, stage.id, stage.items[2], ItemFacts("Việc khác nữa", "Thư", 5), 1)
        planning.reorder(tx, cast.thu, stage.id, list(reversed(stage.items)))
        planning.add_people(tx, cast.thu, stage.id, [cast.oanh.person_id, cast.quynh.person_id])
    with db.write() as tx:
        people = {p.person_id: p.id for p in convening.participants_of(tx, stage.id)}
        answering.answer(tx, cast.quynh, stage.id, Reply(Answer.YES))
        speaking.call_on(tx, cast.thu, stage.id, people[cast.quynh.person_id])
    with db.write() as tx:
        convening.drop_person(tx, cast.thu, stage.id, people[cast.quynh.person_id])
        attending.check_in(tx, cast.lan, stage.id)
        attending.check_in_for(tx, cast.thu, stage.id, stage.people["nam"])
        attending.leave(tx, cast.lan, stage.id)
        attending.check_in_for(tx, cast.thu, stage.id, stage.people["lan"])
        attending.set_at_entrance(tx, cast.thu, stage.id, True)
        holding.take_item(tx, cast.binh, stage.id, stage.items[1])
    with db.write() as tx:
        speaking.ask_to_speak(tx, cast.lan, stage.id)
        turn = speaking.ask_to_speak(tx, cast.nam, stage.id)
        speaking.set_rules(tx, cast.binh, stage.id, 180, quiet_first=True)
        speaking.move_turn(tx, cast.thu, stage.id, turn.id, 0)
        speaking.give_floor(tx, cast.binh, stage.id, turn.id)
        speaking.set_time(tx, cast.binh, stage.id, turn.id, 240)
        speaking.call_on(tx, cast.thu, stage.id, stage.people["phuc"])
        holding.take_item(tx, cast.binh, stage.id, stage.items[0])
    with db.write() as tx:
        words = ConclusionWords("Giao rà soát", lead_id=cast.nam.person_id, co_ids=(cast.lan.person_id,))
        concluding.conclude(tx, cast.binh, stage.id, words, assign=True)
        left = concluding.conclude(tx, cast.binh, stage.id, ConclusionWords("Ghi nhận"))
    with db.write() as tx:
        concluding.drop(tx, cast.binh, stage.id, left["conclusion"])
        holding.pause(tx, cast.binh, stage.id)
        holding.resume(tx, cast.binh, stage.id)
    scene.finish(db, cast, stage, _vote(db, cast, stage, "Việc một"))
    with db.write() as tx:
        deciding.cancel(tx, cast.thu, stage.id, _vote(db, cast, stage, "Việc hai"))
    _vote(db, cast, stage, "Việc ba")


def _vote(db: Database, cast: Cast, stage: at.Stage, question: str) -> int:
    vote_id = scene.running(db, cast, stage, question=question, quorum=QuorumRule.NONE)
    scene.choose(db, cast, stage, vote_id, lan=0)
    return vote_id
