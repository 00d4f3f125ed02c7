"""What screens of a meeting know: the objects of live events and of the snapshot, typed once for both.

Each kind of event is one of these; `static/js/room/types.js` is made from them by `scripts/livetypes`.
"""

from dataclasses import dataclass
from datetime import datetime

from kernel.wire import Wire
from meetings.models import AgendaItem, Conclusion, FollowedPlace, Meeting, MeetingPaper, Participant, SpeakTurn
from meetings.voting.live import LiveRoll, LiveVote
from tasks.models import Task

CLOSED_TITLE = "Nội dung kín"
"""Stands in the place of a confidential point's title, for who may not read it."""


@dataclass(frozen=True)
class LiveMeeting(Wire):
    """The meeting as screens see it. `current` is the id of the point being discussed, `visited` those that were."""

    id: int
    rev: int
    title: str
    kind: str
    place: str
    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    item_order: tuple[int, ...]
    current: int | None
    current_at: datetime | None
    paused_at: datetime | None
    visited: tuple[int, ...]
    quorum_rule: str
    quorum_number: int
    opened_at: datetime | None
    closed_at: datetime | None
    at_entrance_only: bool

    @classmethod
    def of(cls, meeting: Meeting, hidden: frozenset[int] = frozenset()) -> "LiveMeeting":
        """The fields of a row, without the points that the room does not know."""
        in_hidden = meeting.current_item_id in hidden
        return cls(
            id=meeting.id,
            rev=meeting.rev,
            title=meeting.title,
            kind=meeting.kind,
            place=meeting.place,
            state=meeting.state,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            item_order=tuple(i for i in meeting.item_order if i not in hidden),
            current=None if in_hidden else meeting.current_item_id,
            current_at=None if in_hidden or meeting.current_item_id is None else meeting.current_at,
            paused_at=meeting.paused_at,
            visited=tuple(i for i in meeting.visited if i not in hidden),
            quorum_rule=meeting.quorum_rule,
            quorum_number=meeting.quorum_number,
            opened_at=meeting.opened_at,
            closed_at=meeting.closed_at,
            at_entrance_only=meeting.at_entrance_only,
        )


@dataclass(frozen=True)
class CurrentItem(Wire):
    """The part of the meeting that changes when another point is taken."""

    rev: int
    current: int | None
    current_at: datetime | None
    visited: tuple[int, ...]


@dataclass(frozen=True)
class LivePaper(Wire):
    """The newest version of a paper of a point; `size` in bytes."""

    id: int
    title: str
    version: int
    pages: int
    size: int

    @classmethod
    def of(cls, paper: MeetingPaper) -> "LivePaper":
        """The fields of a row."""
        return cls(paper.id, paper.title, paper.version, paper.pages, paper.size)


@dataclass(frozen=True)
class LiveItem(Wire):
    """An agenda item with the newest version of each of its papers; `closed`: for chosen participants only."""

    id: int
    rev: int
    title: str
    presenter: str
    minutes: int
    papers: tuple[LivePaper, ...]
    closed: bool

    @classmethod
    def of(cls, item: AgendaItem, papers: list[MeetingPaper]) -> "LiveItem":
        """The fields of a row and of its papers."""
        shown = tuple(LivePaper.of(paper) for paper in papers)
        return cls(item.id, item.rev, item.title, item.presenter, item.minutes, shown, False)

    @classmethod
    def closed_of(cls, item: AgendaItem) -> "LiveItem":
        """A confidential point as those see it who may not read it."""
        return cls(item.id, item.rev, CLOSED_TITLE, "", item.minutes, (), True)


@dataclass(frozen=True)
class LiveCleared(LiveItem):
    """A confidential point as its audience reads it; a hidden one with its place: behind `after` (0: first)."""

    after: int | None
    place: int
    current_at: datetime | None
    visited: bool


@dataclass(frozen=True)
class LivePerson(Wire):
    """A participant as everybody in the meeting sees them; what was written in the answer is for the desk only."""

    id: int
    rev: int
    name: str
    position: str
    agency: str
    role: str
    answer: str
    substitute: str
    present_at: datetime | None
    left_at: datetime | None

    @classmethod
    def of(cls, participant: Participant) -> "LivePerson":
        """The fields of a row."""
        return cls(
            id=participant.id,
            rev=participant.rev,
            name=participant.name,
            position=participant.position,
            agency=participant.agency,
            role=participant.role,
            answer=participant.answer,
            substitute=participant.substitute_name,
            present_at=participant.checked_in_at,
            left_at=participant.left_at,
        )


