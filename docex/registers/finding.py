"""The search over everything that an agency sent and received: subject, number, agency, and the text of the papers.

Two rows of the index speak of one document: the agency's own, and that of the envelope with the text of its papers,
which all receivers share. Rights and filters narrow the index itself, so that a full page of hits is a page that the
reader may see.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory.actor import Actor
from docex.models import Dispatch, Document, Incoming
from docex.registers.marks import Piece, pieces, snippet, words_of
from docex.registers.reading import BREAK, SCOPE
from docex.registers.rows import InboxRow, OutboxRow, inbox_rows, issued_by, outbox_rows, received_by
from kernel import search
from kernel.db import Tx
from kernel.search import Hit, SearchText

PAGE = 30
MOST = 200
LONGEST = 300


@dataclass(frozen=True)
class FoundRow:
    """One document that was found: its row, its subject cut where the words stand, a line of its papers' text."""

    incoming: InboxRow | None
    outgoing: OutboxRow | None
    at: datetime
    subject: tuple[Piece, ...]
    text: tuple[Piece, ...]


@dataclass(frozen=True)
class Found:
    """One page of hits, newest first; `older` is the cursor of the next page, None at the end."""

    rows: tuple[FoundRow, ...] = ()
    older: datetime | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """Where to look: the kind of the agency's own rows, its table, how an envelope leads to it, what narrows it."""

    kind: str
    table: type[Incoming] | type[Document]
    narrowed: sa.ColumnElement[bool]
    at: Any
    by_envelope: Callable[[set[int]], sa.Select[int, int]] = field(repr=False)

    def things(self) -> sa.Select[int]:
        """The ids that the reader may see and wants."""
        return sa.select(self.table.id).where(self.narrowed)

    def envelopes(self) -> sa.Select[int]:
        """The envelopes that belong to them."""
        if self.table is Incoming:
            return sa.select(Incoming.dispatch_id).where(self.narrowed)
        return sa.select(Dispatch.id).join(Document, Document.id == Dispatch.document_id).where(self.narrowed)


def incoming_side(actor: Actor, *conditions: sa.ColumnElement[bool]) -> Side:
    """What came to the agency."""

    def mine(envelopes: set[int]) -> sa.Select[int, int]:
        wanted = sa.select(Incoming.dispatch_id, Incoming.id)
        return wanted.where(Incoming.dispatch_id.in_(envelopes), received_by(actor), *conditions)

    return Side("incoming", Incoming, sa.and_(received_by(actor), *conditions), Incoming.arrived_at, mine)


def outgoing_side(actor: Actor, *conditions: sa.ColumnElement[bool]) -> Side:
    """What the agency issues."""

    def mine(envelopes: set[int]) -> sa.Select[int, int]:
        wanted = sa.select(Dispatch.id, Document.id).join(Document, Document.id == Dispatch.document_id)
        return wanted.where(Dispatch.id.in_(envelopes), issued_by(actor), *conditions)

    return Side("document", Document, sa.and_(issued_by(actor), *conditions), Document.made_at, mine)


def found(tx: Tx, actor: Actor, q: str, sides: Iterable[Side], before: datetime | None = None) -> Found:
    """Documents that hold every word of `q` in what is known of them or in their papers; with and without accents."""
    words = words_of(q[:LONGEST])
    rows: list[FoundRow] = []
    for side in sides if words else ():
        rows += _rows(tx, side, _hits(tx, actor, q, side, PAGE + 1, before), words)
    rows = sorted((r for r in rows if before is None or r.at < before), key=lambda row: row.at, reverse=True)
    return Found(tuple(rows[:PAGE]), rows[PAGE - 1].at if len(rows) > PAGE else None)


def ids(tx: Tx, actor: Actor, q: str, side: Side) -> list[int]:
    """The newest things of one side that hold every word of `q`; for narrowing a list."""
    return list(_hits(tx, actor, q, side, MOST, None))


def _hits(tx: Tx, actor: Actor, q: str, side: Side, limit: int, before: datetime | None) -> dict[int, str]:
    """By the id of the thing, the text of the papers in which the words stand ("" when they stand elsewhere)."""
    q = q[:LONGEST]
    own = search.find(
        tx,
        q,
        scopes=[f"agency:{actor.agency_id}"],
        kinds=[side.kind],
        limit=limit,
        before=before,
        within=SearchText.thing_id.in_(side.things()),
    )
    shared = search.find(
        tx,
        q,
        scopes=[SCOPE],
        kinds=["dispatch"],
        limit=limit,
        before=before,
        within=SearchText.thing_id.in_(side.envelopes()),
    )
    texts = dict.fromkeys((hit.ref.id for hit in own), "")
    return texts | _by_thing(tx, side, shared)


def _by_thing(tx: Tx, side: Side, hits: list[Hit]) -> dict[int, str]:
    texts = {hit.ref.id: hit.text for hit in hits}
    found_: dict[int, str] = {}
    for envelope, thing in tx.session.execute(side.by_envelope(set(texts))):
        found_[thing] = texts[envelope]
    return found_


def _rows(tx: Tx, side: Side, texts: dict[int, str], words: tuple[str, ...]) -> list[FoundRow]:
    things = list(tx.session.scalars(sa.select(side.table).where(side.table.id.in_(texts))))
    made: list[FoundRow] = []
    if side.table is Incoming:
        for row in inbox_rows(tx, [t for t in things if isinstance(t, Incoming)]):
            made.append(FoundRow(row, None, row.arrived_at, pieces(row.subject, words), _line(texts[row.id], words)))
        return made
    documents = [t for t in things if isinstance(t, Document)]
    at = {d.id: d.made_at for d in documents}
    for out in outbox_rows(tx, documents):
        made.append(FoundRow(None, out, at[out.id], pieces(out.subject, words), _line(texts[out.id], words)))
    return made


def _line(text: str, words: tuple[str, ...]) -> tuple[Piece, ...]:
    """From the papers' text alone: what the envelope says is shown anyway."""
    return snippet(text.partition(f"\n{BREAK}")[2], words)
