"""Invented papers that the tests of this folder print, and a way to measure what came out."""

import io
from dataclasses import dataclass
from datetime import date
from typing import Any

from pypdf import PdfReader

from docex.edxml.codes import Priority
from docex.official.paper import Contact, Invitation, Paper

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
