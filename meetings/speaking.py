"""The speakers' queue: who asked to speak, who has the floor. The whole queue is one object with one `rev`."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from meetings import streams
from meetings.access import Right, meeting_for, must_allow, own_place_for
from meetings.live import LiveQueue, LiveTurn
from meetings.models import Meeting, Participant, SpeakTurn
from meetings.states import Turn, Verb

OPEN_TURNS = (Turn.WAITING, Turn.SPEAKING)


def ask_to_speak(tx: Tx, actor: Actor, meeting_id: int) -> SpeakTurn:
    """Register for the floor on the current point. Asking twice keeps the first place."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    must_allow(meeting, Verb.SPEAK)
    turn = _open_turn(tx, participant.id)
    if turn is None:
        turn = SpeakTurn(
            meeting_id=meeting.id,
            participant_id=participant.id,
            item_id=meeting.current_item_id,
            state=Turn.WAITING,
            asked_at=clock.now(),
        )
        tx.session.add(turn)
        _tell(tx, meeting)
    return turn


def withdraw(tx: Tx, actor: Actor, meeting_id: int) -> None:
    """Take one's own request back, or give the floor back."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    turn = _open_turn(tx, participant.id)
    if turn is not None:
        _end(turn)
        _tell(tx, meeting)


def give_floor(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> SpeakTurn:
    """Let somebody of the queue speak; who spoke until now is done."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.SPEAK)
    turn = _turn_for(tx, meeting, turn_id)
    if turn.state == Turn.WAITING:
        for other in _open_turns(tx, meeting.id):
            if other.state == Turn.SPEAKING:
                _end(other)
        turn.state, turn.started_at = Turn.SPEAKING, clock.now()
        _tell(tx, meeting)
    return turn


def end_turn(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> SpeakTurn:
    """Take the floor back, or a request off the queue."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    turn = _turn_for(tx, meeting, turn_id)
    if turn.state in OPEN_TURNS:
        _end(turn)
        _tell(tx, meeting)
    return turn


def end_open_turns(tx: Tx, meeting: Meeting) -> None:
    """The meeting closes: nobody waits or speaks any more."""
    turns = _open_turns(tx, meeting.id)
    for turn in turns:
        _end(turn)
    if turns:
        _tell(tx, meeting)


def end_speech(tx: Tx, meeting_id: int) -> None:
    """The point that was spoken on is over: who has the floor has spoken; who waits goes on waiting."""
    speakers = [turn for turn in _open_turns(tx, meeting_id) if turn.state == Turn.SPEAKING]
    for turn in speakers:
        _end(turn)
    if speakers:
        _tell(tx, tx.session.get_one(Meeting, meeting_id, populate_existing=True))


def move_speech(tx: Tx, meeting: Meeting, rest: timedelta) -> None:
    """A pause that lasted for `rest` does not count for who has the floor."""
    for turn in _open_turns(tx, meeting.id):
        if turn.state == Turn.SPEAKING and turn.started_at is not None:
            turn.started_at += rest
            _tell(tx, meeting)


def end_turn_of(tx: Tx, meeting: Meeting, participant: Participant) -> None:
    """A participant leaves the meeting, and with it the queue."""
    turn = _open_turn(tx, participant.id)
    if turn is not None:
        _end(turn)
        _tell(tx, meeting)


def queue_of(tx: Tx, meeting: Meeting) -> LiveQueue:
    """The queue as screens see it: who speaks first, then who waits, in the order of asking."""
    turns = sorted(_open_turns(tx, meeting.id), key=_place)
    return LiveQueue(meeting.queue_rev, tuple(LiveTurn.of(turn) for turn in turns))


def _place(turn: SpeakTurn) -> tuple[bool, datetime, int]:
    return turn.state != Turn.SPEAKING, turn.asked_at, turn.id


def _open_turns(tx: Tx, meeting_id: int) -> list[SpeakTurn]:
    query = sa.select(SpeakTurn).where(SpeakTurn.meeting_id == meeting_id, SpeakTurn.state.in_(OPEN_TURNS))
    return list(tx.session.scalars(query))


def _open_turn(tx: Tx, participant_id: int) -> SpeakTurn | None:
    query = sa.select(SpeakTurn).where(SpeakTurn.participant_id == participant_id, SpeakTurn.state.in_(OPEN_TURNS))
    return tx.session.scalars(query).first()


def _turn_for(tx: Tx, meeting: Meeting, turn_id: int) -> SpeakTurn:
    turn = tx.session.get(SpeakTurn, turn_id)
    if turn is None or turn.meeting_id != meeting.id:
        raise NotFound()
    return turn


def _end(turn: SpeakTurn) -> None:
    turn.state = Turn.DONE if turn.state == Turn.SPEAKING else Turn.WITHDRAWN
    turn.ended_at = clock.now()


def _tell(tx: Tx, meeting: Meeting) -> None:
    meeting.queue_rev += 1
    tx.session.flush()
    tx.publish(streams.room(meeting.id), "queue", queue_of(tx, meeting))
