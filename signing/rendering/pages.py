"""The pages of one file, drawn by PDFium with everything that a reader shows on them: content, annotations and the
pictures of form fields. Pixels, time and memory are bounded, as the file may be hostile."""

# mypy: allow-untyped-calls
# (pypdfium2 is typed in parts)

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import thread_time
from typing import Any

from PIL import Image

MAX_PIXELS = 4_000_000
"""Of one picture: an A4 page at 150 dpi has half as many. Larger pages are drawn at a lower resolution."""
FINE = 1.25
"""Pixels per point (90 dpi) at which one page is looked at: a stroke of a letter of 10 pt is more than one wide."""
KEPT_PIXELS = 12_000_000
"""Of all pictures of a file that are kept for the next comparison: 48 MB."""
MAX_ANNOTATIONS = 2_000
"""Of a page that are looked at one by one; beyond it all are taken for what they could be."""
SMALLEST_SIDE = 0.01


Box = tuple[int, int, int, int]
"""Left, upper, right, lower in pixels of a picture."""


class Undrawable(Exception):
    """PDFium cannot open the file, or cannot draw this page."""


class OutOfTime(Exception):
    """The time for looking was over before the page was drawn."""


@dataclass(frozen=True)
class Area:
    """A rectangle on a page: its index (from 0), and the sides in units of the page's user space, as a /Rect has them.

    They are those of the page before it is turned for readers.
    """

    page: int
    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """In units of user space."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In units of user space."""
        return self.top - self.bottom

    def meets(self, other: "Area") -> bool:
        """Whether both have a place in common."""
        return (
            self.page == other.page
            and self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def within(self, other: "Area") -> bool:
        """Whether all of this one lies in the other."""
        return (
            self.page == other.page
            and other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )

    def wider(self, by: float) -> "Area":
        """The same with a margin around it."""
        return Area(self.page, self.left - by, self.bottom - by, self.right + by, self.top + by)


Sides = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sheet:
    """How a page is shown: its whole medium in user space, the turn clockwise in degrees, and the part of the medium
    that most programs show (`cropped`: left, bottom, right, top); others, and some printers, show all of it."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int
    cropped: Sides

    @property
    def shown(self) -> tuple[float, float]:
        """Width and height as a reader sees them, in units of user space."""
        size = (self.right - self.left, self.top - self.bottom)
        return size if self.turn in (0, 180) else (size[1], size[0])

    def pixels(self, scale: float) -> tuple[int, int]:
        """Width and height of the picture at so many pixels per unit."""
        width, height = self.shown
        return max(1, round(width * scale)), max(1, round(height * scale))

    def bounded(self, scale: float) -> float:
        """`scale`, or less where the picture would be too large."""
        width, height = self.shown
        return min(scale, math.sqrt(MAX_PIXELS / max(width * height, SMALLEST_SIDE)))

    def on_picture(self, area: Area, scale: float) -> tuple[float, float, float, float]:
        """Left, upper, right, lower of an area on the picture, in pixels."""
        x, y = self._turned(area.left, area.bottom)
        u, v = self._turned(area.right, area.top)
        (width, height), (across, down) = self.shown, self.pixels(scale)
        by_x, by_y = across / width, down / height
        return min(x, u) * by_x, min(y, v) * by_y, max(x, u) * by_x, max(y, v) * by_y

    def on_page(self, page: int, box: tuple[float, float, float, float], scale: float) -> Area:
        """The area of the page that this part of the picture shows."""
        (width, height), (across, down) = self.shown, self.pixels(scale)
        x, y = self._back(box[0] * width / across, box[1] * height / down)
        u, v = self._back(box[2] * width / across, box[3] * height / down)
        return Area(page, min(x, u), min(y, v), max(x, u), max(y, v))

    def _turned(self, x: float, y: float) -> tuple[float, float]:
        """A place of user space as a reader sees it: from the left upper corner, in units."""
        across, down = x - self.left, self.top - y
        width, height = self.right - self.left, self.top - self.bottom
        turns = {0: (across, down), 90: (height - down, across), 180: (width - across, height - down)}
        return turns.get(self.turn, (down, width - across))

    def _back(self, x: float, y: float) -> tuple[float, float]:
        width, height = self.right - self.left, self.top - self.bottom
        turns = {0: (x, y), 90: (y, height - x), 180: (width - x, height - y)}
        across, down = turns.get(self.turn, (width - y, x))
        return self.left + across, self.top - down


@dataclass(frozen=True)
class Mark:
    """An annotation of a page: where it stands, PDFium's numbers of its subtype and of the kind of field that it shows
    (-1: none), and its flags (ISO 32000, table 167)."""

    area: Area
    subtype: int
    field: int
    flags: int

    @property
    def is_field(self) -> bool:
        """Whether it is the widget of a form's field."""
        return self.subtype == WIDGET

    @property
    def is_signature(self) -> bool:
        """Whether it is the widget of a signature's field."""
        return self.is_field and self.field == SIGNATURE_FIELD

    @property
    def is_empty(self) -> bool:
        """Whether its rectangle has no size: a signature without a picture."""
        return self.area.width < SMALLEST_SIDE or self.area.height < SMALLEST_SIDE

    @property
    def on_paper_only(self) -> bool:
        """Whether screens do not show it though printers may."""
        return bool(self.flags & (NO_VIEW | TOGGLE_NO_VIEW))


WIDGET, SIGNATURE_FIELD = 20, 7
"""FPDF_ANNOT_WIDGET and FPDF_FORMFIELD_SIGNATURE."""
NO_VIEW, TOGGLE_NO_VIEW = 1 << 5, 1 << 8


class Pages:
    """One file for looking at. Opened at once, each page drawn when it is asked for; Undrawable for what is no PDF.

    `until` (of `time.thread_time`) is when drawing has to end. Without `signatures` no field of a signature is shown.
    """

    def __init__(self, data: bytes, *, signatures: bool = True) -> None:
        from pypdfium2 import PdfDocument, PdfiumError
        from pypdfium2 import raw as pdfium

        try:
            self._document = PdfDocument(data)
        except PdfiumError as error:
            raise Undrawable(str(error)) from None
        # PDFium draws fields of forms, signatures among them, in such an environment only. Ours has no scripts.
        self._asked = pdfium.FPDF_FORMFILLINFO(version=2)
        self._form = pdfium.FPDFDOC_InitFormFillEnvironment(self._document, self._asked)
        self.data = data
        self.until = math.inf
        self.count = len(self._document)
        self._signatures = signatures
        self._kept: dict[tuple[int, float, bool], Image.Image] = {}
        self._open: tuple[int, Any] | None = None
        self._cropped: dict[int, Sides] = {}

    def sheet(self, index: int) -> Sheet:
        """How this page is shown."""
        from pypdfium2 import raw as pdfium

        page = self._page(index)
        left, bottom, right, top = _shown_box(page)
        if right - left < SMALLEST_SIDE or top - bottom < SMALLEST_SIDE:
            raise Undrawable("a page without size")
        turn = max(0, pdfium.FPDFPage_GetRotation(page)) * 90
        return Sheet(left, bottom, right, top, turn, self._cropped[index])

    def marks(self, index: int) -> list[Mark] | None:
        """The annotations of a page; None when there are too many of them."""
        return (
            list(_marks(self._page(index), index, self._form)) if _count(self._page(index)) <= MAX_ANNOTATIONS else None
        )

    def picture(self, index: int, scale: float, *, printed: bool = False) -> Image.Image:
        """The whole page, on white, at `scale` pixels per unit: RGBX. Nobody may paint on it: it is kept."""
        key = (index, scale, printed)
        if key not in self._kept:
            width, height = self.sheet(index).pixels(scale)
            drawn = self._draw(index, scale, (0, 0, width, height), printed=printed)
            if sum(one.width * one.height for one in self._kept.values()) + width * height > KEPT_PIXELS:
                self._kept.clear()
            self._kept[key] = drawn
        return self._kept[key]

    def part(self, index: int, scale: float, box: Box, *, signatures: bool = True) -> Image.Image:
        """The same of a part of the picture: left, upper, right, lower in pixels. Without `signatures` no field of one
        is shown, which is for files in which no other field stands on this page, else `Pages` without them.

        It is always drawn as this part: cut out of the whole page, letters differ by a shade at their edges, and parts
        are compared with each other.
        """
        return self._draw(index, scale, box, fields=signatures)

    def _draw(self, index: int, scale: float, box: Box, *, printed: bool = False, fields: bool = True) -> Image.Image:
        from pypdfium2 import PdfBitmap
        from pypdfium2 import raw as pdfium

        page, (width, height) = self._page(index), self.sheet(index).pixels(scale)
        left, upper, right, lower = box
        across, down = right - left, lower - upper
        if across < 1 or down < 1 or across * down > MAX_PIXELS * 1.01:
            raise Undrawable("a picture of no size, or too large")
        bitmap = PdfBitmap.new_native(across, down, pdfium.FPDFBitmap_BGRx, rev_byteorder=True)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, across, down)
        flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER | (pdfium.FPDF_PRINTING if printed else 0)
        place = (-left, -upper, width, height, 0, flags)
        pause = pdfium.IFSDK_PAUSE(version=1)
        pause.NeedToPauseNow = type(pause.NeedToPauseNow)(lambda _: thread_time() > self.until)
        state = pdfium.FPDF_RenderPageBitmap_Start(bitmap, page, *place, pause)
        pdfium.FPDF_RenderPage_Close(page)
        if thread_time() > self.until:
            raise OutOfTime
        if state != pdfium.FPDF_RENDER_DONE:
            raise Undrawable(f"page {index + 1}: state {state}")
        if fields:
            pdfium.FPDF_FFLDraw(self._form, bitmap, page, *place)
        drawn: Image.Image = bitmap.to_pil()
        return drawn

    def _page(self, index: int) -> Any:
        if self._open is None or self._open[0] != index:
            self._close_page()
            page = self._loaded(index)
            if index not in self._cropped and self._made_ready(page, index):
                self._close_page()
                self._loaded(index)
        assert self._open is not None
        return self._open[1]

    def _made_ready(self, page: Any, index: int) -> bool:
        """Have the whole medium shown, and no signatures where none are asked for. True when the page has changed."""
        self._cropped[index] = _shown_box(page)
        changed = _uncropped(page, self._cropped[index])
        return (not self._signatures and _take_signatures_off(page, self._form)) or changed

    def _loaded(self, index: int) -> Any:
        from pypdfium2 import raw as pdfium

        page = pdfium.FPDF_LoadPage(self._document, index) if 0 <= index < self.count else None
        if not page:
            raise Undrawable(f"page {index + 1}")
        pdfium.FORM_OnAfterLoadPage(page, self._form)
        self._open = (index, page)
        return page

    def _close_page(self) -> None:
        from pypdfium2 import raw as pdfium

        if self._open is not None:
            pdfium.FORM_OnBeforeClosePage(self._open[1], self._form)
            pdfium.FPDF_ClosePage(self._open[1])
            self._open = None

    def close(self) -> None:
        """Give the memory back."""
        from pypdfium2 import raw as pdfium

        self._close_page()
        self._kept.clear()
        pdfium.FPDFDOC_ExitFormFillEnvironment(self._form)
        self._document.close()

    def __enter__(self) -> "Pages":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# ---- boxes ----

