"""Papers that nobody should sign, one for each way in which a PDF can show or do something else than it seems to."""

import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO

from tests.signing.papers import A4, minimal_pdf, written

PAGES = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
LINES = "BT /F1 14 Tf 72 760 Td (So: 15/UBND-VP. Kinh phi: 10 trieu dong) Tj ET"
FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def paper(*, catalogue: str = "", page: str = "", more: tuple[str, ...] = ()) -> bytes:
    """A letter with something in its catalogue or on its page; the further objects are numbered from 6."""
    return written(
        [
            f"<< /Type /Catalog /Pages 2 0 R {catalogue} >>",
            PAGES,
            f"<< /Type /Page /Parent 2 0 R {A4} /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> {page} >>",
            f"<< /Length {len(LINES)} >>\nstream\n{LINES}\nendstream",
            FONT,
            *more,
        ]
    )


def stream(words: str, data: str = "q Q") -> str:
    """The body of a stream object."""
    return f"<< {words} /Length {len(data)} >>\nstream\n{data}\nendstream"


_JS = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
_AT = "/Rect [100 100 200 130]"


def _annotated(words: str) -> str:
    return f"/Annots [<< /Type /Annot {_AT} {words} >>]"


def _field(words: str, rect: str, name: str = "Ky") -> bytes:
    field = f"<< /Type /Annot /Subtype /Widget /Rect [{rect}] /T ({name}) /P 3 0 R {words} >>"
    return paper(catalogue="/AcroForm << /Fields [6 0 R] >>", page="/Annots [6 0 R]", more=(field,))


SHOWING: dict[str, Callable[[], bytes]] = {
    "script when opened": lambda: paper(catalogue=f"/OpenAction {_JS}"),
    "script by name": lambda: paper(catalogue=f"/Names << /JavaScript << /Names [(a) {_JS}] >> >>"),
    "script in a next action": lambda: paper(catalogue=f"/OpenAction << /S /GoTo /D [3 0 R /Fit] /Next [{_JS}] >>"),
    "action of the catalogue": lambda: paper(catalogue=f"/AA << /WP {_JS} >>"),
    "action of the page": lambda: paper(page="/AA << /O << /S /Named /N /Print >> >>"),
    "action of a field": lambda: _field("/FT /Tx /AA << /F 7 0 R >>", "90 90 200 110"),
    "script in a link": lambda: paper(page=_annotated(f"/Subtype /Link /A {_JS}")),
    "script in the address of a link": lambda: paper(
        page=_annotated("/Subtype /Link /A << /S /URI /URI (JavaScript:alert\\(1\\)) >>")
    ),
    "script typed by hand": lambda: paper(page=_annotated("/Subtype /Link /A << /S /J#61vaScript /#4aS (x) >>")),
    "program": lambda: paper(page=_annotated("/Subtype /Link /A << /S /Launch /F (calc.exe) >>")),
    "program elsewhere": lambda: paper(catalogue="/X << /Type /Action /S /Launch /F (calc.exe) >>"),
    "form sent": lambda: paper(page=_annotated("/Subtype /Link /A << /S /SubmitForm /F (http://a.example) >>")),
    "data taken in": lambda: paper(page=_annotated("/Subtype /Link /A << /S /ImportData /F (a.fdf) >>")),
    "other file": lambda: paper(page=_annotated("/Subtype /Link /A << /S /GoToR /F (b.pdf) /D [0 /Fit] >>")),
    "file inside opened": lambda: paper(page=_annotated("/Subtype /Link /A << /S /GoToE /D [0 /Fit] >>")),
    "hiding": lambda: paper(page=_annotated("/Subtype /Link /A << /S /Hide /T (Ky) >>")),
    "unknown action": lambda: paper(page=_annotated("/Subtype /Link /A << /S /Anything >>")),
    "printing": lambda: paper(catalogue="/OpenAction << /S /Named /N /Print >>"),
    "rendition": lambda: paper(page=_annotated("/Subtype /Screen /A << /S /Rendition /OP 0 >>")),
    "rich media": lambda: paper(page=_annotated("/Subtype /RichMedia")),
    "film": lambda: paper(page=_annotated("/Subtype /Movie /Movie << /F (a.avi) >>")),
    "sound": lambda: paper(page=_annotated("/Subtype /Sound")),
    "model": lambda: paper(page=_annotated("/Subtype /3D")),
    "xfa": lambda: paper(catalogue="/AcroForm << /Fields [] /XFA [(template) 6 0 R] >>", more=(stream(""),)),
    "layers": lambda: paper(
        catalogue="/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>", more=("<< /Type /OCG /Name (a) >>",)
    ),
    "stream outside": lambda: paper(page="/Thumb 6 0 R", more=(stream("/F (other.bin)"),)),
    "page of another file": lambda: paper(
        page="/Group << /X 6 0 R >>", more=(stream("/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Ref << /F (a) >>"),)
    ),
    "postscript": lambda: paper(page="/Group << /X 6 0 R >>", more=(stream("/Type /XObject /Subtype /PS"),)),
    "other picture in print": lambda: paper(
        page="/Group << /X 6 0 R >>", more=(stream("/Subtype /Image /Alternates [<< /Image 4 0 R >>]"),)
    ),
}
"""What makes a paper show something else one day, or act by itself."""


def _appended(pdf: bytes, data: bytes) -> bytes:
    return pdf + data


def _beyond_the_end() -> bytes:
    """A table that names an object after the end of the file."""
    pdf = paper(more=("<< /A (harmless) >>",), catalogue="/X 6 0 R")
    place = pdf.index(b"6 0 obj")
    return pdf.replace(b"%010d 00000 n" % place, b"%010d 00000 n" % (len(pdf) + 100))


