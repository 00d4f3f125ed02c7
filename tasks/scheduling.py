"""Planned reminders as rows: due rows fire once through the outbox, and an answer takes back what has not fired."""

from collections import defaultdict
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries
from directory.queries import PersonCard
from kernel import clock, faults, outbox, worktime
from kernel.db import Tx
from kernel.outbox import Job
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from kernel.worktime import WorkCalendar
from notify import links, messages
from notify.kinds import DigestLine, TaskDigest
from notify.kinds import TaskReminder as ReminderWords
from tasks import access, topics
from tasks.models import Priority, ReminderState, Task, TaskEntry, TaskReminder
from tasks.reminders import Planned, TaskFacts, next_reminders, quiet_from, tell_at, true_until
from tasks.states import CLOSED, TaskState
from tasks.streams import Reminded, task_stream

TOPIC = topics.REMIND
TOGETHER = timedelta(minutes=5)  # what is due so soon after goes out in the same message


def facts(tx: Tx, task: Task) -> TaskFacts:
    """What planning needs to know."""
    sent = sa.select(sa.func.max(TaskReminder.sent_at)).where(TaskReminder.task_id == task.id)
    return TaskFacts(
        TaskState(task.state),
        Priority(task.priority),
        task.given_at,
        task.deadline_at,
        task.finished_at,
        tx.session.scalar(sent),
    )


def replan(tx: Tx, task: Task) -> None:
    """Take back all reminders that have not gone out, and plan anew from how things stand now."""
    tx.session.flush()
    waiting = list(
        tx.session.scalars(
            sa.select(TaskReminder)
            .where(TaskReminder.task_id == task.id, TaskReminder.state == ReminderState.PLANNED)
            .order_by(TaskReminder.id)
            .with_for_update()
        )
    )
    outbox.cancel(tx, TOPIC, [key(reminder) for reminder in waiting for key in (_key, _key_put_off)])
    for reminder in waiting:
        reminder.state = ReminderState.CANCELLED
    messages.cancel(tx, Ref("task", task.id), kind=ReminderWords.name)
    task.plan += 1
    _plan(tx, task)


def _plan(tx: Tx, task: Task) -> None:
    """Add the reminders that the present plan still lacks."""
    if task.state in CLOSED:
        return
    calendar = worktime.calendar(tx)
    known = _slots(tx, task)
    for planned in next_reminders(facts(tx, task), known, calendar, clock.now()):
        for person in recipients(tx, task, planned):
            reminder = TaskReminder(
                task_id=task.id,
                person_id=person.id,
                plan=task.plan,
                slot=planned.slot,
                deadline_at=task.deadline_at,
                due_at=planned.at,
                state=ReminderState.PLANNED,
            )
            tx.session.add(reminder)
            tx.session.flush()
            tx.outbox(TOPIC, _key(reminder), {"reminder": reminder.id}, due_at=planned.at)


def _key(reminder: TaskReminder) -> str:
    return f"{reminder.task_id}:{reminder.plan}:{reminder.slot}:{reminder.person_id}"


def _key_put_off(reminder: TaskReminder) -> str:
    return f"{_key(reminder)}:{int(reminder.due_at.timestamp())}"


def _slots(tx: Tx, task: Task) -> frozenset[str]:
    """The slots of this plan, and those that went out for the same matter: the deadline, the asking of this lead for
    a receipt, the work that is said to be finished."""
    query = sa.select(TaskReminder.slot, TaskReminder.plan, TaskReminder.deadline_at, TaskReminder.sent_at).where(
        TaskReminder.task_id == task.id
    )
    return frozenset(
        slot
        for slot, plan, deadline_at, sent_at in tx.session.execute(query)
        if plan == task.plan or (sent_at is not None and _is_told(task, slot, deadline_at, sent_at))
    )


def _is_told(task: Task, slot: str, deadline_at: datetime | None, sent_at: datetime) -> bool:
    """Whether what went out then is still about how things stand."""
    if slot == "accept":
        return task.finished_at is not None and sent_at >= task.finished_at
    return sent_at >= task.given_at and (slot.startswith("unreceived") or deadline_at == task.deadline_at)