FAR = 1e6
"""Beyond any medium."""


def _shown_box(page: Any) -> Sides:
    """The part of the medium that is shown; nothing where there is none."""
    from pypdfium2 import raw as pdfium

    box = pdfium.FS_RECTF()
    if not pdfium.FPDF_GetPageBoundingBox(page, box):
        return 0.0, 0.0, 0.0, 0.0
    return box.left, box.bottom, box.right, box.top


def _uncropped(page: Any, shown: Sides) -> bool:
    """Let the page, when it is loaded again, show its whole medium; False when it does so anyhow."""
    from ctypes import c_float

    from pypdfium2 import raw as pdfium

    left, bottom, right, top = (c_float() for _ in range(4))
    if pdfium.FPDFPage_GetMediaBox(page, left, bottom, right, top):
        across, up = sorted((left.value, right.value)), sorted((bottom.value, top.value))
        if (across[0], up[0], across[1], up[1]) == shown:
            return False
    pdfium.FPDFPage_SetCropBox(page, -FAR, -FAR, FAR, FAR)
    return True


# ---- annotations ----


def _count(page: Any) -> int:
    from pypdfium2 import raw as pdfium

    return int(pdfium.FPDFPage_GetAnnotCount(page))


def _marks(page: Any, index: int, form: Any) -> Iterator[Mark]:
    from pypdfium2 import raw as pdfium

    for place in range(_count(page)):
        with _annotation(page, place) as one:
            if one:
                subtype = pdfium.FPDFAnnot_GetSubtype(one)
                field = pdfium.FPDFAnnot_GetFormFieldType(form, one) if subtype == WIDGET else -1
                yield Mark(_area_of(one, index), subtype, field, pdfium.FPDFAnnot_GetFlags(one))


def _take_signatures_off(page: Any, form: Any) -> bool:
    """Whether there were any."""
    from pypdfium2 import raw as pdfium

    taken = False
    for place in reversed(range(min(_count(page), MAX_ANNOTATIONS))):
        with _annotation(page, place) as one:
            goes = bool(one) and pdfium.FPDFAnnot_GetFormFieldType(form, one) == SIGNATURE_FIELD
        taken = (goes and bool(pdfium.FPDFPage_RemoveAnnot(page, place))) or taken
    return taken


def _area_of(one: Any, index: int) -> Area:
    """Where it stands; without a rectangle, nowhere."""
    from pypdfium2 import raw as pdfium

    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(one, rect):
        return Area(index, 0.0, 0.0, 0.0, 0.0)
    left, right = sorted((rect.left, rect.right))
    bottom, top = sorted((rect.bottom, rect.top))
    return Area(index, left, bottom, right, top)


@contextmanager
def _annotation(page: Any, place: int) -> Iterator[Any]:
    from pypdfium2 import raw as pdfium

    one = pdfium.FPDFPage_GetAnnot(page, place)
    try:
        yield one
    finally:
        if one:
            pdfium.FPDFPage_CloseAnnot(one)
