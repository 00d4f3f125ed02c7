"""The hub as the agent sees it: the public API over HTTP, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from docex.agent.folders import PIECE

PATIENCE_S = (10, 120)  # to connect, and between two pieces of an answer
LONG_POLL_S = 25


class Unreachable(Exception):
    """The hub cannot be used now; the same may work later."""


class Refused(Exception):
    """The hub will not take this file, however often it is offered. `code` and one sentence in both languages."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(code)
        self.code, self.vi, self.en = code, vi, en


class Gone(Exception):
    """This delivery is no longer ours to fetch: fetched before, expired, or another system is at it."""


@dataclass(frozen=True)
class Credentials:
    """What the administrator of the hub gave to this office's system."""

    client_id: str
    secret: str


@dataclass(frozen=True)
class Waiting:
    """One delivery in the mailbox."""

    id: int
    code: str
    sha256: str
    size: int


class Hub:
    """The hub at `url`. Every call raises Unreachable when the network or the hub fails."""

    def __init__(self, url: str, credentials: Credentials, *, name: str) -> None:
        self.url = url.rstrip("/")
        self._credentials = credentials
        self._session = requests.Session()
        self._session.headers["User-Agent"] = name
        self._token = ""
        self._keys: KeySet | None = None

    def submit(self, path: Path, key: str) -> dict[str, Any]:
        """Hand in an edXML file under an idempotency key; the answer has a checked receipt. Refused when it can
        never be taken."""
        # Opened anew for each try: a second one after a fresh token must send the file from its beginning.
        answer = self._ask(
            lambda: self._session.post(
                f"{self.url}/api/v1/edxml",
                data=path.open("rb") if path.stat().st_size else b"",
                headers={**self._bearer(), "Content-Type": "application/octet-stream", "Idempotency-Key": key},
                timeout=PATIENCE_S,
            )
        )
        if 400 <= answer.status_code < 500:
            raise _refusal(answer)
        told = _told(answer)
        if receipt := told.get("receipt"):
            self.check(receipt["jws"])
        return told

    def states(self, number: int) -> dict[str, Any]:
        """How far an envelope has come at each receiver."""
        return _told(self._get(f"/api/v1/documents/{number}"))

    def waiting(self, wait_s: int) -> list[Waiting]:
        """What is in the mailbox; waits up to `wait_s` seconds when it is empty."""
        found = _told(self._get("/api/v1/inbox", {"wait": str(min(wait_s, LONG_POLL_S))}))
        return [Waiting(one["id"], one["code"], one["sha256"], one["size"]) for one in found["items"]]

    def lease(self, number: int) -> int:
        """Begin to fetch; gives the token for `acknowledge`. Gone when it is not ours any more."""
        token: int = _told(self._post(f"/api/v1/inbox/{number}/lease", {}))["token"]
        return token

    def download(self, number: int, target: Path) -> None:
        """Fetch the envelope into `target`, going on where an earlier try broke off."""
        have = target.stat().st_size if target.exists() else 0
        answer = self._get(f"/api/v1/inbox/{number}/envelope", headers={"Range": f"bytes={have}-"} if have else {})
        if answer.status_code == 416:
            return  # everything is here already; the caller checks the hash
        if not answer.ok:
            raise _refusal(answer)
        with target.open("ab" if answer.status_code == 206 else "wb") as file:
            try:
                for piece in answer.iter_content(PIECE):
                    file.write(piece)
            except requests.RequestException as error:
                raise Unreachable(str(error)) from error

    def acknowledge(self, number: int, token: int) -> str:
        """Say that the envelope is on the disk; answers with the checked receipt (compact JWS)."""
        told = _told(self._post(f"/api/v1/inbox/{number}/ack", {"token": token}))
        receipt: str = told["receipt"]["jws"]
        self.check(receipt)
        return receipt

    def check(self, receipt: str) -> None:
        """Unreachable when a receipt is not signed by the hub's keys: then this is not the hub."""
        for fresh in (False, True):
            try:
                if self._keys is None or fresh:
                    self._keys = KeySet.import_key_set(_told(self._get("/api/v1/keys")))  # type: ignore[arg-type]
                jws.deserialize_compact(receipt, self._keys, ["ES256"])
                return
            except (JoseError, ValueError):
                continue  # signed by a newer key than we know, perhaps
        raise Unreachable("a receipt is not signed by the hub's keys")

    def _get(
        self, path: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        return self._ask(
            lambda: self._session.get(
                self.url + path,
                params=query,
                headers={**self._bearer(), **(headers or {})},
                timeout=PATIENCE_S,
                stream=path.endswith("/envelope"),
            )
        )

    def _post(self, path: str, body: dict[str, Any]) -> requests.Response:
        answer = self._ask(
            lambda: self._session.post(self.url + path, json=body, headers=self._bearer(), timeout=PATIENCE_S)
        )
        if answer.status_code in (404, 409):
            raise Gone(answer.text[:200])
        return answer

    def _ask(self, call: Callable[[], requests.Response]) -> requests.Response:
        """Call, once more with a new token when the old one is over; what may pass by itself is Unreachable."""
        try:
            answer = call()
            if answer.status_code == 401:
                self._token = ""
                answer = call()
        except requests.RequestException as error:
            raise Unreachable(str(error)) from error
        if answer.status_code in (401, 403, 408, 425, 429) or answer.status_code >= 500:
            raise Unreachable(f"{answer.status_code}: {answer.text[:200]}")
        return answer

    def _bearer(self) -> dict[str, str]:
        if not self._token:
            answer = self._session.post(
                f"{self.url}/api/v1/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(self._credentials.client_id, self._credentials.secret),
                timeout=PATIENCE_S,
            )
            if not answer.ok:
                raise Unreachable(f"no access token, {answer.status_code}: {answer.text[:200]}")
            self._token = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._token}"}


def _told(answer: requests.Response) -> dict[str, Any]:
    """The JSON of an answer; a proxy's page instead of it means that the hub was not reached."""
    if not answer.ok:
        raise Unreachable(f"{answer.status_code}: {answer.text[:200]}")
    try:
        told = answer.json()
    except requests.JSONDecodeError as error:
        raise Unreachable("the answer is not the hub's") from error
    if not isinstance(told, dict):
        raise Unreachable("the answer is not the hub's")
    return told


def _refusal(answer: requests.Response) -> Refused | Unreachable:
    try:
        problem = json.loads(answer.text)
        return Refused(problem["code"], problem["message"]["vi"], problem["message"]["en"])
    except (ValueError, KeyError, TypeError):
        return Unreachable(f"{answer.status_code}: {answer.text[:200]}")
