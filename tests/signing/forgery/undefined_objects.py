"""Undefined objects: what was signed names an object that comes only later, and without a signature."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pyhanko.pdf_utils import generic

from tests.signing.forgery.annotations import WHITE
from tests.signing.forgery.papers import Paper
from tests.signing.forgery.table import Target, add
from tests.signing.forgery.updating import (
    Update,
    as_text,
    last_start,
    reader_of,
    revision,
    stream_body,
)

PICTURE = stream_body(WHITE, "/Type /XObject /Subtype /Form /BBox [0 0 480 60] /Resources << >>")
"""Draws over the text of the letters."""

AHEAD = 400_000
"""Further into the file than any of the papers is long."""


def _annotation(update: Update, picture: str) -> None:
    page = as_text(update.page().container_ref)
    update.annotate(f"<< /Type /Annot /Subtype /Stamp /Rect [60 740 540 800] /F 4 /P {page} /AP << /N {picture} >> >>")


def dangling(target: Target, name: Callable[[Update, str], None]) -> bytes:
    """The signed file refers to a number that no object has; a later revision gives it one."""
    number = 0

    def prepare(data: bytes) -> bytes:
        nonlocal number
        update = Update(data)
        number = 900
        name(update, "900 0 R")
        return update.written()

    return revision(target.prepared(prepare), {number: PICTURE})


def _content(update: Update, number: str) -> None:
    page = update.page()
    own = page.raw_get("/Contents")
    listed: Any = own.get_object() if hasattr(own, "get_object") else own
    texts = (
        [as_text(listed.raw_get(n)) for n in range(len(listed))]
        if isinstance(listed, generic.ArrayObject)
        else [as_text(own)]
    )
    update.set(page, "/Contents", f"[{' '.join(texts)} {number}]")


def _xobject(update: Update, number: str) -> None:
    update.set(update.resources(), "/XObject", f"<< /Them {number} >>")
    _content(update, update.stream("q 1 0 0 1 60 740 cm /Them Do Q"))


NAMED: dict[str, Callable[[Update, str], None]] = {
    "an annotation's picture": _annotation,
    "a part of the page": _content,
    "a drawing on the page": _xobject,
}


def promised(target: Target, name: Callable[[Update, str], None], *, stream: bool) -> bytes:
    """The signed table says that the object lies behind the end of the signed file; bytes appended supply it there.

    What is appended first is filled up so that the object lies where it was promised.
    """

    def prepare(data: bytes) -> bytes:
        update = Update(data)
        name(update, "900 0 R")
        return revision(update.written(), {}, stream=stream, entries={900: (AHEAD, 0)})

    signed = target.prepared(prepare)
    head = signed + b"\n%" + b" " * (AHEAD - len(signed) - 3) + b"\n"
    return head + b"900 0 obj\n" + PICTURE + b"\nendobj\n"


def promised_with_revision(target: Target, name: Callable[[Update, str], None]) -> bytes:
    """The same, with a harmless revision behind the object, so that nothing trails."""

    def prepare(data: bytes) -> bytes:
        update = Update(data)
        name(update, "900 0 R")
        return revision(update.written(), {}, entries={900: (AHEAD, 0)})

    signed = target.prepared(prepare)
    filled = b"%" + b" " * (AHEAD - len(signed) - 3) + b"\n900 0 obj\n" + PICTURE + b"\nendobj\n"
    return revision(signed, {}, before=filled)


def promised_stream(target: Target, name: Callable[[Update, str], None], *, supplied: bool) -> bytes:
    """The signed table says that the object lies in an object stream that comes later, behind the end or by a new
    revision that names it (`supplied`)."""

    def prepare(data: bytes) -> bytes:
        update = Update(data)
        name(update, "900 0 R")
        prepared = update.written()
        out = bytearray(prepared + b"\n")
        root = as_text(reader_of(prepared).trailer.raw_get("/Root"))
        start = len(out)
        rows = b"\x02" + (901).to_bytes(4, "big") + b"\0\0"
        index = "900 1"
        if not supplied:
            rows += b"\x01" + AHEAD.to_bytes(4, "big") + b"\0\0"
            index += " 901 1"
        keys = f"/Type /XRef /W [1 4 2] /Index [{index}] /Size 902 /Root {root} /Prev {last_start(prepared)}"
        out += b"899 0 obj\n" + stream_body(rows, keys) + b"\nendobj\n"
        return bytes(out) + f"startxref\n{start}\n%%EOF\n".encode()

    signed = target.prepared(prepare)
    picture = "900 0 << /Type /Annot /Subtype /Square /Rect [60 740 540 800] /IC [1 1 1] /C [1 1 1] /F 4 >>"
    body = stream_body(picture, f"/Type /ObjStm /N 1 /First {len('900 0 ')}")
    if supplied:
        return revision(signed, {901: body}, stream=True)
    return signed + b"\n%" + b" " * (AHEAD - len(signed) - 3) + b"\n901 0 obj\n" + body + b"\nendobj\n"


def _listed(update: Update, number: str) -> None:
    update.append(update.annotations(), number)
    update.change(update.page())


def in_the_fonts(update: Update, number: str) -> None:
    """A font's way to text is promised."""
    fonts = update.resources()["/Font"]
    update.set(fonts[next(iter(fonts))], "/ToUnicode", number)


