"""Tables whose longest words do not fit side by side: which of them may be parted, so that no table leaves the page."""

import math
import re
from collections.abc import Sequence

from markupsafe import Markup, escape

_ROOM = 467.0
_AROUND = 9.0
"""Points between the margins, and of padding and rule in each column."""
_NARROW, _FIGURE, _LETTER, _WIDE = 4.4, 6.5, 7.3, 11
"""Points of a character at 13 pt bold: signs, digits, letters, capitals. No word may be wider than it is taken for."""
_WORD = re.compile(r"\S+")


def whole_width(rows: Sequence[Sequence[str]]) -> float:
    """How wide a word of this table may be, in points, and stay whole; endless when all have room side by side."""
    columns = sorted(_widest(column) for column in zip(*rows, strict=True))
    room = _ROOM - _AROUND * len(columns)
    for place, width in enumerate(columns):
        fair = room / (len(columns) - place)
        if width > fair:
            return fair
        room -= width
    return math.inf


def parted(cell: str, most: float) -> Markup:
    """A cell as HTML, each typed character escaped: words wider than `most` points may be broken, no others."""
    return Markup(_WORD.sub(lambda word: _marked(word[0], most), cell))  # noqa: S704 - each word is escaped


def _marked(word: str, most: float) -> Markup:
    return Markup('<span class="long">{}</span>').format(word) if _width(word) > most else escape(word)


def _widest(cells: Sequence[str]) -> float:
    return max((_width(word) for cell in cells for word in cell.split()), default=0)


def _width(word: str) -> float:
    return sum(map(_points, word))


def _points(char: str) -> float:
    if char in ".,:;/-()il":
        return _NARROW
    if char.isdecimal():
        return _FIGURE
    return _LETTER if char.islower() and char not in "mw" else _WIDE
