"""Payloads without a name: bytes and objects that nothing leads to, and files that are two things at once."""

import io
import zipfile
from collections.abc import Callable
from functools import partial

from tests.signing.forgery.papers import Paper, signed_again
from tests.signing.forgery.table import Target, add, behind, between
from tests.signing.forgery.updating import Update, next_number, revision, stream_body

PROGRAM = b"MZ\x90\0" + bytes(range(256)) * 4


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("chay.exe", (2026, 1, 1, 0, 0, 0)), PROGRAM)
    return out.getvalue()


def orphan(data: bytes, body: bytes) -> bytes:
    """An object to which nothing refers."""
    return revision(data, {next_number(data): body})


def polyglot(data: bytes) -> bytes:
    """The file is a ZIP, too: an orphan holds the archive, and its directory stands near the end."""
    archive = _archive()
    out = revision(data, {next_number(data): stream_body(archive)})
    start = out.index(archive)
    moved = bytearray(archive)
    end = moved.rindex(b"PK\5\6")
    directory = int.from_bytes(moved[end + 16 : end + 20], "little")
    moved[end + 16 : end + 20] = (directory + start).to_bytes(4, "little")
    moved[directory + 42 : directory + 46] = start.to_bytes(4, "little")
    return out[:start] + bytes(moved) + out[start + len(moved) :]


def trailing(data: bytes, more: bytes) -> bytes:
    """Bytes behind the end."""
    return data + more


def before_the_objects(data: bytes, more: bytes) -> bytes:
    """A harmless revision, and bytes before its first object, outside of every object."""
    return revision(data, {}, before=more)


def within(data: bytes) -> bytes:
    """A revision whose trailer says a lot in a comment."""
    return revision(data, {}, stream=False, more="\n%" + "95 trieu " * 400 + "\n")


def with_trailer_key(data: bytes, key: str, value: str) -> bytes:
    """A revision whose trailer brings something new."""
    return revision(data, {}, more=f"{key} {value}")


def unlisted_object(data: bytes) -> bytes:
    """A whole object that the cross-reference section does not name."""
    body = stream_body(PROGRAM)
    return revision(data, {}, before=b"%d 0 obj\n" % next_number(data) + body + b"\nendobj\n")


def shadowed(data: bytes) -> bytes:
    """A second copy of the page's content that no section names: readers that mend files find it."""
    page = Update(data).page()
    content = page.raw_get("/Contents")
    while not hasattr(content, "idnum"):
        content = content.raw_get(0)
    body = stream_body("BT /F1 14 Tf 72 760 Td (Cap 95 trieu dong) Tj ET")
    return revision(data, {}, before=b"%d 0 obj\n" % content.idnum + body + b"\nendobj\n")


def orphans_in_a_stream(data: bytes) -> bytes:
    """An object stream full of objects to which nothing refers."""
    number = next_number(data)
    inside = f"{number + 1} 0 (95 trieu)"
    body = stream_body(inside, f"/Type /ObjStm /N 1 /First {len(f'{number + 1} 0 ')}")
    return revision(data, {number: body}, stream=True)


def empty_revision(data: bytes) -> bytes:
    """A revision with nothing in it."""
    return revision(data, {})


def odd_kind(target: Target, key: bytes, old: bytes, new: bytes) -> bytes:
    """Signed by a handler or in a form that nobody knows; the signature's value itself is right."""
    changed = (key + old, key + new.ljust(len(old)))
    return signed_again(target.data, target.scribe.office.binh, *changed)


def attached(data: bytes) -> bytes:
    """An embedded file."""
    update = Update(data)
    content = update.stream(PROGRAM, "<< /Type /EmbeddedFile >>")
    spec = update.add(f"<< /Type /Filespec /F (chay.exe) /UF (chay.exe) /EF << /F {content} >> >>")
    if "/Names" in update.root:
        update.set(update.root["/Names"], "/EmbeddedFiles", f"<< /Names [(chay.exe) {spec}] >>")
    else:
        update.set(update.root, "/Names", f"<< /EmbeddedFiles << /Names [(chay.exe) {spec}] >> >>")
    return update.written()


