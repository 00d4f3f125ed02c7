"""Small real PDFs."""

import io

from pypdf import PdfWriter


def pdf(pages: int, password: str = "") -> bytes:
    """A PDF with so many empty pages, perhaps locked."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
