"""The chair leads the meeting: opens it, takes up one point after another, pauses and closes it."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, Forbidden, NotFound, Stale
from kernel.schema import table_of
from kernel.text import phrase
from meetings import access, audiences, streams
from meetings.access import Right, meeting_for, must_allow
from meetings.live import CurrentItem
from meetings.models import AgendaItem, Meeting, RoomCommand, SpeakTurn
from meetings.planning import note
from meetings.speaking import end_open_turns, end_speech, move_speech
from meetings.states import Audience, Turn, Verb

Answer = dict[str, Any]


def once(tx: Tx, meeting_id: int, command_id: str | None, act: Callable[[], Answer]) -> Answer:
    """Do `act` unless the same command was done before; then give its answer again.

    The caller has, or `act` takes, the lock of the meeting's row. Conflict when another person used the id.
    """
    if not command_id:
        return act()
    known = tx.session.get(RoomCommand, (meeting_id, command_id[:64]))
    if known is not None:
        return _answer_again(known, tx.by)
    answer = act()
    tx.session.add(
        RoomCommand(meeting_id=meeting_id, command_id=command_id[:64], by=tx.by, result=[answer], at=clock.now())
    )
    return answer


def _answer_again(known: RoomCommand, by: str) -> Answer:
    if known.by != by:
        raise Conflict(phrase("Mã lệnh này đã được dùng cho việc khác."))
    answer: Answer = known.result[0]
    return answer


def open_meeting(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    """Begin: from now on points are taken up and people may ask to speak."""
    meeting = _move(tx, actor, meeting_id, Verb.OPEN)
    meeting.opened_at = clock.now()
    streams.tell_meeting(tx, meeting)
    note(tx, meeting, "meeting.open")
    return meeting


def pause(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    """Break off for a while; the current point stays, and its time stands still."""
    meeting = _move(tx, actor, meeting_id, Verb.PAUSE)
    meeting.paused_at = clock.now()
    streams.tell_meeting(tx, meeting)
    note(tx, meeting, "meeting.pause")
    return meeting


def resume(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    """Go on after a pause, which counts neither for the point nor for who has the floor."""
    meeting = _move(tx, actor, meeting_id, Verb.RESUME)
    if meeting.paused_at is not None:
        rest = clock.now() - meeting.paused_at
        if meeting.current_at is not None:
            meeting.current_at += rest
        move_speech(tx, meeting, rest)
        meeting.paused_at = None
    streams.tell_meeting(tx, meeting)
    audiences.tell_hidden_places(tx, meeting, only={meeting.current_item_id})
    note(tx, meeting, "meeting.resume")
    return meeting


def close(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    """End the meeting. Conclusions may still be completed; points, presence and turns are final."""
    meeting = _move(tx, actor, meeting_id, Verb.CLOSE)
    now, last = clock.now(), meeting.current_item_id
    if last is not None:
        tx.session.execute(sa.update(AgendaItem).where(AgendaItem.id == last).values(ended_at=now))
    end_open_turns(tx, meeting)
    if meeting.paused_at is not None and meeting.current_at is not None:
        meeting.current_at += now - meeting.paused_at  # stays, for who takes the closing back (rooms/undoing.py)
    meeting.current_item_id, meeting.paused_at, meeting.closed_at = None, None, now
    streams.tell_meeting(tx, meeting)
    audiences.tell_hidden_places(tx, meeting, only={last})
    note(tx, meeting, "meeting.close")
    return meeting


def _move(tx: Tx, actor: Actor, meeting_id: int, verb: Verb) -> Meeting:
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    meeting.state = must_allow(meeting, verb)
    meeting.rev += 1
    return meeting


def take_item(
    tx: Tx, actor: Actor, meeting_id: int, item_id: int, *, rev: int | None = None, command_id: str | None = None
) -> Answer:
    """Make a point the current one, for everybody at once; who speaks on the one before has spoken.

    The chair presses and a thousand screens follow, so this works below the unit of work, with statements that are
    built once: one locked SELECT, one UPDATE of the meeting, one of each point's times, and one event. `rev` is what
    the chair saw; Stale when the agenda or the current point changed since, with what stands now.
    """
    row = tx.session.connection().execute(_FIND, {"meeting": meeting_id}).one_or_none()
    if row is None or not access.at_desk(actor, row):
        meeting_for(tx, actor, meeting_id)  # NotFound for strangers
        raise Forbidden(phrase("Chỉ chủ trì và thư ký cuộc họp được làm việc này."))
    if command_id:
        known = tx.session.get(RoomCommand, (meeting_id, command_id[:64]))
        if known is not None:
            return _answer_again(known, tx.by)
    must_allow(row, Verb.TAKE_ITEM)  # type: ignore[arg-type]
    if item_id not in row.item_order:
        raise NotFound(phrase("Nội dung này không có trong chương trình của cuộc họp."))
    if rev is not None and rev != row.rev:
        raise Stale({"current": row.current_item_id, "rev": row.rev})
    if item_id == row.current_item_id:
        return {"rev": row.rev, "current": item_id}
    return _store_current(tx, row, item_id, command_id)


def _store_current(tx: Tx, row: Any, item_id: int, command_id: str | None) -> Answer:
    now = clock.now()
    visited = row.visited if item_id in row.visited else [*row.visited, item_id]
    connection = tx.session.connection()
    move = {"meeting": row.id, "next_rev": row.rev + 1, "item": item_id, "now": now, "seen": visited}
    connection.execute(_MOVE, move)
    connection.execute(_BEGIN, {"item": item_id, "now": now})
    if row.current_item_id is not None:
        connection.execute(_END, {"item": row.current_item_id, "now": now})
    if row.has_hidden:
        _tell_current(tx, row, item_id)
    else:
        tx.publish(streams.room(row.id), "meeting", CurrentItem(row.rev + 1, item_id, now, tuple(visited)))
    if row.has_speaker:
        end_speech(tx, row.id)
    answer = {"rev": row.rev + 1, "current": item_id}
    if command_id:
        tx.session.execute(
            sa.insert(RoomCommand).values(
                meeting_id=row.id, command_id=command_id[:64], by=tx.by, result=[answer], at=now
            )
        )
    return answer


def _tell_current(tx: Tx, row: Any, item_id: int) -> None:
    """The same where the room does not know all points."""
    tx.session.expire_all()
    meeting = tx.session.get_one(Meeting, row.id)
    streams.tell_meeting(tx, meeting)
    audiences.tell_hidden_places(tx, meeting, only={item_id, row.current_item_id})


_MEETING, _ITEM, _TURN = table_of(Meeting), table_of(AgendaItem), table_of(SpeakTurn)
_NOW = sa.bindparam("now", type_=_MEETING.c.current_at.type)
_FIND = (
    sa.select(
        _MEETING.c.id,
        _MEETING.c.agency_id,
        _MEETING.c.chair_id,
        _MEETING.c.secretary_id,
        _MEETING.c.state,
        _MEETING.c.rev,
        _MEETING.c.item_order,
        _MEETING.c.visited,
        _MEETING.c.current_item_id,
        sa.exists().where(_TURN.c.meeting_id == _MEETING.c.id, _TURN.c.state == Turn.SPEAKING).label("has_speaker"),
        sa.exists().where(_ITEM.c.meeting_id == _MEETING.c.id, _ITEM.c.audience == Audience.HIDDEN).label("has_hidden"),
    )
    .where(_MEETING.c.id == sa.bindparam("meeting"))
    .with_for_update(of=_MEETING)
)
_MOVE = (
    sa.update(_MEETING)
    .where(_MEETING.c.id == sa.bindparam("meeting"))
    .values(
        rev=sa.bindparam("next_rev"),
        current_item_id=sa.bindparam("item"),
        current_at=_NOW,
        visited=sa.bindparam("seen", type_=_MEETING.c.visited.type),
    )
)
_BEGIN = (
    sa.update(_ITEM)
    .where(_ITEM.c.id == sa.bindparam("item"))
    .values(started_at=sa.func.coalesce(_ITEM.c.started_at, _NOW), ended_at=None)
)
_END = sa.update(_ITEM).where(_ITEM.c.id == sa.bindparam("item")).values(ended_at=_NOW)
