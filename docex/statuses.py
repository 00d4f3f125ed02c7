"""What recipients say about a delivery: logged always, counted when it is progress, shown to the sender at once."""

from datetime import datetime

import sqlalchemy as sa

from docex import ways
from docex.models import Delivery, Dispatch, Document, StatusLog
from docex.moves import move, record, touch_delivery
from docex.states import SETTLED, DocumentState, DocumentVerb, Progress, Recall, advanced, recall_after
from kernel import clock
from kernel.db import Tx

RECALLS = {Recall.ASKED.value, Recall.AGREED.value, Recall.REFUSED.value}


def say(
    tx: Tx,
    delivery: Delivery,
    code: str,
    *,
    by_name: str = "",
    description: str = "",
    said_at: datetime | None = None,
) -> bool:
    """Take in a status of QĐ 28/2018 or a step of the hub. Answers whether it changed what is known.

    Repeated and late ones are kept in the log and change nothing.
    """
    before = (delivery.progress, delivery.recall)
    if code in RECALLS:
        delivery.recall = recall_after(Recall(delivery.recall), Recall(code))
    else:
        delivery.progress = advanced(Progress(delivery.progress), Progress(code))
    counted = before != (delivery.progress, delivery.recall)
    tx.session.add(
        StatusLog(
            delivery_id=delivery.id,
            code=code,
            by=tx.by,
            by_name=by_name,
            description=description,
            counted=counted,
            said_at=said_at,
            at=clock.now(),
        )
    )
    if counted:
        if code == Progress.REFUSED or code in RECALLS:
            delivery.reason = description
        dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
        touch_delivery(tx, delivery, dispatch.document_id)
        tx.session.flush()
        ways.said(tx, delivery, dispatch, code, description)
        if delivery.progress in SETTLED and dispatch.document_id is not None:
            # In a transaction of its own: the document's row is locked before deliveries, never after.
            tx.outbox("docex.settle", f"{delivery.id}:{code}", {"document_id": dispatch.document_id})
    return counted


def settle(tx: Tx, document_id: int) -> None:
    """Close a document when every recipient is done with it; a refusal keeps it open for the clerk's attention."""
    document = tx.session.get(Document, document_id, with_for_update=True)
    if document is None or document.state != DocumentState.SENT:
        return
    open_ones = (
        sa.select(sa.func.count())
        .select_from(Delivery)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(Dispatch.document_id == document_id, Delivery.progress != Progress.DONE)
    )
    if tx.session.scalar(open_ones) == 0:
        move(tx, document, DocumentVerb.FINISH)
        record(tx, document, "document.finish")
