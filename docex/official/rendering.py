"""A paper to HTML to PDF/A, and where on its pages number, date, signature, seal and copy mark stand."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from docex.edxml.codes import PRIORITIES, Priority
from docex.official.body import RESOLVING_KINDS, balanced, clean, paragraphs
from docex.official.fonts import printing_family
from docex.official.paper import Contact, Invitation, Paper, date_line
from signing.stamps import Box, seal_box

if TYPE_CHECKING:
    from weasyprint import Document
    from weasyprint.urls import URLFetcher

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"

SIGNATURE = "sig-person"
NUMBER = "number"
DAY, MONTH, YEAR = "day", "month", "year"
COPY_MARK = "copy-mark"
ANCHORS = (SIGNATURE, NUMBER, DAY, MONTH, YEAR, COPY_MARK)

_POINTS_PER_PIXEL = 0.75
_LINES_BESIDE = 14
"""Lines of "Nơi nhận" beside the signature; the rest goes below it and may run over the page."""

_STAMP_WIDTHS = {
    Priority.URGENT: 20,
    Priority.VERY_URGENT: 40,
    Priority.EXPRESS: 30,
    Priority.EXPRESS_TIMED: 60,
}
"""Millimetres, Annex I.II.10b; the timed one has no size of its own there."""

# WeasyPrint gives no promise for several threads at once, and the work is CPU under the GIL anyway.
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class RenderedPaper:
    """The PDF (PDF/A-3b) and the places on it, in points from the bottom left corner of a page counted from 0.

    `boxes` has `sig-person`, `number`, `day`, `month`, `year` and `copy-mark`. `sha256` is of the PDF.
    """

    pdf: bytes
    pages: int
    boxes: Mapping[str, Box]
    sha256: str

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


def render_pdf(paper: Paper) -> RenderedPaper:
    """The paper as PDF/A-3b, with its places. CPU work of about 100 ms: for workers, not for the web process.

    Raises Unavailable when the machine lacks fonts or libraries for printing. The same paper gives the same bytes.
    """
    html = render_html(paper, printing_family())
    identifier = sha256(html.encode()).digest()[:16]
    with _one_at_a_time:
        document = _layout(html)
        pdf: bytes = document.write_pdf(pdf_variant="pdf/a-3b", pdf_identifier=identifier)
    return RenderedPaper(pdf, len(document.pages), _boxes(document), sha256(pdf).hexdigest())


def render_html(paper: Paper, family: str) -> str:
    """The page as HTML. The same paper gives the same text; every typed character is escaped."""
    paper = _cleaned(paper)
    lines = [f"- {line.strip(' -').rstrip(' .;')};" for line in paper.recipients]
    lines.append(f"- Lưu: {paper.archive.rstrip(' .;')}.")
    return (
        _environment()
        .get_template("official/paper.html")
        .render(
            paper=paper,
            family=family,
            paragraphs=paragraphs(paper.body, paper.kind),
            resolving=RESOLVING_KINDS,
            title=f"{paper.document_kind.label.msgid} {paper.number}/{paper.notation}",
            date=date_line(paper.place, paper.issued_on),
            urgency=_urgency(paper.urgency),
            beside=lines[:_LINES_BESIDE],
            below=lines[_LINES_BESIDE:],
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters["balanced"] = balanced
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


def _urgency(priority: Priority) -> tuple[str, int] | None:
    width = _STAMP_WIDTHS.get(priority)
    return (PRIORITIES[priority].msgid.upper(), width) if width else None


_Record = TypeVar("_Record", bound=Paper | Invitation | Contact)
_LINES_KEPT = frozenset({"body", "position"})


def _cleaned(record: _Record) -> _Record:
    """Composed letters, no control characters, and no line ends but where lines mean something."""
    values: dict[str, Any] = {}
    for place in fields(record):
        value = getattr(record, place.name)
        if isinstance(value, Invitation | Contact):
            values[place.name] = _cleaned(value)
        elif isinstance(value, tuple):
            values[place.name] = tuple(line for line in map(_one_line, value) if line)
        elif type(value) is str:
            values[place.name] = clean(value) if place.name in _LINES_KEPT else _one_line(value)
    return replace(record, **values)


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())
