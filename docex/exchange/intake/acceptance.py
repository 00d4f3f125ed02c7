"""Taking in what agencies' systems hand over: the checks in their order, the same answer for the same message.

The order: credential, size and form were checked before (web/entry.py, docex/edxml); here come secrecy, the sender and
the recipients, then the malware hook (docex/exchange/intake/unpacking.py), then the commit. Signatures are verified by
a job: a verdict never decides whether a document is delivered, so a slow check must not keep its sender waiting.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from directory import codeforms
from directory import queries as directory
from directory.actor import Actor
from directory.models import Agency
from docex.documents.delivery import transport
from docex.documents.envelope import facts_of
from docex.documents.models import Delivery, Dispatch, StatusIn
from docex.documents.papers.files import File
from docex.documents.relations import about_of
from docex.edxml import Envelope, StatusMessage, secrecy
from docex.edxml.codes import STATUSES, BusinessKind, StatusCode
from docex.exchange import steering_conventions
from docex.exchange.dispatch import Receiver, Submission, hand_in
from docex.exchange.hub import receipts
from docex.exchange.hub.models import Receipt
from docex.exchange.intake import duplicates, resolve_deliveries, response_notes, status_reports, supersession
from docex.exchange.intake.resolve_deliveries import Succession, UnknownDocument
from docex.exchange.recalls import withdrawal
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.storage.blobs import Blob
from kernel.text import phrase
from signing.log import evidence_log
from signing.verdicts.verdict import phrase_to_json

KEY_LENGTH = 300


class UnknownReceiver(Invalid):
    """The envelope is addressed to a code that no agency in the directory has."""

    code = "unknown_receiver"


class SecretDocument(Invalid):
    """The envelope says that it carries a state secret, for which this exchange must not be used (QĐ 28/2018)."""

    code = "secret_document"


class ReasonMissing(Invalid):
    """A status that has to give its reason gives none (QĐ 28/2018: 02; here 13 and 16 as well)."""

    code = "reason_missing"


@dataclass(frozen=True)
class Handed:
    """One message as the API received it: its bytes are stored, its attachments too. `message_id` is the sender's
    own key when it gave one; `channel` is the way it came when that is not an API client's; `term` is how long it
    shall wait for its receivers, when its sender said so. `is_repeat`: it is known already, nothing was stored."""

    envelope: Blob
    files: tuple[File, ...]
    message_id: str = ""
    channel: str = ""
    term: timedelta | None = None
    is_repeat: bool = False
    repaired: Blob | None = None
    """The copy for systems that cannot read the file as it came, when it needs one."""


def accept(tx: Tx, actor: Actor, message: Envelope | StatusMessage, handed: Handed) -> dict[str, Any]:
    """Take a message in, or answer again what was answered before. Conflict when its id was used for other bytes."""
    channel, key = _channel(actor, handed), _key(handed)
    tx.advisory_lock(f"{channel} {key}")  # the second gets the first one's answer
    before = duplicates.sendings(tx, channel, key, handed.envelope.sha256)
    if before:
        last = before[-1]
        if last.sha256 != handed.envelope.sha256:
            raise Conflict(
                phrase("Mã thông điệp “{key}” đã được dùng cho một nội dung khác.", key=key), sha256=last.sha256
            )
        if handed.is_repeat or not _is_sent_anew(tx, actor, message, handed, before):
            return _answered_before(tx, last)
    refuse_secret(message)
    known, key = _agencies_in(tx, message), duplicates.again(key, len(before))
    _check_sender(tx, actor, message, known)
    if isinstance(message, StatusMessage):
        return _status(tx, actor, _with_reason(message, handed), handed, channel, key)
    receivers = _receivers(message, known)
    if message.business.kind is BusinessKind.RECALL:
        return _recall(tx, actor, message, handed, channel, key, receivers, known)
    notes = response_notes.added_but_not_addressed(message, known)
    return _document(tx, actor, message, handed, channel, key, _those_meant(tx, receivers, before), notes)


def is_new(tx: Tx, actor: Actor, message: Envelope | StatusMessage, handed: Handed) -> bool:
    """Whether a message has still to be taken in, before the slow checks and before anything is stored. Refuses what
    can be refused already: secrets, somebody else's sender, receivers and documents that nobody knows, a refusal
    without its reason."""
    before = duplicates.sendings(tx, _channel(actor, handed), _key(handed), handed.envelope.sha256)
    if before and not _is_sent_anew(tx, actor, message, handed, before):
        return False
    refuse_secret(message)
    known = _agencies_in(tx, message)
    _check_sender(tx, actor, message, known)
    if isinstance(message, StatusMessage):
        _with_reason(message, handed)
        resolve_deliveries.sent(tx, *_ends(tx, actor, message))
        return True
    _receivers(message, known)  # refuses a code that nobody has
    if message.business.kind is BusinessKind.RECALL:
        _wanted_back(tx, actor, message, known)
    return True


def _is_sent_anew(
    tx: Tx, actor: Actor, message: Envelope | StatusMessage, handed: Handed, before: Sequence[sa.Row[Any]]
) -> bool:
    """Whether the same bytes once more are a new sending, for what they said before has come to nothing. A message
    with a key of its sender's own is always the first one."""
    if not duplicates.is_named_by_bytes(_key(handed), handed.envelope.sha256):
        return False
    known = _agencies_in(tx, message)
    try:
        _check_sender(tx, actor, message, known)
        if isinstance(message, StatusMessage):
            if message.status is StatusCode.RECALL_ASKED:
                return duplicates.is_to_ask_again(tx, resolve_deliveries.wanted_back(tx, *_ends(tx, actor, message)))
            return duplicates.is_about_another(tx, before[-1].delivery_id, *_ends(tx, actor, message))
        if message.business.kind is BusinessKind.RECALL:
            return duplicates.is_to_ask_again(tx, _wanted_back(tx, actor, message, known)[0])
    except (Forbidden, Invalid):
        return False  # the directory has changed since: what was answered then is still the answer
    meant_now = [known[organ.code].id for organ in supersession.receivers(message, known) if organ.code in known]
    return bool(duplicates.failed_at(tx, [row.dispatch_id for row in before], meant_now))


