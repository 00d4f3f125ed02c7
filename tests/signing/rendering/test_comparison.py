"""What was changed on a page is seen, wherever it is and whatever it is called."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from signing.rendering.comparison import Area, Comparison, compare
from signing.rendering.pages import Pages, Undrawable
from tests.signing.rendering.pages import A4, WORDS, Page, pdf, seen_by_others

CLEAN = pdf(Page())
BOX = "/Rect [150 690 250 720]"
COLOUR = "/C [1 0 0] /IC [0 0 1]"
QUADS = "/QuadPoints [150 720 250 720 150 690 250 690]"

# Each kind of ISO 32000-2, table 171, and fields of forms. With an appearance the box covers words.
KINDS = {
    "Text": "/Subtype /Text /Contents (x)",
    "Link": "/Subtype /Link /Border [0 0 2] /A << /S /URI /URI (https://example.vn) >>",
    "FreeText": "/Subtype /FreeText /DA (/Helv 12 Tf 0 g) /Contents (95)",
    "Line": "/Subtype /Line /L [150 690 250 720]",
    "Square": "/Subtype /Square",
    "Circle": "/Subtype /Circle",
    "Polygon": "/Subtype /Polygon /Vertices [150 690 250 690 200 720]",
    "PolyLine": "/Subtype /PolyLine /Vertices [150 690 250 690 200 720]",
    "Highlight": f"/Subtype /Highlight {QUADS}",
    "Underline": f"/Subtype /Underline {QUADS}",
    "Squiggly": f"/Subtype /Squiggly {QUADS}",
    "StrikeOut": f"/Subtype /StrikeOut {QUADS}",
    "Caret": "/Subtype /Caret",
    "Stamp": "/Subtype /Stamp /Name /Approved",
    "Ink": "/Subtype /Ink /InkList [[150 690 250 720 200 700]]",
    "Popup": "/Subtype /Popup /Open true /Contents (x)",
    "FileAttachment": "/Subtype /FileAttachment /FS << /Type /Filespec /F (x.txt) >>",
    "Sound": "/Subtype /Sound",
    "Movie": "/Subtype /Movie",
    "Screen": "/Subtype /Screen",
    "PrinterMark": "/Subtype /PrinterMark",
    "TrapNet": "/Subtype /TrapNet",
    "Watermark": "/Subtype /Watermark",
    "3D": "/Subtype /3D",
    "Redact": f"/Subtype /Redact {QUADS}",
    "Projection": "/Subtype /Projection",
    "RichMedia": "/Subtype /RichMedia",
    "Unknown": "/Subtype /Whatever",
    "Tx": "/Subtype /Widget /FT /Tx /T (a) /V (95) /DA (/F1 12 Tf 0 g)",
    "Btn": "/Subtype /Widget /FT /Btn /Ff 65536 /T (a) /MK << /BG [0 0 1] >>",
    "Ch": "/Subtype /Widget /FT /Ch /Ff 131072 /T (a) /V (95) /Opt [(95)] /DA (/F1 12 Tf 0 g)",
    "Sig": "/Subtype /Widget /FT /Sig /T (a)",
}


def same(before: bytes, after: bytes, *allowed: Area) -> Comparison:
    return compare(before, after, allowed, 10.0)


@pytest.mark.parametrize("shown", ["appearance", "drawn by the reader"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_annotation_is_seen(kind: str, shown: str, tmp_path: Path) -> None:
    mark = f"{KINDS[kind]} {BOX} {COLOUR} /F 4 {'{ap}' if shown == 'appearance' else ''}"
    fields = (0,) if "/Widget" in mark else ()
    laid_over = pdf(Page(marks=(mark,), fields=fields))
    found = same(CLEAN, laid_over)
    assert not found.same, seen_by_others(CLEAN, laid_over, tmp_path)
    assert found.differences[0].page == 0
    # An allowed field's box excuses a field of a form in it, and nothing else.
    inside = same(CLEAN, laid_over, Area(0, 150, 690, 250, 720))
    assert inside.same == bool(fields)


@pytest.mark.parametrize("kind", ["Tx", "Btn", "Sig"])
def test_a_widget_that_no_form_knows_is_seen(kind: str, tmp_path: Path) -> None:
    laid_over = pdf(Page(marks=(f"{KINDS[kind]} {BOX} /F 4 {{ap}}",)))
    assert not same(CLEAN, laid_over).same, seen_by_others(CLEAN, laid_over, tmp_path)


def test_kinds_are_drawn_and_not_only_counted() -> None:
    """What has an appearance is in the picture, so that another appearance of the same annotation is seen, too."""
    mark = f"{BOX} /F 4 {{ap}}"
    for kind in ("FreeText", "Square", "Ink", "Stamp", "Tx", "Sig"):
        page = Page(marks=(f"{KINDS[kind]} {mark}",), fields=(0,) if "/Widget" in KINDS[kind] else ())
        found = same(pdf(page), pdf(page, appearance="0 0 0 rg 0 0 90 30 re f"))
        assert [one.area is not None for one in found.differences] == [True], kind


@pytest.mark.parametrize("flags", [4, 4 + 32, 4 + 256, 0])
def test_what_only_printers_or_only_screens_show_is_seen(flags: int) -> None:
    page = Page(marks=(f"{KINDS['Stamp']} {BOX} /F {flags} {{ap}}",))
    assert not same(CLEAN, pdf(page)).same
    found = same(pdf(page), pdf(page, appearance="0 0 0 rg 0 0 90 30 re f"))
    assert {one.printed for one in found.differences} == {4: {False}, 36: {True}, 260: {False, True}, 0: {False}}[flags]


CHANGES: dict[str, Callable[[str], str]] = {
    "a digit": lambda words: words.replace("10", "90"),
    "a full stop": lambda words: words.replace("dong.", "dong"),
    "a word moved by half a point": lambda words: words.replace("72 700 Td", "72.5 700 Td"),
    "a colour of the same grey": lambda words: f"0.6 0 0 rg {words}",
    "a hair line": lambda words: f"{words} 0.1 w 300 300 m 310 310 l S",
    "white over words": lambda words: f"{words} 1 g 72 690 40 20 re f",
    "nearly white": lambda words: f"{words} 0.98 g 300 300 50 50 re f",
    "words beyond the edge that reach in": lambda words: f"{words} BT /F1 12 Tf -10 400 Td (95) Tj ET",
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_the_words_is_seen(change: str, tmp_path: Path) -> None:
    after = pdf(Page(CHANGES[change](WORDS)))
    assert not same(CLEAN, after).same, seen_by_others(CLEAN, after, tmp_path)


@pytest.mark.parametrize("size", [4, 6, 8, 12])
@pytest.mark.parametrize("pages", [1, 5, 15, 30])
def test_a_small_digit_is_seen_at_every_resolution(size: int, pages: int) -> None:
    words = f"BT /F1 {size} Tf 72 700 Td (1.000.000) Tj ET"
    before = [Page(words)] * pages
    after = [*before[:-1], Page(words.replace("1.", "7."))]
    found = same(pdf(*before), pdf(*after))
    assert [one.page for one in found.differences] == [pages - 1]
    assert found.compared == tuple(range(pages))


def test_one_page_of_thirty_is_named_with_its_place() -> None:
    before = [Page(f"{WORDS} BT /F1 12 Tf 300 40 Td ({n}) Tj ET") for n in range(30)]
    after = list(before)
    after[16] = replace(before[16], content=before[16].content.replace("12 thang", "24 thang"))
    found = same(pdf(*before), pdf(*after))
    (one,) = found.differences
    assert one.page == 16
    assert one.area is not None
    assert 110 < one.area.left < one.area.right < 150
    assert 655 < one.area.bottom < one.area.top < 675
    # The pages that are asked for come first, and what the time does not suffice for is told.
    with Pages(pdf(*before)) as signed, Pages(pdf(*after)) as now:
        none = compare(signed, now, (), -1.0)
    assert (none.compared, none.left_out, none.same) == ((), tuple(range(30)), False)


SHAPES = {
    "A4": A4,
    "turned by 90": f"{A4} /Rotate 90",
    "turned by 180": f"{A4} /Rotate 180",
    "turned by 270": f"{A4} /Rotate 270",
    "turned back": f"{A4} /Rotate -90",
    "cropped": f"{A4} /CropBox [50 400 400 800]",
    "cropped and turned": f"{A4} /CropBox [50 400 400 800] /Rotate 90",
    "cropped beyond the medium": f"{A4} /CropBox [-100 -100 800 1000]",
    "from elsewhere": "/MediaBox [-100 -200 495 900]",
    "from elsewhere and turned": "/MediaBox [-100 -200 495 900] /Rotate 270",
    "large units": f"{A4} /UserUnit 2",
    "corners exchanged": "/MediaBox [595 842 0 0]",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_allowed_areas_lie_where_the_page_has_them(shape: str) -> None:
    box = Area(0, 100, 500, 180, 540)
    inside = f"{WORDS} 1 0 0 rg 100 500 80 40 re f"
    before = pdf(Page(shape=SHAPES[shape]))
    assert same(before, pdf(Page(inside, SHAPES[shape])), box).same
    for place in ("97 500 80 40", "103 500 80 40", "100 497 80 40", "100 503 80 40"):
        (one,) = same(before, pdf(Page(f"{WORDS} 1 0 0 rg {place} re f", SHAPES[shape])), box).differences
        assert one.area is not None
    (seen,) = same(before, pdf(Page(inside, SHAPES[shape]))).differences
    assert seen.area is not None
    assert seen.area.within(box.wider(1.5))
    assert box.within(seen.area.wider(1.5))


@pytest.mark.parametrize(
    "shape",
    [
        "/MediaBox [0 0 596 842]",
        "/MediaBox [0 0 842 595]",
        "/MediaBox [0 -1 595 841]",
        f"{A4} /Rotate 180",
        f"{A4} /CropBox [0 0 595 841]",
    ],
)
def test_another_size_or_turn_of_the_page_is_a_difference(shape: str) -> None:
    (one,) = same(CLEAN, pdf(Page(shape=shape))).differences
    assert one.area is None


def test_pages_that_come_or_go_are_differences() -> None:
    two = pdf(Page(), Page())
    for before, after, pages in ((CLEAN, two, (1, 2)), (two, CLEAN, (2, 1))):
        found = same(before, after)
        assert found.pages == pages
        assert not found.same
        assert [(one.page, one.area) for one in found.differences] == [(1, None)]


def test_equal_bytes_are_equal_without_a_drawing_and_what_is_no_pdf_is_told() -> None:
    assert same(CLEAN, CLEAN).same
    assert compare(CLEAN, CLEAN + b"\n", (), 10).same
    for broken in (b"", b"%PDF-1.7", b"x" * 1000):
        with pytest.raises(Undrawable):
            same(CLEAN, broken)


@pytest.mark.parametrize("side", [20_000, 1_000_000, 0.001])
def test_a_page_of_any_size_costs_bounded_memory(side: float) -> None:
    shape = f"/MediaBox [0 0 {side} {side}]"
    before, after = pdf(Page(shape=shape)), pdf(Page(f"{WORDS} 0 0 {side / 2} {side / 2} re f", shape))
    assert not same(before, after).same


def test_the_same_file_drawn_twice_has_equal_pictures() -> None:
    page = Page(
        f"{WORDS} /F1 20 Tf 0.3 0.7 0.2 rg 100 100 m 200 300 300 50 400 400 c f", marks=(f"{KINDS['Ink']} {BOX}",)
    )
    with Pages(pdf(page)) as one, Pages(pdf(page, page)) as other:
        assert one.picture(0, 1.5).tobytes() == other.picture(1, 1.5).tobytes()
