"""The file's own structure: cross-reference sections that say two things, and readers that believe either."""

import re
from functools import partial

from tests.signing.forgery.papers import Paper
from tests.signing.forgery.table import Target, add, behind
from tests.signing.forgery.undefined_objects import by_stream, by_table
from tests.signing.forgery.updating import (
    Update,
    as_text,
    last_start,
    next_number,
    reader_of,
    revision,
    stream_body,
)

OTHER = stream_body("BT /F1 14 Tf 72 760 Td (Cap 95 trieu dong) Tj ET")


def content_of(data: bytes) -> int:
    """The number of the first page's content."""
    content = Update(data).page().raw_get("/Contents")
    while not hasattr(content, "idnum"):
        content = content.raw_get(0)
    return int(content.idnum)


def two_sections(data: bytes) -> bytes:
    """The content stands twice in one section: first as it was, then changed."""
    number = content_of(data)
    out = revision(data, {number: OTHER}, stream=False)
    place = re.findall(rb"\n%d 1\n(\d{10}) 00000 n \n" % number, out)[-1]
    old = _old_place(data, number)
    twice = b"\n%d 1\n%010d 00000 n \n%d 1\n%s 00000 n \n" % (number, old, number, place)
    return out.replace(b"\n%d 1\n%s 00000 n \n" % (number, place), twice)


def _old_place(data: bytes, number: int) -> int:
    found = [one.start() for one in re.finditer(rb"(?<![0-9])%d 0 obj" % number, data)]
    return found[0] if found else 15


def repointed(data: bytes) -> bytes:
    """A section says that the content lies where another object was signed."""
    number = content_of(data)
    fields = Update(data).form["/Fields"]
    other = fields.raw_get(0).idnum
    return revision(data, {}, entries={number: (_old_place(data, other), 0)})


