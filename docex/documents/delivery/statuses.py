"""Statuses that recipients report of a delivery: logged always, counted when it is progress, shown to the sender at
once."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from docex import topics
from docex.documents.delivery import transport
from docex.documents.models import Delivery, Dispatch, Document, StatusLog
from docex.documents.states import DocumentState, DocumentVerb
from docex.documents.transitions import move, record, touch_delivery
from docex.edxml.progress import LOST, NOT_HAD, SETTLED, Progress, Recall, advanced, recall_after
from kernel import clock
from kernel.db import Tx

RECALLS = {Recall.ASKED.value, Recall.AGREED.value, Recall.REFUSED.value}


def report_status(
    tx: Tx,
    delivery: Delivery,
    *codes: str,
    by_name: str = "",
    description: str = "",
    said_at: datetime | None = None,
) -> bool:
    """Take in a status of QĐ 28/2018 or a step of the hub, or several that are said at one moment, in their order.
    Answers whether that changed what is known.

    Repeated and late ones are kept in the log and change nothing.
    """
    return bool(report_statuses(tx, [delivery], *codes, by_name=by_name, description=description, said_at=said_at))


def report_statuses(
    tx: Tx,
    deliveries: Sequence[Delivery],
    *codes: str,
    by_name: str = "",
    description: str = "",
    said_at: datetime | None = None,
) -> list[Delivery]:
    """The same about several deliveries of one envelope. Answers those of which it changed what is known."""
    if not deliveries:
        return []
    dispatch = tx.session.get_one(Dispatch, deliveries[0].dispatch_id)
    absent = {one.id for one in deliveries if one.progress in NOT_HAD}
    reported = [(one, _noted(tx, one, code, by_name, description, said_at)) for code in codes for one in deliveries]
    counted = [(one, line.code) for one, line in reported if line.counted]
    news = list({one.id: one for one, _ in counted}.values())
    for delivery, code in counted:
        if code == Progress.REFUSED or code in RECALLS:
            delivery.reason = description
    for delivery in news:
        touch_delivery(tx, delivery, dispatch.document_id)
    tx.session.flush()
    transport.logged(
        tx, dispatch, reported, [one for one in deliveries if one.id in absent and one.progress not in NOT_HAD]
    )
    for code in dict.fromkeys(code for _, code in counted):
        transport.counted(tx, [one for one, said_code in counted if said_code == code], dispatch, code, description)
    if dispatch.document_id is not None:
        for delivery, code in counted:
            if delivery.progress in SETTLED or code in (Recall.AGREED, Recall.REFUSED) or _asked_in_vain(delivery):
                # In a transaction of its own: the document's row is locked before deliveries, never after.
                tx.outbox(topics.SETTLE, f"{delivery.id}:{code}:{delivery.rev}", {"document_id": dispatch.document_id})
    return news


def reopen(tx: Tx, delivery: Delivery, step: Progress, reason: str) -> None:
    """An operator gives an expired delivery another chance: the one way back, on the log with the reason and who."""
    delivery.progress = step
    _log(tx, delivery, step, description=reason, counted=True)
    touch_delivery(tx, delivery, tx.session.get_one(Dispatch, delivery.dispatch_id).document_id)


def take_back(tx: Tx, delivery: Delivery, *, by_name: str, description: str) -> None:
    """The sender takes back what its receiver never had: nobody is asked, so nobody has to agree."""
    delivery.recall = Recall.ASKED
    report_status(tx, delivery, Recall.AGREED, by_name=by_name, description=description)


def _asked_in_vain(delivery: Delivery) -> bool:
    """Asked for something that it never confirmed to have: it may stay silent for ever."""
    return delivery.recall == Recall.ASKED and delivery.progress in LOST


def _noted(
    tx: Tx, delivery: Delivery, code: str, by_name: str, description: str, said_at: datetime | None
) -> StatusLog:
    before = (delivery.progress, delivery.recall)
    if code in RECALLS:
        delivery.recall = recall_after(Recall(delivery.recall), Recall(code))
    else:
        delivery.progress = advanced(Progress(delivery.progress), Progress(code))
    counted = before != (delivery.progress, delivery.recall)
    return _log(tx, delivery, code, by_name, description, counted=counted, said_at=said_at)


def _log(
    tx: Tx,
    delivery: Delivery,
    code: str,
    by_name: str = "",
    description: str = "",
    *,
    counted: bool,
    said_at: datetime | None = None,
) -> StatusLog:
    line = StatusLog(
        delivery_id=delivery.id,
        code=code,
        by=tx.by,
        by_name=by_name,
        description=description,
        counted=counted,
        said_at=said_at,
        at=clock.now(),
    )
    tx.session.add(line)
    return line


def settle(tx: Tx, document_id: int) -> None:
    """Close a document when every recipient is done with it, or a recall when every recipient has answered.

    Of an agency that got it again only the last delivery counts. A refusal keeps it open for the clerk's attention.
    """
    document = tx.session.get(Document, document_id, with_for_update=True)
    if document is None or document.state not in (DocumentState.SENT, DocumentState.RECALLING):
        return
    query = sa.select(Delivery).join(Dispatch, Dispatch.id == Delivery.dispatch_id)
    rows = list(tx.session.scalars(query.where(Dispatch.document_id == document_id).order_by(Delivery.id)))
    if document.state == DocumentState.RECALLING:
        _settle_recall(tx, document, [row for row in rows if row.progress != Progress.REFUSED])
    elif rows and all(row.progress == Progress.DONE for row in {row.agency_id: row for row in rows}.values()):
        move(tx, document, DocumentVerb.FINISH)
        record(tx, document, "document.finish")


def _settle_recall(tx: Tx, document: Document, asked: list[Delivery]) -> None:
    """All agreed, or back to `sent` when one refused; nothing while an answer is missing that may be expected."""
    if any(row.recall in (Recall.NONE, Recall.ASKED) and not _asked_in_vain(row) for row in asked):
        return
    if any(row.recall == Recall.REFUSED for row in asked):
        move(tx, document, DocumentVerb.RECALL_REFUSED)
        record(tx, document, "document.recall_refused")
    else:
        move(tx, document, DocumentVerb.RECALL_AGREED)
        record(tx, document, "document.recalled")