@dataclass(frozen=True)
class LiveAnswer(Wire):
    """A participant's answer as the desk sees it."""

    id: int
    rev: int
    answer: str
    reason: str
    substitute_name: str
    substitute_position: str
    substitute_phone: str
    answered_at: datetime | None

    @classmethod
    def of(cls, participant: Participant) -> "LiveAnswer":
        """The fields of a row."""
        return cls(
            id=participant.id,
            rev=participant.rev,
            answer=participant.answer,
            reason=participant.reason,
            substitute_name=participant.substitute_name,
            substitute_position=participant.substitute_position,
            substitute_phone=participant.substitute_phone,
            answered_at=participant.answered_at,
        )


@dataclass(frozen=True)
class LiveTurn(Wire):
    """A place in the speakers' queue; `participant` is an id, `seconds` what the speaker was given (0: no limit)."""

    id: int
    participant: int
    state: str
    started_at: datetime | None
    seconds: int

    @classmethod
    def of(cls, turn: SpeakTurn) -> "LiveTurn":
        """The fields of a row."""
        return cls(turn.id, turn.participant_id, turn.state, turn.started_at, turn.seconds)


@dataclass(frozen=True)
class LiveQueue(Wire):
    """The speakers' queue: who speaks, then who waits. `limit`: seconds for each speaker (0: none); `quiet_first`: who
    spoke less comes first."""

    rev: int
    turns: tuple[LiveTurn, ...]
    limit: int
    quiet_first: bool


@dataclass(frozen=True)
class LiveSpeech(Wire):
    """How often and how many seconds a participant has spoken; `id` is the participant's. It grows by whole speeches,
    so its `rev` is their number."""

    id: int
    rev: int
    times: int
    seconds: int


@dataclass(frozen=True)
class CoWorker(Wire):
    """A person who works along on a task."""

    id: int
    name: str


@dataclass(frozen=True)
class LiveConclusion(Wire):
    """A conclusion as everybody in the meeting sees it; `item`, `lead_id` and `task` are ids."""

    id: int
    rev: int
    item: int | None
    text: str
    lead: str
    lead_id: int | None
    co_workers: tuple[CoWorker, ...]
    due_at: datetime | None
    task: int | None

    @classmethod
    def of(cls, conclusion: Conclusion) -> "LiveConclusion":
        """The fields of a row."""
        return cls(
            id=conclusion.id,
            rev=conclusion.rev,
            item=conclusion.item_id,
            text=conclusion.text,
            lead=conclusion.lead_name,
            lead_id=conclusion.lead_person_id,
            co_workers=tuple(CoWorker(person["id"], person["name"]) for person in conclusion.co_workers),
            due_at=conclusion.due_at,
            task=conclusion.task_id,
        )


@dataclass(frozen=True)
class LiveTask(Wire):
    """How far the task of a conclusion is."""

    id: int
    rev: int
    state: str

    @classmethod
    def of(cls, task: Task) -> "LiveTask":
        """The fields of a row."""
        return cls(task.id, task.rev, task.state)


@dataclass(frozen=True)
class Gone(Wire):
    """An object was taken away."""

    id: int
    rev: int
    gone: bool = True


@dataclass(frozen=True)
class Reset(Wire):
    """Every screen of the meeting forgets what it knows and joins anew."""


@dataclass(frozen=True)
class InvitationChange(Wire):
    """A person was invited, or what they were invited to has changed; for their own lists."""

    id: int
    rev: int
    state: str


@dataclass(frozen=True)
class LiveState(Wire):
    """All that a screen knows of a meeting; objects by id. `answers` and `tasks` are empty but for the desk."""

    meeting: LiveMeeting
    queue: LiveQueue
    items: dict[str, LiveItem]
    people: dict[str, LivePerson]
    conclusions: dict[str, LiveConclusion]
    answers: dict[str, LiveAnswer]
    tasks: dict[str, LiveTask]
    cleared: dict[str, LiveCleared]
    votes: dict[str, LiveVote]
    rolls: dict[str, LiveRoll]
    speeches: dict[str, LiveSpeech]


@dataclass(frozen=True)
class LiveFollow(Wire):
    """The place that is shown: an id, or null when nothing is; `y` in thousandths of the page. A hint (`follow`)."""

    meeting: int
    rev: int
    paper: int | None
    page: int
    y: int

    @classmethod
    def of(cls, place: FollowedPlace) -> "LiveFollow":
        """The fields of a row."""
        return cls(place.meeting_id, place.rev, place.paper_id, place.page, place.y)


@dataclass(frozen=True)
class Snapshot(Wire):
    """The state drawn from the rows, with the stream numbers it stands for and the epoch in which those count, and the
    place that is being presented."""

    state: LiveState
    heads: dict[str, int]
    epoch: str
    follow: LiveFollow | None
