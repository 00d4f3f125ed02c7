"""The hub as the agent sees it: the public API, and nothing else. A call that cannot be made raises Unreachable."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from docex.agent import responses
from docex.agent.errors import Gone, TransientError, Unreachable
from docex.agent.folders import shown
from docex.agent.http_client import Reach, Wire, problem, refusal, told
from kernel.text import one_line, phrase

log = logging.getLogger("lienthong.agent")
PIECE = 1 << 20
LONG_POLL_S = 25
LARGE_S = 900.0
"""How long the hub may need to read a file of gigabytes before it answers."""
SUBMIT, RECEIVE = "docex.submit", "docex.receive"


@dataclass(frozen=True)
class Waiting:
    """One delivery in the mailbox."""

    id: int
    code: str
    urgency: int
    sha256: str
    size: int


@dataclass(frozen=True)
class Page:
    """A stretch of the mailbox; `next` goes on behind it. `held`: the hub's operator holds it for now."""

    items: list[Waiting]
    next: str
    held: bool
    head: str = ""
    """The newest signed head of the hub's evidence log; "" at a hub that has none."""
    odd: tuple[str, ...] = ()
    """Names for those of which the hub told no sense."""


@dataclass(frozen=True)
class Upload:
    """How much of a large file is at the hub."""

    id: str
    offset: int
    piece: int
    whole: bool


class WrongHash(Exception):
    """The bytes that came in pieces are not those that were announced."""


