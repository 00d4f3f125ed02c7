"""Laundered annotations: an unsigned revision adds an empty signature field whose kids are any annotations.

A box with one indirect number in it counts as empty for who adds up numbers only; that number is an object which some
other, harmless place names, too (`SHARED`).
"""

from collections.abc import Callable
from functools import partial

from tests.signing.forgery.papers import Paper
from tests.signing.forgery.table import anywhere, behind, between
from tests.signing.forgery.updating import Update, as_text

WHITE = "1 1 1 rg 0 0 480 60 re f 0 g BT /F1 20 Tf 10 20 Td (Cap 95 trieu dong) Tj ET"
"""What covers the text of the letters, and what stands there then."""

BOX = ("60", "740", "540", "800")
Share = Callable[[Update, str], str]


def _mark_info(update: Update, value: str) -> str:
    number = update.add(value)
    update.set(update.root, "/MarkInfo", number)
    return number


def _marked(update: Update, value: str) -> str:
    number = update.add(value)
    update.set(update.root, "/MarkInfo", f"<< /Marked {number} >>")
    return number


def _extensions(update: Update, value: str) -> str:
    number = update.add(value)
    update.set(update.root, "/Extensions", number)
    return number


def _within_extensions(update: Update, value: str) -> str:
    number = update.add(value)
    update.set(update.root, "/Extensions", f"<< /ESIC << /BaseVersion /1.7 /ExtensionLevel {number} >> >>")
    return number


def _vri(update: Update, key: str, value: str) -> None:
    if "/DSS" not in update.root:
        update.set(update.root, "/DSS", f"<< /VRI << {key} {value} >> >>")
    elif "/VRI" not in update.root["/DSS"]:
        update.set(update.root["/DSS"], "/VRI", f"<< {key} {value} >>")
    else:
        update.set(update.root["/DSS"]["/VRI"], key, value)


def _stamp_of_vri(update: Update, value: str) -> str:
    number = update.add(value)
    _vri(update, "/" + "AB" * 20, f"<< /TS {number} >>")
    return number


def _entry_of_vri(update: Update, value: str) -> str:
    number = update.add(value)
    _vri(update, "/" + "CD" * 20, number)
    return number


def _info(update: Update, value: str) -> str:
    number = update.add(value)
    update.writer.set_info(update.parse(f"<< /Title {number} >>"))
    return number


def _names(update: Update, value: str) -> str:
    number = update.add(value)
    update.set(update.root, "/Names", f"<< /Dests << /Names [(a) {number}] >> >>")
    return number


def _nobody(update: Update, value: str) -> str:
    return update.add(value)


def _lock(update: Update, value: str) -> str:
    number = update.add(value)
    update.set(update.form, "/SigFlags", number)
    return number


SHARED: dict[str, Share] = {
    "MarkInfo": _mark_info,
    "a key of MarkInfo": _marked,
    "Extensions": _extensions,
    "a level in Extensions": _within_extensions,
    "VRI's time-stamp": _stamp_of_vri,
    "a VRI entry": _entry_of_vri,
    "Info": _info,
    "Names": _names,
    "SigFlags": _lock,
    "nobody": _nobody,
}

BODIES = {
    "Square": "/Subtype /Square /C [1 1 1] /IC [1 1 1]",
    "Ink": "/Subtype /Ink /InkList [[60 760 540 760]] /BS << /W 30 >> /C [1 1 1]",
    "FreeText": "/Subtype /FreeText /Contents (Cap 95 trieu dong) /DA (/Helv 20 Tf 0 g)",
    "Stamp": "/Subtype /Stamp /Name /Approved",
    "Highlight": "/Subtype /Highlight /QuadPoints [60 800 540 800 60 740 540 740] /C [0 0 0]",
    "Redact": "/Subtype /Redact /IC [1 1 1] /OverlayText (95 trieu)",
    "Watermark": "/Subtype /Watermark /FixedPrint << /Type /FixedPrint /Matrix [1 0 0 1 0 0] >>",
    "Polygon": "/Subtype /Polygon /Vertices [60 740 540 740 540 800 60 800] /IC [1 1 1] /C [1 1 1]",
    "a text field": "/Subtype /Widget /FT /Tx /V (95 trieu) /DA (/Helv 20 Tf 0 g)",
    "a button": "/Subtype /Widget /FT /Btn /Ff 65536 /MK << /BG [1 1 1] /CA (95 trieu) >>",
    "a signature's widget": "/Subtype /Widget",
    "a screen": "/Subtype /Screen /MK << /BG [1 1 1] >>",
    "no subtype": "",
}
UNSEEN = {
    "Link": "/Subtype /Link /Border [0 0 0] /A << /S /URI /URI (https://gia.example/) >>",
    "FileAttachment": "/Subtype /FileAttachment /FS << /Type /Filespec /F (a.exe) >>",
    "Popup": "/Subtype /Popup /Open true",
    "RichMedia": "/Subtype /RichMedia /RichMediaContent << /Assets << >> >>",
    "3D": "/Subtype /3D /3DA << /A /PO >>",
    "a script on a widget": "/Subtype /Widget /A << /S /JavaScript /JS (app.alert\\(1\\)) >>",
    "a script on a page's opening": "/Subtype /Widget /AA << /PO << /S /JavaScript /JS (app.alert\\(1\\)) >> >>",
    "a program": "/Subtype /Widget /A << /S /Launch /F (calc.exe) >>",
    "another file": "/Subtype /Link /A << /S /GoToR /F (b.pdf) /D [0 /Fit] >>",
    "a form sent": "/Subtype /Widget /AA << /E << /S /SubmitForm /F (https://gia.example/) >> >>",
}


