"""Run as a program of its own: the text of a stranger's PDF or DOCX, for the search.

Argument 1 is the file, argument 2 how many letters are wanted. One line of JSON on stdout: `{"text": …}` or
`{"refused": code}`. A file that loops, eats memory or unpacks to gigabytes ends this process only. Imports nothing of
the house.
"""

import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import IO

MEMORY_BYTES = 1024**3
CPU_SECONDS = 30
MOST_PAGES = 500
UNPACKED_BYTES = 200 * 1024**2
MOST_MEMBERS = 5_000


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def read(file: IO[bytes], most: int) -> dict[str, object]:
    """The text, cut at `most` letters, or why there is none."""
    head = file.read(1024)
    file.seek(0)
    if b"%PDF-" in head:
        return _taken(_pdf(file), most)
    if head[:4] == b"PK\x03\x04":
        return _taken(_docx(file), most)
    return {"refused": "other"}


def _taken(pieces: Iterator[str], most: int) -> dict[str, object]:
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
    except Exception as error:  # the libraries raise nearly anything on broken files
        if not text:
            return {"refused": "broken", "detail": f"{type(error).__name__}: {error}"[:300]}
    return {"text": "\n".join(text)}


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


if __name__ == "__main__":
    _limit()
    with open(sys.argv[1], "rb") as given:
        found = read(given, int(sys.argv[2]))
    sys.stdout.write("\n" + json.dumps(found) + "\n")
