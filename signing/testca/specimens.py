"""Images for trial installations: an invented handwritten signature and a round seal that says it is a specimen.

Nobody's signature or seal is imitated here, and none of these is drawn in production: real seals are PNG files of the
operator (`signing.pdf.seal_images`), real signatures are drawn by the signers' own devices.
"""

import math
import random
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from kernel.text import nfc
from signing.trust.holders import TEST_MARK

BLUE = (24, 54, 160, 255)
RED = (214, 20, 28, 255)
_SHARPER = 3

# Families with all Vietnamese letters, in the order of preference.
_BOLD_FONTS = ("Tinos-Bold.ttf", "LiberationSerif-Bold.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSans-Bold.ttf")
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")


@lru_cache(maxsize=256)
def handwriting(name: str) -> bytes:
    """A blue flourish on a transparent ground, 480 × 200 pixels, always the same for the same name."""
    rng = random.Random(sha256(nfc(name).encode()).digest())
    width, height = 480 * _SHARPER, 200 * _SHARPER
    image = Image.new("RGBA", (width, height), (BLUE[0], BLUE[1], BLUE[2], 0))
    draw = ImageDraw.Draw(image)
    points = _stroke(rng, max(3, len(name.split()) + 2))
    for number, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        slant = math.atan2(y2 - y1, x2 - x1)
        thick = _SHARPER * (2.2 + 1.8 * abs(math.sin(slant)) + math.sin(number / 40))
        draw.line((x1 * width, y1 * height, x2 * width, y2 * height), fill=BLUE, width=round(thick))
        r = thick / 2
        draw.ellipse((x2 * width - r, y2 * height - r, x2 * width + r, y2 * height + r), fill=BLUE)
    return _png(image.resize((480, 200), Image.Resampling.LANCZOS))


def _stroke(rng: random.Random, loops: int) -> list[tuple[float, float]]:
    """A run of loops from left to right and a line back under them, in parts of width and height."""
    heights = [rng.uniform(0.12, 0.32) for _ in range(loops)]
    points = []
    steps = 60
    for loop, tall in enumerate(heights):
        wide = rng.uniform(0.02, 0.06)
        for step in range(steps):
            t = step / steps
            x = 0.12 + 0.66 * (loop + t) / loops - wide * math.sin(2 * math.pi * t)
            y = 0.52 - tall * math.sin(2 * math.pi * t) - 0.1 * math.sin(math.pi * (loop + t) / loops)
            points.append((x, y))
    end_x, end_y = points[-1]
    sweep = rng.uniform(0.08, 0.2)
    for step in range(steps * 2):
        t = step / (steps * 2)
        points.append(
            (end_x + 0.14 * math.sin(math.pi * t) - 0.62 * t, end_y + (0.78 - end_y) * t**0.6 - sweep * t * t)
        )
    return points


@lru_cache(maxsize=64)
def seal(agency: str) -> bytes:
    """A red round specimen seal on a transparent ground, 425 × 425 pixels (36 mm at 300 dpi)."""
    size = 425 * _SHARPER
    image = Image.new("RGBA", (size, size), (RED[0], RED[1], RED[2], 0))
    draw = ImageDraw.Draw(image)
    centre = size / 2
    for radius, thick in ((0.492, 0.014), (0.468, 0.005), (0.315, 0.005)):
        r = radius * size
        draw.ellipse((centre - r, centre - r, centre + r, centre + r), outline=RED, width=round(thick * size))
    draw.polygon(_star(centre, 0.13 * size), fill=RED)
    _around(image, nfc(agency).upper(), 0.352 * size, 235.0, top=True)
    _around(image, TEST_MARK, 0.352 * size, 92.0, top=False)
    return _png(image.resize((425, 425), Image.Resampling.LANCZOS))


def _star(centre: float, radius: float) -> list[tuple[float, float]]:
    inner = radius * math.sin(math.radians(18)) / math.sin(math.radians(54))
    points = []
    for corner in range(10):
        angle = math.radians(corner * 36 - 90)
        r = inner if corner % 2 else radius
        points.append((centre + r * math.cos(angle), centre + r * math.sin(angle)))
    return points


def _around(image: Image.Image, text: str, radius: float, span: float, *, top: bool) -> None:
    """Set `text` along the rim over at most `span` degrees, readable from the outside above, from below beneath."""
    tall = image.width * 0.075
    font = _font(round(tall))
    if font is None:
        return  # a seal without words is still marked by the certificate
    arc = math.radians(span) * radius
    length = font.getlength(text)
    if length > arc:
        font = _font(max(8, round(tall * arc / length)))
        if font is None:
            return
        length = font.getlength(text)
    middle = radius + image.width * 0.037
    at = -length / 2
    for letter in text:
        wide = font.getlength(letter)
        angle = (at + wide / 2) / radius
        _letter(image, letter, font, middle, angle if top else math.pi - angle, top=top)
        at += wide


def _letter(
    image: Image.Image, letter: str, font: ImageFont.FreeTypeFont, radius: float, angle: float, *, top: bool
) -> None:
    cell = int(font.size * 2)
    tile = Image.new("RGBA", (cell, cell), (RED[0], RED[1], RED[2], 0))
    ImageDraw.Draw(tile).text((cell / 2, cell / 2), letter, font=font, fill=RED, anchor="mm")
    turned = tile.rotate(-math.degrees(angle) + (0 if top else 180), Image.Resampling.BICUBIC)
    x = image.width / 2 + radius * math.sin(angle)
    y = image.height / 2 - radius * math.cos(angle)
    image.alpha_composite(turned, (round(x - cell / 2), round(y - cell / 2)))


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | None:
    path = _font_path()
    return ImageFont.truetype(str(path), size) if path else None


@lru_cache(maxsize=1)
def _font_path() -> Path | None:
    for folder in (*_FONT_FOLDERS, str(Path.home() / ".fonts"), str(Path.home() / ".local/share/fonts")):
        for name in _BOLD_FONTS:
            found = next(Path(folder).rglob(name), None) if Path(folder).is_dir() else None
            if found:
                return found
    return None


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=False)
    return buffer.getvalue()
