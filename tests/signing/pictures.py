"""Measuring a page in a picture of it, as poppler draws it at 150 dpi: in points from the bottom left corner."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw

DPI = 150
POINT = 72 / DPI
"""Points in a pixel."""

BLUE, RED = (24, 54, 160), (214, 20, 28)


@dataclass(frozen=True)
class Extent:
    """The smallest rectangle around some ink, in points."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def sides(self) -> tuple[float, float, float, float]:
        """As `Box.corners` has them."""
        return self.left, self.bottom, self.right, self.top

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2


def picture(pdf: bytes, folder: Path, page: int = 1) -> Image.Image:
    """A page of a file, counted from 1."""
    (folder / "page.pdf").write_bytes(pdf)
    which = ["-cropbox", "-f", str(page), "-l", str(page), "-singlefile"]
    subprocess.run(["pdftoppm", "-r", str(DPI), "-png", *which, "page.pdf", "page"], cwd=folder, check=True)
    with Image.open(folder / "page.png") as drawn:
        return drawn.convert("RGB")


def blue(page: Image.Image) -> Image.Image:
    """Where the ink of a handwritten signature is, as a mask."""
    red, _, ink = page.split()
    return ImageChops.subtract(ink, red).point(lambda v: 255 if v >= 60 else 0)


def red(page: Image.Image) -> Image.Image:
    """Where the ink of a seal is."""
    ink, green, _ = page.split()
    return ImageChops.subtract(ink, green).point(lambda v: 255 if v >= 60 else 0)


def black(page: Image.Image) -> Image.Image:
    """Where letters are."""
    return page.convert("L").point(lambda v: 255 if v < 140 else 0)


def added(before: Image.Image, after: Image.Image) -> Image.Image:
    """Where a page changed."""
    return ImageChops.difference(before, after).convert("L").point(lambda v: 255 if v > 60 else 0)


def extent(mask: Image.Image) -> Extent:
    """The rectangle around all ink of a mask; there must be some."""
    box = mask.getbbox()
    assert box is not None
    left, upper, right, lower = box
    return Extent(left * POINT, (mask.height - lower) * POINT, right * POINT, (mask.height - upper) * POINT)


def amount(mask: Image.Image) -> int:
    """How many pixels have ink."""
    return mask.histogram()[255]


def block(folder: Path, size: tuple[int, int] = (480, 200)) -> bytes:
    """A full blue rectangle in place of a signature: its edges can be measured, a flourish's cannot."""
    path = folder / "block.png"
    Image.new("RGBA", size, (*BLUE, 255)).save(path)
    return path.read_bytes()


def disc(folder: Path) -> bytes:
    """A full red disc in place of a seal."""
    drawn = Image.new("RGBA", (600, 600), (*RED, 0))
    ImageDraw.Draw(drawn).ellipse((0, 0, 599, 599), fill=(*RED, 255))
    path = folder / "disc.png"
    drawn.save(path)
    return path.read_bytes()
