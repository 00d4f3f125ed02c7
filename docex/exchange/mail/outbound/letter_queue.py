"""Letters to partners: enqueued when a delivery, an arrival or a status concerns one, followed until it is settled."""

import secrets
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.models import Agency
from directory.queries import AgencyCard
from docex import topics
from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Progress
from docex.exchange.hub import terms
from docex.exchange.mail.access import PartnerTransport
from docex.exchange.mail.addresses import exchange_domain
from docex.exchange.mail.models import LetterKind, LetterState, MailArrival, MailLetter, MailPartner
from docex.exchange.mail.partners import partner_of
from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from signing.verdicts.verdict import phrase_to_json

CHANNEL = "mail:"
UNCONFIRMED = (LetterState.HANDED, LetterState.ACCEPTED)
_HANDED_ONLY = phrase("Thư đã được giao cho máy chủ thư, nhưng nơi nhận không xác nhận đã nhận trong thời hạn chờ.")
_TAKEN_BY_SERVER = phrase(
    "Hệ thống thư của nơi nhận đã nhận thư, nhưng không xác nhận văn bản đã đến trong thời hạn chờ."
)
_TAKEN_BACK = phrase("Nơi gửi đã thu hồi văn bản trước khi thư được gửi.")
_ANSWERS = frozenset({"02", "03", "04", "05", "06", "15", "16"})  # 01 is what the delivery receipt says
_ASKS = "13"


