"""Vietnamese working days and hours: the public calendar of `holidays` under the administrators' table of overrides.

Swaps of working days are decided a few days before they happen, so the table always wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa
from holidays import country_holidays
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import VN
from kernel.schema import Base

if TYPE_CHECKING:
    from kernel.db import Tx

MORNING = (time(7, 30), time(11, 30))
AFTERNOON = (time(13, 0), time(17, 0))


class CalendarDay(Base):
    """A day on which an administrator overrules the public calendar."""

    __tablename__ = "calendar_day"
    on: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    note: Mapped[str] = mapped_column(default="")


class _Holidays(Protocol):
    def is_working_day(self, key: date) -> bool: ...

    def get(self, key: date) -> str | None: ...


@cache
def _public() -> _Holidays:
    return country_holidays("VN", language="vi")


@dataclass(frozen=True)
class WorkCalendar:
    """The working time of one office. `hours` are the spans of a working day, local time, in order."""

    overrides: Mapping[date, bool] = field(default_factory=dict)
    hours: tuple[tuple[time, time], ...] = (MORNING, AFTERNOON)

    def is_working_day(self, on: date) -> bool:
        """Whether offices are open on that date."""
        return self.overrides[on] if on in self.overrides else bool(_public().is_working_day(on))

    def add_working_days(self, on: date, days: int) -> date:
        """The `days`-th working day after `on`, which itself is not counted; backwards when negative."""
        step = timedelta(days=1 if days >= 0 else -1)
        left = abs(days)
        while left:
            on += step
            left -= self.is_working_day(on)
        return on

    def working_day_on_or_after(self, on: date) -> date:
        """`on` itself or the next working day."""
        while not self.is_working_day(on):
            on += timedelta(days=1)
        return on

    def spans(self, on: date) -> list[tuple[datetime, datetime]]:
        """The working spans of a date as instants; none on a day off."""
        if not self.is_working_day(on):
            return []
        return [(datetime.combine(on, a, VN), datetime.combine(on, b, VN)) for a, b in self.hours]

    def end_of_day(self, on: date) -> datetime:
        """The close of office hours on a date, whether or not it is a working day."""
        return datetime.combine(on, self.hours[-1][1], VN)

    def is_open(self, at: datetime) -> bool:
        """Whether offices are open at that instant."""
        return any(a <= at < b for a, b in self.spans(at.astimezone(VN).date()))

    def next_open(self, at: datetime) -> datetime:
        """`at` itself when offices are open, else the next opening."""
        on = at.astimezone(VN).date()
        while True:
            for a, b in self.spans(on):
                if at < b:
                    return max(a, at)
            on += timedelta(days=1)

    def add_working_time(self, at: datetime, length: timedelta) -> datetime:
        """The instant by which `length` of working time has passed since `at`."""
        left = length
        while True:
            at = self.next_open(at)
            end = next(b for a, b in self.spans(at.astimezone(VN).date()) if a <= at < b)
            if at + left <= end:
                return at + left
            left -= end - at
            at = end

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """The working time between two instants; zero when `end` is not after `start`."""
        total = timedelta()
        on = start.astimezone(VN).date()
        while on <= end.astimezone(VN).date():
            total += sum(
                (max(min(b, end) - max(a, start), timedelta()) for a, b in self.spans(on)),
                timedelta(),
            )
            on += timedelta(days=1)
        return total

    def same_or_next_working_day(self, received_at: datetime) -> datetime:
        """The deadline "within the day, at the latest the next working day" (Decree 30/2020, art. 4.2c).

        What comes after hours or on a day off counts as received at the next opening.
        """
        counted_from = self.next_open(received_at).astimezone(VN).date()
        return self.end_of_day(self.add_working_days(counted_from, 1))

    def name_of_day_off(self, on: date) -> str:
        """The holiday's Vietnamese name, or empty."""
        return _public().get(on) or ""


def calendar(tx: "Tx") -> WorkCalendar:
    """The calendar with the administrators' overrides as they stand now."""
    return WorkCalendar({on: working for on, working in tx.session.execute(_OVERRULED)})


_OVERRULED = sa.select(CalendarDay.on, CalendarDay.working)
