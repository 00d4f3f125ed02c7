"""The speakers' queue: who asked to speak, who has the floor, how long. The queue is one object with one `rev`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import phrase
from meetings import streams
from meetings.access import Right, meeting_for, must_allow, own_place_for, participant_for
from meetings.live import Gone, LiveQueue, LiveTurn
from meetings.models import Meeting, Participant, SpeakTurn
from meetings.rooms.order import moved, place_of_newcomer
from meetings.rooms.speeches import speeches_of, totals_of
from meetings.states import RUNNING_STATES, MeetingState, Turn, Verb

OPEN_TURNS = (Turn.WAITING, Turn.SPEAKING)
LONGEST_SECONDS = 3600
"""A speech is given at most so long."""


def ask_to_speak(tx: Tx, actor: Actor, meeting_id: int) -> SpeakTurn:
    """Register for the floor on the current point. Asking twice keeps the first place."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    must_allow(meeting, Verb.SPEAK)
    turn = _open_turn(tx, participant.id)
    if turn is None:
        waiting = _waiting(tx, meeting.id)
        turn = _register(tx, meeting, participant)
        times = _times_spoken(tx, meeting.id)
        spoke = [times.get(other.participant_id, 0) for other in waiting]
        place = place_of_newcomer(times.get(participant.id, 0), spoke, meeting.quiet_first)
        _arrange(moved(waiting, turn, place))
        _tell(tx, meeting)
    return turn


def withdraw(tx: Tx, actor: Actor, meeting_id: int) -> None:
    """Take one's own request back, or give the floor back."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    turn = _open_turn(tx, participant.id)
    if turn is not None:
        _end(tx, meeting, [turn])


def give_floor(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> SpeakTurn:
    """Let somebody of the queue speak; who spoke until now is done."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.SPEAK)
    turn = _turn_for(tx, meeting, turn_id)
    if turn.state == Turn.WAITING:
        _begin(tx, meeting, turn)
    return turn


def call_on(tx: Tx, actor: Actor, meeting_id: int, participant_id: int | None) -> SpeakTurn:
    """Let somebody speak who did not ask, or who waits; who spoke until now is done. Invalid when nobody was chosen."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.SPEAK)
    if participant_id is None:
        raise Invalid({"participant": phrase("Xin chọn người được mời phát biểu.")})
    participant = participant_for(tx, meeting, participant_id)
    turn = _open_turn(tx, participant.id) or _register(tx, meeting, participant)
    if turn.state == Turn.WAITING:
        _begin(tx, meeting, turn)
    return turn


def end_turn(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> SpeakTurn:
    """Take the floor back, or a request off the queue."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    turn = _turn_for(tx, meeting, turn_id)
    if turn.state in OPEN_TURNS:
        _end(tx, meeting, [turn])
    return turn


def move_turn(tx: Tx, actor: Actor, meeting_id: int, turn_id: int, place: int) -> SpeakTurn:
    """Put somebody who waits at another place of the queue (0: next). The place is said, not the way to it, so that two
    who press at once move them once."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.SPEAK)
    turn = _turn_for(tx, meeting, turn_id)
    waiting = _waiting(tx, meeting.id)
    if turn in waiting and waiting != (after := moved(waiting, turn, place)):
        _arrange(after)
        _tell(tx, meeting)
    return turn


def set_time(tx: Tx, actor: Actor, meeting_id: int, turn_id: int, seconds: int) -> SpeakTurn:
    """Give who speaks another time in all; a minute more, for example."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    turn = _turn_for(tx, meeting, turn_id)
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise Invalid({"seconds": _TOO_LONG})
    if turn.state == Turn.SPEAKING and turn.seconds != seconds:
        turn.seconds = seconds
        _tell(tx, meeting)
    return turn


