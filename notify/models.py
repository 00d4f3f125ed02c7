"""The ledger: every message with its final text, and the one-tap links."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, JsonList
from kernel.storage.sweep import HOLDS
from notify.states import MessageState


class Message(Base):
    """One message to one person on one channel. Its tries are the outbox attempts of the same key.

    The text is final when the row is made, except for places like `⟦link:7⟧` and `⟦base⟧`, which become
    addresses when the message leaves: no token lies in the database. `person_id` has no foreign key: the ledger
    outlives people.
    """

    __tablename__ = "message"
    __table_args__ = (sa.Index("ix_message_address_created_at", "address", "created_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(unique=True)  # kind:object:version:person:channel:slot
    kind: Mapped[str]
    ref: Mapped[str] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(index=True)
    channel: Mapped[str]
    name: Mapped[str]
    address: Mapped[str]
    locale: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str]
    html: Mapped[str] = mapped_column(default="")
    calendar: Mapped[str] = mapped_column(default="")
    calendar_method: Mapped[str] = mapped_column(default="")
    attachments: Mapped[JsonList] = mapped_column(info=HOLDS)  # [{name, media_type, sha256}]
    link_ids: Mapped[JsonList]  # the only links whose places are filled: nobody can type one into a title
    stream: Mapped[str] = mapped_column(default="")  # who watches the state, e.g. `meeting:4/desk`
    state: Mapped[str] = mapped_column(default=MessageState.WAITING)
    reason: Mapped[str] = mapped_column(default="")
    provider: Mapped[str] = mapped_column(default="")
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    segments: Mapped[int] = mapped_column(default=0)
    price_vnd: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(index=True)
    due_at: Mapped[datetime]
    useful_until: Mapped[datetime | None]
    handed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Link(Base):
    """A one-tap link with one purpose. The token is derived from the row and the service's secret, never stored."""

    __tablename__ = "link"
    id: Mapped[int] = mapped_column(primary_key=True)
    nonce: Mapped[str]
    purpose: Mapped[str]
    ref: Mapped[str] = mapped_column(index=True)
    person_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
