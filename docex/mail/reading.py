"""Reading a message that came: who writes, whether the partner signed it, and what it brings. Pure: bytes in,
records out. Whatever the bytes are, an answer comes out or `Unreadable`."""

import hashlib
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
from docex.mail.letters import MANIFEST_FILE, RECEIPT_FILE
from docex.mail.models import Signature
from docex.mail.reports import Report, report_in
from kernel.text import Phrase, nfc, phrase

_MOST_PARTS = 200
_MOST_DEPTH = 12
_MOST_MARKS = 5000
"""Lines that begin as the marks between parts do; asked first, because parsing millions of parts takes hours."""
_SAID_BYTES = 64 * 1024
"""Longest receipt or manifest."""
_ID = re.compile(r"<[^<>\s\x00-\x1f]{1,240}>")
_RECEIPTS = frozenset({"acceptance", "delivery", "refusal"})
_MASS = frozenset({"bulk", "junk", "list", "auto_reply"})
_EDXML_ROOT = re.compile(rb"<(?:\w+:)?ed[Xx][Mm][Ll](?:Envelope)?[\s>]")


_TOO_MANY = phrase("Thư có quá nhiều phần lồng nhau, hệ thống không đọc.")


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
class Linked:
    """An envelope that was too large to come along: where it lies, and what it must be."""

    url: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Mail:
    """What a message says. Files, receipt and link come from inside the signature, if there is one; `content_sha256`
    is of what the partner signed, "" for others."""

    sender: str
    message_id: str
    subject: str
    date: datetime | None
    answers: str  # the Message-ID that this is an answer to
    answers_itself: bool  # an automatic answer: never answered
    signature: Signature
    problem: Phrase | None  # why the signature is wrong
    content_sha256: str = ""
    edxml: tuple[bytes, ...] = ()
    files: tuple[Part, ...] = ()
    linked: Linked | None = None
    receipt: dict[str, Any] | None = None
    report: Report | None = None


def read(raw: bytes, pinned: x509.Certificate | None, now: datetime) -> Mail:
    """Read a raw message; `pinned` is the certificate that its sender must have signed with."""
    data = re.sub(rb"\r?\n", b"\r\n", raw)
    if data.count(b"\r\n--") > _MOST_MARKS:
        raise Unreadable(_TOO_MANY)
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
    entity, signed = top, b""
    try:
        opened = _opened(data, top, pinned, now)
        if opened is not None:
            entity, signature, signed = opened
    except smime.WrongSignature as error:
        signature, problem = Signature.WRONG, error.said
    found = _contents(entity)
    if signature is Signature.WRONG:
        # Nothing inside is believed; what claims to be a receipt is still never answered.
        found = _Contents(receipt=found.receipt)
    answers = _message_id(top, "In-Reply-To")
    return Mail(
        sender=parseaddr(_text(top, "From"))[1].lower(),
        message_id=_message_id(top, "Message-ID"),
        subject=_text(top, "Subject"),
        date=_date(top),
        answers=answers,
        answers_itself=_answers_itself(top, answers),
        signature=signature,
        problem=problem,
        content_sha256=hashlib.sha256(signed).hexdigest() if signature is Signature.SIGNED else "",
        edxml=tuple(found.edxml),
        files=tuple(found.files),
        linked=found.linked if signature is Signature.SIGNED else None,
        receipt=found.receipt,
        report=report_in(top),
    )


def _answers_itself(top: EmailMessage, answers: str) -> bool:
    """Whether a machine wrote this because it got something (RFC 3834). Letters of partners' software are written by
    machines too, but they answer nothing."""
    automatic = _text(top, "Auto-Submitted").lower()
    mass = _text(top, "Precedence").lower() in _MASS
    return mass or automatic.startswith("auto-replied") or (bool(answers) and automatic.startswith("auto-"))