def length_later(target: Target) -> bytes:
    """A content stream's length is an object that comes later: then the stream is longer."""

    def prepare(data: bytes) -> bytes:
        update = Update(data)
        _content(update, "901 0 R")
        content = f"q Q\n{WHITE}\n"
        body = f"<< /Length 902 0 R >>\nstream\n{content}endstream"
        return revision(update.written(), {901: body, 902: "3"})

    return revision(target.prepared(prepare), {902: str(len(WHITE) + 5)})


def revived(target: Target) -> bytes:
    """The signed table says that the object has ended; a later one revives it with another generation."""

    def prepare(data: bytes) -> bytes:
        update = Update(data)
        _annotation(update, "900 1 R")
        return revision(update.written(), {}, freed=(900,))

    return revision(target.prepared(prepare), {900: PICTURE}, generations={900: 1})


def freed(target: Target) -> bytes:
    """A revision says that the seal's picture has ended."""
    update = Update(target.data)
    picture = update.signed_field()["/AP"].raw_get("/N")
    return revision(target.data, {}, freed=(picture.idnum,))


def freed_content(target: Target) -> bytes:
    """A revision says that the page's content has ended."""
    page = Update(target.data).page()
    content = page.raw_get("/Contents")
    while not hasattr(content, "idnum"):
        content = content.raw_get(0)
    return revision(target.data, {}, freed=(content.idnum,))


def other_generation(target: Target) -> bytes:
    """The page's content comes again with a higher generation, which some readers take."""
    page = Update(target.data).page()
    content = page.raw_get("/Contents")
    while not hasattr(content, "idnum"):
        content = content.raw_get(0)
    body = stream_body("BT /F1 14 Tf 72 760 Td (95 trieu) Tj ET")
    return revision(target.data, {content.idnum: body}, generations={content.idnum: 1})


def promised_kid(target: Target) -> bytes:
    """The form has a field whose kid comes later."""

    def prepare(data: bytes) -> bytes:
        update = Update(data)
        field = update.add("<< /FT /Tx /T (X) /V () /Kids [900 0 R] >>")
        if "/AcroForm" in update.root:
            update.append(update.form["/Fields"], field)
        else:
            update.set(update.root, "/AcroForm", f"<< /Fields [{field}] /SigFlags 3 >>")
        update.append(update.annotations(), "900 0 R")
        update.change(update.page())
        return update.written()

    kid = "<< /Type /Annot /Subtype /Widget /V (95 trieu) /Rect [60 740 540 800] /F 4 >>"
    return revision(target.prepared(prepare), {900: kid})


def by_table(paper: Paper) -> bool:
    """Papers with a cross-reference table."""
    return paper.name.startswith(("table", "pages", "tagged", "linked", "rotated", "numbered", "foreign", "word"))


def by_stream(paper: Paper) -> bool:
    """Papers with a cross-reference stream."""
    return paper.name.startswith(("official", "streams", "linearised-streams", "hidden"))


def seen(paper: Paper) -> bool:
    """Papers with a visible signature."""
    return paper.name != "hidden-one"


def unlocked(paper: Paper) -> bool:
    """All but numbered papers, whose fields are filled in by name."""
    return paper.name != "numbered-two"


def register() -> None:
    """Into the table."""
    family = "undefined_objects"
    for what, name in NAMED.items():
        add(family, f"{what}, dangling", partial(dangling, name=name), unlocked, visible=True)
        add(
            family,
            f"{what}, behind the end by a table",
            partial(promised, name=name, stream=False),
            by_table,
            visible=True,
        )
        later = partial(promised, name=name, stream=True)
        add(family, f"{what}, behind the end by a stream", later, by_stream, visible=True)
        add(family, f"{what}, behind the end and a revision", partial(promised_with_revision, name=name), visible=True)
    for supplied in (True, False):
        make = partial(promised_stream, name=_listed, supplied=supplied)
        add(
            family,
            f"an annotation in an object stream, {'by a revision' if supplied else 'behind the end'}",
            make,
            by_stream,
        )
    add(family, "a font's text, dangling", partial(dangling, name=in_the_fonts))
    add(family, "a length", length_later, by_table)
    add(family, "a free number revived", revived, by_table, visible=True)
    add(family, "the seal's picture ended", freed, seen, visible=True)
    add(family, "the page's content ended", freed_content, visible=True)
    add(family, "another generation", other_generation)
    add(family, "a form field's kid", promised_kid)
