"""Signatures on a PDF that was made elsewhere stand where its signature block is."""

import io

from pypdf import PdfReader, PdfWriter

from docex.documents.papers.signature_placement import low_right, spot_for
from docex.official.paper import Paper
from docex.official.rendering import render_pdf
from signing.pdf.stamps import MM

SIGNER = "Trần Quốc Bình"
A4 = (210 * MM, 297 * MM)


def a_paper(body: str) -> Paper:
    return Paper(
        kind="plan",
        agency="Văn phòng",
        notation="KH-VP",
        place="Thành phố Mẫu",
        subject="Kế hoạch làm sẵn",
        body=body,
        signer=SIGNER,
        position="Phó Chánh Văn phòng",
    )


def test_the_signature_stands_above_the_printed_name() -> None:
    drawn = render_pdf(a_paper(f"Đồng chí {SIGNER} chủ trì.\nNội dung."))
    spot, block = spot_for(drawn.pdf, SIGNER, *A4), drawn.signature_box
    assert spot.page == -1
    assert abs(spot.x + spot.width / 2 - block.x - block.width / 2) < 4 * MM
    assert abs(spot.y - block.y) < 4 * MM


def test_without_the_name_it_stands_low_on_the_right_of_the_page() -> None:
    pdf = render_pdf(a_paper("Nội dung.")).pdf
    assert spot_for(pdf, "Nguyễn Văn Khác", *A4) == low_right(*A4)
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.add_blank_page(*A4)
    scanned = io.BytesIO()
    writer.write(scanned)
    assert spot_for(scanned.getvalue(), SIGNER, *A4) == low_right(*A4)
    assert spot_for(b"%PDF-1.4 broken", SIGNER, *A4) == low_right(*A4)


def test_a_small_page_shrinks_it_and_keeps_it_inside() -> None:
    spot = low_right(100 * MM, 140 * MM)
    assert 0 < spot.x < spot.x + spot.width < 100 * MM
    assert 0 < spot.y < spot.y + spot.height < 140 * MM
