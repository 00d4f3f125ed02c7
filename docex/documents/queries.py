"""The words of lists that several rooms share, and an envelope's way as the API tells it."""

from typing import Any

import sqlalchemy as sa

from directory import codeforms
from directory import queries as directory
from directory.actor import Actor
from docex.documents.models import Delivery, Dispatch
from docex.documents.states import DocumentState, IncomingState
from docex.documents.verification import verdict_store
from kernel.db import Tx
from kernel.text import Phrase, phrase

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
        "verdict": verdict_store.value_as_stored(tx, dispatch) or "pending",
        "deliveries": [
            {
                "code": codeforms.code_of(cards[row.agency_id], actor.code_form),
                "name": cards[row.agency_id].name,
                "state": row.progress,
                "recall": row.recall or None,
                "reason": row.reason,
                "changed_at": row.changed_at.isoformat(),
            }
            for row in rows
        ],
    }
