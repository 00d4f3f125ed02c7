"""Reads of tasks: lists, one page, counts."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from directory import auditing
from directory import queries as directory
from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.refs import Ref, describe
from kernel.text import Phrase, phrase
from tasks import access, extending, giving, scheduling
from tasks.access import Right
from tasks.models import Part, Priority, Task, TaskEntry, TaskPerson
from tasks.moves import LABELS
from tasks.states import CLOSED, LEAD_VERBS, WITH_LEAD, TaskState, Verb, after

PRIORITY_LABELS = {
    Priority.NORMAL: phrase("Thường"),
    Priority.URGENT: phrase("Khẩn"),
    Priority.FLASH: phrase("Hỏa tốc"),
}
URGENCY = {Priority.NORMAL: "", Priority.URGENT: "khan", Priority.FLASH: "hoa_toc"}  # as ui.urgency names them
CLOSED_SHOWN = 50


@dataclass(frozen=True)
class TaskLine:
    """A task in a list. `is_late`: its deadline has passed and the lead has not finished."""

    id: int
    title: str
    giver: str
    lead: str
    state: TaskState
    label: Phrase
    tone: str
    urgency: str
    deadline_at: datetime | None
    is_late: bool
    is_received: bool


@dataclass(frozen=True)
class TaskLists:
    """The lists of one person; the first two with what is late first."""

    to_do: list[TaskLine]
    given: list[TaskLine]
    followed: list[TaskLine]
    closed: list[TaskLine]


@dataclass(frozen=True)
class Happening:
    """An entry of the timeline as ui.timeline shows it."""

    at: datetime
    title: Phrase
    by: str
    detail: str
    tone: str


@dataclass(frozen=True)
class AskedExtension:
    """A later deadline that waits for the giver."""

    by: str
    deadline_at: datetime
    reason: str


@dataclass(frozen=True)
class TaskView:
    """Everything a task's page shows. `acts`: the verbs that this reader may use now."""

    line: TaskLine
    detail: str
    priority: Phrase
    origin_title: str
    origin_url: str
    deadline_rule: str
    progress: int
    given_at: datetime
    received_at: datetime | None
    received_by: str
    finished_at: datetime | None
    finished_late: bool
    co_workers: list[str]
    followers: list[str]
    extension: AskedExtension | None
    acts: frozenset[Verb]
    happenings: list[Happening]


_TITLES = {
    "given": (phrase("Giao việc"), "info"),
    Verb.RECEIVE: (phrase("Đã nhận việc"), "good"),
    Verb.REPORT: (phrase("Báo tiến độ"), "info"),
    Verb.FINISH: (phrase("Báo hoàn thành"), "good"),
    Verb.ACCEPT: (phrase("Nghiệm thu"), "good"),
    Verb.SEND_BACK: (phrase("Yêu cầu làm thêm"), "waiting"),
    Verb.RETURN: (phrase("Trả lại việc"), "bad"),
    Verb.GIVE_AGAIN: (phrase("Giao lại"), "info"),
    Verb.ASK_EXTENSION: (phrase("Xin gia hạn"), "waiting"),
    Verb.MOVE_DEADLINE: (phrase("Đổi hạn hoàn thành"), "info"),
    Verb.PAUSE: (phrase("Tạm dừng"), "plain"),
    Verb.RESUME: (phrase("Tiếp tục"), "info"),
    Verb.CANCEL: (phrase("Hủy việc"), "bad"),
    "extension_refused": (phrase("Không đồng ý gia hạn"), "bad"),
    "reminded": (phrase("Đã nhắc việc"), "plain"),
}

auditing.words.update({f"task.{kind}": word for kind, (word, _tone) in _TITLES.items()})


def lists(tx: Tx, actor: Actor) -> TaskLists:
    """The actor's tasks: to do, given, followed or shared, closed lately."""
    return TaskLists(
        to_do=_lines(tx, to_do(tx, actor)),
        given=_lines(tx, _open(tx, Task.giver_id == actor.person_id)),
        followed=_lines(tx, _open(tx, Task.id.in_(_shared(actor)))),
        closed=_closed(tx, actor),
    )


def to_do(tx: Tx, actor: Actor) -> list[Task]:
    """Open tasks that the actor leads, for themselves or for their unit or agency."""
    mine = sa.or_(
        Task.lead_person_id == actor.person_id,
        sa.and_(Task.lead_person_id.is_(None), Task.lead_agency_id == (actor.agency_id or -1)),
    )
    found = _open(tx, mine, Task.state.in_([*WITH_LEAD, TaskState.PAUSED]))
    return [task for task in found if access.is_lead(tx, actor, task)]


def to_settle(tx: Tx, actor: Actor) -> list[Task]:
    """Tasks that the actor gave and that wait for the actor: to accept, to give again, to decide on more time."""
    waiting = sa.or_(
        Task.state.in_([TaskState.AWAITING, TaskState.RETURNED]), Task.id.in_(extending.waiting_task_ids())
    )
    return _open(tx, Task.giver_id == actor.person_id, waiting)


