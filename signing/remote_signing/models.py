"""Tables of the signing desk: papers out with a signer's device, whose certificate is whose, who signs for whom."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, Json
from kernel.storage.sweep import HOLDS


class HandoffState(StrEnum):
    """Until `received` the hand-off lives; the others are final."""

    PREPARING = "preparing"
    READY = "ready"
    OPEN = "open"
    RECEIVED = "received"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


LIVE = (HandoffState.PREPARING, HandoffState.READY, HandoffState.OPEN, HandoffState.RECEIVED)


class Handoff(Base):
    """One file that is signed outside: what was sent out, to whose device, and what came back.

    The device gets one token, of which the row holds the SHA-256; the token is spent when the signed file comes in.
    """

    __tablename__ = "signing_handoff"
    __table_args__ = (sa.Index("ix_signing_handoff_subject", "subject", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]  # a Ref: `document:12`
    kind: Mapped[str]  # `person` or `seal`: whose signature is to come back
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))  # who asked, at whose desk it is signed
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    state: Mapped[str] = mapped_column(default=HandoffState.PREPARING)
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(default="", info=HOLDS)
    size: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(default="")
    facts: Mapped[Json]  # what the room that handed it out wants to know again
    returned_sha256: Mapped[str] = mapped_column(default="", info=HOLDS)
    problem: Mapped[Json]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class HeldCertificate(Base):
    """A certificate that has signed here, and whose it is for good: the next one with that name is told apart."""

    __tablename__ = "signing_held_certificate"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)  # a Ref: `person:7`, `agency:3`
    name: Mapped[str]
    serial: Mapped[str]
    first_at: Mapped[datetime]


class Delegation(Base):
    """Somebody may sign for another: `KT` for the head (Decree 30, Annex I), `TL` by order, `TUQ` by authorisation.

    `principal` is the position as it is printed, "CHỦ TỊCH". It ends by itself after `until_on`, or when it is ended.
    """

    __tablename__ = "signing_delegation"
    __table_args__ = (sa.Index("ix_signing_delegation_delegate", "agency_id", "delegate_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    form: Mapped[str]
    principal: Mapped[str]
    delegate_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    decision: Mapped[str]
    since_on: Mapped[date]
    until_on: Mapped[date | None]
    made_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    made_at: Mapped[datetime]
    ended_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(default="")
