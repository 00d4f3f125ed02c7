"""Where signatures go on a PDF that was made elsewhere: above the signer's printed name, else low on the right.

Called by the worker after `official.uploads` has read the same pages in a process with limits.
"""

import io
import logging
from typing import Any

from pypdf import PdfReader

from kernel.text import fold
from signing.pdf.stamps import MM, TEXT_MARK_SIZE, Box

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 60 * MM, 25 * MM
_ABOVE_NAME = 1.2  # letter heights between the name's base line and the signature
_LETTER = 0.5  # mean width of a letter, in letter heights


def spot_for(data: bytes, signer: str, page_width: float, page_height: float) -> Box:
    """The place for the leader's signature on the last page; the seal follows it."""
    fallback = low_right(page_width, page_height)
    try:
        name = _printed_name(data, signer)
    except Exception:  # pypdf raises nearly anything on pages that viewers still show
        log.info("no place found by name in an uploaded PDF", exc_info=True)
        return fallback
    if name is None:
        return fallback
    x, y, size = name
    left = x + len(signer) * size * _LETTER / 2 - fallback.width / 2
    bottom = y + size * _ABOVE_NAME
    if not (0 <= left <= page_width - fallback.width and 0 < bottom <= page_height - fallback.height):
        return fallback
    return Box(-1, left, bottom, fallback.width, fallback.height)


def low_right(page_width: float, page_height: float) -> Box:
    """Where Decree 30, Annex I has box 7; a page smaller than A4 shrinks it."""
    scale = min(1.0, page_width / (210 * MM), page_height / (297 * MM))
    width, height = WIDTH * scale, HEIGHT * scale
    return Box(-1, page_width - width - 25 * MM * scale, 45 * MM * scale, width, height)


def top_right(page_width: float, page_height: float) -> Box:
    """Where box 14 stands on page 1: the agency's signature on copies and on attachments in files of their own."""
    width, height = TEXT_MARK_SIZE
    scale = min(1.0, page_width / (210 * MM))
    width, height = width * scale, height * scale
    return Box(0, page_width - width - 15 * MM * scale, page_height - height - 8 * MM * scale, width, height)


def _printed_name(data: bytes, signer: str) -> tuple[float, float, float] | None:
    """Left end, base line and letter height of the last line of the last page that says the name and no more."""
    lines: dict[int, list[tuple[float, str, float]]] = {}

    def note(text: str, cm: list[float], tm: list[float], _font: Any, size: float) -> None:
        if text.strip():
            x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            high = abs(size * (tm[3] or tm[0]) * (cm[3] or cm[0]))
            lines.setdefault(round(y), []).append((x, text, high))

    page = PdfReader(io.BytesIO(data), strict=False).pages[-1]
    if page.rotation % 360:  # a scanned page, most likely; where letters stand on it is another reckoning
        return None
    page.extract_text(visitor_text=note)
    wanted = fold(signer)
    for y in sorted(lines):
        pieces = sorted(lines[y])
        if fold("".join(text for _, text, _ in pieces)).strip() == wanted:
            left, bottom = float(page.cropbox.left), float(page.cropbox.bottom)
            return pieces[0][0] - left, float(y) - bottom, min(max(pieces[0][2], 8.0), 20.0)
    return None
