"""The worker's part of signed e-mail: letters that leave, and messages that the SMTP listener has stored."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import IO

from directory import queries as directory
from directory.queries import AgencyCard
from docex import topics
from docex.edxml import Envelope, Limits, StatusMessage
from docex.edxml.model import Note
from docex.exchange.intake.acceptance import Handed
from docex.exchange.intake.unpacking import unpacked
from docex.exchange.mail import smime, transport
from docex.exchange.mail.inbound import parsing, plain_files, routing
from docex.exchange.mail.inbound.fetching import fetched
from docex.exchange.mail.inbound.parsing import Mail
from docex.exchange.mail.inbound.routing import Found, Refused
from docex.exchange.mail.models import OUR_TROUBLE, MailArrival, MailPartner, Outcome, Signature
from docex.exchange.mail.outbound import confirmations
from docex.exchange.mail.outbound.handlers import EnvelopeHandler, ReceiptHandler
from docex.exchange.mail.outbound.letter_queue import CHANNEL
from docex.exchange.mail.partners import partner_at
from kernel import clock, faults, outbox
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import DomainError, Unavailable
from kernel.outbox import Handler, Job
from kernel.storage.blobs import BlobStore, read_all
from kernel.text import phrase
from notify.jobs import smtp_sender


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Serve letters and arrivals, and offer e-mail as a way out of the hub."""
    transport.offer(config)
    sender = smtp_sender(config)
    outbox.register(EnvelopeHandler(config, blobs, sender))
    outbox.register(ReceiptHandler(config, blobs, sender))
    outbox.register(ArrivalHandler(config, blobs))


@outbox.handler(topics.MAIL_ALARM)
def alarm(tx: Tx, job: Job) -> None:
    """A letter still waits for a word of its reader."""
    confirmations.alarm(tx, job.payload["letter_id"], job.payload["step"])


@dataclass(frozen=True)
class Work:
    """A stored message, who is supposed to have written it, and for whom it is; and a look into the database for the
    moment when it was read."""

    arrival: MailArrival
    partner: MailPartner | None
    sender: AgencyCard | None
    receivers: tuple[AgencyCard, ...]
    reader: Callable[[], AbstractContextManager[Tx]]


