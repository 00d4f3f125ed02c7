"""One agency's system as the checks use it."""

import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from kernel import clock

PATIENCE_S = 30
ARRIVES_S = 60.0
TOKENS = "/api/v1/oauth/token"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SHAPE = "CODE=CLIENT_ID:FILE"
_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}

Key = RSAKey | ECKey | OKPKey


@dataclass
class Party:
    """A system with its credentials: a secret, or a private key. `code` is its agency's."""

    url: str
    code: str
    client_id: str
    secret: str = field(default="", repr=False)
    key: Key | None = field(default=None, repr=False)
    ca_file: str = ""
    audience: str = ""
    _token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, text: str, ca_file: str = "", audience: str = "") -> Self:
        """From `CODE=CLIENT_ID:FILE`, where the file holds the secret, or a private key as PEM; ValueError or OSError
        when it is not of that form."""
        code, _, rest = text.partition("=")
        client_id, _, path = rest.partition(":")
        if not (code and client_id and path):
            raise ValueError(f"expected {SHAPE}, not {text}")
        held = Path(path).read_text(encoding="utf-8").strip()
        if not held:
            raise ValueError(f"{path} is empty")
        key = _private_key(held, path) if held.startswith("-----") else None
        base = url.rstrip("/")
        return cls(base, code, client_id, "" if key else held, key, ca_file, audience or base + TOKENS)

    def ask_token(self, secret: str) -> requests.Response:
        """The token endpoint's answer to this secret."""
        basic = (self.client_id, secret)
        return self._ask("POST", TOKENS, data={"grant_type": "client_credentials"}, auth=basic)

    def ask_token_by(self, assertion: str) -> requests.Response:
        """The token endpoint's answer to this signed assertion (RFC 7523)."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion,
        }
        return self._ask("POST", TOKENS, data=form)

    def assertion(self, key: Key | None = None, **changes: Any) -> str:
        """A fresh assertion, signed by the party's key or by `key`; `changes` are claims."""
        signer = key or self.key
        assert signer is not None
        now = int(clock.now().timestamp())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.audience, "iat": now, "exp": now + 120}
        algorithm = "RS256" if isinstance(signer, RSAKey) else _ALGORITHMS[signer.curve_name]
        header = {"alg": algorithm, "kid": signer.thumbprint()}
        return jwt.encode(header, {**claims, "jti": uuid.uuid4().hex, **changes}, signer, algorithms=[algorithm])

    def sign_in(self) -> requests.Response:
        """The token endpoint's answer to what the party has."""
        return self.ask_token(self.secret) if self.key is None else self.ask_token_by(self.assertion())

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask for something; `Range` and the like by keyword, with `_` for `-`."""
        return self._ask("GET", path, headers={**self._bearer(), **_named(headers)})

    def post(self, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        """Do something with a JSON body."""
        return self._ask("POST", path, json=body or {}, headers=self._bearer())

    def put(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Set something."""
        return self._ask("PUT", path, json=body, headers=self._bearer())

    def delete(self, path: str) -> requests.Response:
        """Remove something."""
        return self._ask("DELETE", path, headers=self._bearer())

    def hand_in(self, data: bytes, key: str = "", **headers: str) -> requests.Response:
        """Hand in an envelope or a status message."""
        told = {**self._bearer(), "Content-Type": "application/octet-stream", **_named(headers)}
        if key:
            told["Idempotency-Key"] = key
        return self._ask("POST", "/api/v1/edxml", data=data, headers=told)

    def put_piece(self, upload_id: str, offset: int, data: bytes) -> requests.Response:
        """A piece of an announced file."""
        told = {**self._bearer(), "Content-Type": "application/octet-stream", "Upload-Offset": str(offset)}
        return self._ask("PATCH", f"/api/v1/uploads/{upload_id}", data=data, headers=told)

    def waiting(self, wait: int = 0) -> list[dict[str, Any]]:
        """Everything in the mailbox, over all its pages."""
        page = self.get(f"/api/v1/inbox?wait={wait}").json()
        items: list[dict[str, Any]] = list(page["items"])
        while page["more"]:
            page = self.get(f"/api/v1/inbox?after={page['next']}").json()
            items += page["items"]
        return items

    def item(self, document_id: str) -> dict[str, Any]:
        """The mailbox's item of this document; waits until it is there. AssertionError when it does not come."""
        end = time.monotonic() + ARRIVES_S
        while time.monotonic() < end:
            for item in self.waiting():
                if item["document_id"] == document_id:
                    return item
            time.sleep(0.2)
        raise AssertionError(f"{document_id} did not appear in the mailbox of {self.code} in {ARRIVES_S:.0f} s")

    def fetch(self, document_id: str) -> tuple[dict[str, Any], requests.Response]:
        """Lease and acknowledge a document; gives its item and the last answer."""
        item = self.item(document_id)
        return item, self.fetch_item(item["id"])

    def fetch_item(self, number: int) -> requests.Response:
        """Lease and acknowledge what is in this place of the mailbox; gives the last answer."""
        token = self.post(f"/api/v1/inbox/{number}/lease").json()["token"]
        return self.post(f"/api/v1/inbox/{number}/ack", {"token": token})

    def delivery(self, number: int, code: str) -> dict[str, Any]:
        """How far an envelope of this party has come at the receiver with this code."""
        for one in self.get(f"/api/v1/documents/{number}").json()["deliveries"]:
            if one["code"] == code:
                found: dict[str, Any] = one
                return found
        raise AssertionError(f"document {number} has no delivery to {code}")

    def delivery_in(self, number: int, code: str, states: set[str], within_s: float) -> dict[str, Any]:
        """The same as soon as it is in one of these states; AssertionError when it is in none of them in time."""
        end = time.monotonic() + within_s
        while (found := self.delivery(number, code))["state"] not in states:
            assert time.monotonic() < end, (
                f"after {within_s:.0f} s document {number} is still {found['state']} at {code}"
            )
            time.sleep(0.5)
        return found

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(
            method, self.url + path, timeout=PATIENCE_S, verify=self.ca_file or None, allow_redirects=False, **more
        )

    def _bearer(self) -> dict[str, str]:
        if not self._token:
            answer = self.sign_in()
            assert answer.status_code == 200, f"no token: {answer.status_code} {answer.text[:300]}"
            self._token = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._token}"}


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _private_key(pem: str, path: str) -> Key:
    for kind in (ECKey, OKPKey, RSAKey):
        try:
            key: Key = kind.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
        if key.is_private:
            return key
    raise ValueError(f"{path} holds no private key that can sign")
