"""The text of a stranger's PDF or DOCX, for the search. Done in a process of its own (`signing.isolation`): a file that
loops, eats memory or unpacks to gigabytes ends that process only.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import IO

MOST_PAGES = 500
UNPACKED_BYTES = 200 * 1024**2
MOST_MEMBERS = 5_000


def warm_up() -> None:
    """Read two papers of our own, so that libraries are ready before a file comes (`signing.isolated`)."""
    for paper in own_papers():
        read(paper, 1000)


def own_papers() -> tuple[bytes, bytes]:
    """A PDF and a DOCX with a few words in them."""
    return _own_pdf(), _own_docx()


def _own_pdf() -> bytes:
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    page = writer.add_blank_page(595, 842)
    font = DictionaryObject({NameObject(f"/{key}"): NameObject(f"/{value}") for key, value in _FONT.items()})
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
    )
    text = DecodedStreamObject()
    text.set_data(b"BT /F1 12 Tf 72 720 Td (Cong van) Tj ET")
    page[NameObject("/Contents")] = writer._add_object(text.flate_encode())
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


_FONT = {"Type": "Font", "Subtype": "Type1", "BaseFont": "Helvetica", "Encoding": "WinAnsiEncoding"}


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
