"""Tables of signed e-mail: partners, letters that leave, messages that came."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

import docex.documents.models  # noqa: F401 - foreign keys lead there
from kernel.db import Base, Json
from kernel.storage.sweep import HOLDS


class LetterKind(StrEnum):
    """The content of a letter: a document, a status about one, or a receipt for what came by e-mail."""

    DOCUMENT = "document"
    STATUS = "status"
    ACCEPTANCE = "acceptance"  # the hub took the partner's document
    DELIVERY = "delivery"  # its copy is in the recipient's inbox
    REFUSAL = "refusal"  # it was not taken, with the reason


class LetterState(StrEnum):
    """How far a letter has come. HANDED: the mail server has it; the rest is what receipts and bounces said."""

    WAITING = "waiting"
    HANDED = "handed"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"


class Signature(StrEnum):
    """The state of a message's signature. Only SIGNED is by the partner's own certificate."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    WRONG = "wrong"


class Outcome(StrEnum):
    """The outcome of a message that came."""

    WAITING = "waiting"
    ACCEPTED = "accepted"  # handed to the hub
    REFUSED = "refused"  # with a reason receipt
    RECEIPT = "receipt"  # said something about a letter of ours
    BOUNCE = "bounce"
    NOTED = "noted"  # kept, and nothing follows from it


OUR_TROUBLE = "internal"
"""The code of a refusal for which neither the letter nor its sender can do anything."""


class MailPartner(Base):
    """An agency outside the hub that is reached by e-mail. With a `certificate` its letters must be signed by it."""

    __tablename__ = "docex_mail_partner"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), unique=True)
    address: Mapped[str] = mapped_column(unique=True)  # in lower case
    certificate: Mapped[str] = mapped_column(default="")  # PEM, pinned
    encrypts: Mapped[bool] = mapped_column(default=False)  # wants its letters enveloped
    max_bytes: Mapped[int] = mapped_column(default=0)  # of one letter; 0 is the setting's
    is_active: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime]


class MailLetter(Base):
    """One letter to a partner. `message_id` stays the same on every try; `facts` are what a receipt says."""

    __tablename__ = "docex_mail_letter"
    __table_args__ = (sa.UniqueConstraint("kind", "about"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    about: Mapped[str]  # a Ref, with the status where there is one: a job enqueued twice is one letter
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))  # in whose name it is written and signed
    partner_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_mail_partner.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_delivery.id"), index=True)
    arrival_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_mail_arrival.id"), index=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default=LetterState.WAITING)
    link_id: Mapped[int | None]  # notify's link, when the file is too large to go along
    facts: Mapped[Json]
    reason: Mapped[Json]  # a phrase: why it failed
    made_at: Mapped[datetime]
    handed_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class MailArrival(Base):
    """One message as the SMTP listener took it: the raw bytes are in the blob store before the sender gets its
    answer."""

    __tablename__ = "docex_mail_arrival"
    __table_args__ = (sa.UniqueConstraint("mail_from", "sha256", "rcpt_key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    mail_from: Mapped[str]  # "" is a bounce
    rcpt_to: Mapped[Json]  # {"agencies": [id, …]}
    rcpt_key: Mapped[str]  # the same, sorted: a relay may bring one message once for each recipient
    peer: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(info=HOLDS)
    size: Mapped[int]
    message_id: Mapped[str] = mapped_column(default="", index=True)
    partner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_mail_partner.id"))
    signature: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default=Outcome.WAITING)
    dispatch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_dispatch.id"), index=True)
    facts: Mapped[Json]
    received_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
