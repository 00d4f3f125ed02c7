"""What a page tells of who was there: when each came and left, who came late, who left early."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from kernel.db import Tx
from kernel.text import Phrase, phrase
from meetings.queries import MeetingPage, PersonView
from meetings.rooms.models import Stay

BY_WORDS: dict[str, Phrase] = {
    "self": phrase("tự điểm danh"),
    "code": phrase("quét mã ở cửa"),
    "entrance": phrase("tìm tên ở cửa"),
    "desk": phrase("thư ký ghi"),
}


@dataclass(frozen=True)
class StayLine:
    """One time that somebody was in the room; `left_at` is None for who stayed to the end, or is here."""

    came_at: datetime
    by_word: Phrase
    left_at: datetime | None


@dataclass(frozen=True)
class PresenceLine:
    """Somebody who was there. `late_minutes`: how long after the opening they came; 0 for who was in time."""

    person: PersonView
    stays: list[StayLine]
    late_minutes: int
    left_early: bool


@dataclass(frozen=True)
class PresenceRecord:
    """Who was there, in the order of the list, and who was not."""

    came: list[PresenceLine]
    missing: list[PersonView]


def presence_of(tx: Tx, page: MeetingPage) -> PresenceRecord:
    """The attendance of a meeting, for its desk."""
    stays: dict[int, list[Stay]] = {}
    query = sa.select(Stay).where(Stay.meeting_id == page.meeting.id).order_by(Stay.came_at, Stay.id)
    for stay in tx.session.scalars(query):
        stays.setdefault(stay.participant_id, []).append(stay)
    came = [_line(page, person, stays[person.id]) for person in page.people if person.id in stays]
    return PresenceRecord(came, [person for person in page.people if person.id not in stays])


def _line(page: MeetingPage, person: PersonView, stays: list[Stay]) -> PresenceLine:
    opened, first = page.meeting.opened_at, stays[0].came_at
    late = int((first - opened).total_seconds() // 60) if opened is not None else 0
    lines = [StayLine(s.came_at, BY_WORDS.get(s.came_by, BY_WORDS["desk"]), s.left_at) for s in stays]
    return PresenceLine(person, lines, max(0, late), stays[-1].left_at is not None)
