"""The search over everything that an agency sent and received: subject, number, agency, and the text of the papers.

Two rows of the index speak of one document: the agency's own, and that of the envelope with the text of its papers,
which all receivers share. Rights and filters narrow the index itself, so that a full page of hits is a page that the
reader may see.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from directory.actor import Actor
from docex.documents.access import OVERSEERS
from docex.documents.models import Dispatch, Document, Incoming
from docex.documents.registers.highlighting import Piece, pieces, snippet, words_of
from docex.documents.registers.list_rows import InboxRow, OutboxRow, inbox_rows, issued_by, outbox_rows, received_by
from docex.documents.search.text_extraction import BREAK, receivers_scope, senders_scope
from kernel import search
from kernel.db import Tx
from kernel.search import Hit, Place

PAGE = 30
MAX_HITS = 200
MAX_QUERY_LENGTH = 300
ENVELOPE = "dispatch"


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
    """Where to look: the kind of the agency's own rows, its table, the audience of the texts of envelopes, how such a
    text leads to a row, and what narrows it (None: all that the agency has)."""

    kind: str
    table: type[Incoming] | type[Document]
    audience: str
    narrowed: sa.ColumnElement[bool] | None
    by_envelope: Callable[[set[int]], sa.Select[int, int]] = field(repr=False)

    def places(self, agency_id: int) -> tuple[Place, Place]:
        """The agency's own rows, and the texts of the papers that belong to them."""
        mine = sa.select(self.table.id).where(self.narrowed) if self.narrowed is not None else None
        return Place(f"agency:{agency_id}", self.kind, mine), Place(self.audience, ENVELOPE, self._envelopes())

    def _envelopes(self) -> sa.Select[int] | None:
        if self.narrowed is None:
            return None
        if self.table is Incoming:
            return sa.select(Incoming.dispatch_id).where(self.narrowed)
        return sa.select(Dispatch.id).join(Document, Document.id == Dispatch.document_id).where(self.narrowed)


def incoming_side(actor: Actor, *conditions: sa.ColumnElement[bool]) -> Side:
    """The received documents of the agency."""

    def mine(envelopes: set[int]) -> sa.Select[int, int]:
        wanted = sa.select(Incoming.dispatch_id, Incoming.id)
        return wanted.where(Incoming.dispatch_id.in_(envelopes), received_by(actor), *conditions)

    narrowed = None if actor.has(*OVERSEERS) and not conditions else sa.and_(received_by(actor), *conditions)
    return Side("incoming", Incoming, receivers_scope(actor.agency_id), narrowed, mine)


def outgoing_side(actor: Actor, *conditions: sa.ColumnElement[bool]) -> Side:
    """The documents that the agency issues."""

    def mine(envelopes: set[int]) -> sa.Select[int, int]:
        wanted = sa.select(Dispatch.id, Document.id).join(Document, Document.id == Dispatch.document_id)
        return wanted.where(Dispatch.id.in_(envelopes), issued_by(actor), *conditions)

    narrowed = None if actor.has(*OVERSEERS) and not conditions else sa.and_(issued_by(actor), *conditions)
    return Side("document", Document, senders_scope(actor.agency_id), narrowed, mine)


def found(tx: Tx, actor: Actor, q: str, sides: Iterable[Side], before: datetime | None = None) -> Found:
    """Documents that hold every word of `q` in what is known of them or in their papers, with and without accents; when
    there are none, those in which the last word is the beginning of one."""
    words, sides = words_of(q[:MAX_QUERY_LENGTH]), tuple(sides)
    hits = _hits(tx, actor, q, sides, PAGE + 1, before) if words else []
    rows = [row for side in sides for row in _rows(tx, side, _by_thing(tx, side, hits), words)]
    rows = sorted((r for r in rows if before is None or r.at < before), key=lambda row: row.at, reverse=True)
    return Found(tuple(rows[:PAGE]), rows[PAGE - 1].at if len(rows) > PAGE else None)


def ids(tx: Tx, actor: Actor, q: str, side: Side) -> list[int]:
    """The newest things of one side that hold every word of `q`; for narrowing a list."""
    return list(_by_thing(tx, side, _hits(tx, actor, q, (side,), MAX_HITS, None)))


def _hits(tx: Tx, actor: Actor, q: str, sides: tuple[Side, ...], things: int, before: datetime | None) -> list[Hit]:
    """Rows of the index for so many things at least: a thing may be found by itself and by its papers."""
    places = [place for side in sides for place in side.places(actor.agency_id)]
    for beginning in (False, True):
        hits = search.find(tx, q[:MAX_QUERY_LENGTH], places, limit=2 * things, before=before, beginning=beginning)
        if hits:
            return hits
    return []


def _by_thing(tx: Tx, side: Side, hits: list[Hit]) -> dict[int, str]:
    """By the id of the thing, the text of the papers in which the words stand ("" when they stand elsewhere)."""
    found_ = {hit.ref.id: "" for hit in hits if hit.ref.kind == side.kind}
    texts = {hit.ref.id: hit.text for hit in hits if hit.ref.kind == ENVELOPE}
    for envelope, thing in tx.session.execute(side.by_envelope(set(texts))) if texts else ():
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
