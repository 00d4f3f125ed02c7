"""Later appearances over the page: a picture of a signature hides what stood there before, or changes afterwards."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from collections.abc import Callable
from functools import partial

from tests.signing.forgery.annotations import WHITE
from tests.signing.forgery.papers import Paper, sign_as_others
from tests.signing.forgery.table import Target, add, behind, between, several
from tests.signing.forgery.updating import Update, as_text


def seen(paper: Paper) -> bool:
    """Papers with a signature that shows on the page."""
    return paper.name != "hidden-one"


def swapped(data: bytes) -> bytes:
    """A signed field names another picture."""
    update = Update(data)
    update.set(update.signed_field(), "/AP", f"<< /N {update.drawing(WHITE, 480, 60)} >>")
    return update.written()


def redrawn(data: bytes) -> bytes:
    """The picture's own object is written again, with other content."""
    update = Update(data)
    picture = update.signed_field()["/AP"]["/N"]
    picture._data = WHITE.encode()
    picture._encoded_data = None
    for key in ("/Filter", "/DecodeParms", "/Length"):
        picture.pop(key, None)
    update.change(picture)
    return update.written()


def states(data: bytes) -> bytes:
    """The picture has states, and another state is chosen."""
    update = Update(data)
    field = update.signed_field()
    old, other = as_text(field["/AP"].raw_get("/N")), update.drawing(WHITE, 480, 60)
    update.set(field, "/AP", f"<< /N << /On {other} /Off {old} >> >>")
    update.set(field, "/AS", "/On")
    return update.written()


def more_pictures(data: bytes, key: str) -> bytes:
    """Another picture for when the mouse is over the field, or pressed."""
    update = Update(data)
    field = update.signed_field()
    old, other = as_text(field["/AP"].raw_get("/N")), update.drawing(WHITE, 480, 60)
    update.set(field, "/AP", f"<< /N {old} {key} {other} >>")
    return update.written()


def moved(data: bytes, box: str) -> bytes:
    """A signed field stands elsewhere."""
    update = Update(data)
    update.set(update.signed_field(), "/Rect", box)
    return update.written()


def keyed(data: bytes, key: str, value: str) -> bytes:
    """A signed field has another value of this key."""
    update = Update(data)
    update.set(update.signed_field(), key, value)
    return update.written()


def resources(data: bytes) -> bytes:
    """What the picture draws with is written again: its font, or its image."""
    update = Update(data)
    inside = update.signed_field()["/AP"]["/N"]["/Resources"]
    kind = "/XObject" if "/XObject" in inside else "/Font"
    name = next(iter(inside[kind]))
    inside[kind][name] = update.parse(update.drawing(WHITE, 1, 1) if kind == "/XObject" else update.add("<< >>"))
    update.change(inside[kind])
    return update.written()


def signed_over(target: Target, box: tuple[int, int, int, int]) -> bytes:
    """Somebody with a good certificate signs in a field that covers what others have signed."""
    return sign_as_others(target.data, target.scribe.attacker, "Khach", box=box)


def sealed_over(target: Target, box: tuple[int, int, int, int]) -> bytes:
    """The seal's own field, prepared by nobody, covers the text."""
    scribe = target.scribe
    data = sign_as_others(target.stages[0], scribe.office.binh, "NguoiKy")
    return sign_as_others(data, scribe.office.seal, "ConDau", box=box)


def signed_with_text(target: Target) -> bytes:
    """Somebody signs in a field whose picture says something else than the letter."""
    update = Update(target.data)
    page, picture = as_text(update.page().container_ref), update.drawing(WHITE, 480, 60)
    keys = f"/Type /Annot /Subtype /Widget /FT /Sig /T (Khach) /F 132 /P {page} /Rect [60 740 540 800]"
    field = update.add(f"<< {keys} /AP << /N {picture} >> >>")
    update.append(update.form["/Fields"], field)
    update.append(update.annotations(), field)
    update.change(update.page())
    return sign_as_others(update.written(), target.scribe.attacker, "Khach")


def signed_then_swapped(target: Target) -> bytes:
    """Somebody signs elsewhere, and gives the seal another picture in the same revision."""
    return sign_as_others(swapped(target.data), target.scribe.attacker, "Khach", box=(60, 40, 200, 80))


KEYS: dict[str, tuple[str, str]] = {
    "hidden": ("/F", "2"),
    "not viewed": ("/F", "32"),
    "not printed": ("/F", "0"),
    "another name": ("/T", "(Khac)"),
    "another name for readers": ("/TU", "(Chu ky cua nguoi khac)"),
    "an appearance's dictionary": ("/MK", "<< /BG [1 1 1] /CA (95 trieu) >>"),
    "a border": ("/BS", "<< /W 400 /S /S >>"),
    "a colour": ("/C", "[1 1 1]"),
    "another page": ("/P", "9999 0 R"),
    "a default appearance": ("/DA", "(/F1 90 Tf 0 g)"),
    "flags": ("/Ff", "1"),
    "a layer": ("/OC", "<< /Type /OCG /Name (a) >>"),
    "another type": ("/FT", "/Tx"),
    "another subtype": ("/Subtype", "/Stamp"),
    "a rich text": ("/Contents", "(95 trieu)"),
    "a structure's number": ("/StructParent", "0"),
    "a parent": ("/Parent", "9999 0 R"),
}
BOXES = {
    "over the text": "[60 700 540 820]",
    "to nowhere": "[0 0 0 0]",
    "to a corner": "[0 0 60 60]",
    "out of the page": "[2000 2000 2100 2100]",
}


def register() -> None:
    """Into the table."""
    family = "appearances"
    shapes: dict[str, Callable[[bytes], bytes]] = {
        "swapped": swapped,
        "redrawn in place": redrawn,
        "by states": states,
        "its resources": resources,
    }
    for what, edit in shapes.items():
        behind(family, f"a signed picture {what}", edit, seen, visible=what != "its resources")
        between(family, f"a signed picture {what}", edit, visible=what != "its resources")
    for key in ("/R", "/D"):
        behind(family, f"a further picture {key[1:]}", partial(more_pictures, key=key), seen)
    for what, box in BOXES.items():
        behind(family, f"moved {what}", partial(moved, box=box), seen, visible=True)
    for what, (key, value) in KEYS.items():
        behind(family, f"a signed field gets {what}", partial(keyed, key=key, value=value), seen)
    for what, corners in {"line": (60, 740, 540, 800), "page": (0, 0, 595, 842)}.items():
        add(family, f"a stranger signs over a {what}", partial(signed_over, box=corners), visible=True)
        add(family, f"the seal over a {what}", partial(sealed_over, box=corners), lambda p: p.official, visible=True)
    add(family, "a stranger signs with other text", signed_with_text, visible=True)
    add(family, "a stranger signs and swaps the seal", signed_then_swapped, several, visible=True)
