"""Fields and the form's own state: large number fields, what fields inherit, and fields that say something new."""

from collections.abc import Callable
from functools import partial

from signing.pdf.pades import FIELD_SEAL
from tests.signing.forgery.annotations import WHITE
from tests.signing.forgery.papers import OFFICIAL, Paper, sign_as_others
from tests.signing.forgery.table import Target, add, anywhere, behind, between
from tests.signing.forgery.updating import Update, as_text


def stateful(data: bytes, key: str, value: str) -> bytes:
    """The form gets another value of this key."""
    update = Update(data)
    update.set(update.form, key, value)
    update.change(update.root)
    return update.written()


def with_font(data: bytes) -> bytes:
    """The form's resources get a font of the name that fields draw with, whose letters look otherwise."""
    update = Update(data)
    letter = update.stream("1000 0 d0 0 0 1000 1000 re f")
    font = update.add(
        f"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [.001 0 0 .001 0 0] "
        f"/CharProcs << /a {letter} >> /Encoding << /Differences [49 /a] >> "
        "/FirstChar 49 /LastChar 49 /Widths [1000] >>"
    )
    update.set(update.form, "/DR", f"<< /Font << /Helv {font} /F1 {font} >> >>")
    update.change(update.root)
    return update.written()


STATES: dict[str, tuple[str, str]] = {
    "NeedAppearances": ("/NeedAppearances", "true"),
    "DA": ("/DA", "(/Helv 90 Tf 1 0 0 rg)"),
    "Q": ("/Q", "2"),
    "XFA": ("/XFA", "(<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>)"),
    "CO": ("/CO", "[]"),
    "SigFlags": ("/SigFlags", "0"),
    "DR": ("/DR", "<< /XObject << >> >>"),
    "an unknown key": ("/Them", "(95 trieu)"),
}


def new_field(data: bytes, keys: str, *, drawn: bool = True) -> bytes:
    """A new field that says something."""
    update = Update(data)
    page = as_text(update.page().container_ref)
    picture = f"/AP << /N {update.drawing(WHITE, 480, 60)} >>" if drawn else ""
    field = update.add(f"<< /Type /Annot /Subtype /Widget /T (Them) /P {page} {keys} {picture} >>")
    update.append(update.form["/Fields"], field)
    update.append(update.annotations(), field)
    update.change(update.page())
    return update.written()


NEW = {
    "text": "/FT /Tx /V (95 trieu) /Rect [60 740 540 800] /DA (/Helv 20 Tf 0 g)",
    "a choice": "/FT /Ch /V (95 trieu) /Rect [60 740 540 800] /DA (/Helv 20 Tf 0 g)",
    "a button": "/FT /Btn /Ff 65536 /Rect [60 740 540 800]",
    "no type": "/V (95 trieu) /Rect [60 740 540 800]",
    "an empty signature": "/FT /Sig /Rect [60 740 540 800]",
    "a hidden text": "/FT /Tx /V (95 trieu) /Rect [0 0 0 0] /F 2",
}


def emptied(data: bytes) -> bytes:
    """A signature is taken out of its field."""
    update = Update(data)
    update.drop(update.signed_field(), "/V")
    return update.written()


def unlisted(data: bytes) -> bytes:
    """The form no more lists its last field."""
    update = Update(data)
    del update.form["/Fields"][-1]
    update.change(update.form["/Fields"])
    update.change(update.root)
    return update.written()


def reordered(data: bytes) -> bytes:
    """The form lists its fields the other way round, and one twice."""
    update = Update(data)
    fields = [as_text(update.form["/Fields"].raw_get(n)) for n in range(len(update.form["/Fields"]))]
    update.set(update.form, "/Fields", f"[{' '.join([*reversed(fields), fields[0]])}]")
    update.change(update.root)
    return update.written()


def new_form(data: bytes) -> bytes:
    """Another form object, with the same fields."""
    update = Update(data)
    fields = [as_text(update.form["/Fields"].raw_get(n)) for n in range(len(update.form["/Fields"]))]
    update.set(update.root, "/AcroForm", update.add(f"<< /Fields [{' '.join(fields)}] /SigFlags 3 >>"))
    return update.written()


def signature_rewritten(data: bytes, key: str, value: str) -> bytes:
    """The signature's own dictionary is written again behind it, with another key."""
    update = Update(data)
    update.set(update.signed_field()["/V"], key, value)
    return update.written()


SIGNATURE_KEYS = {
    "another name": ("/Name", "(Nguoi khac)"),
    "a reason": ("/Reason", "(Dong y chi 95 trieu)"),
    "a place": ("/Location", "(Noi khac)"),
    "another filter": ("/Filter", "/Khac"),
    "another kind": ("/SubFilter", "/khac.khac"),
    "another time": ("/M", "(D:20300101000000Z)"),
    "a program": ("/Prop_Build", "<< /App << /Name /Khac >> >>"),
}


