"""Who reads which point of a meeting. A confidential point is for the desk and for chosen participants; to others it
is "Nội dung kín", or it is not there at all.

What concerns a confidential point goes out on a stream of its own, `meeting:42/item:7`; the room hears at most that it
is closed. What a reader with a clearance knows beyond the room is told as `cleared` and laid over the agenda by
`projection.seen`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from directory.actor import Actor
from kernel import streams as kernel_streams
from kernel.db import Tx
from kernel.errors import Invalid, Stale
from kernel.streams import StreamName
from kernel.text import phrase
from meetings import streams
from meetings.access import Right, clearance_of, item_for, meeting_for, must_allow
from meetings.live import Gone, LiveCleared, LiveConclusion, LiveItem, LivePaper, Reset
from meetings.models import AgendaItem, Conclusion, ItemClearance, Meeting, MeetingPaper, Participant
from meetings.states import LEADING, Audience, Verb


@dataclass(frozen=True)
class AudienceFacts:
    """Who reads a point: its kind, and the chosen participants, by their ids in the meeting."""

    audience: Audience | None
    participants: frozenset[int] = frozenset()


def change_audience(
    tx: Tx, actor: Actor, meeting_id: int, item_id: int, facts: AudienceFacts, rev: int | None = None
) -> AgendaItem:
    """Say who reads a point. Whoever may not any more forgets it: their screens are reset. Stale when somebody else
    changed the point since `rev`."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.EDIT)
    item = item_for(tx, meeting, item_id)
    if rev is not None and item.rev != rev:
        raise Stale({"audience": item.audience, "rev": item.rev})
    before, old = item.audience, cleared_for(tx, item.id)
    chosen = _checked(tx, meeting, facts)
    if facts.audience == before and chosen == old:
        return item
    item.audience = facts.audience or item.audience
    tx.session.execute(sa.delete(ItemClearance).where(ItemClearance.item_id == item.id))
    tx.session.add_all(ItemClearance(item_id=item.id, participant_id=i) for i in sorted(chosen))
    item.rev += 1
    meeting.rev += 1
    tx.session.flush()
    _tell_change(tx, meeting, item, before, grew=facts.audience != before or not chosen <= old)
    detail = {"item": item.id, "audience": str(item.audience), "participants": sorted(chosen)}
    tx.audit(f"agency:{meeting.agency_id}", "meeting.change_audience", f"meeting:{meeting.id}", detail)
    return item


def _checked(tx: Tx, meeting: Meeting, facts: AudienceFacts) -> frozenset[int]:
    if facts.audience is None:
        raise Invalid({"audience": phrase("Xin chọn ai được xem nội dung này.")})
    if facts.audience is Audience.EVERYONE:
        return frozenset()
    rows = tx.session.execute(sa.select(Participant.id, Participant.role).where(Participant.meeting_id == meeting.id))
    roles = {number: role for number, role in rows}
    if facts.participants - roles.keys():
        raise Invalid({"participant": phrase("Người này không có trong danh sách dự họp.")})
    return frozenset(i for i in facts.participants if roles[i] not in LEADING)  # the desk reads everything anyway


def _tell_change(tx: Tx, meeting: Meeting, item: AgendaItem, before: str, *, grew: bool) -> None:
    """Publish what the point is now, and reset who is concerned: everybody when it opens, closes, or more people read
    it; else only those who read it until now. What was told of it before is not replayed any more."""
    own = streams.of_item(meeting.id, item.id)
    if before == Audience.EVERYONE:
        kernel_streams.forget(tx, streams.room(meeting.id))
    if item.audience == Audience.EVERYONE:
        tx.publish(own, "cleared", Gone(item.id, item.rev))
    if item.audience == Audience.HIDDEN and before != Audience.HIDDEN:
        tx.publish(streams.room(meeting.id), "item", Gone(item.id, item.rev))
    tell_item(tx, item)
    for conclusion in tx.session.scalars(sa.select(Conclusion).where(Conclusion.item_id == item.id)):
        conclusion.rev += 2
        if before == Audience.EVERYONE:
            tx.publish(streams.room(meeting.id), "conclusion", Gone(conclusion.id, conclusion.rev - 1))
        tx.publish(streams.about(tx, meeting.id, item.id), "conclusion", LiveConclusion.of(conclusion))
    streams.tell_meeting(tx, meeting)
    if before != Audience.EVERYONE:  # on its own stream, so that nothing that follows there overtakes it
        tx.publish(own, "reset", Reset())
    if grew:
        tx.publish(streams.room(meeting.id), "reset", Reset())


def cleared_for(tx: Tx, item_id: int) -> frozenset[int]:
    """The participants who were chosen for a point, beside the desk."""
    query = sa.select(ItemClearance.participant_id).where(ItemClearance.item_id == item_id)
    return frozenset(tx.session.scalars(query))


