"""A look into a mailbox: what waits there. Every system of every agency looks again and again, so it must be cheap."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory.codes import Form
from directory.models import Agency
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch
from docex.exchange.hub.models import Mailbox, Parcel, Term
from docex.exchange.hub.states import ParcelState
from kernel.db import Tx
from signing.log import evidence_log
from signing.log.models import LogHead


@dataclass(frozen=True)
class Page:
    """A stretch of a mailbox. `last` is the number up to which it was looked through; `polled_at` is when its owner's
    system was last noted to ask; `head` is the newest of the evidence log."""

    items: tuple[dict[str, Any], ...]
    last: int
    more: bool
    held: bool
    polled_at: datetime | None
    head: dict[str, Any] | None


def page(tx: Tx, agency_id: int, after: int, limit: int, form: str = Form.NEW) -> Page:
    """The parcels that wait in a mailbox behind number `after`, in the order in which it came; senders' codes in this
    form."""
    asked = {"agency": agency_id, "after": after, "most": limit + 1}
    mailbox = tx.session.connection().execute(_LOOK, asked).one_or_none()
    if mailbox is None:
        return Page((), after, False, False, None, None)
    held, head = mailbox.held_at is not None, _head(mailbox) if mailbox.size is not None else None
    rows = tx.session.connection().execute(_PAGE, asked).all() if mailbox.waits and not held else []
    if not rows:
        return Page((), after, False, held, mailbox.polled_at, head)
    shown = rows[:limit]
    items = tuple(_item(row, form) for row in shown)
    return Page(items, shown[-1].seq, len(rows) > limit, False, mailbox.polled_at, head)


# Built once, columns and not objects, and few tables in a join: planning it would cost more than doing it.
_WAITING = sa.and_(
    Parcel.agency_id == sa.bindparam("agency"),
    Parcel.state == ParcelState.WAITING,
    Parcel.seq > sa.bindparam("after"),
)
_LOOK = (
    sa.select(
        Mailbox.held_at,
        Mailbox.polled_at,
        sa.exists(sa.select(Parcel.id).where(_WAITING)).label("waits"),
        LogHead.size,
        LogHead.root,
        LogHead.made_at,
        LogHead.jws,
    )
    .select_from(Mailbox)
    .outerjoin(LogHead, LogHead.size == sa.select(sa.func.max(LogHead.size)).scalar_subquery())
    .where(Mailbox.agency_id == sa.bindparam("agency"))
)
_SENDER = sa.select(Agency).where(Agency.id == Dispatch.sender_id).correlate(Dispatch)
_PAGE = (
    sa.select(
        Parcel.id,
        Parcel.seq,
        Parcel.available_at,
        Parcel.leased_until,
        Delivery.recall,
        Delivery.dispatch_id,
        Dispatch.message_id,
        Dispatch.document_key,
        Dispatch.business,
        Dispatch.facts,
        Dispatch.sha256,
        Dispatch.size,
        _SENDER.with_only_columns(Agency.code).scalar_subquery().label("sender_code"),
        _SENDER.with_only_columns(Agency.old_code).scalar_subquery().label("sender_old_code"),
        _SENDER.with_only_columns(Agency.name).scalar_subquery().label("sender_name"),
        sa.select(Term.expires_at).where(Term.dispatch_id == Dispatch.id).scalar_subquery().label("expires_at"),
    )
    .join_from(Parcel, Delivery, Delivery.id == Parcel.delivery_id)
    .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
    .where(_WAITING)
    .order_by(Parcel.seq)
    .limit(sa.bindparam("most"))
)


def _head(row: Any) -> dict[str, Any]:
    return evidence_log.shown(LogHead(size=row.size, root=row.root, made_at=row.made_at, jws=row.jws))


def _item(row: Any, form: str) -> dict[str, Any]:
    facts, old = Facts.from_json(row.facts), form == Form.OLD and row.sender_old_code
    return {
        "id": row.id,
        "document": row.dispatch_id,
        "message_id": row.message_id,
        "document_id": row.document_key,
        "business": row.business,
        "sender": {"code": row.sender_old_code if old else row.sender_code, "name": row.sender_name},
        "code": facts.code,
        "subject": facts.subject,
        "urgency": facts.urgency,
        "sha256": row.sha256,
        "size": row.size,
        "recall": row.recall,
        "available_at": row.available_at.isoformat(),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "leased_until": row.leased_until.isoformat() if row.leased_until else None,
    }
