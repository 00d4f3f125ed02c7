"""Whether the picture of a later signature hides, changes or completes what already stood on the page.

What an agency's seal may do (Decree 30/2020, Annex I): stand over the left third of the person's signature, where its
rim meets the words above and below. What nobody may do: make other words of those that were signed.
"""

import re
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from time import thread_time

from PIL import Image, ImageChops, ImageFilter

from signing.rendering.pages import FINE, Area, Box, OutOfTime, Pages, Sheet, Undrawable

INK = 90
"""Levels (of 255) by which a pixel is darker than white paper, in its darkest colour, to be ink."""
LOST = 60
"""Levels by which ink becomes lighter before it counts as lost."""
CHANGED = 48
"""Levels of any colour by which ink has become another."""
RED = 25
"""Levels by which red outshines green and blue in the ink of a seal, also where it is mixed with black at an edge."""
MOSTLY = 0.8
"""Part of a seal's ink that is red; where it crosses a signature it may be mixed with that one's blue."""
FEW = 1.0
"""Square points that may differ anywhere, as edges are drawn smooth: less than a full stop or a dot above."""
NEAR = 3.0
"""Points around ink within which new ink could make another sign or another word of it: a blank of 12 pt is as wide."""
LETTER = 12.0
"""Points of a square in which a letter stands: of the ink in none of them a seal may cross more than `CROSSED`."""
CROSSED = 0.85
HIDDEN = 0.5
"""Part of an earlier signature's ink that a later picture may change; a seal in its place crosses less than a third."""
GAP = 36.0
"""Points of blank paper that a picture keeps to words on one of its sides, so that it never stands inside a line."""
SLACK = 3.0
"""Points by which something may stand higher or lower than the words of a line and still be read with them."""
SEAL_SIDES = (57.0, 128.0)
"""Shortest and longest side of the box of a seal, in points: 20 to 45 mm; the round one of an agency has 36 mm."""
SEAL_SHAPE = 1.15
HAIR = 0.01
"""Points by which two writings of one rectangle may differ."""
RULED = 36.0
"""Points in a row without a break that are a drawn line or a filled area, and no letter."""


class Covering(StrEnum):
    """What is wrong with a picture, the gravest first."""

    LOST = "lost"
    """Ink of the page has become paper: something was hidden."""
    CHANGED = "changed"
    """Ink of the page has another colour, and it is not a seal that crosses it."""
    SIGNATURE = "signature"
    """More than half of an earlier signature's picture was changed."""
    TOUCHED = "touched"
    """New ink, not a seal's, stands at the page's own and could make another sign of it."""
    AMONG_WORDS = "among_words"
    """The picture stands inside a line, with words at its left and right."""
    NOT_SEEN = "not_seen"
    """The page could not be drawn."""


@dataclass(frozen=True)
class Covered:
    """What was found: the faults of the picture in `area`, and the figures behind them: pixels of the page's ink in the
    box, those that were lost or changed or touched, and the changed part of the earlier signatures' ink (0 to 1)."""

    area: Area
    faults: tuple[Covering, ...] = ()
    ink: int = 0
    lost: int = 0
    changed: int = 0
    touched: int = 0
    hidden: float = 0.0

    @property
    def allowed(self) -> bool:
        """Whether the picture stands where it may."""
        return not self.faults


def covered_ink(before: bytes | Pages, after: bytes | Pages, area: Area, budget_s: float = 5.0) -> Covered:
    """Look at the picture that `after` shows in `area`, the box of a signature that `before` does not have yet.

    The rule, with B the page before without signatures, S the earlier signatures, and P the new picture, at 90 dpi:
    1. No ink of B becomes lighter (`LOST`) and none another colour, except under a seal (2), beyond `FEW`; no
       new ink stands within `NEAR` of ink of B. Lines and areas that are longer than any stroke of a letter may be
       touched, but not hidden. So no word can be covered, and no stroke be added to a digit.
    2. A seal is P in a box nearly square, 20 to 45 mm, of red ink, that meets the box of an earlier signature. Its red
       may cross ink of B as long as it stays ink, and at most `CROSSED` of the ink in any square of `LETTER` points.
    3. At most `HIDDEN` of the ink of each signature in S is changed.
    4. P stands in no line: on its left or on its right the page is blank for `GAP` points at the height of P.
    A picture in blank paper between paragraphs stays possible: its signer is named beside it. Never raises for what a
    file does; what cannot be drawn is `NOT_SEEN`.
    """
    with ExitStack() as opened:
        try:
            old = opened.enter_context(_opened(before))
            new = opened.enter_context(_opened(after))
            old.until = new.until = thread_time() + budget_s
            return _verified(old, new, area)
        except (Undrawable, OutOfTime):
            return Covered(area, (Covering.NOT_SEEN,))


def _opened(file: bytes | Pages) -> AbstractContextManager[Pages]:
    return Pages(file) if isinstance(file, bytes) else nullcontext(file)