def to_do_lines(tx: Tx, actor: Actor) -> list[TaskLine]:
    """`to_do` as lines."""
    return _lines(tx, to_do(tx, actor))


def to_settle_lines(tx: Tx, actor: Actor) -> list[TaskLine]:
    """`to_settle` as lines."""
    return _lines(tx, to_settle(tx, actor))


def _shared(actor: Actor) -> sa.Select[int]:
    return sa.select(TaskPerson.task_id).where(TaskPerson.person_id == actor.person_id)


def _open(tx: Tx, *conditions: sa.ColumnElement[bool]) -> list[Task]:
    """Open tasks, those with the nearest deadline first and those without one last."""
    query = sa.select(Task).where(Task.state.not_in(list(CLOSED)), *conditions)
    return list(tx.session.scalars(query.order_by(Task.deadline_at.is_(None), Task.deadline_at, Task.id)))


def _closed(tx: Tx, actor: Actor) -> list[TaskLine]:
    mine = sa.or_(Task.giver_id == actor.person_id, Task.lead_person_id == actor.person_id, Task.id.in_(_shared(actor)))
    query = sa.select(Task).where(Task.state.in_(list(CLOSED)), mine).order_by(Task.closed_at.desc())
    return _lines(tx, list(tx.session.scalars(query.limit(CLOSED_SHOWN))))


def _lines(tx: Tx, tasks: list[Task]) -> list[TaskLine]:
    people = directory.people(tx, {t.giver_id for t in tasks} | {t.lead_person_id for t in tasks if t.lead_person_id})
    found = []
    for task in tasks:
        lead = people[task.lead_person_id].name if task.lead_person_id else scheduling.lead_name(tx, task)
        found.append(_line(task, people[task.giver_id].name, lead))
    return found


def _line(task: Task, giver: str, lead: str) -> TaskLine:
    state = TaskState(task.state)
    label, tone = LABELS[state]
    late = state not in CLOSED and task.deadline_at is not None and clock.now() > task.deadline_at
    return TaskLine(
        id=task.id,
        title=task.title,
        giver=giver,
        lead=lead,
        state=state,
        label=label,
        tone=tone,
        urgency=URGENCY[Priority(task.priority)],
        deadline_at=task.deadline_at,
        is_late=late and task.finished_at is None,
        is_received=task.received_at is not None,
    )


def task_page(tx: Tx, actor: Actor, task_id: int) -> TaskView:
    """One task as the actor sees it; NotFound for strangers."""
    task = access.task_for(tx, actor, task_id)
    [line] = _lines(tx, [task])
    origin = describe(tx, Ref.parse(task.origin)) if task.origin else None
    shared = giving.people_of(tx, task)
    asked = extending.open_extension(tx, task.id)
    late = task.deadline_at is not None and task.finished_at is not None and task.finished_at > task.deadline_at
    return TaskView(
        line=line,
        detail=task.detail,
        priority=PRIORITY_LABELS[Priority(task.priority)],
        origin_title=origin.title if origin else task.origin_title,
        origin_url=origin.url if origin else "",
        deadline_rule=task.deadline_rule,
        progress=task.progress,
        given_at=task.given_at,
        received_at=task.received_at,
        received_by=directory.person(tx, task.received_by_id).name if task.received_by_id else "",
        finished_at=task.finished_at,
        finished_late=late,
        co_workers=[card.name for card, part in shared if part is Part.CO_WORKER],
        followers=[card.name for card, part in shared if part is Part.FOLLOWER],
        extension=(
            AskedExtension(directory.person(tx, asked.asked_by_id).name, asked.deadline_at, asked.reason)
            if asked
            else None
        ),
        acts=_acts(tx, actor, task, asked is not None),
        happenings=_happenings(tx, task.id),
    )


def _acts(tx: Tx, actor: Actor, task: Task, asked: bool) -> frozenset[Verb]:
    rights, state = access.rights_on(tx, actor, task), TaskState(task.state)
    possible = {verb for verb in Verb if after(state, verb) is not None}
    if asked or task.deadline_at is None or Right.GIVE in rights:  # who gives moves the deadline without asking
        possible.discard(Verb.ASK_EXTENSION)
    own = {verb for verb in possible if (Right.LEAD if verb in LEAD_VERBS else Right.GIVE) in rights}
    return frozenset(own)


def _happenings(tx: Tx, task_id: int) -> list[Happening]:
    """The timeline, newest first."""
    entries = list(
        tx.session.scalars(sa.select(TaskEntry).where(TaskEntry.task_id == task_id).order_by(TaskEntry.id.desc()))
    )
    people = directory.people(tx, {e.by_id for e in entries if e.by_id})
    found = []
    for entry in entries:
        title, tone = _TITLES[entry.kind]
        by = people[entry.by_id].name if entry.by_id in people else ""
        detail = entry.note or (str(entry.detail.get("name", "")) if entry.kind == "reminded" else "")
        found.append(Happening(entry.at, title, by, detail, tone))
    return found