def repointed_within(data: bytes) -> bytes:
    """A section says that the content lies within a stream that everybody has signed."""
    number = content_of(data)
    return revision(data, {}, entries={number: (len(data) // 3, 0)})


def replaced_objects(data: bytes) -> bytes:
    """The content is another object of the same number."""
    return revision(data, {content_of(data): OTHER})


def skipped(data: bytes) -> bytes:
    """The newest section leads past the signatures to the first one."""
    return revision(data, {content_of(data): OTHER}, previous=_first_start(data))


def _first_start(data: bytes) -> int:
    return int(re.findall(rb"startxref\s+(\d+)", data)[0])


def looped(data: bytes) -> bytes:
    """The newest section names itself as the one before."""
    out = revision(data, {content_of(data): OTHER})
    start, old = last_start(out), last_start(data)
    at = out.rindex(b"/Prev %d" % old)
    return out[:at] + b"/Prev %d" % start + out[at + len(b"/Prev %d" % old) :] if at > 0 else out


def back_to_the_first(data: bytes) -> bytes:
    """The end of the file leads to the section before all signatures."""
    return data + f"\nstartxref\n{_first_start(data)}\n%%EOF\n".encode()


def back_by_one(data: bytes) -> bytes:
    """The end of the file leads to the section before the last."""
    starts: list[bytes] = re.findall(rb"startxref\s+(\d+)", data)
    return data + b"\nstartxref\n" + starts[-2] + b"\n%%EOF\n"


def no_start(data: bytes) -> bytes:
    """Nothing says where the sections are: readers search for objects."""
    number = content_of(data)
    return data + b"\n%d 0 obj\n" % number + OTHER + b"\nendobj\n%%EOF\n"


def no_prev(data: bytes) -> bytes:
    """The newest section names no other, and knows all objects that are needed for another page."""
    root, number = next_number(data) + 1, next_number(data)
    bodies: dict[int, bytes | str] = {
        root: f"<< /Type /Catalog /Pages {number + 2} 0 R >>",
        number + 2: f"<< /Type /Pages /Kids [{number + 3} 0 R] /Count 1 >>",
        number + 3: f"<< /Type /Page /Parent {number + 2} 0 R /MediaBox [0 0 595 842] /Contents {number} 0 R >>",
        number: OTHER,
    }
    out = revision(data, bodies, stream=False, root=f"{root} 0 R")
    at = out.rindex(b"/Prev")
    return out[:at] + b"/Nova" + out[at + 5 :]


def other_root(data: bytes) -> bytes:
    """The trailer leads to another catalogue, with the same form."""
    update = Update(data)
    number = next_number(data)
    form = update.root.raw_get("/AcroForm")
    fields = [as_text(update.form["/Fields"].raw_get(n)) for n in range(len(update.form["/Fields"]))]
    held = as_text(form) if hasattr(form, "idnum") else f"<< /Fields [{' '.join(fields)}] /SigFlags 3 >>"
    bodies: dict[int, bytes | str] = {
        number: f"<< /Type /Catalog /Pages {number + 1} 0 R /AcroForm {held} >>",
        number + 1: f"<< /Type /Pages /Kids [{number + 2} 0 R] /Count 1 >>",
        number + 2: f"<< /Type /Page /Parent {number + 1} 0 R /MediaBox [0 0 595 842] /Contents {number + 3} 0 R "
        f"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        number + 3: OTHER,
    }
    return revision(data, bodies, root=f"{number} 0 R")


def same_root_elsewhere(data: bytes) -> bytes:
    """A copy of the catalogue under another number."""
    update, number = Update(data), next_number(data)
    keys = " ".join(f"{key} {_text(update.root.raw_get(key))}" for key in update.root)
    return revision(data, {number: f"<< {keys} >>"}, root=f"{number} 0 R")


def _text(value: object) -> str:
    import io

    out = io.BytesIO()
    value.write_to_stream(out, None)  # type: ignore[attr-defined]
    return out.getvalue().decode("latin-1")


def small_size(data: bytes) -> bytes:
    """The trailer says that the file has few objects: the rest is null."""
    return revision(data, {}, size=4)


def large_size(data: bytes) -> bytes:
    """The trailer says that the file has very many objects."""
    return revision(data, {}, size=8_000_000)


def trailer_with(data: bytes, more: str) -> bytes:
    """A revision whose trailer says something else."""
    return revision(data, {}, more=more)


def hybrid(data: bytes, *, hidden: bool) -> bytes:
    """A table that says nothing new, and beside it a stream that does (`hidden`), or the other way round."""
    number, own = content_of(data), next_number(data)
    out = bytearray(data + b"\n")
    changed = len(out)
    out += b"%d 0 obj\n" % number + OTHER + b"\nendobj\n"
    place = changed if hidden else _old_place(data, number)
    root = as_text(reader_of(data).trailer.raw_get("/Root"))
    rows = b"\x01" + place.to_bytes(4, "big") + b"\0\0"
    beside = len(out)
    keys = f"/Type /XRef /W [1 4 2] /Index [{number} 1] /Size {own + 1} /Root {root}"
    out += b"%d 0 obj\n" % own + stream_body(rows, keys) + b"\nendobj\n"
    start = len(out)
    row = b"0 0\n" if hidden else b"%d 1\n%010d 00000 n \n" % (number, changed)
    out += b"xref\n" + row + f"trailer\n<< /Size {own + 1} /Root {root} /Prev {last_start(data)}".encode()
    out += f" /XRefStm {beside} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def narrow(data: bytes, widths: str, row: bytes) -> bytes:
    """A cross-reference stream whose fields are as wide as nobody expects."""
    number, own = content_of(data), next_number(data)
    out = bytearray(data + b"\n")
    place = len(out)
    out += b"%d 0 obj\n" % number + OTHER + b"\nendobj\n"
    start = len(out)
    root = as_text(reader_of(data).trailer.raw_get("/Root"))
    keys = f"/Type /XRef /W [{widths}] /Index [{number} 1] /Size {own + 1} /Root {root} /Prev {last_start(data)}"
    content = row.replace(b"OOOO", place.to_bytes(4, "big"))
    out += b"%d 0 obj\n" % own + stream_body(content, keys) + b"\nendobj\n"
    return bytes(out) + f"startxref\n{start}\n%%EOF\n".encode()


def shadowing_stream(data: bytes) -> bytes:
    """An object stream that extends another and brings the content again."""
    number, own = content_of(data), next_number(data)
    inside = f"{number} 0 << /Length 0 >>"
    body = stream_body(inside, f"/Type /ObjStm /N 1 /First {len(f'{number} 0 ')}")
    out = bytearray(data + b"\n")
    place = len(out)
    out += b"%d 0 obj\n" % own + body + b"\nendobj\n"
    start = len(out)
    root = as_text(reader_of(data).trailer.raw_get("/Root"))
    rows = b"\x02" + own.to_bytes(4, "big") + b"\0\0" + b"\x01" + place.to_bytes(4, "big") + b"\0\0"
    index = f"{number} 1 {own} 1"
    keys = f"/Type /XRef /W [1 4 2] /Index [{index}] /Size {own + 2} /Root {root} /Prev {last_start(data)}"
    out += b"%d 0 obj\n" % (own + 1) + stream_body(rows, keys) + b"\nendobj\n"
    return bytes(out) + f"startxref\n{start}\n%%EOF\n".encode()


def replaced_signature(data: bytes) -> bytes:
    """The signature's own object is written again, as it was and with a further key."""
    update = Update(data)
    value = update.signed_field()["/V"]
    update.set(value, "/Them", "(95 trieu)")
    return update.written()


def earlier_end(data: bytes) -> bytes:
    """An end of file in the middle of the last, unsigned revision."""
    return revision(data, {next_number(data): "(a)"}, before=b"%%EOF\n")


def cut(data: bytes) -> bytes:
    """The last bytes are missing."""
    return data[:-20]


def prefixed(data: bytes) -> bytes:
    """Something stands before the head of the file."""
    return b"MZ95 trieu\n" + data


def other_version(data: bytes) -> bytes:
    """The head of the file says another version."""
    return (
        data.replace(b"%PDF-1.7", b"%PDF-2.0", 1) if b"%PDF-1.7" in data[:10] else data.replace(b"%PDF-", b"%PDF_", 1)
    )


TRAILERS = {
    "an encryption": "/Encrypt << /Filter /Standard /V 1 /R 2 /O (a) /U (b) /P -4 >>",
    "an information": "/Info << /Title (95 trieu) >>",
    "an authentication": "/AuthCode << /MAC <00> >>",
    "a stream beside": "/XRefStm 15",
    "a second root": "/Root 1 0 R",
}


def with_two_revisions(paper: Paper) -> bool:
    """Papers with more than one section."""
    return not paper.name.startswith("linearised")


def prepared_twice(target: Target) -> bytes:
    """The signed file has the content twice in one section; a later one takes the other."""

    def prepare(data: bytes) -> bytes:
        return revision(data, {next_number(data): OTHER})

    signed = target.prepared(prepare)
    hidden = next_number(target.stages[0])
    return revision(signed, {}, entries={content_of(signed): (_old_place(signed, hidden), 0)})


def register() -> None:
    """Into the table."""
    family = "structure"
    behind(family, "two entries in one section", two_sections, by_table)
    behind(family, "content lies elsewhere", repointed)
    behind(family, "content lies within another", repointed_within)
    behind(family, "content replaced by hand", replaced_objects, visible=True)
    behind(family, "content replaced by a table", lambda data: revision(data, {content_of(data): OTHER}, stream=False))
    behind(family, "content replaced by a stream", lambda data: revision(data, {content_of(data): OTHER}, stream=True))
    behind(family, "the signatures skipped", skipped, with_two_revisions)
    behind(family, "a loop", looped)
    behind(family, "back to the first", back_to_the_first, with_two_revisions)
    behind(family, "back by one", back_by_one)
    behind(family, "no start", no_start)
    behind(family, "no section before", no_prev, visible=True)
    behind(family, "another root", other_root, visible=True)
    behind(family, "the root under another number", same_root_elsewhere)
    behind(family, "few objects", small_size)
    behind(family, "many objects", large_size)
    for what, more in TRAILERS.items():
        behind(family, f"the trailer gets {what}", partial(trailer_with, more=more))
    for hidden in (True, False):
        what = "in the stream" if hidden else "in the table"
        behind(family, f"a hybrid section, changed {what}", partial(hybrid, hidden=hidden))
    widths = {
        "no kind": ("0 4 2", b"OOOO\0\0"),
        "no generation": ("1 4 0", b"\x01OOOO"),
        "wide": ("1 8 4", b"\x01\0\0\0\0OOOO\0\0\0\0"),
    }
    for what, (given, row) in widths.items():
        behind(family, f"widths: {what}", partial(narrow, widths=given, row=row), by_stream)
    behind(family, "an object stream with the content", shadowing_stream, by_stream)
    behind(family, "a signature written again", replaced_signature)
    behind(family, "an end in the middle", earlier_end)
    behind(family, "cut", cut)
    behind(family, "prefixed", prefixed)
    behind(family, "another version", other_version)
    add(family, "a hidden content shown", prepared_twice, visible=True)
