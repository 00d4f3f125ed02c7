"""Where signature and seal stand on the page, measured in a picture of it."""

from pathlib import Path

import pytest
from PIL import Image

from kernel.errors import Invalid
from signing.pdf.pades import sign_person, sign_seal
from signing.pdf.stamps import (
    MM,
    SEAL_DIAMETER,
    Box,
    read_image,
    seal_box,
    signature_box,
)
from signing.testca.specimens import handwriting, seal
from tests.signing.conftest import ANCHOR, CITY, Office
from tests.signing.papers import minimal_pdf
from tests.signing.pictures import POINT, blue, extent, picture, red


def test_a_flourish_and_a_round_seal_with_letters_stand_in_their_boxes(office: Office, tmp_path: Path) -> None:
    """The specimens of a trial; real papers are measured in tests/signing/pdf."""
    flourish = handwriting("Nguyễn Thanh Bình")
    signed = sign_person(minimal_pdf("x"), office.binh, anchor=ANCHOR, image=flourish)
    sealed = sign_seal(signed, office.seal, image=seal(CITY))
    person = signature_box(ANCHOR, flourish)
    for ink, box in ((blue(picture(signed, tmp_path)), person), (red(picture(sealed, tmp_path)), seal_box(person))):
        found = extent(ink)
        left, bottom, right, top = box.corners
        assert left - POINT <= found.left < found.right <= right + POINT
        assert bottom - POINT <= found.bottom < found.top <= top + POINT
    assert found.right - found.left >= SEAL_DIAMETER - 1.5 * MM


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
