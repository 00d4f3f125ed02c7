"""Where signature and seal stand on the page, measured in a picture of it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from kernel.errors import Invalid
from signing.pades import sign_copy, sign_person, sign_seal
from signing.specimens import handwriting, seal
from signing.stamps import (
    MM,
    SEAL_DIAMETER,
    TEXT_MARK_SIZE,
    Box,
    read_image,
    seal_box,
    signature_box,
    text_mark,
)
from tests.signing.conftest import ANCHOR, CITY, Office
from tests.signing.papers import minimal_pdf

DPI = 150
needs_poppler = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler-utils is not installed")


def _block(colour: tuple[int, int, int], folder: Path) -> bytes:
    """A full rectangle of one colour: its edges can be measured, a flourish's cannot."""
    path = folder / "block.png"
    Image.new("RGBA", (480, 200), (*colour, 255)).save(path)
    return path.read_bytes()


def _picture(pdf: bytes, folder: Path) -> Image.Image:
    (folder / "page.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", str(DPI), "-png", "-singlefile", "page.pdf", "page"], cwd=folder, check=True)
    return Image.open(folder / "page.png").convert("RGB")


def _extent(picture: Image.Image, kind: str) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of all pixels of a kind, in points from the bottom left corner."""
    red, green, blue = picture.split()
    if kind == "blue":
        mask = Image.eval(blue, lambda v: 255 if v > 100 else 0)
        other = Image.eval(red, lambda v: 255 if v < 90 else 0)
    else:
        mask = Image.eval(red, lambda v: 255 if v > 150 else 0)
        other = Image.eval(green, lambda v: 255 if v < 110 else 0)
    box = Image.composite(mask, Image.new("L", picture.size), other).getbbox()
    assert box is not None
    scale = 72 / DPI
    left, upper, right, lower = box
    height = picture.height * scale
    return left * scale, height - lower * scale, right * scale, height - upper * scale


@needs_poppler
def test_the_blue_signature_stands_in_the_middle_of_its_anchor(office: Office, tmp_path: Path) -> None:
    image = _block((24, 54, 160), tmp_path)
    wanted = signature_box(ANCHOR, image)
    signed = sign_person(minimal_pdf("x"), office.binh, anchor=ANCHOR, image=image)
    found = _extent(_picture(signed, tmp_path), "blue")
    for measured, meant in zip(found, wanted.corners, strict=True):
        assert abs(measured - meant) <= 0.5 * MM
    assert abs((found[0] + found[2]) / 2 - (ANCHOR.x + ANCHOR.width / 2)) <= 0.5 * MM


@needs_poppler
def test_the_red_seal_has_its_real_size_and_lies_over_the_signature(office: Office, tmp_path: Path) -> None:
    image = _block((24, 54, 160), tmp_path)
    signed = sign_person(minimal_pdf("x"), office.binh, anchor=ANCHOR, image=image)
    sealed = sign_seal(signed, office.seal, image=seal(CITY))
    left, bottom, right, top = _extent(_picture(sealed, tmp_path), "red")
    assert abs((right - left) - SEAL_DIAMETER) <= 1.5 * MM
    assert abs((top - bottom) - SEAL_DIAMETER) <= 1.5 * MM
    wanted = seal_box(signature_box(ANCHOR, image))
    assert abs((left + right) / 2 - (wanted.x + SEAL_DIAMETER / 2)) <= 0.5 * MM
    assert abs((bottom + top) / 2 - (wanted.y + SEAL_DIAMETER / 2)) <= 0.5 * MM


@needs_poppler
def test_the_seal_covers_a_third_of_the_signature(office: Office, tmp_path: Path) -> None:
    disc = Image.new("RGBA", (600, 600), (214, 20, 28, 0))
    ImageDraw.Draw(disc).ellipse((0, 0, 599, 599), fill=(214, 20, 28, 255))
    path = tmp_path / "disc.png"
    disc.save(path)
    image = _block((24, 54, 160), tmp_path)
    signed = sign_person(minimal_pdf("x"), office.binh, anchor=ANCHOR, image=image)
    alone = _blue_pixels(_picture(signed, tmp_path))
    covered = _blue_pixels(_picture(sign_seal(signed, office.seal, image=path.read_bytes()), tmp_path))
    assert abs((alone - covered) / alone - 1 / 3) <= 0.03


def _blue_pixels(picture: Image.Image) -> int:
    red, _, blue = picture.split()
    ink = ImageChops.subtract(blue, red)
    return sum(ink.histogram()[60:])


def test_boxes_translate_from_the_millimetres_of_a_layout() -> None:
    box = Box.from_top_mm(0, left=30, top=250, width=60, height=25)
    assert box.x == pytest.approx(30 * MM)
    assert box.y == pytest.approx((297 - 250 - 25) * MM)
    assert box.corners[3] == pytest.approx((297 - 250) * MM)


@pytest.mark.parametrize("diameter", [30 * MM, SEAL_DIAMETER, 42 * MM])
@pytest.mark.parametrize("height", [20.0, 75.0, 140.0])
def test_a_seal_of_any_size_stands_left_of_the_middle(diameter: float, height: float) -> None:
    box = seal_box(Box(0, 300, 300, 180, height), diameter)
    assert box.x < 300
    assert 300 + 180 * 0.3 < box.x + diameter < 300 + 180 * 0.75
    assert box.y + diameter / 2 == pytest.approx(300 + height / 2)


@needs_poppler
def test_a_copy_shows_its_text_in_ten_points(office: Office, letter: bytes, tmp_path: Path) -> None:
    width, height = TEXT_MARK_SIZE
    mark = text_mark(["SAO Y; Ủy ban nhân dân", "2026-03-02T09:15:00+07:00"], width, height)
    copy = sign_copy(letter, office.seal, mark=mark, box=Box(0, 390, 790, width, height))
    (tmp_path / "copy.pdf").write_bytes(copy)
    picture = _picture(copy, tmp_path)
    scale = DPI / 72
    corner = picture.crop((round(390 * scale), 0, picture.width, round(52 * scale)))
    assert sum(corner.convert("L").histogram()[:60]) > 50
    fonts = subprocess.run(["pdffonts", "copy.pdf"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "Helvetica" in fonts


def test_a_name_gives_the_same_flourish_always_and_another_name_another() -> None:
    assert handwriting("Nguyễn Thanh Bình") == handwriting("Nguyễn Thanh Bình")
    assert handwriting("Nguyễn Thanh Bình") != handwriting("Trần Thị Lan")


def test_specimens_are_transparent(tmp_path: Path) -> None:
    for png in (handwriting("Bình"), seal(CITY)):
        image = read_image(png)
        assert image.mode == "RGBA"
        assert image.getchannel("A").getpixel((0, 0)) == 0


def test_an_image_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (5000, 5000)).save(path)
    with pytest.raises(Invalid):
        read_image(path.read_bytes())
