"""How many received documents were registered, forwarded and answered in time, by month, agency and unit, and how many
signed ones were issued in time.

In time is what Decree 30/2020 art. 4.2c asks: the same day, at the latest the next working day, urgent ones at once.
The deadline was written on each document when it came or was signed (`Incoming.desk_due_at`, `Document.issue_due_at`),
so a later change of the calendar changes no report.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import sqlalchemy as sa

from directory.actor import Actor, require
from directory.models import Agency, Membership, Unit
from docex.documents.access import OVERSEERS
from docex.documents.models import Document, Incoming
from docex.documents.registers.charts import Chart, columns
from docex.documents.registers.counts import Count, Issued, Received
from docex.documents.registers.list_query import begins
from docex.documents.states import DocumentState, IncomingState
from kernel import clock
from kernel.db import Tx
from kernel.forms import whole_number
from kernel.text import Phrase, collation_key, phrase


@dataclass(frozen=True)
class Ask:
    """The period: a year, or one month of it (0 is the whole year)."""

    year: int
    month: int = 0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """From an address; this year unless it says otherwise."""
        year, month = whole_number(str(given.get("year", ""))), whole_number(str(given.get("month", "")))
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
class Row:
    """One line of a table."""

    name: str | Phrase
    count: Count


@dataclass(frozen=True)
class Section:
    """One table: its key in the address, its title, what its first column is, the words over its numbers, its lines and
    their sum. `drawn` says what its chart shows; None without one."""

    key: str
    title: Phrase
    head: Phrase
    heads: tuple[Phrase, ...]
    rows: tuple[Row, ...]
    total: Count
    drawn: Phrase | None = None

    def chart(self, locale: str) -> Chart:
        """The months of the year as columns: in time, late, neither yet."""
        stacks = []
        for row in self.rows:
            name = row.name.in_locale(locale) if isinstance(row.name, Phrase) else row.name
            parts = zip(_TONES, row.count.stack, strict=True)
            stacks.append([(tone, n, f"{name}: {n} {word.in_locale(locale)}") for (tone, word), n in parts])
        return columns([str(month) for month in range(1, len(self.rows) + 1)], stacks)


@dataclass(frozen=True)
class Report:
    """The tables of one period. Those by month always cover the whole year."""

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
    months = _counted(tx, replace(ask, month=0), mine, _month(Incoming.arrived_at, ask.year), _month_of)
    units = _by_unit(tx, actor.agency_id, _counted(tx, ask, mine, Incoming.handled_by, lambda c: c.handled_by))
    title, head = phrase("Theo tháng"), phrase("Tháng")
    sections = [_section("month", title, head, _by_month(months, Received()), Received, _RECEIVED)]
    if len(below) > 1:
        agencies = _counted(tx, ask, Incoming.agency_id.in_(below), Incoming.agency_id, lambda c: c.agency_id)
        rows = [Row(name, agencies.get(i, Received())) for i, name in below.items()]
        sections.append(_section("agency", phrase("Theo cơ quan"), phrase("Cơ quan"), rows, Received))
    sections.append(_section("unit", phrase("Theo đơn vị tiếp nhận"), phrase("Đơn vị"), units, Received))
    issued = _by_month(_issued(tx, actor.agency_id, ask.year), Issued())
    sections.append(_section("issued", phrase("Phát hành văn bản đi theo tháng"), head, issued, Issued, _ISSUED))
    return Report(ask, below[actor.agency_id], tuple(sections))


def _month_of(copy: Any) -> int:
    month: int = copy.arrived_at.astimezone(clock.VN).month
    return month


def _counted(
    tx: Tx, ask: Ask, whose: sa.ColumnElement[bool], group: Any, group_of: Callable[[Any], Any]
) -> dict[Any, Received]:
    """Counts by group: the bulk of it by the database, deadlines of answers by hand (a date against an instant)."""
    period = [whose, Incoming.arrived_at >= begins(ask.first), Incoming.arrived_at < begins(ask.after)]
    refused = Incoming.state == IncomingState.REFUSED
    dealt_at = sa.func.coalesce(Incoming.registered_at, sa.case((refused, Incoming.changed_at), else_=None))
    late = sa.or_(
        dealt_at > Incoming.desk_due_at,
        sa.and_(Incoming.state == IncomingState.ARRIVED, Incoming.desk_due_at < clock.now()),
    )
    lies = sa.and_(Incoming.state == IncomingState.REGISTERED, Incoming.desk_due_at < clock.now())
    forwarded_late = sa.or_(Incoming.forwarded_at > Incoming.desk_due_at, lies)
    # A copy that was taken back before anybody registered it was never late.
    dealt = sa.or_(dealt_at.is_not(None), Incoming.state == IncomingState.CANCELLED)
    tallied = sa.select(
        group,
        sa.func.count(),
        _sum(sa.and_(dealt, sa.not_(sa.func.coalesce(late, sa.false())))),
        _sum(late),
        _sum(refused),
        _sum(Incoming.forwarded_at <= Incoming.desk_due_at),
        _sum(forwarded_late),
    )
    found = {
        key: Received(*(int(n or 0) for n in numbers))
        for key, *numbers in tx.session.execute(tallied.where(*period).group_by(group))
    }
    fields = (Incoming.agency_id, Incoming.handled_by, Incoming.arrived_at, Incoming.due_on, Incoming.state)
    finished_at = sa.func.coalesce(Incoming.finished_at, Incoming.changed_at).label("finished_at")
    dated = sa.select(*fields, finished_at).where(*period, Incoming.due_on.is_not(None))
    for row in tx.session.execute(dated.execution_options(yield_per=1_000)):
        key = group_of(row)
        found[key] = found.get(key, Received()) + _answer(row)
    return found


def _issued(tx: Tx, agency_id: int, year: int) -> dict[int, Issued]:
    """Signed documents by the month of the signature. One that was taken back before it left is nobody's delay."""
    late = sa.or_(
        Document.sent_at > Document.issue_due_at,
        sa.and_(Document.sent_at.is_(None), Document.issue_due_at < clock.now()),
    )
    month = _month(Document.signed_at, year)
    tallied = sa.select(month, sa.func.count(), _sum(Document.sent_at <= Document.issue_due_at), _sum(late))
    counted = tallied.where(
        Document.agency_id == agency_id,
        Document.signed_at >= begins(date(year, 1, 1)),
        Document.signed_at < begins(date(year + 1, 1, 1)),
        Document.issue_due_at.is_not(None),
        sa.or_(Document.sent_at.is_not(None), Document.state != DocumentState.RECALLED),
    ).group_by(month)
    return {key: Issued(*(int(n or 0) for n in numbers)) for key, *numbers in tx.session.execute(counted)}


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _answer(row: Any) -> Received:
    """Whether a document's own deadline was kept; nothing while there is still time."""
    if row.state in (IncomingState.REFUSED, IncomingState.CANCELLED):
        return Received()
    if row.state == IncomingState.DONE:
        kept = row.finished_at.astimezone(clock.VN).date() <= row.due_on
        return Received(due=1, answered=int(kept))
    return Received(due=int(row.due_on < clock.today()))


