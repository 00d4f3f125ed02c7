"""Rows of lists: one document in two lines, as the inbox, the outbox and the search show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from docex.documents.access import OVERSEERS
from docex.documents.drafting.returned_drafts import returned
from docex.documents.labels import DOCUMENT, INCOMING, Label
from docex.documents.models import Delivery, Dispatch, Document, Incoming, Reader
from docex.documents.queries import URGENCY_WORDS
from docex.documents.states import DocumentState, IncomingState
from docex.edxml.codes import KIND_BY_SLUG
from docex.edxml.progress import TAKEN_IN, Progress
from kernel import clock
from kernel.db import Tx
from kernel.text import Phrase, phrase

OPEN = (IncomingState.REGISTERED, IncomingState.SUBMITTED, IncomingState.ASSIGNED, IncomingState.WORKING)
"""A received document in one of these waits for somebody's work."""


@dataclass(frozen=True)
class InboxRow:
    """A received document in a list. `verdict` is "" while it is being checked; `late` says what is overdue."""

    id: int
    subject: str
    code: str
    sender: str
    kind: str
    number: int | None
    arrived_at: datetime
    due_on: date | None
    state: Label
    urgency: str
    unread: bool
    verdict: str
    late: Phrase | None


@dataclass(frozen=True)
class OutboxRow:
    """An own document in a list. `taken` of `receivers` have registered it, `refused` did not take it; `returned` says
    that it is a draft that came back."""

    id: int
    subject: str
    code: str
    kind: Phrase
    to: str
    more: int
    changed_at: datetime
    due_on: date | None
    state: Label
    urgency: str
    taken: int
    receivers: int
    refused: int
    returned: bool


def received_by(actor: Actor) -> sa.ColumnElement[bool]:
    """The received copies that the actor may see: all of the agency's, or those whose work was given to them."""
    agency = Incoming.agency_id == actor.agency_id
    if actor.has(*OVERSEERS):
        return agency
    return sa.and_(agency, Incoming.id.in_(sa.select(Reader.incoming_id).where(Reader.person_id == actor.person_id)))


def issued_by(actor: Actor) -> sa.ColumnElement[bool]:
    """The own documents that the actor may see: all of the agency's, or those that they write, check or sign."""
    agency = Document.agency_id == actor.agency_id
    if actor.has(*OVERSEERS):
        return agency
    own = [c == actor.person_id for c in (Document.drafted_by, Document.signer_id, Document.reviewer_id)]
    return sa.and_(agency, sa.or_(*own))


def inbox_rows(tx: Tx, copies: Iterable[Incoming]) -> tuple[InboxRow, ...]:
    """Rows with the verdict on each envelope: one query for the whole page."""
    copies = list(copies)
    wanted = sa.select(Dispatch.id, Dispatch.verdict).where(Dispatch.id.in_({c.dispatch_id for c in copies}))
    verdicts = {number: verdict for number, verdict in tx.session.execute(wanted)}
    return tuple(_inbox_row(copy, verdicts.get(copy.dispatch_id, "")) for copy in copies)


def _inbox_row(row: Incoming, verdict: str) -> InboxRow:
    return InboxRow(
        id=row.id,
        subject=row.subject,
        code=row.code,
        sender=row.sender_name,
        kind=row.kind_name,
        number=row.number,
        arrived_at=row.arrived_at,
        due_on=row.due_on,
        state=INCOMING[IncomingState(row.state)],
        urgency=URGENCY_WORDS.get(row.urgency, ""),
        unread=row.state == IncomingState.ARRIVED,
        verdict=verdict,
        late=_late(row),
    )


def _late(row: Incoming) -> Phrase | None:
    if row.state == IncomingState.ARRIVED and row.desk_due_at is not None and row.desk_due_at < clock.now():
        return phrase("quá hạn tiếp nhận")
    if row.due_on is not None and row.due_on < clock.today() and row.state in (IncomingState.ARRIVED, *OPEN):
        return phrase("quá hạn trả lời")
    return None


def outbox_rows(tx: Tx, documents: list[Document]) -> tuple[OutboxRow, ...]:
    """Rows with how far each has come at its recipients, and what came back: a few queries for the whole page."""
    agencies = directory.agencies(tx, {i for d in documents for i in d.recipients})
    progress: dict[int, dict[int, str]] = {}  # of an agency that got it again, the last
    reported = (
        sa.select(Dispatch.document_id, Delivery.agency_id, Delivery.progress)
        .join(Delivery, Delivery.dispatch_id == Dispatch.id)
        .where(Dispatch.document_id.in_([d.id for d in documents]))
        .order_by(Delivery.id)
    )
    for document_id, agency_id, step in tx.session.execute(reported):
        progress.setdefault(document_id or 0, {})[agency_id] = step
    back = returned(tx, documents)
    return tuple(_outbox_row(d, agencies, list(progress.get(d.id, {}).values()), d.id in back) for d in documents)


def _outbox_row(
    document: Document, agencies: dict[int, directory.AgencyCard], progress: list[str], back: bool
) -> OutboxRow:
    names = [agencies[i].name for i in document.recipients if i in agencies]
    return OutboxRow(
        id=document.id,
        subject=document.subject,
        code=document.code,
        kind=KIND_BY_SLUG[document.kind].label,
        to=names[0] if names else "",
        more=max(0, len(names) - 1),
        changed_at=document.changed_at,
        due_on=document.due_on,
        state=DOCUMENT[DocumentState(document.state)],
        urgency=URGENCY_WORDS.get(document.urgency, ""),
        taken=sum(1 for step in progress if step in TAKEN_IN),
        receivers=len(progress),
        refused=sum(1 for step in progress if step == Progress.REFUSED),
        returned=back,
    )
