"""Work that waits in the office: to check, to decide, to forward, and recalls to answer."""

import sqlalchemy as sa

from directory.actor import Actor, Role
from docex.dashboard.documents import incoming_item
from docex.documents import relations
from docex.documents.incoming import submission_sheets
from docex.documents.labels import DOCUMENT, INCOMING, RECALL, UPDATE_ASKED, Label
from docex.documents.links import INCOMING_PATH, OUTGOING_PATH
from docex.documents.models import Delivery, Document, Incoming, Referral
from docex.documents.queries import URGENCY_WORDS
from docex.documents.states import DocumentState, IncomingState
from docex.edxml.progress import Recall
from kernel.dashboard import Chip, Item, section
from kernel.db import Tx
from kernel.text import phrase
from kernel.worktime import calendar

MAX_ITEMS = 20


@section(12, phrase("Chờ tôi kiểm tra"), phrase("Không có văn bản nào chờ kiểm tra."))
def to_check(tx: Tx, actor: Actor) -> list[Item] | None:
    """For office chiefs: what they check before the leader signs."""
    if not actor.has(Role.OFFICE_CHIEF):
        return None
    condition = sa.and_(Document.agency_id == actor.agency_id, Document.reviewer_id == actor.person_id)
    query = sa.select(Document).where(condition, Document.state == DocumentState.CHECK)
    rows = tx.session.scalars(query.order_by(Document.urgency.desc(), Document.changed_at).limit(MAX_ITEMS))
    label = DOCUMENT[DocumentState.CHECK]
    return [
        Item(
            row.subject,
            OUTGOING_PATH.format(id=row.id),
            meta=(row.signer_name,),
            chip=Chip(label.text, label.tone),
            urgency=URGENCY_WORDS.get(row.urgency),
        )
        for row in rows
    ]


@section(14, phrase("Chờ tôi phân công"), phrase("Không có văn bản nào chờ phân công."))
def to_decide(tx: Tx, actor: Actor) -> list[Item] | None:
    """For leaders: submission sheets that lie before them, most urgent first."""
    if not actor.has(Role.LEADER):
        return None
    query = (
        sa.select(Incoming)
        .join(Referral, Referral.incoming_id == Incoming.id)
        .where(
            Incoming.agency_id == actor.agency_id,
            Incoming.state == IncomingState.SUBMITTED,
            Referral.leader_id == actor.person_id,
            Referral.state == submission_sheets.WAITING,
        )
        .order_by(Incoming.urgency.desc(), Incoming.id)
        .limit(MAX_ITEMS)
    )
    return [_item(row, INCOMING[IncomingState(row.state)]) for row in tx.session.scalars(query)]


@section(32, phrase("Văn bản đến chờ trình lãnh đạo"), phrase("Mọi văn bản đến đã được trình."))
def to_forward(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: registered and not yet before a leader, with how late."""
    if not actor.has(Role.CLERK):
        return None
    query = sa.select(Incoming).where(Incoming.agency_id == actor.agency_id, Incoming.state == IncomingState.REGISTERED)
    rows = tx.session.scalars(query.order_by(Incoming.urgency.desc(), Incoming.id).limit(MAX_ITEMS))
    hours = calendar(tx)
    return [incoming_item(hours, row, phrase("quá hạn trình lãnh đạo")) for row in rows]


@section(25, phrase("Yêu cầu lấy lại chờ trả lời"), phrase("Không có yêu cầu lấy lại nào chờ trả lời."))
def recalls_to_answer(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: documents that their senders want back."""
    if not actor.has(Role.CLERK):
        return None
    query = (
        sa.select(Incoming, Delivery)
        .join(Delivery, Delivery.id == Incoming.delivery_id)
        .where(
            Incoming.agency_id == actor.agency_id,
            Delivery.recall == Recall.ASKED,
            Incoming.state.not_in([IncomingState.REFUSED, IncomingState.CANCELLED]),
        )
        .order_by(Incoming.id)
        .limit(MAX_ITEMS)
    )
    return [
        _item(row, UPDATE_ASKED if relations.asked_for_update(tx, delivery) else RECALL[Recall.ASKED])
        for row, delivery in tx.session.execute(query)
    ]


def _item(row: Incoming, label: Label) -> Item:
    return Item(
        row.subject,
        INCOMING_PATH.format(id=row.id),
        meta=(row.code, row.sender_name),
        chip=Chip(label.text, label.tone),
        urgency=URGENCY_WORDS.get(row.urgency),
    )
