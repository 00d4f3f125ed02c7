"""What may be signed: a PDF that a judge would refuse later is refused before anybody signs it.

Beyond the `hazards` of what the file shows: objects that its table promises and that an update could bring, bytes that
belong to no page, and empty fields that could cover what is signed. A reference to what nothing defines is null (ISO
32000-2 §7.3.10) and harmless: only what a table names can be supplied by bytes that come later. Files inside a PDF are
refused, those of PDF/A-3 too: who signs does not see them, and a document has attachments of its own.
"""

# mypy: allow-untyped-calls
# (pyHanko and pypdfium2 are typed in parts)

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

import pypdfium2
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef, XRefSectionData

from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.pdf.signed_file import BROKEN
from signing.verification.hazards import MAX_VALUES, Hazard, hazards_of, reached, words_for

LARGEST_SHARE = 0.25
"""Of a page: an empty field that is larger could cover it."""
LARGEST_NUMBER_SHARE = 0.04
"""Of a page, for the fields that are filled in after a person has signed: some 8 by 3 cm on A4."""
FILLED_LATER = frozenset({"So", "Ngay"})
MAX_ORPHAN_BYTES = 1000
"""An object that nothing reaches is harmless while it has no room for a page or a file."""
MAX_PAGES = 5000
INSET_PT = 3.0
"""A field that touches letters by less than this lies beside them."""

NOT_SIGNABLE = phrase("Tệp này không ký được vì có {what}. Hãy in ra tệp PDF mới rồi tải lên lại.")

_BLANK = b"\0\t\n\f\r "
_MAX_DEPTH = 32


def obstacles(pdf: bytes) -> tuple[Hazard, ...]:
    """Everything that stands against signing this file, in the order of `Hazard`; nothing for a paper that may be
    signed. Work for a child of the sandbox, which bounds what it costs."""
    found = set(_around(pdf))
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=False)
        found.update(hazards_of(reader))
        if not found & {Hazard.ENCRYPTED, Hazard.TOO_MUCH}:
            found.update(_declared(reader, len(pdf)))
            found.update(_orphans(reader, len(pdf)))
            found.update(_of_fields(reader, pdf))
    except BROKEN:
        found.add(Hazard.BROKEN)
    return tuple(one for one in Hazard if one in found)


def refusal_for(found: tuple[Hazard, ...]) -> Phrase | None:
    """The sentence for whoever brought the file; None when nothing stands against signing it."""
    return phrase(NOT_SIGNABLE.msgid, what=words_for(found)) if found else None


def admitted(work: Callable[..., bytes], pdf: bytes, *given: object, **named: object) -> bytes:
    """`work(pdf, …)`, unless something stands against signing this file: Invalid(file) then. Work for a child.

    Fields over text were refused when the file came; the one that is prepared here for the seal touches the title.
    """
    refusal = refusal_for(tuple(one for one in obstacles(pdf) if one is not Hazard.FIELD_OVER_TEXT))
    if refusal is not None:
        raise Invalid({"file": refusal}, refusal)
    return work(pdf, *given, **named)


# ---- around the structure ----


def _around(pdf: bytes) -> Iterator[Hazard]:
    """Bytes that are another file's, or nobody's."""
    if pdf[: max(pdf.find(b"%PDF-"), 0)].strip(_BLANK):
        yield Hazard.BEFORE
    end = pdf.rfind(b"%%EOF")
    if end >= 0 and pdf[end + len(b"%%EOF") :].strip(_BLANK):
        yield Hazard.AFTER
    if _is_archive(pdf):
        yield Hazard.OTHER_FORMAT


def _is_archive(pdf: bytes) -> bool:
    try:
        with zipfile.ZipFile(BytesIO(pdf)) as archive:
            return bool(archive.infolist())
    except (zipfile.BadZipFile, *BROKEN):
        return False


# ---- what the tables name ----


