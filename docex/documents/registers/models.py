"""Tables of saved work with lists: saved filters, and printed registers and reports."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.schema import Base, Json
from kernel.storage.sweep import HOLDS


class SavedFilter(Base):
    """A filter that one person gave a name to, for one list of one agency."""

    __tablename__ = "docex_saved_filter"
    __table_args__ = (sa.UniqueConstraint("person_id", "agency_id", "list", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    list: Mapped[str]  # `in` or `out`
    name: Mapped[str]
    asked: Mapped[Json]  # the parameters of the list's address, see docex.documents.registers.list_query
    made_at: Mapped[datetime]


class Printout(Base):
    """A register or a report as a file that the worker makes for one person; `problem` is a phrase in JSON."""

    __tablename__ = "docex_printout"
    __table_args__ = (sa.Index("ix_docex_printout_mine", "person_id", "agency_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    format: Mapped[str]  # `pdf` or `xlsx`
    asked: Mapped[Json]  # what to print, see docex.documents.registers.register.Ask
    name: Mapped[str]
    state: Mapped[str] = mapped_column(default="waiting")  # `waiting`, `done`, `failed`
    problem: Mapped[Json]
    sha256: Mapped[str] = mapped_column(default="", index=True, info=HOLDS)
    size: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
