"""Pages that are shown turned (scanners write them so) or cut out of a larger sheet: from the place that people see to
the place in the file, and pictures that stand upright there (ISO 32000-2 §§7.7.3.3, 12.5.5).
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.rw_common import find_inherited_value_in_tree
from pyhanko.stamp import StaticStampStyle
from pyhanko.stamp.static import StaticContentStamp

Corners = tuple[float, float, float, float]

_UPRIGHT = {90: (0, 1, -1, 0, 0, 0), 180: (-1, 0, 0, -1, 0, 0), 270: (0, -1, 1, 0, 0, 0)}


@dataclass(frozen=True)
class Shown:
    """How a page is shown: the rectangle of the file that people see, and by how much it is turned clockwise."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int

    @property
    def plain(self) -> bool:
        """Whether places in the file are those that people see."""
        return not (self.turn or self.left or self.bottom)

    def in_file(self, corners: Corners) -> Corners:
        """A rectangle that people see, from the bottom left corner of what they see, as the file has it."""
        x1, y1, x2, y2 = corners
        match self.turn:
            case 90:
                return self.right - y2, self.bottom + x1, self.right - y1, self.bottom + x2
            case 180:
                return self.right - x2, self.top - y2, self.right - x1, self.top - y1
            case 270:
                return self.left + y1, self.top - x2, self.left + y2, self.top - x1
        return self.left + x1, self.bottom + y1, self.left + x2, self.bottom + y2


def shown(page: generic.DictionaryObject) -> Shown:
    """How this page is shown."""
    box = _inherited(page, "/CropBox") or _inherited(page, "/MediaBox") or (0, 0, 595, 842)
    a, b, c, d = (float(side) for side in box)
    turn = int(_inherited(page, "/Rotate") or 0) % 360
    return Shown(min(a, c), min(b, d), max(a, c), max(b, d), turn if turn in _UPRIGHT else 0)


def page_of(writer: IncrementalPdfFileWriter, number: int) -> generic.DictionaryObject:
    """A page by its number, from the end when that is negative."""
    found: generic.DictionaryObject = writer.find_page_for_modification(number)[0].get_object()
    return found


def _inherited(page: generic.DictionaryObject, key: str) -> Any:
    return find_inherited_value_in_tree(page, key, "/Parent")


@dataclass(frozen=True)
class TurnedStyle(StaticStampStyle):
    """A style whose picture stands upright on a page that is shown turned by `turn`."""

    turn: int = 0

    def create_stamp(self, writer: Any, box: BoxConstraints, text_params: dict[str, Any]) -> StaticContentStamp:
        """Draw it lying, and say how it is to be turned."""
        lying = BoxConstraints(width=box.height, height=box.width) if self.turn % 180 else box
        return _TurnedStamp(writer=writer, style=self, box=lying)


class _TurnedStamp(StaticContentStamp):
    def as_form_xobject(self) -> generic.StreamObject:
        drawn: generic.StreamObject = super().as_form_xobject()
        matrix = (generic.NumberObject(number) for number in _UPRIGHT[self.style.turn])
        drawn[pdf_name("/Matrix")] = generic.ArrayObject(matrix)
        return drawn


def turned(style: StaticStampStyle, turn: int) -> StaticStampStyle:
    """The style for a page that is shown turned by so much."""
    if not turn:
        return style
    return TurnedStyle(
        border_width=style.border_width,
        background=style.background,
        background_layout=style.background_layout,
        background_opacity=style.background_opacity,
        turn=turn,
    )
