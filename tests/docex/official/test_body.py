"""The clerk's plain text becomes paragraphs by the words they begin with."""

import pytest

from docex.documents.drafting.draft import Draft, tidied
from docex.official.body import balanced, blocks
from docex.official.layout import Paragraph, Style, Table


def paragraphs(text: str, kind: str) -> tuple[Paragraph, ...]:
    """The blocks of a text without tables."""
    found = blocks(text, kind)
    return tuple(block for block in found if isinstance(block, Paragraph))


def test_each_line_is_a_paragraph_and_the_last_is_closed() -> None:
    assert paragraphs("Một.\n\n  Hai;  \r\nBa.", "letter") == (
        Paragraph(Style.TEXT, "Một."),
        Paragraph(Style.TEXT, "Hai;"),
        Paragraph(Style.TEXT, "Ba./."),
    )


def test_blanks_and_line_ends_from_word_part_words_and_paragraphs() -> None:
    text = "Nghị định số\u00a030,\u2009ngày\u202f05\u200b.\vHai\u2028Ba\u2029Bốn\fNăm\x85Sáu"
    found = [paragraph.text for paragraph in paragraphs(text, "letter")]
    assert found == ["Nghị định số 30, ngày 05.", "Hai", "Ba", "Bốn", "Năm", "Sáu./."]


def test_a_draft_keeps_the_blanks_and_lines_that_were_pasted() -> None:
    typed = Draft("letter", "X", 1, (), body="05\u00a0tháng\u00a03\vĐoạn\u2028hai \u0000", places=("Sở\u00a0Y tế",))
    kept = tidied(typed)
    assert kept.body == "05 tháng 3\nĐoạn\nhai"
    assert kept.places == ("Sở Y tế",)


def test_an_end_mark_that_was_typed_is_not_doubled() -> None:
    assert paragraphs("Một./.", "letter")[-1].text == "Một./."


def test_legal_bases_are_found_at_the_start_of_a_decision_only() -> None:
    text = "Căn cứ Luật A\nCăn cứ Luật B;\nĐiều 1. Ban hành\nCăn cứ tình hình, các đơn vị thực hiện."
    found = paragraphs(text, "decision")
    assert [p.style for p in found] == [Style.BASIS, Style.BASIS, Style.RESOLVES, Style.TEXT, Style.TEXT]
    assert [p.text for p in found[:3]] == ["Căn cứ Luật A;", "Căn cứ Luật B.", "QUYẾT ĐỊNH:"]
    assert found[3] == Paragraph(Style.TEXT, "Ban hành", "Điều 1.")
    assert {p.style for p in paragraphs(text, "letter")} == {Style.TEXT}


def test_a_resolving_word_that_was_typed_is_kept_once() -> None:
    found = paragraphs("Căn cứ Luật A;\nQUYẾT ĐỊNH\nĐiều 1. X", "decision")
    assert [p.text for p in found if p.style is Style.RESOLVES] == ["QUYẾT ĐỊNH:"]
    assert paragraphs("Điều 1. X", "resolution")[0].text == "QUYẾT NGHỊ:"


def test_chapters_and_their_names_are_headings() -> None:
    found = paragraphs("Chương I\nQUY ĐỊNH CHUNG\nChương trình này gồm hai phần.", "regulation")
    assert [p.style for p in found] == [Style.HEADING, Style.HEADING, Style.TEXT]


@pytest.mark.parametrize(
    "line",
    [
        "Mục 2 của Kế hoạch được sửa đổi như sau",
        "Phần 1 Kế hoạch này do Sở Nội vụ thực hiện.",
        "Chương II Luật Đất đai quy định:",
        "Mục 2 Điều 5 được bãi bỏ",
        "Mục 2, Mục 3 được bãi bỏ",
    ],
)
def test_a_sentence_that_begins_like_a_heading_is_none(line: str) -> None:
    assert paragraphs(f"{line}\nHết", "letter")[0] == Paragraph(Style.TEXT, line)


@pytest.mark.parametrize(
    "line", ["Chương I", "Chương I.", "Mục 2. Tổ chức thực hiện", "Phần thứ nhất", "MỤC 3 QUY ĐỊNH"]
)
def test_a_heading_has_a_number_and_perhaps_a_name(line: str) -> None:
    assert paragraphs(f"{line}\nHết", "letter")[0] == Paragraph(Style.HEADING, line)


