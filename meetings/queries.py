"""Reads of meetings: the contexts of the pages, and the snapshot that a screen starts from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.queries import PersonCard
from kernel import clock
from kernel.db import Tx
from kernel.streams import heads
from kernel.text import Phrase, fold, phrase
from meetings import access, audiences, quorum, streams, walls
from meetings.access import Clearance, Right, at_desk, clearance_of, meeting_for, participant_of
from meetings.convening import participants_of
from meetings.letters import Letters, ref_of
from meetings.live import (
    CLOSED_TITLE,
    LiveConclusion,
    LivePaper,
    LiveTurn,
)
from meetings.models import AgendaItem, Conclusion, Meeting, MeetingPaper, Participant
from meetings.pages import MeetingView, OwnPlace, WallView
from meetings.places import place_words
from meetings.quorum import Quorum
from meetings.speaking import queue_of
from meetings.states import (
    OVER_STATES,
    ROOM_STATES,
    RUNNING_STATES,
    Answer,
    Audience,
    MeetingKind,
    MeetingState,
    Role,
    Verb,
    after,
)
from meetings.voting.queries import VoteView, votes_for
from notify.queries import MessageLine, messages_about
from tasks.models import Task
from tasks.moves import LABELS
from tasks.states import TaskState

#: How a state is called, and the tone of its chip.
STATE_WORDS: dict[str, tuple[Phrase, str]] = {
    MeetingState.DRAFT: (phrase("Dự thảo"), "plain"),
    MeetingState.CONVENED: (phrase("Đã mời họp"), "info"),
    MeetingState.OPEN: (phrase("Đang họp"), "good"),
    MeetingState.PAUSED: (phrase("Tạm nghỉ"), "waiting"),
    MeetingState.CLOSED: (phrase("Đã kết thúc"), "plain"),
    MeetingState.RECORDED: (phrase("Đã lập biên bản"), "plain"),
    MeetingState.CANCELLED: (phrase("Đã hủy"), "bad"),
}
ANSWER_WORDS: dict[str, tuple[Phrase, str]] = {
    Answer.NONE: (phrase("Chưa trả lời"), "waiting"),
    Answer.YES: (phrase("Dự họp"), "good"),
    Answer.NO: (phrase("Vắng mặt"), "bad"),
    Answer.SUBSTITUTE: (phrase("Cử người dự thay"), "info"),
}
ROLE_WORDS: dict[str, Phrase] = {
    Role.CHAIR: phrase("Chủ trì họp"),
    Role.SECRETARY: phrase("Thư ký"),
    Role.DELEGATE: phrase("Đại biểu"),
    Role.GUEST: phrase("Khách mời"),
}
KIND_WORDS: dict[str, Phrase] = {
    MeetingKind.ROOM: phrase("Họp tại phòng"),
    MeetingKind.ONLINE: phrase("Họp trực tuyến"),
    MeetingKind.HYBRID: phrase("Tại phòng kết hợp trực tuyến"),
}


@dataclass(frozen=True)
class MeetingRow:
    """A meeting in a list, as one person sees it. `answer` is None for who has no place in it."""

    id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    state: str
    state_word: Phrase
    tone: str
    answer: str | None
    can_join: bool
    can_build: bool


@dataclass(frozen=True)
class MeetingLists:
    """My meetings: what is being held, what needs my answer, what comes, what is being prepared, what was."""

    running: list[MeetingRow]
    to_answer: list[MeetingRow]
    upcoming: list[MeetingRow]
    drafts: list[MeetingRow]
    past: list[MeetingRow]


@dataclass(frozen=True)
class ItemView:
    """A point of the agenda on a page."""

    id: int
    rev: int
    number: int
    title: str
    presenter: str
    minutes: int
    phase: str  # past, current, ahead
    papers: list[LivePaper]
    audience: Audience
    readers: frozenset[int]  # the participants chosen for a confidential point; for the desk only


@dataclass(frozen=True)
class PersonView:
    """A participant on a page; what they wrote is empty for who is not at the desk."""

    id: int
    person_id: int
    name: str
    position: str
    agency: str
    role: Role
    role_word: Phrase
    answer: Answer
    answer_word: Phrase
    answer_tone: str
    reason: str
    substitute: str
    substitute_detail: str
    answered_at: datetime | None
    present_at: datetime | None
    left_at: datetime | None
    is_invited: bool
    messages: list[MessageLine]


@dataclass(frozen=True)
class MeetingPage:
    """Everything that the pages of one meeting show; drawn from one transaction with `heads`."""

    meeting: MeetingView
    state_word: Phrase
    tone: str
    kind_word: Phrase
    place: str
    host: str
    chair: str
    items: list[ItemView]
    people: list[PersonView]
    conclusions: list[LiveConclusion]
    task_words: dict[int, tuple[Phrase, str]]  # by task id: how its state is called, and the tone of its chip
    turns: tuple[LiveTurn, ...]
    votes: list[VoteView]
    quorum: Quorum
    me: OwnPlace | None
    desk: bool
    walls: list[WallView]
    can: frozenset[Verb]
    heads: dict[str, int]

    @property
    def current(self) -> ItemView | None:
        """The point being discussed."""
        return next((item for item in self.items if item.phase == "current"), None)

    @property
    def next(self) -> ItemView | None:
        """The point that one press leads to."""
        place = next((n for n, item in enumerate(self.items) if item.phase == "current"), -1)
        return self.items[place + 1] if place + 1 < len(self.items) else None

    @property
    def can_join(self) -> bool:
        """Whether the room may be entered."""
        return self.meeting.state in ROOM_STATES

    @property
    def conclusions_by_point(self) -> list[tuple[str, list[LiveConclusion]]]:
        """The conclusions under the titles of their points, in the order of the agenda; those of no point, or of one
        that is closed to the reader, come last under an empty title."""
        groups: dict[int | None, tuple[str, list[LiveConclusion]]] = {i.id: (i.title, []) for i in self.items}
        groups[None] = ("", [])
        for conclusion in self.conclusions:
            groups[conclusion.item if conclusion.item in groups else None][1].append(conclusion)
        return [group for group in groups.values() if group[1]]

    @property
    def is_over(self) -> bool:
        """Whether the meeting was held: its pages tell what happened, no longer what was planned."""
        return self.meeting.closed_at is not None

    def has_part(self, conclusion: LiveConclusion) -> bool:
        """Whether the reader has a part in the task that a conclusion became, and so may open it."""
        if self.me is None:
            return False
        if self.me.role in (Role.CHAIR, Role.SECRETARY):
            return True
        shares = {conclusion.lead_id, *(person.id for person in conclusion.co_workers)}
        return self.me.person_id in shares

    def person(self, participant_id: int) -> PersonView | None:
        """A participant by id."""
        return next((p for p in self.people if p.id == participant_id), None)


def my_meetings(tx: Tx, actor: Actor) -> MeetingLists:
    """The meetings that `actor` may open, their own and those they prepare; past ones at most 50, newest first."""
    mine = {
        meeting_id: answer
        for meeting_id, answer in tx.session.execute(
            sa.select(Participant.meeting_id, Participant.answer).where(Participant.person_id == actor.person_id)
        )
    }
    edge = clock.now() - timedelta(hours=12)
    called_off = sa.and_(Meeting.state == MeetingState.CANCELLED, Meeting.convened_at.is_not(None))
    coming = sa.or_(
        sa.and_(Meeting.ends_at > edge, Meeting.state.not_in(OVER_STATES)),
        # It stands where people look for it, until its time has passed.
        sa.and_(Meeting.ends_at > clock.now(), called_off),
    )
    query = sa.select(Meeting).where(access.seen_by(actor))
    ahead = tx.session.scalars(query.where(coming).order_by(Meeting.starts_at, Meeting.id))
    past = tx.session.scalars(query.where(~coming).order_by(Meeting.starts_at.desc(), Meeting.id).limit(50))
    rows = [row_of(actor, meeting, mine.get(meeting.id)) for meeting in ahead]
    running = [row for row in rows if row.state in RUNNING_STATES]
    settled = [row for row in rows if row.state != MeetingState.DRAFT and row not in running]
    waits = [
        row
        for row in settled
        if row.answer == Answer.NONE and row.ends_at > clock.now() and row.state != MeetingState.CANCELLED
    ]
    return MeetingLists(
        running=running,
        to_answer=waits,
        upcoming=[row for row in settled if row not in waits],
        drafts=[row for row in rows if row.state == MeetingState.DRAFT],
        past=[row_of(actor, meeting, mine.get(meeting.id)) for meeting in past],
    )


def row_of(actor: Actor, meeting: Meeting, answer: str | None) -> MeetingRow:
    """A meeting as a line of a list."""
    word, tone = STATE_WORDS[meeting.state]
    return MeetingRow(
        id=meeting.id,
        title=meeting.title,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        place=place_words(meeting),
        state=meeting.state,
        state_word=word,
        tone=tone,
        answer=answer,
        can_join=meeting.state in ROOM_STATES and meeting.state not in OVER_STATES,
        can_build=at_desk(actor, meeting),
    )


def page(tx: Tx, actor: Actor | None, meeting_id: int, right: Right = Right.SEE) -> MeetingPage:
    """One meeting for its pages; NotFound for strangers."""
    meeting = meeting_for(tx, actor, meeting_id, right)
    desk = at_desk(actor, meeting)
    people = participants_of(tx, meeting.id)
    decided = conclusions_for(tx, clearance_of(tx, actor, meeting), meeting.id)
    word, tone = STATE_WORDS[meeting.state]
    sent = _messages_by_person(tx, meeting) if desk else {}
    names = [streams.room(meeting.id), *audiences.streams_of(tx, actor, meeting)] + (
        [streams.desk(meeting.id)] if desk else []
    )
    return MeetingPage(
        meeting=MeetingView.of(meeting),
        state_word=word,
        tone=tone,
        kind_word=KIND_WORDS[meeting.kind],
        place=place_words(meeting),
        host=directory.agency(tx, meeting.agency_id).name,
        chair=next((p.name for p in people if p.role == Role.CHAIR), ""),
        items=_items(tx, actor, meeting),
        people=[_person(p, desk, sent.get(p.person_id, [])) for p in people],
        conclusions=[LiveConclusion.of(one) for one in decided],
        task_words={t.id: LABELS[TaskState(t.state)] for t in tasks_of(tx, decided)},
        turns=queue_of(tx, meeting).turns,
        votes=votes_for(tx, actor, meeting),
        quorum=quorum_of(meeting, people),
        me=OwnPlace.of(participant_of(tx, actor, meeting.id)),
        desk=desk,
        walls=[WallView(wall.id, wall.kind, wall.paired_at) for wall in walls.walls_of(tx, meeting.id)] if desk else [],
        can=frozenset(verb for verb in Verb if after(meeting.state, verb) is not None),
        heads=heads(tx, names),
    )


def _items(tx: Tx, actor: Actor | None, meeting: Meeting) -> list[ItemView]:
    clearance = clearance_of(tx, actor, meeting)
    rows = tx.session.scalars(sa.select(AgendaItem).where(AgendaItem.meeting_id == meeting.id))
    found = {item.id: item for item in rows if clearance.knows(item)}
    papers = papers_by_item(tx, meeting.id)
    readers = audiences.clearances(tx, meeting.id) if clearance.desk else {}
    ordered = [found[i] for i in meeting.item_order if i in found]
    return [
        ItemView(
            id=item.id,
            rev=item.rev,
            number=number,
            title=item.title if clearance.reads(item) else CLOSED_TITLE,
            presenter=item.presenter if clearance.reads(item) else "",
            minutes=item.minutes,
            phase=_phase(meeting, item.id),
            papers=[LivePaper.of(paper) for paper in papers.get(item.id, []) if clearance.reads(item)],
            audience=Audience(item.audience),
            readers=readers.get(item.id, frozenset()) if clearance.desk else frozenset(),
        )
        for number, item in enumerate(ordered, start=1)
    ]


def _phase(meeting: Meeting, item_id: int) -> str:
    if item_id == meeting.current_item_id:
        return "current"
    return "past" if item_id in meeting.visited else "ahead"


def papers_by_item(tx: Tx, meeting_id: int) -> dict[int, list[MeetingPaper]]:
    """The newest version of every paper of a meeting."""
    found: dict[int, list[MeetingPaper]] = {}
    query = (
        sa.select(MeetingPaper)
        .where(MeetingPaper.meeting_id == meeting_id, MeetingPaper.replaced_by_id.is_(None))
        .order_by(MeetingPaper.id)
    )
    for paper in tx.session.scalars(query):
        found.setdefault(paper.item_id, []).append(paper)
    return found


def conclusions_of(tx: Tx, meeting_id: int) -> list[Conclusion]:
    """What was decided, in the order of writing."""
    query = sa.select(Conclusion).where(Conclusion.meeting_id == meeting_id).order_by(Conclusion.id)
    return list(tx.session.scalars(query))


def conclusions_for(tx: Tx, clearance: Clearance, meeting_id: int) -> list[Conclusion]:
    """What was decided, without what belongs to points that are not for the reader."""
    closed = sa.select(AgendaItem).where(AgendaItem.meeting_id == meeting_id, AgendaItem.audience != Audience.EVERYONE)
    kept_from = {item.id for item in tx.session.scalars(closed) if not clearance.reads(item)}
    return [c for c in conclusions_of(tx, meeting_id) if c.item_id not in kept_from]


def tasks_of(tx: Tx, conclusions: list[Conclusion]) -> list[Task]:
    """The tasks that conclusions became."""
    ids = [c.task_id for c in conclusions if c.task_id is not None]
    return list(tx.session.scalars(sa.select(Task).where(Task.id.in_(ids)))) if ids else []


def _person(participant: Participant, desk: bool, sent: list[MessageLine]) -> PersonView:
    word, tone = ANSWER_WORDS[participant.answer]
    detail = " · ".join(filter(None, [participant.substitute_position, participant.substitute_phone]))
    return PersonView(
        id=participant.id,
        person_id=participant.person_id,
        name=participant.name,
        position=participant.position,
        agency=participant.agency,
        role=Role(participant.role),
        role_word=ROLE_WORDS[participant.role],
        answer=Answer(participant.answer),
        answer_word=word,
        answer_tone=tone,
        reason=participant.reason if desk else "",
        substitute=participant.substitute_name,
        substitute_detail=detail if desk else "",
        answered_at=participant.answered_at,
        present_at=participant.checked_in_at,
        left_at=participant.left_at,
        is_invited=participant.invited_sequence is not None,
        messages=sent,
    )


def _messages_by_person(tx: Tx, meeting: Meeting) -> dict[int | None, list[MessageLine]]:
    """The newest message on each channel, by person."""
    newest: dict[tuple[int | None, str], MessageLine] = {}
    for line in messages_about(tx, ref_of(meeting)):
        newest.setdefault((line.person_id, line.channel), line)
    found: dict[int | None, list[MessageLine]] = {}
    for (person_id, _channel), line in sorted(newest.items(), key=lambda pair: pair[0][1]):
        found.setdefault(person_id, []).append(line)
    return found


def quorum_of(meeting: Meeting, people: list[Participant]) -> Quorum:
    """Whether enough of the participants are here, by the rule of their meeting."""
    here = ((p.role, p.checked_in_at is not None) for p in people)
    return quorum.count(meeting.quorum_rule, meeting.quorum_number, here)


def sms_preview(tx: Tx, meeting: Meeting) -> tuple[str, int]:
    """The SMS that convening sends, and its segments."""
    return Letters(tx, meeting).sms_preview()


def people_to_choose(tx: Tx, actor: Actor, shown: MeetingPage, words: str) -> list[PersonCard]:
    """People who may still be invited: those whose name, position or agency holds `words`, else the own agency's.
    At most 60."""
    seated = {p.person_id for p in shown.people}
    wanted = fold(words)
    if wanted:
        everybody = directory.people_for_choice(tx)
        found = [card for card in everybody if wanted in fold(f"{card.name} {card.title} {card.agency_name}")]
    else:
        found = directory.people_of(tx, actor.agency_id)
    return [card for card in found if card.id not in seated][:60]


def people_for_tasks(tx: Tx, shown: MeetingPage) -> list[tuple[str, list[PersonCard]]]:
    """Who can lead what a meeting decides: its people first, then the others of their agencies, by agency."""
    seated = [p.person_id for p in shown.people]
    cards = directory.people(tx, seated)
    groups = [("", [cards[i] for i in seated if i in cards])]
    for agency_id in sorted({card.agency_id for card in cards.values() if card.agency_id}):
        others = [card for card in directory.people_of(tx, agency_id) if card.id not in cards]
        if others:
            groups.append((others[0].agency_name, others))
    return groups
