"""The inbox and the outbox: filters that can be shared, pages by cursor."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role
from directory.streams import clerks_stream, person_stream
from docex.documents.labels import URGENCY
from docex.documents.models import Delivery, Dispatch, Document, Incoming
from docex.documents.queries import INBOX_FILTERS, OUTBOX_FILTERS
from docex.documents.registers import document_search
from docex.documents.registers.list_query import ListQuery, begins, day, ends
from docex.documents.registers.list_rows import (
    OPEN,
    InboxRow,
    OutboxRow,
    inbox_rows,
    issued_by,
    outbox_rows,
    received_by,
)
from docex.documents.registers.saved_filters import Saved, saved_filters
from docex.documents.states import IncomingState
from kernel import clock, streams
from kernel.db import Tx
from kernel.forms import whole_number
from kernel.text import Phrase, collation_key, phrase

PAGE = 50
RECENT = 1_000
"""Of so many newest documents the other agencies are offered as a filter."""

DUE: dict[str, Phrase] = {"late": phrase("Quá hạn"), "week": phrase("Đến hạn trong 7 ngày"), "any": phrase("Có hạn")}

R = TypeVar("R")


@dataclass(frozen=True)
class Filter:
    """One filter link: its key in the URL, its word, how many things it shows (None: not counted)."""

    key: str
    label: Phrase
    active: bool
    count: int | None


@dataclass(frozen=True)
class Listing(Generic[R]):
    """One page of a list. `newer` and `older` are cursors, "" at the ends; `heads` is where the stream stood."""

    rows: tuple[R, ...]
    filters: tuple[Filter, ...]
    list_query: ListQuery
    agencies: tuple[tuple[int, str], ...]
    urgencies: tuple[tuple[int, Phrase], ...]
    dues: tuple[tuple[str, Phrase], ...]
    saved: tuple[Saved, ...]
    newer: str
    older: str
    stream: str
    heads: dict[str, int] = field(default_factory=dict)


def inbox(tx: Tx, actor: Actor, list_query: ListQuery) -> Listing[InboxRow]:
    """The received documents of the actor's agency, newest first."""
    mine, narrowed = received_by(actor), _inbox_narrowed(list_query)
    if list_query.q:
        found = document_search.ids(tx, actor, list_query.q, document_search.incoming_side(actor, *narrowed))
        narrowed.append(Incoming.id.in_(found))
    copies, newer, older = _page(
        tx, sa.select(Incoming).where(mine, *narrowed), Incoming.arrived_at, Incoming.id, list_query
    )
    counts = {"arrived": _count(tx, Incoming.id, sa.and_(mine, Incoming.state == IncomingState.ARRIVED))}
    return Listing(
        rows=inbox_rows(tx, copies),
        newer=_cursor(copies[0].arrived_at, copies[0].id) if newer else "",
        older=_cursor(copies[-1].arrived_at, copies[-1].id) if older else "",
        **_around(tx, actor, list_query, "in", INBOX_FILTERS, counts),
    )


def outbox(tx: Tx, actor: Actor, list_query: ListQuery) -> Listing[OutboxRow]:
    """The documents that the agency issues, last changed first; who oversees nothing sees their own."""
    mine, narrowed = issued_by(actor), _outbox_narrowed(list_query)
    if list_query.q:
        found = document_search.ids(tx, actor, list_query.q, document_search.outgoing_side(actor, *narrowed))
        narrowed.append(Document.id.in_(found))
    issued = sa.select(Document).where(mine, *narrowed)
    documents, newer, older = _page(tx, issued, Document.changed_at, Document.id, list_query)
    counts = {
        key: _count(tx, Document.id, sa.and_(mine, Document.state.in_([str(s) for s in OUTBOX_FILTERS[key][1]])))
        for key in ("review", "signed")
    }
    return Listing(
        rows=outbox_rows(tx, documents),
        newer=_cursor(documents[0].changed_at, documents[0].id) if newer else "",
        older=_cursor(documents[-1].changed_at, documents[-1].id) if older else "",
        **_around(tx, actor, list_query, "out", OUTBOX_FILTERS, counts),
    )


def search_sides(actor: Actor, list_query: ListQuery, where: str) -> list[document_search.Side]:
    """Where the search looks: both directions, or `in` or `out` alone, narrowed as a list is."""
    sides = []
    if where != "out" and (not list_query.state or list_query.state in INBOX_FILTERS):
        sides.append(document_search.incoming_side(actor, *_inbox_narrowed(list_query)))
    if where != "in" and (not list_query.state or list_query.state in OUTBOX_FILTERS):
        sides.append(document_search.outgoing_side(actor, *_outbox_narrowed(list_query)))
    return sides


def watched(actor: Actor) -> str:
    """Clerks and leaders watch their agency; others hear of their own documents on their own stream."""
    return clerks_stream(actor.agency_id) if actor.has(Role.CLERK, Role.LEADER) else person_stream(actor.person_id)


