"""The forms beside letter, decision and invitation: minutes, conclusions, copies, annexes, submission sheets."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from docex.official.composing import roman
from docex.official.paper import Annex, CopyForm, copy_mark, copy_notation
from docex.official.rendering import RenderedPaper, render_pdf
from tests.docex.official.papers import (
    ALL,
    CONCLUSION,
    CONTRACT,
    COPY,
    DECISION,
    LETTER,
    MINUTES,
    MM,
    REGULATED,
    REPORT,
    SUBMISSION,
    TELEGRAM,
    run,
    runs,
    texts,
)

SENTENCE = "Đề nghị các đơn vị quan tâm, phối hợp thực hiện và báo cáo kết quả về Văn phòng trước ngày 20."


@pytest.fixture(scope="module")
def minutes() -> RenderedPaper:
    return render_pdf(MINUTES)


@pytest.fixture(scope="module")
def regulated() -> RenderedPaper:
    return render_pdf(replace(REGULATED, body=REGULATED.body + f"\n{SENTENCE}" * 60))


@pytest.fixture(scope="module")
def copied() -> RenderedPaper:
    return render_pdf(replace(LETTER, copy=COPY))


def test_minutes_have_the_lines_of_their_form_and_no_place_and_date(minutes: RenderedPaper) -> None:
    (text,) = texts(minutes.pdf)
    lines = (
        "Số: 07/BB-VP",
        "BIÊN BẢN Họp giao ban tháng 3",
        "Thời gian bắt đầu: 08 giờ 00, ngày 05 tháng 3 năm 2026.",
        "Địa điểm: Phòng họp A.",
        "Thành phần tham dự: - Lãnh đạo Sở Nội vụ; - Chủ tịch UBND các phường.",
        "Vắng mặt: Sở Tài chính (có lý do).",
        "Chủ trì (chủ tọa): Ông Trần Quốc Bình, Phó Chánh Văn phòng.",
        "Thư ký (người ghi biên bản): Vũ Minh Thư.",
        "Nội dung (theo diễn biến cuộc họp):",
        "Cuộc họp kết thúc vào 10 giờ 15, ngày 05 tháng 3 năm 2026./.",
        "- Lưu: VT, Hồ sơ.",
    )
    places = [text.index(line) for line in lines]
    assert places == sorted(places)
    assert "An Bình, ngày" not in text
    assert text.count("./.") == 1


def test_the_secretary_signs_on_the_left_and_the_chair_on_the_right(minutes: RenderedPaper) -> None:
    secretary, chair = minutes.boxes["sig-2"], minutes.signature_box
    assert secretary.y == pytest.approx(chair.y, abs=0.5)
    assert secretary.x + secretary.width < 210 / 2 * MM + 15 * MM < chair.x + chair.width
    left, right = run(minutes.pdf, "THƯ KÝ"), run(minutes.pdf, "CHỦ TỌA")
    assert left.left < right.left
    assert left.top == pytest.approx(right.top, abs=0.2)
    assert run(minutes.pdf, "Nơi nhận").top > run(minutes.pdf, "Vũ Minh Thư").top


def test_parties_of_a_contract_sign_side_by_side() -> None:
    paper = render_pdf(CONTRACT)
    assert run(paper.pdf, "ĐẠI DIỆN BÊN B").top == pytest.approx(run(paper.pdf, "ĐẠI DIỆN BÊN A").top, abs=0.2)
    assert {"sig-person", "sig-2"} <= set(paper.boxes)


def test_a_conclusion_notice_tells_who_does_what_until_when() -> None:
    (text,) = texts(render_pdf(CONCLUSION).pdf)
    assert "THÔNG BÁO Kết luận của đồng chí Chủ tịch UBND thành phố tại cuộc họp giao ban tháng 3 ngày 05" in text
    assert "Ngày 05 tháng 3 năm 2026, tại Phòng họp A, đồng chí Chủ tịch UBND thành phố chủ trì cuộc họp" in text
    assert "đồng chí Chủ tịch UBND thành phố kết luận như sau: 1. Thống nhất với báo cáo của Văn phòng." in text
    assert (
        "2. Rà soát đầu mối tiếp nhận. Sở Nội vụ chủ trì, phối hợp với Văn phòng, UBND các phường thực hiện; "
        "thời hạn hoàn thành: 15/3/2026." in text
    )
    assert "Văn phòng thông báo đến các cơ quan, đơn vị biết, thực hiện./." in text


def test_a_telegram_names_who_wires_whom() -> None:
    (text,) = texts(render_pdf(TELEGRAM).pdf)
    assert "CÔNG ĐIỆN Phòng chống bão số 5 Văn phòng điện: - Sở Nội vụ;" in text


def test_annexes_begin_pages_that_are_counted_anew(regulated: RenderedPaper) -> None:
    pages = [runs(regulated.pdf, n) for n in range(regulated.pages)]
    first = next(n for n, page in enumerate(pages) if any(r.text == "QUY CHẾ" for r in page))
    last = regulated.pages - 1
    assert [r.text for r in pages[1] if r.top < 19] == ["2"]
    assert [r.text for r in pages[first] if r.top < 19] == []
    label = next(r for r in pages[last] if r.text.startswith("Phụ lục"))
    title = next(r for r in pages[last] if r.text == "DANH SÁCH ĐẦU MỐI")
    assert (label.text, label.size, title.size) == ("Phụ lục", 14, 14)
    assert label.font.endswith("Bold")
    assert title.font.endswith("Bold")


def test_the_reference_of_an_annex_is_blank_unless_on_paper() -> None:
    annexed = replace(DECISION, annexes=(Annex("Một", "A"), Annex("Hai", "B")))
    blank = texts(render_pdf(annexed).pdf)
    assert "Phụ lục I MỘT (Kèm theo Quyết định số /QĐ-UBND ngày tháng năm của Chủ tịch" in blank[1]
    assert "Phụ lục II HAI" in blank[2]
    filled = texts(render_pdf(replace(annexed, paper_annexes=True)).pdf)
    assert "(Kèm theo Quyết định số 126/QĐ-UBND ngày 29 tháng 12 năm 2026 của Chủ tịch" in filled[1]
    assert run(render_pdf(annexed).pdf, "(Kèm theo", 1).font.endswith("Italic")


def test_a_file_with_annexes_is_still_archival_and_the_same_every_time(regulated: RenderedPaper) -> None:
    root: Any = PdfReader(io.BytesIO(regulated.pdf)).trailer["/Root"]
    metadata = root["/Metadata"].get_data()
    assert b'part="3"' in metadata or b"<pdfaid:part>3<" in metadata
    assert b'conformance="B"' in metadata or b"<pdfaid:conformance>B<" in metadata
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert render_pdf(REGULATED).sha256 == render_pdf(REGULATED).sha256


@pytest.mark.parametrize(
    ("form", "title", "code"), [("SY", "SAO Y", "SY-VP"), ("SL", "SAO LỤC", "SL-VP"), ("TrS", "TRÍCH SAO", "TrS-VP")]
)
def test_each_form_of_copy_has_its_title_and_notation(form: str, title: str, code: str) -> None:
    notation = copy_notation(CopyForm(form), "VP")
    assert notation == code
    pdf = render_pdf(replace(COPY, form=CopyForm(form), notation=notation)).pdf
    found = run(pdf, title)
    assert 13 <= found.size <= 14
    assert found.font.endswith("Bold")
    assert run(pdf, f"Số: 03/{code}")


def test_the_block_of_a_copy_stands_after_the_end_with_a_signature_of_its_own(copied: RenderedPaper) -> None:
    (text,) = texts(copied.pdf)
    assert text.index("Trần Quốc Bình") < text.index("SAO Y") < text.index("Số: 03/SY-VP") < text.index("Vũ Minh Thư")
    assert copied.boxes["sig-copy"].y < copied.signature_box.y
    assert run(copied.pdf, "SAO Y").top > run(copied.pdf, "PL.(30)").top


def test_the_mark_of_an_electronic_copy_has_form_agency_and_time_with_zone() -> None:
    signed_at = datetime(2026, 2, 3, 2, 5, 9, tzinfo=UTC)
    assert copy_mark(CopyForm.EXTRACT, "Văn phòng", signed_at) == ("Trích sao Văn phòng", "2026-02-03T09:05:09+07:00")


def test_a_submission_sheet_has_three_opinions_and_lines_for_those_to_come() -> None:
    (text,) = texts(render_pdf(SUBMISSION).pdf)
    parts = (
        "PHIẾU GIẢI QUYẾT VĂN BẢN ĐẾN",
        "Văn bản đến: Công văn số 44/SNV-VP ngày 03/02/2026 của Sở Nội vụ",
        "Số đến: 215, ngày đến 04/02/2026",
        "Ý kiến của người đứng đầu cơ quan, tổ chức: Giao xử lý, trả lời trong tuần.",
        "Chủ trì: Phòng Tổng hợp",
        "Phối hợp: Phòng Hành chính; Phòng Nội chính",
        "Thời hạn: 10/02/2026",
        "Ngày cho ý kiến: 04/02/2026",
        "Ý kiến của người đứng đầu đơn vị:",
        "Ý kiến đề xuất của người giải quyết:",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_long_table_runs_over_pages_with_its_head_and_the_signature_is_not_alone() -> None:
    rows = "\n".join(f"| {n} | Cơ quan thứ {n} |" for n in range(1, 81))
    paper = render_pdf(replace(REPORT, body=f"Danh sách:\n| TT | Tên cơ quan |\n{rows}"))
    pages = texts(paper.pdf)
    assert len(pages) > 1
    assert "Tên cơ quan" in pages[0]
    assert "Tên cơ quan" in pages[1]
    assert "Cơ quan thứ 80" in pages[paper.signature_box.page].partition("Nơi nhận:")[0]
    joined = " ".join(pages)
    assert all(f"Cơ quan thứ {n} " in joined for n in range(1, 81))


@pytest.mark.parametrize(
    ("authority", "position"),
    [
        ("TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH\nPHÓ CHỦ TỊCH"),
        ("", "TL. Chủ tịch\nKT. Chánh Văn phòng\nPhó Chánh Văn phòng"),
        ("TUQ. CHỦ TỊCH", "GIÁM ĐỐC SỞ KẾ HOẠCH, KIẾN TRÚC, XÂY DỰNG VÀ HẠ TẦNG KỸ THUẬT ĐÔ THỊ"),
    ],
)
def test_lines_of_authority_stand_over_the_name_and_forty_recipients_beside(authority: str, position: str) -> None:
    names = tuple(f"UBND phường thứ {n}" for n in range(1, 41))
    paper = render_pdf(replace(LETTER, authority=authority, position=position, recipients=names))
    found = [r for n in range(paper.pages) for r in runs(paper.pdf, n)]
    tops = [r.top for r in found if r.font.endswith("Bold") and r.left > 100 and r.text.isupper()][-2:]
    name = run(paper.pdf, "Trần Quốc Bình", paper.signature_box.page)
    assert tops == sorted(tops)
    assert tops[-1] < name.top
    assert {f"- {n};" for n in names} <= {r.text for r in found}


def test_letters_that_the_font_has_not_are_told_and_crash_nothing() -> None:
    paper = render_pdf(replace(LETTER, signer="Y Ƀih Êban Bơ̆", body="漢字 🏛 hết.", recipients=("\ud800",)))
    assert "漢" in paper.lacking
    assert "ê" not in paper.lacking
    assert "Êban" in texts(paper.pdf)[paper.signature_box.page]
    assert render_pdf(LETTER).lacking == ""


def test_annexes_are_counted_in_roman() -> None:
    assert [roman(n) for n in (1, 4, 9, 14, 20)] == ["I", "IV", "IX", "XIV", "XX"]


@pytest.mark.long_proof
@pytest.mark.parametrize("name", ["conclusion", "report", "contract", "copy", "submission"])
def test_every_form_keeps_the_margins(name: str) -> None:
    found = runs(render_pdf(ALL[name]).pdf)
    assert min(r.left for r in found) >= 29.9
    assert 20 <= min(r.top for r in found) <= 34


def test_the_place_of_a_date_of_a_copy_is_kept_blank_until_it_is_given() -> None:
    boxes = render_pdf(replace(COPY, number="", issued_on=None)).boxes
    assert boxes["copy-number"].width > 8 * MM
    assert boxes["copy-day"].page == 0


@pytest.mark.parametrize("lines", [14, 16, 18])
def test_two_signatures_also_keep_company_with_the_end_of_the_text(lines: int) -> None:
    paper = render_pdf(replace(CONTRACT, body="\n".join([SENTENCE] * lines)))
    before, _, after = texts(paper.pdf)[paper.signature_box.page].partition("ĐẠI DIỆN BÊN B")
    assert "về Văn phòng trước ngày 20./." in before
    assert "Lê Thị Hà" in after