def recipients(tx: Tx, task: Task, planned: Planned) -> list[PersonCard]:
    """Who gets a reminder: the lead, and with each level those above. Acceptance is the giver's own matter."""
    giver = queries.person(tx, task.giver_id)
    if planned.slot == "accept":
        return [giver]
    found = access.lead_people(tx, task)
    if planned.level >= 1:
        found = [*found, giver]
    if planned.level >= 2:
        lead_agency = task.lead_agency_id or (found[0].agency_id if found else None)
        found = [*found, *access.leaders_above(tx, lead_agency)]
    if planned.level >= 3:
        found = [*found, *access.office_of(tx, task.giver_agency_id)]
    return list({card.id: card for card in found}.values())


def remind(tx: Tx, job: Job) -> None:
    """A reminder is due: tell its person once, together with everything else that is due for them now. What would be
    told at night waits for the morning; what is true no more is taken back, and what follows it is planned."""
    mine = tx.session.get(TaskReminder, job.payload["reminder"])
    if mine is None or mine.state != ReminderState.PLANNED or mine.due_at > clock.now() + TOGETHER:
        return  # put off meanwhile: its other job comes in the morning
    due = _take_due(tx, mine.person_id, mine.due_at)
    if not any(reminder.id == mine.id for reminder, _ in due):
        return
    faults.point("tasks.reminding")
    person = queries.person(tx, mine.person_id)
    calendar = worktime.calendar(tx)
    ready = [(reminder, task) for reminder, task in due if _is_ready(tx, reminder, task, calendar)]
    if ready:
        _tell(tx, person, ready, calendar)
    for reminder, task in ready:
        reminder.state, reminder.sent_at = ReminderState.SENT, clock.now()
        detail = {"slot": reminder.slot, "to": person.id, "name": person.name}
        tx.session.add(TaskEntry(task_id=task.id, at=clock.now(), by_id=None, kind="reminded", note="", detail=detail))
    tx.session.flush()
    for task in {task.id: task for reminder, task in due if reminder.state != ReminderState.PLANNED}.values():
        _plan(tx, task)
    for task in {task.id: task for _, task in ready}.values():
        tx.publish(task_stream(task.id), "reminded", Reminded(task.id, task.rev))


def _is_ready(tx: Tx, reminder: TaskReminder, task: Task, calendar: WorkCalendar) -> bool:
    """Whether a due reminder is told now; else it is put off or taken back."""
    now = clock.now()
    at = tell_at(now, Priority(task.priority), calendar)
    until = _true_until(reminder, calendar)
    if until is not None and until <= at:
        reminder.state = ReminderState.CANCELLED
    elif at > now:
        reminder.due_at = at
        tx.outbox(TOPIC, _key_put_off(reminder), {"reminder": reminder.id}, due_at=at)
    else:
        return True
    return False


def _true_until(reminder: TaskReminder, calendar: WorkCalendar) -> datetime | None:
    return true_until(reminder.slot, reminder.due_at, reminder.deadline_at, calendar)


def _take_due(tx: Tx, person_id: int, due_at: datetime) -> list[tuple[TaskReminder, Task]]:
    """The person's due reminders with their tasks, all locked: tasks first and in order, as every verb does."""
    until = max(clock.now(), due_at) + TOGETHER
    due = (
        TaskReminder.person_id == person_id,
        TaskReminder.state == ReminderState.PLANNED,
        TaskReminder.due_at <= until,
    )
    wanted = sorted(set(tx.session.scalars(sa.select(TaskReminder.task_id).where(*due))))
    fresh = {"populate_existing": True}
    tasks = {
        task.id: task
        for task in tx.session.scalars(
            sa.select(Task).where(Task.id.in_(wanted)).order_by(Task.id).with_for_update().execution_options(**fresh)
        )
    }
    query = sa.select(TaskReminder).where(*due, TaskReminder.task_id.in_(wanted)).order_by(TaskReminder.id)
    locked = tx.session.scalars(query.with_for_update().execution_options(**fresh))
    return [(reminder, tasks[reminder.task_id]) for reminder in locked]