def clearances(tx: Tx, meeting_id: int) -> dict[int, frozenset[int]]:
    """The same for all confidential points of a meeting, for the builder."""
    query = (
        sa.select(ItemClearance.item_id, ItemClearance.participant_id)
        .join(AgendaItem, AgendaItem.id == ItemClearance.item_id)
        .where(AgendaItem.meeting_id == meeting_id)
    )
    found: dict[int, set[int]] = {}
    for item_id, participant_id in tx.session.execute(query):
        found.setdefault(item_id, set()).add(participant_id)
    return {item_id: frozenset(chosen) for item_id, chosen in found.items()}


def named(item: AgendaItem) -> dict[str, str]:
    """The title of a point for the agency's journal, which more people read than a confidential point."""
    return {"title": item.title} if item.audience == Audience.EVERYONE else {}


def streams_of(tx: Tx, actor: Actor | None, meeting: Meeting) -> list[StreamName]:
    """The streams of the confidential points that somebody reads."""
    closed = sa.select(AgendaItem).where(AgendaItem.meeting_id == meeting.id, AgendaItem.audience != Audience.EVERYONE)
    items = list(tx.session.scalars(closed.order_by(AgendaItem.id)))
    clearance = clearance_of(tx, actor, meeting) if items else None
    return [streams.of_item(meeting.id, i.id) for i in items if clearance is not None and clearance.reads(i)]


# ---- what is told ----


def tell_item(tx: Tx, item: AgendaItem) -> None:
    """A point as it is now: whole to its audience, closed or not at all to the others."""
    tx.session.flush()
    papers = papers_of(tx, item.id)
    if item.audience != Audience.HIDDEN:
        tx.publish(streams.room(item.meeting_id), "item", room_item(item, papers))
    if item.audience != Audience.EVERYONE:
        meeting = tx.session.get_one(Meeting, item.meeting_id)
        told = cleared_item(tx, meeting, item, papers)
        tx.publish(streams.of_item(item.meeting_id, item.id), "cleared", told)


def tell_item_gone(tx: Tx, item: AgendaItem) -> None:
    """A point was taken off the agenda."""
    gone = Gone(item.id, item.rev + 1)
    if item.audience != Audience.HIDDEN:
        tx.publish(streams.room(item.meeting_id), "item", gone)
    if item.audience != Audience.EVERYONE:
        tx.publish(streams.of_item(item.meeting_id, item.id), "cleared", gone)


def tell_hidden_places(tx: Tx, meeting: Meeting, only: Iterable[int | None] | None = None) -> None:
    """The order or the current point changed: hidden points, whose place the room's agenda does not hold, tell their
    own to those who read them."""
    query = sa.select(AgendaItem).where(AgendaItem.meeting_id == meeting.id, AgendaItem.audience == Audience.HIDDEN)
    wanted = None if only is None else set(only)
    for item in tx.session.scalars(query):
        if wanted is None or item.id in wanted:
            item.rev += 1
            tell_item(tx, item)


def room_item(item: AgendaItem, papers: Sequence[MeetingPaper]) -> LiveItem:
    """A point as the room sees it."""
    return LiveItem.of(item, list(papers)) if item.audience == Audience.EVERYONE else LiveItem.closed_of(item)


def cleared_item(tx: Tx, meeting: Meeting, item: AgendaItem, papers: Sequence[MeetingPaper]) -> LiveCleared:
    """A confidential point as its audience sees it, with the place that a hidden one has in the agenda."""
    hidden = streams.hidden_items(tx, meeting.id)
    order = list(meeting.item_order)
    place = order.index(item.id) if item.id in order else len(order)
    after = next((i for i in reversed(order[:place]) if i not in hidden), 0)
    is_hidden = item.id in hidden
    return LiveCleared(
        id=item.id,
        rev=item.rev,
        title=item.title,
        presenter=item.presenter,
        minutes=item.minutes,
        papers=tuple(LivePaper.of(paper) for paper in papers),
        closed=True,
        after=after if is_hidden else None,
        place=place if is_hidden else 0,
        current_at=meeting.current_at if is_hidden and meeting.current_item_id == item.id else None,
        visited=is_hidden and item.id in meeting.visited,
    )


def papers_of(tx: Tx, item_id: int) -> list[MeetingPaper]:
    """The newest versions of an item's papers, in the order of upload."""
    query = (
        sa.select(MeetingPaper)
        .where(MeetingPaper.item_id == item_id, MeetingPaper.replaced_by_id.is_(None))
        .order_by(MeetingPaper.id)
    )
    return list(tx.session.scalars(query))
