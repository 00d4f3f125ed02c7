"""Append-only, hash-chained entries: who did what to which thing. One chain per agency, so that agencies do not wait
for each other."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
_AT_A_TIME = 1_000


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
    return walk(tx, chain)[1]


def walk(tx: "Tx", chain: str, marks: Mapping[int, str] | None = None) -> tuple[int, int | None]:
    """How many entries of a chain were read, and the number of the first that was changed, removed or put in later.

    `marks` are heads that were kept elsewhere, by the number of their entry: a chain that was made anew as a whole, its
    head included, differs from them. Only a few rows are in memory at a time.
    """
    prev, seq, marks = GENESIS, 0, marks or {}
    for entry in _entries(tx, chain):
        seq += 1
        if entry is None:
            return seq, seq
        expected = link(prev, chain, seq, entry.at, entry.by, entry.action, entry.ref, entry.detail)
        if (entry.seq, entry.prev, entry.hash) != (seq, prev, expected) or marks.get(seq, expected) != expected:
            return seq, seq
        prev = entry.hash
    kept = tx.session.execute(sa.select(_CHAIN.c.length, _CHAIN.c.head).where(_CHAIN.c.name == chain)).one_or_none()
    is_cut = max(marks, default=0) > seq or tuple(kept or (0, GENESIS)) != (seq, prev)
    return seq, seq + 1 if is_cut else None


def _entries(tx: "Tx", chain: str) -> Iterator[AuditEntry | None]:
    """The entries of a chain; None, and no more, at one that no longer reads as time and JSON: other hands wrote it."""
    entries = sa.select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.seq)
    last = 0
    for at_a_time in (_AT_A_TIME, 1):  # of a batch in which one does not read none is told
        batches = entries.where(AuditEntry.seq > last).execution_options(yield_per=at_a_time)
        try:
            for entry in tx.session.scalars(batches):
                tx.session.expunge(entry)
                last = entry.seq
                yield entry
        except (ValueError, TypeError):
            continue
        return
    yield None


def chains(tx: "Tx") -> list[str]:
    """The names of all chains that have entries, or had some by their head."""
    names = sa.union(sa.select(_CHAIN.c.name), sa.select(AuditEntry.chain))
    return sorted(tx.session.scalars(names))


def history(tx: "Tx", ref: object) -> list[AuditEntry]:
    """All acts on one thing, oldest first."""
    query = sa.select(AuditEntry).where(AuditEntry.ref == str(ref)).order_by(AuditEntry.at, AuditEntry.seq)
    return list(tx.session.scalars(query))
