"""The boxes of Decree 30/2020, Annex I, measured on the produced pages."""

import io
import os
import re
import socket
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from docex.edxml.codes import Priority
from docex.official.fonts import font_report
from docex.official.paper import Paper, date_line, notation_text, number_text
from docex.official.rendering import RenderedPaper, _layout, render_html, render_pdf
from tests.docex.official.papers import DECISION, INVITATION, LETTER, MM, SUBMISSION, Run, run, runs, texts
from tests.sampling import sampled

PAPERS = {"letter": LETTER, "decision": DECISION, "invitation": INVITATION}


@pytest.fixture(scope="module")
def letter() -> bytes:
    return render_pdf(LETTER).pdf


@pytest.fixture(scope="module")
def decision() -> bytes:
    return render_pdf(DECISION).pdf


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS.keys())
def test_the_page_is_a4_with_the_margins_of_the_decree(paper: Paper) -> None:
    pdf = render_pdf(paper).pdf
    page = PdfReader(io.BytesIO(pdf)).pages[0]
    assert (float(page.mediabox.width) / MM, float(page.mediabox.height) / MM) == pytest.approx((210, 297), abs=0.1)
    found = runs(pdf)
    assert min(r.left for r in found) >= 29.9
    text = [r for r in found if not r.text.startswith(("Địa chỉ", "Điện thoại"))]
    assert 20 <= min(r.top for r in text) <= 27
    assert max(r.top for r in text) <= 277


def test_no_word_stands_in_the_right_margin(tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    path.write_bytes(render_pdf(replace(LETTER, body=(LETTER.body + "\n") * 20)).pdf)
    boxes = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, text=True, check=True).stdout
    right = max(float(x) for x in re.findall(r'xMax="([\d.]+)"', boxes)) / MM
    assert 190 <= right <= 195.2


def test_one_font_family_is_embedded_and_nothing_else(letter: bytes) -> None:
    families = {r.font.split("-")[0] for r in runs(letter)}
    assert len(families) == 1
    resources: Any = PdfReader(io.BytesIO(letter)).pages[0]["/Resources"]
    fonts = resources["/Font"]
    for font in fonts.values():
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor


EXPECTED = [
    ("CỘNG HÒA XÃ HỘI", 12, 13, "Bold"),
    ("Độc lập - Tự do", 13, 14, "Bold"),
    ("ỦY BAN NHÂN DÂN", 12, 13, "Regular"),
    ("VĂN PHÒNG", 12, 13, "Bold"),
    ("Số: 05/VP-HC", 13, 13, "Regular"),
    ("An Bình, ngày 03 tháng 02 năm 2026", 13, 14, "Italic"),
    ("V/v triển khai", 12, 13, "Regular"),
    ("HỎA TỐC", 13, 14, "Bold"),
    ("Kính gửi:", 13, 14, "Regular"),
    ("1. Rà soát", 13, 14, "Regular"),
    ("KT. CHÁNH VĂN PHÒNG", 13, 14, "Bold"),
    ("Trần Quốc Bình", 13, 14, "Bold"),
    ("Nơi nhận:", 12, 12, "Bold-Italic"),
    ("- Lưu: VT, HC.", 11, 11, "Regular"),
    ("PL.(30)", 11, 11, "Regular"),
    ("Địa chỉ", 11, 12, "Regular"),
]


@pytest.mark.parametrize(("beginning", "least", "most", "style"), EXPECTED, ids=[e[0] for e in EXPECTED])
def test_sizes_and_styles_are_those_of_the_decree(
    letter: bytes, beginning: str, least: int, most: int, style: str
) -> None:
    found = run(letter, beginning)
    assert least <= found.size <= most
    assert found.font.partition("-")[2].replace("BoldItalic", "Bold-Italic") == style.replace("Regular", "")


def test_number_and_date_stand_on_one_line_under_their_columns(letter: bytes) -> None:
    number, day = run(letter, "Số:"), run(letter, "An Bình")
    assert number.top == pytest.approx(day.top, abs=0.2)
    assert number.left < 98 < day.left
    assert run(letter, "V/v").top > number.top


def test_the_longest_common_place_and_date_fit_on_one_line() -> None:
    paper = replace(LETTER, place="Thành phố Hồ Chí Minh", issued_on=date(2026, 12, 29))
    found = run(render_pdf(paper).pdf, "Thành phố Hồ Chí Minh, ngày")
    assert found.text == "Thành phố Hồ Chí Minh, ngày 29 tháng 12 năm 2026"


