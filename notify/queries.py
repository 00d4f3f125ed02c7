"""Reads of the ledger."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from kernel.config import Config
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.refs import Ref
from kernel.text import Phrase, phrase, sms_size
from notify import addresses, reasons
from notify.delivery import sms_as_sent
from notify.messages import Channel
from notify.models import Message
from notify.states import MessageState

LABELS = {
    MessageState.WAITING: (phrase("Chờ gửi"), "waiting"),
    MessageState.CANCELLED: (phrase("Đã thôi gửi"), "plain"),
    MessageState.EXPIRED: (phrase("Quá lúc cần gửi"), "bad"),
    MessageState.UNKNOWN: (phrase("Không rõ đã đi chưa"), "bad"),
    MessageState.FAILED: (phrase("Không gửi được"), "bad"),
    MessageState.HANDED: (phrase("Đã chuyển nhà cung cấp"), "info"),
    MessageState.SHOWN: (phrase("Hiện ở hộp thư"), "info"),
    MessageState.DELIVERED: (phrase("Đã đến máy người nhận"), "good"),
    MessageState.UNDELIVERED: (phrase("Không đến được người nhận"), "bad"),
}


@dataclass(frozen=True)
class MessageLine:
    """A message in a list. `tone` is that of ui.chip."""

    id: int
    kind: str
    person_id: int | None
    channel: str
    name: str
    address: str
    title: str
    state: MessageState
    label: Phrase
    tone: str
    reason: Phrase | str
    segments: int
    price_vnd: int
    created_at: datetime
    due_at: datetime
    handed_at: datetime | None


@dataclass(frozen=True)
class MessageView:
    """A message as it was handed over."""

    line: MessageLine
    ref: str
    text: str
    html: str
    calendar: str
    alphabet: str
    attachments: tuple[str, ...]


def messages_about(tx: Tx, ref: Ref) -> list[MessageLine]:
    """All messages about one thing, newest first: an invitation batch with its delivery states."""
    query = sa.select(Message).where(Message.ref == str(ref)).order_by(Message.id.desc())
    return [_line(row) for row in tx.session.scalars(query)]


def mailbox(tx: Tx, *, channel: str = "", address: str = "", before_id: int = 0, limit: int = 50) -> list[MessageLine]:
    """Messages of everybody, newest first; the next page starts before `before_id`."""
    query = sa.select(Message).order_by(Message.id.desc()).limit(limit)
    if channel in set(Channel):
        query = query.where(Message.channel == channel)
    if address:
        query = query.where(Message.address == address)
    if before_id:
        query = query.where(Message.id < before_id)
    return [_line(row) for row in tx.session.scalars(query)]


def message(tx: Tx, config: Config, message_id: int) -> MessageView:
    """One message with its addresses filled in; NotFound."""
    row = tx.session.get(Message, message_id)
    if row is None:
        raise NotFound()
    texts = addresses.filled(tx, config, row)
    text = sms_as_sent(tx, config, row) if row.channel == Channel.SMS else texts.text
    alphabet = sms_size(text).alphabet if row.channel == Channel.SMS else ""
    names = tuple(str(a["name"]) for a in row.attachments)
    return MessageView(_line(row), row.ref, text, texts.html, texts.calendar, alphabet, names)


def _line(row: Message) -> MessageLine:
    state = MessageState(row.state)
    label, tone = LABELS[state]
    return MessageLine(
        id=row.id,
        kind=row.kind,
        person_id=row.person_id,
        channel=row.channel,
        name=row.name,
        address=row.address,
        title=row.subject or addresses.shortened(row.text),
        state=state,
        label=label,
        tone=tone,
        reason=reasons.told(row.channel, row.reason),
        segments=row.segments,
        price_vnd=row.price_vnd,
        created_at=row.created_at,
        due_at=row.due_at,
        handed_at=row.handed_at,
    )
