"""What a page tells of who spoke: each speech with its point, the sums of each person, and who has not spoken."""

from dataclasses import dataclass
from datetime import datetime

from kernel.db import Tx
from meetings.queries import MeetingPage, PersonView
from meetings.rooms.speeches import speeches_of, totals_of
from meetings.states import Role


@dataclass(frozen=True)
class SpokenLine:
    """One speech; `item` is empty between two points, and where the reader may not know the point."""

    person: PersonView
    item: str
    started_at: datetime
    seconds: int


@dataclass(frozen=True)
class PersonTotal:
    """How often and how long somebody spoke."""

    person: PersonView
    times: int
    seconds: int


@dataclass(frozen=True)
class SpeakingRecord:
    """Who spoke, in time and in all, and who is here and has not."""

    lines: list[SpokenLine]
    totals: list[PersonTotal]
    silent: list[PersonView]

    def times(self, participant_id: int) -> int:
        """How often a participant has spoken."""
        return next((total.times for total in self.totals if total.person.id == participant_id), 0)


def record_of(tx: Tx, page: MeetingPage) -> SpeakingRecord:
    """The record of one meeting as the reader of `page` sees it; who spoke longest comes first."""
    people, titles = {p.id: p for p in page.people}, {item.id: item.title for item in page.items}
    speeches = [one for one in speeches_of(tx, page.meeting.id) if one.participant in people]
    totals = sorted(totals_of(speeches).values(), key=lambda one: (-one.seconds, one.id))
    spoke = {one.id for one in totals} | {t.participant for t in page.turns if t.state == "speaking"}
    return SpeakingRecord(
        [
            SpokenLine(people[one.participant], titles.get(one.item or 0, ""), one.started_at, one.seconds)
            for one in speeches
        ],
        [PersonTotal(people[one.id], one.times, one.seconds) for one in totals],
        [p for p in page.people if p.present_at and p.role != Role.SECRETARY and p.id not in spoke],
    )
