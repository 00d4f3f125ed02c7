"""PDFs that are handed in: real ones give facts, all others a sentence."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from docex.official.rendering import render_pdf
from docex.official.uploads import check_pdf, looks_like_pdf
from kernel.errors import Invalid
from tests.docex.official.papers import LETTER

MOST = 5_000_000


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_pdf(LETTER).pdf


def blank(pages: int = 1, password: str = "") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    if password:
        writer.encrypt(password)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def test_a_real_pdf_gives_its_facts_and_its_text(pdf: bytes) -> None:
    facts = check_pdf(pdf, MOST)
    assert (facts.pages, facts.size, facts.signed) == (1, len(pdf), False)
    assert (facts.width, facts.height) == (595.3, 841.9)
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in facts.text
    assert "vào sổ trong ngày" in " ".join(facts.text.split())


def test_text_is_kept_up_to_its_cap(pdf: bytes) -> None:
    assert len(check_pdf(pdf, MOST, most_text=40).text) == 40


def test_pages_without_text_are_accepted() -> None:
    assert check_pdf(blank(3), MOST).text.strip() == ""


def test_the_size_of_the_last_page_is_known_too() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(blank())))
    writer.add_blank_page(842, 595)
    target = io.BytesIO()
    writer.write(target)
    facts = check_pdf(target.getvalue(), MOST)
    assert (facts.width, facts.height, facts.last_width, facts.last_height) == (595, 842, 842, 595)


def test_a_pdf_after_a_little_junk_is_still_one(pdf: bytes) -> None:
    assert check_pdf(b"\r\n" + pdf, MOST).pages == 1


def test_a_signed_pdf_is_known_as_such(pdf: bytes) -> None:
    assert check_pdf(pdf + b"\n% /ByteRange [0 1 2 3]\n", MOST).signed


CYCLE = b"%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[2 0 R]/Count 9>> endobj\n"
REFUSED = {
    "empty": (b"", "trống"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "không phải là PDF"),
    "a web page": (b"<html>%PDF</html>", "không phải là PDF"),
    "only a head": (b"%PDF-1.7\n", "hỏng"),
    "noise after the head": (b"%PDF-1.4\n" + bytes(range(256)) * 20, "hỏng"),
    "pages that contain themselves": (CYCLE + b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF", "hỏng"),
    "no pages": (blank(0), "không có trang"),
    "a password": (blank(password="x"), "mật khẩu"),
    "too large": (blank() + bytes(MOST), "lớn hơn mức cho phép (5 MB)"),
}


@pytest.mark.parametrize(("data", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_refused_on_its_field(data: bytes, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_pdf(data, MOST, name="upload")
    assert sentence in caught.value.fields["upload"].vi


def test_a_pdf_that_was_cut_is_refused_or_repaired(pdf: bytes) -> None:
    for part in (0.2, 0.5, 0.8):
        with pytest.raises(Invalid):
            check_pdf(pdf[: int(len(pdf) * part)], MOST)


@given(st.integers(20, 20_000), st.binary(min_size=1, max_size=64))
@settings(max_examples=8, deadline=None)
def test_a_damaged_pdf_never_crashes_the_worker(at: int, damage: bytes) -> None:
    whole = render_pdf(LETTER).pdf
    try:
        assert check_pdf(whole[:at] + damage + whole[at + len(damage) :], MOST).pages <= 1
    except Invalid as error:
        assert error.fields  # noqa: PT017 - both outcomes are right


def test_a_page_that_unpacks_without_end_is_no_danger() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(blank())))
    from pypdf.generic import DecodedStreamObject, NameObject

    stream = DecodedStreamObject()
    stream.set_data(b"BT /F1 12 Tf (x) Tj ET " * 4_000_000)
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    target = io.BytesIO()
    writer.write(target)
    assert len(target.getvalue()) < 1_000_000
    try:
        assert check_pdf(target.getvalue(), MOST).pages == 1
    except Invalid as error:
        assert error.fields  # noqa: PT017 - refused is right as well


def test_the_quick_look_needs_only_the_head() -> None:
    assert looks_like_pdf(b"\n%PDF-1.4")
    assert not looks_like_pdf(b"PK\x03\x04")
