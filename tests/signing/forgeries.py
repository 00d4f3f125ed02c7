"""More of what a forger may do to a signed file: to its fields, its structure and the proofs that it carries."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import re
from io import BytesIO

from asn1crypto import crl
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.validation.dss import DocumentSecurityStore

from tests.signing.papers import written

NUMBER, DAY = "So", "Ngay"


def numbered_pdf(text: str, *, drawn: bool = False) -> bytes:
    """A letter of one page whose number and date are filled in after the person has signed; `drawn`: the empty fields
    and one more, that is never filled in, bring their drawings."""
    stream = f"BT /F1 14 Tf 72 760 Td ({text}) Tj ET"
    field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T ({name}) /F 4 /Rect [{left} 700 {right} 720] /P 4 0 R"
    field += " /AP << /N 9 0 R >> >>" if drawn else " >>"
    more = " 8 0 R" if drawn else ""
    drawing = "/Tx BMC EMC"
    return written(
        [
            f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 7 0 R{more}] >> >>",
            "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Annots [6 0 R 7 0 R{more}] "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
            field.format(name=NUMBER, left=72, right=172),
            field.format(name=DAY, left=200, right=300),
            field.format(name="GhiChu", left=320, right=400),
            "<< /Type /XObject /Subtype /Form /BBox [0 0 100 20] "
            f"/Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        ]
    )


def fill(data: bytes, field: str, text: str) -> bytes:
    """An incremental update fills a field of the form."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    for reference in writer.root["/AcroForm"]["/Fields"]:
        found = reference.get_object()
        if found["/T"] == field:
            found["/V"] = generic.TextStringObject(text)
            if "/AP" in found:
                found["/AP"] = _drawn(writer, text)
            writer.update_container(found)
    return _written(writer)


def _drawn(writer: IncrementalPdfFileWriter, text: str) -> generic.DictionaryObject:
    drawing = generic.StreamObject(stream_data=f"/Tx BMC BT /F1 12 Tf ({text}) Tj ET EMC".encode())
    drawing[pdf_name("/Type")], drawing[pdf_name("/Subtype")] = pdf_name("/XObject"), pdf_name("/Form")
    drawing[pdf_name("/BBox")] = generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 100, 20))
    return generic.DictionaryObject({pdf_name("/N"): writer.add_object(drawing)})


def change_the_number(data: bytes) -> bytes:
    """The number's field gets another number."""
    return fill(data, NUMBER, "99")


def change_the_date(data: bytes) -> bytes:
    """The date's field gets another date."""
    return fill(data, DAY, "01/01/2020")


def swap_the_pages(data: bytes) -> bytes:
    """The catalogue points to other pages, that lay hidden in the file (shadow attack "hide and replace")."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    old = writer.root["/Pages"]["/Kids"][0]
    text = generic.StreamObject(stream_data=b"BT /F1 14 Tf 72 760 Td (So: 99/UBND-VP) Tj ET")
    page = generic.DictionaryObject({pdf_name(k): old.raw_get(k) for k in ("/Type", "/MediaBox", "/Resources")})
    page["/Contents"] = writer.add_object(text)
    reference = writer.add_object(page)
    kids = generic.ArrayObject([reference])
    pages = {pdf_name("/Type"): pdf_name("/Pages"), pdf_name("/Kids"): kids}
    tree = generic.DictionaryObject({**pages, pdf_name("/Count"): generic.NumberObject(1)})
    writer.root["/Pages"] = page["/Parent"] = writer.add_object(tree)
    writer.update_root()
    return _written(writer)


def run_a_script(data: bytes) -> bytes:
    """The file runs a script when it is opened, which can draw anything over the page."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    action = {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.TextStringObject("app.alert(1)")}
    writer.root["/OpenAction"] = writer.add_object(generic.DictionaryObject(action))
    writer.update_root()
    return _written(writer)


def change_the_picture(data: bytes) -> bytes:
    """The seal's field shows another picture; its signature stays."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    for reference in writer.root["/AcroForm"]["/Fields"]:
        field = reference.get_object()
        drawing = generic.StreamObject(stream_data=b"1 0 0 rg 0 0 100 100 re f")
        drawing[pdf_name("/Type")], drawing[pdf_name("/Subtype")] = pdf_name("/XObject"), pdf_name("/Form")
        drawing[pdf_name("/BBox")] = generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 100, 100))
        field["/AP"] = generic.DictionaryObject({pdf_name("/N"): writer.add_object(drawing)})
        writer.update_container(field)
    return _written(writer)


def wrap_the_byte_range(data: bytes) -> bytes:
    """The signed end of the file is moved back, and new objects stand in the gap (signature wrapping)."""
    ranges = list(re.finditer(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\s*\]", data))
    found = ranges[-1]
    first, second, third = (int(n) for n in found.groups())
    inserted = b"\n8 0 obj\n<< /Length 0 >>\nstream\n\nendstream\nendobj\n"
    text = f"/ByteRange [0 {first} {second + len(inserted)} {third}]".encode()
    head = data[: found.start()] + text.ljust(found.end() - found.start()) + data[found.end() : second]
    return head + inserted + data[second:]


def drop_the_byte_range(data: bytes) -> bytes:
    """Nothing says which bytes are signed (universal signature forgery)."""
    return re.sub(rb"/ByteRange(?= \[0)", b"/ByteHorse", data)


def empty_the_byte_range(data: bytes) -> bytes:
    """Nothing at all is signed."""
    return re.sub(rb"/ByteRange \[0 [\d ]+\]", lambda m: b"/ByteRange [0 0 0 0]".ljust(len(m[0])), data)


def carry_lists(data: bytes, *lists: bytes) -> bytes:
    """The file brings revocation lists of its own choice."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    store = DocumentSecurityStore(writer=writer)
    writer.root["/DSS"] = writer.add_object(store.backing_pdf_object)
    writer.update_root()
    brought = [crl.CertificateList.load(one) for one in lists]
    store.register_vri(pdf_name("/" + "0" * 40), certs=[], crls=brought, ocsps=[])
    store.as_pdf_object()
    return _written(writer)


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
