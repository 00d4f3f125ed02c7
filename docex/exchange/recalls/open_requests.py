"""Recalls that senders ask of an agency, for its own system: the question stands until it is answered with 15 or 16."""

from typing import Any

import sqlalchemy as sa

from directory import codeforms
from directory import queries as directory
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Recall
from docex.exchange.hub.models import Parcel
from kernel.db import Tx

MAX_ITEMS = 500


def open_requests(tx: Tx, agency_id: int, form: str) -> list[dict[str, Any]]:
    """The deliveries to this agency that their senders want back, oldest question first, at most 500."""
    query = (
        sa.select(Delivery, Dispatch, Parcel.id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .outerjoin(Parcel, Parcel.delivery_id == Delivery.id)
        .where(Delivery.agency_id == agency_id, Delivery.recall == Recall.ASKED)
        .order_by(Delivery.changed_at, Delivery.id)
        .limit(MAX_ITEMS)
    )
    rows = tx.session.execute(query).all()
    senders = directory.agencies(tx, {dispatch.sender_id for _, dispatch, _ in rows})
    told = {
        sender_id: {"code": codeforms.code_of(card, form), "name": card.name} for sender_id, card in senders.items()
    }
    return [_shown(delivery, dispatch, parcel_id, told[dispatch.sender_id]) for delivery, dispatch, parcel_id in rows]


def _shown(delivery: Delivery, dispatch: Dispatch, parcel_id: int | None, sender: dict[str, str]) -> dict[str, Any]:
    facts = Facts.from_json(dispatch.facts)
    return {
        "id": parcel_id,
        "document": dispatch.id,
        "document_id": dispatch.document_key,
        "sender": sender,
        "code": facts.code,
        "subject": facts.subject,
        "issued_on": facts.issued_on.isoformat() if facts.issued_on else None,
        "reason": delivery.reason,
        "asked_at": delivery.changed_at.isoformat(),
    }
