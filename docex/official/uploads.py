"""PDFs that people and foreign systems hand in: are they real, and what do they say?

The work is done by a child process with limits (`pdfprobe.py`), so that no file can stop or fill a worker. The
received bytes are never changed.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kernel.errors import Invalid
from kernel.text import Phrase, nfc, phrase

_PROBE = Path(__file__).with_name("pdfprobe.py")
_SECONDS = 90
MOST_TEXT = 400_000
"""Letters of text kept for searching: some 150 pages."""

_REFUSED: dict[str, Phrase] = {
    "not_pdf": phrase("Tệp này không phải là PDF."),
    "encrypted": phrase("Tệp PDF đặt mật khẩu. Hãy bỏ mật khẩu rồi tải lên lại."),
    "no_pages": phrase("Tệp PDF không có trang nào."),
    "too_many_pages": phrase("Tệp PDF có quá nhiều trang."),
    "broken": phrase("Tệp PDF bị hỏng, không mở được. Hãy xuất lại từ phần mềm soạn thảo."),
}


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What is known of a PDF. Widths and heights are in points, of the first and of the last page; `text` is NFC,
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


def check_pdf(data: bytes, most_bytes: int, *, name: str = "file", most_text: int = MOST_TEXT) -> PdfFacts:
    """The facts of an uploaded PDF. For workers: it starts a process and may take seconds.

    Raises Invalid on the field `name` when the file is empty, larger than `most_bytes`, no PDF, encrypted or broken.
    """
    if not data:
        raise Invalid({name: phrase("Tệp trống, không có nội dung.")})
    if len(data) > most_bytes:
        limit = f"{most_bytes / 1024**2:.0f}"
        raise Invalid({name: phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=limit)})
    if not looks_like_pdf(data):
        raise Invalid({name: _REFUSED["not_pdf"]})
    found = _probed(data, most_text)
    if "refused" in found:
        reason = _REFUSED.get(str(found["refused"]), _REFUSED["broken"])
        raise Invalid({name: reason}, reason, detail=str(found.get("detail", "")))
    return PdfFacts(
        size=len(data),
        pages=int(str(found["pages"])),
        width=float(str(found["width"])),
        height=float(str(found["height"])),
        last_width=float(str(found["last_width"])),
        last_height=float(str(found["last_height"])),
        signed=bool(found["signed"]),
        # NUL is text to some PDFs and an error to PostgreSQL.
        text=nfc(str(found["text"])).replace("\x00", "").encode("utf-8", "replace").decode("utf-8"),
    )


def _probed(data: bytes, most_text: int) -> dict[str, object]:
    command = [sys.executable, "-P", str(_PROBE), str(most_text)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)
        found = json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError, IndexError, BrokenPipeError) as error:
        return {"refused": "broken", "detail": type(error).__name__}
    return found if isinstance(found, dict) else {"refused": "broken", "detail": f"exit {done.returncode}"}
