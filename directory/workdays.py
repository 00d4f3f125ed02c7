"""The administrators' word on working days: swaps and extra days off, over the public calendar."""

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from directory.access import require_instance_admin
from directory.actor import Actor
from kernel import worktime
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import one_line, phrase
from kernel.worktime import CalendarDay


@dataclass(frozen=True)
class Day:
    """One day that differs from an ordinary week. `is_override` marks an administrator's word."""

    on: date
    is_working: bool
    note: str
    is_override: bool


def year(tx: Tx, actor: Actor, number: int) -> list[Day]:
    """The days off and working weekends of a year, in order; overrides in place of what they overrule."""
    require_instance_admin(tx, actor)
    if not 1975 <= number <= 2199:
        raise NotFound()
    first, last = date(number, 1, 1), date(number, 12, 31)
    days = _public_days(first, last)
    rows = tx.session.scalars(sa.select(CalendarDay).where(CalendarDay.on.between(first, last)))
    days.update({row.on: Day(row.on, row.working, row.note, is_override=True) for row in rows})
    return sorted(days.values(), key=lambda day: day.on)


def set_day(tx: Tx, actor: Actor, on: date, is_working: bool, note: str) -> None:
    """Say whether offices are open on a date, whatever the public calendar says."""
    require_instance_admin(tx, actor)
    note = one_line(note)
    if not 1975 <= on.year <= 2199:
        raise Invalid({"on": phrase("Ngày này nằm ngoài lịch.")})
    if len(note) > 200:
        raise Invalid({"note": phrase("Ghi chú dài quá {limit} ký tự.", limit=200)})
    row = tx.session.get(CalendarDay, on)
    if row is None:
        row = CalendarDay(on=on, working=is_working)
        tx.session.add(row)
    row.working, row.note = is_working, note
    detail = {"working": is_working, "note": note}
    tx.audit("system", "directory.workday_set", f"day:{on.isoformat()}", detail)


def clear_day(tx: Tx, actor: Actor, on: date) -> None:
    """Let the public calendar speak again for a date."""
    require_instance_admin(tx, actor)
    row = tx.session.get(CalendarDay, on)
    if row is None:
        raise NotFound()
    tx.session.delete(row)
    tx.audit("system", "directory.workday_cleared", f"day:{on.isoformat()}")


def _public_days(first: date, last: date) -> dict[date, Day]:
    public = worktime.WorkCalendar()
    days = {}
    for offset in range((last - first).days + 1):
        on = first + timedelta(days=offset)
        name, works = public.name_of_day_off(on), public.is_working_day(on)
        if name or works != (on.weekday() < 5):
            days[on] = Day(on, works, name, is_override=False)
    return days
