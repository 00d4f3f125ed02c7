"""Failed sign-ins, counted in the database so that any number of processes share the count.

People in a hurry type their password where the name belongs. Names are therefore counted under a hash that only this
installation can make, and the audit, which forgets nothing, tells only names that somebody has.
"""

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

import sqlalchemy as sa

from directory.models import ApiClient, Person, SignInAttempt
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.sealing import derived
from kernel.text import Phrase, phrase

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)

CLIENT = "client:"
"""How the names of agencies' systems begin, which are counted beside those of people."""

OFFICE = 10
"""A whole office may stand behind one address, so an address may fail as often as this many names."""


@dataclass(frozen=True)
class Limits:
    """`tries` is `Config.sign_in_tries`: how often one name may fail within the window. `key` hides the names."""

    tries: int
    key: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, config: Config) -> Self:
        """Those of this installation."""
        return cls(config.sign_in_tries, derived(config.signing_secret(), b"lienthong names of sign-ins"))

    def hidden(self, name: str) -> str:
        """How a name is counted."""
        return hmac.digest(self.key, name.encode(errors="replace"), "sha256").hex()


def must_wait(tx: Tx, name: str, address: str, limits: Limits) -> Phrase | None:
    """The sentence that asks to wait, or None when another try is allowed."""
    by_name = _oldest_that_counts(tx, SignInAttempt.name == limits.hidden(name), limits.tries)
    by_address = _oldest_that_counts(tx, SignInAttempt.address == address, limits.tries * OFFICE)
    waits = [wait for wait in (by_name, by_address) if wait is not None]
    if not waits:
        return None
    minutes = max(1, -(-int(max(waits).total_seconds()) // 60))
    return phrase("Đã nhập sai quá nhiều lần. Xin thử lại sau {minutes} phút.", minutes=minutes)


def note_failure(tx: Tx, name: str, address: str, limits: Limits) -> None:
    """Count one failure. The one that closes the door is audited."""
    now, hidden = clock.now(), limits.hidden(name)
    tx.keep_on_refusal = True
    tx.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.at < now - KEPT))
    tx.session.add(SignInAttempt(name=hidden, address=address[:64], at=now))
    tx.session.flush()
    count = tx.session.scalar(
        sa.select(sa.func.count()).where(SignInAttempt.name == hidden, SignInAttempt.at > now - WINDOW)
    )
    if count == limits.tries:
        known = name if _is_known(tx, name) else ""
        tx.audit("system", "directory.sign_in_locked", "", {"name": known, "address": address[:64]})


def clear(tx: Tx, name: str, limits: Limits) -> None:
    """Forget the failures of a name that has come in; those of other names at its address stay."""
    tx.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.name == limits.hidden(name)))


def _is_known(tx: Tx, name: str) -> bool:
    column, text = (ApiClient.client_id, name[len(CLIENT) :]) if name.startswith(CLIENT) else (Person.email, name)
    return tx.session.scalar(sa.select(sa.literal(1)).where(column == text)) is not None


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
