"""Taking in what agencies' systems hand over: the checks in their order, the same answer for the same message.

The order: credential, size and form were checked before (web/entry.py, docex/edxml); here come secrecy, the sender and
the recipients, then the malware hook (docex/unpacking.py), then the commit. Signatures are judged by a job: a verdict
never decides whether a document is delivered, so a slow check must not keep its sender waiting.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from docex import conventions
from docex.desk import recalls
from docex.desk.relations import about_of
from docex.dispatch import Receiver, Submission, hand_in
from docex.drafting import File
from docex.edxml import Envelope, StatusMessage, secrecy
from docex.edxml.codes import BusinessKind, StatusCode
from docex.envelope import facts_of
from docex.hub import receipts
from docex.models import Delivery, Dispatch, Incoming, StatusIn
from docex.moves import touch_incoming
from docex.states import Progress, Recall
from docex.statuses import say
from kernel import clock
from kernel.blobs import Blob
from kernel.db import Tx
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.text import phrase
from signing import log as evidence_log
from signing.verdicts import phrase_to_json

KEY_LENGTH = 300


class UnknownReceiver(Invalid):
    """The envelope is addressed to a code that no agency in the directory has."""

    code = "unknown_receiver"


class SecretDocument(Invalid):
    """The envelope says that it carries a state secret, for which this exchange must not be used (QĐ 28/2018)."""

    code = "secret_document"


class UnknownDocument(Invalid):
    """A status or a recall is about a document that this hub never carried between these two agencies."""

    code = "unknown_document"


@dataclass(frozen=True)
class Handed:
    """One message as the API received it: its bytes are stored, its attachments too. `message_id` is the sender's
    own key when it gave one; `channel` is the way it came when that is not an API client's."""

    envelope: Blob
    files: tuple[File, ...]
    message_id: str = ""
    channel: str = ""


def accept(tx: Tx, actor: Actor, message: Envelope | StatusMessage, handed: Handed) -> dict[str, Any]:
    """Take a message in, or answer again what was answered before. Conflict when its id was used for other bytes."""
    channel, key = _channel(actor, handed), _key(handed, message)
    tx.take_turns(f"{channel} {key}")  # the second gets the first one's answer
    earlier = _earlier(tx, channel, key)
    if earlier is not None:
        if earlier.sha256 != handed.envelope.sha256:
            raise Conflict(
                phrase("Mã thông điệp “{key}” đã được dùng cho một nội dung khác.", key=key), sha256=earlier.sha256
            )
        return dict(earlier.answer)
    _refuse_secret(message)
    _check_sender(tx, actor, message.sender.code)
    if isinstance(message, StatusMessage):
        return _status(tx, actor, message, handed, channel, key)
    if message.business.kind is BusinessKind.RECALL:
        return _recall(tx, actor, message, handed, channel, key)
    return _document(tx, actor, message, handed, channel, key)


def is_new(tx: Tx, actor: Actor, message: Envelope | StatusMessage, handed: Handed) -> bool:
    """Whether a message has still to be taken in, before the slow checks and before anything is stored. Refuses what
    can be refused already: secrets, somebody else's sender, receivers that nobody knows."""
    if _earlier(tx, _channel(actor, handed), _key(handed, message)) is not None:
        return False
    _refuse_secret(message)
    _check_sender(tx, actor, message.sender.code)
    if isinstance(message, Envelope):
        _receivers(tx, message)
    return True


def _document(tx: Tx, actor: Actor, message: Envelope, handed: Handed, channel: str, key: str) -> dict[str, Any]:
    receivers = _receivers(tx, message)
    earlier = _earlier_deliveries(tx, actor.agency_id, message, receivers)
    counts_from = conventions.steering_first(tx, actor.agency_id) if message.steering else 0
    dispatch = hand_in(tx, _submission(actor, message, handed, channel, key, receivers, counts_from))
    for delivery_id in earlier:
        recalls.ask(tx, delivery_id, f"dispatch:{dispatch.id}", message.business.reason, actor.by)
    dispatch.answer = _answer(tx, dispatch, receivers)
    return dict(dispatch.answer)


