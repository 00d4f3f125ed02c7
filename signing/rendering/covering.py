"""Whether the picture of a later signature hides, changes or completes what already stood on the page.

What an agency's seal may do (Decree 30/2020, Annex I): stand over the left third of the person's signature, where its
rim meets the words above and below. What nobody may do: make other words of those that were signed.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

from PIL import Image, ImageChops, ImageFilter

from signing.rendering.pages import Area, Pages, Sheet, Undrawable

SCALE = 2.0
"""Pixels per point (144 dpi): a stroke of a letter of 10 pt is two pixels wide."""
INK = 90
"""Levels (of 255) by which a pixel is darker than white paper, in its darkest colour, to be ink."""
LOST = 60
"""Levels by which ink becomes lighter before it counts as lost."""
CHANGED = 48
"""Levels of any colour by which ink has become another."""
RED = 60
"""Levels by which red outshines green and blue in the ink of a seal."""
FEW_PIXELS = 12
"""Pixels at `SCALE` that may differ anywhere, as edges are drawn smooth: 3 square points, less than a full stop."""
NEAR = 1.5
"""Points around ink within which new ink could make another sign of it."""
LETTER = 12.0
"""Points of a square in which a letter stands: of the ink in none of them a seal may cross more than `CROSSED`."""
CROSSED = 0.6
HIDDEN = 0.5
"""Part of an earlier signature's ink that a later picture may change; a seal in its place crosses less than a third."""
GAP = 36.0
"""Points of blank paper that a picture keeps to words on one of its sides, so that it never stands inside a line."""
SEAL_SIDES = (57.0, 128.0)
"""Shortest and longest side of the box of a seal, in points: 20 to 45 mm; the round one of an agency has 36 mm."""
SEAL_SHAPE = 1.15
MARGIN = 40.0
"""Points around the box that are looked at, for the words beside it."""
RULED = 72
"""Pixels in a row without a break that are a drawn line or a filled area, and no letter."""


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
    """Judge the picture that `after` shows in `area`, the box of a signature that `before` does not have yet.

    The rule, with B the page before without signatures, S the earlier signatures, and P the new picture, at 144 dpi:
    1. No ink of B becomes lighter (`LOST`) and none another colour, except under a seal (2), beyond `FEW_PIXELS`; no
       new ink stands within `NEAR` of ink of B. Lines and areas that are longer than any stroke of a letter may be touched,
       but not hidden. So no word can be covered, and no stroke be added to a digit.
    2. A seal is P in a box nearly square, 20 to 45 mm, of red ink, that meets the box of an earlier signature. Its red
       may cross ink of B as long as it stays ink, and at most `CROSSED` of the ink in any square of `LETTER` points.
    3. At most `HIDDEN` of the ink of each signature in S is changed.
    4. P stands in no line: on its left or on its right the page is blank for `GAP` points at the height of P.
    A picture in blank paper between paragraphs stays possible: its signer is named beside it. Never raises for what a
    file does; what cannot be drawn is `NOT_SEEN`.
    """
    try:
        with _opened(before, signatures=False) as base, _opened(before) as old, _opened(after) as new:
            base.until = old.until = new.until = monotonic() + budget_s
            return _judged(base, old, new, area)
    except (Undrawable, TimeoutError):
        return Covered(area, (Covering.NOT_SEEN,))


@dataclass(frozen=True)
class _Views:
    """The surroundings of the box: the page alone, with what was signed, and with the new picture."""

    base: Image.Image
    old: Image.Image
    new: Image.Image
    box: tuple[int, int, int, int]
    """The box itself within these."""
    scale: float


def _judged(base: Pages, old: Pages, new: Pages, area: Area) -> Covered:
    index = area.page
    sheet = old.sheet(index)
    if sheet != new.sheet(index):
        return Covered(area, (Covering.NOT_SEEN,))
    views = _views((base, old, new), sheet, area)
    if views is None or ImageChops.difference(views.old, views.new).getbbox() is None:
        return Covered(area)
    earlier = [one.area for one in old.marks(index) or () if one.signature and one.area.meets(area)]
    hidden = max((_hidden(base, old, new, sheet, one) for one in earlier), default=0.0)
    sealing = bool(earlier) and _like_a_seal(area)
    return _weighed(views, area, hidden, sealing)


def _weighed(views: _Views, area: Area, hidden: float, sealing: bool) -> Covered:
    ink = _ink(views.base)
    letters = _without_ruled(ink)
    added = _over(ImageChops.difference(views.old, views.new), CHANGED)
    red = _red(views.new) if sealing else Image.new("L", ink.size)
    lighter = _over(ImageChops.subtract(_darkness(views.base), _darkness(views.new)), LOST)
    lost = ImageChops.multiply(ink, lighter)
    recoloured = ImageChops.multiply(ink, added)
    foreign = ImageChops.multiply(recoloured, ImageChops.invert(red))
    new_ink = ImageChops.multiply(ImageChops.multiply(added, _ink(views.new)), ImageChops.invert(red))
    around = _grown(letters, round(NEAR * views.scale))
    touched = ImageChops.multiply(new_ink, around)
    few = max(3, round(FEW_PIXELS * (views.scale / SCALE) ** 2))
    faults = []
    if _amount(lost) > few:
        faults.append(Covering.LOST)
    if _amount(ImageChops.multiply(foreign, letters)) > few or _crossed_too_much(letters, recoloured, views.scale):
        faults.append(Covering.CHANGED)
    if hidden > HIDDEN:
        faults.append(Covering.SIGNATURE)
    if _amount(touched) > few:
        faults.append(Covering.TOUCHED)
    if not sealing and _inside_a_line(letters, added, views.scale):
        faults.append(Covering.AMONG_WORDS)
    return Covered(area, tuple(faults), _amount(ink), _amount(lost), _amount(recoloured), _amount(touched), hidden)


