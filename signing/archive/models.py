"""The table of papers that are kept so that their signatures can be checked in twenty years."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, Json
from kernel.storage.sweep import HOLDS


class Waits(StrEnum):
    """What a paper waits for."""

    LOOK = "look"  # somebody to see how far it has come
    TIME_STAMP = "time_stamp"
    VALIDATION = "validation"  # authorities' answers about its certificates
    ARCHIVE_STAMP = "archive_stamp"  # a time-stamp over those answers, the first or a newer one
    RENEWAL = "renewal"  # the day on which the newest time-stamp needs a successor
    NOTHING = "nothing"  # it has come as far as it can


STAMPS = (Waits.TIME_STAMP, Waits.ARCHIVE_STAMP)


class Archived(Base):
    """One paper, named by the SHA-256 of its bytes as they came or were sealed, and how far its signatures have grown.

    `newest` is the file as it has grown, stored beside the original, which never changes; each one begins with the
    bytes of the one before. `next_at` is the next try, or the day of renewal; None when only an operator can help.
    """

    __tablename__ = "signing_archive"
    __table_args__ = (sa.Index("ix_signing_archive_next", "next_at"),)
    sha256: Mapped[str] = mapped_column(primary_key=True, info=HOLDS)
    newest: Mapped[str] = mapped_column(info=HOLDS)
    size: Mapped[int]  # of the newest
    level: Mapped[str]  # signing.verdicts.verdict.Level, the lowest of its signatures
    waits: Mapped[str]
    since: Mapped[datetime]  # when it began to wait for that
    next_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    obstacle: Mapped[Json]  # what was in the way at the last try, a phrase
    proven_at: Mapped[datetime | None]  # by when all its signatures demonstrably existed
    not_after: Mapped[datetime | None]  # when the certificate of its newest time-stamp ends
    kept_at: Mapped[datetime]