def _those_meant(tx: Tx, receivers: list[Receiver], before: Sequence[sa.Row[Any]]) -> list[Receiver]:
    """Whom an envelope is for: all its receivers; when it was sent before, those at whom that came to nothing."""
    sent = [row.dispatch_id for row in before if row.dispatch_id is not None]
    if not sent:
        return receivers
    failed = duplicates.failed_at(tx, sent, [one.agency_id for one in receivers])
    return [one for one in receivers if one.agency_id in failed]


def _document(
    tx: Tx,
    actor: Actor,
    message: Envelope,
    handed: Handed,
    channel: str,
    key: str,
    receivers: list[Receiver],
    notes: list[dict[str, Any]],
) -> dict[str, Any]:
    earlier = supersession.asked_back(tx, actor.agency_id, message, [one.agency_id for one in receivers])
    counts_from = steering_conventions.steering_first(tx, actor.agency_id) if message.steering else 0
    submission = _submission(tx, actor, message, handed, channel, key, receivers, counts_from)
    submission = response_notes.told(submission, notes)
    dispatch, receipt = hand_in(tx, submission)
    for delivery_id, withdraw in earlier:
        why = message.business.reason
        withdrawal.ask(tx, delivery_id, f"dispatch:{dispatch.id}", why, actor.by, withdraw=withdraw)
    return _answer(dispatch, receipt)


def _recall(
    tx: Tx,
    actor: Actor,
    message: Envelope,
    handed: Handed,
    channel: str,
    key: str,
    receivers: list[Receiver],
    known: dict[str, Agency],
) -> dict[str, Any]:
    """A recall makes no new copy: it asks for the earlier ones back (13). The answer names whom nothing was sent to."""
    wanted, never = _wanted_back(tx, actor, message, known)
    submission = _submission(tx, actor, message, handed, channel, key, receivers)
    submission = response_notes.told(submission, response_notes.never_sent(never))
    dispatch, receipt = hand_in(tx, replace(submission, receivers=()))
    withdrawal.ask_back(tx, wanted, message.business.reason, withdraw=True)
    transport.recall_came(tx, dispatch, wanted)
    return _answer(dispatch, receipt)


def _wanted_back(tx: Tx, actor: Actor, message: Envelope, known: dict[str, Agency]) -> tuple[list[int], list[str]]:
    """The deliveries that a recall asks for, each once, and the codes of the receivers that were sent nothing under
    this id; UnknownDocument, which names them, when nobody was."""
    about, issuers = message.business.document_id or message.document_id, _own_succession(tx, actor, message)
    lines = directory.lines_of(tx, [organ.code for organ in supersession.receivers(message, known)])
    wanted: list[int] = []
    never: list[str] = []
    for code, line in lines.items():
        try:
            wanted += resolve_deliveries.wanted_back(tx, issuers, about, line)
        except UnknownDocument:
            never.append(code)
    if never and not wanted:
        raise response_notes.sent_to_nobody(about, never)
    return list(dict.fromkeys(wanted)), never


