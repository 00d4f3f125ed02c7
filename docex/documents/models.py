"""Tables of the document exchange.

Row locks are taken in one order, so that transactions never wait for each other in a circle:
incoming, outgoing document, book, dispatch, delivery.
"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from docex.documents.states import DocumentState, IncomingState
from docex.edxml.progress import Progress, Recall
from kernel.db import Base, Json, JsonList
from kernel.storage.sweep import HOLDS


def _only(condition: sa.TextClause) -> dict[str, Any]:
    """An index of a few rows among millions, on both databases."""
    return {"postgresql_where": condition, "sqlite_where": condition}


class Book(Base):
    """A register of one agency, year and series: `out` numbers what is issued, `in` what has come."""

    __tablename__ = "docex_book"
    __table_args__ = (sa.UniqueConstraint("agency_id", "year", "series"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    year: Mapped[int]
    series: Mapped[str]
    last_number: Mapped[int] = mapped_column(default=0)


class BookNumber(Base):
    """One number of a book and what became of it: `reserved`, `used`, `free` (to be given out again) or `void`."""

    __tablename__ = "docex_book_number"
    __table_args__ = (sa.Index("ix_docex_book_number_holder", "holder"),)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_book.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    holder: Mapped[str] = mapped_column(default="")  # a Ref: `document:12`, `incoming:7`
    reason: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime]


class Document(Base):
    """A document that an agency of this instance issues.

    `code` is number and notation as printed, "05/UBND-VP"; empty until a number is reserved. `problem` is the last
    failure as a phrase in JSON (`Phrase.to_json`), shown in their language to the people who can act on it.
    """

    __tablename__ = "docex_document"
    __table_args__ = (
        sa.Index("ix_docex_document_list", "agency_id", "state", "id"),
        sa.Index("ix_docex_document_signer", "signer_id", "state"),
        sa.Index("ix_docex_document_changed", "agency_id", "changed_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    state: Mapped[str] = mapped_column(default=DocumentState.DRAFT)
    source: Mapped[str]  # `written` here and rendered, or `uploaded` as a PDF
    kind: Mapped[str]  # a slug of docex.edxml.codes.KINDS
    subject: Mapped[str]
    body: Mapped[str] = mapped_column(default="")
    addressees: Mapped[JsonList]  # the lines after "Kính gửi"
    places: Mapped[JsonList]  # the lines under "Nơi nhận"
    recipients: Mapped[JsonList]  # agency ids
    urgency: Mapped[int] = mapped_column(default=0)  # edXML priority 0–3
    due_on: Mapped[date | None]
    unit_mark: Mapped[str] = mapped_column(default="")  # what follows the agency in a letter's notation: `VP`
    signer_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    signer_name: Mapped[str]
    signer_title: Mapped[str] = mapped_column(default="")
    authority: Mapped[str] = mapped_column(default="")  # "TM. ỦY BAN NHÂN DÂN", "KT. CHÁNH VĂN PHÒNG", …
    drafted_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    sealed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    book_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_book.id"))
    number: Mapped[int | None]
    notation: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(default="")
    issued_on: Mapped[date | None]
    problem: Mapped[Json]
    reviewer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))  # who checks it before the leader
    copy_form: Mapped[str] = mapped_column(default="")  # `SY`, `SL`, `TrS` on a copy (arts. 25 to 27)
    replaces_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_document.id"), index=True)
    steering: Mapped[int] = mapped_column(default=0, server_default="0")  # docex.edxml.codes.Steering
    change_reason: Mapped[str] = mapped_column(default="")  # why it replaces the other, or is asked back
    rev: Mapped[int] = mapped_column(default=1)
    text_rev: Mapped[int] = mapped_column(default=0)  # counts what people changed, not what the worker added
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    issue_due_at: Mapped[datetime | None]  # by when a signed document must be sealed and sent (Decree 30 art. 4.2c)
    sealed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]


class Dispatch(Base):
    """One envelope in the hub: its bytes as they came, and the answer that its sender got.

    (`channel`, `message_id`) makes handing it in again harmless: a channel is `agency:3` for what is sent from our
    pages and `client:5` for an agency's system.
    """

    __tablename__ = "docex_dispatch"
    __table_args__ = (
        sa.UniqueConstraint("channel", "message_id"),
        sa.Index("ix_docex_dispatch_about", "sender_id", "document_key"),
        sa.Index("ix_docex_dispatch_acting", "sender_id", "about_key", **_only(sa.text("about_key <> ''"))),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    message_id: Mapped[str]
    document_key: Mapped[str]  # edXML DocumentId
    business: Mapped[int] = mapped_column(default=0)  # BussinessDocType
    about_key: Mapped[str] = mapped_column(default="")  # the document that an update or a replacement acts upon
    sender_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_document.id"), index=True)
    sha256: Mapped[str] = mapped_column(info=HOLDS)
    size: Mapped[int]
    facts: Mapped[Json]  # what the envelope says, see docex.evidence_facts
    notes: Mapped[JsonList]  # oddities of a foreign file, phrases in JSON
    # What the sender was told; told again, unchanged, when it hands the same in again. It names all receivers, so it
    # is read for nothing else.
    answer: Mapped[Json] = mapped_column(deferred=True)
    verdict: Mapped[str] = mapped_column(default="")  # "" is not verified yet; valid, unclear, invalid, none
    judged_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime]


class Repaired(Base):
    """The copy of an envelope for systems that cannot read it as it came (docex/edxml/strictness.py). The envelope
    itself stays as it is, and everything that is signed or verified is about that."""

    __tablename__ = "docex_repaired"
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(info=HOLDS)
    size: Mapped[int]


class StatusIn(Base):
    """A status message that an agency's system handed in; kept for the first answer and as evidence."""

    __tablename__ = "docex_status_in"
    __table_args__ = (sa.UniqueConstraint("channel", "message_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    message_id: Mapped[str]
    sha256: Mapped[str] = mapped_column(info=HOLDS)
    size: Mapped[int]
    delivery_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_delivery.id"), index=True)
    code: Mapped[str]
    answer: Mapped[Json]
    received_at: Mapped[datetime]


_ABROAD = "progress IN ('submitted', 'available')"


class Delivery(Base):
    """One envelope at one recipient: the greatest progress that is known, and a recall beside it."""

    __tablename__ = "docex_delivery"
    __table_args__ = (
        sa.UniqueConstraint("dispatch_id", "agency_id"),
        sa.Index("ix_docex_delivery_abroad", "agency_id", "progress", **_only(sa.text(_ABROAD))),
        sa.Index("ix_docex_delivery_asked", "agency_id", **_only(sa.text("recall = '13'"))),
        sa.Index("ix_docex_delivery_refused", "dispatch_id", **_only(sa.text("progress = '02'"))),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"))
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    progress: Mapped[str] = mapped_column(default=Progress.SUBMITTED)
    recall: Mapped[str] = mapped_column(default=Recall.NONE)
    reason: Mapped[str] = mapped_column(default="")
    addressed_as: Mapped[str] = mapped_column(default="")  # the code in the envelope, when a successor got it
    rev: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]


def on_the_way() -> sa.ColumnElement[bool]:
    """Nobody has fetched it so far. In the words of the index of these few, because SQLite takes it for no others."""
    return Delivery.progress.in_([sa.literal_column("'submitted'"), sa.literal_column("'available'")])


class StatusLog(Base):
    """Everything that was said about a delivery, also what came twice or too late (`counted` is False then)."""

    __tablename__ = "docex_status_log"
    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_delivery.id"), index=True)
    code: Mapped[str]
    by: Mapped[str]
    by_name: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    counted: Mapped[bool]
    said_at: Mapped[datetime | None]
    at: Mapped[datetime]


_DUE = sa.text("state = 'arrived' OR due_on IS NOT NULL")


class Incoming(Base):
    """The copy of a document in an agency that received it. `number` is the number in the incoming book."""

    __tablename__ = "docex_incoming"
    __table_args__ = (
        sa.UniqueConstraint("delivery_id"),
        sa.Index("ix_docex_incoming_list", "agency_id", "state", "id"),
        sa.Index("ix_docex_incoming_newest", "agency_id", "id"),
        sa.Index("ix_docex_incoming_arrived", "agency_id", "arrived_at"),
        # The list is walked from the newest on; for what few documents have, past all others.
        sa.Index("ix_docex_incoming_urgent", "agency_id", "arrived_at", **_only(sa.text("urgency > 0"))),
        sa.Index("ix_docex_incoming_due", "agency_id", "arrived_at", **_only(_DUE)),
        sa.Index("ix_docex_incoming_same", "agency_id", "sender_id", "code"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"), index=True)
    delivery_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_delivery.id"))
    state: Mapped[str] = mapped_column(default=IncomingState.ARRIVED)
    sender_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    sender_name: Mapped[str]
    code: Mapped[str]
    kind_name: Mapped[str]
    subject: Mapped[str]
    urgency: Mapped[int]
    issued_on: Mapped[date | None]
    due_on: Mapped[date | None]
    book_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_book.id"))
    number: Mapped[int | None]
    reason: Mapped[str] = mapped_column(default="")
    handled_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    rev: Mapped[int] = mapped_column(default=1)
    arrived_at: Mapped[datetime]
    desk_due_at: Mapped[datetime | None]  # by when it must be registered and forwarded (Decree 30 art. 4.2c)
    registered_at: Mapped[datetime | None]
    forwarded_at: Mapped[datetime | None]  # submitted to the leader, or closed without one
    finished_at: Mapped[datetime | None]  # a recall that is asked for or answered later changes the copy, too
    changed_at: Mapped[datetime]


class Referral(Base):
    """A submission sheet (phiếu giải quyết): a received document before a leader, and what the leader decided.

    `state` is `waiting`, `assigned`, `filed` (for information, nothing to do) or `withdrawn`.
    """

    __tablename__ = "docex_referral"
    __table_args__ = (sa.Index("ix_docex_referral_leader", "leader_id", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    incoming_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_incoming.id"), index=True)
    state: Mapped[str]
    submitted_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    submitted_at: Mapped[datetime]
    leader_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    leader_name: Mapped[str]
    proposal: Mapped[str] = mapped_column(default="")
    opinion: Mapped[str] = mapped_column(default="")
    lead_name: Mapped[str] = mapped_column(default="")  # the person or unit as it was called then
    co_names: Mapped[JsonList]
    due_at: Mapped[datetime | None]
    due_words: Mapped[str] = mapped_column(default="")
    task_id: Mapped[int | None] = mapped_column(sa.ForeignKey("task.id"), index=True)
    decided_at: Mapped[datetime | None]


class Reader(Base):
    """Somebody who may open a received document because work on it was given to them."""

    __tablename__ = "docex_reader"
    incoming_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_incoming.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True, index=True)


class Reply(Base):
    """An own document that answers a received one; with `finishes`, sending it closes the received one (06)."""

    __tablename__ = "docex_reply"
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_document.id"), primary_key=True)
    incoming_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_incoming.id"), index=True)
    finishes: Mapped[bool] = mapped_column(default=False)


class Copy(Base):
    """An own document that is a copy of a received one."""

    __tablename__ = "docex_copy"
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_document.id"), primary_key=True)
    incoming_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_incoming.id"), index=True)


class Answer(Base):
    """A document that an envelope answers (`ResponseFor`), ours or a foreign one."""

    __tablename__ = "docex_answer"
    id: Mapped[int] = mapped_column(primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"), index=True)
    organ_code: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    document_key: Mapped[str] = mapped_column(default="", index=True)


class Group(Base):
    """A saved list of recipients of one agency; `members` are agency ids."""

    __tablename__ = "docex_group"
    __table_args__ = (sa.UniqueConstraint("agency_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    name: Mapped[str]
    members: Mapped[JsonList]
    changed_at: Mapped[datetime]


class Convention(Base):
    """From which number the software of an agency, and of those below it, counts `SteeringType`: 0 or 1."""

    __tablename__ = "docex_convention"
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), primary_key=True)
    steering_first: Mapped[int]
    changed_at: Mapped[datetime]


class Series(Base):
    """A type of document that has a series of numbers of its own in an agency (Decree 30 art. 15.1c)."""

    __tablename__ = "docex_series"
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)


class Paper(Base):
    """One file of an outgoing document or of an envelope; the bytes are in the blob store under `sha256`.

    An outgoing document keeps every `stage` of its main paper: `upload`, `preview`, `signed`, `sealed`.
    """

    __tablename__ = "docex_paper"
    __table_args__ = (
        sa.Index("ix_docex_paper_document", "document_id"),
        sa.Index("ix_docex_paper_dispatch", "dispatch_id"),
        sa.Index("ix_docex_paper_sha256", "sha256"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_document.id"))
    dispatch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("docex_dispatch.id"))
    role: Mapped[str]  # `main` or `attachment`
    stage: Mapped[str] = mapped_column(default="")
    place: Mapped[int] = mapped_column(default=0)
    name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str] = mapped_column(info=HOLDS)
    size: Mapped[int]
    pages: Mapped[int | None]
    spot: Mapped[Json]  # where signatures go on the main paper, see docex.documents.issuing.paper_content
    made_at: Mapped[datetime]


class PaperVerdict(Base):
    """The verdict on one paper of an envelope, with its reasons; re-verifying adds a newer one."""

    __tablename__ = "docex_judgement"
    id: Mapped[int] = mapped_column(primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"), index=True)
    paper_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_paper.id"))
    value: Mapped[str]
    # Verdict.to_json() (signing.verdicts.verdict), with the version of the policy; names the answers of authorities
    # that it used
    report: Mapped[Json] = mapped_column(info=HOLDS)
    made_at: Mapped[datetime]
    as_of: Mapped[datetime | None]  # the earlier moment that somebody asked about; None is "now"
    asked_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
