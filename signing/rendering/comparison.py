"""Whether a page looks today as it looked when it was signed.

Both states of the file are drawn by the same program at the same resolution, so every pixel counts: what differs
outside the boxes of later, allowed signatures was changed, whatever the file calls the change.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from time import thread_time

from PIL import Image, ImageChops

from signing.rendering.pages import FINE, Area, Box, OutOfTime, Pages, Sheet, Undrawable

__all__ = ["Area", "Comparison", "Difference", "Undrawable", "compare"]

MAX_PAGES = 500
"""Further pages are never compared, and told as such."""
SCALES = ((2, FINE), (8, 1.0), (20, 0.8), (MAX_PAGES, 0.6))
"""Up to so many pages, so many pixels per point: 90, 72, 58 and 43 dpi. Another digit differs in each."""
MAX_AREAS = 12
"""Of a page; where more places differ, one area is told that has them all."""
SAME_PLACE = 0.5
"""Points that two writings of the same rectangle may differ by."""
_CELL, _NEAR = 6, 2
"""Pixels of a cell in which differences are gathered, and how many empty cells may lie between those of one area."""


@dataclass(frozen=True)
class Difference:
    """A place that looks different, or where an annotation came or went that is no allowed field.

    `area` is None when the page as a whole differs: it has another size or turn, is missing or new, or can be drawn in
    one of the two states only. `printed` is told of what only printers show.
    """

    page: int
    area: Area | None
    printed: bool = False


@dataclass(frozen=True)
class Comparison:
    """What was seen. `compared` are the indexes of the pages that were, `left_out` of those for which the time or the
    means did not suffice: of them nothing is known. `pages` is the number of pages, signed and now."""

    differences: tuple[Difference, ...]
    pages: tuple[int, int]
    compared: tuple[int, ...]
    left_out: tuple[int, ...]

    @property
    def same(self) -> bool:
        """Whether all pages were compared and none differs."""
        return not self.differences and not self.left_out and self.pages[0] == self.pages[1]


def compare(
    before: bytes | Pages,
    after: bytes | Pages,
    allowed: Sequence[Area],
    budget_s: float,
    first_pages: Sequence[int] = (),
) -> Comparison:
    """Compare the file as it was signed, `before`, with the present one outside the `allowed` areas.

    `first_pages` are compared first; pages for which `budget_s` seconds do not suffice are `left_out`. Whoever compares
    several states with the same one opens it as `Pages` once, and its pictures are used again. Equal bytes are not
    drawn. Undrawable when PDFium opens the signed file, or today's, not at all.
    """
    with ExitStack() as opened:
        signed, now = (opened.enter_context(Pages(one)) if isinstance(one, bytes) else one for one in (before, after))
        pages = (signed.count, now.count)
        common = min(*pages, MAX_PAGES)
        if signed.data == now.data:
            return Comparison((), pages, tuple(range(signed.count)), ())
        signed.until = now.until = thread_time() + budget_s
        differences = [Difference(index, None) for index in range(min(pages), min(max(pages), MAX_PAGES))]
        compared, left_out = list[int](), list(range(MAX_PAGES, min(pages)))
        scale = _scale_for(common)
        for index in dict.fromkeys([*(one for one in first_pages if 0 <= one < common), *range(common)]):
            try:
                found = list(_on_page(signed, now, index, scale, [one for one in allowed if one.page == index]))
            except OutOfTime:
                left_out.append(index)
            else:
                differences += found
                (left_out if found == _UNKNOWN else compared).append(index)
        known = tuple(one for one in differences if one.page >= 0)
        return Comparison(known, pages, tuple(sorted(compared)), tuple(sorted(left_out)))


_UNKNOWN = [Difference(-1, None)]
"""A page that cannot be drawn in either state: nothing is known of it."""


def _scale_for(pages: int) -> float:
    return next(scale for most, scale in SCALES if pages <= most)


def _on_page(signed: Pages, now: Pages, index: int, scale: float, allowed: list[Area]) -> Iterator[Difference]:
    states = [_state(signed, index), _state(now, index)]
    if states[0] != states[1]:
        yield Difference(index, None)
        return
    sheet = states[0]
    if sheet is None:
        yield from _UNKNOWN
        return
    marks = list(_new_marks(signed, now, index, allowed))
    yield from (Difference(index, area) for area in marks)
    scale = sheet.bounded(scale)
    for printed in (False, True) if _prints_more(signed, index) or _prints_more(now, index) else (False,):
        pictures = [_drawn(one, index, scale, printed) for one in (signed, now)]
        if pictures[0] is None or pictures[1] is None:
            yield from _UNKNOWN if pictures == [None, None] else [Difference(index, None, printed)]
            return
        boxes = [_outer(sheet.on_picture(area, scale), pictures[0].size) for area in allowed]
        for box in _different(pictures[0], pictures[1], boxes):
            place = sheet.on_page(index, box, scale)
            if not any(mark is not None and place.within(mark.wider(1 / scale + SAME_PLACE)) for mark in marks):
                yield Difference(index, place, printed)


def _state(pages: Pages, index: int) -> Sheet | None:
    try:
        return pages.sheet(index)
    except Undrawable:
        return None


def _drawn(pages: Pages, index: int, scale: float, printed: bool) -> Image.Image | None:
    try:
        return pages.picture(index, scale, printed=printed)
    except Undrawable:
        return None


def _prints_more(pages: Pages, index: int) -> bool:
    """Whether something is shown by printers that screens do not show."""
    marks = pages.marks(index)
    return marks is None or any(one.on_paper_only for one in marks)


def _new_marks(signed: Pages, now: Pages, index: int, allowed: list[Area]) -> Iterator[Area | None]:
    """Where annotations came or went that are no allowed field: some are drawn by other programs only, some lead away
    from the page when they are clicked, and none of them was signed."""
    marks = signed.marks(index), now.marks(index)
    if marks[0] is None or marks[1] is None:
        if marks != (None, None):
            yield None
        return
    before, after = Counter(marks[0]), Counter(marks[1])
    for one in (before - after) + (after - before):
        if one.is_signature and one.is_empty:
            continue
        if not one.is_field or not any(one.area.within(area.wider(SAME_PLACE)) for area in allowed):
            yield one.area


def _outer(box: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
    """The pixels that an area touches, and one more on each side: edges are drawn smooth."""
    left, upper, right, lower = box
    return (
        min(size[0], max(0, math.floor(left) - 1)),
        min(size[1], max(0, math.floor(upper) - 1)),
        max(0, min(size[0], math.ceil(right) + 1)),
        max(0, min(size[1], math.ceil(lower) + 1)),
    )


def _different(one: Image.Image, other: Image.Image, allowed: Sequence[Box]) -> list[Box]:
    """The areas, in pixels, in which two pictures of one size differ outside the allowed boxes."""
    apart = ImageChops.difference(one, other)
    for box in allowed:
        if box[0] < box[2] and box[1] < box[3]:
            apart.paste((0, 0, 0, 0), box)
    if apart.getbbox() is None:
        return []
    red, green, blue = apart.split()[:3]
    mask = ImageChops.lighter(ImageChops.lighter(red, green), blue).point(lambda level: 255 if level else 0)
    return _gathered(mask)


def _gathered(mask: Image.Image) -> list[Box]:
    """Rectangles around what belongs together."""
    cells = mask.reduce(_CELL)
    wide = cells.width
    marked = {(place % wide, place // wide) for place, level in enumerate(cells.tobytes()) if level}
    groups = list(_groups(marked))
    if len(groups) > MAX_AREAS:
        groups = [marked]
    return [_around(mask, group) for group in groups]


def _groups(marked: Iterable[tuple[int, int]]) -> Iterator[set[tuple[int, int]]]:
    left = set(marked)
    steps = range(-_NEAR, _NEAR + 1)
    while left:
        waiting = [left.pop()]
        group = set(waiting)
        while waiting:
            x, y = waiting.pop()
            near = {(x + dx, y + dy) for dx in steps for dy in steps} & left
            left -= near
            group |= near
            waiting += near
        yield group


def _around(mask: Image.Image, group: set[tuple[int, int]]) -> Box:
    columns, rows = [x for x, _ in group], [y for _, y in group]
    left, upper = min(columns) * _CELL, min(rows) * _CELL
    right, lower = min(mask.width, (max(columns) + 1) * _CELL), min(mask.height, (max(rows) + 1) * _CELL)
    exact = mask.crop((left, upper, right, lower)).getbbox()
    if exact is None:
        return left, upper, right, lower
    return left + exact[0], upper + exact[1], left + exact[2], upper + exact[3]
