"""When whom to remind: the plan of a task as a pure function."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import VN
from kernel.worktime import WorkCalendar
from tasks.models import Priority
from tasks.reminders import QUIET_FROM, QUIET_UNTIL, TaskFacts, next_reminders, tell_at, true_until
from tasks.states import CLOSED, TaskState
from tests.tasks.moments import FRIDAY_17, MONDAY_9, at

OFFICE = WorkCalendar()
NEW = TaskFacts(TaskState.NEW, Priority.NORMAL, MONDAY_9, FRIDAY_17, None)
RECEIVED = replace(NEW, state=TaskState.RECEIVED)


def planned(task: TaskFacts, now: datetime = MONDAY_9, history: frozenset[str] = frozenset()) -> dict[str, datetime]:
    return {p.slot: p.at.astimezone(VN) for p in next_reminders(task, history, OFFICE, now)}


def test_a_new_task_is_asked_for_its_receipt_and_then_goes_up() -> None:
    levels = {p.slot: (p.at.astimezone(VN), p.level) for p in next_reminders(NEW, frozenset(), OFFICE, MONDAY_9)}
    assert levels["unreceived-1"] == (at(7, 11), 0)
    assert levels["unreceived-2"] == (at(7, 14, 30), 1)
    assert levels["unreceived-3"] == (at(8, 9), 2)


def test_a_received_task_of_a_week_is_reminded_half_way_the_day_before_and_on_the_day() -> None:
    assert planned(RECEIVED) == {
        "half": at(9, 13, 45),
        "day-before": at(10, 7, 30),
        "day": at(11, 7, 30),
        "overdue-1": at(14, 7, 30),
    }


def test_an_urgent_task_is_reminded_more_often() -> None:
    long = replace(RECEIVED, priority=Priority.URGENT, deadline_at=at(25, 17))
    assert {"half", "three-quarters"} <= set(planned(long))


def test_a_task_that_is_due_in_three_hours_is_not_told_that_it_is_due_today() -> None:
    assert set(planned(replace(RECEIVED, deadline_at=at(7, 12)))) == {"overdue-1"}


def test_after_the_deadline_each_working_morning_goes_one_level_higher_and_missed_ones_are_not_made_up_for() -> None:
    history: frozenset[str] = frozenset()
    seen = []
    now = at(11, 18)
    for _ in range(6):
        [reminder] = next_reminders(RECEIVED, history, OFFICE, now)
        seen.append((reminder.slot, reminder.at.astimezone(VN).day, reminder.level))
        history |= {reminder.slot}
        now = reminder.at
    assert seen == [
        ("overdue-1", 14, 0),
        ("overdue-2", 15, 1),
        ("overdue-3", 16, 2),
        ("overdue-4", 17, 3),
        ("overdue-5", 18, 3),
        ("overdue-6", 21, 3),
    ]
    # The service stood still from the 14th to the afternoon of the 17th.
    [late] = next_reminders(RECEIVED, frozenset({"overdue-1"}), OFFICE, at(17, 15))
    assert (late.slot, late.at.astimezone(VN)) == ("overdue-4", at(17, 7, 30))


def test_a_finished_task_reminds_the_giver_to_accept_it() -> None:
    [reminder] = next_reminders(
        replace(RECEIVED, state=TaskState.AWAITING, finished_at=at(8, 9)), frozenset(), OFFICE, at(8, 9)
    )
    assert (reminder.slot, reminder.at.astimezone(VN)) == ("accept", at(9, 9))


@pytest.mark.parametrize("state", [*sorted(CLOSED), TaskState.PAUSED, TaskState.RETURNED])
def test_nobody_is_reminded_of_what_rests_or_is_closed(state: TaskState) -> None:
    assert next_reminders(replace(NEW, state=state), frozenset(), OFFICE, MONDAY_9) == []


def test_a_flash_task_is_asked_for_at_once_also_at_night() -> None:
    night = at(7, 22)
    flash = replace(NEW, priority=Priority.FLASH, given_at=night, deadline_at=None)
    assert planned(flash, night) == {
        "unreceived-1": at(7, 22, 10),
        "unreceived-2": at(7, 22, 20),
        "unreceived-3": at(7, 22, 40),
    }


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda d: d.replace(tzinfo=VN))  # noqa: DTZ001


@given(
    given_at=moments,
    length=st.timedeltas(timedelta(minutes=1), timedelta(days=60)),
    passed=st.timedeltas(timedelta(0), timedelta(days=90)),
    priority=st.sampled_from(Priority),
    state=st.sampled_from(TaskState),
)
def test_for_any_task_the_plan_is_in_order_awake_and_without_what_was_sent(
    given_at: datetime, length: timedelta, passed: timedelta, priority: Priority, state: TaskState
) -> None:
    task = TaskFacts(state, priority, given_at, given_at + length, given_at if state is TaskState.AWAITING else None)
    now = given_at + passed
    first = next_reminders(task, frozenset(), OFFICE, now)
    assert first == sorted(first, key=lambda p: (p.at, p.slot))
    assert len({p.slot for p in first}) == len(first) <= 9
    if priority is not Priority.FLASH:
        assert all(QUIET_UNTIL <= p.at.astimezone(VN).time() < QUIET_FROM for p in first)
    sent = frozenset(p.slot for p in first)
    assert all(p.slot.startswith("overdue") for p in next_reminders(task, sent, OFFICE, now))


@pytest.mark.parametrize(
    ("slot", "due_at", "end"),
    [
        ("half", at(9, 13, 45), at(10, 7, 30)),
        ("day-before", at(10, 7, 30), at(11, 0)),
        ("day", at(11, 7, 30), FRIDAY_17),
        ("overdue-1", at(14, 7, 30), at(15, 7, 30)),
        ("overdue-5", at(18, 7, 30), at(21, 7, 30)),
        ("unreceived-1", at(7, 11), None),
        ("accept", at(9, 9), None),
    ],
)
def test_a_reminder_is_true_until_the_next_one_says_more(slot: str, due_at: datetime, end: datetime | None) -> None:
    assert true_until(slot, due_at, FRIDAY_17, OFFICE) == end


def test_at_night_a_reminder_waits_for_the_opening_of_offices_unless_it_is_flash() -> None:
    for now in (at(7, 20), at(7, 23), at(8, 3), at(8, 6, 59)):
        assert tell_at(now, Priority.NORMAL, OFFICE) == at(8, 7, 30)
        assert tell_at(now, Priority.FLASH, OFFICE) == now
    assert tell_at(at(11, 22), Priority.URGENT, OFFICE) == at(14, 7, 30)
    assert tell_at(at(12, 10), Priority.URGENT, OFFICE) == at(12, 10)
