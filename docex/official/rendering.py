"""A paper to HTML to PDF/A, and where on its pages number, date, signature, seal and copy mark stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from docex.official.composing import SIGNATURE, Printable, compose
from docex.official.fonts import letters_lacking, printing_family
from docex.official.layout import Layout
from docex.official.table_widths import parted, whole_width
from signing.pdf.stamps import Box, seal_box

if TYPE_CHECKING:
    from weasyprint import Document
    from weasyprint.urls import URLFetcher

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"

NUMBER = "number"
DAY, MONTH, YEAR = "day", "month", "year"
COPY_MARK = "copy-mark"
OF_COPY = ("sig-copy", "copy-number", "copy-day", "copy-month", "copy-year")
"""The places in the block of a paper copy."""
OTHERS = tuple(f"sig-{n}" for n in range(2, 12))
"""Where the others sign who sign beside the signer."""
ANCHORS = (SIGNATURE, *OF_COPY, *OTHERS, NUMBER, DAY, MONTH, YEAR, COPY_MARK)

_POINTS_PER_PIXEL = 0.75

# WeasyPrint gives no promise for several threads at once, and the work is CPU under the GIL anyway.
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class RenderedPaper:
    """The PDF (PDF/A-3b) and the places on it, in points from the bottom left corner of a page counted from 0.

    `boxes` has those that the paper has of `sig-person`, `sig-2` (the secretary, the other party) and on, `number`,
    `day`, `month`, `year`, `copy-mark`, and of the block of a copy. `sha256` is of the PDF.
    """

    pdf: bytes
    pages: int
    boxes: Mapping[str, Box]
    sha256: str
    lacking: str = ""
    """Letters that the official font has not: they were printed in another font, or as an empty box."""

    @property
    def signature_box(self) -> Box:
        """The space for the handwritten signature, between position and name."""
        return self.boxes[SIGNATURE]

    @property
    def seal_box(self) -> Box:
        """The seal in real size over the left third of the whole signature space; a narrower image moves it."""
        return seal_box(self.signature_box)

    @property
    def number_box(self) -> Box:
        """Where the digits of the number stand, or are to be filled in."""
        return self.boxes[NUMBER]

    @property
    def copy_box(self) -> Box:
        """Top right of page 1: the text mark of a copy or separate annex (box 14)."""
        return self.boxes[COPY_MARK]


def render_pdf(printed: Printable) -> RenderedPaper:
    """The paper as PDF/A-3b, with its places. CPU work of about 100 ms: for workers, not for the web process.

    Raises Unavailable when the machine lacks fonts or libraries for printing. The same paper gives the same bytes.
    """
    family = printing_family()
    sheets = [layout_html(layout, family) for layout in compose(printed)]
    identifier = sha256("".join(sheets).encode()).digest()[:16]
    with _one_at_a_time:
        documents = [_layout(html) for html in sheets]
        # Each layout was paged by itself, so that an annex begins with its own page 1.
        whole = documents[0].copy([page for document in documents for page in document.pages])
        pdf: bytes = whole.write_pdf(pdf_variant="pdf/a-3b", pdf_identifier=identifier)
    return RenderedPaper(pdf, len(whole.pages), _boxes(whole), sha256(pdf).hexdigest(), letters_lacking(sheets))


def render_html(printed: Printable, family: str) -> str:
    """The first part as HTML, the paper without its annexes."""
    return layout_html(compose(printed)[0], family)


def layout_html(layout: Layout, family: str) -> str:
    """A layout as HTML. The same layout gives the same text; every typed character is escaped."""
    code = qr_code(layout.check_url) if layout.check_url else ""
    return _environment().get_template("official/paper.html").render(sheet=layout, family=family, code=code)


def qr_code(url: str) -> Markup:
    """A QR code as a drawing, with the quiet zone of four modules that readers want; a seventh of it may be dirty."""
    code = segno.make(url, error="m", micro=False, boost_error=False)
    return Markup(code.svg_inline(omitsize=True, svgclass=None, lineclass=None))  # noqa: S704 - of our own making


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"whole_width": whole_width, "parted": parted}
    return environment


def _layout(html: str) -> "Document":
    # Imported here, after the fonts were looked at: the import loads Pango, which may be missing.
    from weasyprint import HTML

    return HTML(string=html, url_fetcher=_nothing_from_outside()).render()


@cache
def _nothing_from_outside() -> "URLFetcher":
    from weasyprint.urls import URLFetcher

    class NothingFromOutside(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
        """The templates need no file and no host, so whatever asks for one came with a text: refused."""

        def fetch(self, url: str, headers: object = None) -> object:
            raise ValueError("official papers load nothing")

    return NothingFromOutside()


def _boxes(document: "Document") -> dict[str, Box]:
    found: dict[str, Box] = {}
    for number, page in enumerate(document.pages):
        for name in ANCHORS:
            if name in page.anchors and name not in found:
                left, top, right, bottom = (float(v) * _POINTS_PER_PIXEL for v in page.anchors[name])
                height = float(page.height) * _POINTS_PER_PIXEL
                found[name] = Box(number, left, height - bottom, right - left, bottom - top)
    return found
