"""Pages written by hand, with every kind of annotation, and two more programs that draw them: poppler and mupdf."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageChops

from kernel.config import bare_environment
from tests.signing.papers import written

A4 = "/MediaBox [0 0 595 842]"
WORDS = "BT /F1 12 Tf 72 700 Td (So tien: 10 trieu dong.) Tj 0 -40 Td (Thoi han: 12 thang.) Tj ET"


@dataclass(frozen=True)
class Page:
    """What a page says, how it is shown, and what lies on it; `marks` are annotations without their /Type."""

    content: str = WORDS
    shape: str = A4
    marks: tuple[str, ...] = ()
    fields: tuple[int, ...] = field(default=())
    """Which of the marks (from 0) are fields of the form."""


BLACK_BOX = "0 0 0 rg 0 0 100 30 re f"


def pdf(*pages: Page, appearance: str = BLACK_BOX, pictures: Sequence[str] = ()) -> bytes:
    """A file of these pages. `{ap}` in a mark is the reference to an appearance that paints a box of 100 × 30, `{ap0}`
    to the first of `pictures`, which are of 100 × 100, and so on."""
    bodies = ["", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    references = {}
    for name, drawn, height in [
        ("{ap}", appearance, 30),
        *((f"{{ap{n}}}", one, 100) for n, one in enumerate(pictures)),
    ]:
        bodies.append(
            f"<< /Type /XObject /Subtype /Form /BBox [0 0 100 {height}] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Length {len(drawn)} >>\nstream\n{drawn}\nendstream"
        )
        references[name] = f"/AP << /N {len(bodies)} 0 R >>"
    kids, fields = [], []
    for page in pages:
        first = len(bodies) + 3
        numbers = range(first, first + len(page.marks))
        fields += [f"{numbers[one]} 0 R" for one in page.fields]
        kids.append(f"{first - 2} 0 R")
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R {page.shape} /Contents {first - 1} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> /Annots [{' '.join(f'{one} 0 R' for one in numbers)}] >>"
        )
        bodies.append(f"<< /Length {len(page.content)} >>\nstream\n{page.content}\nendstream")
        for mark in page.marks:
            for name, reference in references.items():
                mark = mark.replace(name, reference)
            bodies.append(f"<< /Type /Annot {mark} >>")
    form = f"/AcroForm << /Fields [{' '.join(fields)}] /DA (/F1 12 Tf 0 g) /DR << /Font << /F1 3 0 R >> >> >>"
    bodies[0] = f"<< /Type /Catalog /Pages 2 0 R {form if fields else ''} >>"
    bodies[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    return written(bodies)


# ---- other eyes ----


def poppler(data: bytes, folder: Path, *, dpi: int = 72) -> list[Image.Image]:
    """All pages as poppler shows them."""
    return _drawn(["pdftoppm", "-r", str(dpi), "-png", "file.pdf", "page"], data, folder / "poppler")


def mupdf(data: bytes, folder: Path, *, dpi: int = 72) -> list[Image.Image]:
    """All pages as mupdf shows them."""
    return _drawn(["mutool", "draw", "-q", "-r", str(dpi), "-o", "page-%03d.png", "file.pdf"], data, folder / "mupdf")


def _drawn(command: list[str], data: bytes, folder: Path) -> list[Image.Image]:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("page*.png"):
        old.unlink()
    (folder / "file.pdf").write_bytes(data)
    subprocess.run(command, cwd=folder, check=True, env=bare_environment(), capture_output=True, timeout=60)
    pictures = []
    for path in sorted(folder.glob("page*.png")):
        with Image.open(path) as opened:
            pictures.append(opened.convert("RGB"))
    return pictures


def seen_by_others(before: bytes, after: bytes, folder: Path) -> set[int]:
    """The indexes of the pages that at least one of the other programs shows differently."""
    found = set()
    for draw in (poppler, mupdf):
        one, other = draw(before, folder), draw(after, folder)
        found |= set(range(min(len(one), len(other)), max(len(one), len(other))))
        for index, (first, second) in enumerate(zip(one, other, strict=False)):
            if first.size != second.size or ImageChops.difference(first, second).getbbox() is not None:
                found.add(index)
    return found
