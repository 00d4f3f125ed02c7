"""Where signatures stand on the page and how they look (Decree 30/2020, Annex I, Part I 7d, 8 and Part II).

A person: the blue handwritten signature, centred between position and name. An agency: the red seal in real size,
covering one third of the person's signature on its left. Copies and separate attachments: no image, a text of 10 pt.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from html import escape
from io import BytesIO
from threading import Lock

from PIL import Image
from pyhanko.pdf_utils.content import PdfContent, RawContent
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.layout import AxisAlignment, BoxConstraints, InnerScaling, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.stamp import StaticStampStyle

from kernel.errors import Invalid
from kernel.text import phrase

MM = 72 / 25.4
"""Points in a millimetre."""

SEAL_DIAMETER = 36 * MM
"""The round seal of an agency in real size."""

SEAL_COVERS = 1 / 3
"""Part of the person's signature image that lies under the seal."""

MAX_PIXELS = 4_000_000


@dataclass(frozen=True)
class Box:
    """A rectangle on a page: PDF points (1/72 inch), origin at the bottom left corner of the page.

    `page` counts from 0; a negative number counts from the end (-1 is the last page).
    """

    page: int
    x: float
    y: float
    width: float
    height: float

    @classmethod
    def from_top_mm(
        cls, page: int, left: float, top: float, width: float, height: float, page_height: float = 297.0
    ) -> "Box":
        """The same rectangle from millimetres measured from the top left corner, as HTML layouts do."""
        return cls(page=page, x=left * MM, y=(page_height - top - height) * MM, width=width * MM, height=height * MM)

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Lower left and upper right, as a PDF /Rect has them."""
        return (self.x, self.y, self.x + self.width, self.y + self.height)

    def centred(self, width: float, height: float) -> "Box":
        """The largest rectangle of this shape that fits, in the middle of this one."""
        scale = min(self.width / width, self.height / height)
        w, h = width * scale, height * scale
        return Box(self.page, self.x + (self.width - w) / 2, self.y + (self.height - h) / 2, w, h)


def signature_box(anchor: Box, png: bytes) -> Box:
    """Where a person's signature image stands inside the space that the template leaves for it."""
    image = read_image(png)
    return anchor.centred(image.width, image.height)


def seal_box(signature: Box, diameter: float = SEAL_DIAMETER) -> Box:
    """Where the seal stands over `signature`: on its left, at its middle height, covering one third of it."""
    radius = diameter / 2
    middle_y = signature.y + signature.height / 2
    low, high = signature.x - radius, signature.x + signature.width / 2
    if _covered(signature, high, radius) < SEAL_COVERS:
        # An image much taller than the seal: let it reach over the left third.
        low = high = signature.x + signature.width * SEAL_COVERS - radius
    for _ in range(40):
        middle_x = (low + high) / 2
        if _covered(signature, middle_x, radius) < SEAL_COVERS:
            low = middle_x
        else:
            high = middle_x
    return Box(signature.page, (low + high) / 2 - radius, middle_y - radius, diameter, diameter)


def _covered(box: Box, centre_x: float, radius: float) -> float:
    """The part of `box` under a circle that stands at its middle height."""
    strips = 120
    width = 0.0
    for strip in range(strips):
        up = box.height * ((strip + 0.5) / strips - 0.5)
        if abs(up) < radius:
            half = math.sqrt(radius * radius - up * up)
            width += max(0.0, min(centre_x + half, box.x + box.width) - max(centre_x - half, box.x))
    return width / strips / box.width


def read_image(png: bytes) -> Image.Image:
    """A signature or seal image; Invalid unless it is a PNG of reasonable size. Parsed once."""
    return _image(sha256(png).digest(), png)


@lru_cache(maxsize=64)
def _image(key: bytes, png: bytes) -> Image.Image:
    try:
        image = Image.open(BytesIO(png), formats=["PNG"])
        if image.width * image.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        return image.convert("RGBA")
    except (OSError, ValueError, SyntaxError) as error:
        why = phrase("Ảnh chữ ký hoặc con dấu phải là tệp PNG nền trong suốt.")
        raise Invalid({"image": why}, why) from error


