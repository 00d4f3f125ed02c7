"""Tables of the trust store: what is trusted, who proposed and confirmed it, and what is known about revocation."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, JsonList


class Act(StrEnum):
    """What a change does to a root."""

    ADD = "add"
    REMOVE = "remove"


class ChangeState(StrEnum):
    """`proposed` waits for a second administrator; the others are final."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class TrustChange(Base):
    """A root that one administrator wants trusted, or trusted no longer, and what another one said to it."""

    __tablename__ = "signing_trust_change"
    __table_args__ = (
        sa.Index(
            "uq_signing_trust_change_open",
            "sha256",
            unique=True,
            postgresql_where=sa.text("state = 'proposed'"),
            sqlite_where=sa.text("state = 'proposed'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    act: Mapped[str]
    sha256: Mapped[str]
    certificate: Mapped[bytes]
    purposes: Mapped[JsonList]
    label: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default=ChangeState.PROPOSED)
    proposed_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    remark: Mapped[str] = mapped_column(default="")


class TrustedRoot(Base):
    """A root that is trusted now; `change_id` is the proposal that two people agreed on."""

    __tablename__ = "signing_anchor"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    certificate: Mapped[bytes]
    purposes: Mapped[JsonList]
    label: Mapped[str]
    test: Mapped[bool] = mapped_column(default=False)
    change_id: Mapped[int] = mapped_column(sa.ForeignKey("signing_trust_change.id"))
    added_at: Mapped[datetime]


class Intermediate(Base):
    """An issuing authority's certificate, for building chains. It gives no trust by itself."""

    __tablename__ = "signing_intermediate"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    certificate: Mapped[bytes]
    label: Mapped[str]
    added_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    added_at: Mapped[datetime]


class RevocationSource(Base):
    """Where revocation is asked about, and the newest answer.

    A list (`kind` crl) is about all certificates of `issuer` (DER); an OCSP answer about `certificate` alone. Without a
    `url` somebody brings the lists by hand. `problem` is why the last try failed; empty when it did not.
    """

    __tablename__ = "signing_revocation"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    url: Mapped[str]
    issuer: Mapped[bytes]
    issuer_name: Mapped[str]
    certificate: Mapped[bytes | None]
    answer: Mapped[bytes | None]
    sha256: Mapped[str] = mapped_column(default="")
    this_update: Mapped[datetime | None]
    next_update: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # when it is asked next
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")
    wanted_at: Mapped[datetime]  # when a verification last asked for it; what nobody wants is forgotten
