"""Tables of the hub. Row locks come after those of docex/documents/models.py: delivery, then parcel, then term, then
mailbox; several of one kind in the order of their numbers, and all of them before the next kind."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from docex.exchange.hub.states import ParcelState
from kernel import clock
from kernel.db import Base, Json
from kernel.storage.sweep import HOLDS


class Receipt(Base):
    """One signed piece of evidence, written in the transaction of what it tells.

    `about` names the fact (`submitted:12`, `retrieved:delivery:7`) and makes saying it twice impossible.
    """

    __tablename__ = "docex_hub_receipt"
    __table_args__ = (
        sa.UniqueConstraint("about"),
        sa.Index("ix_docex_hub_receipt_delivery", "delivery_id"),
        sa.Index("ix_docex_hub_receipt_dispatch", "dispatch_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    about: Mapped[str]
    kind: Mapped[str]
    dispatch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_dispatch.id"))
    delivery_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_delivery.id"))
    sender_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    receiver_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agency.id"))
    jws: Mapped[str]
    made_at: Mapped[datetime]  # never before the one that it follows, whatever the clocks say


class Mailbox(Base):
    """The mailbox of the system of one agency. Its row lock numbers parcels without gaps in the order of commits,
    so that a reader who remembers the last number misses none."""

    __tablename__ = "docex_hub_mailbox"
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), primary_key=True)
    last_seq: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    polled_at: Mapped[datetime | None]
    polled_by: Mapped[str] = mapped_column(default="")  # what the system calls itself (User-Agent)
    skew_s: Mapped[int | None]  # how far the system's clock was from ours when it said its time
    held_at: Mapped[datetime | None]  # an operator holds it: nothing is given out meanwhile
    held_reason: Mapped[str] = mapped_column(default="")


class Parcel(Base):
    """One delivery in a mailbox. `lease_token` fences: who holds an older one can no longer acknowledge."""

    __tablename__ = "docex_hub_parcel"
    __table_args__ = (
        sa.UniqueConstraint("agency_id", "seq"),
        sa.UniqueConstraint("delivery_id"),
        sa.Index("ix_docex_hub_parcel_open", "agency_id", "state", "seq"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    seq: Mapped[int]
    delivery_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_delivery.id"))
    state: Mapped[str] = mapped_column(default=ParcelState.WAITING)
    lease_token: Mapped[int] = mapped_column(default=0)
    leased_by: Mapped[int | None] = mapped_column(sa.ForeignKey("api_client.id"))  # whoever leased it last
    leased_until: Mapped[datetime | None]
    available_at: Mapped[datetime]
    alarm: Mapped[int] = mapped_column(default=0)  # how far the escalation has come, see docex.exchange.hub.terms
    fetched_at: Mapped[datetime | None]

    @property
    def is_leased(self) -> bool:
        """Whether a system is at it now."""
        return self.leased_until is not None and self.leased_until > clock.now()


class Term(Base):
    """Until when an envelope waits for its receivers, and what the sender asked for."""

    __tablename__ = "docex_hub_term"
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"), primary_key=True)
    expires_at: Mapped[datetime]


class Webhook(Base):
    """Where one system wants to be told that there is something for it, and how its endpoint is doing."""

    __tablename__ = "docex_hub_webhook"
    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"), unique=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    url: Mapped[str]
    secret: Mapped[str]  # signs what we send; sealed (docex.exchange.hub.webhooks.subscriptions)
    made_at: Mapped[datetime]  # when its owner last set it: tells one address and secret from the next
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    open_until: Mapped[datetime | None]  # the circuit is open: left alone until then
    problem: Mapped[str] = mapped_column(default="")  # a code of docex.exchange.hub.webhooks.http_client
    arrived_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]  # when an operator last had it called
    test_problem: Mapped[str] = mapped_column(default="")


class Refusal(Base):
    """The requests of one system that were refused with one code, counted: for the operator, who helps to mend it."""

    __tablename__ = "docex_hub_refusal"
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    said: Mapped[Json]  # the sentence in both languages
    last_at: Mapped[datetime]


class Upload(Base):
    """A file that comes in pieces, as it was announced. Its bytes lie in the data folder under `id` until they are
    whole."""

    __tablename__ = "docex_hub_upload"
    __table_args__ = (sa.Index("ix_docex_hub_upload_client", "client_id", "sha256"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(info=HOLDS)
    begun_at: Mapped[datetime]
    whole_at: Mapped[datetime | None]


class DirectoryEdition(Base):
    """One version of the signed directory document. Versions follow each other; a state is signed once."""

    __tablename__ = "docex_hub_directory"
    version: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(index=True)
    jws: Mapped[str]
    made_at: Mapped[datetime]
