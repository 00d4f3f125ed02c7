"""Drawn and not written: rules and frames, measured in millimetres on pages turned into pictures."""

import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import segno
from PIL import Image, ImageChops

from docex.edxml.codes import Priority
from docex.official.paper import Paper
from docex.official.rendering import render_pdf
from tests.docex.official.papers import COPY, DECISION, LETTER, REGULATED, run
from tests.sampling import sampled

DPI = 300
MM = DPI / 25.4


@dataclass(frozen=True)
class Line:
    """A horizontal line: millimetres from the left and the top of the page, and its length."""

    left: float
    top: float
    length: float

    @property
    def middle(self) -> float:
        return self.left + self.length / 2


def picture(pdf: bytes, folder: Path, page: int = 1) -> Image.Image:
    path = folder / "page.pdf"
    path.write_bytes(pdf)
    command = ["pdftoppm", "-r", str(DPI), "-f", str(page), "-l", str(page), "-singlefile", "-png", str(path)]
    subprocess.run([*command, str(folder / "page")], check=True)
    return Image.open(folder / "page.png").convert("RGB")


def black(image: Image.Image) -> Image.Image:
    """White where the page is black."""
    red, green, blue = image.split()
    lightest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return lightest.point(lambda level: 255 * (level < 110))


def red(image: Image.Image) -> Image.Image:
    """White where the page is red."""
    red, green, blue = image.split()
    others = ImageChops.lighter(green, blue).point(lambda level: 255 * (level < 90))
    return ImageChops.darker(red.point(lambda level: 255 * (level > 120)), others)


def lines(mask: Image.Image, least: float = 5) -> list[Line]:
    """All horizontal lines of at least so many millimetres; letters have no stroke as long."""
    run, pixels, width = re.compile(b"\xff{%d,}" % (least * MM)), mask.tobytes(), mask.width
    found: list[Line] = []
    for y in range(mask.height):
        for match in run.finditer(pixels, y * width, (y + 1) * width):
            line = Line(match.start() % width / MM, y / MM, len(match[0]) / MM)
            if not any(abs(one.top - line.top) < 0.5 and abs(one.left - line.left) < 0.5 for one in found):
                found.append(line)  # and not the next row of the same
    return found


@pytest.mark.parametrize(
    ("urgency", "width"), [(Priority.EXPRESS, 30), (Priority.VERY_URGENT, 40), (Priority.URGENT, 20)]
)
def test_stamps_of_urgency_have_the_frames_of_the_decree(tmp_path: Path, urgency: Priority, width: int) -> None:
    pdf = render_pdf(replace(LETTER, urgency=urgency)).pdf
    upper, lower = lines(red(picture(pdf, tmp_path)))
    assert (upper.length, lower.length) == pytest.approx((width, width), abs=0.4)
    assert lower.top - upper.top == pytest.approx(8, abs=0.5)
    assert upper.middle == pytest.approx(62, abs=2)  # the left column's
    assert upper.top > run(pdf, "Số:").top


@pytest.mark.long_proof
def test_a_limit_of_circulation_is_framed_in_black(tmp_path: Path) -> None:
    pdf = render_pdf(replace(LETTER, urgency=Priority.NORMAL, circulation="Lưu hành nội bộ")).pdf
    word = run(pdf, "LƯU HÀNH NỘI BỘ")
    assert 13 <= word.size <= 14
    left = [one for one in lines(black(picture(pdf, tmp_path))) if one.left < 90]
    framing = [one for one in left if one.length == pytest.approx(60, abs=0.5)]
    assert [one.top < word.top for one in framing] == [True, False]


def test_the_rule_under_the_motto_is_as_long_as_the_motto(tmp_path: Path) -> None:
    pdf = render_pdf(LETTER).pdf
    motto = run(pdf, "Độc lập")
    under = next(one for one in lines(black(picture(pdf, tmp_path))) if one.left > 100)
    assert under.left == pytest.approx(motto.left, abs=0.5)
    assert under.length == pytest.approx(_width(pdf, "Độc", "phúc", tmp_path), abs=1)
    assert 0 < under.top - motto.top < 2.5