class MailTransport(PartnerTransport):
    """E-mail with letters that leave."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """A document for a partner becomes a letter."""
        partner = partner_of(tx, delivery.agency_id)
        if partner is None:
            return False
        enqueue(tx, self.config, LetterKind.DOCUMENT, f"delivery:{delivery.id}", partner, delivery=delivery)
        return True

    def take_back(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """A letter that no try has left yet is not sent; where one may have arrived, the partner has to be asked."""
        letter = _document_letter(tx, delivery)
        if letter is None or letter.state == LetterState.FAILED:
            return True
        if not outbox.cancel(tx, topics.MAIL_ENVELOPE, [str(letter.id)], untried=True):
            return False
        letter.state, letter.reason, letter.changed_at = LetterState.FAILED, phrase_to_json(_TAKEN_BACK), clock.now()
        return True

    def expired(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> Phrase | None:
        """The mail server has the letter, maybe the partner's too; nobody confirmed that the document is there."""
        letter = _document_letter(tx, delivery)
        if letter is None or letter.handed_at is None or letter.state not in UNCONFIRMED:
            return None
        return _TAKEN_BY_SERVER if letter.state == LetterState.ACCEPTED else _HANDED_ONLY

    def delivered_here(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
        """A partner's document lies in an inbox: the partner gets the delivery receipt."""
        arrival = arrival_of(tx, dispatch)
        partner = tx.session.get(MailPartner, arrival.partner_id) if arrival is not None else None
        if arrival is None or partner is None:
            return
        receiver = directory.agency(tx, delivery.agency_id)
        facts = receipt_facts(LetterKind.DELIVERY, arrival, dispatch, receiver)
        about = f"delivery:{delivery.id}"
        enqueue(tx, self.config, LetterKind.DELIVERY, about, partner, delivery=delivery, arrival=arrival, facts=facts)

    def counted(self, tx: Tx, delivery: Delivery, dispatch: Dispatch, code: str, description: str) -> None:
        """Tell a partner what became of its document, or that a document is asked back."""
        partner = None
        if code in _ANSWERS and dispatch.channel.startswith(CHANNEL):
            partner = partner_of(tx, dispatch.sender_id)
        elif code == _ASKS:
            partner = partner_of(tx, delivery.agency_id)
        if partner is None:
            return
        facts = {"status": code, "description": description, "at": clock.now().isoformat()}
        about = f"delivery:{delivery.id}:{code}:{delivery.rev}"
        enqueue(tx, self.config, LetterKind.STATUS, about, partner, delivery=delivery, facts=facts)


def enqueue(
    tx: Tx,
    config: Config,
    kind: LetterKind,
    about: str,
    partner: MailPartner,
    *,
    delivery: Delivery | None = None,
    arrival: MailArrival | None = None,
    facts: dict[str, Any] | None = None,
) -> MailLetter:
    """Write the row of a letter and enqueue the job to send it. Enqueued again it is the same letter."""
    known = tx.session.scalar(sa.select(MailLetter).where(MailLetter.kind == kind, MailLetter.about == about))
    if known is not None:
        return known
    now = clock.now()
    letter = MailLetter(
        kind=kind,
        about=about,
        agency_id=_writer(tx, kind, delivery, arrival),
        partner_id=partner.id,
        delivery_id=delivery.id if delivery is not None else None,
        arrival_id=arrival.id if arrival is not None else None,
        # Not to be guessed: whoever knows it can bounce the letter.
        message_id=f"<{secrets.token_hex(20)}@{exchange_domain(config)}>",
        state=LetterState.WAITING,
        facts=facts or {},
        reason={},
        made_at=now.replace(microsecond=0),
        changed_at=now,
    )
    tx.session.add(letter)
    tx.session.flush()
    if kind in (LetterKind.DOCUMENT, LetterKind.STATUS):
        until = terms.until(tx, delivery.dispatch_id) if delivery is not None and kind == LetterKind.DOCUMENT else None
        tx.outbox(topics.MAIL_ENVELOPE, str(letter.id), {"letter_id": letter.id}, expires_at=until)
    else:
        tx.outbox(topics.MAIL_RECEIPT, str(letter.id), {"letter_id": letter.id})
    return letter


def arrival_of(tx: Tx, dispatch: Dispatch) -> MailArrival | None:
    """The message that brought this envelope."""
    if not dispatch.channel.startswith(CHANNEL):
        return None
    query = sa.select(MailArrival).where(MailArrival.dispatch_id == dispatch.id).order_by(MailArrival.id).limit(1)
    return tx.session.scalar(query)


def _document_letter(tx: Tx, delivery: Delivery) -> MailLetter | None:
    """The letter that carries this delivery. Not locked: letters are locked before deliveries, never after."""
    mine = sa.and_(MailLetter.kind == LetterKind.DOCUMENT, MailLetter.about == f"delivery:{delivery.id}")
    return tx.session.scalar(sa.select(MailLetter).where(mine).execution_options(populate_existing=True))


def receipt_facts(
    kind: LetterKind,
    arrival: MailArrival,
    dispatch: Dispatch | None,
    receiver: AgencyCard | None,
    reason: tuple[str, Phrase] | None = None,
) -> dict[str, Any]:
    """The machine-readable part of a receipt."""
    facts: dict[str, Any] = {
        "receipt": kind.value,
        "version": 1,
        "message_id": arrival.message_id,
        "sha256": arrival.sha256,
        "size": arrival.size,
        "signature": arrival.signature,
        "received_at": arrival.received_at.isoformat(),
        "at": clock.now().isoformat(),
        "subject": str(arrival.facts.get("subject", "")),
    }
    if dispatch is not None:
        facts |= {"id": dispatch.id, "document_id": dispatch.document_key, "envelope_sha256": dispatch.sha256}
    if receiver is not None:
        facts["receiver"] = {"code": receiver.code, "name": receiver.name}
    if reason is not None:
        facts["reason"] = {"code": reason[0], "vi": reason[1].vi, "en": reason[1].en}
    return facts


def letter_with(tx: Tx, message_id: str) -> MailLetter | None:
    """The letter of ours that has this Message-ID, locked."""
    query = sa.select(MailLetter).where(MailLetter.message_id == message_id.strip()).with_for_update()
    return tx.session.scalar(query)


def refusals_lately(tx: Tx, partner: MailPartner) -> int:
    """How many refusals a partner was sent within the hour."""
    query = sa.select(sa.func.count()).where(
        MailLetter.partner_id == partner.id,
        MailLetter.kind == LetterKind.REFUSAL,
        MailLetter.made_at > clock.now() - timedelta(hours=1),
    )
    return tx.session.scalar(query) or 0


_ORDER = (LetterState.WAITING, LetterState.HANDED, LetterState.ACCEPTED, LetterState.DELIVERED)


def move(letter: MailLetter, state: LetterState) -> bool:
    """Bring a letter forward; what comes twice or late changes nothing. A proof of arrival overrules a failure."""
    now, rank = LetterState(letter.state), _ORDER.index(state)
    if now is LetterState.FAILED:
        if state is not LetterState.DELIVERED:
            return False
    elif rank <= _ORDER.index(now):
        return False
    letter.state, letter.changed_at, letter.reason = state, clock.now(), {}
    if letter.handed_at is None:
        letter.handed_at = clock.now()
    return True


def failed(tx: Tx, letter: MailLetter, reason: Phrase) -> None:
    """A letter will not arrive: a document's delivery is undeliverable, and the sender sees why."""
    if letter.state in (LetterState.FAILED, LetterState.DELIVERED):
        return
    letter.state, letter.reason, letter.changed_at = LetterState.FAILED, phrase_to_json(reason), clock.now()
    tx.audit("system", "mail.failed", Ref("mail_letter", letter.id), {"kind": letter.kind, "reason": reason.vi})
    if letter.kind == LetterKind.DOCUMENT and letter.delivery_id is not None:
        _undeliverable(tx, letter.delivery_id, f"{reason.vi} / {reason.en}")


def progress(tx: Tx, letter: MailLetter, step: Progress, by_name: str = "") -> None:
    """The partner's side said how far the document of this letter has come."""
    if letter.kind == LetterKind.DOCUMENT and letter.delivery_id is not None:
        delivery = _delivery(tx, letter.delivery_id)
        if not delivery.recall:
            delivery.reason = ""  # of an earlier failure, if there was one
        report_status(tx, delivery, step, by_name=by_name)


def _undeliverable(tx: Tx, delivery_id: int, reason: str) -> None:
    delivery = _delivery(tx, delivery_id)
    report_status(tx, delivery, Progress.UNDELIVERABLE, description=reason)
    delivery.reason = reason


def _delivery(tx: Tx, delivery_id: int) -> Delivery:
    return tx.session.get_one(Delivery, delivery_id, with_for_update=True, populate_existing=True)


def _writer(tx: Tx, kind: LetterKind, delivery: Delivery | None, arrival: MailArrival | None) -> int:
    """In whose name a letter is written: the agency that acts, when it is served here, else the oldest that is."""
    wanted: list[int] = []
    if delivery is not None:
        dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
        wanted = [dispatch.sender_id, delivery.agency_id]
    if arrival is not None:
        wanted = [*reversed(wanted), *arrival.rcpt_to["agencies"]]
    for agency_id in wanted:
        if directory.agency(tx, agency_id).is_local:
            return agency_id
    oldest = tx.session.scalar(sa.select(sa.func.min(Agency.id)).where(Agency.is_local))
    return oldest or wanted[0]