def test_a_typed_document_has_its_name_and_abstract_in_the_middle(decision: bytes) -> None:
    name, abstract = _first(decision, "QUYẾT ĐỊNH"), run(decision, "Về việc")
    assert (name.size, abstract.size) == (14, 14)
    assert name.font.endswith("Bold")
    assert abstract.font.endswith("Bold")
    assert name.top < abstract.top < run(decision, "CHỦ TỊCH ỦY BAN").top
    assert not [r for r in runs(decision) if r.text.startswith(("V/v", "Kính gửi"))]


def _first(pdf: bytes, beginning: str) -> Run:
    return next(r for r in runs(pdf) if r.text.startswith(beginning))


def test_legal_bases_are_italic_and_articles_begin_in_bold(decision: bytes) -> None:
    assert run(decision, "Căn cứ").font.endswith("Italic")
    assert run(decision, "Căn cứ").text.endswith(";")
    assert run(decision, "Theo đề nghị").text.endswith("Văn phòng.")
    assert run(decision, "Điều 1.").font.endswith("Bold")
    assert _first(decision, "QUYẾT ĐỊNH:").font.endswith("Bold")


def test_the_text_ends_with_its_mark(decision: bytes) -> None:
    assert "hiệu lực từ ngày ký./." in texts(decision)[0]


def test_an_invitation_has_the_lines_of_its_form() -> None:
    (text,) = texts(render_pdf(INVITATION).pdf)
    for line in (
        "GIẤY MỜI Họp giao ban tháng 3",
        "Văn phòng trân trọng kính mời:",
        "- Lãnh đạo Sở Nội vụ;",
        "- Chủ tịch UBND các phường.",
        "Tới dự Họp giao ban tháng 3.",
        "Chủ trì: Chủ tịch UBND thành phố.",
        "Thời gian: 08 giờ 00, ngày 05 tháng 3 năm 2026.",
        "Địa điểm: Phòng họp A./.",
        "TL. CHỦ TỊCH CHÁNH VĂN PHÒNG",
        "- Lưu: VT.",
    ):
        assert line in text


@pytest.mark.parametrize(
    "typed", sampled(["Về việc triển khai", "V/v triển khai", "v/v: triển khai", "triển khai"], one_in=3)
)
def test_what_the_form_says_already_is_not_said_twice(typed: str) -> None:
    (text,) = texts(render_pdf(replace(LETTER, subject=typed)).pdf)
    assert "V/v triển khai" in text
    assert text.casefold().count("v/v") + text.count("Về việc") == 1
    sheet = texts(render_pdf(replace(SUBMISSION, subject=typed)).pdf)[0]
    assert "Về việc: triển khai Số đến" in sheet


def test_a_typed_line_of_the_archive_takes_the_place_of_ours() -> None:
    typed = ("- Như trên;", "- Lưu: VT, TH.", "Lưu trữ lịch sử thành phố")
    (text,) = texts(render_pdf(replace(LETTER, recipients=typed)).pdf)
    assert "- Như trên; - Lưu trữ lịch sử thành phố; - Lưu: VT, TH." in text
    assert "HC." not in text


def test_one_addressee_stands_on_the_line_of_the_greeting() -> None:
    pdf = render_pdf(replace(LETTER, addressees=("Sở Nội vụ",))).pdf
    assert "Kính gửi: Sở Nội vụ." in texts(pdf)[0]


def test_several_addressees_stand_in_a_list_under_the_colon(letter: bytes) -> None:
    lines = [run(letter, beginning) for beginning in ("- Sở Nội vụ;", "- Sở Tài chính;", "- UBND phường Bến Cát.")]
    assert len({round(line.left, 1) for line in lines}) == 1
    assert run(letter, "Kính gửi").left + 10 < lines[0].left


@pytest.mark.parametrize(
    ("urgency", "stamp"),
    [
        (Priority.NORMAL, None),
        (Priority.URGENT, "KHẨN"),
        (Priority.VERY_URGENT, "THƯỢNG KHẨN"),
        (Priority.EXPRESS, "HỎA TỐC"),
    ],
)
def test_an_urgent_paper_is_stamped_and_others_are_not(urgency: Priority, stamp: str | None) -> None:
    pdf = render_pdf(replace(LETTER, urgency=urgency)).pdf
    found = [r.text for r in runs(pdf) if r.text in ("KHẨN", "THƯỢNG KHẨN", "HỎA TỐC")]
    assert found == ([stamp] if stamp else [])


