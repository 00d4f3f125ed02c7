"""The clerk's plain text becomes paragraphs by the words they begin with."""

from docex.official.body import balanced, blocks
from docex.official.layout import Paragraph, Style


def test_each_line_is_a_paragraph_and_the_last_is_closed() -> None:
    assert blocks("Một.\n\n  Hai;  \r\nBa.", "letter") == (
        Paragraph(Style.TEXT, "Một."),
        Paragraph(Style.TEXT, "Hai;"),
        Paragraph(Style.TEXT, "Ba./."),
    )


def test_an_end_mark_that_was_typed_is_not_doubled() -> None:
    assert blocks("Một./.", "letter")[-1].text == "Một./."


def test_legal_bases_are_found_at_the_start_of_a_decision_only() -> None:
    text = "Căn cứ Luật A\nCăn cứ Luật B;\nĐiều 1. Ban hành\nCăn cứ tình hình, các đơn vị thực hiện."
    found = blocks(text, "decision")
    assert [p.style for p in found] == [Style.BASIS, Style.BASIS, Style.RESOLVES, Style.TEXT, Style.TEXT]
    assert [p.text for p in found[:3]] == ["Căn cứ Luật A;", "Căn cứ Luật B.", "QUYẾT ĐỊNH:"]
    assert found[3] == Paragraph(Style.TEXT, "Ban hành", "Điều 1.")
    assert {p.style for p in blocks(text, "letter")} == {Style.TEXT}


def test_a_resolving_word_that_was_typed_is_kept_once() -> None:
    found = blocks("Căn cứ Luật A;\nQUYẾT ĐỊNH\nĐiều 1. X", "decision")
    assert [p.text for p in found if p.style is Style.RESOLVES] == ["QUYẾT ĐỊNH:"]
    assert blocks("Điều 1. X", "resolution")[0].text == "QUYẾT NGHỊ:"


def test_chapters_and_their_names_are_headings() -> None:
    found = blocks("Chương I\nQUY ĐỊNH CHUNG\nChương trình này gồm hai phần.", "regulation")
    assert [p.style for p in found] == [Style.HEADING, Style.HEADING, Style.TEXT]


def test_an_empty_text_has_no_blocks() -> None:
    assert blocks("\n \n", "letter") == ()


def test_names_are_balanced_over_lines() -> None:
    assert balanced("ỦY BAN NHÂN DÂN THÀNH PHỐ AN BÌNH") == ["ỦY BAN NHÂN DÂN", "THÀNH PHỐ AN BÌNH"]
    assert balanced("SỞ NỘI VỤ") == ["SỞ NỘI VỤ"]
    assert balanced("") == []
    assert balanced("X" * 60) == ["X" * 60]
