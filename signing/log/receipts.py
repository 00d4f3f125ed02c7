"""Statements of facts: a compact JWS (RFC 7515), ES256, made once and never changed.

The key is the installation's own: P-256, made at first use, kept in the data folder, readable by its owner only and
encrypted with LIENTHONG_KEY_PASSPHRASE where that is set; one that lay in the clear before is encrypted when it is next
read. With `system=…` in LIENTHONG_KEYS it lies on a token or in another file instead (`signing.log.receipt_keys`).
It is never an agency's seal. Every process that shares the folder signs with the same key; a lost or changed file means
a new key, and the public halves of all keys stay in the database.
"""

import contextlib
import fcntl
import json
import os
import secrets
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Unavailable
from kernel.schema import insert_into
from kernel.text import phrase
from signing.keys.keystore import Passphrase, keep_keys_out_of_core_dumps
from signing.log.models import SystemKey

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
        self.passphrase = Passphrase()
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
                self.key, self.stamp = _kept(self.path, self.passphrase)
            return self.key


_ring = _Ring()
_seen: WeakKeyDictionary[sa.Pool, set[str]] = WeakKeyDictionary()
"""The keys whose rows were seen committed, for as long as a database stays open; such rows are never removed."""


def use(config: Config) -> None:
    """Let this process sign with the key in the data folder of `config`; called where its services are made.

    A process that never calls this signs with a key of its own that is forgotten when it ends.
    """
    path, passphrase = _file_in(config), _passphrase_of(config)
    with _ring.lock:
        if (path, passphrase) != (_ring.path, _ring.passphrase):
            _ring.path, _ring.passphrase, _ring.key, _ring.stamp = path, passphrase, None, None
        _ring.issuer = config.base_url
        _ring.elsewhere = _named_key(config)


def _named_key(config: Config) -> Callable[[], SigningKey] | None:
    """What gives the key of the settings, where they name one; asked again each time, so that a token may come back."""
    from signing.keys import key_settings
    from signing.log import receipt_keys  # they know this module

    return partial(receipt_keys.key_of, config) if key_settings.names_system(config) else None


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
    key, seen = _ring.current(), _seen.setdefault(tx.session.get_bind().engine.pool, set())
    mine: set[str] = tx.session.info.setdefault("keys_made", set())  # not committed yet: others have to look again
    if key.kid in seen | mine:
        return key
    if tx.session.get(SystemKey, key.kid) is not None:
        seen.add(key.kid)
        return key
    row = insert_into(tx.session, SystemKey).values(kid=key.kid, jwk=key.jwk, made_at=clock.now())
    made = tx.session.execute(row.on_conflict_do_nothing().returning(SystemKey.kid)).scalar()
    if made is not None:
        mine.add(key.kid)
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
    path, fresh = _file_in(config), _fresh()
    with _folder_held(path):
        _drafted(path, fresh, _passphrase_of(config)).replace(path)
        _sync(path.parent)
    return SigningKey(fresh).kid


def lies_in_the_clear(config: Config) -> bool:
    """Whether the key of the data folder can be used by whoever gets a copy of its file."""
    try:
        return not _is_encrypted(_file_in(config).read_bytes())
    except OSError:
        return False


def _file_in(config: Config) -> Path:
    return config.data_dir / "hub" / FILE


def _passphrase_of(config: Config) -> Passphrase:
    return Passphrase(config.key_passphrase.encode())


def _fresh() -> ECKey:
    return ECKey.generate_key("P-256", private=True)


def _sealed(key: ECKey, passphrase: bytes) -> bytes:
    private = load_pem_private_key(key.as_pem(private=True), None)
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def _opened(data: bytes, passphrase: bytes) -> ECKey:
    keep_keys_out_of_core_dumps()
    private = load_pem_private_key(data, passphrase if _is_encrypted(data) else None)
    if not isinstance(private, EllipticCurvePrivateKey):
        raise TypeError("another kind of key")
    return ECKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _is_encrypted(data: bytes) -> bool:
    return b"ENCRYPTED" in data


@contextlib.contextmanager
def _folder_held(path: Path) -> Iterator[None]:
    """Nobody else puts another file there meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _drafted(path: Path, key: ECKey, passphrase: bytes) -> Path:
    """The private key in a file beside its place, for its owner only and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_sealed(key, passphrase))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _kept(path: Path, passphrase: bytes) -> tuple[SigningKey, _Stamp]:
    """The key in the file, made there by whoever comes first."""
    if not path.exists():
        draft = _drafted(path, _fresh(), passphrase)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # atomic: web and worker may start at the same moment
        draft.unlink()
        _sync(path.parent)
    try:
        if passphrase and not _is_encrypted(path.read_bytes()):
            _seal(path, passphrase)
        with path.open("rb") as file:
            stamp = _stamp_from(os.fstat(file.fileno()))
            return SigningKey(_opened(file.read(), passphrase)), stamp
    except (OSError, ValueError, TypeError, JoseError):
        raise Unavailable(phrase("Không đọc được khoá ký biên nhận của trục, xin báo quản trị hệ thống.")) from None


def _seal(path: Path, passphrase: bytes) -> None:
    """The same key, encrypted from now on. Another process may be faster."""
    with _folder_held(path):
        data = path.read_bytes()
        if not _is_encrypted(data):
            _drafted(path, _opened(data, b""), passphrase).replace(path)
            _sync(path.parent)


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
