"""The facts of a stranger's PDF: read in a process of its own, with little memory and time
(`signing.sandbox.runner`)."""

import io
from dataclasses import dataclass

from pypdf import PageObject, PdfReader

MAX_PAGES = 5000


@dataclass(frozen=True)
class Seen:
    """The facts; sizes in points, of the first and of the last page."""

    pages: int
    first: tuple[float, float]
    last: tuple[float, float]
    signed: bool
    text: str


@dataclass(frozen=True)
class NotSeen:
    """Why there are none: a code, and the kind of error that the library raised."""

    code: str
    detail: str = ""


def facts(data: bytes, most_text: int) -> Seen | NotSeen:
    """Pages, text and whether there are signatures; or a code of refusal."""
    if b"%PDF-" not in data[:1024]:
        return NotSeen("not_pdf")
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted:
            return NotSeen("encrypted")
        pages = len(reader.pages)
        if pages == 0:
            return NotSeen("no_pages")
        if pages > MAX_PAGES:
            return NotSeen("too_many_pages")
        first, last = _size(reader.pages[0]), _size(reader.pages[pages - 1])
        return Seen(pages, first, last, b"/ByteRange" in data, _text(reader, most_text))
    except MemoryError:
        raise
    except Exception as error:  # pypdf raises nearly anything on broken files; what it says may quote them
        return NotSeen("broken", type(error).__name__)


def _size(page: PageObject) -> tuple[float, float]:
    """As the page is shown: cut out of its sheet, and turned."""
    width, height = round(float(page.cropbox.width), 1), round(float(page.cropbox.height), 1)
    return (height, width) if page.rotation % 180 else (width, height)


def _text(reader: PdfReader, most: int) -> str:
    """The text for searching; a page that cannot be read costs its own text only."""
    pieces: list[str] = []
    left = most
    for page in reader.pages:
        if left <= 0:
            break
        try:
            piece = page.extract_text()[:left]
        except MemoryError:
            raise
        except Exception:  # pypdf raises nearly anything on pages that viewers still show
            piece = ""
        pieces.append(piece)
        left -= len(piece)
    return "\n".join(pieces)
