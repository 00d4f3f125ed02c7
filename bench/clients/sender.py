"""One agency's system that hands in letters and asks what became of them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from bench.fixtures.letters import Credentials


@dataclass(frozen=True)
class HandedIn:
    """What the hub answered, and when (`time.monotonic`) the letter began to leave and the answer was here."""

    told: Mapping[str, Any]
    begun: float
    answered: float


class Sender:
    """A system with an access token, which it renews in time. Its letters leave on a connection of each thread."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.url = url
        self._credentials = credentials
        self._session = requests.Session()
        self._lines = threading.local()
        self._token, self._renew_at = "", 0.0

    @property
    def token(self) -> str:
        """An access token that lives at least half its time longer."""
        if time.monotonic() >= self._renew_at:
            told = self._session.post(
                f"{self.url}/api/v1/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(self._credentials.client_id, self._credentials.secret),
                timeout=30,
            )
            told.raise_for_status()
            given = told.json()
            self._token, self._renew_at = given["access_token"], time.monotonic() + given["expires_in"] / 2
        return self._token

    def hand_in(self, letter: bytes, headers: Mapping[str, str] | None = None) -> HandedIn:
        """Hand in an envelope; RuntimeError when it is not taken over."""
        told = {"Content-Type": "application/octet-stream", **self.bearer, **(headers or {})}
        begun = time.monotonic()
        line = self._line
        line.request("POST", "/api/v1/edxml", letter, told)
        answer = line.getresponse()
        said = answer.read()
        answered = time.monotonic()
        if answer.status != 202:
            raise RuntimeError(f"{answer.status}: {said[:300]!r}")
        return HandedIn(json.loads(said), begun, answered)

    @property
    def _line(self) -> http.client.HTTPConnection:
        """A plainer way than `requests`: on the same cores, each millisecond of the sender's is one less for the
        service."""
        if not hasattr(self._lines, "one"):
            self._lines.one = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=300)
        line: http.client.HTTPConnection = self._lines.one
        return line

    @property
    def bearer(self) -> dict[str, str]:
        """The header that says who asks, for connections of one's own."""
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, path: str) -> dict[str, Any]:
        """The answer to a question; RuntimeError when it is refused."""
        return self._told(self._session.get(self.url + path, headers=self.bearer, timeout=60))

    def do(self, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to something that was to be done (POST); RuntimeError when it is refused."""
        return self._told(self._session.post(self.url + path, json=given, headers=self.bearer, timeout=300))

    def _told(self, answer: requests.Response) -> dict[str, Any]:
        if not answer.ok:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")
        told: dict[str, Any] = answer.json()
        return told
