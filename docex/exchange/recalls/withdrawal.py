"""Taking back, sending again and replacing what the agency issued (Decree 30 arts. 18.3 and 18.4, QĐ 28/2018).

What has not left is taken back here; what has left is asked back from each recipient (13), who agree (15) or refuse
(16). From the press on the document is frozen. Asking is a job for each recipient: rows of received documents are
locked before deliveries, never after.
"""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role
from docex.documents.access import Right, document_for
from docex.documents.delivery import transport
from docex.documents.delivery.statuses import report_status, take_back
from docex.documents.drafting import outgoing
from docex.documents.drafting.draft import Draft
from docex.documents.drafting.outgoing import reason_of
from docex.documents.models import Delivery, Dispatch, Document, Incoming
from docex.documents.papers.files import attachments_of, main_paper
from docex.documents.states import DocumentState, DocumentVerb, document_after
from docex.documents.transitions import move, record, touch_incoming
from docex.documents.waiting_notices import tell_waiting
from docex.edxml.progress import LOST, NOT_HAD, Progress, Recall, is_to_ask
from docex.exchange.hub import receipts
from docex.exchange.hub.states import ReceiptKind
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, WrongState
from kernel.text import phrase

_NEVER_THERE = phrase("Thu hồi trước khi giao.")
_REFUSED = phrase("Nơi nhận đã từ chối tiếp nhận, không còn văn bản để lấy lại.")


def recall(tx: Tx, actor: Actor, document_id: int, reason: str) -> Document:
    """The clerk takes a document back: here while it has not left, else by a request to each recipient."""
    document = document_for(tx, actor, document_id, Right.ISSUE)
    why = reason_of(reason)
    if document.state == DocumentState.SEALED:
        move(tx, document, DocumentVerb.RECALL_LOCALLY)
        record(tx, document, "document.recall_locally", reason=why)
    else:
        move(tx, document, DocumentVerb.RECALL)
        record(tx, document, "document.recall", reason=why)
        for delivery_id in asked_of(tx, document.id, withdraw=True):
            ask(tx, delivery_id, f"{document.id}:{document.rev}", why, actor.by, withdraw=True)
        tx.outbox("docex.settle", f"recall:{document.id}:{document.rev}", {"document_id": document.id})
    document.change_reason = why
    return document


def ask(tx: Tx, delivery_id: int, occasion: str, reason: str, by: str, *, withdraw: bool = False) -> None:
    """Enqueue the job that asks one recipient for what it has; with `withdraw` it is no longer offered before that."""
    payload = {"delivery_id": delivery_id, "reason": reason, "by": by, "withdraw": withdraw}
    tx.outbox("docex.ask_back", f"{delivery_id}:{occasion}", payload)


def ask_back(tx: Tx, delivery_ids: Sequence[int], reason: str, *, withdraw: bool) -> int:
    """Ask recipients for what they have (13); what they never had is taken back without asking. A recall withdraws
    what still lies in a mailbox, also when it was asked for before; an update lets the earlier one be fetched, and asks
    for it. Answers for how many that was news: doing it again changes nothing."""
    copies = sa.select(Incoming).where(Incoming.delivery_id.in_(delivery_ids)).order_by(Incoming.id).with_for_update()
    found = {row.delivery_id: row for row in tx.session.scalars(copies.execution_options(populate_existing=True))}
    wanted = sa.select(Delivery).where(Delivery.id.in_(delivery_ids)).order_by(Delivery.id).with_for_update()
    deliveries = list(tx.session.scalars(wanted.execution_options(populate_existing=True)))
    there = set(tx.session.scalars(sa.select(Incoming.delivery_id).where(Incoming.delivery_id.in_(delivery_ids))))
    count = 0
    for delivery in deliveries:
        if delivery.recall == Recall.AGREED:
            continue
        if delivery.recall == Recall.ASKED:
            if withdraw and delivery.id not in there and _withdrawn(tx, delivery, reason, withdraw):
                count += 1
            continue
        count += 1
        if delivery.id in there and delivery.id not in found:  # it arrived while we waited for the delivery's lock
            ask(tx, delivery.id, f"arrived:{delivery.rev}", reason, tx.by, withdraw=withdraw)
        else:
            _ask_one(tx, delivery, found.get(delivery.id), reason, withdraw)
    return count


def _ask_one(tx: Tx, delivery: Delivery, incoming: Incoming | None, reason: str, withdraw: bool) -> None:
    if delivery.progress == Progress.REFUSED:
        take_back(tx, delivery, by_name=_sender(tx, delivery), description=_REFUSED.vi)
        return
    if incoming is None and _withdrawn(tx, delivery, reason, withdraw):
        return
    report_status(tx, delivery, Recall.ASKED, by_name=_sender(tx, delivery), description=reason)
    if incoming is not None:
        touch_incoming(tx, incoming)
        clerks = {card.id for card in directory.people_with_role(tx, incoming.agency_id, Role.CLERK)}
        asks_back = phrase("Nơi gửi yêu cầu lấy lại văn bản: {reason}", reason=reason)
        why = asks_back if withdraw else phrase("Nơi gửi yêu cầu thay bằng bản cập nhật: {reason}", reason=reason)
        tell_waiting(tx, incoming, why, clerks, slot=f"recall:{delivery.rev}")


def _withdrawn(tx: Tx, delivery: Delivery, reason: str, withdraw: bool) -> bool:
    """Take back without asking what its receiver never had. Answers whether that was so."""
    if delivery.progress not in NOT_HAD:
        return False
    here = directory.agency(tx, delivery.agency_id).is_local
    dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
    if not ((withdraw or here or delivery.progress in LOST) and transport.take_back(tx, delivery, dispatch)):
        return False
    take_back(tx, delivery, by_name=_sender(tx, delivery), description=_NEVER_THERE.vi)
    receipts.of_delivery(tx, ReceiptKind.WITHDRAWN, delivery, reason)
    return True


