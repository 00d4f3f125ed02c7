"""Speaks the VXP protocol to another axis: the side of the official SDK, as observed on the wire.

For the performing side of jobs: every method asks the network and raises SendError.
"""

import base64
import io
import json
from dataclasses import dataclass
from typing import IO, Any

import requests

from docex.exchange.vxp import wire
from kernel import clock
from kernel.outbox import Reason, SendError
from kernel.text import Phrase, phrase

TIMEOUT_S = 120
MAX_LISTED = 10_000
MAX_RECEIVERS_LENGTH = 3000
"""Both copies of a longer list would not fit into the 8 KB that servers allow for a header."""

_RETRY_LATER = {"20", "100"}
_JSON = "application/json"


@dataclass(frozen=True)
class Listed:
    """A message that waits for us."""

    doc_id: str
    kind: str


class _Body:
    """A file and the line end that the official SDK sends behind it, of known length: no axis has to take chunks."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size, self._tail = file, size, wire.LINE_END

    def __len__(self) -> int:
        return self._size + len(wire.LINE_END)

    def read(self, most: int = -1) -> bytes:
        """The next bytes."""
        piece = self._file.read(most)
        if not piece:
            piece, self._tail = self._tail, b""
        return piece


class VxpClient:
    """One system at one axis."""

    def __init__(self, url: str, system_id: str, secret: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self.system_id = system_id
        self.secret = secret
        self.timeout_s = timeout_s

    def send(self, data: bytes, sender_code: str, kind: str = "edoc") -> str:
        """Hand in a small file. Answers its DocId there."""
        return self.send_file(io.BytesIO(data), sender_code, kind)

    def send_file(self, file: IO[bytes], sender_code: str, kind: str = "edoc", only_to: tuple[str, ...] = ()) -> str:
        """Hand in a file in which it is possible to go back. `only_to` are those receivers in it that are served
        there."""
        file.seek(0)
        hashed, size = wire.file_hash(file)
        file.seek(0)
        values = {"from": sender_code, "servicetype": "eDoc", "messagetype": kind, "hash-file": hashed}
        only = json.dumps(only_to)
        if only_to and len(only) <= MAX_RECEIVERS_LENGTH:
            values |= {"to": only, "relayed": "true"}
        # The line end and the hash without zeros are what the official SDK sends; some axis may count on them.
        answer = self._call("sendEdoc", values, _Body(file, size), "application/octet-stream")
        return str(answer.get("DocId", ""))

    def received(self, kind: str) -> list[Listed]:
        """The messages that wait: `edoc` or `status`. Anything but a proper list is an error, never an empty inbox."""
        answer = self._call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": kind})
        data = answer.get("data")
        if not isinstance(data, list):
            reason = phrase("Trục trên trả lời nhưng không kèm danh sách văn bản.")
            raise _failed(reason, "getReceivedEdocList: no list in the answer")
        found = [str(line.get("docId") or "") for line in data[:MAX_LISTED] if isinstance(line, dict)]
        return [Listed(name, kind) for name in found if name]

    def download(self, doc_id: str, *, max_bytes: int) -> bytes:
        """The bytes of a small message."""
        into = io.BytesIO()
        self.download_to(doc_id, into, max_bytes=max_bytes)
        return into.getvalue()

    def download_to(self, doc_id: str, into: IO[bytes], *, max_bytes: int) -> None:
        """Write the bytes of a message into a file."""
        response = self._request("GET", "downloadEdoc", {"docId": doc_id, "filePath": "."}, None, _JSON, stream=True)
        with response:
            size = 0
            try:
                for piece in response.iter_content(1 << 16):
                    size += len(piece)
                    if size > max_bytes:
                        reason = phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=max_bytes // 1_000_000)
                        raise _failed(reason, f"downloadEdoc {doc_id}: more than {max_bytes} bytes", permanent=True)
                    into.write(piece)
            except requests.RequestException as error:
                raise _failed(phrase("Đường truyền bị đứt giữa chừng."), f"downloadEdoc {doc_id}: {error}") from error
        if not size or response.status_code >= 400:
            reason = phrase("Trục trên không trả nội dung văn bản (HTTP {status}).", status=response.status_code)
            raise _failed(reason, f"downloadEdoc {doc_id}: nothing came (HTTP {response.status_code})")

    def content(self, doc_id: str) -> bytes:
        """The bytes of a message by the older operation, in base64."""
        data = self._call("getEdoc", {"docId": doc_id, "filePath": "."}, b"{}").get("data")
        try:
            return base64.b64decode(str(data), validate=True)
        except ValueError as error:
            reason = phrase("Trục trên trả nội dung không đọc được.")
            raise _failed(reason, f"getEdoc {doc_id}: the data is not base64") from error

    def update_status(self, doc_id: str, status: str) -> None:
        """Acknowledge a message: `processing`, `done` or `fail`."""
        self._call("updateStatus", {"docId": doc_id, "status": status}, b"{}")

    def sent(self, doc_id: str, kind: str = "edoc") -> list[dict[str, Any]]:
        """How far a sent message has come."""
        return self._list("getSentEdocList", {"docId": doc_id, "servicetype": "eDoc", "messagetype": kind})

    def count(self, kind: str) -> int:
        """How many messages wait."""
        name = "countReceiveStatus" if kind == "status" else "countReceiveEdoc"
        found = str(self._call(name, {"servicetype": "eDoc", "messagetype": kind}, b"{}").get("count"))
        return int(found) if found.isascii() and found.isdecimal() else 0

    def agencies(self) -> list[dict[str, Any]]:
        """The directory under the older codes."""
        return self._list("getAgenciesList", {})

    def agencies_qd20(self, level: str = "1") -> list[dict[str, Any]]:
        """The directory under the codes of QĐ 20/2020."""
        return self._list("getAgenciesListQD20", {"level": level})

    def synchronised_units(self) -> list[dict[str, Any]]:
        """The directory with what is no more."""
        return self._list("getSynchronizeUnit", {})

    def register_agency(self, facts: dict[str, str]) -> None:
        """Keep the entry of our own agency there."""
        self._call("registerAgency", {}, json.dumps(facts, ensure_ascii=False).encode())

    def delete_agency(self, code: str) -> None:
        """Ask to take an agency out of the directory there."""
        self._call("deleteAgency", {"AgencyCode": code}, b"{}")

    def _list(self, operation: str, values: dict[str, str]) -> list[dict[str, Any]]:
        data = self._call(operation, values).get("data")
        return [line for line in data if isinstance(line, dict)] if isinstance(data, list) else []

    def _call(
        self, operation: str, values: dict[str, str], body: "bytes | _Body" = b"", content_type: str = _JSON
    ) -> dict[str, Any]:
        """The JSON answer of a success; SendError with the axis' own words otherwise."""
        response = self._request("POST", operation, values, body, content_type)
        try:
            answer = json.loads(response.content.decode("utf-8-sig"))
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or "ErrorCode" not in answer:
            status = response.status_code
            reason = phrase(
                "Địa chỉ của trục trên trả lời HTTP {status}, không phải câu trả lời của trục.", status=status
            )
            raise _failed(reason, f"{operation}: HTTP {status}, not an answer of an axis")
        code, words = str(answer["ErrorCode"])[:20], str(answer.get("ErrorDesc", ""))[:300]
        if code != "0":
            later = code in _RETRY_LATER or response.status_code >= 500
            raise _failed(_refusal(code, words), f"{operation}: {code} {words}", permanent=not later)
        return answer

    def _request(
        self,
        method: str,
        operation: str,
        values: dict[str, str],
        body: "bytes | _Body | None",
        content_type: str,
        *,
        stream: bool = False,
    ) -> requests.Response:
        now = clock.now().astimezone(clock.VN)
        signed = {
            "systemid": self.system_id,
            **values,
            "timestamp": f"{now:%d%m%YT%H%M%S}+{now.microsecond // 1000:04d}",
            "Content-Type": content_type,
        }
        headers: dict[str, str | bytes] = {
            name: value.encode() for name, value in wire.signed_headers(self.secret, signed).items()
        }
        headers |= {"Content-Type": content_type, wire.PREFIX + "version": "3.0.201608"}
        try:
            return requests.request(
                method,
                f"{self.url}/{operation}",
                data=body,
                headers=headers,
                timeout=self.timeout_s,
                stream=stream,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _failed(_unreached(error), f"{operation}: {type(error).__name__}: {error}"[:500]) from error


def _failed(reason: Phrase, text: str, *, permanent: bool = False) -> SendError:
    """`reason` is for people, `text` for rows and logs."""
    return SendError(Reason(reason, text), permanent=permanent)


def _refusal(code: str, words: str) -> Phrase:
    if not words:
        return phrase("Trục trên trả mã lỗi {code}.", code=code)
    return phrase("Trục trên trả mã lỗi {code}: {words}", code=code, words=words)


def _unreached(error: requests.RequestException) -> Phrase:
    if isinstance(error, requests.Timeout):
        return phrase("Trục trên không trả lời trong thời gian chờ.")
    return phrase("Không kết nối được tới trục trên.")