class ArrivalHandler(Handler[Work, Found]):
    """Read what the SMTP listener stored, check its signature, and take it in."""

    topic = topics.MAIL_ARRIVAL

    def __init__(self, config: Config, blobs: BlobStore) -> None:
        self.config = config
        self.blobs = blobs

    def prepare(self, tx: Tx, job: Job) -> Work | None:
        """The message and its partner; None when it is settled."""
        arrival = tx.session.get(MailArrival, job.payload["arrival_id"], with_for_update=True, populate_existing=True)
        if arrival is None or arrival.outcome != Outcome.WAITING:
            return None
        partner = partner_at(tx, arrival.mail_from) if arrival.mail_from else None
        arrival.partner_id = partner.id if partner is not None else None
        sender = directory.agency(tx, partner.agency_id) if partner is not None else None
        cards = directory.agencies(tx, arrival.rcpt_to["agencies"])
        return Work(arrival, partner, sender, tuple(cards[i] for i in arrival.rcpt_to["agencies"]), tx.reader)

    def perform(self, prepared: Work) -> Found:
        """Parse, verify, store the papers. A refusal is a result; only the store or a bug can fail."""
        raw = read_all(self.blobs, prepared.arrival.sha256)
        partner = prepared.partner
        try:
            pinned = smime.read_certificate(partner.certificate) if partner and partner.certificate else None
            mail = parsing.read(raw, pinned, clock.now())
        except parsing.Unreadable as error:
            message_id, subject = parsing.head_of(raw)
            unread = Found(prepared.arrival.id, message_id, subject, "")
            return replace(unread, refused=Refused("unreadable", error.reason_phrase)) if partner else unread
        found = Found(prepared.arrival.id, mail.message_id, mail.subject, mail.signature, answers=mail.answers)
        if mail.report is not None:
            return replace(found, report=mail.report)
        if partner is None or prepared.sender is None:
            return found
        return self._from_partner(prepared, partner, mail, found)

    def _from_partner(self, work: Work, partner: MailPartner, mail: Mail, found: Found) -> Found:
        refused = _refusal(partner, mail)
        if mail.receipt is not None:  # never answered: two systems must not chat for ever
            return found if refused else replace(found, receipt=mail.receipt)
        if not mail.edxml and mail.linked is None and mail.answers_itself:
            return found  # somebody is on holiday
        refused = refused or _nothing_to_take(mail)
        if refused is not None:
            return replace(found, refused=refused)
        try:
            return replace(found, handed=self._handed(work, partner, mail))
        except Unavailable:
            raise  # nobody can say whether it is harmless: later
        except DomainError as error:
            code = str(error.detail.get("refusal", error.code))
            return replace(found, refused=Refused(code, error.told))

    def _handed(self, work: Work, partner: MailPartner, mail: Mail) -> tuple[Envelope | StatusMessage, Handed]:
        assert work.sender is not None
        key, file, notes = self._brought(work, work.sender, mail)
        if mail.signature is Signature.UNSIGNED:
            notes += (Note("mail_unsigned", phrase("Thư không có chữ ký số: chưa kiểm chứng được nơi gửi.")),)
        with file as came, unpacked(self.blobs, came, Limits(file_bytes=self.config.upload_max_bytes)) as unpack:
            message = replace(unpack.message, notes=unpack.message.notes + notes)
            handed = Handed(unpack.blob, (), key, f"{CHANNEL}{work.sender.id}")
            return message, unpack.kept(handed, partial(_is_new, work, partner, message, handed), self.config.clamd)

    def _brought(
        self, work: Work, sender: AgencyCard, mail: Mail
    ) -> tuple[str, AbstractContextManager[IO[bytes]], tuple[Note, ...]]:
        """The key of the message, its envelope as a file, and what the clerk has to know about it."""
        if mail.edxml:
            return mail.message_id, nullcontext(io.BytesIO(mail.edxml[0])), ()
        if mail.linked is not None:
            most, anywhere = self.config.upload_max_bytes, self.config.webhooks_anywhere
            return mail.message_id, fetched(mail.linked, most_bytes=most, anywhere=anywhere), ()
        data = plain_files.envelope_from(mail, sender, work.receivers, work.arrival.received_at)
        # Neither Message-ID nor recipients are signed, so what is signed names it, and it is taken once.
        key = mail.content_sha256 or f"{mail.message_id} {work.arrival.rcpt_key}"[:300]
        return key, nullcontext(io.BytesIO(data)), plain_files.notes(mail)

    def conclude(self, tx: Tx, job: Job, result: Found) -> None:
        """One transaction: the hub's rows, the outcome, the job of a receipt."""
        routing.take(tx, self.config, result)
        faults.point("docex_mail.taking")

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """We could not: the raw message stays, and the partner is told that it was not taken."""
        routing.take(tx, self.config, _dead(tx, job))


def _is_new(work: Work, partner: MailPartner, message: Envelope | StatusMessage, handed: Handed) -> bool:
    with work.reader() as tx:
        return routing.is_new(tx, partner, message, handed)


def _dead(tx: Tx, job: Job) -> Found:
    arrival = tx.session.get_one(MailArrival, job.payload["arrival_id"])
    reason_phrase = phrase("Hệ thống gặp lỗi khi xử lý thư. Xin gửi lại sau.")
    return Found(arrival.id, arrival.message_id, "", "", refused=Refused(OUR_TROUBLE, reason_phrase))


def _refusal(partner: MailPartner, mail: Mail) -> Refused | None:
    """Why nothing in this message may be believed."""
    if mail.sender != partner.address:
        reason_phrase = phrase("Địa chỉ ở dòng From không phải là địa chỉ đã đăng ký của nơi gửi.")
        return Refused("other_sender", reason_phrase)
    if mail.signature is Signature.WRONG:
        assert mail.problem is not None
        return Refused("wrong_signature", mail.problem)
    if mail.signature is Signature.UNSIGNED and partner.certificate:
        return Refused("unsigned", phrase("Thư không có chữ ký số, trong khi nơi gửi đã đăng ký chứng thư."))
    if not mail.message_id:
        return Refused("no_message_id", phrase("Thư không có mã thông điệp (Message-ID)."))
    return None


def _nothing_to_take(mail: Mail) -> Refused | None:
    if not mail.edxml and not mail.files and mail.linked is None:
        return Refused("nothing_inside", phrase("Thư không kèm tệp edXML hay tệp văn bản nào."))
    if len(mail.edxml) > 1:
        return Refused("several_envelopes", phrase("Mỗi thư chỉ được kèm một tệp edXML."))
    return None
