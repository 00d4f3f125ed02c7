"""Run as a program of its own: read a stranger's PDF from stdin with little memory and time, say what it is.

A hostile PDF can loop, eat memory or break the interpreter's stack; here that ends this process only. One line of
JSON on stdout: `{"refused": code}` or the facts. Imports nothing of the house.
"""

import io
import json
import resource
import sys

from pypdf import PageObject, PdfReader
from pypdf.errors import PdfReadError

MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 60
MOST_PAGES = 5000


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def facts(data: bytes, most_text: int) -> dict[str, object]:
    """Pages, text and whether there are signatures; or a code of refusal."""
    if b"%PDF-" not in data[:1024]:
        return {"refused": "not_pdf"}
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted:
            return {"refused": "encrypted"}
        pages = len(reader.pages)
        if pages == 0:
            return {"refused": "no_pages"}
        if pages > MOST_PAGES:
            return {"refused": "too_many_pages"}
        first, last = _size(reader.pages[0]), _size(reader.pages[pages - 1])
        return {
            "pages": pages,
            "width": first[0],
            "height": first[1],
            "last_width": last[0],
            "last_height": last[1],
            "signed": b"/ByteRange" in data,
            "text": _text(reader, most_text),
        }
    except (PdfReadError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        return {"refused": "broken", "detail": f"{type(error).__name__}: {error}"[:300]}


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


if __name__ == "__main__":
    _limit()
    found = facts(sys.stdin.buffer.read(), int(sys.argv[1]))
    sys.stdout.write("\n" + json.dumps(found) + "\n")