def _earlier_deliveries(tx: Tx, issuer_id: int, message: Envelope, receivers: list[Receiver]) -> list[int]:
    """What an update or a replacement acts upon: its receivers are asked (13) to cancel that, and answer 15 or 16."""
    keys = {message.business.document_id, *(r.document_id for r in message.business.replacements)} - {""}
    if message.business.kind is BusinessKind.NEW or not keys:
        return []
    query = (
        sa.select(Delivery.id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            Dispatch.sender_id == issuer_id,
            Dispatch.document_key.in_(keys),
            Delivery.agency_id.in_([r.agency_id for r in receivers]),
            Delivery.progress != Progress.REFUSED,
            Delivery.recall.in_([Recall.NONE, Recall.REFUSED]),
        )
    )
    return list(tx.session.scalars(query.order_by(Delivery.id)))


def _recall(tx: Tx, actor: Actor, message: Envelope, handed: Handed, channel: str, key: str) -> dict[str, Any]:
    """A recall makes no new copy: it asks for the earlier ones back (13)."""
    about = message.business.document_id or message.document_id
    receivers = _receivers(tx, message)
    dispatch = hand_in(tx, _submission(actor, message, handed, channel, key, []))
    for receiver in receivers:
        delivery = _delivery(tx, actor.agency_id, about, receiver.agency_id)
        _say(tx, delivery, StatusCode.RECALL_ASKED, message.sender.name, message.business.reason, None)
    dispatch.answer = _answer(tx, dispatch, receivers)
    return dict(dispatch.answer)


def _status(tx: Tx, actor: Actor, message: StatusMessage, handed: Handed, channel: str, key: str) -> dict[str, Any]:
    other = directory.agency_by_code(tx, message.about.organ_code)
    if other is None:
        raise _unknown([message.about.organ_code])
    asks = message.status is StatusCode.RECALL_ASKED
    issuer, receiver = (actor.agency_id, other.id) if asks else (other.id, actor.agency_id)
    delivery = _delivery(tx, issuer, message.about.document_id, receiver)
    counted = _say(tx, delivery, message.status, message.sender.name, message.description, message.at)
    row = StatusIn(
        channel=channel,
        message_id=key,
        sha256=handed.envelope.sha256,
        size=handed.envelope.size,
        delivery_id=delivery.id,
        code=message.status,
        answer={},
        received_at=clock.now(),
    )
    tx.session.add(row)
    evidence_log.add(tx, evidence_log.Kind.DOCUMENT, row.sha256)
    tx.session.flush()
    row.answer = {
        "id": delivery.dispatch_id,
        "status_id": row.id,
        "state": "counted" if counted else "noted",
        "message_id": key,
        "sha256": row.sha256,
        "size": row.size,
        "received_at": row.received_at.isoformat(),
    }
    return dict(row.answer)


def _say(tx: Tx, delivery: Delivery, code: str, by_name: str, description: str, at: datetime | None) -> bool:
    counted = say(tx, delivery, code, by_name=by_name, description=description, said_at=at)
    incoming = tx.session.scalar(sa.select(Incoming).where(Incoming.delivery_id == delivery.id))
    if counted and incoming is not None:
        touch_incoming(tx, incoming)
    return counted


def _submission(
    actor: Actor,
    message: Envelope,
    handed: Handed,
    channel: str,
    key: str,
    receivers: list[Receiver],
    steering_first: int = 0,
) -> Submission:
    return Submission(
        channel=channel,
        message_id=key,
        document_key=message.document_id,
        business=int(message.business.kind),
        sender_id=actor.agency_id,
        envelope=handed.envelope,
        facts=facts_of(message, steering_first),
        papers=handed.files,
        receivers=tuple(receivers),
        about_key=about_of(message),
        responses=message.responses,
        notes=tuple({"code": note.code, "phrase": phrase_to_json(note.text)} for note in message.notes),
    )


