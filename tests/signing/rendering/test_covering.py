"""What the picture of a later signature may stand on, and what nobody may hide or complete with one."""

from dataclasses import dataclass, replace

import pytest

from docex.official.rendering import render_pdf
from signing.pdf.pades import sign_person, sign_seal
from signing.rendering.comparison import compare
from signing.rendering.covering import Covered, Covering, covered_ink
from signing.rendering.pages import Area, Pages
from signing.testca.specimens import handwriting, seal
from tests.docex.official.papers import (
    CONCLUSION,
    CONTRACT,
    DECISION,
    INVITATION,
    LETTER,
    MINUTES,
    REGULATED,
    REPORT,
    TELEGRAM,
)
from tests.sampling import sampled
from tests.signing.conftest import CITY, Office
from tests.signing.rendering.pages import WORDS, Page, pdf

PAPERS = {
    "letter": LETTER,
    "two lines of position": replace(
        LETTER, authority="TL. CHỦ TỊCH", position="KT. CHÁNH VĂN PHÒNG\nPHÓ CHÁNH VĂN PHÒNG"
    ),
    "decision": DECISION,
    "decision, TM.": replace(DECISION, authority="TM. ỦY BAN NHÂN DÂN", position="KT. CHỦ TỊCH\nPHÓ CHỦ TỊCH"),
    "notice": replace(CONCLUSION, authority="TUQ. CHỦ TỊCH", position="CHÁNH VĂN PHÒNG"),
    "invitation": INVITATION,
    "minutes": MINUTES,
    "report": REPORT,
    "regulation": REGULATED,
    "contract": CONTRACT,
    "telegram": TELEGRAM,
}


def boxes_on(data: bytes) -> list[Area]:
    """The boxes of all fields of signatures: the person's, and the seal's, which waits for it."""
    with Pages(data) as now:
        return [mark.area for page in range(now.count) for mark in now.marks(page) or () if mark.is_signature]


@pytest.mark.parametrize("name", sampled(PAPERS, one_in=5))
def test_person_and_seal_stand_where_they_may_on_every_official_paper(name: str, office: Office) -> None:
    drawn = render_pdf(PAPERS[name])
    signed = sign_person(drawn.pdf, office.binh, anchor=drawn.signature_box, image=handwriting(PAPERS[name].signer))
    sealed = sign_seal(signed, office.seal, image=seal(CITY))
    boxes = boxes_on(sealed)
    assert len(boxes) == 2
    assert covered_ink(drawn.pdf, signed, boxes[0]).allowed
    found = covered_ink(signed, sealed, boxes[1])
    assert found.allowed, found
    assert 0.05 < found.hidden < 0.4
    assert compare(drawn.pdf, sealed, boxes, 30).same
    (one, *_) = compare(signed, sealed, [], 30).differences
    assert one.page == boxes[1].page


# ---- signatures drawn by hand on a page of two lines ----

FIRST = "/Subtype /Widget /FT /Sig /T (a) /F 132 /Rect [300 400 440 460] {ap0}"
SCRAWL = "0 0 0.7 RG 4 w 5 20 m 20 90 40 10 60 80 c 95 30 l S"
ROUND_SEAL = "0.85 0.1 0.1 RG 4 w 3 3 94 94 re S 30 30 40 40 re S"


@dataclass(frozen=True)
class Later:
    """A second signature: its box, what its picture draws (100 × 100), and the page that it comes to."""

    rect: tuple[float, float, float, float]
    picture: str
    words: str = WORDS
    faults: tuple[Covering, ...] = ()
    shape: str = "/MediaBox [0 0 595 842]"


def verified(later: Later) -> Covered:
    left, bottom, right, top = later.rect
    second = f"/Subtype /Widget /FT /Sig /T (b) /F 132 /Rect [{left} {bottom} {right} {top}] {{ap1}}"
    before = pdf(Page(later.words, later.shape, marks=(FIRST,), fields=(0,)), pictures=(SCRAWL, later.picture))
    after = pdf(Page(later.words, later.shape, marks=(FIRST, second), fields=(0, 1)), pictures=(SCRAWL, later.picture))
    area = Area(0, *later.rect)
    assert compare(before, after, [area], 10).same
    return covered_ink(before, after, area)


