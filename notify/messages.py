"""Telling somebody something: the intent goes into the ledger and the outbox in the caller's transaction."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from directory import queries
from directory.queries import PersonCard
from kernel import clock, outbox
from kernel.db import Tx
from kernel.refs import Ref
from kernel.schema import insert_into
from kernel.streams import StreamName, stored_name
from kernel.text import phone_number
from kernel.wire import Wire
from notify import addresses, rendering, topics
from notify.kinds import Kind
from notify.models import Message
from notify.states import MessageState, moves_forward


class Channel(StrEnum):
    """A way to a person; each has its outbox topic `notify.<channel>`."""

    EMAIL = "email"
    SMS = "sms"


BOTH = (Channel.EMAIL, Channel.SMS)


@dataclass(frozen=True)
class Recipient:
    """Who is told. A guest has no `person_id`; an empty address leaves its channel out."""

    name: str
    email: str = ""
    phone: str = ""
    locale: str = "vi"
    person_id: int | None = None

    @classmethod
    def of(cls, card: PersonCard) -> "Recipient":
        """A person of the directory."""
        return cls(card.name, card.email, card.phone, card.locale, card.id)

    def address(self, channel: Channel) -> str:
        """Where `channel` reaches them, or empty; an SMS reaches no landline and no service number."""
        return self.email if channel is Channel.EMAIL else phone_number(self.phone) or ""

    @property
    def key(self) -> str:
        """Their part of a dedupe key."""
        return f"p{self.person_id}" if self.person_id is not None else (self.email or self.phone)


@dataclass(frozen=True)
class Attached:
    """A file that goes with an e-mail; `sha256` names it in the blob store."""

    name: str
    media_type: str
    sha256: str


@dataclass(frozen=True)
class Invite:
    """A finished calendar request (notify.calendar.request) that goes with an e-mail."""

    method: str
    ics: str


def tell(
    tx: Tx,
    kind: Kind,
    to: Recipient | int,
    *,
    ref: Ref,
    version: int = 1,
    slot: str = "",
    channels: Iterable[Channel] = BOTH,
    due_at: datetime | None = None,
    useful_until: datetime | None = None,
    invite: Invite | None = None,
    attachments: Iterable[Attached] = (),
    stream: StreamName | None = None,
) -> list[int]:
    """Enqueue the jobs by which `to` (a person's id, or a recipient) is told `kind` about `ref`, once for each channel
    on which they can be reached. Answers the ids of the messages.

    Telling the same kind about the same `version` and `slot` of `ref` again does nothing. The words are made now and
    say what holds now. What cannot leave before `useful_until` is dropped and shown as expired. Each change of state
    is published on `stream` as `message`.
    """
    recipient = Recipient.of(queries.person(tx, to)) if isinstance(to, int) else to
    made = []
    for channel in channels:
        if not recipient.address(channel) or (channel is Channel.SMS and not kind.sms):
            continue
        row = _row(kind, recipient, channel, ref, version, slot)
        row.update(due_at=due_at or clock.now(), useful_until=useful_until, stream=stream or "")
        if channel is Channel.EMAIL:
            row["attachments"] = [a.__dict__ for a in attachments]
            if invite is not None:
                row.update(calendar=invite.ics, calendar_method=invite.method)
        made.append(_enqueue(tx, channel, row))
    return made


def _row(kind: Kind, recipient: Recipient, channel: Channel, ref: Ref, version: int, slot: str) -> dict[str, Any]:
    words = (rendering.mail_words if channel is Channel.EMAIL else rendering.sms_words)(
        kind, recipient.name, recipient.locale
    )
    return {
        "dedupe_key": f"{kind.name}:{ref}:{version}:{recipient.key}:{channel}:{slot}",
        "kind": kind.name,
        "ref": str(ref),
        "person_id": recipient.person_id,
        "channel": channel,
        "name": recipient.name,
        "address": recipient.address(channel),
        "locale": recipient.locale,
        "subject": words.subject,
        "text": words.text,
        "html": words.html,
        "attachments": [],
        "link_ids": sorted(addresses.link_ids(kind)),
        "state": MessageState.WAITING,
        "created_at": clock.now(),
    }


def _enqueue(tx: Tx, channel: Channel, row: dict[str, Any]) -> int:
    insert = insert_into(tx.session, Message).values(**row).on_conflict_do_nothing().returning(Message.id)
    message_id = tx.session.execute(insert).scalar()
    if message_id is None:
        known = sa.select(Message.id).where(Message.dedupe_key == row["dedupe_key"])
        return int(tx.session.execute(known).scalar_one())
    tx.outbox(
        topic_of(channel),
        row["dedupe_key"],
        {"message": message_id},
        due_at=row["due_at"],
        expires_at=row["useful_until"],
    )
    return int(message_id)


def cancel(
    tx: Tx,
    ref: Ref,
    *,
    kind: str = "",
    people: Collection[int] | None = None,
    before_version: int | None = None,
) -> int:
    """Take back what has not left yet about `ref`: all, one kind, what some people were to hear, or what was said of
    older versions. Answers how many messages were taken back."""
    query = sa.select(Message).where(Message.ref == str(ref), Message.state == MessageState.WAITING)
    if kind:
        query = query.where(Message.kind == kind)
    if people is not None:
        query = query.where(Message.person_id.in_(people))
    taken = 0
    for message in tx.session.scalars(query.with_for_update().execution_options(populate_existing=True)):
        if before_version is not None and _version_of(message) >= before_version:
            continue
        # A worker may hold it at this moment, or the provider may have it: then the state says so later.
        outbox.cancel(tx, topic_of(Channel(message.channel)), [message.dedupe_key], settled=True)
        move(tx, message, MessageState.CANCELLED)
        taken += 1
    return taken


def _version_of(message: Message) -> int:
    rest = message.dedupe_key.removeprefix(f"{message.kind}:{message.ref}:")
    return int(rest.partition(":")[0])


@dataclass(frozen=True)
class MessageChange(Wire):
    """How far a message is, for who watches it."""

    id: int
    ref: str
    person_id: int | None
    name: str
    channel: str
    state: str
    reason: str


def move(tx: Tx, message: Message, state: MessageState, reason: str = "") -> bool:
    """Set a message's state if that is a step forward, and tell who watches. Answers whether it moved."""
    if not moves_forward(message.state, state):
        return False
    message.state, message.reason = state, reason
    if state in (MessageState.HANDED, MessageState.SHOWN):
        message.handed_at = clock.now()
    else:
        message.closed_at = clock.now()
    if message.stream:
        change = MessageChange(message.id, message.ref, message.person_id, message.name, message.channel, state, reason)
        tx.publish(stored_name(message.stream), "message", change)
    return True


def topic_of(channel: Channel) -> outbox.Topic:
    """The outbox topic of a channel."""
    return topics.EMAIL if channel is Channel.EMAIL else topics.SMS
