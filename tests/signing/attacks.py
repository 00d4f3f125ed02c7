"""What a forger may do to a signed file, each as a function from bytes to bytes."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import re
from io import BytesIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pypdf import PdfReader, PdfWriter

from signing.keys.keystore import KeyStore
from signing.pdf.pades import FIELD_PERSON, FIELD_SEAL, sign_field


def flip_a_letter(data: bytes) -> bytes:
    """The number in the text is another one; no structure is touched."""
    return data.replace(b"15/UBND", b"16/UBND", 1)


def append_bytes(data: bytes) -> bytes:
    return data + b"\nhidden payload\n"


def replace_the_content(data: bytes) -> bytes:
    """An incremental update gives the first page another text."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    page = _page(writer)
    page["/Contents"] = writer.add_object(
        generic.StreamObject(stream_data=b"BT /F1 14 Tf 72 760 Td (So: 99/UBND-VP) Tj ET")
    )
    writer.update_container(page)
    return _written(writer)


def cover_with_an_annotation(data: bytes) -> bytes:
    """An incremental update lays a note over the text."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    page = _page(writer)
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (72, 740, 400, 790)),
            pdf_name("/Contents"): generic.TextStringObject("Da huy"),
            pdf_name("/DA"): generic.TextStringObject("/Helv 14 Tf 0 g"),
        }
    )
    page["/Annots"].append(writer.add_object(note))
    writer.update_container(page["/Annots"])
    writer.update_container(page)
    return _written(writer)


def append_a_page(data: bytes) -> bytes:
    """An incremental update adds a page."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    pages = writer.root["/Pages"]
    page = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Page"),
            pdf_name("/Parent"): writer.root.raw_get("/Pages"),
            pdf_name("/MediaBox"): generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 595, 842)),
            pdf_name("/Resources"): generic.DictionaryObject(),
        }
    )
    pages["/Kids"].append(writer.add_object(page))
    pages["/Count"] = generic.NumberObject(2)
    writer.update_container(pages["/Kids"])
    writer.update_container(pages)
    return _written(writer)


def swap_the_font(data: bytes) -> bytes:
    """An incremental update gives the letters another font object (as shadow attacks do)."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    font = _page(writer)["/Resources"]["/Font"]["/F1"]
    font["/BaseFont"] = pdf_name("/ZapfDingbats")
    writer.update_container(font)
    return _written(writer)


def remove_a_signature(data: bytes, field_name: str) -> bytes:
    """An incremental update empties a signature field."""
    writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)
    for reference in writer.root["/AcroForm"]["/Fields"]:
        field = reference.get_object()
        if field["/T"] == field_name:
            del field["/V"]
            writer.update_container(field)
    return _written(writer)


def save_again(data: bytes) -> bytes:
    """Another program opens the file and saves it anew."""
    out = BytesIO()
    writer = PdfWriter()
    writer.append(PdfReader(BytesIO(data)))
    writer.write(out)
    return out.getvalue()


def zero_the_contents(data: bytes, which: int) -> bytes:
    """The hex string of one signature is all zeroes."""
    start, end = contents_at(data, which)
    return data[:start] + b"0" * (end - start) + data[end:]


def damage_the_signature_value(data: bytes, which: int) -> bytes:
    """One bit in the middle of the signature value, which stands at the end of the token."""
    start, end = contents_at(data, which)
    token = bytearray.fromhex(data[start:end].decode())
    while token[-1] == 0:
        del token[-1]
    token[-40] ^= 1
    text = token.hex().encode()
    return data[:start] + text + data[start + len(text) :]


def shift_the_byte_range(data: bytes, which: int) -> bytes:
    """The digest is said to leave out a little more than the signature."""
    found = list(re.finditer(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\s*\]", data))[which]
    first, second, third = (int(n) for n in found.groups())
    text = f"/ByteRange [0 {first} {second + 8} {third - 8}]".encode()
    return data[: found.start()] + text.ljust(found.end() - found.start()) + data[found.end() :]


def transplant_the_signature(data: bytes, other: bytes, which: int) -> bytes:
    """The signature of another letter is put into this one."""
    start, end = contents_at(data, which)
    o_start, o_end = contents_at(other, which)
    return data[:start] + other[o_start:o_end].ljust(end - start, b"0") + data[end:]


def let_a_colleague_sign_first(letter: bytes, colleague: KeyStore, seal: KeyStore, competent: KeyStore) -> bytes:
    """A colleague signs, then the seal is applied, and only then who is competent signs."""
    sealed = sign_field(sign_field(letter, colleague, "Khac"), seal, FIELD_SEAL)
    return sign_field(sealed, competent, FIELD_PERSON)


def contents_at(data: bytes, which: int) -> tuple[int, int]:
    """Where the hex digits of the signature number `which` (in the file) begin and end."""
    found = list(re.finditer(rb"/Contents <([0-9a-fA-F]{2000,})>", data))[which]
    return found.start(1), found.end(1)


def _page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    assert isinstance(page, generic.DictionaryObject)
    return page


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
