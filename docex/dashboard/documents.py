"""Documents that wait for a person: to sign, to seal, to register, and what needs attention."""

import sqlalchemy as sa

from directory.actor import Actor, Role
from docex.documents.access import DRAFTERS
from docex.documents.deadline_alarms import deadline
from docex.documents.drafting.returned_drafts import returned
from docex.documents.labels import DOCUMENT, INCOMING
from docex.documents.links import INCOMING_PATH, OUTGOING_PATH
from docex.documents.models import Delivery, Dispatch, Document, Incoming
from docex.documents.queries import URGENCY_WORDS
from docex.documents.states import DocumentState, IncomingState
from docex.edxml.codes import KIND_BY_SLUG
from docex.edxml.progress import Progress
from kernel import clock
from kernel.dashboard import Chip, Item, section
from kernel.db import Tx
from kernel.text import Phrase, phrase
from kernel.worktime import WorkCalendar, calendar

MAX_ITEMS, LOOKED_AT = 20, 200


@section(10, phrase("Chờ tôi ký"), phrase("Không có văn bản nào chờ ký."))
def to_sign(tx: Tx, actor: Actor) -> list[Item] | None:
    """For leaders: what stands under their name and is not signed, most urgent first."""
    if not actor.has(Role.LEADER):
        return None
    condition = sa.and_(
        Document.agency_id == actor.agency_id,
        Document.signer_id == actor.person_id,
        Document.state == DocumentState.REVIEW,
    )
    return [_document(row) for row in _documents(tx, condition)]


@section(16, phrase("Bị trả lại để tôi sửa"), phrase("Không có dự thảo nào bị trả lại."))
def to_correct(tx: Tx, actor: Actor) -> list[Item] | None:
    """For whoever drafts: what the leader, the office chief or the clerk gave back, with the reason."""
    if not actor.has(*DRAFTERS):
        return None
    own = sa.and_(Document.agency_id == actor.agency_id, Document.drafted_by == actor.person_id)
    query = sa.select(Document).where(own, Document.state == DocumentState.DRAFT)
    drafts = {row.id: row for row in tx.session.scalars(query.order_by(Document.changed_at.desc()).limit(LOOKED_AT))}
    return [
        Item(
            drafts[document_id].subject,
            OUTGOING_PATH.format(id=document_id),
            meta=(back.reason, back.by),
            chip=Chip(phrase("Bị trả lại"), "bad"),
            urgency=URGENCY_WORDS.get(drafts[document_id].urgency),
        )
        for document_id, back in returned(tx, drafts.values()).items()
    ][:MAX_ITEMS]


@section(20, phrase("Chờ đóng dấu và gửi"), phrase("Không có văn bản nào chờ đóng dấu."))
def to_seal(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: what is signed and waits for the seal, or could not be sent."""
    if not actor.has(Role.CLERK):
        return None
    # SEALED passes in a second unless sending failed; the list may show one that is just leaving.
    waiting = [DocumentState.SIGNED, DocumentState.SEALED]
    condition = sa.and_(Document.agency_id == actor.agency_id, Document.state.in_(waiting))
    return [_document(row) for row in _documents(tx, condition)]


@section(30, phrase("Văn bản đến chờ tiếp nhận"), phrase("Mọi văn bản đến đã được tiếp nhận."))
def to_register(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: what has come and is not registered, most urgent first, with how late (Decree 30 art. 4.2c)."""
    if not actor.has(Role.CLERK):
        return None
    query = (
        sa.select(Incoming)
        .where(Incoming.agency_id == actor.agency_id, Incoming.state == IncomingState.ARRIVED)
        .order_by(Incoming.urgency.desc(), Incoming.id)
        .limit(MAX_ITEMS)
    )
    hours = calendar(tx)
    return [incoming_item(hours, row, phrase("quá hạn tiếp nhận")) for row in tx.session.scalars(query)]


@section(40, phrase("Cần xử lý vì bị từ chối"), phrase("Không có văn bản nào bị nơi nhận từ chối."))
def refused(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: what a recipient did not take, with the reason. Not shown while there is none."""
    if not actor.has(Role.CLERK):
        return None
    query = (
        sa.select(Document, Delivery.reason, Delivery.changed_at)
        .join(Dispatch, Dispatch.document_id == Document.id)
        .join(Delivery, Delivery.dispatch_id == Dispatch.id)
        .where(
            Document.agency_id == actor.agency_id,
            Document.state == DocumentState.SENT,
            Delivery.progress == Progress.REFUSED,
        )
        .order_by(Delivery.changed_at.desc())
        .limit(MAX_ITEMS)
    )
    return [
        Item(
            _title(row.code, row.subject),
            OUTGOING_PATH.format(id=row.id),
            meta=(reason,),
            chip=Chip(phrase("Bị từ chối"), "bad"),
        )
        for row, reason, _ in tx.session.execute(query)
    ]


def _documents(tx: Tx, condition: sa.ColumnElement[bool]) -> list[Document]:
    query = sa.select(Document).where(condition).order_by(Document.urgency.desc(), Document.changed_at).limit(MAX_ITEMS)
    return list(tx.session.scalars(query))


def _document(row: Document) -> Item:
    label = DOCUMENT[DocumentState(row.state)]
    return Item(
        _title(row.code, row.subject),
        OUTGOING_PATH.format(id=row.id),
        meta=(KIND_BY_SLUG[row.kind].label, row.signer_name),
        chip=Chip(label.text, label.tone),
        urgency=URGENCY_WORDS.get(row.urgency),
    )


def incoming_item(calendar: WorkCalendar, row: Incoming, if_late: Phrase) -> Item:
    """A received document that waits at the clerk's desk; `if_late` says what is overdue."""
    due_at = row.desk_due_at or deadline(calendar, row.arrived_at, row.urgency)
    late = if_late if due_at < clock.now() else None
    label = INCOMING[IncomingState(row.state)]
    return Item(
        row.subject,
        INCOMING_PATH.format(id=row.id),
        meta=(row.code, row.sender_name),
        due_at=due_at,
        late=late,
        chip=Chip(label.text, label.tone),
        urgency=URGENCY_WORDS.get(row.urgency),
    )


def _title(code: str, subject: str) -> str:
    return f"{code} {subject}".strip()
