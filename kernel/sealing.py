"""Small secrets that lie in the database and must be read again, sealed with a key made from the installation's secret.

What only has to be recognised (passwords, tokens, recovery codes) is hashed instead and does not belong here. A copy
of the database alone is then worth nothing. With another LIENTHONG_SECRET_KEY what was sealed can be read no more,
unless the one before stands in LIENTHONG_SECRET_KEY_BEFORE: then a worker seals everything anew when it starts.
"""

import base64
import logging
import secrets
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import InstrumentedAttribute

from kernel.config import Config, Secret
from kernel.db import Database, Tx

log = logging.getLogger(__name__)

MARK = "sealed1:"
"""How every sealed text begins."""
_NONCE = 12

Earlier = Callable[[str, str], str | None]
"""Opens what an earlier release kept in another form: the text, the installation's secret."""


def as_it_was(text: str, _installation_secret: str) -> str:
    """An earlier release did not seal these secrets."""
    return text


class Safe:
    """Seals the secrets of one purpose, each for its owner: a sealed secret that is moved to another row opens not.

    It seals with the first of the installation's secrets and opens with any of them.
    """

    def __init__(self, installation_secrets: tuple[str, ...], purpose: str, earlier: Earlier = as_it_was) -> None:
        self._secrets, self._earlier = installation_secrets, earlier
        info = f"lienthong sealed {purpose}".encode()
        self._keys = [AESGCM(derived(secret, info)) for secret in installation_secrets]

    @property
    def is_changing(self) -> bool:
        """Whether some secrets may be sealed with the installation's secret before this one."""
        return len(self._keys) > 1

    def seal(self, secret: str, owner: str) -> str:
        """How the database keeps the secret of `owner` (`person:7`)."""
        nonce = secrets.token_bytes(_NONCE)
        return MARK + base64.b64encode(nonce + self._keys[0].encrypt(nonce, secret.encode(), owner.encode())).decode()

    def opened(self, kept: str, owner: str) -> str | None:
        """The secret; None when it was sealed with another key or for somebody else."""
        if kept.startswith(MARK):
            return _first(_decrypted(key, kept, owner) for key in self._keys)
        return _first(self._earlier(kept, secret) for secret in self._secrets)

    def is_current(self, kept: str, owner: str) -> bool:
        """Whether it is kept as `seal` would keep it now."""
        return kept.startswith(MARK) and _decrypted(self._keys[0], kept, owner) is not None


def derived(installation_secret: str, info: bytes) -> bytes:
    """A key of 256 bits for one purpose."""
    return HKDF(SHA256(), 32, salt=None, info=info).derive(installation_secret.encode())


def _decrypted(key: AESGCM, kept: str, owner: str) -> str | None:
    try:
        box = base64.b64decode(kept.removeprefix(MARK), validate=True)
        return key.decrypt(box[:_NONCE], box[_NONCE:], owner.encode()).decode()
    except (ValueError, InvalidTag):
        return None


def _first(found: Iterable[str | None]) -> str | None:
    return next((Secret(secret) for secret in found if secret is not None), None)


@cache
def _safe(installation_secrets: tuple[str, ...], purpose: str, earlier: Earlier) -> Safe:
    # Deriving the keys is not free, and a system's secret is opened at each of its calls.
    return Safe(installation_secrets, purpose, earlier)


columns: list["SealedColumn"] = []
"""Every one of the house."""


class SealedColumn:
    """The column of a table in which such secrets are kept; "" is none. `owner` says of a row whose secret it holds."""

    def __init__(
        self,
        column: InstrumentedAttribute[str],
        purpose: str,
        owner: Callable[[Any], str],
        earlier: Earlier = as_it_was,
    ) -> None:
        self._column, self._owner = column, owner
        self._purpose, self._earlier = purpose, earlier
        columns.append(self)

    @property
    def name(self) -> str:
        """`person.totp_secret`."""
        return str(self._column.expression)

    def safe(self, config: Config) -> Safe:
        """What seals this column in this installation."""
        return _safe(config.sealing_secrets(), self._purpose, self._earlier)

    def keep(self, row: object, secret: str, safe: Safe) -> None:
        """Put a secret into a row whose owner is known."""
        setattr(row, self._column.key, safe.seal(secret, self._owner(row)))

    def secret_of(self, row: object, safe: Safe) -> str | None:
        """The secret of a row; None when it was sealed with another key."""
        return safe.opened(getattr(row, self._column.key), self._owner(row))

    def seal_rest(self, config: Config, db: Database) -> None:
        """Seal what an earlier release kept otherwise, and what was sealed with the secret before this one."""
        safe = self.safe(config)
        with db.read() as tx:
            if not self._rest(tx, safe):
                return
        with db.write() as tx:
            rest = self._rest(tx, safe, lock=True)
            for row, secret in rest:
                self.keep(row, secret, safe)
        log.info("sealed %d secrets (%s) that were kept otherwise", len(rest), self._purpose)

    def unreadable(self, tx: Tx, safe: Safe) -> int:
        """How many secrets were sealed with another key."""
        rows = tx.session.scalars(sa.select(self._column.class_).where(self._column != ""))
        return sum(self.secret_of(row, safe) is None for row in rows)

    def lost(self, config: Config) -> int:
        """The same for a self-check, which has only the settings."""
        db = Database(config.sql_url)
        try:
            with db.read() as tx:
                return self.unreadable(tx, self.safe(config))
        finally:
            db.close()

    def _rest(self, tx: Tx, safe: Safe, *, lock: bool = False) -> list[tuple[object, str]]:
        """The rows that are not kept as they should be, with their secrets; without those that nobody can read."""
        query = sa.select(self._column.class_).where(self._column != "")
        if not safe.is_changing:  # what is sealed at all is sealed with the one key that there is
            query = query.where(self._column.not_like(f"{MARK}%"))
        rows = tx.session.scalars(query.with_for_update() if lock else query)
        found = ((row, self.secret_of(row, safe)) for row in rows if not self._is_current(row, safe))
        return [(row, secret) for row, secret in found if secret is not None]

    def _is_current(self, row: object, safe: Safe) -> bool:
        return safe.is_current(getattr(row, self._column.key), self._owner(row))
