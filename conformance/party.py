"""One agency's system as the checks use it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

PATIENCE_S = 30
ARRIVES_S = 30.0


@dataclass
class Party:
    """A system with its credentials; `code` is its agency's."""

    url: str
    code: str
    client_id: str
    secret: str
    _token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, text: str) -> "Party":
        """From `CODE=CLIENT_ID:SECRET_FILE`; ValueError when it is not of that form."""
        code, _, rest = text.partition("=")
        client_id, _, path = rest.partition(":")
        if not (code and client_id and path):
            raise ValueError(f"expected CODE=CLIENT_ID:SECRET_FILE, not {text}")
        return cls(url.rstrip("/"), code, client_id, Path(path).read_text(encoding="utf-8").strip())

    def ask_token(self, secret: str) -> requests.Response:
        """The token endpoint's answer to this secret."""
        return requests.post(
            f"{self.url}/api/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self.client_id, secret),
            timeout=PATIENCE_S,
        )

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask for something; `Range` and the like by keyword."""
        return requests.get(self.url + path, headers={**self._bearer(), **headers}, timeout=PATIENCE_S)

    def post(self, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        """Do something with a JSON body."""
        return requests.post(self.url + path, json=body or {}, headers=self._bearer(), timeout=PATIENCE_S)

    def hand_in(self, data: bytes, key: str = "") -> requests.Response:
        """Hand in an envelope."""
        headers = {**self._bearer(), "Content-Type": "application/octet-stream"}
        if key:
            headers["Idempotency-Key"] = key
        return requests.post(f"{self.url}/api/v1/edxml", data=data, headers=headers, timeout=PATIENCE_S)

    def waiting(self, wait: int = 0) -> list[dict[str, Any]]:
        """Everything in the mailbox, over all its pages."""
        items: list[dict[str, Any]] = []
        page = self.get(f"/api/v1/inbox?wait={wait}").json()
        items += page["items"]
        while page["more"]:
            page = self.get(f"/api/v1/inbox?after={page['next']}").json()
            items += page["items"]
        return items

    def item(self, document_id: str) -> dict[str, Any]:
        """The mailbox's item of this document; waits until it is there. AssertionError when it does not come."""
        end = time.monotonic() + ARRIVES_S
        while time.monotonic() < end:
            for item in self.waiting(wait=2):
                if item["document_id"] == document_id:
                    return item
        raise AssertionError(f"{document_id} did not appear in the mailbox of {self.code}")

    def fetch(self, document_id: str) -> tuple[dict[str, Any], requests.Response]:
        """Lease and acknowledge a document; gives its item and the last answer."""
        item = self.item(document_id)
        token = self.post(f"/api/v1/inbox/{item['id']}/lease").json()["token"]
        return item, self.post(f"/api/v1/inbox/{item['id']}/ack", {"token": token})

    def _bearer(self) -> dict[str, str]:
        if not self._token:
            answer = self.ask_token(self.secret)
            assert answer.status_code == 200, f"no token: {answer.status_code} {answer.text[:300]}"
            self._token = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._token}"}
