"""The text of a stranger's PDF or DOCX, for the search. Done in a process of its own (`signing.sandbox.runner`): a
file that loops, eats memory or unpacks to gigabytes ends that process only.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import IO

MAX_PAGES = 500
UNPACKED_BYTES = 200 * 1024**2
MAX_MEMBERS = 5_000


def warm_up() -> None:
    """Read two papers of our own, so that libraries are ready before a file comes (`signing.sandbox.child_process`)."""
    for paper in own_papers():
        read(paper, 1000)


def own_papers() -> tuple[bytes, bytes]:
    """A PDF and a DOCX with a few words in them."""
    return _own_pdf(), _own_docx()


def _own_pdf() -> bytes:
    """Written by hand, without its table: PDFium makes one for files that lack it."""
    text = b"BT /F1 12 Tf 72 720 Td (Cong van) Tj ET"
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, part) for number, part in enumerate(parts, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n<</Root 1 0 R/Size 6>>\n%%EOF\n"


def _own_docx() -> bytes:
    from docx import Document

    document = Document()
    document.add_paragraph("Công văn")
    document.add_table(1, 1)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def read(data: bytes, most: int) -> str:
    """The text, cut at `most` letters; none when it cannot be read."""
    if b"%PDF-" in data[:1024]:
        return _taken(_pdf(data), most)
    if data[:4] == b"PK\x03\x04":
        return _taken(_docx(io.BytesIO(data)), most)
    return ""


def _taken(pieces: Iterator[str], most: int) -> str:
    """The text that was read before the end, the limit or the first thing that cannot be read."""
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


_PLAIN = {ord("\r"): None, 0xFFFE: None}
"""PDFium ends lines as Windows does, and writes U+FFFE for a hyphen at the end of a line that belongs to no word."""


def _pdf(data: bytes) -> Iterator[str]:
    from pypdfium2 import PdfDocument, PdfiumError

    document = PdfDocument(data)
    for number in range(min(len(document), MAX_PAGES)):
        try:
            page = document[number]
            text = page.get_textpage()
            yield text.get_text_bounded().translate(_PLAIN)
        except PdfiumError:  # a page that cannot be read costs its own text only
            yield ""
            continue
        text.close()
        page.close()


def _docx(file: IO[bytes]) -> Iterator[str]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > UNPACKED_BYTES:
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