def _opened(
    data: bytes, top: EmailMessage, pinned: x509.Certificate | None, now: datetime
) -> tuple[EmailMessage, Signature, bytes] | None:
    """What is inside the signature, what that is worth, and the signed bytes; None without one. WrongSignature."""
    kind = top.get_content_type()
    if kind == "multipart/signed":
        content, signature_part = _halves(data, top)
        if signature_part.get_content_type() not in smime.SIGNATURE_TYPES:
            return None  # OpenPGP and others say nothing about a pinned certificate
        if pinned is None:
            return _parsed(content), Signature.UNSIGNED, content
        smime.check(_payload(signature_part), content, pinned, now)
        return _parsed(content), Signature.SIGNED, content
    if kind in smime.ENVELOPE_TYPES:
        if top.get_param("smime-type") == "enveloped-data":
            raise smime.WrongSignature(phrase("Thư đã mã hoá, hệ thống không mở được. Xin gửi thư chỉ ký số."))
        if pinned is None:
            content = smime.inside(_payload(top))
            return _parsed(re.sub(rb"\r?\n", b"\r\n", content)), Signature.UNSIGNED, content
        signed = smime.check(_payload(top), None, pinned, now)
        return _parsed(re.sub(rb"\r?\n", b"\r\n", signed.content)), Signature.SIGNED, signed.content
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


@dataclass
class _Contents:
    """The parts of an entity, sorted."""

    edxml: list[bytes] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    linked: Linked | None = None
    receipt: dict[str, Any] | None = None


def _contents(entity: EmailMessage) -> _Contents:
    found = _Contents()
    for part in _leaves(entity):
        name = nfc(part.get_filename() or "")
        kind = part.get_content_type()
        if kind in smime.SIGNATURE_TYPES or part.get_content_maintype() == "message":
            continue
        if part.get_content_maintype() == "image" and part.get_content_disposition() != "attachment":
            continue  # the emblem under somebody's name
        data = _payload(part)
        if name.lower().endswith(".edxml") or (kind.endswith("xml") and _EDXML_ROOT.search(data[:4096])):
            found.edxml.append(data)
        elif name.lower() == RECEIPT_FILE:
            found.receipt = _receipt(data)
        elif name.lower() == MANIFEST_FILE:
            found.linked = _linked(data)
        elif data and (b"%PDF-" in data[:1024] or (name and not name.lower().endswith((".json", ".p7s", ".ics")))):
            found.files.append(Part(name or "van-ban.pdf", data))
    return found


def _leaves(entity: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that hold something, without looking into attached messages."""
    waiting: list[tuple[EmailMessage, int]] = [(entity, 0)]
    seen = 0
    while waiting:
        part, depth = waiting.pop(0)
        seen += 1
        if seen > _MOST_PARTS or depth > _MOST_DEPTH:
            raise Unreadable(_TOO_MANY)
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            inner = cast(list[EmailMessage], part.get_payload())
            waiting[:0] = [(child, depth + 1) for child in inner]
        else:
            yield part


def _receipt(data: bytes) -> dict[str, Any] | None:
    """A receipt in our own form; anything else is none."""
    said = _said(data)
    return said if said.get("receipt") in _RECEIPTS and isinstance(said.get("message_id"), str) else None


def _linked(data: bytes) -> Linked | None:
    """The link in a manifest of our own form; None when the envelope came along."""
    said = _said(data)
    link, envelope = said.get("link"), said.get("envelope")
    if not (isinstance(link, dict) and isinstance(envelope, dict)):
        return None
    url, sha256, size = link.get("url"), envelope.get("sha256"), envelope.get("size")
    if isinstance(url, str) and isinstance(sha256, str) and type(size) is int and size > 0:
        return Linked(url, sha256.lower(), size)
    return None


def _said(data: bytes) -> dict[str, Any]:
    """What a part for machines says; {} when it says nothing that can be read."""
    try:
        said = json.loads(data) if len(data) <= _SAID_BYTES else None
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


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
