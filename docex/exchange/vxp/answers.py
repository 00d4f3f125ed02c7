"""Answers that the SDK can read: one shape for every answer, failures too.

`status`, `ErrorCode` and `ErrorDesc` are always there and nothing is ever null, because the SDK throws the whole answer
away otherwise. Text is escaped to ASCII: answers of sendEdoc are decoded as ASCII.
"""

import base64
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import IO, Any

from docex.edxml import EdxmlError
from docex.exchange.intake.acceptance import UnknownReceiver
from docex.exchange.intake.resolve_deliveries import UnknownDocument
from docex.exchange.vxp.wire import BadSignature
from kernel.errors import DomainError, Forbidden, Unavailable
from kernel.text import phrase

_WORDS = {
    "signature": phrase("Sai mã hệ thống hoặc chữ ký."),
    "hash": phrase("Tệp nhận được không khớp mã băm hash-file."),
    "size": phrase("Tệp lớn hơn mức cho phép."),
    "inside": phrase("Trục gặp lỗi và đã ghi lại, xin gửi lại sau."),
}


class Code(StrEnum):
    """The codes that provincial systems already know."""

    OK = "0"
    BAD_FILE = "10"
    BAD_SIGNATURE = "15"
    UNKNOWN_RECEIVER = "18"
    WRONG_SENDER = "19"
    HUB = "20"  # the only one after which sending again may help
    REFUSED = "21"
    MALFORMED = "22"
    RECEIVER_LOCKED = "23"


class BadFile(Exception):
    """The body is not the file whose hash was signed."""


def done(**members: Any) -> dict[str, Any]:
    """A success."""
    return {"status": "OK", "ErrorCode": Code.OK.value, "ErrorDesc": "", **members}


_BEFORE_FILE, _AFTER_FILE = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":"', b'"}'
_PIECE = 3 << 16  # a multiple of three, so that Base64 can be made piece by piece


def done_with_file(file: IO[bytes]) -> Iterator[bytes]:
    """A success with a file as Base64, which never stands in memory as a whole."""
    with file:
        yield _BEFORE_FILE
        while piece := file.read(_PIECE):
            yield base64.b64encode(piece)
        yield _AFTER_FILE


def length_with_file(size: int) -> int:
    """How long that answer is for a file of `size` bytes."""
    return len(_BEFORE_FILE) + (size + 2) // 3 * 4 + len(_AFTER_FILE)


def failed(error: Exception, http_status: int = 500) -> tuple[dict[str, Any], int]:
    """Any failure as the SDK shows it, and the HTTP status, which the SDK ignores and proxies do not.

    `DocId` is empty and always there: sendEdoc needs it, the others do not look. `Receipt` is the signed refusal, where
    there is one; the SDK overlooks what it does not know.
    """
    code, sentence, status = _told(error, http_status)
    receipt = error.detail.get("receipt") if isinstance(error, DomainError) else None
    more = {"Receipt": receipt["jws"]} if receipt else {}
    return {"status": "FAIL", "ErrorCode": code.value, "ErrorDesc": sentence, "DocId": "", **more}, status


def as_bytes(answer: dict[str, Any]) -> bytes:
    """JSON in ASCII."""
    return json.dumps(answer, separators=(",", ":")).encode("ascii")


def _told(error: Exception, http_status: int) -> tuple[Code, str, int]:
    match error:
        case BadSignature():
            return Code.BAD_SIGNATURE, _WORDS["signature"].vi, 401
        case BadFile():
            return Code.BAD_FILE, _WORDS["hash"].vi, 422
        case DomainError():
            return _code_of(error), error.message.vi, error.status
    if http_status == 413:
        return Code.BAD_FILE, _WORDS["size"].vi, 413
    if 400 <= http_status < 500:
        return Code.REFUSED, f"HTTP {http_status}", http_status
    return Code.HUB, _WORDS["inside"].vi, http_status


def _code_of(error: DomainError) -> Code:
    match error:
        case EdxmlError():
            return Code.MALFORMED
        case UnknownReceiver():
            return Code.UNKNOWN_RECEIVER
        case UnknownDocument():
            return Code.REFUSED
        case Forbidden():
            return Code.WRONG_SENDER
        case Unavailable():
            return Code.HUB
    return Code.REFUSED