BESIDE = (300.0, 250.0, 440.0, 310.0)
SEALED = (250.0, 380.0, 350.0, 480.0)
FINE = {
    "a signature on blank paper": Later(BESIDE, SCRAWL),
    "a signature after a line of words": Later((240, 690, 300, 720), SCRAWL),
    "a picture with a white ground on blank paper": Later(BESIDE, f"1 g 0 0 100 100 re f {SCRAWL}"),
    "an empty picture over words": Later((72, 650, 400, 720), ""),
    "a seal over a third of the signature": Later(SEALED, ROUND_SEAL),
    "a seal that meets words beside the signature": Later(
        SEALED, ROUND_SEAL, f"{WORDS} BT /F1 12 Tf 225 420 Td (Ha Noi) Tj ET"
    ),
    "a signature over a ruled line": Later(BESIDE, SCRAWL, f"{WORDS} 0.5 w 300 270 m 460 270 l S"),
}


@pytest.mark.parametrize("case", FINE)
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_what_is_allowed(case: str, turn: int) -> None:
    found = verified(replace(FINE[case], shape=f"/MediaBox [0 0 595 842] /Rotate {turn}"))
    assert found.allowed, found


OVER_AMOUNT = (115.0, 695.0, 160.0, 715.0)
FORGED = {
    "white over the amount": Later(OVER_AMOUNT, "1 g 0 0 100 100 re f"),
    "another amount on white": Later(OVER_AMOUNT, "1 g 0 0 100 100 re f 0 g BT /F1 90 Tf 10 20 Td (95) Tj ET"),
    "nearly white over the amount": Later(OVER_AMOUNT, "0.9 g 0 0 100 100 re f"),
    "black over the amount": Later(OVER_AMOUNT, "0 g 0 0 100 100 re f"),
    "red over the amount": Later(OVER_AMOUNT, "0.85 0.1 0.1 rg 0 0 100 100 re f"),
    "a stroke that makes 1 a 7": Later((118, 700, 130, 712), "0 g 5 80 60 8 re f"),
    "a digit before the amount": Later((110, 698, 118, 712), "0 g BT /F1 90 Tf 10 10 Td (9) Tj ET"),
    "a full stop away": Later((186, 698, 196, 704), "1 g 0 0 100 100 re f"),
    "words inside a line": Later(
        (200, 690, 260, 710),
        "0 g BT /F1 40 Tf 20 20 Td (95) Tj ET",
        f"{WORDS} BT /F1 12 Tf 270 700 Td (dong chan) Tj ET",
    ),
    "a seal far from every signature": Later((60, 640, 150, 730), ROUND_SEAL),
    "a seal with white inside over words": Later(
        SEALED, f"1 g 0 0 100 100 re f {ROUND_SEAL}", f"{WORDS} BT /F1 12 Tf 255 400 Td (10 trieu) Tj ET"
    ),
    "a seal all red over words": Later(
        SEALED, "0.85 0.1 0.1 rg 0 0 100 100 re f", f"{WORDS} BT /F1 12 Tf 255 440 Td (10 trieu) Tj ET"
    ),
    "a black digit in the place of a seal": Later(
        SEALED, "0 g BT /F1 14 Tf 45.5 20 Td (9) Tj ET", f"{WORDS} BT /F1 12 Tf 255 400 Td (10 trieu) Tj ET"
    ),
    "the whole signature of another": Later((290, 390, 450, 470), "1 g 0 0 100 100 re f"),
    "most of another's signature": Later((300, 400, 400, 460), "0 0 0.7 rg 0 0 100 100 re f"),
    "the whole page": Later((0, 0, 595, 842), "1 g 0 0 100 100 re f"),
    "the whole page in a thin veil": Later((0, 0, 595, 842), f"0.8 g 0 0 100 100 re f {SCRAWL}"),
}


@pytest.mark.parametrize("case", FORGED)
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_what_is_not(case: str, turn: int) -> None:
    if "inside a line" in case and turn in (90, 270):
        turn = 0  # lines are those that readers see, from left to right
    found = verified(replace(FORGED[case], shape=f"/MediaBox [0 0 595 842] /Rotate {turn}"))
    assert not found.allowed, found
