"""Signed evidence about envelopes: a compact JWS (ES256), made once for each fact and never changed.

Each receipt names the SHA-256 of the one before it in the life of the same envelope or delivery, so that none can be
left out unnoticed. `made_at` of its row keeps that order, on whatever machine it is made; the time in the statement is
what the clock there said.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.models import Agency
from directory.queries import AgencyCard
from docex.documents.models import Delivery, Dispatch
from docex.exchange.hub.models import Receipt
from docex.exchange.hub.states import ReceiptKind
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from signing.log import evidence_log
from signing.log import receipts as statements

TYPE = "lienthong-receipt+jwt"


def submitted(tx: Tx, dispatch: Dispatch, receiver_ids: Sequence[int], earlier: Dispatch | None = None) -> Receipt:
    """The hub is taking an envelope over, in this transaction. `earlier` is the sending of the same bytes before."""
    cards = directory.agencies(tx, [dispatch.sender_id, *receiver_ids])
    claims = _claims(dispatch, cards, receiver_ids)
    first = _known(tx, _submission(earlier)) if earlier is not None else None
    if first is not None:  # there were envelopes before there were receipts
        claims["resends"] = {"receipt": first.id, "sha256": hashlib.sha256(first.jws.encode()).hexdigest()}
    return _signed(
        tx, _submission(dispatch), ReceiptKind.SUBMITTED, claims, sender_id=dispatch.sender_id, dispatch_id=dispatch.id
    )


def of_submission(tx: Tx, dispatch: Dispatch) -> Receipt:
    """The receipt that was made then."""
    return tx.session.scalars(sa.select(Receipt).where(Receipt.about == _submission(dispatch))).one()


def of_delivery(tx: Tx, kind: ReceiptKind, delivery: Delivery, reason: str = "") -> Receipt:
    """A step of one delivery. Asked again it answers with the first receipt."""
    return of_deliveries(tx, kind, [delivery], reason)[0]


def of_deliveries(tx: Tx, kind: ReceiptKind, deliveries: Sequence[Delivery], reason: str = "") -> list[Receipt]:
    """The same step of several deliveries of one envelope, a receipt for each. The deliveries are locked, so that no
    two receipts follow the same one."""
    names = {f"{kind}:delivery:{one.id}": one for one in deliveries}
    so_far = _so_far(tx, deliveries)
    found = {row.about: row for row in so_far if row.about in names}
    fresh = {about: one for about, one in names.items() if about not in found}
    if fresh:
        dispatch = tx.session.get_one(Dispatch, deliveries[0].dispatch_id)
        cards = directory.agencies(tx, [dispatch.sender_id, *(one.agency_id for one in fresh.values())])
        last = {row.delivery_id: row for row in so_far}
        for about, one in fresh.items():
            claims, previous = _claims(dispatch, cards, [one.agency_id], reason), last.get(one.id) or last.get(None)
            of = {"dispatch_id": dispatch.id, "delivery_id": one.id, "receiver_id": one.agency_id}
            found[about] = _signed(tx, about, kind, claims, previous, sender_id=dispatch.sender_id, **of)
        tx.session.flush()
    return [found[about] for about in names]


def refused(tx: Tx, agency_id: int, message_id: str, sha256: str, size: int, reason: str) -> Receipt:
    """The hub did not take a file over from an agency; the same file is refused with the same receipt."""
    about = f"refused:{agency_id}:{sha256}:{message_id}"
    tx.advisory_lock(about)
    known = _known(tx, about)
    if known is not None:
        return known
    claims = {
        "message_id": message_id,
        "sender": directory.agency(tx, agency_id).code,
        "sha256": sha256,
        "size": size,
        "reason": reason,
    }
    return _store(tx, about, ReceiptKind.REFUSED, claims, sender_id=agency_id)


def receipt_for(tx: Tx, actor: Actor, receipt_id: str) -> Receipt:
    """A receipt for the agency that sent the envelope, or for the receiver that it is about; NotFound for others."""
    row = tx.session.get(Receipt, receipt_id)
    if row is None or actor.agency_id not in (row.sender_id, row.receiver_id):
        raise NotFound()
    return row


def shown(row: Receipt) -> dict[str, Any]:
    """A receipt as answers of the API carry it."""
    return {"id": row.id, "kind": row.kind, "made_at": row.made_at.isoformat(), "jws": row.jws}


def of_dispatch(
    tx: Tx, actor: Actor, dispatch: Dispatch, code: str = "", after: tuple[str, str] | None = None, limit: int = 500
) -> list[tuple[Receipt, str | None]]:
    """The receipts about one envelope, oldest first, each with the code of the receiver that it is about: all for
    the sender's agency, its own for a receiver's. With `code` only those of that receiver, with `after` those behind
    that `place`."""
    query = (
        sa.select(Receipt, Agency.code)
        .outerjoin(Agency, Agency.id == Receipt.receiver_id)
        .where(Receipt.dispatch_id == dispatch.id)
        .order_by(Receipt.made_at, Receipt.id)
        .limit(limit)
    )
    if dispatch.sender_id != actor.agency_id:
        query = query.where(Receipt.receiver_id == actor.agency_id)
    if code:
        query = query.where(sa.or_(Agency.code == code, Agency.old_code == code))
    if after is not None:
        query = query.where(sa.tuple_(Receipt.made_at, Receipt.id) > (datetime.fromisoformat(after[0]), after[1]))
    return [(row, about) for row, about in tx.session.execute(query)]


def place(row: Receipt) -> tuple[str, str]:
    """Where a receipt stands in that list."""
    return row.made_at.isoformat(), row.id


def _submission(dispatch: Dispatch) -> str:
    return f"submitted:{dispatch.id}"


def _known(tx: Tx, about: str) -> Receipt | None:
    return tx.session.scalar(sa.select(Receipt).where(Receipt.about == about))


def _claims(
    dispatch: Dispatch, cards: Mapping[int, AgencyCard], receiver_ids: Sequence[int], reason: str = ""
) -> dict[str, Any]:
    return {
        "message_id": dispatch.message_id,
        "document_id": dispatch.document_key,
        "sender": cards[dispatch.sender_id].code,
        "receivers": [cards[number].code for number in receiver_ids],
        "sha256": dispatch.sha256,
        "size": dispatch.size,
        "submitted_at": dispatch.submitted_at.isoformat(),
        **({"reason": reason} if reason else {}),
    }


def _so_far(tx: Tx, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
    """The receipts about some deliveries of one envelope, and about the envelope itself, oldest first."""
    query = sa.select(Receipt).where(
        Receipt.dispatch_id == deliveries[0].dispatch_id,
        sa.or_(Receipt.delivery_id.in_([one.id for one in deliveries]), Receipt.delivery_id.is_(None)),
    )
    return tx.session.scalars(query.order_by(Receipt.made_at)).all()


def _store(tx: Tx, about: str, kind: ReceiptKind, claims: dict[str, Any], **of: Any) -> Receipt:
    row = _signed(tx, about, kind, claims, **of)
    tx.session.flush()
    return row


def _signed(
    tx: Tx, about: str, kind: ReceiptKind, claims: dict[str, Any], previous: Receipt | None = None, **of: Any
) -> Receipt:
    now = clock.now()
    receipt_id = secrets.token_hex(16)
    told = {
        "iss": statements.issuer(),
        "jti": receipt_id,
        "iat": int(now.timestamp()),
        "kind": kind.value,
        "at": now.isoformat(),
        "previous": hashlib.sha256(previous.jws.encode()).hexdigest() if previous else None,
        **claims,
    }
    jws = statements.state(tx, TYPE, told)
    made_at = clock.in_order(now, previous.made_at) if previous else now
    row = Receipt(id=receipt_id, about=about, kind=kind, jws=jws, made_at=made_at, **of)
    tx.session.add(row)
    evidence_log.add_statement(tx, jws)
    return row