def set_rules(tx: Tx, actor: Actor, meeting_id: int, limit: int, quiet_first: bool) -> Meeting:
    """Say how many seconds each speaker gets from now on (0: no limit), and whether who has spoken less goes first.
    The queue is put into that order at once; who speaks keeps what they were given."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    if meeting.state not in {MeetingState.CONVENED, *RUNNING_STATES}:
        must_allow(meeting, Verb.SPEAK)
    if not 0 <= limit <= LONGEST_SECONDS:
        raise Invalid({"limit": _TOO_LONG})
    if (limit, quiet_first) == (meeting.speech_seconds, meeting.quiet_first):
        return meeting
    if quiet_first != meeting.quiet_first:
        times = _times_spoken(tx, meeting.id) if quiet_first else {}
        asked = sorted(_waiting(tx, meeting.id), key=lambda turn: (turn.asked_at, turn.id))
        _arrange(sorted(asked, key=lambda turn: times.get(turn.participant_id, 0)))
    meeting.speech_seconds, meeting.quiet_first = limit, quiet_first
    _tell(tx, meeting)
    return meeting


def end_open_turns(tx: Tx, meeting: Meeting) -> None:
    """The meeting closes: nobody waits or speaks any more."""
    _end(tx, meeting, _open_turns(tx, meeting.id))


def end_speech(tx: Tx, meeting_id: int) -> None:
    """The point that was spoken on is over: who has the floor has spoken; who waits goes on waiting."""
    speakers = [turn for turn in _open_turns(tx, meeting_id) if turn.state == Turn.SPEAKING]
    if speakers:
        _end(tx, tx.session.get_one(Meeting, meeting_id, populate_existing=True), speakers)


def move_speech(tx: Tx, meeting: Meeting, rest: timedelta) -> None:
    """A pause that lasted for `rest` does not count for who has the floor."""
    for turn in _open_turns(tx, meeting.id):
        if turn.state == Turn.SPEAKING and turn.started_at is not None:
            turn.started_at += rest
            _tell(tx, meeting)


def end_turn_of(tx: Tx, meeting: Meeting, participant: Participant) -> None:
    """A participant is taken off the list, and with it the queue and the list of who spoke."""
    leave_queue(tx, meeting, participant)
    spoke = totals_of(speeches_of(tx, meeting.id, participant.id)).get(participant.id)
    if spoke is not None:
        tx.publish(streams.room(meeting.id), "speech", Gone(participant.id, spoke.rev + 1))


def leave_queue(tx: Tx, meeting: Meeting, participant: Participant) -> None:
    """A participant goes: they wait and speak no more."""
    turn = _open_turn(tx, participant.id)
    if turn is not None:
        _end(tx, meeting, [turn])


def queue_of(tx: Tx, meeting: Meeting) -> LiveQueue:
    """The queue as screens see it: who speaks first, then who waits, in their order."""
    turns = sorted(_open_turns(tx, meeting.id), key=_place)
    live = tuple(LiveTurn.of(turn) for turn in turns)
    return LiveQueue(meeting.queue_rev, live, meeting.speech_seconds, meeting.quiet_first)


def _place(turn: SpeakTurn) -> tuple[bool, int, datetime, int]:
    return turn.state != Turn.SPEAKING, turn.place, turn.asked_at, turn.id


def _open_turns(tx: Tx, meeting_id: int) -> list[SpeakTurn]:
    query = sa.select(SpeakTurn).where(SpeakTurn.meeting_id == meeting_id, SpeakTurn.state.in_(OPEN_TURNS))
    return list(tx.session.scalars(query))


def _waiting(tx: Tx, meeting_id: int) -> list[SpeakTurn]:
    return sorted((turn for turn in _open_turns(tx, meeting_id) if turn.state == Turn.WAITING), key=_place)


def _open_turn(tx: Tx, participant_id: int) -> SpeakTurn | None:
    query = sa.select(SpeakTurn).where(SpeakTurn.participant_id == participant_id, SpeakTurn.state.in_(OPEN_TURNS))
    return tx.session.scalars(query).first()


def _turn_for(tx: Tx, meeting: Meeting, turn_id: int) -> SpeakTurn:
    turn = tx.session.get(SpeakTurn, turn_id)
    if turn is None or turn.meeting_id != meeting.id:
        raise NotFound()
    return turn


def _times_spoken(tx: Tx, meeting_id: int) -> dict[int, int]:
    return {one.id: one.times for one in totals_of(speeches_of(tx, meeting_id)).values()}


def _register(tx: Tx, meeting: Meeting, participant: Participant) -> SpeakTurn:
    turn = SpeakTurn(
        meeting_id=meeting.id,
        participant_id=participant.id,
        item_id=meeting.current_item_id,
        state=Turn.WAITING,
        asked_at=clock.now(),
    )
    tx.session.add(turn)
    tx.session.flush()
    return turn


def _arrange(waiting: Iterable[SpeakTurn]) -> None:
    for place, turn in enumerate(waiting):
        turn.place = place


def _begin(tx: Tx, meeting: Meeting, turn: SpeakTurn) -> None:
    """Give the floor. A speech belongs to the point on which it is held, not to that on which it was asked for."""
    done = [other for other in _open_turns(tx, meeting.id) if other.state == Turn.SPEAKING]
    turn.state, turn.started_at, turn.item_id = Turn.SPEAKING, clock.now(), meeting.current_item_id
    turn.seconds = meeting.speech_seconds
    _end(tx, meeting, done)
    if not done:
        _tell(tx, meeting)


def _end(tx: Tx, meeting: Meeting, turns: Sequence[SpeakTurn]) -> None:
    """End turns and tell it: the queue, and for each who had the floor how much they have spoken in all."""
    spoke = [turn.participant_id for turn in turns if turn.state == Turn.SPEAKING]
    for turn in turns:
        turn.state = Turn.DONE if turn.state == Turn.SPEAKING else Turn.WITHDRAWN
        turn.ended_at = meeting.paused_at or clock.now()  # in a pause nobody speaks
    if turns:
        _tell(tx, meeting)
    for participant_id in spoke:
        total = totals_of(speeches_of(tx, meeting.id, participant_id))[participant_id]
        tx.publish(streams.room(meeting.id), "speech", total)


def _tell(tx: Tx, meeting: Meeting) -> None:
    meeting.queue_rev += 1
    tx.session.flush()
    tx.publish(streams.room(meeting.id), "queue", queue_of(tx, meeting))


_TOO_LONG = phrase("Xin cho mỗi lượt phát biểu nhiều nhất 60 phút.")
