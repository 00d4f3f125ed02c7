"""Signature, seal and text marks on real papers (Decree 30/2020, Annex I), measured in pictures of their pages."""

import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from docex.documents.papers.signature_placement import top_right
from docex.official.paper import CopyForm, Paper, attachment_mark, copy_mark
from docex.official.rendering import RenderedPaper, render_pdf
from kernel import clock
from kernel.text import nfc
from signing.pdf.pades import sign_copy, sign_person, sign_seal
from signing.pdf.stamps import MM, SEAL_DIAMETER, TEXT_MARK_SIZE, mark_box, seal_box, signature_box, text_mark
from tests.docex.official.papers import CONCLUSION, DECISION, INVITATION, LETTER, MINUTES
from tests.sampling import sampled
from tests.signing.conftest import CITY, Office
from tests.signing.papers import minimal_pdf
from tests.signing.pictures import POINT, Extent, added, amount, block, blue, disc, extent, picture, red

EXACT = 0.5 * MM
A4 = (210 * MM, 297 * MM)
PARAGRAPH = "\nĐề nghị các đơn vị tổ chức thực hiện, báo cáo kết quả về Văn phòng trước ngày 15 hằng tháng." * 12

PAPERS = {
    "letter, KT. and two lines of position": LETTER,
    "letter of two pages": replace(LETTER, body=LETTER.body + PARAGRAPH * 3),
    "letter of four pages, TL.": replace(
        LETTER, body=LETTER.body + PARAGRAPH * 9, authority="TL. CHỦ TỊCH", position="CHÁNH VĂN PHÒNG"
    ),
    "decision, TM. and KT.": replace(DECISION, authority="TM. ỦY BAN NHÂN DÂN", position="KT. CHỦ TỊCH\nPHÓ CHỦ TỊCH"),
    "notice, TUQ.": replace(CONCLUSION, authority="TUQ. CHỦ TỊCH", position="CHÁNH VĂN PHÒNG"),
    "invitation": INVITATION,
    "minutes with the chair on the right": MINUTES,
}


@dataclass(frozen=True)
class Signing:
    """One paper on its way, and pictures of the page that bears its signatures."""

    drawn: RenderedPaper
    paper: Paper
    image: bytes
    pdf: bytes
    bare: Image.Image
    signed: Image.Image
    sealed: Image.Image


@pytest.fixture(scope="module", params=sampled(PAPERS, one_in=4), ids=str)
def signing(request: Any, office: Office, tmp_path_factory: pytest.TempPathFactory) -> Signing:
    folder, paper = tmp_path_factory.mktemp("look"), PAPERS[request.param]
    drawn, image = render_pdf(paper), block(folder)
    page = drawn.signature_box.page + 1
    assert page == drawn.pages
    signed = sign_person(drawn.pdf, office.binh, anchor=drawn.signature_box, image=image)
    sealed = sign_seal(signed, office.seal, image=disc(folder))
    pictures = [picture(pdf, folder, page) for pdf in (drawn.pdf, signed, sealed)]
    return Signing(drawn, paper, image, drawn.pdf, *pictures)


def test_the_signature_stands_where_the_template_leaves_its_space(signing: Signing) -> None:
    wanted = signature_box(signing.drawn.signature_box, signing.image)
    found = extent(blue(signing.signed))
    assert all(abs(is_ - meant) <= EXACT for is_, meant in zip(found.sides, wanted.corners, strict=True))
    assert extent(added(signing.bare, signing.signed)).sides == pytest.approx(found.sides, abs=2 * POINT)


def test_the_signature_stands_in_the_middle_between_position_and_name(signing: Signing, tmp_path: Path) -> None:
    """Against the letters on the page, not against what the template says of itself."""
    (tmp_path / "paper.pdf").write_bytes(signing.pdf)
    position = _line(tmp_path, signing.drawn, signing.paper.position.splitlines()[-1])
    name = _line(tmp_path, signing.drawn, signing.paper.signer)
    found = extent(blue(signing.signed))
    height = signing.drawn.signature_box.height
    assert name.top < found.bottom < found.top < position.bottom
    assert abs(found.middle[0] - name.middle[0]) <= EXACT
    assert abs(found.middle[0] - position.middle[0]) <= EXACT
    assert found.top - found.bottom <= height


def test_the_seal_has_its_real_size_and_place(signing: Signing) -> None:
    wanted = seal_box(signature_box(signing.drawn.signature_box, signing.image))
    found = extent(_seal(signing))
    assert all(abs(is_ - meant) <= EXACT for is_, meant in zip(found.sides, wanted.corners, strict=True))
    assert abs(found.right - found.left - SEAL_DIAMETER) <= EXACT
    signature = extent(blue(signing.signed))
    assert abs(found.middle[1] - signature.middle[1]) <= EXACT
    assert found.left < signature.left < found.right < signature.middle[0] + (signature.right - signature.left) / 4