def _tables(reader: PdfFileReader) -> Iterator[XRefSectionData]:
    """The cross-reference sections, newest first, each before the stream that stands beside it in hybrid files."""
    for revision in reversed(range(reader.xrefs.total_revisions)):
        section = reader.xrefs.get_xref_data(revision)
        yield section
        if section.hybrid is not None:
            yield section.hybrid.xref_data


def _named(reader: PdfFileReader) -> dict[int, tuple[int, int | ObjStreamRef]]:
    """Every object that is in use in the newest revision, by its number: its generation, and where it lies."""
    named: dict[int, tuple[int, int | ObjStreamRef]] = {}
    free: set[int] = set()
    for table in _tables(reader):
        for number, place in table.standard_xrefs.items():
            if number not in free:
                named.setdefault(number, place)
        for number, inside in table.xrefs_in_objstm.items():
            if number not in free:
                named.setdefault(number, (0, inside))
        free.update(number for number in table.freed if number not in named)
    return named


def _declared(reader: PdfFileReader, size: int) -> Iterator[Hazard]:
    named = _named(reader)
    highest = int(reader.trailer_view["/Size"])
    data = reader.stream.getbuffer()
    for number, (generation, place) in named.items():
        if number >= highest or not _is_there(data, named, number, generation, place, size):
            yield Hazard.PROMISED
            return


def _is_there(
    data: memoryview, named: dict[int, tuple[int, int | ObjStreamRef]], number: int, generation: int,
    place: int | ObjStreamRef, size: int,
) -> bool:  # fmt: skip
    if isinstance(place, ObjStreamRef):
        return isinstance(named.get(place.obj_stream_id, (0, place))[1], int)
    if place == 0 or place >= size:
        return place == 0  # what some programs write for an object that was never there
    head = bytes(data[place : place + 40])
    return re.match(rb"\s*0*%d\s+0*%d\s+obj\b" % (number, generation), head) is not None


def _orphans(reader: PdfFileReader, size: int) -> Iterator[Hazard]:
    seen: set[tuple[int, int]] = set()
    for count, _ in enumerate(reached(reader.trailer_view, seen)):
        if count > MAX_VALUES:
            yield Hazard.TOO_MUCH
            return
    named = _named(reader)
    used = {number for number, _ in seen} | _of_the_structure(reader, named)
    ends = _ends(reader, named, size)
    for number, (generation, place) in named.items():
        if number in used:
            continue
        long = ends[place] - place if isinstance(place, int) else _length_of(reader, number, generation)
        if long > MAX_ORPHAN_BYTES:
            yield Hazard.ORPHANS
            return


def _of_the_structure(reader: PdfFileReader, named: dict[int, tuple[int, int | ObjStreamRef]]) -> set[int]:
    """Objects that no reference needs: tables, object streams, and what a linearised file begins with."""
    used = {reference.idnum for reference in reader.xrefs.xref_stream_refs}
    for table in _tables(reader):
        used |= table.obj_streams_used
        if table.hybrid is not None and table.hybrid.meta_info.stream_ref is not None:
            used.add(table.hybrid.meta_info.stream_ref.idnum)
    head = bytes(reader.stream.getbuffer()[:1024])
    if (linear := re.search(rb"/Linearized\b.*?/H\s*\[\s*(\d{1,10})", head, re.DOTALL)) is not None:
        used |= {number for number, (_, place) in named.items() if place == int(linear[1])}
    return used


def _ends(reader: PdfFileReader, named: dict[int, tuple[int, int | ObjStreamRef]], size: int) -> dict[int, int]:
    """Where what begins at each place ends at the latest: at the next object or table."""
    marks = {place for _, place in named.values() if isinstance(place, int)}
    marks |= {place for table in _tables(reader) for _, place in table.standard_xrefs.values()}
    for revision in range(reader.xrefs.total_revisions):
        marks.add(reader.xrefs.get_xref_container_info(revision).start_location)
    ordered = sorted(marks)
    return dict(zip(ordered, [*ordered[1:], size], strict=True))


