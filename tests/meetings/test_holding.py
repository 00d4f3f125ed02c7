"""The chair leads: opening, taking up points, pausing, closing; speakers and presence."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.db import Database
from kernel.errors import Conflict, Forbidden, NotFound, Stale, WrongState
from kernel.streams import StreamEvent
from meetings import attending, holding, queries, speaking
from meetings.models import AgendaItem
from meetings.states import MeetingState
from tests.cast import Cast
from tests.meetings import stage as at

pytestmark = pytest.mark.both_databases


def test_a_meeting_opens_takes_up_points_pauses_and_closes(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    steps: list[tuple[Callable[..., Any], MeetingState]] = [
        (holding.pause, MeetingState.PAUSED),
        (holding.resume, MeetingState.OPEN),
        (holding.close, MeetingState.CLOSED),
    ]
    for verb, state in steps:
        with db.write() as tx:
            verb(tx, cast.binh, stage.id)
        assert at.meeting(db, stage).state == state
    with pytest.raises(WrongState), db.write() as tx:
        holding.open_meeting(tx, cast.binh, stage.id)


def test_a_pause_counts_neither_for_the_point_nor_for_who_speaks(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    began = clock.now()
    with clock.frozen(began), db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[0])
        speaking.ask_to_speak(tx, cast.nam, stage.id)
    with clock.frozen(began):
        _give(db, cast, stage, "nam")
    with clock.frozen(began + timedelta(minutes=5)), db.write() as tx:
        holding.pause(tx, cast.binh, stage.id)
    assert at.meeting(db, stage).paused_at == began + timedelta(minutes=5)
    with clock.frozen(began + timedelta(minutes=35)), db.write() as tx:
        holding.resume(tx, cast.binh, stage.id)
    meeting = at.meeting(db, stage)
    with db.read() as tx:
        (turn,) = speaking.queue_of(tx, meeting).turns
    assert (meeting.paused_at, meeting.current_at, turn.started_at) == (None, *[began + timedelta(minutes=30)] * 2)


def test_another_point_ends_the_speech_on_the_one_before_and_keeps_who_waits(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[0])
        speaking.ask_to_speak(tx, cast.lan, stage.id)
        speaking.ask_to_speak(tx, cast.nam, stage.id)
    _give(db, cast, stage, "nam")
    with db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[1])
    assert _queue(db, stage) == [(stage.people["lan"], "waiting")]


def test_a_draft_cannot_be_opened(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with pytest.raises(WrongState), db.write() as tx:
        holding.open_meeting(tx, cast.binh, stage.id)


def test_the_current_point_moves_with_one_event_that_says_all(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    first, second, _third = stage.items
    with db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, first)
    with db.write() as tx:
        answer = holding.take_item(tx, cast.thu, stage.id, second)
    meeting = at.meeting(db, stage)
    assert (meeting.current_item_id, meeting.visited, meeting.rev) == (second, [first, second], answer["rev"])
    with db.read() as tx:
        last = tx.session.scalars(sa.select(StreamEvent).order_by(StreamEvent.seq.desc()).limit(1)).one()
        times = {item.id: item for item in tx.session.scalars(sa.select(AgendaItem))}
    assert last.kind == "meeting"
    assert {k: last.data[k] for k in ("current", "visited", "rev")} == {
        "current": second,
        "visited": [first, second],
        "rev": meeting.rev,
    }
    assert times[first].ended_at is not None
    assert times[second].started_at is not None
    assert times[second].ended_at is None


def test_the_same_command_twice_moves_once(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    answers = []
    for _ in range(2):
        with db.write(cast.binh.by) as tx:
            answers.append(holding.take_item(tx, cast.binh, stage.id, stage.items[0], command_id="c-1"))
    assert answers[0] == answers[1]
    assert at.meeting(db, stage).rev == answers[0]["rev"]
    with pytest.raises(Conflict), db.write(cast.thu.by) as tx:
        holding.take_item(tx, cast.thu, stage.id, stage.items[1], command_id="c-1")


def test_a_command_made_on_an_old_view_is_stale_and_says_what_stands(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    rev = at.meeting(db, stage).rev
    with db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[0], rev=rev)
    with pytest.raises(Stale) as refusal, db.write() as tx:
        holding.take_item(tx, cast.thu, stage.id, stage.items[1], rev=rev)
    assert refusal.value.current == {"current": stage.items[0], "rev": rev + 1}


def test_taking_the_current_point_again_changes_nothing(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    for _ in range(2):
        with db.write() as tx:
            answer = holding.take_item(tx, cast.binh, stage.id, stage.items[0])
    assert at.meeting(db, stage).rev == answer["rev"]


def test_points_of_other_meetings_and_strangers_are_refused(db: Database, cast: Cast) -> None:
    stage, other = at.opened(db, cast), at.opened(db, cast)
    with pytest.raises(NotFound), db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, other.items[0])
    with pytest.raises(Forbidden), db.write() as tx:
        holding.take_item(tx, cast.lan, stage.id, stage.items[0])
    with pytest.raises(NotFound), db.write() as tx:
        holding.take_item(tx, cast.oanh, stage.id, stage.items[0])
    with pytest.raises(NotFound), db.write() as tx:
        holding.take_item(tx, cast.binh, 999_999, stage.items[0])


def test_no_point_is_taken_up_before_the_opening_or_in_a_pause(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with pytest.raises(WrongState), db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[0])


def test_people_queue_to_speak_in_the_order_of_asking(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    for actor in (cast.lan, cast.nam, cast.lan):
        with db.write() as tx:
            speaking.ask_to_speak(tx, actor, stage.id)
    assert _queue(db, stage) == [(stage.people["lan"], "waiting"), (stage.people["nam"], "waiting")]
    _give(db, cast, stage, "nam")
    assert _queue(db, stage) == [(stage.people["nam"], "speaking"), (stage.people["lan"], "waiting")]
    _give(db, cast, stage, "lan")
    assert _queue(db, stage) == [(stage.people["lan"], "speaking")]
    with db.write() as tx:
        speaking.withdraw(tx, cast.lan, stage.id)
    assert _queue(db, stage) == []


def test_closing_ends_the_queue_and_the_current_point(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[0])
        speaking.ask_to_speak(tx, cast.lan, stage.id)
    with db.write() as tx:
        holding.close(tx, cast.binh, stage.id)
    assert _queue(db, stage) == []
    assert at.meeting(db, stage).current_item_id is None
    with pytest.raises(WrongState), db.write() as tx:
        speaking.ask_to_speak(tx, cast.nam, stage.id)


def test_people_check_in_themselves_or_by_the_secretary_and_count_for_the_quorum(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        attending.check_in(tx, cast.lan, stage.id)
        attending.check_in(tx, cast.lan, stage.id)
        attending.check_in_for(tx, cast.thu, stage.id, stage.people["nam"])
        attending.check_in_for(tx, cast.thu, stage.id, stage.people["phuc"])
    with db.read() as tx:
        quorum = queries.page(tx, cast.thu, stage.id).quorum
    assert (quorum.present, quorum.invited, quorum.reached) == (2, 4, False)
    with db.write() as tx:
        attending.check_in_for(tx, cast.thu, stage.id, stage.people["dung"])
    with db.read() as tx:
        assert queries.page(tx, cast.thu, stage.id).quorum.reached
    with db.write() as tx:
        attending.take_back(tx, cast.thu, stage.id, stage.people["dung"])
    with pytest.raises(Forbidden), db.write() as tx:
        attending.check_in_for(tx, cast.lan, stage.id, stage.people["dung"])


def _queue(db: Database, stage: at.Stage) -> list[tuple[int, str]]:
    with db.read() as tx:
        turns = speaking.queue_of(tx, at.meeting(db, stage)).turns
    return [(turn.participant, turn.state) for turn in turns]


def _give(db: Database, cast: Cast, stage: at.Stage, name: str) -> None:
    with db.write() as tx:
        turns = speaking.queue_of(tx, at.meeting(db, stage)).turns
        (turn,) = (turn.id for turn in turns if turn.participant == stage.people[name])
        speaking.give_floor(tx, cast.thu, stage.id, turn)
