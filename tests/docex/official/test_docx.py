"""The DOCX has the measures of Decree 30, Annex I, and the same words as the PDF."""

import io
from dataclasses import replace
from typing import Any

import docx
import pytest
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn

from docex.edxml.codes import KINDS
from docex.official import word_styles as ws
from docex.official.docx import render_docx
from docex.official.font_probe import LETTERS
from tests.docex.official.papers import (
    ALL,
    CONTRACT,
    COPY,
    DECISION,
    INVITATION,
    LETTER,
    MINUTES,
    REGULATED,
    REPORT,
    SUBMISSION,
)
from tests.sampling import sampled

A_LINE = "Đề nghị các đơn vị quan tâm, phối hợp thực hiện."


def opened(paper: Any) -> Any:
    return docx.Document(io.BytesIO(render_docx(paper)))


def paragraphs(place: Any) -> list[Any]:
    """All paragraphs in reading order, those of tables too."""
    found: list[Any] = []
    for item in place.iter_inner_content():
        if hasattr(item, "rows"):
            for row in item.rows:
                for cell in row.cells:
                    found += paragraphs(cell)
        else:
            found.append(item)
    return found


def words(document: Any) -> str:
    return "\n".join(p.text for p in paragraphs(document) if p.text)


@pytest.fixture(scope="module")
def letter() -> Any:
    return opened(LETTER)


def test_the_page_is_a4_with_the_margins_of_the_decree(letter: Any) -> None:
    (section,) = letter.sections
    sizes = (section.page_width, section.page_height, section.left_margin, section.right_margin)
    assert [round(size.mm) for size in sizes] == [210, 297, 30, 15]
    assert (round(section.top_margin.mm), round(section.bottom_margin.mm)) == (20, 20)


def test_the_page_number_stands_in_the_middle_of_the_top_margin_and_not_on_page_one(letter: Any) -> None:
    section = letter.sections[0]
    assert section.different_first_page_header_footer
    assert section.first_page_header.paragraphs[0].text == ""
    number = section.header.paragraphs[0]
    assert number._p.find(".//" + qn("w:instrText")).text == "PAGE"
    assert number.style.paragraph_format.alignment == WD_ALIGN_PARAGRAPH.CENTER
    assert 13 <= number.style.font.size.pt <= 14
    assert 0 < section.header_distance.mm < section.top_margin.mm


EXPECTED = [
    ("CỘNG HÒA XÃ HỘI", 12, 13, "b"),
    ("Độc lập - Tự do", 13, 14, "b"),
    ("ỦY BAN NHÂN DÂN", 12, 13, ""),
    ("VĂN PHÒNG", 12, 13, "b"),
    ("Số: 05/VP-HC", 13, 13, ""),
    ("An Bình, ngày 03 tháng 02 năm 2026", 13, 14, "i"),
    ("V/v triển khai", 12, 13, ""),
    ("HỎA TỐC", 13, 14, "b"),
    ("Kính gửi:", 13, 14, ""),
    ("1. Rà soát", 13, 14, ""),
    ("KT. CHÁNH VĂN PHÒNG", 13, 14, "b"),
    ("Trần Quốc Bình", 13, 14, "b"),
    ("Nơi nhận:", 12, 12, "bi"),
    ("- Lưu: VT, HC.", 11, 11, ""),
    ("PL.(30)", 11, 11, ""),
]


@pytest.mark.parametrize(("beginning", "least", "most", "look"), EXPECTED, ids=[e[0] for e in EXPECTED])
def test_sizes_and_styles_are_those_of_the_decree(
    letter: Any, beginning: str, least: int, most: int, look: str
) -> None:
    (found,) = [p for p in paragraphs(letter) if p.text.startswith(beginning)]
    font = found.style.font
    assert least <= font.size.pt <= most
    assert ("b" * bool(font.bold)) + ("i" * bool(font.italic)) == look