class Hub:
    """The hub's operations."""

    def __init__(self, reach: Reach) -> None:
        self.wire = Wire(reach)
        self._keys: KeySet | None = None

    @property
    def skew(self) -> timedelta:
        """How far this machine's clock is ahead of the hub's, as far as is known."""
        return -(self.wire.ahead or timedelta())

    def submit(self, data: bytes, key: str) -> dict[str, Any]:
        """Hand in an edXML file under an idempotency key. Refused when it can never be taken."""
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": key}
        return self._taken(self.wire.call("POST", "/api/v1/edxml", data=data, headers=headers))

    def submit_upload(self, upload_id: str, key: str) -> dict[str, Any]:
        """Hand in a file that came in pieces."""
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": key, "Upload-Id": upload_id}
        return self._taken(self.wire.call("POST", "/api/v1/edxml", data=b"", headers=headers, timeout_s=LARGE_S))

    def _taken(self, answer: requests.Response) -> dict[str, Any]:
        if answer.status_code == 403 and SUBMIT not in self.wire.scopes:
            raise Unreachable(phrase("Hệ thống này chưa được cấp quyền {scope}. Xin báo quản trị trục.", scope=SUBMIT))
        if not answer.ok:
            raise refusal(answer)
        return told(answer)

    def announce(self, size: int, sha256: str) -> Upload:
        """Say which large file comes; one that was cut goes on where it was. Refused when it is too large."""
        answer = self.wire.call("POST", "/api/v1/uploads", json={"size": size, "sha256": sha256})
        if answer.status_code in (413, 422):
            raise refusal(answer)
        return _upload(told(answer))

    def put_piece(self, upload: Upload, offset: int, data: bytes) -> Upload:
        """The next piece. Where the hub is elsewhere the answer says where. Gone when it no longer knows the file."""
        headers = {"Content-Type": "application/octet-stream", "Upload-Offset": str(offset)}
        answer = self.wire.call("PATCH", f"/api/v1/uploads/{upload.id}", data=data, headers=headers)
        found = problem(answer)
        if answer.status_code == 409 and isinstance(there := found.get("info", {}).get("offset"), int):
            return Upload(upload.id, there, upload.piece, False)
        _still_there(answer)
        return _upload(told(answer))

    def finish(self, upload: Upload) -> Upload:
        """Every piece is there. WrongHash when the file must begin again."""
        answer = self.wire.call("POST", f"/api/v1/uploads/{upload.id}/finish", timeout_s=LARGE_S)
        found = problem(answer)
        if found.get("code") == "wrong_hash":
            raise WrongHash
        if answer.status_code == 409 and isinstance(there := found.get("info", {}).get("offset"), int):
            return Upload(upload.id, there, upload.piece, False)
        _still_there(answer)
        return _upload(told(answer))

    def states(self, number: int) -> dict[str, Any]:
        """How far an envelope has come at each receiver; {} when the hub says that it does not know it. Gone when
        something else in between says so."""
        answer = self.wire.call("GET", f"/api/v1/documents/{number}")
        if problem(answer).get("code") == "not_found":
            return {}
        _still_there(answer)
        return told(answer)

    def receipts(self, number: int, code: str = "") -> list[dict[str, Any]]:
        """Everything that was signed about an envelope, or about one receiver of it; none at a hub that does not list
        them."""
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            query = {name: text for name, text in {"code": code, "after": after}.items() if text}
            answer = self.wire.call("GET", f"/api/v1/documents/{number}/receipts", params=query)
            if answer.status_code == 404:
                break
            page = told(answer)
            found += responses.items(page)
            after = responses.text(page, "next") if page.get("next") else None
        return found

    def recalls(self) -> list[dict[str, Any]]:
        """The recalls that senders ask for and this office has not answered; nothing at a hub that does not list it."""
        answer = self.wire.call("GET", "/api/v1/recalls")
        if answer.status_code in (403, 404):
            return []
        return responses.items(told(answer))

    def waiting(self, wait_s: int, after: str = "") -> Page:
        """The deliveries in the mailbox behind `after`; waits up to `wait_s` seconds while there is nothing."""
        query = {"wait": str(min(wait_s, LONG_POLL_S)), "after": after}
        answer = self.wire.call("GET", "/api/v1/inbox", params={name: text for name, text in query.items() if text})
        if answer.status_code == 403:
            raise Unreachable(phrase("Hệ thống này chưa được cấp quyền {scope}. Xin báo quản trị trục.", scope=RECEIVE))
        return _page(told(answer))

    def consistency(self, first: int, second: int) -> list[bytes] | None:
        """The hub's proof that its log of `first` leaves is the beginning of that of `second`; None when it has
        none."""
        query = {"first": str(first), "second": str(second)}
        answer = self.wire.call("GET", "/api/v1/log/consistency", params=query)
        if answer.status_code == 404:
            return None
        try:
            return [bytes.fromhex(one) for one in told(answer)["path"]]
        except (KeyError, TypeError, ValueError):
            return None

    def lease(self, number: int) -> int:
        """Begin to fetch; gives the token for `acknowledge`. Gone when it is not ours any more."""
        answer = self.wire.call("POST", f"/api/v1/inbox/{number}/lease", json={})
        _still_there(answer)
        return responses.number(told(answer), "token")

    def download(self, one: Waiting, target: Path) -> Iterator[int]:
        """Fetch the envelope into `target`, going on where an earlier try broke off; yields after every piece how many
        bytes are there. Never more than one piece is in memory."""
        have = target.stat().st_size if target.exists() else 0
        if have == one.size:
            return
        headers = {"Accept-Encoding": "identity"}
        if 0 < have < one.size:
            headers |= {"Range": f"bytes={have}-", "If-Range": f'"{one.sha256}"'}
        answer = self.wire.call("GET", f"/api/v1/inbox/{one.id}/envelope", headers=headers, stream=True)
        with answer:
            _still_there(answer)
            if not answer.ok:
                raise TransientError(phrase("Trục không làm được yêu cầu này."), str(answer.status_code))
            goes_on = answer.status_code == 206
            have = have if goes_on else 0
            with target.open("ab" if goes_on else "wb") as file:
                for piece in _pieces(answer):
                    have += len(piece)
                    if have > one.size:
                        raise TransientError(phrase("Trục gửi nhiều hơn cỡ đã báo."))
                    file.write(piece)
                    file.flush()
                    yield have

    def acknowledge(self, number: int, token: int, sha256: str) -> str:
        """Say that the envelope is on the disk; answers with the checked receipt (compact JWS)."""
        answer = self.wire.call("POST", f"/api/v1/inbox/{number}/ack", json={"token": token})
        _still_there(answer)
        receipt = responses.text(responses.part(told(answer), "receipt"), "jws")
        self.check(receipt, kind="retrieved", sha256=sha256)
        return receipt

    def check(self, receipt: str, **claims: Any) -> dict[str, Any]:
        """The claims of a receipt. Unreachable when the hub's keys have not signed it or it is not about `claims`: then
        this is not the hub."""
        payload = self.signed(receipt, **claims)
        if payload is None:
            raise Unreachable(phrase("Biên nhận không có chữ ký đúng của trục. Xin báo quản trị trục."))
        return payload

    def signed(self, statement: str, **claims: Any) -> dict[str, Any] | None:
        """The claims of a statement of the hub; None when the hub's keys have not signed it or it is not about
        `claims`."""
        for fresh in (False, True):  # it may be signed by a newer key than we know
            try:
                if self._keys is None or fresh:
                    self._keys = KeySet.import_key_set(self.wire.public_keys())  # type: ignore[arg-type]
                payload: dict[str, Any] = json.loads(jws.deserialize_compact(statement, self._keys, ["ES256"]).payload)
            except (JoseError, ValueError, TypeError):
                continue
            if all(payload.get(name) == value for name, value in claims.items()):
                return payload
        return None


def _upload(found: dict[str, Any]) -> Upload:
    offset, piece = responses.number(found, "offset", 0), responses.number(found, "piece")
    return Upload(responses.token(found, "id"), offset, min(piece, PIECE), found.get("whole") is True)


def _page(found: dict[str, Any]) -> Page:
    items, odd = [], []
    for one in responses.items(found):
        try:
            items.append(_waiting(one))
        except TransientError as failed:
            log.warning("a delivery cannot be understood: %s", failed)
            odd.append(shown(str(one.get("id", "?")))[:40])
    head = responses.text(found["head"], "jws") if isinstance(found.get("head"), dict) else ""
    return Page(items, responses.text(found, "next"), bool(found.get("held")), head, tuple(odd))


def _waiting(one: dict[str, Any]) -> Waiting:
    urgency = responses.number(one, "urgency", 0) if "urgency" in one else 0
    size = responses.number(one, "size", 0)
    return Waiting(responses.number(one, "id"), responses.text(one, "code"), urgency, responses.sha256(one), size)


def _still_there(answer: requests.Response) -> None:
    if answer.status_code in (404, 409):
        raise Gone(one_line(answer.text[:200]))


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_content(PIECE)
    except requests.RequestException as error:
        words = phrase("Đường truyền bị cắt khi đang tải về; sẽ tải tiếp.")
        raise Unreachable(words, type(error).__name__) from error