def _sender(tx: Tx, delivery: Delivery) -> str:
    dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
    return directory.agency(tx, dispatch.sender_id).name


def free(tx: Tx, delivery_ids: Sequence[int]) -> None:
    """End the asking of those who never had it and will not get it any more, as a recall does today: older releases
    asked them, too, and waited for an answer that nobody was there to give. Doing it again changes nothing."""
    wanted = sa.select(Delivery).where(Delivery.id.in_(delivery_ids)).order_by(Delivery.id).with_for_update()
    for delivery in tx.session.scalars(wanted.execution_options(populate_existing=True)).all():
        if delivery.recall != Recall.ASKED or delivery.progress not in LOST:
            continue
        _withdrawn(tx, delivery, delivery.reason, withdraw=True)
        dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
        if dispatch.document_id is not None:
            tx.outbox("docex.settle", f"{delivery.id}:freed:{delivery.rev}", {"document_id": dispatch.document_id})


def resend(tx: Tx, actor: Actor, document_id: int, agency_ids: tuple[int, ...], reason: str) -> Document:
    """Send a sent document once more: who has it already gets an update (type 2), who does not gets it new."""
    document = document_for(tx, actor, document_id, Right.ISSUE)
    why = reason_of(reason)
    cards = directory.agencies(tx, agency_ids)
    chosen = [i for i in dict.fromkeys(agency_ids) if i in cards and cards[i].is_current and i != document.agency_id]
    if not chosen:
        raise Invalid({"agencies": phrase("Cần chọn ít nhất một nơi nhận.")})
    move(tx, document, DocumentVerb.RESEND)
    had = {row.agency_id for row in tx.session.scalars(_deliveries_of(document.id)) if not _came_to_nothing(row)}
    document.recipients = [*document.recipients, *(i for i in chosen if i not in document.recipients)]
    record(tx, document, "document.resend", reason=why, receivers=[cards[i].name for i in chosen])
    for kind, group in (("update", [i for i in chosen if i in had]), ("new", [i for i in chosen if i not in had])):
        if group:
            told = {"kind": kind, "receivers": group, "reason": why, "at": clock.now().isoformat()}
            payload = {"document_id": document.id, **told}
            tx.outbox("docex.resend", f"{document.id}:{document.rev}:{kind}", payload)
    return document


def replacement(tx: Tx, actor: Actor, document_id: int, reason: str) -> Document:
    """Begin a draft that will replace a sent document; that one falls when the new one is sent."""
    old = document_for(tx, actor, document_id, Right.ISSUE)
    why = reason_of(reason)
    if document_after(DocumentState(old.state), DocumentVerb.REPLACE) is None:
        raise WrongState(phrase("Chỉ văn bản đã gửi và chưa thu hồi mới thay thế được."))
    return _copied(tx, actor, old, why)


def replaced(tx: Tx, document: Document) -> None:
    """The replacing document was sent: the old one falls, and each agency that has it is asked to cancel it."""
    old = tx.session.get(Document, document.replaces_id, with_for_update=True) if document.replaces_id else None
    if old is None or document_after(DocumentState(old.state), DocumentVerb.REPLACE) is None:
        return
    move(tx, old, DocumentVerb.REPLACE)
    record(tx, old, "document.replaced", reason=document.code)
    why = phrase("Thay thế bằng văn bản {code}: {reason}", code=document.code, reason=document.change_reason).vi
    for delivery_id in asked_of(tx, old.id):
        ask(tx, delivery_id, f"{old.id}:{old.rev}", why, tx.by)


def _copied(tx: Tx, actor: Actor, old: Document, why: str) -> Document:
    source = Draft(
        kind=old.kind,
        subject=old.subject,
        signer_id=old.signer_id,
        recipients=tuple(old.recipients),
        body=old.body,
        addressees=tuple(old.addressees),
        places=tuple(old.places),
        urgency=old.urgency,
        unit_mark=old.unit_mark,
        authority=old.authority,
        copy_form=old.copy_form,
        steering=old.steering,
        replaces_id=old.id,
        change_reason=why,
    )
    attachments = tuple(outgoing.file_of(paper) for paper in attachments_of(tx, old.id))
    upload = main_paper(tx, old.id, stage="upload")
    if old.source == "uploaded" and upload is not None:
        return outgoing.upload(tx, actor, source, outgoing.file_of(upload), attachments)
    return outgoing.write(tx, actor, source, attachments)


def asked_of(
    tx: Tx, document_id: int, agency_ids: Collection[int] | None = None, *, withdraw: bool = False
) -> list[int]:
    """The deliveries to ask back, all or those to some agencies (docex/documents/states.py)."""
    rows = tx.session.scalars(_deliveries_of(document_id))
    wanted = [row for row in rows if is_to_ask(row.progress, row.recall, withdraw=withdraw)]
    return [row.id for row in wanted if agency_ids is None or row.agency_id in agency_ids]


def _came_to_nothing(delivery: Delivery) -> bool:
    """Whether a recipient never had it and will not get it any more."""
    return delivery.progress in LOST or (delivery.progress in NOT_HAD and delivery.recall == Recall.AGREED)


def _deliveries_of(document_id: int) -> sa.Select[Delivery]:
    query = sa.select(Delivery).join(Dispatch, Dispatch.id == Delivery.dispatch_id)
    return query.where(Dispatch.document_id == document_id).order_by(Delivery.id)
