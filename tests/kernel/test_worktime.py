"""Working days of Vietnam, as published, and as an administrator overrules them."""

from datetime import date, datetime, timedelta

import pytest

from kernel import worktime
from kernel.clock import VN
from kernel.db import Database
from kernel.worktime import CalendarDay, WorkCalendar

pytestmark = pytest.mark.both_databases

CALENDAR = WorkCalendar()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN)


@pytest.mark.parametrize(
    ("on", "working"),
    [
        ("2026-02-13", True),
        ("2026-02-16", False),  # Tết 2026: 16–20 February
        ("2026-02-20", False),
        ("2026-02-23", True),
        ("2026-08-22", True),  # a working Saturday, swapped with the 31st
        ("2026-08-31", False),
        ("2026-09-02", False),
        ("2027-02-04", False),
        ("2026-11-21", False),
    ],
)
def test_published_days_are_known(on: str, working: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(on)) is working


def test_an_override_wins_over_the_library(db: Database) -> None:
    with db.write() as tx:
        tx.session.add_all(
            [CalendarDay(on=date(2026, 1, 2), working=False), CalendarDay(on=date(2026, 1, 10), working=True)]
        )
    with db.read() as tx:
        calendar = worktime.calendar(tx)
    assert not calendar.is_working_day(date(2026, 1, 2))
    assert calendar.is_working_day(date(2026, 1, 10))
    assert calendar.add_working_days(date(2025, 12, 31), 1) == date(2026, 1, 5)


def test_working_days_exclude_the_first_and_step_over_weekends() -> None:
    assert CALENDAR.add_working_days(date(2026, 11, 19), 2) == date(2026, 11, 23)
    assert CALENDAR.add_working_days(date(2026, 11, 23), -1) == date(2026, 11, 20)


def test_a_document_that_comes_after_hours_counts_from_the_next_morning() -> None:
    assert CALENDAR.same_or_next_working_day(at("2026-11-19T10:00")) == at("2026-11-20T17:00")
    assert CALENDAR.same_or_next_working_day(at("2026-11-19T17:30")) == at("2026-11-23T17:00")


def test_working_time_skips_lunch_and_nights() -> None:
    start, end = at("2026-11-19T11:00"), at("2026-11-20T08:00")
    assert CALENDAR.working_time(start, end) == timedelta(hours=5)
    assert CALENDAR.add_working_time(start, timedelta(hours=5)) == end
    assert CALENDAR.add_working_time(at("2026-11-20T16:30"), timedelta(hours=1)) == at("2026-11-23T08:00")


def test_next_opening() -> None:
    assert CALENDAR.next_open(at("2026-11-19T12:00")) == at("2026-11-19T13:00")
    assert CALENDAR.next_open(at("2026-11-21T09:00")) == at("2026-11-23T07:30")
    assert CALENDAR.is_open(at("2026-11-19T09:00"))
    assert not CALENDAR.is_open(at("2026-11-19T17:00"))
