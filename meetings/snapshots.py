"""What a screen of a meeting starts from: the whole state with the stream numbers that it stands for."""

import sqlalchemy as sa

from directory.actor import Actor
from directory.streams import person_stream
from kernel.db import Tx
from kernel.streams import StreamName, epoch, heads
from meetings import audiences, following, streams
from meetings.access import Right, at_desk, clearance_of, meeting_for
from meetings.convening import participants_of
from meetings.live import LiveAnswer, LiveConclusion, LiveMeeting, LivePerson, LiveState, LiveTask, Snapshot
from meetings.models import AgendaItem, Meeting
from meetings.queries import conclusions_for, papers_by_item, tasks_of
from meetings.rooms.speeches import speeches_of, totals_of
from meetings.speaking import queue_of
from meetings.states import Audience
from meetings.voting.queries import live_votes


def stream_names(tx: Tx, actor: Actor | None, meeting: Meeting) -> list[StreamName]:
    """The streams of this meeting that `actor` may follow."""
    names = [streams.room(meeting.id), *audiences.streams_of(tx, actor, meeting)]
    if actor is None or not at_desk(actor, meeting):
        return names
    # What became of the tasks is told to who gave or follows them.
    return [*names, streams.desk(meeting.id), person_stream(actor.person_id)]


def snapshot_tag(tx: Tx, actor: Actor | None, meeting_id: int) -> str:
    """What changes whenever the snapshot would: the numbers of the streams that tell about it."""
    meeting = meeting_for(tx, actor, meeting_id, Right.FOLLOW)
    numbers = heads(tx, stream_names(tx, actor, meeting))
    place = following.place_of(tx, actor, meeting)
    return "-".join([str(epoch(tx)), str(place.rev if place else 0), *(str(numbers[name]) for name in sorted(numbers))])


def snapshot(tx: Tx, actor: Actor | None, meeting_id: int) -> Snapshot:
    """The state of meetings/projection.py drawn from the rows, with the stream numbers it stands for and the
    epoch in which those count."""
    meeting = meeting_for(tx, actor, meeting_id, Right.FOLLOW)
    clearance = clearance_of(tx, actor, meeting)
    papers = papers_by_item(tx, meeting.id)
    items = list(tx.session.scalars(sa.select(AgendaItem).where(AgendaItem.meeting_id == meeting.id)))
    hidden = frozenset(i.id for i in items if i.audience == Audience.HIDDEN)
    cleared = [i for i in items if i.audience != Audience.EVERYONE and clearance.reads(i)]
    people = participants_of(tx, meeting.id)
    answered = people if at_desk(actor, meeting) else []
    decided = conclusions_for(tx, clearance, meeting.id)
    votes, rolls = live_votes(tx, actor, meeting)
    state = LiveState(
        meeting=LiveMeeting.of(meeting, hidden),
        queue=queue_of(tx, meeting),
        items={str(i.id): audiences.room_item(i, papers.get(i.id, [])) for i in items if i.id not in hidden},
        people={str(p.id): LivePerson.of(p) for p in people},
        conclusions={str(c.id): LiveConclusion.of(c) for c in decided},
        answers={str(p.id): LiveAnswer.of(p) for p in answered if p.answered_at is not None},
        tasks={str(t.id): LiveTask.of(t) for t in tasks_of(tx, decided)} if answered else {},
        cleared={str(i.id): audiences.cleared_item(tx, meeting, i, papers.get(i.id, [])) for i in cleared},
        votes=votes,
        rolls=rolls,
        speeches={str(one.id): one for one in totals_of(speeches_of(tx, meeting.id)).values()},
    )
    return Snapshot(
        state, heads(tx, stream_names(tx, actor, meeting)), str(epoch(tx)), following.place_of(tx, actor, meeting)
    )
