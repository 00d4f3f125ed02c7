"""Heads of the audit chains as leaves of the evidence log: whoever rewrites a chain and its head as a whole is found
out by the heads of the log that others keep.

Every ten minutes the chains that have grown since the last time become one leaf together: `{"at", "heads"}` with
`[chain, length, head]` of each, sorted by name. Chains are walked against these marks.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from kernel import audit, clock
from kernel.audit import AuditChain
from kernel.db import Tx
from signing.log import evidence_log
from signing.log.evidence_log import Kind
from signing.log.log_audit import Fact, facts
from signing.log.models import AuditMark

_AT_A_TIME = 1_000


@dataclass(frozen=True)
class Walked:
    """How much of the audit was read, and for each chain that is broken the number of its first wrong entry."""

    chains: int
    entries: int
    breaks: tuple[tuple[str, int], ...]


def mark(tx: Tx) -> int:
    """Make the heads of all chains that have grown since the last time a leaf of the log. Answers how many."""
    tx.advisory_lock("signing.auditmarks")
    now = clock.now()
    there = sa.exists().where(AuditMark.chain == AuditChain.name, AuditMark.length == AuditChain.length)
    grown = sa.select(AuditChain.name, AuditChain.length, AuditChain.head).where(AuditChain.length > 0, sa.not_(there))
    marks = [
        AuditMark(chain=name, length=length, head=head, at=now) for name, length, head in tx.session.execute(grown)
    ]
    if marks:
        tx.session.add_all(marks)
        evidence_log.add(tx, Kind.AUDIT, record(marks))
    return len(marks)


def record(marks: list[AuditMark]) -> str:
    """The SHA-256 of the record of marks of one moment, hex."""
    heads = sorted([one.chain, one.length, one.head] for one in marks)
    return hashlib.sha256(evidence_log.canonical({"at": marks[0].at.isoformat(), "heads": heads})).hexdigest()


@facts
def marked(tx: Tx) -> Iterator[Fact]:
    """Every record that must be a leaf, for `lienthong log check`."""
    rows = sa.select(AuditMark).order_by(AuditMark.at).execution_options(yield_per=_AT_A_TIME)
    for _, marks in groupby(tx.session.scalars(rows), key=lambda one: one.at):
        yield Kind.AUDIT, record(list(marks))


def check(tx: Tx) -> Walked:
    """Walk every chain of the audit, also against the marks that were taken of it."""
    marked_ones = set(tx.session.scalars(sa.select(AuditMark.chain).distinct()))
    names, entries, breaks = sorted({*audit.chains(tx), *marked_ones}), 0, []
    for name in names:
        rows = tx.session.execute(sa.select(AuditMark.length, AuditMark.head).where(AuditMark.chain == name))
        count, broken_at = audit.walk(tx, name, {length: head for length, head in rows})
        entries += count
        if broken_at is not None:
            breaks.append((name, broken_at))
    return Walked(len(names), entries, tuple(breaks))
