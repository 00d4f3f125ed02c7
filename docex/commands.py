"""`lienthong edxml`: look into .edxml files at a desk or in a script, without a database or a server."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import click

from docex.edxml import EdxmlError, Envelope, Limits, Message, read_file
from docex.edxml.codes import PRIORITIES, STATUSES, BusinessKind
from docex.edxml.limits import MIB
from docex.edxml.model import Attachment, Organ
from docex.edxml.paper_store import TemporaryFile
from docex.edxml.xmldsig.verification import State, check_file
from kernel.clock import VN
from kernel.text import Phrase, phrase

UNREADABLE = "unreadable"
_SHOWN = 5

_BUSINESS = {
    BusinessKind.NEW: phrase("Văn bản mới"),
    BusinessKind.RECALL: phrase("Thu hồi văn bản"),
    BusinessKind.UPDATE: phrase("Cập nhật văn bản"),
    BusinessKind.REPLACE: phrase("Thay thế văn bản"),
}
_CODE = phrase("Số, ký hiệu")
_SUBJECT = phrase("Trích yếu")
_FROM = phrase("Nơi gửi")
_TO = phrase("Nơi nhận")
_KIND = phrase("Loại")
_URGENCY = phrase("Độ khẩn")
_TRACE = phrase("Đường đi")
_PAPER = phrase("Tệp đính kèm")
_SIGNATURE = phrase("Chữ ký phong bì")
_UNSIGNED = phrase("không có")
_SIGNED = {
    State.UNSIGNED: _UNSIGNED,
    State.INTACT: phrase("khớp với phong bì; chứng thư không được xét ở đây"),
    State.CHANGED: phrase("KHÔNG khớp: phong bì đã bị sửa sau khi ký"),
    State.BROKEN: phrase("SAI: không phải do chứng thư kèm theo tạo ra"),
    State.MALFORMED: phrase("SAI: lặp lại, đặt sai chỗ hoặc chứa phần lạ"),
    State.REFUSED: phrase("SAI: chỉ tới nội dung hoặc dùng phép biến đổi không được chấp nhận"),
    State.UNKNOWN_METHOD: phrase("có, thuật toán không được chấp nhận"),
    State.NO_CERTIFICATE: phrase("có, không kèm chứng thư đọc được"),
}
_REASON = phrase("Lý do")
_SAID = phrase("Nội dung")
_AT = phrase("Thời điểm")
_NOTE = phrase("Lưu ý")

_most = click.option(
    "--max-mb", type=click.IntRange(1, 2048), default=Limits().file_bytes // MIB, show_default=True, help="Size limit."
)
_file = click.Path(path_type=Path)


@click.group()
def edxml() -> None:
    """Look into edXML files."""


@edxml.command()
@click.argument("files", nargs=-1, required=True, type=_file, metavar="FILE…")
@_most
def check(files: tuple[Path, ...], max_mb: int) -> None:
    """Read files as the exchange would, and say what they are or why they are refused. Exit code 1 on a refusal."""
    refused = False
    for path in files:
        try:
            message = _read(path, max_mb)
        except EdxmlError as error:
            refused = True
            lines = list(_refusal_lines(path, error.refusal.value, error.message))
        except OSError as error:
            refused = True
            lines = list(_refusal_lines(path, UNREADABLE, _no_file(error)))
        else:
            lines = list(_lines(path, message))
        click.echo("\n".join(lines))
    raise SystemExit(1 if refused else 0)


@edxml.command()
@click.argument("file", type=_file)
@_most
def show(file: Path, max_mb: int) -> None:
    """Print all that a file says as JSON (papers by size and SHA-256), or its refusal with exit code 1."""
    try:
        answer, code = as_json(_read(file, max_mb)), 0
    except EdxmlError as error:
        answer, code = _refusal(error.refusal.value, error.where, error.message), 1
    except OSError as error:
        answer, code = _refusal(UNREADABLE, "", _no_file(error)), 1
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    raise SystemExit(code)


def as_json(message: Message) -> dict[str, Any]:
    """The whole record as plain data; an attachment's bytes are named by size and SHA-256."""
    what = "document" if isinstance(message, Envelope) else "status"
    return {"message": what, **_plain_record(message)}