_FILL = SimpleBoxLayoutRule(
    x_align=AxisAlignment.ALIGN_MID,
    y_align=AxisAlignment.ALIGN_MID,
    margins=Margins.uniform(0),
    inner_content_scaling=InnerScaling.STRETCH_FILL,
)


def image_style(png: bytes) -> StaticStampStyle:
    """The appearance of a signature field that shows this image and nothing else."""
    return StaticStampStyle(
        background=PdfImage(read_image(png)), background_layout=_FILL, border_width=0, background_opacity=1.0
    )


def empty_style() -> StaticStampStyle:
    """The appearance of a signature that shows nothing on the page."""
    return StaticStampStyle(background=RawContent(b"", box=BoxConstraints(1, 1)), border_width=0)


TEXT_MARK_SIZE = (170.0, 30.0)
"""Width and height in points of the text block on copies, as measured on documents in use."""

SEAL_MARK_SIZE = (SEAL_DIAMETER, SEAL_DIAMETER)
"""The same of a text in the place of a seal."""


MARK_LETTER, MARK_LEADING = 10.0, 1.15
"""Size of its letters in points, and the height of a line as a multiple of it."""
MAX_MARK_LINES = 12

ONE_DRAWING_AT_A_TIME = Lock()
"""WeasyPrint promises nothing to several threads at once; whoever draws with it in a worker holds this."""


def text_mark(lines: Sequence[str], width: float, height: float) -> bytes:
    """A one-page PDF with the text of a copy or separate attachment: Times New Roman, regular, 10 pt, black.

    Lines are, for example, `SAO Y`, the agency and the signing time in ISO 8601 with +07:00. Long ones are broken, and
    the page gets as high as they need: no word of them is lost (`mark_box`).
    """
    from weasyprint import HTML  # loads Pango; web processes import this module and never draw

    body = "".join(f"<div>{escape(line)}</div>" for line in lines)
    with ONE_DRAWING_AT_A_TIME:
        for _ in range(MAX_MARK_LINES):
            style = (
                f"@page {{ size: {width:.2f}pt {height:.2f}pt; margin: 0 }} body {{ margin: 0; color: black; "
                f"orphans: 1; widows: 1; font: {MARK_LETTER}pt/{MARK_LEADING} "
                '"Times New Roman", Tinos, "Liberation Serif", serif }'
            )
            drawn = HTML(string=f"<style>{style}</style>{body}").render()
            if len(drawn.pages) == 1:
                break
            height += MARK_LETTER * MARK_LEADING
        pdf: bytes = drawn.write_pdf()
    return pdf


def mark_box(box: Box, mark: bytes) -> Box:
    """Where a mark stands whose place is `box`: as wide, with the same upper edge, and as low as its lines need."""
    left, bottom, right, top = (float(side) for side in _reader(mark).root["/Pages"]["/Kids"][0]["/MediaBox"])
    height = (top - bottom) * box.width / (right - left)
    return Box(box.page, box.x, box.y + box.height - height, box.width, height)


def _reader(pdf: bytes) -> PdfFileReader:
    return PdfFileReader(BytesIO(pdf))


class _PageOf(PdfContent):
    """The first page of a small PDF as content of a stamp."""

    def __init__(self, pdf: bytes) -> None:
        super().__init__()
        self._pdf = pdf

    def render(self) -> bytes:
        writer = self.writer
        assert writer is not None
        drawing = writer.import_page_as_xobject(_reader(self._pdf), page_ix=0)
        name = "/Mark"
        self.resources.xobject[pdf_name(name)] = drawing
        left, bottom, right, top = drawing.get_object()["/BBox"]
        self.box = BoxConstraints(width=abs(right - left), height=abs(top - bottom))
        return name.encode() + b" Do"


def text_style(mark: bytes) -> StaticStampStyle:
    """The appearance of a signature field that shows a text drawn by `text_mark`."""
    return StaticStampStyle(background=_PageOf(mark), background_layout=_FILL, border_width=0)
