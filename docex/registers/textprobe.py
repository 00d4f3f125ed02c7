"""The text of a stranger's PDF or DOCX, for the search. Done in a process of its own (`signing.isolation`): a file that
loops, eats memory or unpacks to gigabytes ends that process only.
"""

import io
import zipfile
from collections.abc import Iterator
from importlib import import_module
from typing import IO

MOST_PAGES = 500
UNPACKED_BYTES = 200 * 1024**2
MOST_MEMBERS = 5_000


def warm_up() -> None:
    """Load what reading needs, once for all files (`signing.isolated`)."""
    for name in ("pypdf", "docx.table"):
        import_module(name)


def read(data: bytes, most: int) -> str:
    """The text, cut at `most` letters; none when it cannot be read."""
    if b"%PDF-" in data[:1024]:
        return _taken(_pdf(io.BytesIO(data)), most)
    if data[:4] == b"PK\x03\x04":
        return _taken(_docx(io.BytesIO(data)), most)
    return ""


def _taken(pieces: Iterator[str], most: int) -> str:
    """What was read before the end, the limit or the first thing that cannot be read."""
    text: list[str] = []
    left = most
    try:
        for piece in pieces:
            text.append(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
    except MemoryError:
        raise
    except Exception:  # noqa: S110 - the libraries raise nearly anything on broken files; what came before it counts
        pass
    return "\n".join(text)


def _pdf(file: IO[bytes]) -> Iterator[str]:
    from pypdf import PdfReader

    for page in PdfReader(file, strict=False).pages[:MOST_PAGES]:
        try:
            yield page.extract_text()
        except MemoryError:
            raise
        except Exception:  # a page that cannot be read costs its own text only
            yield ""


def _docx(file: IO[bytes]) -> Iterator[str]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS or sum(m.file_size for m in members) > UNPACKED_BYTES:
            raise ValueError("unpacks to too much")
        if "word/document.xml" not in archive.namelist():
            raise ValueError("no Word document")
    file.seek(0)
    from docx import Document
    from docx.table import Table

    for block in Document(file).iter_inner_content():
        if isinstance(block, Table):
            yield from (" ".join(cell.text for cell in row.cells) for row in block.rows)
        else:
            yield block.text
