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
from itertools import islice
from typing import Any

from cryptography import x509

from docex.exchange.mail import smime
from docex.exchange.mail.entities import MAX_PARTS, Entity
from docex.exchange.mail.inbound.delivery_reports import Report, report_in
from docex.exchange.mail.models import Signature
from docex.exchange.mail.outbound.composition import MANIFEST_FILE, RECEIPT_FILE
from kernel.text import Phrase, nfc, phrase

_MAX_DEPTH = 12
_REPORT_BYTES = 1 << 20
"""The facts of a report stand at its beginning."""
_MAX_MANIFEST_BYTES = 64 * 1024
"""Longest receipt or manifest."""
_ID = re.compile(r"<[^<>\s\x00-\x1f]{1,240}>")
_RECEIPTS = frozenset({"acceptance", "delivery", "refusal"})
_MASS = frozenset({"bulk", "junk", "list", "auto_reply"})
_EDXML_ROOT = re.compile(rb"<(?:\w+:)?ed[Xx][Mm][Ll](?:Envelope)?[\s>]")


class Unreadable(Exception):
    """Not a message that anybody can read, or one that wants to wear the reader out."""

    def __init__(self, reason_phrase: Phrase) -> None:
        super().__init__(reason_phrase.vi)
        self.reason_phrase = reason_phrase


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
    """A message as it was read. Files, receipt and link come from inside the signature, if there is one, and so do
    subject and date when the signer has put them there, too (RFC 9788); `content_sha256` is of what the partner signed,
    "" for others."""

    sender: str
    message_id: str
    subject: str
    date: datetime | None
    answers: str  # the Message-ID that this is an answer to
    answers_itself: bool  # an automatic answer: never answered
    signature: Signature
    problem: Phrase | None  # why the signature is wrong
    content_sha256: str = ""
    subject_is_signed: bool = False
    edxml: tuple[bytes, ...] = ()
    files: tuple[Part, ...] = ()
    linked: Linked | None = None
    receipt: dict[str, Any] | None = None
    report: Report | None = None


def read(raw: bytes, pinned: x509.Certificate | None, now: datetime) -> Mail:
    """Read a raw message; `pinned` is the certificate that its sender must have signed with."""
    try:
        return _read(_with_crlf(raw), pinned, now)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(phrase("Thư không đúng cấu trúc, hệ thống không đọc được.")) from error


def _with_crlf(raw: bytes) -> bytes:
    return raw if raw.count(b"\n") == raw.count(b"\r\n") else re.sub(rb"\r?\n", b"\r\n", raw)


def head_of(raw: bytes) -> tuple[str, str]:
    """Message-ID and subject alone, for a message that cannot be read further."""
    try:
        top = _parsed(raw[: raw.find(b"\r\n\r\n") + 4] if b"\r\n\r\n" in raw else raw[:20_000])
        return _message_id(top, "Message-ID"), _text(top, "Subject")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""


def _read(data: bytes, pinned: x509.Certificate | None, now: datetime) -> Mail:
    top = Entity(data)
    problem: Phrase | None = None
    try:
        entity, signature = _opened(top, pinned, now)
        found = _contents(entity)
    except smime.WrongSignature as error:
        entity, signature, problem = top, Signature.WRONG, error.reason_phrase
        # Nothing inside is believed; what claims to be a receipt is still never answered.
        found = _Contents(receipt=_contents(top).receipt)
    signed = signature is Signature.SIGNED
    answers = _message_id(top.head, "In-Reply-To")
    subject_is_signed, date_is_signed = (signed and name in entity.head for name in ("Subject", "Date"))
    return Mail(
        sender=parseaddr(_text(top.head, "From"))[1].lower(),
        message_id=_message_id(top.head, "Message-ID"),
        subject=_text((entity if subject_is_signed else top).head, "Subject"),
        date=_date((entity if date_is_signed else top).head),
        answers=answers,
        answers_itself=_answers_itself(top.head, answers),
        signature=signature,
        problem=problem,
        content_sha256=hashlib.sha256(entity.raw).hexdigest() if signed else "",
        subject_is_signed=subject_is_signed,
        edxml=tuple(found.edxml),
        files=tuple(found.files),
        linked=found.linked if signed else None,
        receipt=found.receipt,
        report=report_in(_parsed(data[:_REPORT_BYTES])) if top.kind == "multipart/report" else None,
    )