def other_agencies(tx: Tx, actor: Actor, list_query: ListQuery, side: str) -> tuple[tuple[int, str], ...]:
    """The agencies that the newest documents came from or went to, and the one that is asked for, by name."""
    if side == "in":
        came = sa.select(Incoming.sender_id).where(received_by(actor)).order_by(Incoming.id.desc()).limit(RECENT)
        found = set(tx.session.scalars(sa.select(came.subquery().c[0]).distinct()))
    else:
        sent = sa.select(Document.recipients).where(issued_by(actor)).order_by(Document.changed_at.desc()).limit(RECENT)
        found = {agency_id for recipients in tx.session.scalars(sent) for agency_id in recipients}
    found.add(whole_number(list_query.agency))
    cards = directory.agencies(tx, found).values()
    return tuple((card.id, card.name) for card in sorted(cards, key=lambda card: collation_key(card.name)))


def _inbox_narrowed(list_query: ListQuery) -> list[sa.ColumnElement[bool]]:
    states = INBOX_FILTERS.get(list_query.state, INBOX_FILTERS[""])[1]
    conditions: list[sa.ColumnElement[bool]] = [Incoming.state.in_([str(s) for s in states])] if states else []
    if agency := whole_number(list_query.agency):
        conditions.append(Incoming.sender_id == agency)
    if since := day(list_query.since):
        conditions.append(Incoming.arrived_at >= begins(since))
    if until := day(list_query.until):
        conditions.append(Incoming.arrived_at < ends(until))
    waits = Incoming.state.in_([str(s) for s in (IncomingState.ARRIVED, *OPEN)])
    if list_query.due == "late":
        at_desk = sa.and_(Incoming.state == IncomingState.ARRIVED, Incoming.desk_due_at < clock.now())
        conditions.append(sa.or_(at_desk, sa.and_(waits, Incoming.due_on < clock.today())))
    return conditions + _common(list_query, Incoming, waits)


def _outbox_narrowed(list_query: ListQuery) -> list[sa.ColumnElement[bool]]:
    states = OUTBOX_FILTERS.get(list_query.state, OUTBOX_FILTERS[""])[1]
    conditions: list[sa.ColumnElement[bool]] = [Document.state.in_([str(s) for s in states])] if states else []
    if agency := whole_number(list_query.agency):
        sent = sa.select(Dispatch.document_id).join(Delivery, Delivery.dispatch_id == Dispatch.id)
        conditions.append(Document.id.in_(sent.where(Delivery.agency_id == agency)))
    if since := day(list_query.since):
        conditions.append(Document.changed_at >= begins(since))
    if until := day(list_query.until):
        conditions.append(Document.changed_at < ends(until))
    if list_query.due == "late":
        conditions.append(Document.due_on < clock.today())
    return conditions + _common(list_query, Document, sa.true())


def _common(list_query: ListQuery, table: type[Any], waits: sa.ColumnElement[bool]) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if list_query.urgency == "any":
        conditions.append(table.urgency > 0)
    elif list_query.urgency in {str(level) for level in URGENCY}:
        conditions.append(table.urgency == whole_number(list_query.urgency))
    if list_query.due == "week":
        conditions += [waits, table.due_on.between(clock.today(), clock.today() + timedelta(days=7))]
    elif list_query.due == "any":
        conditions.append(table.due_on.is_not(None))
    return conditions


def _around(
    tx: Tx, actor: Actor, list_query: ListQuery, side: str, states: Any, counts: dict[str, int]
) -> dict[str, Any]:
    """The frame around the rows of either list."""
    stream = watched(actor)
    active = list_query.state if list_query.state in states else ""
    return {
        "filters": tuple(Filter(key, label, key == active, counts.get(key)) for key, (label, _) in states.items()),
        "list_query": list_query,
        "agencies": other_agencies(tx, actor, list_query, side),
        "urgencies": tuple(URGENCY.items()),
        "dues": tuple(DUE.items()),
        "saved": saved_filters(tx, actor, side, list_query),
        "stream": stream,
        "heads": streams.heads(tx, [stream]),
    }


def _page(tx: Tx, query: sa.Select[R], at: Any, number: Any, list_query: ListQuery) -> tuple[list[R], bool, bool]:
    """One page of rows, the last `at` first, and whether there is something newer and something older than it."""
    here = sa.tuple_(at, number)
    before, after = _moment(list_query.before), _moment(list_query.after)
    if after:
        query = query.where(here > _bound(after, at, number)).order_by(at, number)
    else:
        query = query.where(here < _bound(before, at, number)) if before else query
        query = query.order_by(at.desc(), number.desc())
    rows = list(tx.session.scalars(query.limit(PAGE + 1)))
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    if after:
        return rows[::-1], more, bool(rows)
    return rows, before is not None and bool(rows), more


def _count(tx: Tx, column: Any, condition: sa.ColumnElement[bool]) -> int:
    return tx.session.scalar(sa.select(sa.func.count(column)).where(condition)) or 0


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _cursor(at: datetime, number: int) -> str:
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}.{number}"


def _moment(cursor: str) -> tuple[datetime, int] | None:
    at, _, row = cursor.partition(".")
    if not (whole_number(at) and whole_number(row)) or whole_number(at) > 253_000_000_000_000_000:
        return None
    return _EPOCH + timedelta(microseconds=whole_number(at)), whole_number(row)


def _bound(moment: tuple[datetime, int], at: Any, number: Any) -> Any:
    return sa.tuple_(sa.literal(moment[0], at.type), sa.literal(moment[1], number.type))
