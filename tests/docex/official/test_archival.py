"""Demands of PDF/A-3b (ISO 19005-3) that can be seen in a file without a validator."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from docex.official.rendering import render_pdf
from tests.docex.official.papers import ALL
from tests.sampling import sampled

FORBIDDEN_KEYS = {
    "/JavaScript",
    "/JS",
    "/AA",
    "/OpenAction",
    "/EmbeddedFiles",
    "/XFA",
    "/Encrypt",
    "/PostScript",
    "/OPI",
}
FORBIDDEN_FILTERS = {"/LZWDecode", "/Crypt"}
FORBIDDEN_ACTIONS = {"/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/JavaScript", "/Hide", "/SetOCGState"}


@pytest.fixture(scope="module", params=sampled(sorted(ALL), one_in=4))
def pdf(request: pytest.FixtureRequest) -> bytes:
    return render_pdf(ALL[request.param]).pdf


def objects(reader: PdfReader) -> Iterator[Any]:
    """Everything in the file, once."""
    seen: set[int] = set()
    waiting: list[Any] = [reader.trailer["/Root"], reader.trailer.get("/Info")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, IndirectObject):
            if one.idnum in seen:
                continue
            seen.add(one.idnum)
            one = one.get_object()
        yield one
        if isinstance(one, DictionaryObject):
            waiting += [value for _, value in sorted((k, one.raw_get(k)) for k in one) if value is not None]
        elif isinstance(one, ArrayObject):
            waiting += list(one)


def test_head_and_trailer_are_those_of_an_archival_file(pdf: bytes) -> None:
    head, second = pdf.split(b"\n", 2)[:2]
    assert head in (b"%PDF-1.4", b"%PDF-1.7")
    assert second.startswith(b"%")
    assert len([byte for byte in second if byte > 127]) >= 4
    assert pdf.rstrip().endswith(b"%%EOF")
    trailer: Any = PdfReader(io.BytesIO(pdf)).trailer
    assert len(trailer["/ID"]) == 2
    assert "/Encrypt" not in trailer


def test_it_says_what_it_is_in_its_metadata(pdf: bytes) -> None:
    root: Any = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    metadata = root["/Metadata"].get_object()
    assert (metadata["/Type"], metadata["/Subtype"]) == ("/Metadata", "/XML")
    xmp = metadata.get_data().decode()
    assert 'pdfaid:part="3"' in xmp or "<pdfaid:part>3<" in xmp
    assert "x:xmpmeta" in xmp
    assert 'pdfaid:conformance="B"' in xmp or "<pdfaid:conformance>B<" in xmp


def test_its_colours_are_defined(pdf: bytes) -> None:
    root: Any = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    (intent,) = root["/OutputIntents"]
    assert intent["/S"] == "/GTS_PDFA1"
    profile = intent["/DestOutputProfile"].get_object()
    assert profile["/N"] == 3
    assert profile.get_data()[36:40] == b"acsp"  # the mark of an ICC profile
    for one in objects(PdfReader(io.BytesIO(pdf))):
        if isinstance(one, str):
            assert one != "/DeviceCMYK"


def test_every_font_is_inside_and_can_be_read_back(pdf: bytes) -> None:
    fonts = [
        one
        for one in objects(PdfReader(io.BytesIO(pdf)))
        if isinstance(one, DictionaryObject) and one.get("/Type") == "/Font" and one.get("/Subtype") == "/Type0"
    ]
    assert fonts
    for font in fonts:
        assert "/ToUnicode" in font
        assert str(font["/Encoding"]) == "/Identity-H"
        inside: Any = font["/DescendantFonts"][0].get_object()  # type: ignore[index]
        descriptor = inside["/FontDescriptor"].get_object()
        assert inside["/CIDToGIDMap"] == "/Identity"
        assert len(descriptor["/FontFile2"].get_object().get_data()) > 1000
        assert "+" in inside["/BaseFont"]


def test_nothing_in_it_runs_hides_or_comes_from_elsewhere(pdf: bytes) -> None:
    for one in objects(PdfReader(io.BytesIO(pdf))):
        if isinstance(one, DictionaryObject):
            assert not FORBIDDEN_KEYS & set(one)
            assert one.get("/S") not in FORBIDDEN_ACTIONS
            assert "/F" not in one or not isinstance(one, StreamObject)
        if isinstance(one, StreamObject):
            filters = one.get("/Filter", [])
            assert not FORBIDDEN_FILTERS & {str(name) for name in (filters if isinstance(filters, list) else [filters])}
