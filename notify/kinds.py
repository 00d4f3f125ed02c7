"""The catalogue of messages: one frozen class a kind; its fields are the context of the kind's templates.

The templates lie in `templates/mail/<name>/` (subject.txt, body.txt, body.html) and `templates/sms/<name>.txt`. Every
template also sees `recipient_name`. A `path` is a path of the service ("/tasks/12") and shown as a full address. A
`Phrase` is said in the recipient's language.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from kernel.text import Phrase

kinds: dict[str, type["Kind"]] = {}


@dataclass(frozen=True)
class Kind:
    """One thing that people are told. `sms`: whether an SMS template exists; e-mail always does."""

    name: ClassVar[str] = ""
    sms: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        kinds[cls.name] = cls

    def context(self) -> dict[str, Any]:
        """The fields by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class TaskGiven(Kind):
    """To who leads a new task: what, from whom, until when, and a link that says "received"."""

    name = "task.given"
    title: str
    detail: str
    giver: str
    lead: str
    co_workers: tuple[str, ...]
    origin: str
    deadline_at: datetime | None
    urgent: bool
    path: str
    receive_link: str


@dataclass(frozen=True)
class TaskShared(Kind):
    """To co-workers and followers of a new task; `role` is their part in it."""

    name = "task.shared"
    sms = False
    title: str
    giver: str
    lead: str
    role: Phrase
    deadline_at: datetime | None
    path: str


@dataclass(frozen=True)
class TaskReminder(Kind):
    """One task needs somebody's attention; `why` says it in one sentence. `receive_link` is empty once received."""

    name = "task.reminder"
    title: str
    why: Phrase
    giver: str
    lead: str
    deadline_at: datetime | None
    path: str
    receive_link: str


@dataclass(frozen=True)
class DigestLine:
    """One task in a digest."""

    title: str
    why: Phrase
    deadline_at: datetime | None
    path: str


@dataclass(frozen=True)
class TaskDigest(Kind):
    """Several reminders of one person in one message; `path` is the person's list of tasks."""

    name = "task.digest"
    lines: tuple[DigestLine, ...]
    late: int
    path: str


@dataclass(frozen=True)
class TaskNews(Kind):
    """Something happened to a task: returned, finished, accepted, an extension asked or decided."""

    name = "task.news"
    sms = False
    title: str
    what: Phrase
    who: str
    note: str
    deadline_at: datetime | None
    path: str


@dataclass(frozen=True)
class AgendaLine:
    """A point of an agenda in an invitation: when it is planned, who presents it, what its papers are called."""

    at: datetime
    title: str
    presenter: str
    papers: tuple[str, ...]


@dataclass(frozen=True)
class MeetingInvitation(Kind):
    """An invitation to a meeting. `letter` is the number of the invitation letter or empty, `addressee` the position
    and agency of the invited, `opening` the first sentence when it is no plain invitation. `answer_link` is empty for
    who is not asked; `path` leads to the meeting's page."""

    name = "meeting.invitation"
    title: str
    starts_at: datetime
    ends_at: datetime | None
    place: str
    chair: str
    host: str
    letter: str
    note: str
    answer_link: str
    addressee: str = ""
    opening: Phrase | None = None
    agenda: tuple[AgendaLine, ...] = ()
    path: str = ""


@dataclass(frozen=True)
class MeetingChanged(Kind):
    """Time, place or content of a meeting changed; `changes` says each change in one sentence."""

    name = "meeting.changed"
    title: str
    starts_at: datetime
    ends_at: datetime | None
    place: str
    chair: str
    host: str
    changes: tuple[Phrase, ...]
    answer_link: str
    addressee: str = ""
    letter: str = ""
    agenda: tuple[AgendaLine, ...] = ()
    path: str = ""


@dataclass(frozen=True)
class MeetingCancelled(Kind):
    """A meeting does not take place; `reason` may be empty."""

    name = "meeting.cancelled"
    title: str
    starts_at: datetime
    place: str
    host: str
    reason: str


@dataclass(frozen=True)
class MeetingReminder(Kind):
    """A meeting is near, or an answer is missing: then `answer_link` is not empty."""

    name = "meeting.reminder"
    title: str
    starts_at: datetime
    ends_at: datetime | None
    place: str
    host: str
    answer_link: str
    addressee: str = ""
    path: str = ""


@dataclass(frozen=True)
class DocumentArrived(Kind):
    """To the clerks of an agency: an official document waits to be registered. `urgency` is empty when normal."""

    name = "document.arrived"
    subject: str
    number: str
    sender: str
    urgency: str
    path: str


@dataclass(frozen=True)
class DocumentWaits(Kind):
    """A document waits for this person, or is late; `why` says it in one sentence. `sender` is empty for own ones."""

    name = "document.waits"
    sms = False
    subject: str
    number: str
    sender: str
    why: Phrase
    due_at: datetime | None
    path: str


@dataclass(frozen=True)
class DocumentUnfetched(Kind):
    """To the receiver of a document that its system does not fetch from the hub: its clerks, its technical contact."""

    name = "document.unfetched"
    subject: str
    number: str
    sender: str
    receiver: str
    what_to_do: Phrase
    since_at: datetime
    until_at: datetime | None
    asked_at: datetime | None  # when the system last asked


@dataclass(frozen=True)
class DocumentUnconfirmed(Kind):
    """To the receiver of a document that was sent to it by e-mail and that it has not confirmed: its clerks, and who
    keeps the connection."""

    name = "document.unconfirmed"
    subject: str
    number: str
    sender: str
    receiver: str
    address: str
    what_to_do: Phrase
    since_at: datetime
    until_at: datetime | None
