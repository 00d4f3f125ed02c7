"""Hands messages over: the outbox handlers of e-mail and SMS.

The attempt is committed before the provider is called, and no transaction is open during the call. An SMS that was
perhaps accepted is asked about and never sent again by itself; an e-mail is, under its Message-ID, and says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from kernel import clock, faults
from kernel.config import Config
from kernel.db import Tx
from kernel.outbox import Absent, Arrived, Handler, Job, OutboxAttempt, OutboxRow, SendError, Unsure
from kernel.storage.blobs import BlobStore, read_all
from kernel.text import Phrase, phrase, sms_size, sms_text
from notify import addresses, messages, topics
from notify.mail import mime
from notify.mail.smtp import SmtpSender
from notify.messages import Attached
from notify.models import Message
from notify.reasons import NO_TRACE, UNKNOWN
from notify.sms.twilio_api import Taken, TwilioSender
from notify.states import MessageState

NO_SERVER = phrase("Hệ thống chưa có máy chủ thư.")
ASKED_FOR = timedelta(hours=1)
"""How long the provider is asked about an SMS that it has perhaps accepted; then it stays unknown."""
NO_PROVIDER = phrase("Hệ thống chưa có nhà cung cấp tin nhắn.")
GONE = {
    MessageState.CANCELLED,
    MessageState.HANDED,
    MessageState.SHOWN,
    MessageState.DELIVERED,
    MessageState.UNDELIVERED,
}


@dataclass(frozen=True)
class Earlier:
    """The tries before this one; whatever their outcome is said to be, one of them may have arrived."""

    count: int
    since: datetime | None


def earlier_attempts(tx: Tx, job: Job) -> Earlier:
    """The attempts of the job so far."""
    query = sa.select(sa.func.count(), sa.func.min(OutboxAttempt.started_at))
    count, since = tx.session.execute(query.where(OutboxAttempt.outbox_id == job.id)).one()
    return Earlier(count, since)


def waiting_message(tx: Tx, job: Job, *, asked: bool = False) -> Message | None:
    """The job's message, locked, or None when there is nothing to hand over any more. With `asked`, one that was taken
    back while nobody knew whether it had left is still there: the provider is asked about it."""
    message = tx.session.get(Message, job.payload["message"], with_for_update=True, populate_existing=True)
    if message is None or message.state not in GONE:
        return message
    is_asked_about = asked and job.unknown_since is not None and message.state == MessageState.CANCELLED
    return message if is_asked_about else None


def close_dead_letter(tx: Tx, job: Job, reason: str, *, asked: bool = False) -> None:
    """Say in the ledger why a message did not leave, or that nobody knows whether it did."""
    message = waiting_message(tx, job, asked=asked)
    if message is None:
        return
    open_attempt = sa.select(OutboxAttempt.token).where(
        OutboxAttempt.outbox_id == job.id, OutboxAttempt.ended_at.is_(None), OutboxAttempt.token != job.token
    )
    if reason.startswith(UNKNOWN) or tx.session.execute(open_attempt).first() is not None:
        state = MessageState.UNKNOWN
    elif job.is_too_late:
        state = MessageState.EXPIRED
    else:
        state = MessageState.FAILED
    messages.move(tx, message, state, reason)


@dataclass(frozen=True)
class Mail:
    """An e-mail ready to be built; its files are read from the store when it leaves."""

    letter: mime.Letter
    attached: tuple[Attached, ...]


class EmailHandler(Handler[Mail, str]):
    """Hands e-mail to the SMTP server, or in a demo without one to the mailbox page."""

    topic = topics.EMAIL

    def __init__(self, config: Config, blobs: BlobStore, sender: SmtpSender | None) -> None:
        self.config = config
        self.blobs = blobs
        self.sender = sender

    def prepare(self, tx: Tx, job: Job) -> Mail | None:
        message = waiting_message(tx, job)
        if message is None:
            return None
        faults.point("notify.preparing")
        texts = addresses.filled(tx, self.config, message)
        domain = self.config.reply_domain or mime.domain_of(self.config.mail_from)
        letter = mime.Letter(
            message_id=mime.message_id(message.dedupe_key, domain),
            sender=self.config.mail_from,
            to_name=message.name,
            to_address=message.address,
            subject=message.subject,
            date=clock.now(),
            list_name=message.kind,
            text=texts.text,
            html=texts.html,
            calendar=texts.calendar,
            calendar_method=message.calendar_method,
            attempt=earlier_attempts(tx, job).count + 1,
        )
        return Mail(letter, tuple(Attached(**a) for a in message.attachments))

    def perform(self, prepared: Mail) -> str:
        if self.sender is None:
            _only_in_a_demo(self.config, NO_SERVER)
            return "console"
        letter = prepared.letter
        files = tuple(mime.File(a.name, a.media_type, read_all(self.blobs, a.sha256)) for a in prepared.attached)
        body = mime.built(mime.with_files(letter, files))
        self.sender.send(_envelope_sender(letter.sender), letter.to_address, body)
        return "smtp"

    def conclude(self, tx: Tx, job: Job, result: str) -> None:
        message = tx.session.get_one(Message, job.payload["message"], with_for_update=True, populate_existing=True)
        message.provider = result
        messages.move(tx, message, MessageState.SHOWN if result == "console" else MessageState.HANDED)
        faults.point("notify.concluding")

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        close_dead_letter(tx, job, reason)

    # reconcile: no server can be asked about a letter, and the fixed Message-ID makes a declared repetition
    # harmless, so the default (Absent) is right.


@dataclass(frozen=True)
class Sms:
    """An SMS as it leaves. `since`: the start of the first earlier try; `known`: provider ids of other messages.

    `not_after`: from then on another worker may take the job over, and ask about this SMS before ours has arrived.
    """

    to: str
    text: str
    callback: str
    since: datetime | None
    known: frozenset[str]
    not_after: datetime


class SmsHandler(Handler[Sms, Taken]):
    """Hands SMS to the provider, or in a demo without one to the mailbox page."""

    topic = topics.SMS
    can_ask = True

    def __init__(self, config: Config, sender: TwilioSender | None) -> None:
        self.config = config
        self.sender = sender

    def prepare(self, tx: Tx, job: Job) -> Sms | None:
        message = waiting_message(tx, job, asked=self.sender is not None)
        if message is None:
            return None
        faults.point("notify.preparing")
        text = sms_as_sent(tx, self.config, message)
        message.segments = sms_size(text).segments
        message.price_vnd = message.segments * self.config.sms_price_vnd
        return Sms(
            to=message.address,
            text=text,
            callback=status_callback(self.config, message.id),
            since=earlier_attempts(tx, job).since,
            known=_known_ids(tx, message),
            not_after=_lease_end(tx, job) - timedelta(seconds=longest_call_s(self.config)),
        )

    def perform(self, prepared: Sms) -> Taken:
        if self.sender is None:
            _only_in_a_demo(self.config, NO_PROVIDER)
            return Taken("", "console")
        if prepared.since is not None and (found := self._found(prepared, prepared.since)) is not None:
            return found
        if clock.now() > prepared.not_after:
            raise SendError("the lease was nearly over before the call", permanent=False, retry_after_s=0)
        return self.sender.send(prepared.to, prepared.text, prepared.callback)

    def _found(self, prepared: Sms, since: datetime) -> Taken | None:
        """What earlier tries, which were refused, or which somebody knows of and had done again, left at the provider
        after all. One that has no list cannot tell; SendError when it cannot be asked now."""
        assert self.sender is not None
        try:
            return self.sender.find(prepared.to, prepared.text, since, prepared.known)
        except SendError as error:
            if error.permanent:
                return None
            raise

    def reconcile(self, prepared: Sms, since: datetime) -> Arrived[Taken] | Absent | Unsure:
        """Ask the provider, and never conclude from its silence that it may be sent again: it may accept, or list, at
        any later time what it has once read. SendError: not yet known. Unsure: after an hour, or nobody to ask."""
        if self.sender is None:
            return Absent()
        is_over = clock.now() >= since + ASKED_FOR
        try:
            found = self.sender.find(prepared.to, prepared.text, prepared.since or since, prepared.known)
        except SendError as error:
            if error.permanent or is_over:
                return Unsure(str(error))
            raise SendError(str(error), permanent=False, retry_after_s=_next_question_s(since)) from error
        if found is not None:
            return Arrived(found)
        if is_over:
            return Unsure(NO_TRACE)
        raise SendError(NO_TRACE, permanent=False, retry_after_s=_next_question_s(since))

    def conclude(self, tx: Tx, job: Job, result: Taken) -> None:
        message = tx.session.get_one(Message, job.payload["message"], with_for_update=True, populate_existing=True)
        shown = self.sender is None
        message.provider = "console" if shown else "twilio"
        message.provider_id = result.provider_id or message.provider_id
        messages.move(tx, message, MessageState.SHOWN if shown else MessageState.HANDED)
        faults.point("notify.concluding")

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        close_dead_letter(tx, job, reason, asked=True)


def _next_question_s(since: datetime) -> float:
    """Seconds until the provider is asked again: at first soon, the last time when the hour is over."""
    age = clock.now() - since
    wait = min(max(age / 2, timedelta(seconds=10)), timedelta(minutes=10))
    return max(1.0, min(wait, ASKED_FOR - age).total_seconds())


def _only_in_a_demo(config: Config, missing: Phrase) -> None:
    """In production nobody looks at the mailbox page: a message that cannot leave has failed."""
    if config.mode == "production":
        raise SendError(missing, permanent=True)


def sms_as_sent(tx: Tx, config: Config, message: Message) -> str:
    """The text with its addresses, folded unless the settings keep accents."""
    return sms_text(addresses.filled(tx, config, message).text, keep_accents=config.sms_keep_accents)


def longest_call_s(config: Config) -> float:
    """How long a call to the provider may take, so that it has ended, one way or the other, when the lease ends."""
    return min(15.0, config.lease_s / 2)


def _lease_end(tx: Tx, job: Job) -> datetime:
    ends = tx.session.scalar(sa.select(OutboxRow.leased_until).where(OutboxRow.id == job.id))
    return ends or clock.now()


def status_callback(config: Config, message_id: int) -> str:
    """Where the provider reports on a message; made from the configured address, never from a request's."""
    return f"{config.base_url.rstrip('/')}/notify/twilio/{message_id}"


def _known_ids(tx: Tx, message: Message) -> frozenset[str]:
    query = sa.select(Message.provider_id).where(
        Message.address == message.address, Message.id != message.id, Message.provider_id.is_not(None)
    )
    return frozenset(value for value in tx.session.scalars(query.order_by(Message.id.desc()).limit(500)) if value)


def _envelope_sender(sender: str) -> str:
    return sender.rpartition("<")[2].strip(" >")