def _status(tx: Tx, actor: Actor, message: StatusMessage, handed: Handed, channel: str, key: str) -> dict[str, Any]:
    say = _asked if message.status is StatusCode.RECALL_ASKED else _told
    delivery_id, counted = say(tx, message, *_ends(tx, actor, message))
    row = StatusIn(
        channel=channel,
        message_id=key,
        sha256=handed.envelope.sha256,
        size=handed.envelope.size,
        delivery_id=delivery_id,
        code=message.status,
        answer={},
        received_at=clock.now(),
    )
    tx.session.add(row)
    evidence_log.add(tx, evidence_log.Kind.DOCUMENT, row.sha256)
    tx.session.flush()
    row.answer = {
        "id": tx.session.get_one(Delivery, delivery_id).dispatch_id,
        "status_id": row.id,
        "state": "counted" if counted else "noted",
        "message_id": key,
        "sha256": row.sha256,
        "size": row.size,
        "received_at": row.received_at.isoformat(),
        "notes": response_notes.of_the_file(message),
    }
    return dict(row.answer)


def _ends(tx: Tx, actor: Actor, message: StatusMessage) -> tuple[Succession, str, Succession]:
    """The issuer of the document that a status is about, its id, and its receiver: only its issuer asks for it back."""
    response_notes.refuse_unnamed(message.about)
    other = directory.lines_of(tx, [message.about.organ_code]).get(message.about.organ_code)
    if other is None:
        raise _unknown([message.about.organ_code])
    own = _own_succession(tx, actor, message)
    issuers, receivers = (own, other) if message.status is StatusCode.RECALL_ASKED else (other, own)
    key = message.about.document_id or resolve_deliveries.key_of(tx, issuers, message.about, receivers)
    return issuers, key, receivers


def _own_succession(tx: Tx, actor: Actor, message: Envelope | StatusMessage) -> Succession:
    """Whose documents a message is about on its sender's side: an agency acts for those that have gone into it, and
    means one of them alone when it speaks under that one's code."""
    spoken_for = directory.lines_of(tx, [message.sender.code])[message.sender.code]
    return spoken_for & directory.with_predecessors(tx, [actor.agency_id])


def _asked(
    tx: Tx, message: StatusMessage, issuers: Succession, document_key: str, receivers: Succession
) -> tuple[int, bool]:
    """The issuer wants a document back. Answers the delivery that keeps the question, and whether it was news."""
    wanted = resolve_deliveries.wanted_back(tx, issuers, document_key, receivers)
    return wanted[0], withdrawal.ask_back(tx, wanted, message.description, withdraw=True) > 0


def _told(
    tx: Tx, message: StatusMessage, issuers: Succession, document_key: str, receivers: Succession
) -> tuple[int, bool]:
    """The receiver says what it does with a document. Answers as `_asked` does."""
    deliveries = resolve_deliveries.told_of(tx, issuers, document_key, receivers, message.status)
    status = (message.status, message.sender.name, message.description, message.at)
    counted = [status_reports.hear(tx, delivery, *status) for delivery in deliveries]
    return deliveries[0].id, any(counted)


def _submission(
    tx: Tx,
    actor: Actor,
    message: Envelope,
    handed: Handed,
    channel: str,
    key: str,
    receivers: list[Receiver],
    steering_first: int = 0,
) -> Submission:
    earlier = duplicates.earlier_of(tx, actor.agency_id, message.document_id, handed.envelope.sha256)
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
        answer={
            "receivers": _receivers_told(tx, receivers, actor.code_form),
            "resends": earlier.id if earlier else None,
            "notes": response_notes.of_the_file(message),
            "repaired": handed.repaired.sha256 if handed.repaired else None,
        },
        term=handed.term,
        earlier=earlier,
        repaired=handed.repaired,
    )


def _answer(dispatch: Dispatch, receipt: Receipt) -> dict[str, Any]:
    """The answer to the sender, also when it hands the same in again; `dispatch.answer` keeps who the receivers
    were."""
    return {
        "id": dispatch.id,
        "state": "submitted",
        "message_id": dispatch.message_id,
        "document_id": dispatch.document_key,
        "sha256": dispatch.sha256,
        "size": dispatch.size,
        "received_at": dispatch.submitted_at.isoformat(),
        "receipt": receipts.shown(receipt),
        "resends": None,
        "notes": [],
        "repaired": None,
        **dispatch.answer,
    }


def _answered_before(tx: Tx, earlier: sa.Row[Any]) -> dict[str, Any]:
    if earlier.dispatch_id is None:
        return dict(earlier.answer)
    dispatch = tx.session.get_one(Dispatch, earlier.dispatch_id)
    return _answer(dispatch, receipts.of_submission(tx, dispatch))