def test_every_style_names_the_decrees_font_for_all_scripts(letter: Any) -> None:
    for name in ("Normal", *ws.LOOKS):
        fonts = letter.styles[name].element.rPr.rFonts
        assert {fonts.get(qn(f"w:{script}")) for script in ("ascii", "hAnsi", "eastAsia", "cs")} == {ws.FONT}


def test_the_text_is_justified_with_its_first_line_indented(letter: Any) -> None:
    place = letter.styles[ws.TEXT].paragraph_format
    assert place.alignment == WD_ALIGN_PARAGRAPH.JUSTIFY
    assert place.first_line_indent.mm == pytest.approx(12.7, abs=0.1)
    assert place.space_after.pt >= 6
    assert 1 <= place.line_spacing <= 1.5


def test_the_urgency_has_the_frame_of_the_decree_in_red(letter: Any) -> None:
    (stamp,) = letter.tables[0].rows[1].cells[0].tables
    assert (round(stamp.columns[0].width.mm), round(stamp.rows[0].height.mm)) == (30, 8)
    assert str(stamp.rows[0].cells[0].paragraphs[0].style.font.color.rgb) == "C00000"
    borders = stamp._tbl.tblPr.find(qn("w:tblBorders"))
    assert {line.get(qn("w:color")) for line in borders} == {"C00000"}


def test_the_contact_stands_at_the_foot_of_page_one_only(letter: Any) -> None:
    section = letter.sections[0]
    assert "Địa chỉ: Số 1 đường Hòa Bình" in [p.text for p in section.first_page_footer.paragraphs]
    assert [p.text for p in section.footer.paragraphs] == [""]


@pytest.mark.parametrize("paper", [LETTER, DECISION, REPORT, CONTRACT], ids=lambda p: p.kind)
def test_the_signature_is_in_one_piece_with_the_end_of_the_text(paper: Any) -> None:
    document = opened(replace(paper, body=paper.body + "\n" + A_LINE))
    items = list(document.iter_inner_content())
    tables = ((n, item) for n, item in enumerate(items) if hasattr(item, "rows"))
    foot = next(n for n, table in tables if paper.signer in words(table.rows[0].cells[1]))
    before = items[foot - 2 : foot]
    assert before[0].text == A_LINE[:-1] + "./."
    assert all(p.paragraph_format.keep_with_next for p in before)
    assert items[foot].rows[0]._tr.trPr.find(qn("w:cantSplit")) is not None


def test_a_table_is_a_table_with_a_head_that_comes_again() -> None:
    table = next(t for t in opened(REPORT).tables if t.rows[0].cells[0].text == "Nội dung")
    assert [[cell.text for cell in row.cells] for row in table.rows][1:] == [
        ["Văn bản đi", "1.204", "1.377"],
        ["Văn bản đến", "3.921", "4.450"],
    ]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None


def test_annexes_are_sections_with_numbers_of_their_own() -> None:
    document = opened(REGULATED)
    assert len(document.sections) == 3
    for section in document.sections:
        assert section._sectPr.find(qn("w:pgNumType")).get(qn("w:start")) == "1"
        assert section.different_first_page_header_footer
    text = words(document)
    assert text.index("QUY CHẾ") < text.index("Phụ lục\n") < text.index("DANH SÁCH ĐẦU MỐI")


def test_all_letters_come_through_composed_and_nothing_else_crashes_it() -> None:
    odd = "Y Ƀih Niê Kđăm, Ñ̌ Bơ̆ 漢字 🏛 \ud800\x00\x07"
    document = opened(replace(LETTER, body=LETTERS + "\na\u0301 hết", signer=odd, recipients=(odd,)))
    text = words(document)
    assert LETTERS.rstrip("…") in text
    assert "á hết./." in text
    assert "Niê Kđăm" in text


