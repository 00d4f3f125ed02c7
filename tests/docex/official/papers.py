"""Invented papers that the tests of this folder print, and a way to measure what came out."""

import io
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pypdf import PdfReader

from docex.edxml.codes import Priority
from docex.official.composing import Printable
from docex.official.paper import (
    Annex,
    Conclusion,
    Contact,
    CopyForm,
    CopyNote,
    CoSigner,
    Invitation,
    Minutes,
    Opinion,
    Paper,
    Point,
    SubmissionSheet,
)

MM = 72 / 25.4

LETTER = Paper(
    kind="letter",
    parent_body="Ủy ban nhân dân thành phố An Bình",
    agency="Văn phòng",
    number="05",
    notation="VP-HC",
    place="An Bình",
    issued_on=date(2026, 2, 3),
    subject="triển khai liên thông văn bản điện tử",
    body="Thực hiện kế hoạch của Thành phố, Văn phòng đề nghị các đơn vị:\n1. Rà soát đầu mối tiếp nhận.\n"
    "2. Bảo đảm văn bản đến được vào sổ trong ngày.",
    addressees=("Sở Nội vụ", "Sở Tài chính", "UBND phường Bến Cát"),
    recipients=("Như trên", "Lãnh đạo Văn phòng"),
    archive="VT, HC",
    position="KT. CHÁNH VĂN PHÒNG\nPHÓ CHÁNH VĂN PHÒNG",
    signer="Trần Quốc Bình",
    urgency=Priority.EXPRESS,
    typist="PL.(30)",
    contact=Contact("Số 1 đường Hòa Bình", "028 0000 0001", "vp@example.vn", "https://vp.example.vn"),
)
DECISION = Paper(
    kind="decision",
    agency="Ủy ban nhân dân thành phố An Bình",
    issuer="Chủ tịch Ủy ban nhân dân thành phố An Bình",
    number="126",
    notation="QĐ-UBND",
    place="An Bình",
    issued_on=date(2026, 12, 29),
    subject="Về việc ban hành Quy chế liên thông văn bản",
    body="Căn cứ Luật Tổ chức chính quyền địa phương;\nTheo đề nghị của Chánh Văn phòng\n"
    "Điều 1. Ban hành kèm theo Quyết định này Quy chế.\nĐiều 2. Quyết định có hiệu lực từ ngày ký.",
    recipients=("Như Điều 2",),
    authority="",
    position="CHỦ TỊCH",
    signer="Nguyễn Văn Giả Định",
)
INVITATION = Paper(
    kind="invitation",
    parent_body="UBND thành phố An Bình",
    agency="Văn phòng",
    notation="GM-VP",
    place="An Bình",
    subject="Họp giao ban tháng 3",
    body="",
    authority="TL. CHỦ TỊCH",
    position="CHÁNH VĂN PHÒNG",
    signer="Lê Thị Hà",
    recipients=("Như thành phần mời",),
    invitation=Invitation(
        guests=("Lãnh đạo Sở Nội vụ", "Chủ tịch UBND các phường"),
        event="Họp giao ban tháng 3",
        time="08 giờ 00, ngày 05 tháng 3 năm 2026",
        venue="Phòng họp A",
        chair="Chủ tịch UBND thành phố",
    ),
)
MINUTES = Paper(
    kind="minutes",
    parent_body="UBND thành phố An Bình",
    agency="Văn phòng",
    number="07",
    notation="BB-VP",
    place="An Bình",
    subject="Họp giao ban tháng 3",
    body="1. Chánh Văn phòng trình bày báo cáo tháng 2.\n2. Cuộc họp thống nhất với báo cáo.",
    position="CHỦ TỌA",
    signer="Trần Quốc Bình",
    minutes=Minutes(
        began="08 giờ 00, ngày 05 tháng 3 năm 2026",
        venue="Phòng họp A",
        present=("Lãnh đạo Sở Nội vụ", "Chủ tịch UBND các phường"),
        absent=("Sở Tài chính (có lý do)",),
        chair="Ông Trần Quốc Bình, Phó Chánh Văn phòng",
        secretary="Vũ Minh Thư",
        ended="10 giờ 15, ngày 05 tháng 3 năm 2026",
    ),
)
CONCLUSION = Paper(
    kind="notice",
    parent_body="UBND thành phố An Bình",
    agency="Văn phòng",
    number="31",
    notation="TB-VP",
    place="An Bình",
    issued_on=date(2026, 3, 6),
    subject="",
    body="",
    authority="TL. CHỦ TỊCH",
    position="CHÁNH VĂN PHÒNG",
    signer="Lê Thị Hà",
    recipients=("Sở Nội vụ", "Sở Tài chính"),
    conclusion=Conclusion(
        held="Ngày 05 tháng 3 năm 2026",
        venue="Phòng họp A",
        chair="đồng chí Chủ tịch UBND thành phố",
        meeting="cuộc họp giao ban tháng 3",
        present="lãnh đạo các sở, Chủ tịch UBND các phường",
        heard="Văn phòng báo cáo và ý kiến của các đại biểu",
        points=(
            Point("Thống nhất với báo cáo của Văn phòng."),
            Point("Rà soát đầu mối tiếp nhận", "Sở Nội vụ", ("Văn phòng", "UBND các phường"), "15/3/2026"),
        ),
    ),
)
REPORT = Paper(
    kind="report",
    agency="Sở Tài chính",
    number="12",
    notation="BC-STC",
    place="An Bình",
    issued_on=date(2026, 1, 9),
    subject="Kết quả liên thông văn bản năm 2025",
    body="I. KẾT QUẢ\nSố liệu như sau:\n| Nội dung | Năm 2024 | Năm 2025 |\n|---|---|---|\n"
    "| Văn bản đi | 1.204 | 1.377 |\n| Văn bản đến | 3.921 | 4.450 |\nII. KIẾN NGHỊ\nKhông có.",
    addressees=("Ủy ban nhân dân thành phố An Bình",),
    recipients=("Như trên",),
    position="GIÁM ĐỐC",
    signer="Phạm Thị Lan",
)
REGULATED = replace(
    DECISION,
    annexes=(
        Annex(
            "Liên thông văn bản điện tử",
            "Chương I\nQUY ĐỊNH CHUNG\nĐiều 1. Phạm vi điều chỉnh\n1. Quy chế này quy định việc gửi, nhận.\n"
            "a) Văn bản đi;\nb) Văn bản đến.\nĐiều 2. Đối tượng áp dụng\nCác cơ quan của Thành phố.",
            kind="regulation",
        ),
        Annex("Danh sách đầu mối", "TT\tCơ quan\tĐầu mối\n1\tSở Nội vụ\tVăn thư\n2\tSở Tài chính\tVăn thư"),
    ),
)
CONTRACT = Paper(
    kind="contract",
    agency="Văn phòng",
    number="02",
    notation="HĐ-VP",
    place="An Bình",
    issued_on=date(2026, 5, 4),
    subject="Bảo trì hệ thống liên thông",
    body="Hai bên thống nhất:\nĐiều 1. Bên B bảo trì hệ thống trong một năm.",
    cosigners=(CoSigner("ĐẠI DIỆN BÊN B\nGIÁM ĐỐC", "Đỗ Hữu Khánh"),),
    position="ĐẠI DIỆN BÊN A\nCHÁNH VĂN PHÒNG",
    signer="Lê Thị Hà",
)
COPY = CopyNote(
    form=CopyForm.FULL,
    parent_body="UBND thành phố An Bình",
    agency="Văn phòng",
    number="03",
    notation="SY-VP",
    place="An Bình",
    issued_on=date(2026, 2, 4),
    authority="TL. CHÁNH VĂN PHÒNG",
    position="TRƯỞNG PHÒNG HÀNH CHÍNH",
    signer="Vũ Minh Thư",
    recipients=("Các phòng chuyên môn",),
)
SUBMISSION = SubmissionSheet(
    parent_body="UBND thành phố An Bình",
    agency="Văn phòng",
    place="An Bình",
    arrival_number="215",
    arrived_on=date(2026, 2, 4),
    sender="Sở Nội vụ",
    kind="Công văn",
    code="44/SNV-VP",
    subject="V/v góp ý dự thảo Quy chế",
    issued_on=date(2026, 2, 3),
    submitted_on=date(2026, 2, 4),
    leader=Opinion(
        "Giao xử lý, trả lời trong tuần.",
        "Phòng Tổng hợp",
        ("Phòng Hành chính", "Phòng Nội chính"),
        "10/02/2026",
        "Trần Quốc Bình",
        date(2026, 2, 4),
    ),
)
TELEGRAM = replace(LETTER, kind="telegram", notation="CĐ-VP", subject="Phòng chống bão số 5", circulation="")
ALL: dict[str, Printable] = {
    "letter": LETTER,
    "decision": DECISION,
    "invitation": INVITATION,
    "minutes": MINUTES,
    "conclusion": CONCLUSION,
    "report": REPORT,
    "regulated": REGULATED,
    "contract": CONTRACT,
    "telegram": TELEGRAM,
    "leave": replace(DECISION, kind="leave", notation="GNP-UBND", subject="", body="Ông A được nghỉ phép 05 ngày."),
    "letter-copied": replace(LETTER, copy=COPY),
    "copy": COPY,
    "submission": SUBMISSION,
}


@dataclass(frozen=True)
class Run:
    """A line of text as it stands: millimetres of its start from the left and of its baseline from the top."""

    text: str
    left: float
    top: float
    size: float
    font: str


def runs(pdf: bytes, page: int = 0) -> list[Run]:
    found: list[Run] = []

    def visit(text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        if text.strip() and font:
            x, y = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
            name = str(font["/BaseFont"]).partition("+")[2]
            found.append(Run(text.strip(), x / MM, 297 - y / MM, round(size * cm[0], 1), name))

    sheet = PdfReader(io.BytesIO(pdf)).pages[page]
    sheet.extract_text(visitor_text=visit)
    return found


def run(pdf: bytes, beginning: str, page: int = 0) -> Run:
    """The only line that begins so."""
    (found,) = [r for r in runs(pdf, page) if r.text.startswith(beginning)]
    return found


def texts(pdf: bytes) -> list[str]:
    """The text of each page with single blanks."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]