def large_fields(target: Target, box: str, *, drawn: bool = True) -> bytes:
    """A number's field of this size is filled between person and seal, with a picture that says something else."""

    def widen(data: bytes) -> bytes:
        return data.replace(b"/Rect [72 700 172 720]", f"/Rect {box}".encode().ljust(22))

    scribe = target.scribe
    signed = sign_as_others(widen(target.stages[0]), scribe.office.binh, "NguoiKy")
    update = Update(signed)
    field = update.field("So")
    if drawn:
        update.set(field, "/AP", f"<< /N {update.drawing(WHITE, 480, 60)} >>")
    update.set(field, "/V", "(95 trieu dong)")
    return sign_as_others(update.written(), scribe.office.seal, FIELD_SEAL, box=(230, 180, 330, 280))


def number_with(target: Target, key: str, value: Callable[[Update], str]) -> bytes:
    """The number is filled in, and its field gets something else with it."""
    scribe = target.scribe
    signed = sign_as_others(target.stages[0], scribe.office.binh, "NguoiKy")
    update = Update(signed)
    field = update.field("So")
    update.set(field, "/V", "(15)")
    update.set(field, key, value(update))
    return sign_as_others(update.written(), scribe.office.seal, FIELD_SEAL, box=(230, 180, 330, 280))


def wrong_picture(update: Update) -> str:
    """The field's value says 15, its picture 95."""
    return f"<< /N {update.drawing('BT /F1 12 Tf 2 4 Td (95) Tj ET', 100, 20)} >>"


def picture_beyond(update: Update) -> str:
    """A picture whose matrix and box are turned so that readers draw beyond the field."""
    return f"<< /N {update.drawing(WHITE, 100, 20, '/Matrix [8 0 0 8 0 0]')} >>"


NUMBERS: dict[str, tuple[str, Callable[[Update], str]]] = {
    "a picture of another number": ("/AP", wrong_picture),
    "a turned picture": ("/AP", picture_beyond),
    "an action": ("/AA", lambda _: "<< /K << /S /JavaScript /JS (a) >> >>"),
    "an activation": ("/A", lambda _: "<< /S /URI /URI (https://gia.example/) >>"),
    "kids": ("/Kids", lambda update: f"[{update.add('<< /Subtype /Widget /Rect [60 740 540 800] >>')}]"),
    "a large letter": ("/DA", lambda _: "(/Helv 300 Tf 0 g)"),
    "a larger box": ("/Rect", lambda _: "[60 700 540 820]"),
    "a rich value": ("/RV", lambda _: "(<body><p>95</p></body>)"),
    "a default value": ("/DV", lambda _: "(95)"),
    "flags": ("/Ff", lambda _: "4096"),
    "a tooltip": ("/TU", lambda _: "(95 trieu)"),
}


def filled_later(data: bytes) -> bytes:
    """The number changes behind the seal."""
    update = Update(data)
    update.set(update.field("So"), "/V", "(99)")
    return update.written()


def with_number(paper: Paper) -> bool:
    """Papers with fields for number and date."""
    return paper.steps != OFFICIAL and "number" in paper.steps


def register() -> None:
    """Into the table."""
    family = "forms"
    for what, (key, value) in STATES.items():
        edit = partial(stateful, key=key, value=value)
        behind(family, f"the form gets {what}", edit)
        between(family, f"the form gets {what}", edit)
    behind(family, "the form gets a font", with_font)
    for what, keys in NEW.items():
        behind(family, f"a new field with {what}", partial(new_field, keys=keys), visible="hidden" not in what)
        between(family, f"a new field with {what}", partial(new_field, keys=keys), visible="hidden" not in what)
    for what, edit_form in {
        "emptied": emptied,
        "unlisted": unlisted,
        "listed twice": reordered,
        "new": new_form,
    }.items():
        behind(family, f"the form {what}", edit_form, anywhere)
    for what, (key, value) in SIGNATURE_KEYS.items():
        behind(family, f"the signature gets {what}", partial(signature_rewritten, key=key, value=value))
    for what, box in {"page": "[0 0 595 842]", "line": "[60 740 540 800]", "strip": "[0 700 590 790]"}.items():
        add(family, f"a number as large as a {what}", partial(large_fields, box=box), with_number, visible=True)
    undrawn = partial(large_fields, box="[0 0 595 842]", drawn=False)
    add(family, "a number as large as a page, undrawn", undrawn, with_number)
    for what, (key, give) in NUMBERS.items():
        add(family, f"a number with {what}", partial(number_with, key=key, value=give), with_number)
    behind(family, "the number behind the seal", filled_later, with_number)