@pytest.mark.parametrize("name", sampled(ALL, one_in=4))
def test_the_elements_stand_in_the_order_that_word_demands(name: str) -> None:
    orders = {
        "tblPr": ["tblStyle", "tblW", "jc", "tblBorders", "tblLayout", "tblCellMar", "tblLook"],
        "pPr": ["pStyle", "keepNext", "keepLines", "pageBreakBefore", "widowControl", "pBdr", "spacing", "ind", "jc",
                "rPr", "sectPr"],
        "sectPr": ["headerReference", "footerReference", "type", "pgSz", "pgMar", "pgNumType", "cols", "titlePg",
                   "docGrid"],
        "tcPr": ["tcW", "vAlign"],
    }  # fmt: skip
    body = opened(ALL[name]).element.body
    for parent, order in orders.items():
        for element in body.iter(qn(f"w:{parent}")):
            places = [order.index(child.tag.partition("}")[2]) for child in element]
            if parent == "sectPr":
                places = [place for place in places if place > 1]
            assert places == sorted(places)


def test_every_kind_of_the_decree_can_be_written() -> None:
    for kind in KINDS:
        text = words(opened(replace(LETTER, kind=kind.slug)))
        assert (kind.label.msgid.upper() in text.splitlines()) == (kind.slug != "letter")


def test_blank_places_are_kept_for_number_and_date() -> None:
    text = words(opened(INVITATION))
    assert "Số:        /GM-VP" in text
    assert "An Bình, ngày       tháng       năm " in text


def test_minutes_have_two_signatures_and_a_copy_its_block() -> None:
    lines = words(opened(MINUTES)).splitlines()
    assert lines[-6:] == ["THƯ KÝ", "Vũ Minh Thư", "CHỦ TỌA", "Trần Quốc Bình", "Nơi nhận:", "- Lưu: VT, Hồ sơ."]
    lines = words(opened(replace(LETTER, copy=COPY))).splitlines()
    assert lines[lines.index("PL.(30)") + 1 :][:4] == ["UBND THÀNH PHỐ", "AN BÌNH", "VĂN PHÒNG", "SAO Y"]


def test_under_a_stamp_there_is_no_line_as_high_as_a_letter() -> None:
    urgent = opened(replace(LETTER, circulation="Xem xong trả lại"))
    cell = urgent.tables[0].rows[1].cells[0]
    assert [table.rows[0].cells[0].text for table in cell.tables] == ["HỎA TỐC", "XEM XONG TRẢ LẠI"]
    assert {p.style.name for p in cell.paragraphs} == {ws.NUMBER, ws.ABOUT, ws.RULE}


def test_lines_to_write_on_are_drawn_each() -> None:
    lines = [p for p in paragraphs(opened(SUBMISSION)) if p.style.name == ws.LINE]
    assert len(lines) == 6
    for line in lines:
        assert line._p.pPr.find(".//" + qn("w:between")) is not None


def test_the_block_of_a_copy_stays_in_one_piece() -> None:
    document = opened(replace(LETTER, copy=COPY))
    head = next(t for t in document.tables if t.rows[0].cells[1].text == "SAO Y")
    assert all(p.paragraph_format.keep_with_next for row in head.rows for cell in row.cells for p in cell.paragraphs)


def test_the_end_of_a_long_list_of_recipients_is_kept_together() -> None:
    document = opened(replace(LETTER, recipients=tuple(f"Nơi {n}" for n in range(40))))
    lines = [one for one in document.paragraphs if one.text.startswith("- ")]
    assert [one.paragraph_format.keep_with_next for one in lines[-4:]] == [False, True, True, True]
    unmarked = opened(replace(LETTER, typist="", recipients=tuple(f"Nơi {n}" for n in range(40))))
    (last,) = [one for one in unmarked.paragraphs if one.text.startswith("- Lưu")]
    assert not last.paragraph_format.keep_with_next
    assert lines[-1].text == "- Lưu: VT, HC."
