"""Giving a task, and what the giver may still do with it: give it again, move its deadline, pause, cancel."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries
from directory.actor import Actor, Role
from directory.models import Unit
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid
from kernel.refs import Ref, describe
from kernel.text import nfc, phrase
from notify import links, messages
from notify.kinds import TaskGiven, TaskShared
from notify.messages import Channel
from tasks import access, deadlines, moves, scheduling
from tasks.access import Right
from tasks.models import Part, Priority, Task, TaskPerson
from tasks.states import TaskState, Verb

GIVERS = (Role.LEADER, Role.OFFICE_CHIEF, Role.SECRETARY)
LINK_LIFE = timedelta(days=60)
PART_LABELS = {Part.CO_WORKER: phrase("Phối hợp"), Part.FOLLOWER: phrase("Theo dõi")}


@dataclass(frozen=True)
class Lead:
    """Who leads: a person, a unit (its agency is known from it), or an agency; exactly one is set."""

    person_id: int | None = None
    unit_id: int | None = None
    agency_id: int | None = None


@dataclass(frozen=True)
class GiveTask:
    """A task to give. `once` makes the same act one task: giving again with it answers the first one.

    `giver_id` is the person in whose name it is given when that is not the actor (a chair, when the secretary
    presses); `deadline_rule` keeps the words that made the deadline.
    """

    title: str
    lead: Lead
    deadline_at: datetime | None = None
    deadline_rule: str = ""
    detail: str = ""
    priority: Priority = Priority.NORMAL
    co_workers: tuple[int, ...] = ()
    followers: tuple[int, ...] = ()
    origin: Ref | None = None
    giver_id: int | None = None
    once: str = ""


def give(tx: Tx, actor: Actor, command: GiveTask) -> Task:
    """Give a task: its lead gets an e-mail and an SMS with a link that says "received", reminders are planned.

    Forbidden for who may not give tasks to others; Invalid names `title`, `lead`, `deadline`, `co_workers`.
    """
    if command.once:
        tx.advisory_lock(f"task {command.once}")  # the second of two presses finds the task of the first
    known = _given_before(tx, command.once)
    if known is not None:
        return known
    _check(tx, actor, command)
    now = clock.now()
    described = describe(tx, command.origin)
    task = Task(
        once=command.once or None,
        title=" ".join(nfc(command.title).split()),
        detail=nfc(command.detail).strip(),
        origin=str(command.origin or ""),
        origin_title=described.title if described else "",
        priority=command.priority,
        giver_id=command.giver_id or actor.person_id,
        giver_agency_id=actor.agency_id,
        state=TaskState.NEW,
        deadline_at=command.deadline_at,
        deadline_rule=command.deadline_rule,
        progress=0,
        plan=0,
        rev=0,
        created_at=now,
        given_at=now,
        **_lead_columns(tx, command.lead),
    )
    tx.session.add(task)
    tx.session.flush()
    _share(tx, task, command)
    moves.record(tx, actor, task, "given", lead=scheduling.lead_name(tx, task), deadline=command.deadline_rule)
    _tell_lead(tx, task)
    _tell_others(tx, task)
    scheduling.replan(tx, task)
    return task


def _given_before(tx: Tx, once: str) -> Task | None:
    return tx.session.scalars(sa.select(Task).where(Task.once == once)).first() if once else None


def _check(tx: Tx, actor: Actor, command: GiveTask) -> None:
    if not actor.person_id or not actor.agency_id:
        raise Forbidden()
    to_self = command.lead.person_id == actor.person_id
    nobody = command.lead == Lead()  # not chosen yet, which is said at the field
    if not nobody and not to_self and not actor.has(*GIVERS):
        raise Forbidden(phrase("Chỉ lãnh đạo, chánh văn phòng và thư ký giao việc cho người khác."))
    moves.needed(command.title, "title", phrase("Xin ghi việc cần làm."), longest=500)
    if len(command.detail) > 10_000:
        raise Invalid({"detail": phrase("Quá dài: tối đa {n} ký tự.", n=10_000)})
    _check_lead(tx, command.lead)
    if command.deadline_at is not None:
        deadlines.check(command.deadline_at, clock.now())
    wanted = {*command.co_workers, *command.followers, *([command.giver_id] if command.giver_id else [])}
    if set(queries.people(tx, wanted)) != wanted:
        raise Invalid({"co_workers": phrase("Có người không còn trong danh bạ, xin chọn lại.")})


def _check_lead(tx: Tx, lead: Lead) -> None:
    chosen = [value for value in (lead.person_id, lead.unit_id, lead.agency_id) if value is not None]
    if len(chosen) != 1:
        raise Invalid({"lead": phrase("Xin chọn một người hoặc một đơn vị chủ trì.")})
    missing = Invalid({"lead": phrase("Người hoặc đơn vị này không nhận việc được, xin chọn lại.")})
    if lead.person_id is not None and queries.actor_of(tx, lead.person_id) is None:
        raise missing
    if lead.unit_id is not None and tx.session.get(Unit, lead.unit_id) is None:
        raise missing
    if lead.agency_id is not None and not queries.agencies(tx, [lead.agency_id]):
        raise missing
    if lead.person_id is None and not access.lead_people(tx, Task(**_lead_columns(tx, lead))):
        raise Invalid({"lead": phrase("Đơn vị này chưa có người dùng để nhận việc.")})


def _lead_columns(tx: Tx, lead: Lead) -> dict[str, int | None]:
    unit = tx.session.get(Unit, lead.unit_id) if lead.unit_id is not None else None
    agency_id = unit.agency_id if unit else lead.agency_id
    return {"lead_person_id": lead.person_id, "lead_unit_id": lead.unit_id, "lead_agency_id": agency_id}


def _share(tx: Tx, task: Task, command: GiveTask) -> None:
    """Co-workers before followers: one person has one part, and the giver and the lead have theirs."""
    taken = {task.giver_id, task.lead_person_id}
    for part, people in ((Part.CO_WORKER, command.co_workers), (Part.FOLLOWER, command.followers)):
        for person_id in people:
            if person_id not in taken:
                taken.add(person_id)
                tx.session.add(TaskPerson(task_id=task.id, person_id=person_id, part=part))
    tx.session.flush()


def _tell_lead(tx: Tx, task: Task) -> None:
    giver = queries.person(tx, task.giver_id)
    co_workers = [card.name for card, part in people_of(tx, task) if part is Part.CO_WORKER]
    for card in access.lead_people(tx, task):
        if card.id == task.giver_id:
            continue
        life = max(task.deadline_at or clock.now(), clock.now()) + LINK_LIFE
        link = links.make(tx, "task.receive", moves.ref_of(task), person_id=card.id, expires_at=life)
        words = TaskGiven(
            title=task.title,
            detail=task.detail,
            giver=giver.name,
            lead=scheduling.lead_name(tx, task),
            co_workers=tuple(co_workers),
            origin=task.origin_title,
            deadline_at=task.deadline_at,
            urgent=task.priority == Priority.FLASH,
            path=moves.path_of(task),
            receive_link=links.place(link),
        )
        messages.tell(tx, words, card.id, ref=moves.ref_of(task), version=task.rev)


def _tell_others(tx: Tx, task: Task) -> None:
    giver, lead = queries.person(tx, task.giver_id).name, scheduling.lead_name(tx, task)
    for card, part in people_of(tx, task):
        words = TaskShared(task.title, giver, lead, PART_LABELS[part], task.deadline_at, moves.path_of(task))
        messages.tell(tx, words, card.id, ref=moves.ref_of(task), version=task.rev, channels=[Channel.EMAIL])


def people_of(tx: Tx, task: Task) -> list[tuple[queries.PersonCard, Part]]:
    """Co-workers and followers, in the order in which they were named."""
    rows = list(tx.session.scalars(sa.select(TaskPerson).where(TaskPerson.task_id == task.id)))
    cards = queries.people(tx, [row.person_id for row in rows])
    return sorted(
        ((cards[row.person_id], Part(row.part)) for row in rows if row.person_id in cards),
        key=lambda pair: (pair[1], pair[0].id),
    )


def give_again(tx: Tx, actor: Actor, task_id: int, lead: Lead, note: str = "") -> Task:
    """Give a returned task to another lead, or to the same one with a word."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    _check_lead(tx, lead)
    for column, value in _lead_columns(tx, lead).items():
        setattr(task, column, value)
    task.given_at, task.received_at, task.received_by_id = clock.now(), None, None
    links.revoke(tx, moves.ref_of(task), purpose="task.receive")
    moves.move(tx, actor, task, Verb.GIVE_AGAIN, nfc(note).strip(), lead=scheduling.lead_name(tx, task))
    _tell_lead(tx, task)
    return task


