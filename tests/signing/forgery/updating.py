"""Writing one more revision behind a PDF: through pyHanko's writer, or byte by byte where no honest writer would."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.pdf.pades import FIELD_PERSON, FIELD_SEAL

AN_XREF_STREAM = re.compile(rb"\d+\s+\d+\s+obj\b")


class Update:
    """One unsigned revision more, written as the file itself is written (with a table or with a stream)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.writer = IncrementalPdfFileWriter(BytesIO(data), strict=False)

    @property
    def root(self) -> generic.DictionaryObject:
        """The catalogue."""
        root: generic.DictionaryObject = self.writer.root
        return root

    def page(self, number: int = 0) -> generic.DictionaryObject:
        """A page, counted from 0."""
        return self.pages()[number]

    def pages(self) -> list[generic.DictionaryObject]:
        """All pages in their order."""
        return list(_leaves(self.root["/Pages"]))

    def resources(self) -> generic.DictionaryObject:
        """What the first page draws with, its own or inherited."""
        node = self.page()
        while "/Resources" not in node:
            node = node["/Parent"]
        found: generic.DictionaryObject = node["/Resources"]
        return found

    def annotations(self, number: int = 0) -> generic.ArrayObject:
        """The array of a page's annotations, made when there is none."""
        page = self.page(number)
        if "/Annots" not in page:
            page["/Annots"] = generic.ArrayObject()
        found: generic.ArrayObject = page["/Annots"]
        return found

    @property
    def form(self) -> generic.DictionaryObject:
        """The /AcroForm."""
        form: generic.DictionaryObject = self.root["/AcroForm"]
        return form

    def field(self, name: str) -> generic.DictionaryObject:
        """The field of this name."""
        for reference in self.form["/Fields"]:
            field: generic.DictionaryObject = reference.get_object()
            if field.get("/T") == name:
                return field
        raise KeyError(name)

    def signed_field(self) -> generic.DictionaryObject:
        """The last signature field of the form that shows something; any signed one when none does."""
        fields: list[generic.DictionaryObject] = [reference.get_object() for reference in self.form["/Fields"]]
        signed = [field for field in fields if "/V" in field and field.get("/FT") == "/Sig"]
        return next((field for field in reversed(signed) if "/AP" in field), signed[-1])

    def parse(self, text: str) -> Any:
        """The object that this text writes down."""
        holder = generic.TrailerReference(self.writer)
        return generic.read_object(BytesIO(text.encode("latin-1") + b" "), holder)

    def add(self, text: str) -> str:
        """A new object, for the text that refers to it."""
        return as_text(self.writer.add_object(self.parse(text)))

    def stream(self, content: bytes | str, keys: str = "<< >>") -> str:
        """A new stream, for the text that refers to it."""
        raw = content.encode("latin-1") if isinstance(content, str) else content
        made = generic.StreamObject(dict_data=dict(self.parse(keys)), stream_data=raw)
        return as_text(self.writer.add_object(made))

    def drawing(self, content: str, width: float = 100, height: float = 100, more: str = "") -> str:
        """A form XObject that draws `content`."""
        keys = f"<< /Type /XObject /Subtype /Form /BBox [0 0 {width} {height}] /Resources << {FONT} >> {more} >>"
        return self.stream(content, keys)

    def set(self, holder: generic.DictionaryObject, key: str, text: str) -> None:
        """Give an existing dictionary this value under a key, and write it again."""
        holder[pdf_name(key)] = self.parse(text)
        self.change(holder)

    def drop(self, holder: generic.DictionaryObject, key: str) -> None:
        """Take a key out of an existing dictionary."""
        del holder[pdf_name(key)]
        self.change(holder)

    def append(self, array: generic.ArrayObject, *texts: str) -> None:
        """Put more at the end of an existing array."""
        for text in texts:
            array.append(self.parse(text))
        self.change(array)

    def change(self, holder: Any) -> None:
        """The object in which this stands will be written again."""
        self.writer.update_container(holder)

    def annotate(self, text: str, number: int = 0) -> str:
        """A new annotation on a page."""
        reference = self.add(text)
        array = self.annotations(number)
        self.append(array, reference)
        self.change(self.page(number))
        return reference

    def written(self) -> bytes:
        """The file with the new revision."""
        out = BytesIO()
        self.writer.write(out)
        return out.getvalue()


FONT = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >> >>"


def _leaves(node: Any) -> Any:
    for kid in node["/Kids"]:
        below = kid.get_object()
        if "/Kids" in below:
            yield from _leaves(below)
        else:
            yield below


