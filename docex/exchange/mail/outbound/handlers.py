"""The outbox handlers of letters: `mail.envelope` for documents and statuses, `mail.receipt` for receipts.

The attempt is committed before the server is called. No server can be asked about a letter, so a repetition is
declared and keeps its Message-ID; one that a receipt has already answered is not sent again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries as directory
from directory.queries import AgencyCard
from docex import edxml, topics
from docex.documents.envelope import Facts
from docex.documents.labels import STATUS_TITLES
from docex.documents.models import Delivery, Dispatch
from docex.documents.papers.files import file_name, papers_of
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor, StatusMessage
from docex.edxml.shortening import fitted
from docex.exchange.mail.addresses import exchange_address
from docex.exchange.mail.keys import MailKeys
from docex.exchange.mail.models import LetterKind, LetterState, MailLetter, MailPartner
from docex.exchange.mail.outbound import composition, confirmations, letter_queue, links
from docex.exchange.mail.outbound.composition import Cover
from kernel import clock, faults, outbox
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import DomainError
from kernel.outbox import Handler, Job, SendError
from kernel.refs import Ref
from kernel.storage.blobs import BlobStore, read_all
from kernel.text import phrase
from notify.delivery import earlier_attempts
from notify.mail.mime import File
from notify.mail.smtp import SmtpSender

_NO_SERVER = phrase("Chưa đặt máy chủ thư (LIENTHONG_SMTP_URL).")
_CODED = 1.4  # Base64 with its line ends, the cover and the signature
_ENVELOPED = 1.4


@dataclass(frozen=True)
class Attached:
    """A stored file that goes along."""

    name: str
    media_type: str
    sha256: str


@dataclass(frozen=True)
class Ready:
    """A letter ready to be built, signed and handed over."""

    cover: Cover
    signer: AgencyCard
    reader_pem: str
    attached: tuple[Attached, ...]
    inline: tuple[File, ...]
    attempt: int


class _LetterHandler(Handler[Ready, None]):
    """Signs a letter and hands it to the mail server."""

    def __init__(self, config: Config, blobs: BlobStore, sender: SmtpSender | None) -> None:
        self.config = config
        self.blobs = blobs
        self.sender = sender
        self.keys = MailKeys(config)

    def prepare(self, tx: Tx, job: Job) -> Ready | None:
        """The letter to write; None when it has left, or a receipt or a bounce has answered it already."""
        letter = tx.session.get(MailLetter, job.payload["letter_id"], with_for_update=True, populate_existing=True)
        if letter is None or letter.state != LetterState.WAITING:
            return None
        return ready(tx, self.config, letter, earlier_attempts(tx, job).count + 1)

    def perform(self, prepared: Ready) -> None:
        """Build it, sign it, hand it over."""
        if self.sender is None:
            raise SendError(_NO_SERVER, permanent=False)
        try:
            key = self.keys.key(prepared.signer)
            files = tuple(File(a.name, a.media_type, read_all(self.blobs, a.sha256)) for a in prepared.attached)
            data = composition.built(
                prepared.cover, (*files, *prepared.inline), key, prepared.reader_pem, prepared.attempt
            )
        except DomainError as error:
            raise SendError(error.told, permanent=False) from error
        self.sender.send(prepared.cover.sender_address, prepared.cover.to_address, data)

    def conclude(self, tx: Tx, job: Job, result: None) -> None:
        """The mail server has it; whether it arrives, receipts and bounces will say."""
        letter = tx.session.get_one(MailLetter, job.payload["letter_id"], with_for_update=True, populate_existing=True)
        letter_queue.move(letter, LetterState.HANDED)
        confirmations.watch(tx, letter)
        tx.audit(f"agency:{letter.agency_id}", "mail.handed", Ref("mail_letter", letter.id), {"kind": letter.kind})
        faults.point("docex_mail.concluding")

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """A document's delivery is undeliverable, with the server's words."""
        letter = tx.session.get_one(MailLetter, job.payload["letter_id"], with_for_update=True, populate_existing=True)
        letter_queue.failed(
            tx, letter, phrase("Không gửi được thư điện tử tới nơi nhận: {reason}", reason=outbox.sentence(reason))
        )

    # reconcile: no server can be asked about a letter, and the fixed Message-ID makes a declared repetition harmless.


class EnvelopeHandler(_LetterHandler):
    """Documents and statuses."""

    topic = topics.MAIL_ENVELOPE


class ReceiptHandler(_LetterHandler):
    """Receipts for what came by e-mail."""

    topic = topics.MAIL_RECEIPT


def ready(tx: Tx, config: Config, letter: MailLetter, attempt: int) -> Ready:
    """Everything that stands in a letter, its files still in the store."""
    partner = tx.session.get_one(MailPartner, letter.partner_id)
    reader = directory.agency(tx, partner.agency_id)
    signer = directory.agency(tx, letter.agency_id)
    subject, text, attached, inline, answers = _content(tx, config, letter, partner, reader)
    cover = Cover(
        message_id=letter.message_id,
        sender_name=signer.name,
        sender_address=exchange_address(config, signer.code),
        to_name=reader.name,
        to_address=partner.address,
        subject=subject,
        text=text,
        made_at=letter.made_at,
        kind=letter.kind,
        answers=answers,
    )
    return Ready(cover, signer, partner.certificate if partner.encrypts else "", attached, inline, attempt)


_Content = tuple[str, str, tuple[Attached, ...], tuple[File, ...], str]


def _content(tx: Tx, config: Config, letter: MailLetter, partner: MailPartner, reader: AgencyCard) -> _Content:
    if letter.kind == LetterKind.DOCUMENT:
        return _document(tx, config, letter, partner, reader)
    if letter.kind == LetterKind.STATUS:
        return _status(tx, letter)
    facts = letter.facts
    subject = composition.receipt_subject(letter.kind, str(facts.get("subject", "")))
    text = composition.receipt_text(letter.kind, facts)
    return subject, text, (), (composition.receipt_file(facts),), str(facts.get("message_id", ""))


def _document(tx: Tx, config: Config, letter: MailLetter, partner: MailPartner, reader: AgencyCard) -> _Content:
    dispatch = _dispatch(tx, letter)
    facts = Facts.from_json(dispatch.facts)
    envelope = Attached(file_name(facts.code, facts.subject, "edxml"), composition.EDXML_TYPE, dispatch.sha256)
    papers = papers_of(tx, dispatch.id)
    room = _room(tx, config, partner, dispatch)
    link: tuple[str, datetime] | None = None
    attached: tuple[Attached, ...] = ()
    if dispatch.size > room:
        until = letter.made_at + timedelta(days=config.mail_link_days)
        link = links.address_for(tx, config, letter, reader.name, until), until
    else:
        attached = (envelope,)
        if dispatch.size + sum(p.size for p in papers) <= room:  # for readers without software for edXML
            attached += tuple(Attached(p.name, p.media_type, p.sha256) for p in papers)
    text = composition.document_text(facts, reader.name, dispatch.sha256, letter.message_id, link)
    manifest = {
        "kind": "document",
        "version": 1,
        "message_id": letter.message_id,
        "document_id": dispatch.document_key,
        "sender": {"code": facts.sender_code, "name": facts.sender_name},
        "receiver": {"code": reader.code, "name": reader.name},
        "envelope": {"name": envelope.name, "sha256": dispatch.sha256, "size": dispatch.size},
        "link": {"url": link[0], "until": link[1].isoformat()} if link else None,
    }
    inline = (File(composition.MANIFEST_FILE, "application/json", composition.receipt_file(manifest).content),)
    return composition.document_subject(facts), text, attached, inline, ""


def _status(tx: Tx, letter: MailLetter) -> _Content:
    delivery = tx.session.get_one(Delivery, letter.delivery_id)
    dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
    facts = Facts.from_json(dispatch.facts)
    cards = directory.agencies(tx, (delivery.agency_id, dispatch.sender_id))
    receiver, issuer = cards[delivery.agency_id], cards[dispatch.sender_id]
    asks = letter.facts["status"] == StatusCode.RECALL_ASKED
    speaker, hearer = (issuer, receiver) if asks else (receiver, issuer)
    at = datetime.fromisoformat(letter.facts["at"])
    message = StatusMessage(
        sender=Organ(speaker.code, speaker.name, email=speaker.email),
        about=ResponseFor(hearer.code, facts.code, dispatch.document_key, facts.issued_on),
        status=StatusCode(letter.facts["status"]),
        description=letter.facts["description"],
        at=at.astimezone(clock.VN),
    )
    report = {
        "receipt": "status",
        "version": 1,
        "status": letter.facts["status"],
        "document_id": dispatch.document_key,
        "at": letter.facts["at"],
        "subject": facts.subject,
        "receiver": {"code": receiver.code, "name": receiver.name},
        "reason": {"vi": letter.facts["description"], "en": letter.facts["description"]},
    }
    name = file_name(facts.code, f"status {letter.facts['status']}", "edxml")
    written = edxml.write(fitted(message, STATUS_TITLES[letter.facts["status"]].vi))
    files = (File(name, composition.EDXML_TYPE, written), composition.receipt_file(report))
    subject = composition.receipt_subject(letter.kind, f"{facts.code}: {facts.subject}")
    return subject, composition.receipt_text(letter.kind, report), (), files, _answered(tx, dispatch)


def _answered(tx: Tx, dispatch: Dispatch) -> str:
    arrival = letter_queue.arrival_of(tx, dispatch)
    return arrival.message_id if arrival is not None else ""


def _dispatch(tx: Tx, letter: MailLetter) -> Dispatch:
    delivery = tx.session.get_one(Delivery, letter.delivery_id)
    return tx.session.get_one(Dispatch, delivery.dispatch_id)


def _room(tx: Tx, config: Config, partner: MailPartner, dispatch: Dispatch) -> int:
    """The bytes that may go along: the cap on size times recipients, and the partner's own on one letter."""
    by_mail = (
        sa.select(sa.func.count())
        .select_from(Delivery)
        .join(MailPartner, sa.and_(MailPartner.agency_id == Delivery.agency_id, MailPartner.is_active))
        .where(Delivery.dispatch_id == dispatch.id)
    )
    room = config.mail_letter_max_bytes / max(1, tx.session.scalar(by_mail) or 1)
    if partner.max_bytes:
        room = min(room, partner.max_bytes)
    return int(room / (_CODED * (_ENVELOPED if partner.encrypts else 1)))