def _receivers_told(tx: Tx, receivers: list[Receiver], form: str) -> list[dict[str, Any]]:
    """The receivers as the sender's system is told them, their codes in its form."""
    cards = directory.agencies(tx, [r.agency_id for r in receivers])
    others = [r.addressed_as for r in receivers if _moved_on(r, cards[r.agency_id])]
    earlier = codeforms.shown(tx, form, others) if others else {}
    told = []
    for r in receivers:
        own = codeforms.code_of(cards[r.agency_id], form)
        code = earlier.get(r.addressed_as, own)
        told.append({"code": code, "name": cards[r.agency_id].name, "forwarded_to": own if code != own else None})
    return told


def _moved_on(receiver: Receiver, card: directory.AgencyCard) -> bool:
    return bool(receiver.addressed_as) and receiver.addressed_as not in (card.code, card.old_code)


def _agencies_in(tx: Tx, message: Envelope | StatusMessage) -> dict[str, Agency]:
    """Sender, receivers and others in it that the directory knows, by the code in the message."""
    named = [message.sender.code]
    if isinstance(message, Envelope):
        named += [*(organ.code for organ in message.receivers), *supersession.named(message)]
    return directory.agencies_by_code(tx, named)


def _receivers(message: Envelope, known: dict[str, Agency]) -> list[Receiver]:
    """Whom the envelope is for, each once; a merged agency's successor stands in for it."""
    codes = [organ.code for organ in supersession.receivers(message, known)]
    if unknown := [code for code in codes if code not in known]:
        raise _unknown(unknown)
    found: dict[int, Receiver] = {}
    for code in codes:
        found.setdefault(known[code].id, Receiver(known[code].id, code))
    return list(found.values())


def _unknown(codes: list[str]) -> UnknownReceiver:
    message = phrase("Danh bạ không có cơ quan mang mã {codes}.", codes=", ".join(codes)[:500])
    return UnknownReceiver({"To": message}, message, codes=codes)


def refuse_secret(message: Envelope | StatusMessage) -> None:
    """SecretDocument when the envelope says that it carries a state secret."""
    mark = secrecy.mark_of(message) if isinstance(message, Envelope) else ""
    if mark:
        reason = phrase("Văn bản ghi “{mark}”. Trục không nhận văn bản có nội dung bí mật nhà nước.", mark=mark[:100])
        raise SecretDocument({"edxml": reason}, reason, mark=mark[:100])


def _with_reason(message: StatusMessage, handed: Handed) -> StatusMessage:
    """The status with a reason where it needs one. A system is told to give it. What came by mail or from an upper axis
    was sent by somebody who cannot be told so at once, and must not be lost: there the status itself is the reason."""
    facts = STATUSES[message.status]
    if message.description or not facts.reason_required:
        return message
    if handed.channel:
        return replace(message, description=facts.label.vi)
    reason = phrase("Trạng thái {code} phải nêu lý do.", code=message.status)
    raise ReasonMissing({"Description": reason}, reason)


def _check_sender(tx: Tx, actor: Actor, message: Envelope | StatusMessage, known: dict[str, Agency]) -> None:
    """The sender is the system's agency, or one that has gone into it. The system of an agency that has gone into
    another itself ends what is under way, by statuses and recalls; what is new comes from the successor."""
    code = message.sender.code
    if code in known and known[code].id == actor.agency_id:
        return
    sender = directory.agency_named(tx, code)
    if sender is None or sender.id not in directory.with_predecessors(tx, [actor.agency_id]):
        raise Forbidden(
            phrase("Nơi gửi trong phong bì (mã {code}) không phải là cơ quan của hệ thống đang gửi.", code=code[:40])
        )
    if isinstance(message, Envelope) and message.business.kind is not BusinessKind.RECALL:
        successor = codeforms.code_of(known[code], actor.code_form)
        told = {"code": code[:40], "name": known[code].name, "successor": successor}
        raise Forbidden(
            phrase("Cơ quan mang mã {code} đã sáp nhập; văn bản mới do {name} (mã {successor}) gửi.", **told)
        )


def _channel(actor: Actor, handed: Handed) -> str:
    return handed.channel or f"client:{actor.client_id}"


def _key(handed: Handed) -> str:
    """The key of a message: its sender, or else its bytes. The document's id would not do: an update has the same one,
    and so has each of the statuses by which several receivers are asked for a document."""
    if len(handed.message_id) > KEY_LENGTH:
        raise Invalid({"message_id": phrase("Mã thông điệp dài quá {limit} ký tự.", limit=KEY_LENGTH)})
    return handed.message_id or f"sha256:{handed.envelope.sha256}"
