"""What readers show of a paper: PDFium, poppler and mupdf, small and grey, as bytes that can be compared."""

# mypy: allow-untyped-calls
# (pypdfium2 is typed in parts)

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pypdfium2
from PIL import Image, ImageDraw

from tests.signing.forgery.updating import reader_of

DPI = 36
Box = tuple[float, float, float, float]


def by_pdfium(data: bytes) -> list[Image.Image]:
    """All pages with annotations and widgets; nothing when PDFium cannot open the file."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return []
    try:
        document.init_forms()
        return [page.render(scale=DPI / 72, grayscale=True, may_draw_forms=True).to_pil() for page in document]
    except pypdfium2.PdfiumError:
        return []
    finally:
        document.close()


def by_poppler(data: bytes) -> list[Image.Image]:
    """All pages by pdftoppm."""
    return _drawn(data, ["pdftoppm", "-r", str(DPI), "-gray", "in.pdf", "out"])


def by_mupdf(data: bytes) -> list[Image.Image]:
    """All pages by mutool."""
    return _drawn(data, ["mutool", "draw", "-q", "-r", str(DPI), "-c", "gray", "-o", "out-%d.pgm", "in.pdf"])


def _drawn(data: bytes, command: list[str]) -> list[Image.Image]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.pdf").write_bytes(data)
        subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=60)
        found = sorted(Path(folder).glob("out*"), key=lambda path: (len(path.name), path.name))
        return [Image.open(path).copy() for path in found]


READERS = {"pdfium": by_pdfium, "poppler": by_poppler, "mupdf": by_mupdf}


def same(before: list[Image.Image], after: list[Image.Image], masks: dict[int, list[Box]] | None = None) -> bool:
    """Whether two pictures are the same outside of these boxes (points from the bottom left, by page)."""
    if len(before) != len(after):
        return False
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        boxes = (masks or {}).get(number, [])
        if without(one, boxes).tobytes() != without(other, boxes).tobytes():
            return False
    return True


def without(image: Image.Image, boxes: list[Box]) -> Image.Image:
    """The picture of a page with these boxes painted over."""
    drawn, point = image.copy(), DPI / 72
    for left, bottom, right, top in boxes:
        corners = (
            left * point - 2,
            image.height - top * point - 2,
            right * point + 2,
            image.height - bottom * point + 2,
        )
        ImageDraw.Draw(drawn).rectangle(corners, fill=0)
    return drawn


def signature_boxes(data: bytes) -> dict[int, list[Box]]:
    """Where signature and number fields stand, by page; of pages that are shown upright."""
    reader = reader_of(data)
    found: dict[int, list[Box]] = {}
    for number, kid in enumerate(reader.root["/Pages"]["/Kids"]):
        page = kid.get_object()
        for reference in page["/Annots"] if "/Annots" in page else ():  # noqa: SIM401 - `get` would not follow references
            field = reference.get_object()
            if field.get("/FT") in ("/Sig", "/Tx"):
                found.setdefault(number, []).append(_box(field["/Rect"]))
    return found


def _box(sides: Sequence[object]) -> Box:
    left, bottom, right, top = (float(str(side)) for side in sides)
    return left, bottom, right, top
