"""The places of everything on a page, ready in every letter: the one model that both the PDF and the DOCX are drawn
from.

All rules of wording (upper case, dashes, `;` and `./.`, blank places, balanced lines) are applied before; drawing
adds only the look.
"""

from dataclasses import dataclass
from enum import StrEnum

TOGETHER = 3
"""The last lines of "Nơi nhận" that stay on one page, so that "Lưu: VT" never stands alone on it."""


class Style(StrEnum):
    """How a paragraph is set."""

    TEXT = "text"
    BASIS = "basis"
    HEADING = "heading"
    SECTION = "section"
    RESOLVES = "resolves"
    END = "end"
    LINE = "line"
    """An empty line to write on by hand."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`lead` is the part in bold at its start (`Điều 1.`)."""

    style: Style
    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, all of one length; the first row names the columns and is repeated on every page."""

    rows: tuple[tuple[str, ...], ...]


Block = Paragraph | Table


@dataclass(frozen=True, slots=True)
class Head:
    """Boxes 1 to 4 and 5b. Without `form` the right column has the nation's name; a copy has its form there.

    `number` may be "" for a blank place; without a `notation` there is no line of number, without a `date` none of
    the date. `date` is place, day, month and year.
    """

    parent: tuple[str, ...]
    agency: tuple[str, ...]
    number: str = ""
    notation: str = ""
    about: str = ""
    date: tuple[str, str, str, str] | None = None
    form: str = ""


@dataclass(frozen=True, slots=True)
class Title:
    """Box 5a: the name of the type, the abstract, a line in italics under it. `label` ("Phụ lục I") stands above."""

    name: str = ""
    subject: str = ""
    note: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A framed word: of urgency in red, of circulation in black."""

    text: str
    width: int
    red: bool


@dataclass(frozen=True, slots=True)
class Greeting:
    """Box 9a: `label` ("Kính gửi") and who is addressed; several stand in a list."""

    label: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """Boxes 7a to 7c: lines of position, a space with the name `anchor`, the name of who signs."""

    offices: tuple[str, ...]
    name: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Foot:
    """Boxes 7 and 9b. One signature stands beside the recipients; several stand above them, two in a row.

    `beside` are the lines level with the signature, `below` those that run on under it.
    """

    signatures: tuple[Signature, ...]
    label: str
    beside: tuple[str, ...]
    below: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[tuple[Signature, ...], ...]:
        """Several signatures, two by two, in the order of reading."""
        return tuple(self.signatures[n : n + 2] for n in range(0, len(self.signatures), 2))


@dataclass(frozen=True, slots=True)
class Layout:
    """Pages with numbers of their own: a paper, or one of its annexes. `copy` comes under a rule after the end."""

    about: tuple[str, str, str]
    """Title, author and subject of the file."""
    blocks: tuple[Block, ...]
    head: Head | None = None
    stamps: tuple[Stamp, ...] = ()
    title: Title | None = None
    issuer: str = ""
    greeting: Greeting | None = None
    foot: Foot | None = None
    acknowledgement: tuple[str, ...] = ()
    """Lines under the signature for another hand: who received, who confirms."""
    typist: str = ""
    contact: tuple[str, ...] = ()
    check_url: str = ""
    copy: "Layout | None" = None