def _verified(old: Pages, new: Pages, area: Area) -> Covered:
    sheet = old.sheet(area.page)
    if sheet != new.sheet(area.page):
        return Covered(area, (Covering.NOT_SEEN,))
    marks = old.marks(area.page)
    if marks is None:
        return Covered(area, (Covering.NOT_SEEN,))
    # PDFium keeps rectangles in single precision, so the field's own box is told by being within a hair of it.
    earlier = [one.area for one in marks if one.is_signature and one.area.meets(area) and not _same(one.area, area)]
    views = _views(old, new, sheet, area, earlier, plain=all(one.is_signature or not one.is_field for one in marks))
    if views is None or ImageChops.difference(views.old, views.new).getbbox() is None:
        return Covered(area)
    hidden = [_hidden(views.cropped(box)) for box in views.earlier]
    shown = [one for one in hidden if one is not None]  # a field that is still to be filled shows nothing
    return _weighed(views, area, max(shown, default=0.0), sealing=bool(shown) and _like_a_seal(area))


def _same(one: Area, other: Area) -> bool:
    return one.within(other.wider(HAIR)) and other.within(one.wider(HAIR))


# ---- pictures of the places ----


@dataclass(frozen=True)
class _Views:
    """The surroundings of the box: the page alone, with what was signed before, and with the new picture; in them the
    boxes of earlier signatures. `scale` is in pixels per point."""

    base: Image.Image
    old: Image.Image
    new: Image.Image
    earlier: tuple[Box, ...]
    scale: float

    def cropped(self, box: Box) -> "_Views":
        """A part of them."""
        return _Views(self.base.crop(box), self.old.crop(box), self.new.crop(box), (), self.scale)


def _views(old: Pages, new: Pages, sheet: Sheet, area: Area, earlier: list[Area], *, plain: bool) -> _Views | None:
    """None when nothing of the box is on the page. `plain` says that the page has no fields but those of signatures."""
    scale = sheet.bounded(FINE)
    box = _pixels(sheet, area, scale)
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    beside, above = round((GAP + NEAR) * scale) + 2, round(SLACK * scale) + 2
    width, height = sheet.pixels(scale)
    boxes = [one for one in (_pixels(sheet, each, scale) for each in earlier) if one[0] < one[2] and one[1] < one[3]]
    around = (
        max(0, min(box[0] - beside, *(one[0] for one in boxes), width)),
        max(0, min(box[1] - above, *(one[1] for one in boxes), height)),
        min(width, max(box[2] + beside, *(one[2] for one in boxes), 0)),
        min(height, max(box[3] + above, *(one[3] for one in boxes), 0)),
    )
    left, upper = around[:2]
    inner = tuple((one[0] - left, one[1] - upper, one[2] - left, one[3] - upper) for one in boxes)
    signed, now = (one.part(area.page, scale, around) for one in (old, new))
    if plain:
        return _Views(old.part(area.page, scale, around, signatures=False), signed, now, inner, scale)
    with Pages(old.data, signatures=False) as base:
        base.until = old.until
        return _Views(base.part(area.page, scale, around), signed, now, inner, scale)


def _pixels(sheet: Sheet, area: Area, scale: float) -> Box:
    """The pixels that an area touches, and one more on each side, as far as they are on the page."""
    width, height = sheet.pixels(scale)
    left, upper, right, lower = sheet.on_picture(area, scale)
    return (
        min(width, max(0, int(left) - 1)),
        min(height, max(0, int(upper) - 1)),
        max(0, min(width, int(right) + 2)),
        max(0, min(height, int(lower) + 2)),
    )


def _like_a_seal(area: Area) -> bool:
    short, long = sorted((area.width, area.height))
    return SEAL_SIDES[0] <= short <= long <= SEAL_SIDES[1] and long <= short * SEAL_SHAPE


# ---- weighing ----


def _hidden(views: _Views) -> float | None:
    """Which part of a signature's ink has become another; None when it has none."""
    ink = ImageChops.multiply(_over(ImageChops.difference(views.base, views.old), CHANGED), _ink(views.old))
    all_of_it = _amount(ink)
    # A stroke is gone, too, where only the paper beside it was painted in its colour.
    changed = _grown(_over(ImageChops.difference(views.old, views.new), CHANGED), views.scale)
    return _amount(ImageChops.multiply(ink, changed)) / all_of_it if all_of_it else None


def _weighed(views: _Views, area: Area, hidden: float, *, sealing: bool) -> Covered:
    added = _over(ImageChops.difference(views.old, views.new), CHANGED)
    found = added.getbbox()
    signature = (Covering.SIGNATURE,) if hidden > HIDDEN else ()
    if found is None:
        return Covered(area, signature, hidden=hidden)
    beside, above = round((GAP + NEAR) * views.scale), round(SLACK * views.scale) + 1
    near = (
        max(0, found[0] - beside),
        max(0, found[1] - above),
        min(added.width, found[2] + beside),
        min(added.height, found[3] + above),
    )
    added, views = added.crop(near), views.cropped(near)
    ink = _ink(views.base)
    if ink.getbbox() is None:
        return Covered(area, signature, hidden=hidden)
    return _compared(views, ink, added, Covered(area, signature, hidden=hidden), sealing=sealing)