def _width(pdf: bytes, first: str, last: str, folder: Path) -> float:
    """From the beginning of one word to the end of another, in millimetres, as pdftotext sees them."""
    path = folder / "w.pdf"
    path.write_bytes(pdf)
    said = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, text=True, check=True).stdout
    words = [line for line in said.splitlines() if "<word" in line]
    start = next(line for line in words if f">{first}<" in line).split('xMin="')[1].split('"')[0]
    end = next(line for line in words if f">{last}<" in line).split('xMax="')[1].split('"')[0]
    return (float(end) - float(start)) / 72 * 25.4


@pytest.mark.long_proof
@pytest.mark.parametrize(
    ("paper", "first", "last"),
    [(LETTER, "VĂN", "PHÒNG"), (replace(DECISION, agency="Sở Nội vụ"), "SỞ", "VỤ")],
    ids=["letter", "decision"],
)
def test_the_rule_under_the_agency_is_a_third_to_a_half_of_its_name(
    tmp_path: Path, paper: object, first: str, last: str
) -> None:
    pdf = render_pdf(paper).pdf  # type: ignore[arg-type]
    under = next(one for one in lines(black(picture(pdf, tmp_path)), 3) if one.left < 90)
    width = _width(pdf, first, last, tmp_path)
    assert width / 3 <= under.length <= width / 2


@pytest.mark.long_proof
def test_the_rule_under_the_abstract_is_a_third_to_a_half_of_it_and_in_its_middle(tmp_path: Path) -> None:
    pdf = render_pdf(DECISION).pdf
    abstract = run(pdf, "Về việc")
    under = next(one for one in lines(black(picture(pdf, tmp_path))) if one.top > abstract.top)
    width = _width(pdf, "Về", "bản", tmp_path)
    assert width / 3 <= under.length <= width / 2
    assert under.middle == pytest.approx(30 + 165 / 2, abs=1)
    assert under.top - abstract.top < 4


@pytest.mark.long_proof
def test_the_block_of_a_copy_stands_under_a_rule_over_the_full_width(tmp_path: Path) -> None:
    pdf = render_pdf(replace(LETTER, copy=COPY)).pdf
    full = [one for one in lines(black(picture(pdf, tmp_path))) if one.length == pytest.approx(165, abs=0.5)]
    copied = run(pdf, "SAO Y")
    assert [one.left for one in full] == pytest.approx([30, 30], abs=0.5)  # the other one is over the address
    assert 0 < copied.top - full[0].top < 10


@pytest.mark.long_proof
def test_an_annex_has_no_rule_over_its_name_and_one_under_its_reference(tmp_path: Path) -> None:
    pdf = render_pdf(REGULATED).pdf
    found = lines(black(picture(pdf, tmp_path, 3)))
    reference = run(pdf, "(Kèm theo", 2)
    assert found[0].top > reference.top
    assert found[0].middle == pytest.approx(30 + 165 / 2, abs=1)


URL = "https://lienthong.example.vn/check/Zk3qT0b9x2LrW8yVd5cPmA"


@pytest.mark.long_proof
@pytest.mark.parametrize("paper", sampled([LETTER, DECISION], one_in=2), ids=["letter", "decision"])
def test_the_code_stands_in_the_left_margin_and_moves_nothing(tmp_path: Path, paper: Paper) -> None:
    plain, coded = render_pdf(paper), render_pdf(replace(paper, check_url=URL))
    assert (plain.pages, plain.boxes) == (coded.pages, coded.boxes)
    (tmp_path / "plain").mkdir()
    page, before = picture(coded.pdf, tmp_path), picture(plain.pdf, tmp_path / "plain")
    box = ImageChops.difference(page, before).getbbox()
    assert box is not None
    left, top, right, bottom = (place / MM for place in box)
    assert 5 < left < right < 25
    assert 255 < top < bottom < 277
    # Every module of the code, read from the picture.
    matrix = segno.make(URL, error="m", micro=False, boost_error=False).matrix
    module = (box[2] - box[0]) / len(matrix)
    mask = black(page)
    found = tuple(
        tuple(
            int(mask.getpixel((int(box[0] + (x + 0.5) * module), int(box[1] + (y + 0.5) * module))) == 255)
            for x in range(len(matrix))
        )
        for y in range(len(matrix))
    )
    assert found == tuple(tuple(int(bool(cell)) for cell in row) for row in matrix)
    assert module / MM > 0.4  # what cameras of old phones can still tell apart
    for number in range(2, coded.pages + 1):
        assert (
            picture(coded.pdf, tmp_path, number).tobytes() == picture(plain.pdf, tmp_path / "plain", number).tobytes()
        )
