"""How documents hang together: what one answers, updates or replaces; in our envelopes and between our rows."""

from dataclasses import dataclass, replace

import sqlalchemy as sa

from directory import queries as directory
from docex.documents.envelope import document_key
from docex.documents.labels import DOCUMENT, INCOMING, Label
from docex.documents.links import INCOMING_PATH, OUTGOING_PATH
from docex.documents.models import Answer, Copy, Delivery, Dispatch, Document, Incoming, Reply
from docex.documents.states import DocumentState, IncomingState
from docex.edxml import Envelope
from docex.edxml.codes import BusinessKind
from docex.edxml.model import Business, Replacement, ResponseFor, UpdateInfo
from docex.edxml.progress import Progress, Recall
from kernel.db import Tx

MAX_RELATED, MAX_DUPLICATES = 50, 5


@dataclass(frozen=True)
class Related:
    """Another document in a line on a page."""

    title: str
    url: str
    state: Label


def with_links(tx: Tx, document: Document, envelope: Envelope, business: Business | None) -> Envelope:
    """Our envelope with what the document answers, and with what it does to an earlier one."""
    reply = tx.session.get(Reply, document.id)
    if reply is not None:
        envelope = replace(envelope, responses=(_response(tx, reply.incoming_id),))
    if business is None and document.replaces_id is not None:
        business = replacement_of(tx, document)
    if business is not None:
        envelope = replace(envelope, business=replace(business, staff=envelope.business.staff))
    return envelope


def update_of(tx: Tx, document: Document, reason: str) -> Business:
    """The business of a document that is sent again to agencies that have it."""
    key = key_of(tx, document)
    updates = (UpdateInfo(document_changed=True, receivers_changed=False),)
    return Business(BusinessKind.UPDATE, reason=reason, document_id=key, updates=updates)


def replacement_of(tx: Tx, document: Document) -> Business:
    """The business of a document that replaces another."""
    old = tx.session.get_one(Document, document.replaces_id)
    codes = tuple(card.code for card in directory.agencies(tx, old.recipients).values())
    key = key_of(tx, old)
    return Business(
        BusinessKind.REPLACE,
        reason=document.change_reason,
        document_id=key,
        replacements=(Replacement(key, codes),),
    )


def about_of(envelope: Envelope) -> str:
    """The document that an update or a replacement acts upon; "" for a new one."""
    replaced = next((r.document_id for r in envelope.business.replacements), "")
    return envelope.business.document_id or replaced


def key_of(tx: Tx, document: Document) -> str:
    """The edXML id of a document that was sent."""
    assert document.issued_on is not None
    return document_key(directory.agency(tx, document.agency_id).code, document.issued_on, document.code)


def _response(tx: Tx, incoming_id: int) -> ResponseFor:
    incoming = tx.session.get_one(Incoming, incoming_id)
    dispatch = tx.session.get_one(Dispatch, incoming.dispatch_id)
    sender = directory.agency(tx, incoming.sender_id)
    return ResponseFor(sender.code, incoming.code, dispatch.document_key, incoming.issued_on)


# ---- for pages ----


def answered_by_own(tx: Tx, document: Document) -> Related | None:
    """The received document that an own one answers."""
    reply = tx.session.get(Reply, document.id)
    return _incoming(tx.session.get_one(Incoming, reply.incoming_id)) if reply is not None else None


def replies_to(tx: Tx, incoming: Incoming) -> list[Related]:
    """The own documents that answer a received one."""
    query = sa.select(Document).join(Reply, Reply.document_id == Document.id).where(Reply.incoming_id == incoming.id)
    return [_own(row) for row in tx.session.scalars(query.order_by(Document.id))]


def answers_to_own(tx: Tx, document: Document) -> list[Related]:
    """The documents that came as answers to one that was sent."""
    keys = sa.select(Dispatch.document_key).where(Dispatch.document_id == document.id)
    query = (
        sa.select(Incoming)
        .join(Answer, Answer.dispatch_id == Incoming.dispatch_id)
        .where(Incoming.agency_id == document.agency_id, Answer.document_key.in_(keys))
        .order_by(Incoming.id)
    )
    return [_incoming(row) for row in tx.session.scalars(query)]


def answered_own(tx: Tx, incoming: Incoming) -> list[Related]:
    """The own documents that a received one answers, by its `ResponseFor`."""
    keys = sa.select(Answer.document_key).where(Answer.dispatch_id == incoming.dispatch_id, Answer.document_key != "")
    sent = sa.select(Dispatch.document_id).where(
        Dispatch.sender_id == incoming.agency_id, Dispatch.document_key.in_(keys)
    )
    query = sa.select(Document).where(Document.id.in_(sent), Document.agency_id == incoming.agency_id)
    return [_own(row) for row in tx.session.scalars(query.order_by(Document.id))]


