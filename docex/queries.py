"""Lists of documents: the inbox, the outbox, the search. Frozen dataclasses are the contexts of the templates."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role
from docex.access import OVERSEERS
from docex.edxml.codes import KIND_BY_SLUG
from docex.labels import DOCUMENT, INCOMING, Label
from docex.models import Delivery, Dispatch, Document, Incoming, Reader
from docex.states import DocumentState, IncomingState, Progress
from kernel import search, streams
from kernel.db import Tx
from kernel.text import Phrase, phrase

PAGE = 50
FOUND = 200

URGENCY_WORDS = {1: "khan", 2: "thuong_khan", 3: "hoa_toc", 4: "hoa_toc"}
"""The keys by which templates/_parts/ui.html knows the framed red word."""

INBOX_FILTERS: dict[str, tuple[Phrase, tuple[IncomingState, ...]]] = {
    "": (phrase("Tất cả"), ()),
    "arrived": (phrase("Chờ tiếp nhận"), (IncomingState.ARRIVED,)),
    "open": (
        phrase("Đang xử lý"),
        (IncomingState.REGISTERED, IncomingState.SUBMITTED, IncomingState.ASSIGNED, IncomingState.WORKING),
    ),
    "done": (phrase("Đã xong"), (IncomingState.DONE,)),
    "refused": (phrase("Đã từ chối"), (IncomingState.REFUSED, IncomingState.CANCELLED)),
}

OUTBOX_FILTERS: dict[str, tuple[Phrase, tuple[DocumentState, ...]]] = {
    "": (phrase("Tất cả"), ()),
    "draft": (phrase("Dự thảo"), (DocumentState.DRAFT,)),
    "review": (phrase("Chờ ký"), (DocumentState.CHECK, DocumentState.REVIEW, DocumentState.SIGNING)),
    "signed": (phrase("Chờ đóng dấu"), (DocumentState.SIGNED, DocumentState.SEALING, DocumentState.SEALED)),
    "sent": (phrase("Đã gửi"), (DocumentState.SENT, DocumentState.FINISHED)),
    "recalled": (
        phrase("Thu hồi, thay thế"),
        (DocumentState.RECALLING, DocumentState.RECALLED, DocumentState.REPLACED),
    ),
}


@dataclass(frozen=True)
class Filter:
    """One filter link: its key in the URL, its word, how many things it shows (None: not counted)."""

    key: str
    label: Phrase
    active: bool
    count: int | None


@dataclass(frozen=True)
class InboxRow:
    """A received document in a list. `verdict` is "" while it is being checked."""

    id: int
    subject: str
    code: str
    sender: str
    kind: str
    number: int | None
    arrived_at: datetime
    state: Label
    urgency: str
    unread: bool
    verdict: str


@dataclass(frozen=True)
class OutboxRow:
    """An own document in a list. `taken` of `receivers` have registered it, `refused` did not take it."""

    id: int
    subject: str
    code: str
    kind: Phrase
    to: str
    more: int
    changed_at: datetime
    state: Label
    urgency: str
    taken: int
    receivers: int
    refused: int


R = TypeVar("R")


@dataclass(frozen=True)
class Listing(Generic[R]):
    """One page of a list with its filters; `heads` is where the stream stood when it was read."""

    rows: tuple[R, ...]
    filters: tuple[Filter, ...]
    state: str
    q: str
    page: int
    last: int
    stream: str
    heads: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What the search over both directions found, newest first."""

    q: str
    incoming: tuple[InboxRow, ...]
    outgoing: tuple[OutboxRow, ...]