def _tell(tx: Tx, person: PersonCard, due: list[tuple[TaskReminder, Task]], calendar: WorkCalendar) -> None:
    by_task: dict[int, list[TaskReminder]] = defaultdict(list)
    tasks = {task.id: task for _, task in due}
    for reminder, task in due:
        by_task[task.id].append(reminder)
    last = {task_id: max(rows, key=lambda r: (r.due_at, r.id)) for task_id, rows in by_task.items()}
    says = {task_id: why(calendar, tasks[task_id], reminder.slot, person.id) for task_id, reminder in last.items()}
    until = _useful_until(list(last.values()), tasks, calendar)
    if len(says) == 1:
        [(task_id, sentence)] = says.items()
        _tell_one(tx, person, tasks[task_id], sentence, last[task_id], until)
        return
    ordered = sorted(tasks.values(), key=lambda t: (t.deadline_at is None, t.deadline_at, t.id))
    lines = tuple(DigestLine(t.title, says[t.id], t.deadline_at, f"/tasks/{t.id}") for t in ordered)
    late = sum(1 for t in ordered if t.deadline_at is not None and t.deadline_at < clock.now())
    slot = f"reminder-{due[0][0].id}"
    digest = TaskDigest(lines, late, "/tasks")
    messages.tell(tx, digest, person.id, ref=Ref("person", person.id), slot=slot, useful_until=until)


def _useful_until(told: list[TaskReminder], tasks: dict[int, Task], calendar: WorkCalendar) -> datetime | None:
    """Until when the message of these may still leave when its provider was away: as long as one of them is true, and
    not into the night, unless one is hỏa tốc."""
    ends = [_true_until(reminder, calendar) for reminder in told]
    known = [end for end in ends if end is not None]
    until = max(known) if len(known) == len(ends) else None
    if any(task.priority == Priority.FLASH for task in tasks.values()):
        return until
    night = quiet_from(clock.now())
    return min(until, night) if until is not None else night


def _tell_one(
    tx: Tx, person: PersonCard, task: Task, sentence: Phrase, reminder: TaskReminder, until: datetime | None
) -> None:
    ref = Ref("task", task.id)
    waits = TaskState(task.state) is TaskState.NEW
    link = links.live_one(tx, "task.receive", ref, person.id) if waits else None
    leads = access.lead_people(tx, task)
    words = ReminderWords(
        title=task.title,
        why=sentence,
        giver=queries.person(tx, task.giver_id).name,
        lead=lead_name(tx, task),
        deadline_at=task.deadline_at,
        path=f"/tasks/{task.id}",
        receive_link=links.place(link) if link and person.id in {card.id for card in leads} else "",
    )
    messages.tell(tx, words, person.id, ref=ref, version=reminder.plan, slot=reminder.slot, useful_until=until)


def lead_name(tx: Tx, task: Task) -> str:
    """The lead as messages and pages name it."""
    if task.lead_person_id is not None:
        return queries.person(tx, task.lead_person_id).name
    assert task.lead_agency_id is not None
    agency = queries.agency(tx, task.lead_agency_id).name
    unit = access.unit_name(tx, task.lead_unit_id)
    return f"{unit}, {agency}" if unit else agency


def why(calendar: WorkCalendar, task: Task, slot: str, person_id: int) -> Phrase:
    """Why this person hears of the task now, in one sentence."""
    if slot == "accept":
        return phrase("Việc này đã được báo hoàn thành và đang chờ bạn nghiệm thu.")
    if slot.startswith("unreceived"):
        if person_id == task.giver_id and task.lead_person_id != person_id:
            return phrase("Chưa có báo nhận việc này.")
        return phrase("Bạn chưa báo đã nhận việc này.")
    if slot == "day":
        return phrase("Việc này đến hạn hôm nay.")
    if slot == "day-before":
        return phrase("Việc này đến hạn vào ngày làm việc tới.")
    assert task.deadline_at is not None
    if slot.startswith("overdue"):
        days = max((clock.now().date() - task.deadline_at.date()).days, 1)
        return phrase("Việc này đã quá hạn {n} ngày.", n=days)
    left = calendar.working_time(clock.now(), task.deadline_at)
    return phrase("Còn {n} ngày làm việc đến hạn.", n=max(round(left / timedelta(hours=8)), 1))
