"""How an agency's system proves who it is, other than by a secret: a signed assertion (RFC 7523) or its certificate.

The system keeps the private half. Assertions work once; a certificate comes in a header of a trusted proxy (RFC 8705),
which has seen that the caller holds its key.
"""

import base64
import hashlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from sqlalchemy.exc import IntegrityError

from directory.models import ApiAssertion, ApiClient
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import is_storable, phrase

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
SKEW = timedelta(minutes=5)
LONGEST = timedelta(minutes=10)
"""How far ahead an assertion may expire, before the skew of clocks is forgiven."""
BITS = 2048
KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


@dataclass(frozen=True)
class Assertion:
    """A JWT that the client signed, and the addresses that it may be made out to."""

    text: str
    audiences: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The client that it speaks of, unproven; "" when it cannot be read."""
        try:
            subject = str(json.loads(jws.extract_compact(self.text.encode()).payload)["sub"])
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            return ""
        return subject if is_storable(subject) else ""


@dataclass(frozen=True)
class Certificate:
    """The SHA-256 of a certificate whose key the caller holds, as a trusted proxy says."""

    sha256: str


@dataclass(frozen=True)
class Registered:
    """What a client is known by: public keys as a JWK set, or the SHA-256 of its certificate and its last moment."""

    keys: str = ""
    certificate_sha256: str = ""
    certificate_until: datetime | None = None


def read_registered(text: str) -> Registered:
    """A public key (JWK, JWK set or PEM) or a certificate (PEM), as an administrator pastes it; Invalid on `key`."""
    text = text.strip()
    try:
        if "BEGIN CERTIFICATE" in text:
            certificate = x509.load_pem_x509_certificate(text.encode())
            return Registered("", _fingerprint(certificate), certificate.not_valid_after_utc)
        keys = [_public(told) for told in _told_keys(text)]
    except (JoseError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise _unreadable() from error
    if not keys:
        raise _unreadable()
    return Registered(keys=json.dumps({"keys": keys}))


def _unreadable() -> Invalid:
    return Invalid({"key": phrase("Không đọc được. Cần khóa công khai dạng JWK hoặc PEM, hoặc chứng thư dạng PEM.")})


def _told_keys(text: str) -> list[Any]:
    if text.startswith("-----"):
        return [text]
    told = json.loads(text)
    return list(told["keys"]) if "keys" in told else [told]


def _public(told: Any) -> dict[str, Any]:
    private = "PRIVATE KEY" in told if isinstance(told, str) else "d" in told or "k" in told
    if private:
        raise Invalid({"key": phrase("Đây là khóa bí mật. Chỉ dán khóa công khai; hãy coi khóa này là đã lộ và thay.")})
    key = _key_of(told)
    raw = key.raw_value
    if isinstance(raw, RSAPublicKey) and raw.key_size < BITS:
        raise Invalid({"key": phrase("Khóa RSA cần ít nhất {bits} bit.", bits=BITS)})
    return {**key.as_dict(private=False), **({"kid": told["kid"]} if isinstance(told, dict) and "kid" in told else {})}


def _key_of(told: Any) -> RSAKey | ECKey | OKPKey:
    if isinstance(told, dict):
        return KINDS[told["kty"]].import_key(told)
    for kind in KINDS.values():
        try:
            return kind.import_key(told)
        except (JoseError, ValueError, TypeError):
            continue
    raise ValueError("no public key")


def holds(tx: Tx, client: ApiClient, assertion: Assertion) -> bool:
    """Whether `client` signed this assertion, for us, just now, and for the first time."""
    claims = _claims(client, assertion.text)
    if claims is None or not claims.get("iss") == claims.get("sub") == client.client_id:
        return False
    made_out_to = claims.get("aud")
    if not set(map(str, made_out_to if isinstance(made_out_to, list) else [made_out_to])) & set(assertion.audiences):
        return False
    now = clock.now()
    until, since, made = (_time(claims.get(name)) for name in ("exp", "nbf", "iat"))
    if until is None or not now - SKEW < until <= now + LONGEST + SKEW:
        return False
    if any(at is not None and at > now + SKEW for at in (since, made)):
        return False
    name = claims.get("jti")
    return isinstance(name, str) and bool(name) and is_storable(name) and _first_time(tx, client, name, until + SKEW)


def _claims(client: ApiClient, text: str) -> dict[str, Any] | None:
    try:
        kid = jws.extract_compact(text.encode()).headers().get("kid")
    except (JoseError, ValueError):
        return None
    keys = json.loads(client.public_key)["keys"] if client.public_key else []
    for told in [key for key in keys if kid is None or key.get("kid") in (None, kid)]:
        try:
            return dict(jwt.decode(text, _key_of(told), algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError):
            continue
    return None


def _time(claim: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(claim), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _first_time(tx: Tx, client: ApiClient, name: str, until: datetime) -> bool:
    tx.session.execute(sa.delete(ApiAssertion).where(ApiAssertion.expires_at <= clock.now()))
    digest = hashlib.sha256(name.encode()).hexdigest()
    try:
        with tx.attempt():
            tx.session.add(ApiAssertion(client_id=client.id, name_hash=digest, expires_at=until))
    except IntegrityError:
        return False
    return True


def presented(environ: Mapping[str, Any], config: Config) -> Certificate | None:
    """The client certificate of this request: only when the setting names a header, and the peer is a trusted proxy."""
    if not config.mtls_header:
        return None
    behind = environ.get("werkzeug.proxy_fix.orig") or environ
    if not _trusted(str(behind.get("REMOTE_ADDR") or ""), config.mtls_proxies):
        return None
    value = str(environ.get("HTTP_" + config.mtls_header.upper().replace("-", "_")) or "")
    return Certificate(_of_header(value)) if value else None


def _trusted(address: str, networks: str) -> bool:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(peer in ipaddress.ip_network(part.strip()) for part in networks.split(",") if part.strip())


def _of_header(value: str) -> str:
    """The fingerprint; "" for what is no certificate, or none that is valid today, which matches nobody."""
    try:
        if value.startswith("-----BEGIN") or value.startswith("-----BEGIN".replace("-", "%2D")):
            certificate = x509.load_pem_x509_certificate(unquote(value).encode())
        else:  # RFC 9440: a structured field, bytes between colons
            certificate = x509.load_der_x509_certificate(base64.b64decode(value.strip().strip(":"), validate=True))
    except ValueError:
        return ""
    if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
        return ""
    return _fingerprint(certificate)


def _fingerprint(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
