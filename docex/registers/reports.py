"""How many received documents were registered in time, and how many were answered in time: by month, agency and unit.

In time is what Decree 30/2020 art. 4.2c asks: the same day, at the latest the next working day, urgent ones at once.
The deadline was written on each document when it came (`Incoming.desk_due_at`), so a later change of the calendar
changes no report.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import sqlalchemy as sa

from directory.actor import Actor, require
from directory.models import Agency, Membership, Unit
from docex.access import OVERSEERS
from docex.models import Incoming
from docex.registers.charts import Chart, columns
from docex.registers.wishes import begins, number
from docex.states import IncomingState
from kernel import clock
from kernel.db import Tx
from kernel.text import Phrase, collation_key, phrase


@dataclass(frozen=True)
class Ask:
    """The period: a year, or one month of it (0 is the whole year)."""

    year: int
    month: int = 0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """From an address; this year unless it says otherwise."""
        year, month = number(str(given.get("year", ""))), number(str(given.get("month", "")))
        return cls(year if 2000 <= year <= 9998 else clock.today().year, month if 1 <= month <= 12 else 0)

    @property
    def first(self) -> date:
        """The first day of the period."""
        return date(self.year, self.month or 1, 1)

    @property
    def after(self) -> date:
        """The first day after the period."""
        return _next_month(date(self.year, self.month or 12, 1))


@dataclass(frozen=True)
class Count:
    """What became of the documents of one group. `due` of them had a deadline for the answer that has passed or was
    kept; `answered` of these kept it."""

    arrived: int = 0
    in_time: int = 0
    late: int = 0
    refused: int = 0
    due: int = 0
    answered: int = 0

    @property
    def waiting(self) -> int:
        """Not registered yet and still in time."""
        return self.arrived - self.in_time - self.late

    @property
    def rate(self) -> int | None:
        """The share registered in time, in per cent, rounded down; None when nothing can be said."""
        judged = self.in_time + self.late
        return 100 * self.in_time // judged if judged else None

    @property
    def answer_rate(self) -> int | None:
        """The share answered in time, in per cent, rounded down; None without deadlines."""
        return 100 * self.answered // self.due if self.due else None

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.arrived + other.arrived,
            self.in_time + other.in_time,
            self.late + other.late,
            self.refused + other.refused,
            self.due + other.due,
            self.answered + other.answered,
        )


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    name: str | Phrase
    count: Count


@dataclass(frozen=True)
class Section:
    """One table: its key in the address, its title, what its first column is, its lines and their sum."""

    key: str
    title: Phrase
    head: Phrase
    rows: tuple[Row, ...]
    total: Count


@dataclass(frozen=True)
class Report:
    """The tables of one period. `months` always covers the whole year, for the chart."""

    ask: Ask
    agency: str
    sections: tuple[Section, ...]


def report(tx: Tx, actor: Actor, ask: Ask) -> Report:
    """For clerks, leaders and chiefs: their agency by month and unit, and it and those below it side by side.

    Of agencies below only numbers are shown.
    """
    require(actor, *OVERSEERS)
    below = _below(tx, actor.agency_id)
    mine = Incoming.agency_id == actor.agency_id
    year = replace(ask, month=0)
    months = _counted(tx, year, mine, _month(ask.year), lambda c: c.arrived_at.astimezone(clock.VN).month)
    units = _by_unit(tx, actor.agency_id, _counted(tx, ask, mine, Incoming.handled_by, lambda c: c.handled_by))
    sections = [
        _section(
            "month",
            phrase("Theo tháng"),
            phrase("Tháng"),
            [Row(_MONTHS[m - 1], months.get(m, Count())) for m in range(1, 13)],
        ),
        _section("unit", phrase("Theo đơn vị tiếp nhận"), phrase("Đơn vị"), units),
    ]
    if len(below) > 1:
        agencies = _counted(tx, ask, Incoming.agency_id.in_(below), Incoming.agency_id, lambda c: c.agency_id)
        rows = [Row(name, agencies.get(i, Count())) for i, name in below.items()]
        sections.insert(1, _section("agency", phrase("Theo cơ quan"), phrase("Cơ quan"), rows))
    return Report(ask, below[actor.agency_id], tuple(sections))


def year_chart(found: Report, locale: str) -> Chart:
    """The months of the year as columns: in time, late, waiting."""
    words = (phrase("đúng hạn"), phrase("quá hạn"), phrase("chờ tiếp nhận"))
    stacks = []
    for row in found.sections[0].rows:
        name = row.name.in_locale(locale) if isinstance(row.name, Phrase) else row.name
        numbers = (row.count.in_time, row.count.late, row.count.waiting)
        parts = zip(("good", "bad", "waiting"), numbers, words, strict=True)
        stacks.append([(kind, n, f"{name}: {n} {word.in_locale(locale)}") for kind, n, word in parts])
    return columns([str(month) for month in range(1, 13)], stacks)


def heads() -> tuple[Phrase, ...]:
    """The words over the numbers of every table."""
    return (
        phrase("Văn bản đến"),
        phrase("Tiếp nhận đúng hạn"),
        phrase("Quá hạn"),
        phrase("Chờ tiếp nhận"),
        phrase("Từ chối"),
        phrase("Tỷ lệ đúng hạn"),
        phrase("Có hạn trả lời"),
        phrase("Trả lời đúng hạn"),
    )


def cells(count: Count) -> tuple[str, ...]:
    """The numbers of a line as text, in the order of `heads`."""
    numbers = (count.arrived, count.in_time, count.late, count.waiting, count.refused)
    rate = "" if count.rate is None else f"{count.rate} %"
    return (*(str(n) for n in numbers), rate, str(count.due), str(count.answered))


def _counted(
    tx: Tx, ask: Ask, whose: sa.ColumnElement[bool], group: Any, group_of: Callable[[Any], Any]
) -> dict[Any, Count]:
    """Counts by group: the bulk of it by the database, deadlines of answers by hand (a date against an instant)."""
    period = [whose, Incoming.arrived_at >= begins(ask.first), Incoming.arrived_at < begins(ask.after)]
    refused = Incoming.state == IncomingState.REFUSED
    dealt_at = sa.func.coalesce(Incoming.registered_at, sa.case((refused, Incoming.changed_at), else_=None))
    late = sa.or_(
        dealt_at > Incoming.desk_due_at,
        sa.and_(Incoming.state == IncomingState.ARRIVED, Incoming.desk_due_at < clock.now()),
    )
    # A copy that was taken back before anybody registered it was never late.
    dealt = sa.or_(dealt_at.is_not(None), Incoming.state == IncomingState.CANCELLED)
    tallied = sa.select(
        group,
        sa.func.count(),
        _sum(sa.and_(dealt, sa.not_(sa.func.coalesce(late, sa.false())))),
        _sum(late),
        _sum(refused),
    )
    found = {
        key: Count(int(n), int(a or 0), int(b or 0), int(c or 0))
        for key, n, a, b, c in tx.session.execute(tallied.where(*period).group_by(group))
    }
    fields = (Incoming.agency_id, Incoming.handled_by, Incoming.arrived_at, Incoming.due_on, Incoming.state)
    dated = sa.select(*fields, Incoming.changed_at).where(*period, Incoming.due_on.is_not(None))
    for row in tx.session.execute(dated.execution_options(yield_per=1_000)):
        key = group_of(row)
        found[key] = found.get(key, Count()) + _answer(row)
    return found


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _answer(row: Any) -> Count:
    """Whether a document's own deadline was kept; nothing while there is still time."""
    if row.state in (IncomingState.REFUSED, IncomingState.CANCELLED):
        return Count()
    if row.state == IncomingState.DONE:
        kept = row.changed_at.astimezone(clock.VN).date() <= row.due_on
        return Count(due=1, answered=int(kept))
    return Count(due=int(row.due_on < clock.today()))


