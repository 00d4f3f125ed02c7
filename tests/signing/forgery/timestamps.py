"""Visible time-stamps: whoever can ask a trusted time-stamp service gets a signature that no person made."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import asyncio
from functools import partial
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

from tests.signing.forgery.annotations import BOX, DRAWN, SHARED, WHITE, Draw, drawn_as_the_seal, undrawn
from tests.signing.forgery.scribe import Scribe, stamped
from tests.signing.forgery.table import Target, add, several
from tests.signing.forgery.updating import Update, as_text


def visibly_stamped(data: bytes, scribe: Scribe, box: tuple[int, int, int, int] = (60, 740, 540, 800)) -> bytes:
    """One more document time-stamp, in a new field that shows other text."""
    writer, out = IncrementalPdfFileWriter(BytesIO(data), strict=False), BytesIO()
    append_signature_field(writer, SigFieldSpec("Dau", box=box))
    draw_over(writer, "Dau")
    asyncio.run(PdfTimeStamper(scribe.stamps, field_name="Dau").async_timestamp_pdf(writer, "sha256", output=out))
    return out.getvalue()


def draw_over(writer: IncrementalPdfFileWriter, name: str) -> None:
    """The field of this name shows other text."""
    for reference in writer.root["/AcroForm"]["/Fields"]:
        field = reference.get_object()
        if field.get("/T") == name:
            keys = "<< /Type /XObject /Subtype /Form /BBox [0 0 480 60] /Resources << /Font << /F1 << /Type /Font "
            keys += "/Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
            holder = generic.TrailerReference(writer)
            found: Any = generic.read_object(BytesIO(keys.encode() + b" "), holder)
            picture = writer.add_object(generic.StreamObject(dict(found), stream_data=WHITE.encode()))
            field["/AP"] = generic.DictionaryObject({pdf_name("/N"): picture})
            writer.update_container(field)


def visible(target: Target) -> bytes:
    """The stamp's field covers the text."""
    return visibly_stamped(target.data, target.scribe)


def between(target: Target) -> bytes:
    """The same before the second signature."""
    paper, scribe = target.paper, target.scribe
    return scribe.finished(paper, visibly_stamped(target.stages[1], scribe), 1)


def prepared_field(target: Target, share: str, draw: Draw) -> bytes:
    """The stamp goes into a field that was laid over the page first, its box shared with something harmless."""
    update = Update(target.data)
    page = as_text(update.page().container_ref)
    corners = f"[{' '.join(BOX[:3])} {SHARED[share](update, BOX[3])}]"
    keys = f"/Type /Annot /Subtype /Widget /FT /Sig /T (Dau) /F 132 /P {page} /Rect {corners} {draw(update)}"
    field = update.add(f"<< {keys} >>")
    update.append(update.form["/Fields"], field)
    update.append(update.annotations(), field)
    update.change(update.page())
    return stamped(update.written(), target.scribe.stamps, "Dau")


def widget_beside(target: Target) -> bytes:
    """The stamp's field has a second widget, which covers the page."""
    update = Update(stamped(target.data, target.scribe.stamps, "Dau"))
    field = update.field("Dau")
    page, drawing = as_text(update.page().container_ref), update.drawing(WHITE, 480, 60)
    keys = f"/Type /Annot /Subtype /Widget /Rect [60 740 540 800] /F 4 /P {page}"
    kid = update.annotate(f"<< {keys} /Parent {as_text(field.container_ref)} /AP << /N {drawing} >> >>")
    update.set(field, "/Kids", f"[{kid}]")
    return update.written()


def with_action(target: Target, action: str) -> bytes:
    """The stamp's field runs something."""
    update = Update(target.data)
    page = as_text(update.page().container_ref)
    keys = f"/Type /Annot /Subtype /Widget /FT /Sig /T (Dau) /F 132 /P {page} /Rect [0 0 0 0] {action}"
    field = update.add(f"<< {keys} >>")
    update.append(update.form["/Fields"], field)
    update.append(update.annotations(), field)
    update.change(update.page())
    return stamped(update.written(), target.scribe.stamps, "Dau")


def with_more(target: Target) -> bytes:
    """The revision of a real time-stamp carries an annotation, too."""
    update = Update(target.data)
    page, drawing = as_text(update.page().container_ref), update.drawing(WHITE, 480, 60)
    keys = f"/Type /Annot /Subtype /Stamp /Rect [60 740 540 800] /F 4 /P {page}"
    update.annotate(f"<< {keys} /AP << /N {drawing} >> >>")
    return stamped(update.written(), target.scribe.stamps, "Dau")


def with_other_page(target: Target) -> bytes:
    """The revision of a real time-stamp changes the page's content, too."""
    update = Update(target.data)
    update.set(update.page(), "/Contents", update.stream("BT /F1 14 Tf 72 760 Td (Cap 95 trieu dong) Tj ET"))
    return stamped(update.written(), target.scribe.stamps, "Dau")


def called_as_a_signature(target: Target) -> bytes:
    """A time-stamp in the field that was prepared for the seal."""
    return stamped(target.stages[1], target.scribe.stamps, "ConDau")


ACTIONS = {
    "a script": "/A << /S /JavaScript /JS (app.alert\\(1\\)) >>",
    "a script on a page's opening": "/AA << /PO << /S /JavaScript /JS (app.alert\\(1\\)) >> >>",
    "a link": "/A << /S /URI /URI (https://gia.example/) >>",
}


def register() -> None:
    """Into the table."""
    family = "timestamps"
    add(family, "visible", visible, visible=True)
    add(family, "visible, before the next signature", between, several, visible=True)
    for share in ("MarkInfo", "VRI's time-stamp", "a key of MarkInfo", "nobody"):
        for how, draw in DRAWN.items():
            if draw in (undrawn, drawn_as_the_seal):
                continue
            make = partial(prepared_field, share=share, draw=draw)
            add(family, f"a field {how}, its box shared with {share}", make, visible=True)
    add(family, "a second widget", widget_beside, visible=True)
    for what, action in ACTIONS.items():
        add(family, f"with {what}", partial(with_action, action=action))
    add(family, "an annotation in the same revision", with_more, visible=True)
    add(family, "another text in the same revision", with_other_page, visible=True)
    add(family, "in the seal's field", called_as_a_signature, lambda paper: paper.name == "table-two")
