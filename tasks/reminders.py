"""When whom to remind of a task: pure, so that it can be tried against years of days.

Slots have names that stay the same for one deadline, so that what was sent is never planned again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from kernel.clock import VN
from kernel.worktime import WorkCalendar
from tasks.models import Priority
from tasks.states import WITH_LEAD, TaskState

QUIET_FROM = time(20, 0)
QUIET_UNTIL = time(7, 0)

# Working time without "received" after which it is asked again, then told to the giver, then to the leaders.
UNRECEIVED = (timedelta(hours=2), timedelta(hours=4), timedelta(hours=8))
UNRECEIVED_FLASH = (timedelta(minutes=10), timedelta(minutes=20), timedelta(minutes=40))  # by the clock on the wall
ACCEPT_AFTER = timedelta(hours=8)

FRACTIONS = {
    Priority.NORMAL: {"half": 0.5},
    Priority.URGENT: {"half": 0.5, "three-quarters": 0.75},
    Priority.FLASH: {"quarter": 0.25, "half": 0.5, "three-quarters": 0.75},
}
SHORT_TASK = timedelta(hours=16)  # two working days: below that the day before and the day are enough
TOP_LEVEL = 3


@dataclass(frozen=True)
class TaskFacts:
    """What planning needs to know of a task. `reminded_at`: when somebody was last reminded of it."""

    state: TaskState
    priority: Priority
    given_at: datetime
    deadline_at: datetime | None
    finished_at: datetime | None
    reminded_at: datetime | None = None


@dataclass(frozen=True)
class Planned:
    """A reminder to come. `level`: 0 the lead, 1 also the giver, 2 also the lead's leaders, 3 also the office."""

    slot: str
    at: datetime
    level: int


def next_reminders(task: TaskFacts, history: frozenset[str], calendar: WorkCalendar, now: datetime) -> list[Planned]:
    """The reminders still to come, in order of time. `history` names the slots already sent for this deadline.

    Of the days after the deadline only the next one is planned: it depends on nobody having acted until then.
    """
    if task.state is TaskState.AWAITING and task.finished_at is not None:
        found = [Planned("accept", calendar.add_working_time(task.finished_at, ACCEPT_AFTER), 1)]
    elif task.state in WITH_LEAD:
        found = [*_unreceived(task, calendar), *_before(task, calendar, now), *_overdue(task, history, calendar, now)]
    else:
        found = []
    awake = [Planned(p.slot, _awake(p.at, task.priority), p.level) for p in found if p.slot not in history]
    return sorted(awake, key=lambda p: (p.at, p.slot))


def _unreceived(task: TaskFacts, calendar: WorkCalendar) -> Iterator[Planned]:
    if task.state is not TaskState.NEW:
        return
    flash = task.priority is Priority.FLASH
    for level, after in enumerate(UNRECEIVED_FLASH if flash else UNRECEIVED):
        at = task.given_at + after if flash else calendar.add_working_time(task.given_at, after)
        yield Planned(f"unreceived-{level + 1}", at, level)


def _before(task: TaskFacts, calendar: WorkCalendar, now: datetime) -> Iterator[Planned]:
    """At fractions of the working time, on the working day before, and on the day; nothing that is past already."""
    if task.deadline_at is None:
        return
    day = task.deadline_at.astimezone(VN).date()
    eve = _opening(calendar, calendar.add_working_days(day, -1))
    planned = [Planned("day-before", eve, 0), Planned("day", _opening(calendar, day), 0)]
    total = calendar.working_time(task.given_at, task.deadline_at)
    if total > SHORT_TASK:
        for slot, fraction in FRACTIONS[task.priority].items():
            at = calendar.add_working_time(task.given_at, total * fraction)
            if at < eve:
                planned.append(Planned(slot, at, 0))
    latest = task.deadline_at - timedelta(minutes=30)
    for reminder in planned:
        # Who got the task this morning is not told this morning that it is due today.
        if now < reminder.at < latest and reminder.at > task.given_at + timedelta(hours=1):
            yield reminder


def _overdue(task: TaskFacts, history: frozenset[str], calendar: WorkCalendar, now: datetime) -> Iterator[Planned]:
    """Each working morning after the deadline, one level higher each day. Missed mornings are not made up for."""
    if task.deadline_at is None:
        return
    number = 1
    at = calendar.next_open(task.deadline_at + timedelta(minutes=1))
    while True:
        following = _opening(calendar, calendar.add_working_days(at.astimezone(VN).date(), 1))
        told = task.reminded_at is not None and task.reminded_at >= at  # by whatever reminder, since that morning
        if f"overdue-{number}" not in history and following > now and not told:
            yield Planned(f"overdue-{number}", at, min(number - 1, TOP_LEVEL))
            return
        number, at = number + 1, following


def tell_at(now: datetime, priority: Priority, calendar: WorkCalendar) -> datetime:
    """When a reminder that is due may be told: now, or when it is night at the next opening of offices."""
    return now if _awake(now, priority) == now else calendar.next_open(_awake(now, priority))


def true_until(slot: str, due_at: datetime, deadline_at: datetime | None, calendar: WorkCalendar) -> datetime | None:
    """When a reminder says nothing that is true or new any more: what follows it then says it better. None: it is true
    as long as the state lasts, and with another state it is taken back."""
    if slot.startswith("overdue"):
        return _opening(calendar, calendar.add_working_days(due_at.astimezone(VN).date(), 1))
    if deadline_at is None or slot == "accept" or slot.startswith("unreceived"):
        return None
    day = deadline_at.astimezone(VN).date()
    if slot == "day":
        return deadline_at
    if slot == "day-before":
        return datetime.combine(day, time(), VN)
    return _opening(calendar, calendar.add_working_days(day, -1))


def quiet_from(now: datetime) -> datetime:
    """When the night begins after the waking hours in which `now` lies."""
    return datetime.combine(now.astimezone(VN).date(), QUIET_FROM, VN)


def _opening(calendar: WorkCalendar, on: date) -> datetime:
    return datetime.combine(on, calendar.hours[0][0], VN)


def _awake(at: datetime, priority: Priority) -> datetime:
    """`at`, or the end of the quiet hours that it falls into; hỏa tốc knows none."""
    local = at.astimezone(VN)
    if priority is Priority.FLASH or QUIET_UNTIL <= local.time() < QUIET_FROM:
        return at
    day = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    return datetime.combine(day, QUIET_UNTIL, VN)