def _month(year: int) -> sa.ColumnElement[int]:
    """The month of arrival in Vietnam, as a number that both databases can group by."""
    ends: list[tuple[sa.ColumnElement[bool], sa.ColumnElement[int]]] = [
        (Incoming.arrived_at < begins(_next_month(date(year, m, 1))), sa.literal_column(str(m))) for m in range(1, 12)
    ]
    return sa.case(*ends, else_=sa.literal_column("12"))


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _by_unit(tx: Tx, agency_id: int, by_person: Mapping[int | None, Count]) -> list[Row]:
    """The counts of people under the names of their units; documents that nobody took in stand apart."""
    ids = [i for i in by_person if i is not None]
    query = sa.select(Membership.person_id, Unit.name).join(Unit, Unit.id == Membership.unit_id, isouter=True)
    query = query.where(Membership.agency_id == agency_id, Membership.person_id.in_(ids))
    units = {person: name for person, name in tx.session.execute(query)}
    sums: dict[str, Count] = {}
    for person, count in by_person.items():
        name = "" if person is None else units.get(person) or "-"
        sums[name] = sums.get(name, Count()) + count
    named = sorted((n for n in sums if n not in ("", "-")), key=collation_key)
    rows = [Row(name, sums[name]) for name in named]
    rows += [Row(label, sums[key]) for key, label in (("-", _NO_UNIT), ("", _NOBODY)) if key in sums]
    return rows


def _below(tx: Tx, agency_id: int) -> dict[int, str]:
    """The agency and those under it that this instance serves: it first, the rest in alphabetical order."""
    agencies = {
        i: (parent, name, local)
        for i, parent, name, local in tx.session.execute(
            sa.select(Agency.id, Agency.parent_id, Agency.name, Agency.is_local)
        )
    }
    found, edge = {agency_id}, {agency_id}
    while edge:
        edge = {i for i, (parent, _, _) in agencies.items() if parent in edge} - found
        found |= edge
    under = sorted((i for i in found - {agency_id} if agencies[i][2]), key=lambda i: collation_key(agencies[i][1]))
    return {i: agencies[i][1] for i in (agency_id, *under)}


def _section(key: str, title: Phrase, head: Phrase, rows: Iterable[Row]) -> Section:
    rows = tuple(rows)
    return Section(key, title, head, rows, sum((row.count for row in rows), Count()))


_NO_UNIT = phrase("Không thuộc đơn vị nào")
_NOBODY = phrase("Chưa ai tiếp nhận")
_MONTHS = tuple(phrase("Tháng {n}", n=n) for n in range(1, 13))