def move_deadline(tx: Tx, actor: Actor, task_id: int, deadline_at: datetime | None, rule: str, note: str = "") -> None:
    """Set another deadline, or none; the lead is told and the reminders are planned anew."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    if deadline_at is not None:
        deadlines.check(deadline_at, clock.now())
    task.deadline_at, task.deadline_rule = deadline_at, rule
    moves.move(tx, actor, task, Verb.MOVE_DEADLINE, nfc(note).strip(), deadline=rule)
    moves.tell_news(tx, actor, task, access.involved(tx, task), phrase("Hạn hoàn thành đã thay đổi"), note)


def pause(tx: Tx, actor: Actor, task_id: int, reason: str) -> None:
    """Stop the clock of reminders for a while."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    note = moves.needed(reason, "reason", phrase("Xin ghi lý do tạm dừng."))
    moves.move(tx, actor, task, Verb.PAUSE, note)
    moves.tell_news(tx, actor, task, access.involved(tx, task), phrase("Việc tạm dừng"), note)


def resume(tx: Tx, actor: Actor, task_id: int) -> None:
    """Go on with a paused task."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    moves.move(tx, actor, task, Verb.RESUME)
    moves.tell_news(tx, actor, task, access.involved(tx, task), phrase("Việc được tiếp tục"))


def cancel(tx: Tx, actor: Actor, task_id: int, reason: str) -> None:
    """End a task that is not wanted any more; it stays to be seen."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    note = moves.needed(reason, "reason", phrase("Xin ghi lý do hủy việc."))
    task.closed_at = clock.now()
    moves.move(tx, actor, task, Verb.CANCEL, note)
    messages.cancel(tx, moves.ref_of(task), kind=TaskGiven.name)
    moves.tell_news(tx, actor, task, access.involved(tx, task), phrase("Việc đã được hủy"), note)
