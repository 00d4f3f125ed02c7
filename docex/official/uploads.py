"""PDFs that people and foreign systems hand in: are they real, and what do they say?

The work (`pdf_probe.py`) is done in a confined process with limits, one for each file, so that no file can stop, fill
or take over the process that asks. The received bytes are never changed.
"""

from dataclasses import dataclass, field
from math import isfinite

from docex.official import pdf_probe
from docex.official.pdf_probe import NotSeen, Seen
from kernel.errors import Invalid, Unavailable
from kernel.text import Phrase, nfc, phrase
from signing.sandbox.runner import SandboxBusy, SandboxError, error_phrase, pool

MAX_TEXT_LENGTH = 400_000
"""Letters of text kept for searching: some 150 pages."""
_MAX_DETAIL_LENGTH = 300

_REFUSED: dict[str, Phrase] = {
    "not_pdf": phrase("Tệp này không phải là PDF."),
    "encrypted": phrase("Tệp PDF đặt mật khẩu. Hãy bỏ mật khẩu rồi tải lên lại."),
    "no_pages": phrase("Tệp PDF không có trang nào."),
    "too_many_pages": phrase("Tệp PDF có quá nhiều trang."),
    "broken": phrase("Tệp PDF bị hỏng, không mở được. Hãy xuất lại từ phần mềm soạn thảo."),
}


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """The facts of a PDF. Widths and heights are in points, of the first and of the last page; `text` is NFC,
    for searching; `signed` says that it carries signatures, not that they hold."""

    size: int
    pages: int
    width: float
    height: float
    last_width: float
    last_height: float
    signed: bool
    text: str = field(repr=False)


def looks_like_pdf(head: bytes) -> bool:
    """A quick look at the first 1024 bytes, cheap enough for the web process."""
    return b"%PDF-" in head[:1024]


def check_pdf(
    data: bytes,
    most_bytes: int,
    *,
    name: str = "file",
    most_text: int = MAX_TEXT_LENGTH,
    timeout_s: float | None = None,
) -> PdfFacts:
    """The facts of an uploaded PDF; may take seconds.

    Raises Invalid on the field `name` when the file is empty, larger than `most_bytes`, no PDF, encrypted or broken;
    Unavailable when no process was free within `timeout_s` seconds (None waits as long as it takes).
    """
    if not data:
        raise Invalid({name: phrase("Tệp trống, không có nội dung.")})
    if len(data) > most_bytes:
        limit = f"{most_bytes / 1024**2:.0f}"
        raise Invalid({name: phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=limit)})
    if not looks_like_pdf(data):
        raise Invalid({name: _REFUSED["not_pdf"]})
    found = _probed(data, name, most_text, timeout_s)
    # The process that says this may belong to the file.
    if isinstance(found, Seen) and not _can_be(found):
        found = NotSeen("broken", "pages that cannot be")
    if isinstance(found, NotSeen):
        reason = _REFUSED.get(found.code, _REFUSED["broken"])
        raise Invalid({name: reason}, reason, detail=found.detail[:_MAX_DETAIL_LENGTH])
    return PdfFacts(
        size=len(data),
        pages=found.pages,
        width=found.first[0],
        height=found.first[1],
        last_width=found.last[0],
        last_height=found.last[1],
        signed=found.signed,
        # NUL is text to some PDFs and an error to PostgreSQL.
        text=nfc(found.text[:most_text]).replace("\x00", "").encode("utf-8", "replace").decode("utf-8"),
    )


def _can_be(found: Seen) -> bool:
    return 0 < found.pages <= pdf_probe.MAX_PAGES and all(map(isfinite, found.first + found.last))


def _probed(data: bytes, name: str, most_text: int, timeout_s: float | None) -> Seen | NotSeen:
    try:
        return pool("reading").run(pdf_probe.facts, data, most_text, timeout_s=timeout_s)
    except SandboxError as broken:
        raise Invalid({name: error_phrase(broken)}, detail=str(broken)[:_MAX_DETAIL_LENGTH]) from None
    except SandboxBusy:
        raise Unavailable(phrase("Hệ thống đang đọc nhiều tệp khác. Xin thử lại sau ít phút.")) from None