def test_the_seal_covers_the_left_third_of_the_signature(signing: Signing) -> None:
    before, after = blue(signing.signed), blue(signing.sealed)
    covered = (amount(before) - amount(after)) / amount(before)
    assert abs(covered - 1 / 3) <= 0.03
    rest = extent(after)
    assert abs(rest.right - extent(before).right) <= POINT  # nothing of its right side is gone


def test_the_seal_stays_within_the_margins(signing: Signing) -> None:
    seal = extent(_seal(signing))
    assert 30 * MM < seal.left < seal.right < A4[0] - 15 * MM
    assert 20 * MM < seal.bottom < seal.top < A4[1] - 20 * MM


def _seal(signing: Signing) -> Image.Image:
    """The ink of the seal alone: urgent papers have a red frame, too."""
    return ImageChops.darker(red(signing.sealed), added(signing.signed, signing.sealed))


def _line(folder: Path, drawn: RenderedPaper, text: str) -> Extent:
    """Where pdftotext finds a text on the last page, in the right half, in points from the bottom."""
    page = str(drawn.pages)
    command = ["pdftotext", "-bbox-layout", "-f", page, "-l", page, "paper.pdf", "-"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    space = "{http://www.w3.org/1999/xhtml}"
    root = ET.fromstring(said)
    height = float(next(root.iter(f"{space}page")).attrib["height"])
    found = []
    for line in root.iter(f"{space}line"):
        words = [nfc(word.text or "") for word in line.iter(f"{space}word")]
        if " ".join(words) == nfc(text):
            at = {k: float(v) for k, v in line.attrib.items()}
            found.append(Extent(at["xMin"], height - at["yMax"], at["xMax"], height - at["yMin"]))
    assert found, text
    return found[-1]


# ---- marks on copies and on attachments ----

DIGIT_HEIGHT = 0.676
"""Height of the digits of Times New Roman, as part of the letter size."""
LONG = "Văn phòng Đoàn đại biểu Quốc hội và Hội đồng nhân dân thành phố Sông Hồng trực thuộc Trung ương"


@pytest.mark.long_proof
@pytest.mark.parametrize("agency", ["Sở Tài chính", CITY, LONG])
def test_a_copy_bears_its_text_at_the_top_right_in_ten_points(office: Office, tmp_path: Path, agency: str) -> None:
    at = clock.now()
    mark = text_mark(copy_mark(CopyForm.FULL, agency, at), *TEXT_MARK_SIZE)
    page, place = minimal_pdf("Ban giay da quet"), top_right(*A4)
    marked = picture(sign_copy(page, office.seal, mark=mark, box=place, at=at), tmp_path)
    ink = added(picture(page, tmp_path), marked)
    found, wanted = extent(ink), mark_box(place, mark)
    assert abs(found.left - wanted.x) <= EXACT
    assert found.right <= wanted.x + wanted.width + POINT
    assert -4 <= found.top - place.corners[3] <= 2 * POINT  # its first line begins at the upper edge of the place
    assert found.right >= A4[0] - 15 * MM - TEXT_MARK_SIZE[0] / 2
    assert amount(blue(marked)) == amount(red(marked)) == 0
    _is_whole(mark, agency, at, tmp_path)
    digits = _rows(ink)[-1]  # the last line is the time: digits, which have no parts above or below
    assert abs((digits[1] - digits[0]) * POINT - DIGIT_HEIGHT * 10) <= 1.2 * POINT


def _is_whole(mark: bytes, agency: str, at: datetime, folder: Path) -> None:
    """No word was lost, and the mark is one page in one upright font."""
    (folder / "mark.pdf").write_bytes(mark)
    said = subprocess.run(["pdftotext", "mark.pdf", "-"], cwd=folder, capture_output=True, text=True, check=True).stdout
    words = " ".join(nfc(said).split())
    assert words == f"Sao y {agency} {at.astimezone(clock.VN).isoformat(timespec='seconds')}"
    fonts = subprocess.run(["pdffonts", "mark.pdf"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert "Bold" not in fonts
    assert "Italic" not in fonts


def _rows(mask: Image.Image) -> list[tuple[int, int]]:
    """The lines of a text, as the first pixel row and the one after the last, from above."""
    inked = [mask.crop((0, y, mask.width, y + 1)).getbbox() is not None for y in range(mask.height)]
    edges = [y for y in range(1, len(inked)) if inked[y] != inked[y - 1]]
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.long_proof
def test_an_attachment_bears_number_and_time_and_no_image(office: Office, tmp_path: Path) -> None:
    at = clock.now()
    mark = text_mark(attachment_mark("15/UBND-VP", at), *TEXT_MARK_SIZE)
    page = render_pdf(replace(LETTER, body=LETTER.body + PARAGRAPH * 3)).pdf
    marked = sign_copy(page, office.seal, mark=mark, box=top_right(*A4), at=at)
    first, ink = picture(marked, tmp_path), added(picture(page, tmp_path), picture(marked, tmp_path))
    assert extent(ink).left > A4[0] / 2
    assert extent(ink).bottom > A4[1] - 30 * MM
    assert amount(blue(first)) == 0
    later = added(picture(page, tmp_path, 2), picture(marked, tmp_path, 2))
    assert later.getbbox() is None  # page 1 only
