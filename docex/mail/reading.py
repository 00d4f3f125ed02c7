"""Reading a message that came: who writes, whether the partner signed it, and what it brings. Pure: bytes in,
records out. Whatever the bytes are, an answer comes out or `Unreadable`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, cast

from cryptography import x509

from docex.mail import smime
from docex.mail.letters import RECEIPT_FILE
from docex.mail.models import Signature
from docex.mail.reports import Report, report_in
from kernel.text import Phrase, nfc, phrase

_MOST_PARTS = 200
_MOST_DEPTH = 12
_RECEIPT_BYTES = 64 * 1024
_ID = re.compile(r"<[^<>\s\x00-\x1f]{1,240}>")
_RECEIPTS = frozenset({"acceptance", "delivery", "refusal"})
_EDXML_ROOT = re.compile(rb"<(?:\w+:)?ed[Xx][Mm][Ll](?:Envelope)?[\s>]")


class Unreadable(Exception):
    """Not a message that anybody can read, or one that wants to wear the reader out."""

    def __init__(self, said: Phrase) -> None:
        super().__init__(said.vi)
        self.said = said


@dataclass(frozen=True)
class Part:
    """A file of a message."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Mail:
    """What a message says. Files and receipt come from inside the signature, if there is one."""

    sender: str
    message_id: str
    subject: str
    date: datetime | None
    answers_itself: bool  # an automatic answer: never answered
    signature: Signature
    problem: Phrase | None  # why the signature is wrong
    edxml: tuple[bytes, ...] = ()
    files: tuple[Part, ...] = ()
    receipt: dict[str, Any] | None = None
    report: Report | None = None


def read(raw: bytes, pinned: x509.Certificate | None, now: datetime) -> Mail:
    """Read a raw message; `pinned` is the certificate that its sender must have signed with."""
    data = re.sub(rb"\r?\n", b"\r\n", raw)
    try:
        return _read(data, pinned, now)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(phrase("Thư không đúng cấu trúc, hệ thống không đọc được.")) from error


def head_of(raw: bytes) -> tuple[str, str]:
    """Message-ID and subject alone, for a message that cannot be read further."""
    try:
        top = _parsed(raw[: raw.find(b"\r\n\r\n") + 4] if b"\r\n\r\n" in raw else raw[:20_000])
        return _message_id(top, "Message-ID"), _text(top, "Subject")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""


def _read(data: bytes, pinned: x509.Certificate | None, now: datetime) -> Mail:
    top = _parsed(data)
    signature, problem = Signature.UNSIGNED, None
    entity = top
    try:
        opened = _opened(data, top, pinned, now)
        if opened is not None:
            entity, signature = opened
    except smime.WrongSignature as error:
        signature, problem = Signature.WRONG, error.said
    edxml, files, receipt = _contents(entity)
    if signature is Signature.WRONG:
        edxml, files = (), ()  # nothing inside is believed; what claims to be a receipt is still never answered
    return Mail(
        sender=parseaddr(_text(top, "From"))[1].lower(),
        message_id=_message_id(top, "Message-ID"),
        subject=_text(top, "Subject"),
        date=_date(top),
        answers_itself=_text(top, "Auto-Submitted").lower().startswith("auto-replied"),
        signature=signature,
        problem=problem,
        edxml=edxml,
        files=files,
        receipt=receipt,
        report=report_in(top),
    )


def _opened(
    data: bytes, top: EmailMessage, pinned: x509.Certificate | None, now: datetime
) -> tuple[EmailMessage, Signature] | None:
    """What is inside the signature, and what it is worth; None when there is none. WrongSignature."""
    kind = top.get_content_type()
    if kind == "multipart/signed":
        content, signature_part = _halves(data, top)
        if signature_part.get_content_type() not in smime.SIGNATURE_TYPES:
            return None  # OpenPGP and others say nothing about a pinned certificate
        if pinned is None:
            return _parsed(content), Signature.UNSIGNED
        smime.check(_payload(signature_part), content, pinned, now)
        return _parsed(content), Signature.SIGNED
    if kind in smime.ENVELOPE_TYPES:
        if top.get_param("smime-type") == "enveloped-data":
            raise smime.WrongSignature(phrase("Thư đã mã hoá, hệ thống không mở được. Xin gửi thư chỉ ký số."))
        if pinned is None:
            return None
        signed = smime.check(_payload(top), None, pinned, now)
        return _parsed(re.sub(rb"\r?\n", b"\r\n", signed.content)), Signature.SIGNED
    return None


def _halves(data: bytes, top: EmailMessage) -> tuple[bytes, EmailMessage]:
    """The signed bytes exactly as they travelled, and the part that holds the signature (RFC 1847)."""
    boundary = (top.get_boundary() or "").encode("ascii", "ignore")
    body = data[data.index(b"\r\n\r\n") + 2 :]  # keeps one line end, so that the first mark has one before it too
    marks = list(re.finditer(rb"\r\n--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|$)", body))
    if not boundary or len(marks) < 3:
        raise smime.WrongSignature(phrase("Phần chữ ký của thư không đọc được."))
    content = body[marks[0].end() + 2 : marks[1].start()]
    return content, _parsed(body[marks[1].end() + 2 : marks[2].start()])


def _contents(entity: EmailMessage) -> tuple[tuple[bytes, ...], tuple[Part, ...], dict[str, Any] | None]:
    edxml: list[bytes] = []
    files: list[Part] = []
    receipt: dict[str, Any] | None = None
    for part in _leaves(entity):
        name = nfc(part.get_filename() or "")
        kind = part.get_content_type()
        if kind in smime.SIGNATURE_TYPES or part.get_content_maintype() == "message":
            continue
        data = _payload(part)
        if name.lower().endswith(".edxml") or (kind.endswith("xml") and _EDXML_ROOT.search(data[:4096])):
            edxml.append(data)
        elif name.lower() == RECEIPT_FILE:
            receipt = _receipt(data)
        elif data and (b"%PDF-" in data[:1024] or (name and not name.lower().endswith((".json", ".p7s", ".ics")))):
            files.append(Part(name or "van-ban.pdf", data))
    return tuple(edxml), tuple(files), receipt


def _leaves(entity: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that hold something, without looking into attached messages."""
    waiting: list[tuple[EmailMessage, int]] = [(entity, 0)]
    seen = 0
    while waiting:
        part, depth = waiting.pop(0)
        seen += 1
        if seen > _MOST_PARTS or depth > _MOST_DEPTH:
            raise Unreadable(phrase("Thư có quá nhiều phần lồng nhau, hệ thống không đọc."))
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            inner = cast(list[EmailMessage], part.get_payload())
            waiting[:0] = [(child, depth + 1) for child in inner]
        else:
            yield part


def _receipt(data: bytes) -> dict[str, Any] | None:
    """A receipt in our own form; anything else is none."""
    if len(data) > _RECEIPT_BYTES:
        return None
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return None
    known = isinstance(said, dict) and said.get("receipt") in _RECEIPTS and isinstance(said.get("message_id"), str)
    return said if known else None


def _parsed(data: bytes) -> EmailMessage:
    return message_from_bytes(data, policy=policy.default)


def _payload(part: EmailMessage) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _text(top: EmailMessage, name: str) -> str:
    try:
        return " ".join(nfc(str(top.get(name, ""))).split())
    except (ValueError, LookupError, TypeError, AttributeError):  # a header that the standard library stumbles over
        return ""


def _message_id(top: EmailMessage, name: str) -> str:
    found = _ID.search(_text(top, name))
    return found.group() if found else ""


def _date(top: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(_text(top, "Date"))
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo is not None else None