def test_every_vietnamese_letter_can_be_read_back_from_the_page() -> None:
    from docex.official.font_probe import LETTERS

    letters = LETTERS[:-1]  # the dots at the end become the end mark
    pdf = render_pdf(replace(LETTER, body=letters + " hết")).pdf
    text = "".join("".join(texts(pdf)).split())
    assert letters in text


def test_blanks_in_the_page_are_plain_blanks(letter: bytes) -> None:
    assert "\u00a0" not in "".join(r.text for r in runs(letter))


def test_typed_markup_is_text_and_loads_nothing() -> None:
    evil = '<img src="http://127.0.0.1:9/x.png"><b>đậm</b> & <script>x</script>'
    paper = replace(LETTER, body=evil, subject=evil, agency=evil, recipients=(evil,), signer=evil)
    html = render_html(paper, "Tinos")
    for tag in ("<img", "<script", "<b>đậm"):
        assert tag not in html
    assert "<b>đậm</b> & <script>x</script>" in texts(render_pdf(paper).pdf)[0]


def test_the_layout_engine_opens_no_host_and_no_file(tmp_path: Path) -> None:
    font_report()
    picture = tmp_path / "x.png"
    os.mkfifo(picture)  # opening it would hang for ever
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        html = f'<link rel="stylesheet" href="{address}/a.css"><img src="{address}/b.png"><img src="file://{picture}">'
        assert len(_layout(html).pages) == 1
        with pytest.raises(TimeoutError):
            server.accept()


def test_decomposed_and_control_characters_are_made_clean() -> None:
    pdf = render_pdf(replace(LETTER, body="a\u0301 \x00\x07\u200bb\x0c", signer="Trần\nBình")).pdf
    assert "á b./." in texts(pdf)[0]
    assert run(pdf, "Trần Bình")


def test_the_same_paper_gives_the_same_bytes() -> None:
    assert render_pdf(LETTER).sha256 == render_pdf(LETTER).sha256


def test_the_file_says_that_it_is_an_archival_pdf_in_vietnamese(letter: bytes) -> None:
    reader = PdfReader(io.BytesIO(letter))
    root: Any = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_data()
    assert b"pdfaid:part" in metadata
    assert b">3<" in metadata or b'part="3"' in metadata
    assert root["/Lang"] == "vi"
    assert reader.metadata
    assert reader.metadata.title == "Công văn 05/VP-HC"


def test_numbers_notations_and_dates_are_written_by_the_rules() -> None:
    assert [number_text(n) for n in (1, 9, 10, 125)] == ["01", "09", "10", "125"]
    assert notation_text("letter", "UBND", "VX") == "UBND-VX"
    assert notation_text("rule", "UBND", "VX") == "QyĐ-UBND"
    assert date_line("An Bình", date(2026, 1, 5)) == ("An Bình", "05", "01", "2026")
    assert date_line("An Bình", date(2026, 3, 15)) == ("An Bình", "15", "3", "2026")


# Places


def rendered(paper: Paper) -> RenderedPaper:
    return render_pdf(paper)


def test_the_signature_stands_between_position_and_name() -> None:
    paper = rendered(LETTER)
    box = paper.signature_box
    top, bottom = 297 - (box.y + box.height) / MM, 297 - box.y / MM
    assert run(paper.pdf, "PHÓ CHÁNH").top < top < bottom < run(paper.pdf, "Trần Quốc Bình").top
    assert (box.width / MM, box.height / MM) == pytest.approx((60, 28), abs=0.1)
    assert box.x / MM > 105
    assert (box.x + box.width) / MM <= 195


def test_the_seal_covers_the_left_of_the_signature() -> None:
    paper = rendered(DECISION)
    seal, person = paper.seal_box, paper.signature_box
    assert seal.page == person.page
    assert seal.x < person.x < seal.x + seal.width < person.x + person.width
    assert seal.width / MM == pytest.approx(36, abs=0.1)


def test_blank_places_are_kept_for_number_and_date() -> None:
    paper = rendered(INVITATION)
    line = run(paper.pdf, "Số:").top
    for name, least in (("number", 8), ("day", 5), ("month", 5), ("year", 8)):
        box = paper.boxes[name]
        assert box.page == 0
        assert box.width / MM > least
        assert 297 - (box.y + box.height) / MM < line < 297 - box.y / MM + 1.5


def test_the_mark_of_a_copy_has_its_place_at_the_top_right_of_page_one() -> None:
    box = rendered(LETTER).copy_box
    assert (box.width, box.height) == pytest.approx((170, 30), abs=0.1)
    assert (box.x + box.width) / MM == pytest.approx(195, abs=0.1)
    assert box.y / MM > 277
