"""More than one page, long names and long lists."""

from dataclasses import replace

import pytest
from pypdfium2 import PdfDocument

from docex.edxml.codes import KINDS, DocumentKind
from docex.official.composing import compose
from docex.official.layout import TOGETHER
from docex.official.rendering import render_pdf
from tests.docex.official.papers import DECISION, LETTER, MINUTES, MM, REPORT, run, runs, texts
from tests.sampling import sampled

SENTENCE = "Đề nghị các đơn vị quan tâm, phối hợp thực hiện và báo cáo kết quả về Văn phòng trước ngày 20."


def test_the_number_of_the_first_page_is_hidden_and_others_stand_in_the_middle_of_the_top_margin() -> None:
    pdf = render_pdf(replace(LETTER, body="\n".join([SENTENCE] * 60))).pdf
    assert not [r for r in runs(pdf, 0) if r.text == "1"]
    second = run(pdf, "2", 1)
    assert second.text == "2"
    assert 13 <= second.size <= 14
    assert second.top < 20
    assert second.left == pytest.approx(30 + 165 / 2, abs=2)


@pytest.mark.parametrize("lines", sampled(range(9, 24), one_in=3))
def test_the_signature_is_in_one_piece_and_never_alone_on_a_page(lines: int) -> None:
    paper = render_pdf(replace(LETTER, body="\n".join([SENTENCE] * lines)))
    page = texts(paper.pdf)[paper.signature_box.page]
    before, _, after = page.partition("Nơi nhận:")
    assert "về Văn phòng trước ngày 20./." in before
    assert "KT. CHÁNH VĂN PHÒNG PHÓ CHÁNH VĂN PHÒNG Trần Quốc Bình" in after


@pytest.mark.long_proof
def test_one_very_long_paragraph_also_keeps_company_with_the_signature() -> None:
    for sentences in (24, 28, 30, 32, 60):
        paper = render_pdf(replace(LETTER, body=" ".join([SENTENCE] * sentences)))
        page = texts(paper.pdf)[paper.signature_box.page]
        assert page.partition("Nơi nhận:")[0].endswith("trước ngày 20./. ")


@pytest.mark.long_proof
def test_five_hundred_letters_of_subject_and_long_names_stay_on_the_page() -> None:
    subject = ("Nội dung trích yếu rất dài " * 20)[:500].strip()
    agency = "Ban Quản lý dự án đầu tư xây dựng các công trình giao thông và hạ tầng kỹ thuật thành phố An Bình"
    signer = "Công Tằng Tôn Nữ Hoàng Thị Minh Châu Phương Thảo Quỳnh"
    for paper in (replace(LETTER, number="12345678901"), DECISION):
        pdf = render_pdf(replace(paper, subject=subject, agency=agency, signer=signer)).pdf
        text = " ".join(texts(pdf))
        assert subject in text
        assert agency.upper() in text
        assert signer in text


def test_a_word_without_blanks_is_broken_rather_than_lost() -> None:
    pdf = render_pdf(replace(LETTER, body="x" * 400, urgency=LETTER.urgency)).pdf
    assert "".join(texts(pdf)).replace(" ", "").count("x") >= 400


def test_a_long_list_of_recipients_runs_on_over_the_page_and_ends_with_the_archive() -> None:
    names = tuple(f"UBND phường thứ {n}" for n in range(1, 91))
    paper = render_pdf(replace(LETTER, recipients=names))
    text = " ".join(texts(paper.pdf))
    assert paper.pages > 1
    for name in names:
        assert f"- {name};" in text
    assert text.index("- UBND phường thứ 90;") < text.index("- Lưu: VT, HC.")
    assert (paper.signature_box.y + paper.signature_box.height) / MM < 277


@pytest.mark.parametrize("names", [28, 29], ids=["the mark of the typist", "the archive"])
def test_the_end_of_the_recipients_is_never_alone_on_a_page(names: int) -> None:
    # Page 1 has room for 29 recipients: each of these numbers puts one line too many on it.
    paper = render_pdf(replace(LETTER, recipients=tuple(f"UBND phường thứ {n}" for n in range(1, names + 1))))
    first, second = texts(paper.pdf)
    assert (first.count("- UBND phường thứ"), second.count("- UBND phường thứ")) == (names - 2, 2)
    assert "- Lưu: VT, HC. PL.(30)" in second