def _answers_itself(top: EmailMessage, answers: str) -> bool:
    """Whether a machine wrote this because it got something (RFC 3834). Letters of partners' software are written by
    machines too, but they answer nothing."""
    automatic = _text(top, "Auto-Submitted").lower()
    mass = _text(top, "Precedence").lower() in _MASS
    return mass or automatic.startswith("auto-replied") or (bool(answers) and automatic.startswith("auto-"))


def _opened(top: Entity, pinned: x509.Certificate | None, now: datetime) -> tuple[Entity, Signature]:
    """The content of the signature, and its worth; the message itself without one. WrongSignature."""
    if top.kind == "multipart/signed":
        halves = list(islice(top.parts(), 2))  # RFC 1847: what is signed, exactly as it travelled, and the signature
        if len(halves) < 2:
            raise smime.WrongSignature(phrase("Phần chữ ký của thư không đọc được."))
        content, signature = halves
        if signature.kind not in smime.SIGNATURE_TYPES:
            return top, Signature.UNSIGNED  # OpenPGP and others say nothing about a pinned certificate
        if pinned is None:
            return content, Signature.UNSIGNED
        smime.check(signature.content(), content.raw, pinned, now)
        return content, Signature.SIGNED
    if top.kind in smime.ENVELOPE_TYPES:
        if top.head.get_param("smime-type") == "enveloped-data":
            raise smime.WrongSignature(phrase("Thư đã mã hoá, hệ thống không mở được. Xin gửi thư chỉ ký số."))
        if pinned is None:
            return Entity(_with_crlf(smime.inside(top.content()))), Signature.UNSIGNED
        signed = smime.check(top.content(), None, pinned, now)
        return Entity(_with_crlf(bytes(signed.content))), Signature.SIGNED
    return top, Signature.UNSIGNED


@dataclass
class _Contents:
    """The parts of an entity, sorted."""

    edxml: list[bytes] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    linked: Linked | None = None
    receipt: dict[str, Any] | None = None


def _contents(entity: Entity) -> _Contents:
    found = _Contents()
    for part in _leaves(entity):
        name = nfc(part.head.get_filename() or "")
        kind = part.kind
        if kind in smime.SIGNATURE_TYPES or kind.startswith("message/"):
            continue
        if kind.startswith("image/") and part.head.get_content_disposition() != "attachment":
            continue  # the emblem under somebody's name
        data = part.content()
        if name.lower().endswith(".edxml") or (kind.endswith("xml") and _EDXML_ROOT.search(data[:4096])):
            found.edxml.append(data)
        elif name.lower() == RECEIPT_FILE:
            found.receipt = _receipt(data)
        elif name.lower() == MANIFEST_FILE:
            found.linked = _linked(data)
        elif data and (b"%PDF-" in data[:1024] or (name and not name.lower().endswith((".json", ".p7s", ".ics")))):
            found.files.append(Part(name or "van-ban.pdf", data))
    return found


def _leaves(entity: Entity) -> Iterator[Entity]:
    """The parts that hold something, without looking into attached messages."""
    waiting: list[tuple[Entity, int]] = [(entity, 0)]
    seen = 0
    while waiting:
        part, depth = waiting.pop(0)
        seen += 1
        inner = [(child, depth + 1) for child in islice(part.parts(), MAX_PARTS)]
        if seen > MAX_PARTS or depth > _MAX_DEPTH or len(inner) == MAX_PARTS:
            raise Unreadable(phrase("Thư có quá nhiều phần lồng nhau, hệ thống không đọc."))
        if inner:
            waiting[:0] = inner
        else:
            yield part


def _receipt(data: bytes) -> dict[str, Any] | None:
    """A receipt in our own form; anything else is none."""
    manifest = _manifest(data)
    return manifest if manifest.get("receipt") in _RECEIPTS and isinstance(manifest.get("message_id"), str) else None


def _linked(data: bytes) -> Linked | None:
    """The link in a manifest of our own form; None when the envelope came along."""
    manifest = _manifest(data)
    link, envelope = manifest.get("link"), manifest.get("envelope")
    if not (isinstance(link, dict) and isinstance(envelope, dict)):
        return None
    url, sha256, size = link.get("url"), envelope.get("sha256"), envelope.get("size")
    if isinstance(url, str) and isinstance(sha256, str) and type(size) is int and size > 0:
        return Linked(url, sha256.lower(), size)
    return None


def _manifest(data: bytes) -> dict[str, Any]:
    """The values in a part for machines; {} when none can be read."""
    try:
        manifest = json.loads(data) if len(data) <= _MAX_MANIFEST_BYTES else None
    except (ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _parsed(data: bytes) -> EmailMessage:
    return message_from_bytes(data, policy=policy.default)


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
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else None