def _month(column: Any, year: int) -> sa.ColumnElement[int]:
    """The month of an instant in Vietnam, as a number that both databases can group by."""
    ends: list[tuple[sa.ColumnElement[bool], sa.ColumnElement[int]]] = [
        (column < begins(_next_month(date(year, m, 1))), sa.literal_column(str(m))) for m in range(1, 12)
    ]
    return sa.case(*ends, else_=sa.literal_column("12"))


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _by_unit(tx: Tx, agency_id: int, by_person: Mapping[int | None, Received]) -> list[Row]:
    """The counts of people under the names of their units; documents that nobody took in stand apart."""
    ids = [i for i in by_person if i is not None]
    query = sa.select(Membership.person_id, Unit.name).join(Unit, Unit.id == Membership.unit_id, isouter=True)
    query = query.where(Membership.agency_id == agency_id, Membership.person_id.in_(ids))
    units = {person: name for person, name in tx.session.execute(query)}
    sums: dict[str, Received] = {}
    for person, count in by_person.items():
        name = "" if person is None else units.get(person) or "-"
        sums[name] = sums.get(name, Received()) + count
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


def _by_month(months: Mapping[int, Count], nothing: Count) -> list[Row]:
    return [Row(_MONTHS[month - 1], months.get(month, nothing)) for month in range(1, 13)]


def _section(
    key: str, title: Phrase, head: Phrase, rows: Iterable[Row], counts: type[Count], drawn: Phrase | None = None
) -> Section:
    rows = tuple(rows)
    return Section(key, title, head, counts.HEADS, rows, counts.sum(row.count for row in rows), drawn)


_NO_UNIT = phrase("Không thuộc đơn vị nào")
_NOBODY = phrase("Chưa ai tiếp nhận")
_MONTHS = tuple(phrase("Tháng {n}", n=n) for n in range(1, 13))
_RECEIVED = phrase("Số văn bản đến mỗi tháng: đúng hạn, quá hạn, chờ tiếp nhận. Số liệu ở bảng dưới.")
_ISSUED = phrase("Số văn bản ký mỗi tháng: phát hành đúng hạn, quá hạn, chờ phát hành. Số liệu ở bảng dưới.")
_TONES = (("good", phrase("đúng hạn")), ("bad", phrase("quá hạn")), ("waiting", phrase("đang chờ")))
