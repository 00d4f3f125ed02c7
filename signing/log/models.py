"""Tables of the evidence log and of the key that signs receipts and heads."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, Json


class SystemKey(Base):
    """The public half of a key that signed statements here; kept for good, so that old ones can be checked.

    The table bears the name of the room in which the key was at first.
    """

    __tablename__ = "docex_hub_key"
    kid: Mapped[str] = mapped_column(primary_key=True)  # RFC 7638 thumbprint
    jwk: Mapped[Json]
    made_at: Mapped[datetime]


_WAITING = sa.text("number IS NULL")


class LogLeaf(Base):
    """One fact of the log, written in the transaction of the fact. It waits until the sequencer gives it its number."""

    __tablename__ = "signing_log_leaf"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.Index("ix_signing_log_leaf_fact", "kind", "sha256"),
        sa.Index("ix_signing_log_leaf_waiting", "id", postgresql_where=_WAITING, sqlite_where=_WAITING),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int | None]  # from 0, without gaps
    kind: Mapped[str]  # signing.log.evidence_log.Kind
    sha256: Mapped[str]
    at: Mapped[datetime]


class LogTile(Base):
    """Up to 256 neighbouring hashes of the tree, 32 bytes each: those of leaves on level 0, and on each level above
    the roots of the full tiles below. Only the last tile of a level still grows."""

    __tablename__ = "signing_log_tile"
    level: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    hashes: Mapped[bytes]


class LogHead(Base):
    """A signed state of the log, and the time-stamp over the signature when there is one (DER of its token)."""

    __tablename__ = "signing_log_head"
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[str]  # hex
    jws: Mapped[str]
    made_at: Mapped[datetime]
    token: Mapped[bytes | None]
    stamped_at: Mapped[datetime | None]  # what the time-stamp says


class AuditMark(Base):
    """The head of an audit chain at the moment when it became part of the evidence log. All marks of one moment are
    one leaf, whose SHA-256 is that of their record (signing.log.audit_heads)."""

    __tablename__ = "signing_audit_mark"
    __table_args__ = (sa.Index("ix_signing_audit_mark_leaf", "at"),)
    chain: Mapped[str] = mapped_column(primary_key=True)
    length: Mapped[int] = mapped_column(primary_key=True)
    head: Mapped[str]
    at: Mapped[datetime]
