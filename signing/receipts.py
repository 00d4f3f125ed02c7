"""Statements of facts: a compact JWS (RFC 7515), ES256, made once and never changed.

The key is the installation's own: P-256, made at first use, kept in the data folder and readable by its owner only;
with `system=…` in LIENTHONG_KEYS it lies on a token or in an encrypted file instead (`signing.receiptkeys`).
It is never an agency's seal. Every process that shares the folder signs with the same key; a lost or changed file means
a new key, and the public halves of all keys stay in the database.
"""

import contextlib
import json
import os
import secrets
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Unavailable
from kernel.schema import insert_into
from kernel.text import phrase
from signing.logmodels import SystemKey

FILE = "receipts.pem"


class SigningKey:
    """A private key and its public half as JWK."""

    def __init__(self, private: ECKey) -> None:
        self._private = private
        self.kid = private.thumbprint()  # RFC 7638
        public = private.as_dict(private=False)
        self.jwk: dict[str, Any] = {**public, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def sign(self, kind: str, claims: dict[str, Any]) -> str:
        """`claims` as a compact JWS; `kind` is the `typ` of its header."""
        body = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
        return jws.serialize_compact({"alg": "ES256", "kid": self.kid, "typ": kind}, body, self._private)

    def __repr__(self) -> str:
        return f"<SigningKey {self.kid}>"


_Stamp = tuple[int, int]  # which file it is, and when it was written


class _Ring:
    """The key of this process, and the file that it was read from."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.issuer = "lienthong"
        self.key: SigningKey | None = None
        self.stamp: _Stamp | None = None
        self.lock = threading.Lock()
        self.elsewhere: Callable[[], SigningKey] | None = None

    def current(self) -> SigningKey:
        """The key as it lies in the folder now: another process may have put a new one there."""
        with self.lock:
            if self.elsewhere is not None:
                return self.elsewhere()
            if self.path is None:
                self.key = self.key or SigningKey(_fresh())
            elif self.key is None or self.stamp is None or self.stamp != _stamp_of(self.path):
                self.key, self.stamp = _kept(self.path)
            return self.key


_ring = _Ring()


def use(config: Config) -> None:
    """Let this process sign with the key in the data folder of `config`; called where its services are made.

    A process that never calls this signs with a key of its own that is forgotten when it ends.
    """
    path = _file_in(config)
    with _ring.lock:
        if path != _ring.path:
            _ring.path, _ring.key, _ring.stamp = path, None, None
        _ring.issuer = config.base_url
        _ring.elsewhere = _named_key(config)


def _named_key(config: Config) -> Callable[[], SigningKey] | None:
    """What gives the key of the settings, where they name one; asked again each time, so that a token may come back."""
    from signing import keystores, receiptkeys  # they know this module

    return partial(receiptkeys.key_of, config) if keystores.names_system(config) else None


def issuer() -> str:
    """Who signs, as it stands in statements: the address of the service."""
    return _ring.issuer


def state(tx: Tx, kind: str, claims: dict[str, Any]) -> str:
    """Sign a statement with the key of this process, which is known to the database from its first signature on.

    `kind` is the `typ` of the header. Answers the compact JWS.
    """
    return known_key(tx).sign(kind, claims)


def known_key(tx: Tx) -> SigningKey:
    """The key of this process, known to the database from now on: for what is signed outside a transaction."""
    key = _ring.current()
    known = tx.session.get(SystemKey, key.kid)
    tx.session.info["system_key"] = known  # held: a session forgets rows that nobody holds, and asks for each signature
    if known is None:
        row = insert_into(tx.session, SystemKey).values(kid=key.kid, jwk=key.jwk, made_at=clock.now())
        made = tx.session.execute(row.on_conflict_do_nothing().returning(SystemKey.kid)).scalar()
        if made is not None:
            tx.audit("system", "hub.key_made", f"key:{key.kid}", {"jwk": key.jwk})
    return key


def verify(compact: str, jwk: dict[str, Any]) -> dict[str, Any] | None:
    """The claims of a compact JWS when its signature is that of `jwk`, else None."""
    try:
        claims = json.loads(jws.deserialize_compact(compact, _public(jwk["x"], jwk["y"]), ["ES256"]).payload)
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return claims if isinstance(claims, dict) else None


@lru_cache(maxsize=64)
def _public(x: str, y: str) -> ECKey:
    """A public key; taking one in costs as much as a signature's check."""
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})