def _read(path: Path, max_mb: int) -> Message:
    with path.open("rb") as file:
        return read_file(file, Limits(file_bytes=max_mb * MIB), TemporaryFile)


def _plain(value: Any) -> Any:
    if isinstance(value, Phrase):
        return {"vi": value.vi, "en": value.en}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(VN).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _plain_record(value) if is_dataclass(value) else value


def _plain_record(record: Any) -> dict[str, Any]:
    values = {f.name: _plain(getattr(record, f.name)) for f in fields(record) if f.name not in ("data", "file")}
    if isinstance(record, Attachment):
        values |= _bytes_of(record)
    return values


def _bytes_of(paper: Attachment) -> dict[str, Any]:
    """Size and SHA-256 of a paper."""
    assert paper.file is not None
    digest, size = hashlib.sha256(), 0
    with paper.file.open() as file:
        while piece := file.read(MIB):
            digest.update(piece)
            size += len(piece)
    return {"size": size, "sha256": digest.hexdigest()}


def _refusal(code: str, where: str, message: Phrase) -> dict[str, Any]:
    return {"refused": code, "where": where, "reason": _plain(message)}


def _no_file(error: OSError) -> Phrase:
    return phrase("Không đọc được tệp: {reason}.", reason=error.strerror or str(error))


def _refusal_lines(path: Path, code: str, message: Phrase) -> Iterator[str]:
    yield f"✘ {path} [{code}]"
    yield f"    {message.vi}"
    yield f"    {message.en}"


def _lines(path: Path, message: Message) -> Iterator[str]:
    if isinstance(message, Envelope):
        yield f"✔ {path}: {_both(_BUSINESS[message.business.kind])}"
        yield from _document_lines(path, message)
    else:
        yield f"✔ {path}: {message.status.value} {_both(STATUSES[message.status].label)}"
        yield _line(_CODE, message.about.code or message.about.document_id)
        yield _line(_FROM, _organ(message.sender))
        yield _line(_TO, message.about.organ_code)
        if message.description:
            yield _line(_REASON if STATUSES[message.status].reason_required else _SAID, message.description)
        yield _line(_AT, _time(message.at))
    for note in message.notes:
        yield _line(_NOTE, f"[{note.code}] {_both(note.text)}")


def _signature(path: Path) -> str:
    """The worth of the envelope's own signature as far as the bytes tell, and which relays wrote behind it."""
    with path.open("rb") as file:
        found = check_file(file)
    added = f" (+ {', '.join(code or '?' for code in found.added)})" if found.added else ""
    return f"{_both(_SIGNED[found.state])}{added}"


def _document_lines(path: Path, message: Envelope) -> Iterator[str]:
    day = f", {message.promulgated_on:%d/%m/%Y}" if message.promulgated_on else ""
    yield _line(_CODE, f"{message.code}{day} ({message.document_id})")
    yield _line(_KIND, message.type.name)
    yield _line(_SUBJECT, message.subject)
    yield _line(_URGENCY, _both(PRIORITIES[message.other.priority]))
    yield _line(_FROM, _organ(message.sender))
    for organ in message.receivers[:_SHOWN]:
        yield _line(_TO, _organ(organ))
    if len(message.receivers) > _SHOWN:
        yield _line(_TO, f"… +{len(message.receivers) - _SHOWN}")
    if message.business.kind is not BusinessKind.NEW:
        yield _line(_REASON, message.business.reason)
    if message.traces:
        yield _line(_TRACE, " → ".join(f"{t.organ_code} ({_time(t.at)})" for t in message.traces))
    yield _line(_SIGNATURE, _signature(path))
    for paper in message.attachments:
        yield _line(_PAPER, f"{paper.name} ({paper.media_type}, {_bytes_of(paper)['size']} B)")


def _line(label: Phrase, text: str) -> str:
    # A stranger's text must not be able to steer the terminal.
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"    {_both(label)}: {plain}"


def _both(words: Phrase) -> str:
    return f"{words.vi} / {words.en}"


def _organ(organ: Organ) -> str:
    return f"{organ.code} {organ.name}".strip()


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(VN):%d/%m/%Y %H:%M:%S}" if at else "?"
