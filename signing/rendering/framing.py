"""The page as it was signed and the page now, side by side, with the changed place framed: for people to look at."""

from io import BytesIO
from time import thread_time

from PIL import Image, ImageDraw

from signing.rendering.comparison import Difference
from signing.rendering.pages import Area, OutOfTime, Pages, Undrawable

MAX_WIDTH, MAX_HEIGHT = 1600, 1200
MAX_BYTES = 400_000
BETWEEN = 16
"""Pixels of grey between the two."""
FRAME = (214, 31, 38)
FRAME_WIDTH, FRAME_MARGIN = 3, 9
BLANK, GREY = (255, 255, 255), (120, 126, 133)
BUDGET_S = 5.0


def framed(before: bytes | Pages, after: bytes | Pages, differences: Difference | tuple[Difference, ...]) -> bytes:
    """A PNG, at most 1600 pixels wide and 400 kB: on the left the page as it was signed, on the right the page now.

    The differences of that page stand in red frames. A page that is missing is an empty frame. Undrawable when neither
    file has it.
    """
    found = differences if isinstance(differences, tuple) else (differences,)
    index = found[0].page
    places = [one.area for one in found if one.page == index]
    sides = [_side(one, index, places) for one in (before, after)]
    drawn = [one for one in sides if one is not None]
    if not drawn:
        raise Undrawable(f"page {index + 1}")
    shown = [one or _missing(drawn[0].size) for one in sides]
    height = max(one.height for one in shown)
    both = Image.new("RGB", (sum(one.width for one in shown) + BETWEEN, height), GREY)
    both.paste(shown[0], (0, 0))
    both.paste(shown[1], (shown[0].width + BETWEEN, 0))
    return _small_enough(both)


def _side(file: bytes | Pages, index: int, places: list[Area | None]) -> Image.Image | None:
    try:
        with Pages(file if isinstance(file, bytes) else file.data) as pages:
            pages.until = thread_time() + BUDGET_S
            sheet = pages.sheet(index)
            width, height = sheet.shown
            scale = sheet.bounded(min((MAX_WIDTH - BETWEEN) / 2 / width, MAX_HEIGHT / height))
            picture = pages.picture(index, scale).convert("RGB")
    except (Undrawable, OutOfTime):
        return None
    pen = ImageDraw.Draw(picture)
    most_x, most_y = picture.width - 1, picture.height - 1
    for area in places:
        box = (0.0, 0.0, float(most_x), float(most_y))
        if area is not None:
            left, upper, right, lower = sheet.on_picture(area, scale)
            # What lies beyond the page is framed at its edge, where it left the page.
            box = (
                min(left, most_x) - FRAME_MARGIN,
                min(upper, most_y) - FRAME_MARGIN,
                max(right, 0) + FRAME_MARGIN,
                max(lower, 0) + FRAME_MARGIN,
            )
        pen.rectangle(
            (max(0, box[0]), max(0, box[1]), min(most_x, box[2]), min(most_y, box[3])), outline=FRAME, width=FRAME_WIDTH
        )
    return picture


def _missing(size: tuple[int, int]) -> Image.Image:
    blank = Image.new("RGB", size, BLANK)
    ImageDraw.Draw(blank).rectangle((0, 0, size[0] - 1, size[1] - 1), outline=FRAME, width=FRAME_WIDTH)
    return blank


def _small_enough(picture: Image.Image) -> bytes:
    """With all its colours when they fit, else with 128, 32 and 8 of them, else smaller."""
    for colours in (0, 128, 32, 8):
        png = _png(picture.quantize(colours) if colours else picture)
        if len(png) <= MAX_BYTES:
            return png
    while True:
        picture = picture.resize((max(1, picture.width * 3 // 4), max(1, picture.height * 3 // 4)))
        png = _png(picture.quantize(8))
        if len(png) <= MAX_BYTES:
            return png


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