def inbox(tx: Tx, actor: Actor, *, state: str = "", q: str = "", page: int = 1) -> Listing[InboxRow]:
    """What came to the actor's agency, newest first. Who does not oversee the agency's documents sees their work."""
    state = state if state in INBOX_FILTERS else ""
    mine = _received_for(actor)
    condition = sa.and_(mine, _in_states(Incoming.state, INBOX_FILTERS[state][1]))
    if q.strip():
        condition = sa.and_(condition, Incoming.id.in_(_hits(tx, actor, q, "incoming")))
    stream = _stream(actor)
    total = _count(tx, Incoming.id, condition)
    page, last = _page(page, total)
    query = sa.select(Incoming, Dispatch.verdict).join(Dispatch, Dispatch.id == Incoming.dispatch_id)
    query = query.where(condition).order_by(Incoming.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    rows = tuple(_inbox_row(row, verdict) for row, verdict in tx.session.execute(query))
    counts = {"arrived": _count(tx, Incoming.id, sa.and_(mine, Incoming.state == IncomingState.ARRIVED))}
    filters = tuple(Filter(k, label, k == state, counts.get(k)) for k, (label, _) in INBOX_FILTERS.items())
    return Listing(rows, filters, state, q, page, last, stream, streams.heads(tx, [stream]))


def outbox(tx: Tx, actor: Actor, *, state: str = "", q: str = "", page: int = 1) -> Listing[OutboxRow]:
    """What the actor's agency issues, last changed first; who oversees nothing sees their own."""
    state = state if state in OUTBOX_FILTERS else ""
    mine = _own_documents(actor)
    condition = sa.and_(mine, _in_states(Document.state, OUTBOX_FILTERS[state][1]))
    if q.strip():
        condition = sa.and_(condition, Document.id.in_(_hits(tx, actor, q, "document")))
    stream = _stream(actor)
    total = _count(tx, Document.id, condition)
    page, last = _page(page, total)
    query = sa.select(Document).where(condition).order_by(Document.changed_at.desc(), Document.id.desc())
    rows = _outbox_rows(tx, list(tx.session.scalars(query.limit(PAGE).offset((page - 1) * PAGE))))
    counts = {
        key: _count(tx, Document.id, sa.and_(mine, Document.state.in_(OUTBOX_FILTERS[key][1])))
        for key in ("review", "signed")
    }
    filters = tuple(Filter(k, label, k == state, counts.get(k)) for k, (label, _) in OUTBOX_FILTERS.items())
    return Listing(rows, filters, state, q, page, last, stream, streams.heads(tx, [stream]))


def found(tx: Tx, actor: Actor, q: str) -> Found:
    """Documents of both directions that hold every word of `q`; with and without accents."""
    if not q.strip():
        return Found("", (), ())
    mine = _received_for(actor)
    query = sa.select(Incoming, Dispatch.verdict).join(Dispatch, Dispatch.id == Incoming.dispatch_id)
    query = query.where(mine, Incoming.id.in_(_hits(tx, actor, q, "incoming"))).order_by(Incoming.id.desc())
    incoming = tuple(_inbox_row(row, verdict) for row, verdict in tx.session.execute(query.limit(PAGE)))
    own = sa.select(Document).where(_own_documents(actor), Document.id.in_(_hits(tx, actor, q, "document")))
    documents = list(tx.session.scalars(own.order_by(Document.id.desc()).limit(PAGE)))
    return Found(q, incoming, _outbox_rows(tx, documents))


def _stream(actor: Actor) -> str:
    """Clerks and leaders watch their agency; others hear of their own documents on their own stream."""
    return f"agency:{actor.agency_id}/clerks" if actor.has(Role.CLERK, Role.LEADER) else f"person:{actor.person_id}"


def _received_for(actor: Actor) -> sa.ColumnElement[bool]:
    """Who oversees nothing sees what work was given to them on."""
    agency = Incoming.agency_id == actor.agency_id
    if actor.has(*OVERSEERS):
        return agency
    given = sa.select(Reader.incoming_id).where(Reader.person_id == actor.person_id)
    return sa.and_(agency, Incoming.id.in_(given))


def _own_documents(actor: Actor) -> sa.ColumnElement[bool]:
    agency = Document.agency_id == actor.agency_id
    if actor.has(*OVERSEERS):
        return agency
    own = sa.or_(Document.drafted_by == actor.person_id, Document.signer_id == actor.person_id)
    own = sa.or_(own, Document.reviewer_id == actor.person_id)
    return sa.and_(agency, own)


def _hits(tx: Tx, actor: Actor, q: str, kind: str) -> list[int]:
    scope = f"agency:{actor.agency_id}"
    return [hit.ref.id for hit in search.find(tx, q[:300], scopes=[scope], kinds=[kind], limit=FOUND)]


def _in_states(column: Any, states: tuple[str, ...]) -> sa.ColumnElement[bool]:
    return column.in_([str(s) for s in states]) if states else sa.true()


def _count(tx: Tx, column: Any, condition: sa.ColumnElement[bool]) -> int:
    return tx.session.scalar(sa.select(sa.func.count(column)).where(condition)) or 0


def _page(page: int, total: int) -> tuple[int, int]:
    last = max(1, -(-total // PAGE))
    return min(max(1, page), last), last


def _inbox_row(row: Incoming, verdict: str) -> InboxRow:
    return InboxRow(
        id=row.id,
        subject=row.subject,
        code=row.code,
        sender=row.sender_name,
        kind=row.kind_name,
        number=row.number,
        arrived_at=row.arrived_at,
        state=INCOMING[IncomingState(row.state)],
        urgency=URGENCY_WORDS.get(row.urgency, ""),
        unread=row.state == IncomingState.ARRIVED,
        verdict=verdict,
    )


def _outbox_rows(tx: Tx, documents: list[Document]) -> tuple[OutboxRow, ...]:
    """Rows with how far each has come at its recipients: three queries for the whole page."""
    agencies = directory.agencies(tx, {i for d in documents for i in d.recipients})
    progress: dict[int, list[str]] = {}
    said = (
        sa.select(Dispatch.document_id, Delivery.progress)
        .join(Delivery, Delivery.dispatch_id == Dispatch.id)
        .where(Dispatch.document_id.in_([d.id for d in documents]))
    )
    for document_id, step in tx.session.execute(said):
        progress.setdefault(document_id or 0, []).append(step)
    return tuple(_outbox_row(d, agencies, progress.get(d.id, [])) for d in documents)


def _outbox_row(document: Document, agencies: dict[int, directory.AgencyCard], progress: list[str]) -> OutboxRow:
    names = [agencies[i].name for i in document.recipients if i in agencies]
    waiting = {Progress.SUBMITTED, Progress.AVAILABLE, Progress.RETRIEVED, Progress.ARRIVED, Progress.REFUSED}
    return OutboxRow(
        id=document.id,
        subject=document.subject,
        code=document.code,
        kind=KIND_BY_SLUG[document.kind].label,
        to=names[0] if names else "",
        more=max(0, len(names) - 1),
        changed_at=document.changed_at,
        state=DOCUMENT[DocumentState(document.state)],
        urgency=URGENCY_WORDS.get(document.urgency, ""),
        taken=sum(1 for step in progress if Progress(step) not in waiting),
        receivers=len(progress),
        refused=sum(1 for step in progress if step == Progress.REFUSED),
    )


def dispatch_status(tx: Tx, actor: Actor, dispatch: Dispatch) -> dict[str, Any]:
    """An envelope's way as the API tells it: the sender sees every recipient, a recipient sees itself."""
    query = sa.select(Delivery).where(Delivery.dispatch_id == dispatch.id).order_by(Delivery.id)
    if dispatch.sender_id != actor.agency_id:
        query = query.where(Delivery.agency_id == actor.agency_id)
    rows = list(tx.session.scalars(query))
    cards = directory.agencies(tx, [row.agency_id for row in rows])
    return {
        "id": dispatch.id,
        "message_id": dispatch.message_id,
        "document_id": dispatch.document_key,
        "sha256": dispatch.sha256,
        "size": dispatch.size,
        "received_at": dispatch.submitted_at.isoformat(),
        "verdict": dispatch.verdict or "pending",
        "deliveries": [
            {
                "code": cards[row.agency_id].code,
                "name": cards[row.agency_id].name,
                "state": row.progress,
                "recall": row.recall or None,
                "reason": row.reason,
                "changed_at": row.changed_at.isoformat(),
            }
            for row in rows
        ],
    }
