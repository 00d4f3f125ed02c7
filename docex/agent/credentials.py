"""How the agent proves to the hub who it is: with a secret, or with a private key that never leaves this machine."""

import os
import stat
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from docex.agent.errors import Unusable
from kernel.text import phrase

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GOOD_FOR = timedelta(minutes=5)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Credentials:
    """The credentials of the office's system at the hub: `secret`, or `key` (PEM, private)."""

    client_id: str
    secret: str = field(default="", repr=False)
    key: bytes = field(default=b"", repr=False)

    def form(self, audience: list[str], at: datetime) -> dict[str, str]:
        """The fields of a request for a token. With a key they hold an assertion (RFC 7523) that works once, for five
        minutes from `at`, the hub's time."""
        if not self.key:
            return {"client_id": self.client_id, "client_secret": self.secret}
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": int(at.timestamp()),
            "exp": int((at + GOOD_FOR).timestamp()),
            "jti": uuid.uuid4().hex,
        }
        key = ECKey.import_key(self.key)
        header = {"alg": "ES256", "kid": key.thumbprint(), "typ": "JWT"}
        signed = jwt.encode(header, claims, key, algorithms=["ES256"])
        return {"client_id": self.client_id, "client_assertion_type": JWT_BEARER, "client_assertion": signed}


def make_key(path: Path) -> dict[str, Any]:
    """Make a key pair (P-256). The private half goes to `path`, for its owner only and never over a file that is
    there; answers the public half as a JWK for the hub's administrator."""
    pem = ECKey.generate_key("P-256", private=True).as_pem(private=True)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        words = phrase("Tệp {path} đã có, không ghi đè. Dùng --show để xem lại khóa công khai.", path=str(path))
        raise Unusable(words) from None
    except OSError as error:
        path.unlink(missing_ok=True)
        words = phrase("Không ghi được {path}: {why}.", path=str(path), why=error.strerror or "?")
        raise Unusable(words) from error
    return public_half(pem)


def public_half(pem: bytes) -> dict[str, Any]:
    """The key's public JWK, named by its thumbprint (RFC 7638)."""
    key = ECKey.import_key(pem)
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": "ES256", "use": "sig"}


def read_key(path: Path) -> bytes:
    """The private key in a PEM file. Unusable when others than its owner may read it, or when it is none."""
    pem = _read(path)
    if is_open_to_others(path):
        words = phrase("Người khác đọc được tệp khóa {path}. Xin chạy: chmod 600 {path}", path=str(path))
        raise Unusable(words)
    try:
        key = ECKey.import_key(pem)
        if key.is_private and key.curve_name == "P-256":
            return pem
    except (JoseError, ValueError):
        pass
    raise Unusable(phrase("{path} không phải khóa riêng P-256 dạng PEM (lienthong agent-key).", path=str(path)))


def read_secret(path: Path) -> str:
    """The secret in a file, without the line's end. Unusable when there is none."""
    secret = _read(path).decode(errors="replace").strip()
    if not secret:
        raise Unusable(phrase("Tệp {path} không có mã bí mật.", path=str(path)))
    return secret


def is_open_to_others(path: Path) -> bool:
    """Whether others than its owner may read or write the file."""
    return bool(path.stat().st_mode & _OTHERS)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        words = phrase("Không đọc được {path}: {why}.", path=str(path), why=error.strerror or "?")
        raise Unusable(words) from error