def test_one_line_more_than_stand_beside_the_signature_stands_there_too() -> None:
    (layout,) = compose(replace(LETTER, recipients=tuple(f"Nơi {n}" for n in range(15))))
    assert layout.foot is not None
    assert (len(layout.foot.beside), layout.foot.below) == (16, ())
    (longer,) = compose(replace(LETTER, recipients=tuple(f"Nơi {n}" for n in range(16))))
    assert longer.foot is not None
    assert len(longer.foot.below) == TOGETHER


def test_long_names_of_recipients_do_not_push_the_signature_to_another_page() -> None:
    long = tuple(f"Sở thứ {n} thuộc Ủy ban nhân dân thành phố An Bình (để phối hợp thực hiện)" for n in range(15))
    paper = render_pdf(replace(LETTER, recipients=long))
    assert paper.signature_box.page == 0
    assert " ".join(texts(paper.pdf)).count("(để phối hợp thực hiện);") == 15
    (layout,) = compose(replace(LETTER, recipients=("x " * 400, "y " * 90)))
    assert layout.foot is not None
    assert len(layout.foot.beside) == 1


@pytest.mark.long_proof
@pytest.mark.parametrize("kind", ["dispatch-note", "leave"])
def test_what_another_hand_completes_is_never_alone_on_a_page(kind: str) -> None:
    for lines in range(13, 19):
        paper = render_pdf(replace(DECISION, kind=kind, body="\n".join([f"{n}. Nội dung" for n in range(lines)])))
        last = texts(paper.pdf)[-1]
        assert paper.signature_box.page == paper.pages - 1
        assert f"{lines - 1}. Nội dung./." in last


@pytest.mark.long_proof
def test_the_recipients_of_minutes_are_never_alone_on_a_page() -> None:
    for lines in range(36, 41):
        body = "\n".join(f"{n}. Nội dung" for n in range(lines))
        last = texts(render_pdf(replace(MINUTES, body=body)).pdf)[-1]
        assert "Nơi nhận" in last
        assert "THƯ KÝ" in last


@pytest.mark.long_proof
def test_the_mark_of_the_end_goes_with_the_last_row_of_a_table() -> None:
    for lines in (22, 24, 26, 28):
        body = table(("TT", "Việc"), *[(str(n), "Rà soát") for n in range(lines)])
        last = texts(render_pdf(replace(REPORT, body=body)).pdf)[-1]
        assert f"{lines - 1} Rà soát ./." in last


def test_names_break_between_words_of_meaning() -> None:
    lines = [r.text for r in runs(render_pdf(LETTER).pdf)][:2]
    assert lines == ["ỦY BAN NHÂN DÂN", "THÀNH PHỐ AN BÌNH"]


def test_an_empty_body_is_still_a_paper() -> None:
    assert render_pdf(replace(LETTER, body=" \n ")).pages == 1


def test_the_decree_has_29_kinds() -> None:
    assert len(KINDS) == 29


@pytest.mark.parametrize("kind", sampled(KINDS, one_in=4), ids=lambda kind: kind.slug)
def test_every_kind_of_the_decree_can_be_printed(kind: DocumentKind) -> None:
    (text,) = texts(render_pdf(replace(LETTER, kind=kind.slug)).pdf)
    assert (kind.label.msgid.upper() in text) == (kind.slug != "letter")


WIDE = ("STT", "Chỉ tiêu", "Đơn vị tính", "Năm 2024", "Năm 2025", "Tỷ lệ (%)", "Ghi chú")


def table(*rows: tuple[str, ...]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def test_words_and_figures_in_a_crowded_table_stay_whole() -> None:
    told = "Tổng số văn bản đi được phát hành và liên thông trên trục liên thông văn bản của thành phố"
    row = ("12", told, "văn bản", "1.250.000", "1.377.500", "110,2", "Số liệu tính đến ngày 31/12/2025")
    text = " ".join(texts(render_pdf(replace(REPORT, body=table(WIDE, *[row] * 12))).pdf))
    for figure in ("1.250.000", "1.377.500", "110,2"):
        assert text.count(figure) == 12


def test_a_word_without_blanks_in_a_table_does_not_run_off_the_page() -> None:
    for row in (("x" * 200, "1.250.000"), ("1", "x" * 200)):
        pdf = render_pdf(replace(REPORT, body=table(("A", "B"), row))).pdf
        sheet = PdfDocument(pdf)[0].get_textpage()
        letters = [sheet.get_charbox(n) for n, letter in enumerate(sheet.get_text_range()) if letter == "x"]
        assert len(letters) == 200
        assert max(right for _, _, right, _ in letters) <= 195 * MM