def test_an_empty_text_has_no_paragraphs() -> None:
    assert paragraphs("\n \n", "letter") == ()


def test_names_are_balanced_over_lines() -> None:
    assert balanced("ỦY BAN NHÂN DÂN THÀNH PHỐ AN BÌNH") == ["ỦY BAN NHÂN DÂN", "THÀNH PHỐ AN BÌNH"]
    assert balanced("SỞ NỘI VỤ") == ["SỞ NỘI VỤ"]
    assert balanced("") == []
    assert balanced("X" * 60) == ["X" * 60]


def test_lines_with_bars_are_a_table_and_a_line_of_dashes_is_no_row() -> None:
    found = blocks("Số liệu:\n| A | B |\n|---|:-:|\n| 1 | |\n| 2 |", "report")
    assert found[1] == Table((("A", "B"), ("1", ""), ("2", "")))
    assert found[2] == Paragraph(Style.END, "./.")


def test_lines_pasted_from_a_table_are_a_table() -> None:
    found = blocks("TT\tTên\n1\tSở  Nội vụ\nHết.", "report")
    assert found == (Table((("TT", "Tên"), ("1", "Sở Nội vụ"))), Paragraph(Style.TEXT, "Hết./."))
    assert blocks("một\ttab", "report") == (Paragraph(Style.TEXT, "một tab./."),)


@pytest.mark.parametrize("mark", ["{}.", "{})", "1.{}", "1.{}.", "Điều {}.", "-", "+", "•", "\uf0b7", "o", ""])
def test_a_list_pasted_from_word_is_no_table(mark: str) -> None:
    for indent in ("", "\t"):
        pasted = "\n".join(f"{indent}{mark.format(n)}\tRà soát" for n in (1, 2, 3))
        assert len(paragraphs(pasted, "report")) == len(blocks(pasted, "report")) == 3
    assert paragraphs("a)\tRà soát\nb)\tBáo cáo", "report")[0].text == "a) Rà soát"


def test_indented_lines_from_word_are_paragraphs() -> None:
    pasted = "\tCăn cứ Luật A\n\tCăn cứ Luật B\n\tQUYẾT ĐỊNH:\n\tĐiều 1. X\n\t1.\tHai"
    found = paragraphs(pasted, "decision")
    assert [p.style for p in found] == [Style.BASIS, Style.BASIS, Style.RESOLVES, Style.TEXT, Style.TEXT]
    assert (found[1].text, found[3].lead, found[4].text) == ("Căn cứ Luật B.", "Điều 1.", "1. Hai./.")


def test_tables_with_an_indent_an_unnamed_column_or_merged_cells_stay_tables() -> None:
    (indented, _) = blocks("\tTT\tTên\n\t1\tSở Y tế", "report")
    assert indented == Table((("TT", "Tên"), ("1", "Sở Y tế")))
    (unnamed, _) = blocks("\t2024\t2025\nVăn bản đi\t1.204\t1.377", "report")
    assert unnamed == Table((("", "2024", "2025"), ("Văn bản đi", "1.204", "1.377")))
    (merged, _) = blocks("TT\tSở\tViệc\n1.\tY tế\tA\n\t\tB", "report")
    assert merged == Table((("TT", "Sở", "Việc"), ("1.", "Y tế", "A"), ("", "", "B")))


def test_a_table_of_nothing_is_not_an_error() -> None:
    assert blocks("|---|\n", "report")[0] == Table((("",),))
    assert isinstance(blocks("|", "report")[0], Table)


def test_sections_in_capitals_are_set_in_bold() -> None:
    assert paragraphs("I. KẾT QUẢ\nTốt.", "report")[0].style is Style.SECTION
    assert paragraphs("I. Kết quả", "report")[0].style is Style.TEXT


def test_articles_of_a_regulation_have_names_in_bold() -> None:
    assert paragraphs("Điều 1. Phạm vi\nMột.", "regulation")[0] == Paragraph(Style.TEXT, "", "Điều 1. Phạm vi")
    assert paragraphs("Điều 1. Phạm vi\nMột.", "decision")[1].lead == "Điều 1."
    assert paragraphs("Điều 1. Phạm vi", "rule")[0].lead == "Điều 1. Phạm vi./."
