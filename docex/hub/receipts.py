"""Signed evidence about envelopes: a compact JWS (ES256), made once for each fact and never changed.

Each receipt names the SHA-256 of the one before it in the life of the same envelope or delivery, so that none can be
left out unnoticed.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from docex.hub import keys
from docex.hub.models import HubKey, Receipt
from docex.hub.states import ReceiptKind
from docex.models import Delivery, Dispatch
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound

TYPE = "lienthong-receipt+jwt"


def submitted(tx: Tx, dispatch: Dispatch, receiver_ids: Sequence[int]) -> Receipt:
    """The hub has taken an envelope over. Asked again it answers with the first receipt."""
    about = f"submitted:{dispatch.id}"
    return _known(tx, about) or _make(tx, about, ReceiptKind.SUBMITTED, dispatch, receiver_ids)


def of_delivery(tx: Tx, kind: ReceiptKind, delivery: Delivery, reason: str = "") -> Receipt:
    """A step of one delivery. Asked again it answers with the first receipt."""
    about = f"{kind}:delivery:{delivery.id}"
    known = _known(tx, about)
    if known is not None:
        return known
    dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
    return _make(tx, about, kind, dispatch, [delivery.agency_id], delivery=delivery, reason=reason)


def refused(tx: Tx, agency_id: int, message_id: str, sha256: str, size: int, reason: str) -> Receipt:
    """The hub did not take a file over from an agency; the same file is refused with the same receipt."""
    about = f"refused:{agency_id}:{sha256}:{message_id}"
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


def all_keys(tx: Tx) -> dict[str, Any]:
    """The public halves of all keys that ever signed here, newest first (JWK set, RFC 7517)."""
    return {"keys": list(tx.session.scalars(sa.select(HubKey.jwk).order_by(HubKey.made_at.desc(), HubKey.kid)))}


def of_dispatch(tx: Tx, actor: Actor, dispatch: Dispatch, code: str = "") -> list[tuple[Receipt, str | None]]:
    """What was signed about one envelope, oldest first, each with the code of the receiver that it is about: all for
    the sender's agency, its own for a receiver's. With `code` only those of that receiver."""
    query = sa.select(Receipt).where(Receipt.dispatch_id == dispatch.id)
    if dispatch.sender_id != actor.agency_id:
        query = query.where(Receipt.receiver_id == actor.agency_id)
    rows = list(tx.session.scalars(query.order_by(Receipt.made_at, Receipt.id)))
    cards = directory.agencies(tx, [row.receiver_id for row in rows if row.receiver_id is not None])
    found = [(row, cards[row.receiver_id].code if row.receiver_id is not None else None) for row in rows]
    return [(row, about) for row, about in found if code in ("", about)]


def _known(tx: Tx, about: str) -> Receipt | None:
    return tx.session.scalar(sa.select(Receipt).where(Receipt.about == about))


def _make(
    tx: Tx,
    about: str,
    kind: ReceiptKind,
    dispatch: Dispatch,
    receiver_ids: Sequence[int],
    *,
    delivery: Delivery | None = None,
    reason: str = "",
) -> Receipt:
    cards = directory.agencies(tx, [dispatch.sender_id, *receiver_ids])
    claims: dict[str, Any] = {
        "message_id": dispatch.message_id,
        "document_id": dispatch.document_key,
        "sender": cards[dispatch.sender_id].code,
        "receivers": [cards[number].code for number in receiver_ids],
        "sha256": dispatch.sha256,
        "size": dispatch.size,
        "submitted_at": dispatch.submitted_at.isoformat(),
    }
    if reason:
        claims["reason"] = reason
    if delivery is None:
        return _store(tx, about, kind, claims, sender_id=dispatch.sender_id, dispatch_id=dispatch.id)
    claims["previous"] = _previous(tx, delivery)
    return _store(
        tx,
        about,
        kind,
        claims,
        sender_id=dispatch.sender_id,
        dispatch_id=dispatch.id,
        delivery_id=delivery.id,
        receiver_id=delivery.agency_id,
    )


def _previous(tx: Tx, delivery: Delivery) -> str | None:
    """The fingerprint of the last receipt of this delivery, or of the envelope's own."""
    query = (
        sa.select(Receipt.jws)
        .where(
            Receipt.dispatch_id == delivery.dispatch_id,
            sa.or_(Receipt.delivery_id == delivery.id, Receipt.delivery_id.is_(None)),
        )
        .order_by(Receipt.delivery_id.is_(None), Receipt.made_at.desc())
        .limit(1)
    )
    last = tx.session.scalar(query)
    return hashlib.sha256(last.encode()).hexdigest() if last else None


def _store(tx: Tx, about: str, kind: ReceiptKind, claims: dict[str, Any], **of: Any) -> Receipt:
    now = clock.now()
    number = secrets.token_hex(16)
    told = {
        "iss": keys.issuer(),
        "jti": number,
        "iat": int(now.timestamp()),
        "kind": kind.value,
        "at": now.isoformat(),
        "previous": None,
        **claims,
    }
    jws = keys.signing_key(tx).sign(TYPE, told)
    row = Receipt(id=number, about=about, kind=kind, jws=jws, made_at=now, **of)
    tx.session.add(row)
    tx.session.flush()
    return row
