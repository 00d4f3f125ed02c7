"""A seal stands over the left third of a signature (Decree 30/2020, annex I), its rim over letters of title and name.
No honest paper is refused for that, and no picture of a seal hides words.

A few signatories in the default lane; `LIENTHONG_EXAMPLES=full` tries 300 and says how much of a letter was crossed.
"""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from docex.official.rendering import RenderedPaper, render_pdf
from signing.pdf.pades import sign_person, sign_seal
from signing.pdf.stamps import Box, seal_box, signature_box
from signing.rendering import covering
from signing.rendering.covering import Covered, covered_ink
from signing.rendering.pages import Area
from signing.testca.specimens import handwriting, seal
from signing.verdicts.policy import DocumentKind
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Value
from tests.docex.official.papers import LETTER
from tests.signing.conftest import CITY, Office
from tests.signing.forgery.conftest import FULL
from tests.signing.names import Signatory, signatories

SIGNED = list(signatories(300 if FULL else 5))
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, covering.CROSSED)


def paper_of(who: Signatory) -> RenderedPaper:
    """The product's own letter, as this person would sign it."""
    return render_pdf(replace(LETTER, agency=who.agency, parent_body="", position=who.position, signer=who.name))


def signed_by(office: Office, who: Signatory) -> tuple[RenderedPaper, bytes]:
    """The letter with its handwriting."""
    paper = paper_of(who)
    return paper, sign_person(paper.pdf, office.binh, anchor=paper.signature_box, image=handwriting(who.name))


def place_of(paper: RenderedPaper, who: Signatory) -> Box:
    """Where its seal goes."""
    return seal_box(signature_box(paper.signature_box, handwriting(who.name)))


def area_of(box: Box) -> Area:
    """The same rectangle for looking at."""
    left, bottom, right, top = box.corners
    return Area(box.page, left, bottom, right, top)


def weighed(signed: bytes, sealed: bytes, box: Box, crossed: float) -> Covered:
    """What is found when so much of a letter may be crossed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(covering, "CROSSED", crossed)
        return covered_ink(signed, sealed, area_of(box))


@pytest.mark.timeout(3600)
def test_no_honest_paper_is_refused_for_the_rim_of_its_seal(office: Office) -> None:
    refused: Counter[float] = Counter()
    for who in SIGNED:
        paper, signed = signed_by(office, who)
        sealed = sign_seal(signed, office.seal, image=seal(who.agency))
        verdict = office.verify(sealed, DocumentKind.OFFICIAL)
        assert verdict.value is Value.VALID, f"{who}: {verdict.summary.vi} {verdict.report['signatures']}"
        if FULL:
            box = place_of(paper, who)
            refused.update(one for one in LEVELS if not weighed(signed, sealed, box, one).allowed)
    if FULL:
        told = ", ".join(f"{refused[one]} at {one}" for one in LEVELS)
        sys.stdout.write(f"of {len(SIGNED)} honest papers these would be refused: {told}\n")
        assert not refused[covering.CROSSED]


# ---- pictures that hide ----

Paint = Callable[[Image.Image], None]
RED = (214, 20, 28, 255)


def _white_disc(picture: Image.Image) -> None:
    disc = Image.new("RGBA", picture.size, (255, 255, 255, 0))
    ImageDraw.Draw(disc).ellipse((4, 4, picture.width - 4, picture.height - 4), fill=(255, 255, 255, 255))
    picture.paste(Image.alpha_composite(disc, picture), (0, 0))


def _strip(top: float, bottom: float, colour: tuple[int, int, int, int]) -> Paint:
    def paint(picture: Image.Image) -> None:
        box = (0, int(top * picture.height), picture.width, int(bottom * picture.height))
        ImageDraw.Draw(picture).rectangle(box, fill=colour)

    return paint


HIDING: dict[str, Paint] = {
    "a white ground": _white_disc,
    "a red bar over the title": _strip(0.0, 0.2, RED),
    "a white bar over the title": _strip(0.0, 0.2, (255, 255, 255, 255)),
    "a red bar over the name": _strip(0.8, 1.0, RED),
    "a black bar over the title": _strip(0.0, 0.2, (0, 0, 0, 255)),
}
LONG = Signatory("Nguyễn Thị Ngọc Khánh Huyền", "TUQ. CHỦ TỊCH\nPHÓ GIÁM ĐỐC SỞ TÀI CHÍNH", CITY)


@pytest.mark.parametrize("what", HIDING)
def test_a_picture_of_a_seal_that_hides_words_is_not_valid(office: Office, what: str) -> None:
    _, signed = signed_by(office, LONG)
    picture = Image.open(BytesIO(seal(CITY))).convert("RGBA")
    HIDING[what](picture)
    out = BytesIO()
    picture.save(out, "PNG")
    sealed = sign_seal(signed, office.seal, image=out.getvalue())  # in the place that the person has signed
    verdict = office.verify(sealed, DocumentKind.OFFICIAL)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.COVERS_CONTENT)