def _compared(views: _Views, ink: Image.Image, added: Image.Image, so_far: Covered, *, sealing: bool) -> Covered:
    """What the new picture does to the page's own ink."""
    letters = _without_ruled(ink, views.scale)
    red = _red(views.new)
    if not sealing or _amount(ImageChops.multiply(added, red)) < MOSTLY * _amount(
        ImageChops.multiply(added, _ink(views.new))
    ):
        sealing, red = False, Image.new("L", ink.size)
    lighter = _over(ImageChops.subtract(_darkness(views.base), _darkness(views.new)), LOST)
    lost = _amount(ImageChops.multiply(ink, lighter))
    changed = ImageChops.multiply(letters, added)
    not_red = ImageChops.multiply(added, ImageChops.invert(red))
    touching = ImageChops.multiply(ImageChops.multiply(not_red, _ink(views.new)), _grown(letters, views.scale))
    touched = _amount(ImageChops.subtract(touching, letters))
    few = max(2, round(FEW * views.scale**2))
    found = {
        Covering.LOST: lost > few,
        Covering.CHANGED: _amount(ImageChops.multiply(changed, not_red)) > few
        or _crossed_too_much(letters, changed, views.scale),
        Covering.SIGNATURE: bool(so_far.faults),
        Covering.TOUCHED: touched > few,
        Covering.AMONG_WORDS: not sealing and _inside_a_line(letters, added, views.scale),
    }
    faults = tuple(fault for fault, there in found.items() if there)
    return Covered(so_far.area, faults, _amount(ink), lost, _amount(changed), touched, so_far.hidden)


# ---- masks: 255 where it is so, 0 elsewhere ----


def _darkness(picture: Image.Image) -> Image.Image:
    """How far from white, in the darkest of the three colours."""
    red, green, blue = picture.split()[:3]
    return ImageChops.invert(ImageChops.darker(ImageChops.darker(red, green), blue))


def _ink(picture: Image.Image) -> Image.Image:
    return _darkness(picture).point(lambda level: 255 if level >= INK else 0)


def _red(picture: Image.Image) -> Image.Image:
    red, green, blue = picture.split()[:3]
    return ImageChops.subtract(red, ImageChops.lighter(green, blue)).point(lambda level: 255 if level >= RED else 0)


def _over(difference: Image.Image, least: int) -> Image.Image:
    """Where a difference has at least so many levels in one of its colours."""
    bands = difference.split()[:3]
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    return most.point(lambda level: 255 if level >= least else 0)


def _amount(mask: Image.Image) -> int:
    return mask.histogram()[255]


def _grown(mask: Image.Image, scale: float) -> Image.Image:
    """With `NEAR` around it."""
    return mask.filter(ImageFilter.BoxBlur(round(NEAR * scale))).point(lambda level: 255 if level else 0)


def _without_ruled(ink: Image.Image, scale: float) -> Image.Image:
    """The ink without what runs on longer than a stroke of any letter: rules, borders of tables, filled areas."""
    long = re.compile(b"\xff{%d,}" % max(4, round(RULED * scale)))
    for _ in range(2):
        rows = ink.tobytes()
        wide = ink.width
        cleared = b"".join(
            long.sub(lambda found: bytes(len(found[0])), rows[start : start + wide])
            for start in range(0, len(rows), wide)
        )
        ink = Image.frombytes("L", ink.size, cleared).transpose(Image.Transpose.TRANSPOSE)
    return ink


def _crossed_too_much(letters: Image.Image, recoloured: Image.Image, scale: float) -> bool:
    """Whether, of the ink of some letter, more than `CROSSED` has become another colour."""
    side = max(2, round(LETTER * scale))
    crossed = ImageChops.multiply(letters, recoloured)
    found = crossed.getbbox()
    if found is None:
        return False
    step = max(1, side // 2)
    for upper in range(max(0, found[1] - step), found[3], step):
        for left in range(max(0, found[0] - step), found[2], step):
            window = (left, upper, left + side, upper + side)
            ink = _amount(letters.crop(window))
            if ink > 2 * side and _amount(crossed.crop(window)) > CROSSED * ink:
                return True
    return False


def _inside_a_line(letters: Image.Image, added: Image.Image, scale: float) -> bool:
    """Whether words stand within `GAP` at the left and at the right of some part of the new picture."""
    gap, line, slack = round(GAP * scale), max(2, round(LETTER * scale / 2)), round(SLACK * scale)
    found = added.getbbox()
    if found is None:
        return False
    for upper in range(found[1], found[3], line):
        part = added.crop((0, upper, added.width, upper + line)).getbbox()
        if part is None:
            continue
        rows = (max(0, upper - slack), min(letters.height, upper + line + slack))
        left = letters.crop((max(0, part[0] - gap), rows[0], part[0], rows[1]))
        right = letters.crop((part[2], rows[0], min(letters.width, part[2] + gap), rows[1]))
        if _amount(left) and _amount(right):
            return True
    return False