def _length_of(reader: PdfFileReader, number: int, generation: int) -> int:
    out = BytesIO()
    try:
        reader.get_object(generic.Reference(number, generation, reader)).write_to_stream(out)
    except BROKEN:
        return 0
    return out.tell()


# ---- empty fields ----


@dataclass(frozen=True)
class _Field:
    """An empty field as it lies on a page, the rectangle in points of the page."""

    name: str
    page: int
    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)


def _of_fields(reader: PdfFileReader, pdf: bytes) -> Iterator[Hazard]:
    fields = list(_empty_fields(reader))
    if not fields:
        return
    document = pypdfium2.PdfDocument(pdf)
    try:
        for field in fields:
            page = document[field.page]
            width, height = page.get_size()
            most = LARGEST_NUMBER_SHARE if field.name in FILLED_LATER else LARGEST_SHARE
            if field.area > most * width * height:
                yield Hazard.LARGE_FIELD
            elif _letters_in(page, field):
                yield Hazard.FIELD_OVER_TEXT
    except pypdfium2.PdfiumError:
        yield Hazard.BROKEN
    finally:
        document.close()


def _letters_in(page: pypdfium2.PdfPage, field: _Field) -> bool:
    """Whether letters lie well inside the field; dots that show where to write are none."""
    inside = (field.left + INSET_PT, field.bottom + INSET_PT, field.right - INSET_PT, field.top - INSET_PT)
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        return False
    text = page.get_textpage().get_text_bounded(*inside)
    return any(letter.isalnum() for letter in text)


def _empty_fields(reader: PdfFileReader) -> Iterator[_Field]:
    """Signature fields that nobody has signed, and the number's fields that are filled in later."""
    for place, page in enumerate(_pages(reader)):
        for annotation in _list(page, "/Annots"):
            try:
                field = _empty_field(annotation.get_object(), place)
            except BROKEN:
                continue
            if field is not None:
                yield field


def _empty_field(widget: generic.PdfObject, page: int) -> _Field | None:
    if not isinstance(widget, generic.DictionaryObject) or str(_value(widget, "/Subtype")) != "/Widget":
        return None
    kind, name = str(_inherited(widget, "/FT")), str(_inherited(widget, "/T") or "")
    signs = kind == "/Sig" and _inherited(widget, "/V") is None
    if not signs and (kind not in {"/Tx", "/Btn", "/Ch"}):
        return None
    left, bottom, right, top = (float(number) for number in widget["/Rect"])
    field = _Field(name, page, min(left, right), min(bottom, top), max(left, right), max(bottom, top))
    return field if field.area > 0 else None


def _inherited(widget: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    value: generic.PdfObject | None = widget
    for _ in range(_MAX_DEPTH):
        if not isinstance(value, generic.DictionaryObject):
            return None
        found = _value(value, key)
        if found is not None:
            return found
        value = _value(value, "/Parent")
    return None


def _value(value: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    try:
        found: generic.PdfObject = value[key]
    except KeyError:
        return None
    return found


def _list(value: generic.DictionaryObject, key: str) -> list[generic.PdfObject]:
    found = _value(value, key)
    return list(found) if isinstance(found, generic.ArrayObject) else []


def _pages(reader: PdfFileReader) -> Iterator[generic.DictionaryObject]:
    """The pages in their order; a tree that turns back on itself, or is endless, is cut."""
    waiting, seen, count = [reader.root["/Pages"]], set[int](), 0
    while waiting and count < MAX_PAGES:
        node = waiting.pop()
        if not isinstance(node, generic.DictionaryObject) or id(node) in seen:
            continue
        seen.add(id(node))
        kids = _value(node, "/Kids")
        if isinstance(kids, generic.ArrayObject):
            waiting += [kids[at] for at in reversed(range(len(kids)))]
        else:
            count += 1
            yield node
