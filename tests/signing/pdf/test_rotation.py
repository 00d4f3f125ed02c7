"""Scanned pages are often stored lying, or cut out of a larger sheet: people see signature and marks upright."""

from pathlib import Path

import pytest

from docex.documents.papers.signature_placement import top_right
from docex.official.uploads import check_pdf
from kernel import clock
from signing.pdf.pades import sign_copy, sign_person, sign_seal
from signing.pdf.stamps import MM, TEXT_MARK_SIZE, Box, seal_box, signature_box, text_mark
from signing.verdicts.policy import DocumentKind
from signing.verdicts.verdict import Value
from tests.signing.conftest import Office
from tests.signing.papers import minimal_pdf
from tests.signing.pictures import POINT, added, block, blue, disc, extent, picture, red

EXACT = 0.5 * MM


def lying(turn: int, sheet: tuple[int, int, int, int]) -> bytes:
    """A page of A4 as people see it: a part of a sheet, shown turned clockwise."""
    left, bottom, right, top = sheet
    boxes = f"/MediaBox [{left - 10} {bottom - 20} {right + 30} {top + 5}] /CropBox [{left} {bottom} {right} {top}]"
    return minimal_pdf("Ban quet", page=f"{boxes} /Rotate {turn}")


@pytest.mark.parametrize(
    ("turn", "sheet"),
    [
        (0, (40, 30, 635, 872)),
        (90, (0, 0, 842, 595)),
        (180, (0, 0, 595, 842)),
        (270, (25, 10, 867, 605)),
        (-90, (0, 0, 842, 595)),
    ],
)
def test_what_people_see_stands_where_it_belongs(
    office: Office, tmp_path: Path, turn: int, sheet: tuple[int, int, int, int]
) -> None:
    pdf, at = lying(turn, sheet), clock.now()
    facts = check_pdf(pdf, len(pdf))
    assert (facts.width, facts.height) == pytest.approx((595, 842))
    place = top_right(facts.width, facts.height)
    copy = sign_copy(pdf, office.seal, mark=text_mark(["15/UBND-VP"], *TEXT_MARK_SIZE), box=place, at=at)
    ink = extent(added(picture(pdf, tmp_path), picture(copy, tmp_path)))
    assert abs(ink.left - place.x) <= EXACT
    assert -4 <= ink.top - place.corners[3] <= 2 * POINT
    assert ink.right - ink.left > 3 * (ink.top - ink.bottom)  # the line lies level
    assert office.verify(copy, DocumentKind.COPY).value is Value.VALID


@pytest.mark.parametrize(("turn", "sheet"), [(90, (0, 0, 842, 595)), (270, (25, 10, 867, 605))])
def test_signature_and_seal_stand_upright(
    office: Office, tmp_path: Path, turn: int, sheet: tuple[int, int, int, int]
) -> None:
    anchor, image = Box(-1, 320, 180, 180, 75), block(tmp_path)
    signed = sign_person(lying(turn, sheet), office.binh, anchor=anchor, image=image)
    sealed = sign_seal(signed, office.seal, image=disc(tmp_path))
    person = signature_box(anchor, image)
    for mask, box in ((blue(picture(signed, tmp_path)), person), (red(picture(sealed, tmp_path)), seal_box(person))):
        found = extent(mask)
        assert all(abs(is_ - meant) <= EXACT for is_, meant in zip(found.sides, box.corners, strict=True))
    assert office.verify(sealed).value is Value.VALID
