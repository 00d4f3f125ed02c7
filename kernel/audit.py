"""Append-only, hash-chained entries: who did what to which thing. One chain per agency, so that agencies do not wait
for each other."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel import clock
from kernel.schema import Base, Json, insert_into, table_of

if TYPE_CHECKING:
    from kernel.db import Tx

GENESIS = "0" * 64


class AuditChain(Base):
    """The newest link of one chain; its row lock puts entries in order."""

    __tablename__ = "audit_chain"
    name: Mapped[str] = mapped_column(primary_key=True)
    length: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(default=GENESIS)


class AuditEntry(Base):
    """One act. `hash` covers every other column and the entry before it."""

    __tablename__ = "audit_entry"
    chain: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    action: Mapped[str]
    ref: Mapped[str] = mapped_column(index=True)
    detail: Mapped[Json]
    prev: Mapped[str]
    hash: Mapped[str]


@dataclass(frozen=True)
class Draft:
    """An act before it has its place in the chain."""

    chain: str
    by: str
    action: str
    ref: str
    detail: dict[str, Any]


def append(session: Session, drafts: Sequence[Draft]) -> None:
    """Link and store `drafts`; chains are locked in the order of their names."""
    by_chain: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_chain[draft.chain].append(draft)
    for name in sorted(by_chain):
        _extend(session, name, by_chain[name])


def _extend(session: Session, name: str, drafts: Sequence[Draft]) -> None:
    length, head = _locked(session, name)
    at = clock.now()
    rows: list[dict[str, Any]] = []
    for seq, draft in enumerate(drafts, start=length + 1):
        said: dict[str, Any] = {"by": draft.by, "action": draft.action, "ref": draft.ref, "detail": draft.detail}
        digest = link(head, name, seq, at, **said)
        rows.append({"chain": name, "seq": seq, "at": at, **said, "prev": head, "hash": digest})
        head = digest
    moved = {"chain_name": name, "last": length + len(rows), "digest": head}
    if len(rows) == 1 and session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_STORE_AND_MOVE, rows[0] | moved)
    else:
        session.connection().execute(_STORE, rows)
        session.connection().execute(_MOVE, moved)


def _locked(session: Session, name: str) -> tuple[int, str]:
    """Length and head of a chain, which is made when there is none."""
    found = session.connection().execute(_LOCK, {"chain_name": name}).one_or_none()
    if found is None:
        fresh = insert_into(session, AuditChain).values(name=name, length=0, head=GENESIS)
        session.execute(fresh.on_conflict_do_nothing())
        found = session.connection().execute(_LOCK, {"chain_name": name}).one()
    return found.length, found.head


# Nearly every write of the house passes here, so the statements are built once, below the unit of work.
_CHAIN = table_of(AuditChain)
_LOCK = sa.select(_CHAIN.c.length, _CHAIN.c.head).where(_CHAIN.c.name == sa.bindparam("chain_name")).with_for_update()
_STORE = sa.insert(table_of(AuditEntry))
_MOVE = (
    sa.update(_CHAIN)
    .where(_CHAIN.c.name == sa.bindparam("chain_name"))
    .values(length=sa.bindparam("last"), head=sa.bindparam("digest"))
)
# One entry, as nearly always, in one trip: all that an agency does waits for it.
_STORE_AND_MOVE = _STORE.add_cte(_MOVE.cte("moved"))


def link(
    prev: str,
    chain: str,
    seq: int,
    at: datetime,
    by: str,
    action: str,
    ref: str,
    detail: dict[str, Any],
) -> str:
    """The SHA-256 of an entry over its canonical JSON, hex."""
    fields = [
        prev,
        chain,
        seq,
        at.isoformat(timespec="microseconds"),
        by,
        action,
        ref,
        detail,
    ]
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def first_break(tx: "Tx", chain: str) -> int | None:
    """The number of the first entry that was changed, removed or put in later; None when the chain is whole."""
    prev, seq = GENESIS, 0
    rows = tx.session.scalars(sa.select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.seq))
    for seq, entry in enumerate(rows, start=1):
        expected = link(prev, chain, seq, entry.at, entry.by, entry.action, entry.ref, entry.detail)
        if entry.seq != seq or entry.prev != prev or entry.hash != expected:
            return seq
        prev = entry.hash
    head = tx.session.get(AuditChain, chain)
    if head is not None and (head.length, head.head) != (seq, prev):
        return seq + 1
    return None


def history(tx: "Tx", ref: object) -> list[AuditEntry]:
    """All acts on one thing, oldest first."""
    query = sa.select(AuditEntry).where(AuditEntry.ref == str(ref)).order_by(AuditEntry.at, AuditEntry.seq)
    return list(tx.session.scalars(query))
