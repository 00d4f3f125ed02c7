"""Failed sign-ins, counted in the database so that any number of processes share the count."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from directory.models import SignInAttempt
from kernel import clock
from kernel.db import Tx
from kernel.text import Phrase, phrase

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)

OFFICE = 10
"""A whole office may stand behind one address, so an address may fail as often as this many names."""


@dataclass(frozen=True)
class Limits:
    """`tries` is `Config.sign_in_tries`: how often one name may fail within the window."""

    tries: int


def must_wait(tx: Tx, name: str, address: str, limits: Limits) -> Phrase | None:
    """The sentence that asks to wait, or None when another try is allowed."""
    by_name = _oldest_that_counts(tx, SignInAttempt.name == name, limits.tries)
    by_address = _oldest_that_counts(tx, SignInAttempt.address == address, limits.tries * OFFICE)
    waits = [wait for wait in (by_name, by_address) if wait is not None]
    if not waits:
        return None
    minutes = max(1, -(-int(max(waits).total_seconds()) // 60))
    return phrase("Đã nhập sai quá nhiều lần. Xin thử lại sau {minutes} phút.", minutes=minutes)


def note_failure(tx: Tx, name: str, address: str, limits: Limits) -> None:
    """Count one failure. The one that closes the door is audited."""
    now = clock.now()
    tx.keep_on_refusal = True
    tx.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.at < now - KEPT))
    tx.session.add(SignInAttempt(name=name, address=address[:64], at=now))
    tx.session.flush()
    count = tx.session.scalar(
        sa.select(sa.func.count()).where(SignInAttempt.name == name, SignInAttempt.at > now - WINDOW)
    )
    if count == limits.tries:
        tx.audit("system", "directory.sign_in_locked", "", {"name": name, "address": address[:64]})


def clear(tx: Tx, name: str) -> None:
    """Forget the failures of a name that has come in; those of other names at its address stay."""
    tx.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.name == name))


def _oldest_that_counts(tx: Tx, condition: sa.ColumnElement[bool], limit: int) -> timedelta | None:
    """How long until fewer than `limit` failures lie within the window; None when that is so now."""
    now = clock.now()
    at = tx.session.scalar(
        sa.select(SignInAttempt.at)
        .where(condition, SignInAttempt.at > now - WINDOW)
        .order_by(SignInAttempt.at.desc())
        .offset(limit - 1)
        .limit(1)
    )
    return None if at is None else at + WINDOW - now