def _answer(tx: Tx, dispatch: Dispatch, receivers: list[Receiver]) -> dict[str, Any]:
    cards = directory.agencies(tx, [r.agency_id for r in receivers])
    return {
        "id": dispatch.id,
        "state": "submitted",
        "message_id": dispatch.message_id,
        "document_id": dispatch.document_key,
        "sha256": dispatch.sha256,
        "size": dispatch.size,
        "received_at": dispatch.submitted_at.isoformat(),
        "receipt": receipts.shown(receipts.submitted(tx, dispatch, [r.agency_id for r in receivers])),
        "receivers": [
            {
                "code": r.addressed_as or cards[r.agency_id].code,
                "name": cards[r.agency_id].name,
                "forwarded_to": cards[r.agency_id].code if _moved_on(r, cards[r.agency_id]) else None,
            }
            for r in receivers
        ],
    }


def _moved_on(receiver: Receiver, card: directory.AgencyCard) -> bool:
    return bool(receiver.addressed_as) and receiver.addressed_as not in (card.code, card.old_code)


def _receivers(tx: Tx, message: Envelope) -> list[Receiver]:
    """Whom the envelope is for, each once; a merged agency's successor stands in for it."""
    codes = [organ.code for organ in message.receivers]
    known = directory.agencies_by_code(tx, codes)
    if unknown := [code for code in codes if code not in known]:
        raise _unknown(unknown)
    found: dict[int, Receiver] = {}
    for code in codes:
        found.setdefault(known[code].id, Receiver(known[code].id, code))
    return list(found.values())


def _unknown(codes: list[str]) -> UnknownReceiver:
    message = phrase("Danh bạ không có cơ quan mang mã {codes}.", codes=", ".join(codes)[:500])
    return UnknownReceiver({"To": message}, message, codes=codes)


def _refuse_secret(message: Envelope | StatusMessage) -> None:
    mark = secrecy.mark_of(message) if isinstance(message, Envelope) else ""
    if mark:
        said = phrase("Văn bản ghi “{mark}”. Trục không nhận văn bản có nội dung bí mật nhà nước.", mark=mark[:100])
        raise SecretDocument({"edxml": said}, said, mark=mark[:100])


def _check_sender(tx: Tx, actor: Actor, code: str) -> None:
    agency = directory.agency_by_code(tx, code)
    if agency is None or agency.id != actor.agency_id:
        raise Forbidden(
            phrase("Nơi gửi trong phong bì (mã {code}) không phải là cơ quan của hệ thống đang gửi.", code=code[:40])
        )


def _delivery(tx: Tx, issuer_id: int, document_key: str, receiver_id: int) -> Delivery:
    """The newest delivery of that document to that agency, locked after the copy that it made (models.py)."""
    found = tx.session.scalar(
        sa.select(Delivery.id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            Dispatch.sender_id == issuer_id,
            Dispatch.document_key == document_key,
            Delivery.agency_id == receiver_id,
        )
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    if found is None:
        message = phrase("Trục không có văn bản “{key}” giữa hai cơ quan này.", key=document_key[:200])
        raise UnknownDocument({"DocumentId": message}, message)
    tx.session.scalar(sa.select(Incoming.id).where(Incoming.delivery_id == found).with_for_update())
    return tx.session.get_one(Delivery, found, with_for_update=True, populate_existing=True)


def _earlier(tx: Tx, channel: str, key: str) -> Dispatch | StatusIn | None:
    dispatch = tx.session.scalar(sa.select(Dispatch).where(Dispatch.channel == channel, Dispatch.message_id == key))
    return dispatch or tx.session.scalar(
        sa.select(StatusIn).where(StatusIn.channel == channel, StatusIn.message_id == key)
    )


def _channel(actor: Actor, handed: Handed) -> str:
    return handed.channel or f"client:{actor.client_id}"


def _key(handed: Handed, message: Envelope | StatusMessage) -> str:
    if len(handed.message_id) > KEY_LENGTH:
        raise Invalid({"message_id": phrase("Mã thông điệp dài quá {limit} ký tự.", limit=KEY_LENGTH)})
    key = handed.message_id or _own_key(message)
    return key if len(key) <= KEY_LENGTH else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def _own_key(message: Envelope | StatusMessage) -> str:
    """A key for senders that give none: the document's id with what is said about it."""
    if isinstance(message, StatusMessage):
        at = message.at.isoformat() if message.at else ""
        return f"{message.about.document_id}#{message.status}@{at}"
    if message.business.kind is BusinessKind.NEW:
        return message.document_id
    return f"{message.document_id}#{message.business.kind.name.lower()}"
