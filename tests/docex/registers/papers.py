"""Papers with text in them, and broken ones."""

import io
import zipfile

from docx import Document as WordDocument

from docex.official.paper import Paper
from docex.official.rendering import render_pdf


def pdf(body: str) -> bytes:
    """A letter as PDF."""
    paper = Paper(
        kind="letter",
        agency="Văn phòng",
        notation="VP",
        place="Thành phố Mẫu",
        subject="Tệp làm sẵn",
        body=body,
        signer="Trần Quốc Bình",
        position="Phó Chánh Văn phòng",
    )
    return render_pdf(paper).pdf


def word(*paragraphs: str, cell: str = "") -> bytes:
    """A Word document, with a table when `cell` is given."""
    document = WordDocument()
    for text in paragraphs:
        document.add_paragraph(text)
    if cell:
        document.add_table(rows=1, cols=1).cell(0, 0).text = cell
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def bomb() -> bytes:
    """A DOCX of a few kilobytes that unpacks to 300 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * (300 * 1024**2))
    return out.getvalue()
