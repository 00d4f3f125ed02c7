"""Packs that were asked for."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.schema import Base, Json
from kernel.storage.sweep import HOLDS


class EvidencePack(Base):
    """The evidence of one envelope for one agency, as a file that the worker makes. A receiver's pack has the receipts
    about itself, the sender's has all."""

    __tablename__ = "docex_evidence_pack"
    __table_args__ = (sa.Index("ix_docex_evidence_pack_of", "dispatch_id", "agency_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"))
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))  # None when a system asked
    state: Mapped[str] = mapped_column(default="waiting")  # `waiting`, `done`, `failed`
    problem: Mapped[Json]  # a phrase
    sha256: Mapped[str] = mapped_column(default="", index=True, info=HOLDS)
    size: Mapped[int] = mapped_column(default=0)
    level: Mapped[str] = mapped_column(default="")  # the lowest PAdES level in it
    stamped: Mapped[bool] = mapped_column(default=False)  # whether a time-stamped head holds the envelope
    made_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
