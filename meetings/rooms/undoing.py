"""An opening or a closing pressed by mistake is taken back: soon after, and before anything hangs on it."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict
from kernel.text import phrase
from meetings import audiences, streams
from meetings.access import Right, meeting_for, must_allow
from meetings.models import AgendaItem, Conclusion, Meeting
from meetings.planning import note
from meetings.queries import MeetingPage
from meetings.speaking import end_open_turns
from meetings.states import Verb
from meetings.voting.models import Vote

UNDO_FOR = timedelta(minutes=3)
"""So long after the press. static/js/room/desk.js shows the way back as long."""


def undo_open(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    """The meeting has not begun after all: people are in the lobby again and may come in. Conflict once a point was
    taken up, a vote opened or a conclusion written."""
    meeting = _within_time(tx, actor, meeting_id, Verb.UNDO_OPEN)
    if meeting.visited or _has_decided(tx, meeting.id):
        raise Conflict(phrase("Cuộc họp đã bắt đầu bàn hoặc biểu quyết nên không quay lại trước khai mạc được nữa."))
    meeting.state = must_allow(meeting, Verb.UNDO_OPEN)
    end_open_turns(tx, meeting)
    meeting.opened_at = None
    meeting.rev += 1
    streams.tell_meeting(tx, meeting)
    note(tx, meeting, "meeting.undo_open")
    return meeting


def undo_close(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    """The meeting goes on where it was: on the same point, whose time stood still meanwhile. The speakers' queue is
    empty; who wants to speak asks again."""
    meeting = _within_time(tx, actor, meeting_id, Verb.UNDO_CLOSE)
    closed = meeting.closed_at
    assert closed is not None
    meeting.state = must_allow(meeting, Verb.UNDO_CLOSE)
    meeting.closed_at = None
    last = tx.session.scalar(
        sa.select(AgendaItem).where(AgendaItem.meeting_id == meeting.id, AgendaItem.ended_at == closed)
    )
    if last is not None:
        meeting.current_item_id, last.ended_at = last.id, None
        meeting.current_at = (meeting.current_at or closed) + (clock.now() - closed)
    meeting.rev += 1
    streams.tell_meeting(tx, meeting)
    audiences.tell_hidden_places(tx, meeting, only={meeting.current_item_id})
    note(tx, meeting, "meeting.undo_close")
    return meeting


def undoable(page: MeetingPage) -> str:
    """What the page may offer to take back: `open`, `close` or nothing."""
    meeting, edge = page.meeting, clock.now() - UNDO_FOR
    if Verb.UNDO_OPEN in page.can and meeting.opened_at is not None and meeting.opened_at > edge:
        return "" if page.current else "open"
    if Verb.UNDO_CLOSE in page.can and meeting.closed_at is not None and meeting.closed_at > edge:
        return "close"
    return ""


def _within_time(tx: Tx, actor: Actor, meeting_id: int, verb: Verb) -> Meeting:
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, verb)
    pressed: datetime | None = meeting.opened_at if verb is Verb.UNDO_OPEN else meeting.closed_at
    if pressed is None or clock.now() - pressed > UNDO_FOR:
        raise Conflict(phrase("Đã quá {n} phút nên không quay lại được nữa.", n=UNDO_FOR.seconds // 60))
    return meeting


def _has_decided(tx: Tx, meeting_id: int) -> bool:
    voted = sa.exists().where(Vote.meeting_id == meeting_id, Vote.opened_at.is_not(None))
    concluded = sa.exists().where(Conclusion.meeting_id == meeting_id)
    return bool(tx.session.scalar(sa.select(sa.or_(voted, concluded))))