# ---- pictures of the places ----


def _opened(file: bytes | Pages, *, signatures: bool = True) -> Pages:
    """A file of its own for looking at, as its time is our own."""
    return Pages(file if isinstance(file, bytes) else file.data, signatures=signatures)


def _views(files: tuple[Pages, Pages, Pages], sheet: Sheet, area: Area) -> _Views | None:
    """None when nothing of the box is on the page."""
    scale = sheet.bounded(SCALE)
    around = _pixels(sheet, area.wider(MARGIN), scale)
    box = _pixels(sheet, area, scale)
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    inner = (box[0] - around[0], box[1] - around[1], box[2] - around[0], box[3] - around[1])
    base, old, new = (one.part(area.page, scale, around) for one in files)
    return _Views(base, old, new, inner, scale)


def _pixels(sheet: Sheet, area: Area, scale: float) -> tuple[int, int, int, int]:
    width, height = sheet.pixels(scale)
    left, upper, right, lower = sheet.on_picture(area, scale)
    return (
        min(width, max(0, int(left) - 1)),
        min(height, max(0, int(upper) - 1)),
        max(0, min(width, int(right) + 2)),
        max(0, min(height, int(lower) + 2)),
    )


def _hidden(base: Pages, old: Pages, new: Pages, sheet: Sheet, area: Area) -> float:
    """Which part of a signature's ink has become another."""
    scale = sheet.bounded(SCALE)
    box = _pixels(sheet, area, scale)
    if box[0] >= box[2] or box[1] >= box[3]:
        return 0.0
    without, shown, now = (one.part(area.page, scale, box) for one in (base, old, new))
    ink = ImageChops.multiply(_over(ImageChops.difference(without, shown), CHANGED), _ink(shown))
    all_of_it = _amount(ink)
    changed = ImageChops.multiply(ink, _over(ImageChops.difference(shown, now), CHANGED))
    return _amount(changed) / all_of_it if all_of_it else 0.0


def _like_a_seal(area: Area) -> bool:
    short, long = sorted((area.width, area.height))
    return SEAL_SIDES[0] <= short <= long <= SEAL_SIDES[1] and long <= short * SEAL_SHAPE


# ---- masks: 255 where it is so, 0 elsewhere ----


def _darkness(picture: Image.Image) -> Image.Image:
    """How far from white, in the darkest of the three colours."""
    red, green, blue = picture.split()
    return ImageChops.invert(ImageChops.darker(ImageChops.darker(red, green), blue))


def _ink(picture: Image.Image) -> Image.Image:
    return _darkness(picture).point(lambda level: 255 if level >= INK else 0)


def _red(picture: Image.Image) -> Image.Image:
    red, green, blue = picture.split()
    return ImageChops.subtract(red, ImageChops.lighter(green, blue)).point(lambda level: 255 if level >= RED else 0)


def _over(difference: Image.Image, least: int) -> Image.Image:
    """Where a difference has at least so many levels in one of its colours."""
    bands = difference.split()
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    return most.point(lambda level: 255 if level >= least else 0)


def _amount(mask: Image.Image) -> int:
    return mask.histogram()[255]


def _grown(mask: Image.Image, by: int) -> Image.Image:
    return mask.filter(ImageFilter.MaxFilter(2 * by + 1))


def _without_ruled(ink: Image.Image) -> Image.Image:
    """The ink without what runs on longer than a stroke of any letter: rules, borders of tables, filled areas."""
    for _ in range(2):
        long = re.compile(b"\xff{%d,}" % RULED)
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
            if ink > side and _amount(crossed.crop(window)) > CROSSED * ink:
                return True
    return False


def _inside_a_line(letters: Image.Image, added: Image.Image, scale: float) -> bool:
    """Whether words stand within `GAP` at the left and at the right of some part of the new picture."""
    gap, line = round(GAP * scale), max(2, round(LETTER * scale / 2))
    found = added.getbbox()
    if found is None:
        return False
    for upper in range(found[1], found[3], line):
        part = added.crop((0, upper, added.width, upper + line)).getbbox()
        if part is None:
            continue
        row = letters.crop((0, upper, letters.width, upper + line))
        left = row.crop((max(0, part[0] - gap), 0, part[0], line))
        right = row.crop((part[2], 0, min(row.width, part[2] + gap), line))
        if _amount(left) and _amount(right):
            return True
    return False