Draw = Callable[[Update], str]


def undrawn(_: Update) -> str:
    """Readers draw the annotation themselves."""
    return ""


def drawn(update: Update) -> str:
    """The annotation brings its picture."""
    return f"/AP << /N {update.drawing(WHITE, 480, 60)} >>"


def drawn_for_the_store(update: Update) -> str:
    """The picture is named as the time-stamp of an entry for validation data, too."""
    picture = update.drawing(WHITE, 480, 60)
    _vri(update, "/" + "EF" * 20, f"<< /TS {picture} >>")
    return f"/AP << /N {picture} >>"


def drawn_as_certificate(update: Update) -> str:
    """The picture is named among the certificates of the store, too."""
    picture = update.drawing(WHITE, 480, 60)
    if "/DSS" not in update.root:
        update.set(update.root, "/DSS", f"<< /Certs [{picture}] >>")
    elif "/Certs" not in update.root["/DSS"]:
        update.set(update.root["/DSS"], "/Certs", f"[{picture}]")
    else:
        kept = [as_text(update.root["/DSS"]["/Certs"].raw_get(n)) for n in range(len(update.root["/DSS"]["/Certs"]))]
        update.set(update.root["/DSS"], "/Certs", f"[{' '.join(kept)} {picture}]")
    return f"/AP << /N {picture} >>"


def drawn_as_the_seal(update: Update) -> str:
    """The picture is one that is in the file: a signature's, drawn large over the text."""
    return f"/AP << /N {as_text(update.signed_field()['/AP'].raw_get('/N'))} >>"


DRAWN: dict[str, Draw] = {
    "undrawn": undrawn,
    "drawn": drawn,
    "drawn as VRI's time-stamp": drawn_for_the_store,
    "drawn as a certificate": drawn_as_certificate,
    "drawn as the seal": drawn_as_the_seal,
}


def launder(
    data: bytes,
    body: str,
    share: Share,
    box: tuple[str, str, str, str] = BOX,
    *,
    nested: bool = False,
    draw: Draw = undrawn,
) -> bytes:
    """The file with a new empty signature field whose kid is the annotation; its box ends in a shared number."""
    update = Update(data)
    corners = f"[{' '.join(box[:3])} {share(update, box[3])}]"
    drawing = draw(update)
    page = as_text(update.page().container_ref)
    kid = update.add(f"<< /Type /Annot {body} /Rect {corners} /F 4 /P {page} {drawing} >>")
    between_them = update.add(f"<< /Kids [{kid}] >>") if nested else kid
    _hang(update, kid, between_them)
    return update.written()


def _hang(update: Update, annotation: str, kid: str, more: str = "") -> None:
    field = update.add(f"<< /FT /Sig /T (Them) /Kids [{kid}] {more} >>")
    update.append(update.form["/Fields"], field)
    array = update.annotations()
    update.append(array, annotation)
    update.change(update.page())


def merged(data: bytes, more: str, share: Share, subtype: str = "/Widget", draw: Draw = undrawn) -> bytes:
    """A new empty signature field that is its own annotation."""
    update = Update(data)
    corners = f"[60 740 540 {share(update, '800')}]"
    page = as_text(update.page().container_ref)
    keys = f"/Type /Annot /Subtype {subtype} /FT /Sig /T (Them) /Rect {corners} /F 4 /P {page} {draw(update)} {more}"
    field = update.add(f"<< {keys} >>")
    update.append(update.form["/Fields"], field)
    update.append(update.annotations(), field)
    update.change(update.page())
    return update.written()


def existing_number(data: bytes) -> bytes:
    """The shared number is the length of a content stream that everybody has signed."""

    def length(update: Update, _: str) -> str:
        return "11 0 R"

    return launder(data, BODIES["Square"], length, ("60", "840", "540", "840"))


