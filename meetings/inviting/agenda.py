"""The agenda as an invitation tells it: to everybody the same, since letters and calendars are read by others too."""

from datetime import timedelta

import sqlalchemy as sa

from kernel.db import Tx
from meetings.live import CLOSED_TITLE
from meetings.models import AgendaItem, Meeting, MeetingPaper
from meetings.states import Audience
from notify.kinds import AgendaLine


def agenda_lines(tx: Tx, meeting: Meeting) -> tuple[AgendaLine, ...]:
    """The points that everybody in the meeting knows of, with their planned times and the names of their papers.
    A closed point shows its place only, also to who reads it in the room."""
    rows = tx.session.scalars(sa.select(AgendaItem).where(AgendaItem.meeting_id == meeting.id))
    items = {item.id: item for item in rows}
    papers = _paper_titles(tx, meeting.id)
    lines, at = [], meeting.starts_at
    for item in (items[i] for i in meeting.item_order if i in items):
        begins, at = at, at + timedelta(minutes=item.minutes)
        if item.audience == Audience.EVERYONE:
            lines.append(AgendaLine(begins, item.title, item.presenter, tuple(papers.get(item.id, ()))))
        elif item.audience == Audience.CLOSED:
            lines.append(AgendaLine(begins, CLOSED_TITLE, "", ()))
    return tuple(lines)


def _paper_titles(tx: Tx, meeting_id: int) -> dict[int, list[str]]:
    query = (
        sa.select(MeetingPaper.item_id, MeetingPaper.title)
        .where(MeetingPaper.meeting_id == meeting_id, MeetingPaper.replaced_by_id.is_(None))
        .order_by(MeetingPaper.id)
    )
    found: dict[int, list[str]] = {}
    for item_id, title in tx.session.execute(query):
        found.setdefault(item_id, []).append(title)
    return found
