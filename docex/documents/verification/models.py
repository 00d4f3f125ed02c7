"""Tables of verdicts on envelopes, and of the codes under which the public finds a paper."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.schema import Base, Json
from kernel.storage.sweep import HOLDS


class EnvelopeVerdict(Base):
    """The verdict on the signature of an envelope itself; re-verifying adds a newer one."""

    __tablename__ = "docex_judgement_envelope"
    id: Mapped[int] = mapped_column(primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"), index=True)
    value: Mapped[str]
    # Verdict.to_json() (signing.verdicts.verdict), with the version of the policy; names the answers of authorities
    # that it used
    report: Mapped[Json] = mapped_column(info=HOLDS)
    made_at: Mapped[datetime]
    as_of: Mapped[datetime | None]  # the earlier moment that somebody asked about; None is "now"


class FallenVerdict(Base):
    """A document that was valid by earlier rules and is not by those of today, and an agency that was told so."""

    __tablename__ = "docex_fallen_verdict"
    __table_args__ = (sa.UniqueConstraint("dispatch_id", "agency_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"))
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    policy: Mapped[str]
    said: Mapped[Json]  # the sentence of the new verdict, a phrase
    told_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]  # when a clerk of the agency said so; it is off their list then


class PublicCode(Base):
    """The code that is printed on an own paper: whoever has it may see what the hub says about that paper."""

    __tablename__ = "docex_public_code"
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_document.id"), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime]


class WithoutCode(Base):
    """An agency that prints no code on its papers."""

    __tablename__ = "docex_without_code"
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), primary_key=True)


class SealCertificate(Base):
    """A certificate with which an agency's seal was seen in a signature that was found valid."""

    __tablename__ = "docex_hub_certificate"
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    serial: Mapped[str]
    issuer: Mapped[str]
    name: Mapped[str]
    not_after: Mapped[datetime | None]
    test: Mapped[bool]
    seen_at: Mapped[datetime]
