"""The hub's own key: P-256, made at first use, kept in the data folder and readable by its owner only.

Every process of an installation that shares the folder signs with the same key; a lost file means a new key, and the
public halves of all keys stay in the database.
"""

import contextlib
import json
import os
import secrets
import threading
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from docex.hub.models import HubKey
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Unavailable
from kernel.schema import insert_into
from kernel.text import phrase

FILE = "receipts.pem"


class SigningKey:
    """A private key and its public half as JWK."""

    def __init__(self, private: ECKey) -> None:
        self._private = private
        self.kid = private.thumbprint()  # RFC 7638
        public = private.as_dict(private=False)
        self.jwk: dict[str, Any] = {**public, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def sign(self, kind: str, claims: dict[str, Any]) -> str:
        """`claims` as a compact JWS (RFC 7515); `kind` is the `typ` of its header."""
        body = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
        return jws.serialize_compact({"alg": "ES256", "kid": self.kid, "typ": kind}, body, self._private)


class _Ring:
    """The key of this process."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.issuer = "lienthong"
        self.key: SigningKey | None = None
        self.lock = threading.Lock()


_ring = _Ring()


def use(config: Config) -> None:
    """Let this process sign with the key in the data folder of `config`; called where its services are made.

    A process that never calls this signs with a key of its own that is forgotten when it ends.
    """
    folder = config.data_dir / "hub"
    with _ring.lock:
        if folder != _ring.folder:
            _ring.folder, _ring.key = folder, None
        _ring.issuer = config.base_url


def issuer() -> str:
    """Who signs, as it stands in receipts: the address of the service."""
    return _ring.issuer


def signing_key(tx: Tx) -> SigningKey:
    """The key of this process, known to the database from its first signature on."""
    with _ring.lock:
        if _ring.key is None:
            _ring.key = _kept(_ring.folder) if _ring.folder else SigningKey(_fresh())
        key = _ring.key
    if tx.session.get(HubKey, key.kid) is None:
        row = insert_into(tx.session, HubKey).values(kid=key.kid, jwk=key.jwk, made_at=clock.now())
        made = tx.session.execute(row.on_conflict_do_nothing().returning(HubKey.kid)).scalar()
        if made is not None:
            tx.audit("system", "hub.key_made", f"key:{key.kid}", {"jwk": key.jwk})
    return key


def verify(compact: str, jwk: dict[str, Any]) -> dict[str, Any] | None:
    """The claims of a compact JWS when its signature is that of `jwk`, else None."""
    try:
        claims: dict[str, Any] = json.loads(jws.deserialize_compact(compact, ECKey.import_key(jwk), ["ES256"]).payload)
    except (JoseError, ValueError):
        return None
    return claims


def _fresh() -> ECKey:
    return ECKey.generate_key("P-256", private=True)


def _kept(folder: Path) -> SigningKey:
    """The key in the folder, made there by whoever comes first."""
    path = folder / FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        draft = folder / f"{FILE}.{secrets.token_hex(8)}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_fresh().as_pem(private=True))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # atomic: web and worker may start at the same moment
        draft.unlink()
    try:
        return SigningKey(ECKey.import_key(path.read_bytes()))
    except (OSError, ValueError, JoseError):
        raise Unavailable(phrase("Không đọc được khoá ký biên nhận của trục, xin báo quản trị hệ thống.")) from None
