"""The MIME body of an e-mail, written as bytes: Python's e-mail package is slow with big parts and folds
Vietnamese headers in ways that clients disagree on (RFC 2045, 2047, 5322)."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from urllib.parse import quote

CRLF = b"\r\n"


@dataclass(frozen=True)
class File:
    """An attachment with its bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """An e-mail before it is bytes. `attempt` above 1 declares a repetition: the Message-ID stays the same."""

    message_id: str
    sender: str
    to_name: str
    to_address: str
    subject: str
    date: datetime
    list_name: str
    text: str
    html: str = ""
    calendar: str = ""
    calendar_method: str = ""
    attempt: int = 1
    files: tuple[File, ...] = ()


def message_id(dedupe_key: str, domain: str) -> str:
    """The same for the same message for ever, so that a mail store can collapse a repetition."""
    return f"<{hashlib.sha256(dedupe_key.encode()).hexdigest()[:40]}@{domain}>"


def domain_of(address: str) -> str:
    """The part after the last @ of a sender such as `Liên Thông <no-reply@x.example>`."""
    return address.rpartition("@")[2].strip(" >") or "localhost"


def built(letter: Letter) -> bytes:
    """The whole letter with CRLF line ends. Every part is base64, so no server on the way can break a line."""
    boundary = "=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]
    lines = [f"{name}: {value}".encode("ascii") for name, value in _headers(letter)]
    return CRLF.join([*lines, *_body(letter, boundary), b""])


def with_files(letter: Letter, files: tuple[File, ...]) -> Letter:
    """The letter with these attachments."""
    return replace(letter, files=files)


def _headers(letter: Letter) -> Iterator[tuple[str, str]]:
    domain = domain_of(letter.sender)
    yield "From", _mailbox(*_split(letter.sender))
    yield "To", _mailbox(letter.to_name, letter.to_address)
    yield "Subject", _encoded(letter.subject, len("Subject: "))
    yield "Date", format_datetime(letter.date)
    yield "Message-ID", letter.message_id
    yield "Auto-Submitted", "auto-generated"  # RFC 3834: no vacation answers
    yield "List-Id", f"<{letter.list_name}.{domain}>"
    if letter.attempt > 1:
        yield "X-Lien-Thong-Attempt", str(letter.attempt)
    yield "MIME-Version", "1.0"


def _body(letter: Letter, boundary: str) -> list[bytes]:
    alternatives = [_part(f"text/{kind}; charset=utf-8", text.encode()) for kind, text in _texts(letter)]
    files = [_file_part(file) for file in letter.files]
    if letter.calendar:
        content = letter.calendar.encode()
        method = letter.calendar_method
        alternatives.append(_part(f"text/calendar; charset=utf-8; method={method}", content))
        files.insert(0, _file_part(File("invite.ics", f"application/ics; method={method}", content)))
    body = _multipart("alternative", boundary + "a", alternatives) if len(alternatives) > 1 else alternatives[0]
    return _multipart("mixed", boundary + "m", [body, *files]) if files else body


def _texts(letter: Letter) -> list[tuple[str, str]]:
    plain = ("plain", letter.text.replace("\r\n", "\n").replace("\n", "\r\n"))
    return [plain, ("html", letter.html)] if letter.html else [plain]


def _multipart(subtype: str, boundary: str, parts: list[list[bytes]]) -> list[bytes]:
    mark = f"--{boundary}".encode()
    lines = [f'Content-Type: multipart/{subtype}; boundary="{boundary}"'.encode(), b""]
    for part in parts:
        lines += [mark, *part]
    return [*lines, mark + b"--"]


def _part(media_type: str, content: bytes, *more: str) -> list[bytes]:
    head = [f"Content-Type: {media_type}", "Content-Transfer-Encoding: base64", *more]
    encoded = base64.b64encode(content)
    return [*(h.encode("ascii") for h in head), b"", *(encoded[i : i + 76] for i in range(0, len(encoded), 76))]


def _file_part(file: File) -> list[bytes]:
    shown = "".join(c for c in file.name if c.isprintable() and c not in '"\\/') or "tep"
    name = shown if len(shown) <= 80 else shown[:70] + shown[-10:]  # a header line has at most 998 octets
    # RFC 2231 for Vietnamese; a second, plain name beside it would be the one that some readers show.
    said = f'filename="{name}"' if name.isascii() else f"filename*=utf-8''{quote(name, safe='')}"
    return _part(_one_line(file.media_type), file.content, f"Content-Disposition: attachment; {said}")


def _split(sender: str) -> tuple[str, str]:
    name, bracket, rest = sender.partition("<")
    return (name.strip(' "'), rest.strip(" >")) if bracket else ("", sender.strip())


def _mailbox(name: str, address: str) -> str:
    clean = _one_line(name)
    return f"{_encoded(clean, 6, always=True)} <{_one_line(address)}>" if clean else _one_line(address)


def _encoded(text: str, used: int, *, always: bool = False) -> str:
    """A header value: as it is when it is short plain ASCII, else encoded words folded at 75."""
    clean = _one_line(text)
    if clean.isascii() and not always and len(clean) < 70:
        return clean
    return Header(clean, "utf-8", header_name=" " * used).encode(linesep="\r\n")


def _one_line(text: str) -> str:
    """Without line ends, so that nobody can add a header."""
    return " ".join(text.split())