def _beyond_the_size() -> bytes:
    return paper(more=("<< /A (harmless) >>",), catalogue="/X 6 0 R").replace(b"/Size 7", b"/Size 6")


def _another_object() -> bytes:
    """A table in which a place holds another object than it says."""
    pdf = paper(more=("<< /A (one) >>",), catalogue="/X 6 0 R")
    return pdf.replace(b"%010d 00000 n" % pdf.index(b"6 0 obj"), b"%010d 00000 n" % pdf.index(b"5 0 obj"))


def _with_xref_stream(*, announced: bool = False) -> bytes:
    pdf = bytearray(b"%PDF-1.7\n")
    bodies = ["<< /Type /Catalog /Pages 2 0 R /X 5 0 R >>", PAGES, f"<< /Type /Page /Parent 2 0 R {A4} >>"]
    rows = [b"\0\0\0\0\0\xff"]
    for number, body in enumerate(bodies, 1):
        rows.append(b"\1" + len(pdf).to_bytes(4, "big") + b"\0")
        pdf += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(pdf)
    rows.append(b"\1" + start.to_bytes(4, "big") + b"\0")
    rows.append(b"\2" + (9).to_bytes(4, "big") + b"\0" if announced else b"\0\0\0\0\0\xff")
    data = b"".join(rows)
    pdf += f"4 0 obj\n<< /Type /XRef /Size 10 /Index [0 6] /W [1 4 1] /Root 1 0 R /Length {len(data)} >>\n".encode()
    pdf += b"stream\n" + data + f"\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(pdf)


def _archive() -> bytes:
    """A ZIP that may stand anywhere in another file."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "hidden")
    return out.getvalue()


def _archive_in_a_comment() -> bytes:
    pdf = minimal_pdf("x")
    return pdf.replace(b"startxref", b"%" + _archive().replace(b"\n", b" ") + b"\nstartxref")


OTHERWISE: dict[str, Callable[[], bytes]] = {
    "encrypted": lambda: paper().replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 >>"),
    "encrypted stream": lambda: paper(page="/Thumb 6 0 R", more=(stream("/Filter [/Crypt]"),)),
    "file inside": lambda: paper(
        catalogue="/Names << /EmbeddedFiles << /Names [(a) << /EF << /F 6 0 R >> >>] >> >>", more=(stream(""),)
    ),
    "associated file": lambda: paper(catalogue="/AF [<< /EF << /F 6 0 R >> >>]", more=(stream(""),)),
    "file on the page": lambda: paper(
        page=f"/Annots [<< /Subtype /FileAttachment {_AT} /FS << /EF << /F 6 0 R >> >> >>]", more=(stream(""),)
    ),
    "portfolio": lambda: paper(catalogue="/Collection << /View /D >>"),
    "promised object": _beyond_the_end,
    "object beyond the size": _beyond_the_size,
    "another object": _another_object,
    "promised object stream": lambda: _with_xref_stream(announced=True),
    "bytes before": lambda: b"MZ this program cannot be run\n" + minimal_pdf("x"),
    "bytes after": lambda: _appended(minimal_pdf("x"), b"<script>alert(1)</script>"),
    "archive after": lambda: _appended(minimal_pdf("x"), _archive()),
    "archive in a comment": _archive_in_a_comment,
    "orphan stream": lambda: paper(more=(stream("", "hidden page " * 200),)),
    "orphan text": lambda: paper(more=(f"<< /A ({'hidden ' * 300}) >>",)),
    "signature field as large as the page": lambda: _field("/FT /Sig", "0 0 595 842"),
    "signature field over text": lambda: _field("/FT /Sig", "60 740 400 790"),
    "number field as large as the page": lambda: _field("/FT /Tx", "0 0 595 842", "So"),
    "number field over much of the page": lambda: _field("/FT /Tx", "50 300 400 400", "Ngay"),
    "number field over text": lambda: _field("/FT /Tx", "70 750 200 780", "So"),
}
"""What is refused before signing, though it changes nothing that a signed paper shows."""


def refused() -> Iterator[tuple[str, bytes]]:
    """All of them by name."""
    for name, make in {**SHOWING, **OTHERWISE}.items():
        yield name, make()


HARMLESS: dict[str, Callable[[], bytes]] = {
    "plain": paper,
    "link": lambda: paper(page=_annotated("/Subtype /Link /A << /S /URI /URI (https://example.vn) >>")),
    "turning pages": lambda: paper(page=_annotated("/Subtype /Link /A << /S /Named /N /NextPage >>")),
    "opened at a page": lambda: paper(catalogue="/OpenAction << /S /GoTo /D [3 0 R /Fit] >>"),
    "opened at a place": lambda: paper(catalogue="/OpenAction [3 0 R /Fit]"),
    "empty lists": lambda: paper(catalogue="/AA << >> /Names << >> /OCProperties << /OCGs [] >> /AF []"),
    "dangling reference": lambda: paper(catalogue="/X 99 0 R"),
    "dangling annotation": lambda: paper(page="/Annots [99 0 R]"),
    "small orphan": lambda: paper(more=("<< /A (left over) >>",)),
    "xref stream": _with_xref_stream,
    "small signature field": lambda: _field("/FT /Sig", "320 180 500 255"),
    "signature field that is not shown": lambda: _field("/FT /Sig", "0 0 0 0"),
    "small number field": lambda: _field("/FT /Tx", "300 700 400 720", "So"),
    "blanks after the end": lambda: _appended(minimal_pdf("x"), b"\r\n\0\0\n"),
    "structure": lambda: paper(
        catalogue="/StructTreeRoot 6 0 R", more=("<< /Type /StructTreeRoot /K << /S /Sound /A << /O /Layout >> >> >>",)
    ),
}
"""What real programs write, and nobody has to fear."""
