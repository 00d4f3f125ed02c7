"""What the pages of a meeting read of its rows, as frozen values."""

from dataclasses import dataclass
from datetime import datetime

from meetings.models import Meeting, Participant, WallPairing
from meetings.states import LEADING


@dataclass(frozen=True)
class MeetingView:
    """The facts of a meeting that stand on its pages."""

    id: int
    rev: int
    title: str
    place: str
    online_url: str
    state: str
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    cancel_reason: str

    @classmethod
    def of(cls, meeting: Meeting) -> "MeetingView":
        """The facts of a row."""
        return cls(
            id=meeting.id,
            rev=meeting.rev,
            title=meeting.title,
            place=meeting.place,
            online_url=meeting.online_url,
            state=meeting.state,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            opened_at=meeting.opened_at,
            closed_at=meeting.closed_at,
            cancel_reason=meeting.cancel_reason,
        )


@dataclass(frozen=True)
class OwnPlace:
    """The reader's own place in a meeting, with all that they answered."""

    id: int
    person_id: int
    role: str
    answer: str
    answered_at: datetime | None
    reason: str
    substitute_name: str
    substitute_position: str
    substitute_phone: str

    @property
    def is_asked(self) -> bool:
        """Whether the meeting asks for an answer: not of who leads it."""
        return self.role not in LEADING

    @classmethod
    def of(cls, participant: Participant | None) -> "OwnPlace | None":
        """The place of a row; None for who has none."""
        if participant is None:
            return None
        return cls(
            id=participant.id,
            person_id=participant.person_id,
            role=participant.role,
            answer=participant.answer,
            answered_at=participant.answered_at,
            reason=participant.reason,
            substitute_name=participant.substitute_name,
            substitute_position=participant.substitute_position,
            substitute_phone=participant.substitute_phone,
        )


@dataclass(frozen=True)
class WallView:
    """A screen on the wall or at the door that follows a meeting."""

    id: int
    kind: str
    paired_at: datetime | None


@dataclass(frozen=True)
class ScreenView:
    """A screen as it sees itself: the code that it shows, or the meeting it is paired with."""

    code: str | None
    code_until: datetime
    meeting_id: int | None

    @classmethod
    def of(cls, pairing: WallPairing | None) -> "ScreenView | None":
        """The fields of a row; None for a screen that has never asked for a code."""
        return None if pairing is None else cls(pairing.code, pairing.code_until, pairing.meeting_id)
