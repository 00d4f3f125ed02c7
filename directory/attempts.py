"""Failed sign-ins, counted in the database so that any number of processes share the count.

People in a hurry type their password where the name belongs. Names are therefore counted under a hash that only this
installation can make, and the audit, which forgets nothing, tells only names that somebody has.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import sqlalchemy as sa
from itsdangerous import BadData, URLSafeTimedSerializer

from directory.models import ApiClient, Person, SignInAttempt
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.netaddresses import network_of
from kernel.sealing import derived
from kernel.text import Phrase, phrase

WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)

CLIENT = "client:"
"""How the names of agencies' systems begin, which are counted beside those of people."""

OFFICE = 10
"""A whole office may stand behind one address, so an address may fail as often as this many names."""

EVERYWHERE = 10
"""One name may fail from all addresses together as often as from this many. Beyond it only devices that the name has
signed in from before are let try: strangers with many addresses guess no faster, and lock nobody out of their desk."""

DEVICE_COOKIE = "lt_device"
"""Carries, signed, which names have signed in from this browser."""
DEVICE_DAYS = 180
_NAMES_OF_A_DEVICE = 10


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

    @property
    def _devices(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.key or "-", salt="directory.device")

    def device_of(self, token: str, name: str) -> str:
        """The id of the device whose cookie `token` says that `name` has signed in there before; else empty."""
        known = self._read(token)
        return str(known["device"]) if known and self.hidden(name)[:32] in known["names"] else ""

    def any_device_of(self, token: str) -> str:
        """The id of the device whose cookie `token` says that somebody has signed in there before; else empty. Tells
        strangers from people of the house without a look into the database."""
        known = self._read(token)
        return str(known["device"]) if known else ""

    def device_token(self, token: str, name: str) -> str:
        """The cookie of a device from which `name` has signed in now; `token` is the cookie that it came with."""
        known = self._read(token) or {"device": secrets.token_urlsafe(12), "names": []}
        mark = self.hidden(name)[:32]
        names = [mark, *(one for one in known["names"] if one != mark)][:_NAMES_OF_A_DEVICE]
        signed = self._devices.dumps({"device": known["device"], "names": names})
        return signed if isinstance(signed, str) else signed.decode()

    def _read(self, token: str) -> dict[str, Any] | None:
        try:
            known: dict[str, Any] = self._devices.loads(token, max_age=DEVICE_DAYS * 24 * 3600)
        except BadData:
            return None
        return known


def must_wait(tx: Tx, name: str, address: str, limits: Limits, device: str = "") -> Phrase | None:
    """The sentence that asks to wait, or None when another try is allowed.

    Tries of one name are let in one after the other, and so are those of one address: each is counted before the next
    is allowed, until the transaction of a try has ended. Who comes from a known `device` (an id from `device_of`) is
    counted by it alone; everybody else by name and address, by name from everywhere, and by address.
    """
    network = network_of(address)
    tx.advisory_lock(f"sign-in of {limits.hidden(name)}")
    if device:
        waits = [_oldest_that_counts(tx, SignInAttempt.name == _counted(limits, name, device), limits.tries)]
    else:
        tx.advisory_lock(f"sign-in from {network}")
        by_name, by_address = SignInAttempt.name == limits.hidden(name), SignInAttempt.address == network
        waits = [
            _oldest_that_counts(tx, sa.and_(by_name, by_address), limits.tries),
            _oldest_that_counts(tx, by_name, limits.tries * EVERYWHERE),
            _oldest_that_counts(tx, by_address, limits.tries * OFFICE),
        ]
    long = [wait for wait in waits if wait is not None]
    if not long:
        return None
    minutes = max(1, -(-int(max(long).total_seconds()) // 60))
    return phrase("Đã nhập sai quá nhiều lần. Xin thử lại sau {minutes} phút.", minutes=minutes)


def note_failure(tx: Tx, name: str, address: str, limits: Limits, device: str = "") -> None:
    """Count one failure. The one that closes the door to an address or a device is audited."""
    now, counted, network = clock.now(), _counted(limits, name, device), network_of(address)[:64]
    tx.keep_on_refusal = True
    tx.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.at < now - KEPT))
    tx.session.add(SignInAttempt(name=counted, address=network, at=now))
    tx.session.flush()
    same = sa.and_(SignInAttempt.name == counted, SignInAttempt.address == network)
    count = tx.session.scalar(sa.select(sa.func.count()).where(same, SignInAttempt.at > now - WINDOW))
    if count == limits.tries:
        known = name if _is_known(tx, name) else ""
        tx.audit("system", "directory.sign_in_locked", "", {"name": known, "address": address[:64]})


def clear(tx: Tx, name: str, address: str, limits: Limits, device: str = "") -> None:
    """Forget the failures of a name that has come in, at this address and from this device; those of strangers
    elsewhere, and of other names here, stay."""
    here = sa.and_(SignInAttempt.name == limits.hidden(name), SignInAttempt.address == network_of(address)[:64])
    own = SignInAttempt.name == _counted(limits, name, device)
    tx.session.execute(sa.delete(SignInAttempt).where(sa.or_(here, own) if device else here))


def _counted(limits: Limits, name: str, device: str) -> str:
    return limits.hidden(f"device:{device}:{name}" if device else name)


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