def copied_by_own(tx: Tx, document: Document) -> Related | None:
    """The received document that an own one is a copy of."""
    copy = tx.session.get(Copy, document.id)
    return _incoming(tx.session.get_one(Incoming, copy.incoming_id)) if copy is not None else None


def copies_of(tx: Tx, incoming: Incoming) -> list[Related]:
    """The own copies of a received document."""
    query = sa.select(Document).join(Copy, Copy.document_id == Document.id).where(Copy.incoming_id == incoming.id)
    return [_own(row) for row in tx.session.scalars(query.order_by(Document.id))]


def replaced_and_replacing(tx: Tx, document: Document) -> tuple[Related | None, list[Related]]:
    """The own document that this one replaces, and those that replace it."""
    old = tx.session.get(Document, document.replaces_id) if document.replaces_id else None
    newer = sa.select(Document).where(Document.replaces_id == document.id).order_by(Document.id)
    return (_own(old) if old else None), [_own(row) for row in tx.session.scalars(newer)]


def earlier_copies(tx: Tx, incoming: Incoming) -> list[Related]:
    """The copies that a received update or replacement is about."""
    key = tx.session.get_one(Dispatch, incoming.dispatch_id).about_key
    return _copies(tx, incoming, Dispatch.document_key == key) if key else []


def later_copies(tx: Tx, incoming: Incoming) -> list[Related]:
    """The updates and replacements that came for a received document."""
    key = tx.session.get_one(Dispatch, incoming.dispatch_id).document_key
    return _copies(tx, incoming, Dispatch.about_key == key, Dispatch.about_key != "")


def asked_for_update(tx: Tx, delivery: Delivery) -> bool:
    """Whether an older copy is asked for because a newer one came to the same agency, an update or a replacement that
    is itself neither refused nor asked for: then nothing is taken back."""
    if delivery.recall != Recall.ASKED:
        return False
    dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
    newer = (
        sa.select(Delivery.id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            Dispatch.sender_id == dispatch.sender_id,
            Dispatch.about_key == dispatch.document_key,
            Dispatch.about_key != "",
            Delivery.agency_id == delivery.agency_id,
            Delivery.id > delivery.id,
            Delivery.progress != Progress.REFUSED,
            Delivery.recall.not_in([Recall.ASKED, Recall.AGREED]),
        )
    )
    return tx.session.scalar(newer.limit(1)) is not None


def duplicates_of(tx: Tx, incoming: Incoming) -> list[Related]:
    """Warnings of Decree 30, Annex VI I.III.1h: the same document id, or the same number, notation and agency in the
    same year, without being an update of each other."""
    dispatch = tx.session.get_one(Dispatch, incoming.dispatch_id)
    rows = _others(tx, incoming, Dispatch.document_key == dispatch.document_key)
    if incoming.code:
        same_number: list[sa.ColumnElement[bool]] = [Incoming.code == incoming.code]
        if incoming.issued_on is not None:
            first, last = incoming.issued_on.replace(month=1, day=1), incoming.issued_on.replace(month=12, day=31)
            same_number.append(Incoming.issued_on.between(first, last))
        rows += _others(tx, incoming, *same_number)
    known = {dispatch.about_key} - {""}
    found = {row.id: row for row, key, about in rows if about != dispatch.document_key and key not in known}
    return [_incoming(found[incoming_id]) for incoming_id in sorted(found)][:MAX_DUPLICATES]


def _copies(tx: Tx, incoming: Incoming, *conditions: sa.ColumnElement[bool]) -> list[Related]:
    return [_incoming(row) for row, _, _ in _others(tx, incoming, *conditions)]


def _others(tx: Tx, incoming: Incoming, *conditions: sa.ColumnElement[bool]) -> list[tuple[Incoming, str, str]]:
    """Other copies from the same sender, each with the keys of its own document and of the one that it acts upon."""
    query = (
        sa.select(Incoming, Dispatch.document_key, Dispatch.about_key)
        .join(Dispatch, Dispatch.id == Incoming.dispatch_id)
        .where(
            *conditions,
            Incoming.agency_id == incoming.agency_id,
            Incoming.sender_id == incoming.sender_id,
            Dispatch.sender_id == incoming.sender_id,
            Incoming.id != incoming.id,
        )
        .order_by(Incoming.id)
    )
    return [(row, key, about) for row, key, about in tx.session.execute(query.limit(MAX_RELATED))]


def _own(row: Document) -> Related:
    title = f"{row.code} {row.subject}".strip()
    return Related(title, OUTGOING_PATH.format(id=row.id), DOCUMENT[DocumentState(row.state)])


def _incoming(row: Incoming) -> Related:
    title = f"{row.code} {row.subject}".strip()
    return Related(title, INCOMING_PATH.format(id=row.id), INCOMING[IncomingState(row.state)])