def odd_box(data: bytes, box: str) -> bytes:
    """The box is no array of four numbers, and readers make something of it."""
    update = Update(data)
    page = as_text(update.page().container_ref)
    more = f"/Type /Annot /Subtype /Stamp /F 4 /P {page} {drawn_for_the_store(update)}"
    kid = update.add(f"<< {more} {box} >>")
    _hang(update, kid, kid)
    return update.written()


def plain_annotation(data: bytes, body: str) -> bytes:
    """Nothing is laundered: an annotation on the page."""
    update = Update(data)
    page = as_text(update.page().container_ref)
    drawing = update.drawing(WHITE, 480, 60)
    update.annotate(f"<< /Type /Annot {body} /Rect [60 740 540 800] /F 4 /P {page} /AP << /N {drawing} >> >>")
    return update.written()


def kid_of_a_signature(data: bytes) -> bytes:
    """A field that somebody has signed gets a second widget, over the text."""
    update = Update(data)
    page, field = as_text(update.page().container_ref), update.signed_field()
    keys = f"/Type /Annot /Subtype /Widget /Rect [60 740 540 800] /F 4 /P {page}"
    drawing = update.drawing(WHITE, 480, 60)
    kid = update.annotate(f"<< {keys} /Parent {as_text(field.container_ref)} /AP << /N {drawing} >> >>")
    update.set(field, "/Kids", f"[{kid}]")
    return update.written()


def removed_annotations(data: bytes) -> bytes:
    """What the signers saw on the page is no more named there."""
    update = Update(data)
    update.set(update.page(), "/Annots", "[]")
    return update.written()


def redirected_link(data: bytes) -> bytes:
    """The link in the letter leads elsewhere."""
    update = Update(data)
    link = update.annotations()[0].get_object()
    update.set(link, "/A", "<< /S /URI /URI (https://gia.example/) >>")
    return update.written()


ODD_BOXES = {
    "a null": "/Rect [60 740 540 null]",
    "a string": "/Rect [60 740 540 (800)]",
    "a missing object": "/Rect [60 740 540 9999 0 R]",
    "a fifth number": "/Rect [60 740 540 800 0]",
    "three numbers": "/Rect [60 740 540]",
    "no box": "",
    "a line": "/Rect [60 740 540 740]",
    "a point": "/Rect [60 740 60 740]",
    "a nested array": "/Rect [[60 740 540 800]]",
    "a name": "/Rect [60 740 540 /800]",
    "a huge number": "/Rect [60 740 540 99999999999999999999]",
}


def with_links(paper: Paper) -> bool:
    """Papers with an annotation of their own."""
    return paper.name in {"linked-two", "foreign-two"}


def with_lengths(paper: Paper) -> bool:
    """Papers in which lengths are objects of their own."""
    return paper.name in {"pages-archived", "foreign-stamped"}


def register() -> None:
    """Into the table."""
    family = "annotations"
    for what, share in SHARED.items():
        square = partial(launder, body=BODIES["Square"], share=share)
        behind(family, f"Square, its box shared with {what}", square, visible=True)
        own = partial(merged, more="", share=share, draw=drawn_for_the_store)
        behind(family, f"its own widget, its box shared with {what}", own, visible=True)
    for what, body in BODIES.items():
        for how, draw in DRAWN.items():
            applies = seen if draw is drawn_as_the_seal else anywhere
            edit = partial(launder, body=body, share=_mark_info, draw=draw)
            behind(family, f"{what}, {how}, its box shared", edit, applies, visible=draw is not undrawn)
        behind(family, f"{what}, plain", partial(plain_annotation, body=body), visible=what != "no subtype")
    for what, body in UNSEEN.items():
        behind(family, f"{what}, its box shared", partial(launder, body=body, share=_stamp_of_vri))
        behind(family, f"{what}, at no place", partial(launder, body=body, share=_zero))
        subtype, _, more = body.removeprefix("/Subtype ").partition(" ")
        behind(family, f"{what}, in the field itself", partial(merged, more=more, share=_extensions, subtype=subtype))
    for what, box in ODD_BOXES.items():
        behind(family, f"a box with {what}", partial(odd_box, box=box))
    nested = partial(launder, body=BODIES["Square"], share=_mark_info, nested=True)
    behind(family, "a kid's kid", nested, visible=True)
    behind(family, "a kid of a signed field", kid_of_a_signature, visible=True)
    behind(family, "annotations removed", removed_annotations, seen, visible=True)
    behind(family, "the link redirected", redirected_link, with_links)
    behind(family, "the number is a signed length", existing_number, with_lengths, visible=True)
    for what in ("Square", "FreeText", "a signature's widget"):
        edit = partial(launder, body=BODIES[what], share=_mark_info, draw=drawn_for_the_store)
        between(family, what, edit, visible=True)


def _zero(update: Update, _: str) -> str:
    return BOX[1]


def seen(paper: Paper) -> bool:
    """Papers with a signature that shows on the page."""
    return paper.name != "hidden-one"