def associated(data: bytes) -> bytes:
    """An associated file (PDF/A-3)."""
    update = Update(data)
    content = update.stream(PROGRAM, "<< /Type /EmbeddedFile >>")
    spec = update.add(f"<< /Type /Filespec /F (a.xml) /AFRelationship /Data /EF << /F {content} >> >>")
    update.set(update.root, "/AF", f"[{spec}]")
    return update.written()


def piece(data: bytes) -> bytes:
    """Private data of a program in the catalogue."""
    update = Update(data)
    content = update.stream(PROGRAM)
    update.set(update.root, "/PieceInfo", f"<< /Khac << /Private {content} >> >>")
    return update.written()


def in_metadata(data: bytes) -> bytes:
    """Metadata that carry a program, well-formed."""
    update = Update(data)
    text = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- {PROGRAM.hex()} --></x:xmpmeta>'
    update.set(update.root, "/Metadata", update.stream(text, "<< /Type /Metadata /Subtype /XML >>"))
    return update.written()


def in_info(data: bytes) -> bytes:
    """The document's information says something else, and a lot."""
    update = Update(data)
    update.writer.set_info(update.parse(f"<< /Title (Cap 95 trieu) /Them ({'A' * 4000}) >>"))
    return update.written()


def table_papers(paper: Paper) -> bool:
    """One paper is enough."""
    return paper.name == "foreign-one"


ORPHANS: dict[str, bytes] = {
    "a program": stream_body(PROGRAM),
    "a page": b"<< /Type /Page /MediaBox [0 0 595 842] >>",
    "a catalogue": b"<< /Type /Catalog /Pages 2 0 R >>",
    "a script": b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
    "text": b"(" + b"95 trieu " * 500 + b")",
    "a signature": b"<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 1 2 3] /Contents <00> >>",
    "a PDF": stream_body(b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\nstartxref\n9\n%%EOF\n"),
}
EDITS: dict[str, Callable[[bytes], bytes]] = {
    "a ZIP": polyglot,
    "an object that nobody lists": unlisted_object,
    "a second content that nobody lists": shadowed,
    "orphans in an object stream": orphans_in_a_stream,
    "an attached file": attached,
    "an associated file": associated,
    "private data": piece,
    "a program in the metadata": in_metadata,
    "much in the information": in_info,
}
BYTES: dict[str, bytes] = {
    "a program": PROGRAM,
    "a ZIP": _archive(),
    "a comment": b"%" + b"95 trieu " * 100 + b"\n",
    "noughts": b"\0" * 5000,
    "another PDF": b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n",
    "a page in HTML": b"<html><script>alert(1)</script></html>",
}


def register() -> None:
    """Into the table."""
    family = "payloads"
    for what, body in ORPHANS.items():
        behind(family, f"an orphan: {what}", partial(orphan, body=body))
        between(family, f"an orphan: {what}", partial(orphan, body=body))
    for what, edit in EDITS.items():
        behind(family, what, edit)
    for what, more in BYTES.items():
        behind(family, f"behind the end: {what}", partial(trailing, more=b"\n" + more))
        behind(family, f"before the objects: {what}", partial(before_the_objects, more=more + b"\n"))
    behind(family, "in the trailer's comment", within)
    behind(family, "in the trailer", partial(with_trailer_key, key="/Them", value="(95 trieu)"))
    kinds = {
        "/SubFilter ": (b"/adbe.pkcs7.detached", b"/khac.pkcs7.khac"),
        "/Filter ": (b"/Adobe.PPKLite", b"/Khac.Khac"),
    }
    for key, (old, new) in kinds.items():
        make = partial(odd_kind, key=key.encode(), old=old, new=new)
        add(family, f"an odd {key.strip(' /')}", make, table_papers)