def as_text(reference: Any) -> str:
    """A reference as it is written."""
    return f"{reference.idnum} {reference.generation} R"


def number_of(reference: str) -> int:
    """The object's number in a written reference."""
    return int(reference.split()[0])


def reader_of(data: bytes) -> PdfFileReader:
    """pyHanko's reader, not strict."""
    return PdfFileReader(BytesIO(data), strict=False)


def last_start(data: bytes) -> int:
    """Where the newest cross-reference section begins, as the file says."""
    return int(re.findall(rb"startxref\s+(\d+)", data)[-1])


def has_streams(data: bytes) -> bool:
    """Whether the newest cross-reference section is a stream."""
    return AN_XREF_STREAM.match(data, last_start(data)) is not None


def next_number(data: bytes) -> int:
    """A number that no object has yet."""
    return int(reader_of(data).trailer["/Size"])


Bodies = Mapping[int, bytes | str]


def revision(
    data: bytes,
    bodies: Bodies,
    *,
    stream: bool | None = None,
    more: str = "",
    previous: int | None = None,
    size: int | None = None,
    root: str | None = None,
    entries: Mapping[int, tuple[int, int]] | None = None,
    freed: tuple[int, ...] = (),
    generations: Mapping[int, int] | None = None,
    before: bytes = b"",
) -> bytes:
    """The file with one more revision of these objects, written by hand.

    `stream`: with a cross-reference stream or a table (as the file has it when None). `more` goes into the trailer,
    `previous`, `size` and `root` replace what should stand there, `entries` are further places (object, generation)
    and `freed` objects that end; `generations` are those of `bodies`; `before` stands before the first object.
    """
    old, out = reader_of(data), bytearray(data + b"\n" + before)
    places = dict(entries or {})
    for number, body in bodies.items():
        raw = body.encode("latin-1") if isinstance(body, str) else body
        generation = (generations or {}).get(number, 0)
        places[number] = (len(out), generation)
        out += f"{number} {generation} obj\n".encode() + raw + b"\nendobj\n"
    with_stream = has_streams(data) if stream is None else stream
    most = max([int(old.trailer["/Size"]), *(n + 1 for n in (*places, *freed))])
    start, own = len(out), most
    if with_stream:
        places[own] = (start, 0)
        most += 1
    shared = f"/Size {size or most} /Root {root or as_text(old.trailer.raw_get('/Root'))} {more}"
    shared += f" /Prev {last_start(data) if previous is None else previous}"
    if "/ID" not in more and "/ID" in old.trailer:
        first, second = (bytes(part.original_bytes).hex() for part in old.trailer["/ID"])
        shared += f" /ID [<{first}> <{second}>]"
    out += stream_section(places, freed, own, shared) if with_stream else table_section(places, freed, shared)
    return bytes(out) + f"startxref\n{start}\n%%EOF\n".encode()


def table_section(places: Mapping[int, tuple[int, int]], freed: tuple[int, ...], shared: str) -> bytes:
    """A cross-reference table and its trailer."""
    out = bytearray(b"xref\n" if places or freed else b"xref\n0 0\n")
    for number in sorted({*places, *freed}):
        line = f"{0:010d} 65535 f " if number in freed else f"{places[number][0]:010d} {places[number][1]:05d} n "
        out += f"{number} 1\n{line}\n".encode()
    return bytes(out) + f"trailer\n<< {shared} >>\n".encode("latin-1")


def stream_section(places: Mapping[int, tuple[int, int]], freed: tuple[int, ...], own: int, shared: str) -> bytes:
    """A cross-reference stream, as object `own`."""
    numbers = sorted({*places, *freed})
    content = b"".join(
        (0 if n in freed else 1).to_bytes(1, "big")
        + (0 if n in freed else places[n][0]).to_bytes(4, "big")
        + (255 if n in freed else places[n][1]).to_bytes(2, "big")
        for n in numbers
    )
    index = " ".join(f"{n} 1" for n in numbers)
    head = f"{own} 0 obj\n<< /Type /XRef /W [1 4 2] /Index [{index}] /Length {len(content)} {shared} >>\nstream\n"
    return head.encode("latin-1") + content + b"\nendstream\nendobj\n"


def stream_body(content: bytes | str, keys: str = "") -> bytes:
    """The body of a stream object."""
    raw = content.encode("latin-1") if isinstance(content, str) else content
    return f"<< {keys} /Length {len(raw)} >>\nstream\n".encode("latin-1") + raw + b"\nendstream"


def is_signature_field(name: str) -> bool:
    """Whether the product gave this name to a field that people sign in."""
    return name in {FIELD_PERSON, FIELD_SEAL}