def checked(compact: str, keys: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The claims of a compact JWS when one of `keys` (JWK by `kid`) has signed it, else None."""
    jwk = keys.get(kid_of(compact))
    return verify(compact, jwk) if jwk is not None else None


def kid_of(compact: str) -> str:
    """The id of the key that a compact JWS names; "" when it names none. Says nothing about its signature."""
    return _named(compact, "kid")


def kind_of(compact: str) -> str:
    """The `typ` that it names, likewise."""
    return _named(compact, "typ")


def _named(compact: str, member: str) -> str:
    try:
        value = json.loads(urlsafe_b64decode(compact.partition(".")[0] + "=="))[member]
    except (ValueError, KeyError, TypeError):
        return ""
    return value if isinstance(value, str) else ""


def is_canonical(compact: str) -> bool:
    """Whether no other text stands for the same statement: decoders overlook bits in the last letter of Base64."""
    parts = compact.split(".")
    try:
        again = [urlsafe_b64encode(urlsafe_b64decode(part + "=" * (-len(part) % 4))).rstrip(b"=") for part in parts]
    except ValueError:
        return False
    return len(parts) == 3 and [part.encode() for part in parts] == again


def all_keys(tx: Tx) -> dict[str, Any]:
    """The public halves of all keys that ever signed here, newest first (JWK set, RFC 7517)."""
    rows = sa.select(SystemKey.jwk).order_by(SystemKey.made_at.desc(), SystemKey.kid)
    return {"keys": list(tx.session.scalars(rows))}


_NAMED = phrase("Khoá hệ thống do LIENTHONG_KEYS chỉ định. Xin đổi khoá trên thiết bị rồi khai báo lại.")


def rotate(config: Config) -> str:
    """Put a new key in the place of the old one, whose private half is gone from then on; every process signs with
    the new one at its next signature. Answers the new key's id."""
    if _named_key(config) is not None:
        raise Unavailable(
            phrase("Khoá hệ thống do LIENTHONG_KEYS chỉ định. Xin đổi khoá trên thiết bị rồi khai báo lại.")
        )
    path = _file_in(config)
    fresh = _fresh()
    draft = _drafted(path, fresh)
    draft.replace(path)
    _sync(path.parent)
    return SigningKey(fresh).kid


def _file_in(config: Config) -> Path:
    return config.data_dir / "hub" / FILE


def _fresh() -> ECKey:
    return ECKey.generate_key("P-256", private=True)


def _drafted(path: Path, key: ECKey) -> Path:
    """The private key in a file beside its place, for its owner only and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.as_pem(private=True))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _kept(path: Path) -> tuple[SigningKey, _Stamp]:
    """The key in the file, made there by whoever comes first."""
    if not path.exists():
        draft = _drafted(path, _fresh())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # atomic: web and worker may start at the same moment
        draft.unlink()
        _sync(path.parent)
    try:
        with path.open("rb") as file:
            stamp = _stamp_from(os.fstat(file.fileno()))
            return SigningKey(ECKey.import_key(file.read())), stamp
    except (OSError, ValueError, JoseError):
        raise Unavailable(phrase("Không đọc được khoá ký biên nhận của trục, xin báo quản trị hệ thống.")) from None


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        return _stamp_from(path.stat())
    except OSError:
        return None


def _stamp_from(told: os.stat_result) -> _Stamp:
    return told.st_ino, told.st_mtime_ns


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
