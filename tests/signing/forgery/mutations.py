"""Changes at random behind a signature, in a correct revision: keys, references, numbers, arrays, streams, objects."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from collections.abc import Callable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from tests.signing.forgery.annotations import WHITE
from tests.signing.forgery.updating import Update, as_text

SCRIPT = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
ACTION_KEYS = ("/A", "/AA", "/OpenAction", "/JS", "/Launch", "/URI", "/JavaScript")
KEYS = (
    *ACTION_KEYS,
    *("/AP", "/N", "/Rect", "/F", "/Kids", "/Annots", "/Contents", "/Resources", "/Font", "/MediaBox", "/CropBox"),
    *(
        "/Rotate",
        "/UserUnit",
        "/Parent",
        "/P",
        "/V",
        "/T",
        "/FT",
        "/Subtype",
        "/Type",
        "/MK",
        "/AS",
        "/OC",
        "/DA",
        "/DR",
    ),
    *("/NeedAppearances", "/Fields", "/SigFlags", "/Names", "/DSS", "/Certs", "/CRLs", "/OCSPs", "/VRI", "/TS", "/TU"),
    *(
        "/MarkInfo",
        "/Extensions",
        "/Metadata",
        "/Version",
        "/Lang",
        "/Outlines",
        "/Pages",
        "/Count",
        "/BBox",
        "/Matrix",
    ),
    *("/Filter", "/SubFilter", "/ByteRange", "/Reference", "/Lock", "/SV", "/XFA", "/Group", "/ToUnicode", "/Encoding"),
)
VALUES = (
    *("true", "false", "null", "0", "1", "4", "180", "-7", "595.5", "(95 trieu)", "<00ff>", "/Square", "/FreeText"),
    *("/Widget", "/Sig", "/Tx", "/XObject", "[]", "<< >>", "[0 0 595 842]", "[60 740 540 800]", "[0 0 0 0]", "[0 1]"),
    *(
        SCRIPT,
        f"<< /O {SCRIPT} /PO {SCRIPT} >>",
        "<< /S /URI /URI (https://gia.example/) >>",
        "<< /S /Launch /F (a) >>",
    ),
)
Pick = tuple[int, int, int]


def holders(update: Update) -> list[Any]:
    """The objects of the file that are dictionaries, arrays or streams, pages and what came later first."""
    reader = update.writer.prev
    references = sorted(reader.xrefs.explicit_refs_in_revision(reader.xrefs.total_revisions - 1), key=lambda r: r.idnum)
    for revision in range(reader.xrefs.total_revisions - 1):
        references += sorted(reader.xrefs.explicit_refs_in_revision(revision), key=lambda one: one.idnum)
    found: list[Any] = [update.root, update.form, *update.pages()]
    seen = set()
    for reference in references:
        if reference.idnum not in seen:
            seen.add(reference.idnum)
            held = update.writer.get_object(reference)
            if isinstance(held, (generic.DictionaryObject, generic.ArrayObject)):
                found.append(held)
    return found


def _places(holder: Any, kind: Callable[[Any], bool], depth: int = 0) -> list[tuple[Any, Any]]:
    if depth > 6:
        return []
    keys = list(holder) if isinstance(holder, generic.DictionaryObject) else range(len(holder))
    found = []
    for key in keys:
        value = holder.raw_get(key)
        if kind(value):
            found.append((holder, key))
        if isinstance(value, (generic.DictionaryObject, generic.ArrayObject)):
            found += _places(value, kind, depth + 1)
    return found


def _any_reference(update: Update, number: int) -> str:
    found = holders(update)
    reference = found[number % len(found)].container_ref
    return as_text(reference) if getattr(reference, "idnum", 0) else "1 0 R"


def set_key(update: Update, holder: Any, pick: Pick) -> bool:
    """A dictionary gets a value under a key; whether that is an action is told."""
    inner = [holder, *(at[key] for at, key in _places(holder, lambda v: isinstance(v, generic.DictionaryObject)))]
    target = inner[pick[0] % len(inner)]
    if not isinstance(target, generic.DictionaryObject):
        return False
    keys = (*KEYS, *target)
    key, value = keys[pick[1] % len(keys)], VALUES[pick[2] % len(VALUES)]
    if pick[2] % 5 == 0:
        value = _any_reference(update, pick[2] // 5)
    target[pdf_name(key)] = update.parse(value)
    update.change(holder)
    return SCRIPT in value or (key in ACTION_KEYS and value.startswith("<<"))


def drop_key(update: Update, holder: Any, pick: Pick) -> bool:
    """A dictionary or an array loses something."""
    places = _places(holder, lambda _: True)
    if places:
        at, key = places[pick[0] % len(places)]
        del at[key]
        update.change(holder)
    return False


def redirect(update: Update, holder: Any, pick: Pick) -> bool:
    """A reference leads elsewhere."""
    places = _places(holder, lambda value: isinstance(value, generic.IndirectObject))
    if places:
        at, key = places[pick[0] % len(places)]
        at[key] = update.parse(_any_reference(update, pick[1]))
        update.change(holder)
    return False


def renumber(update: Update, holder: Any, pick: Pick) -> bool:
    """A number is another one, or becomes an object of its own."""
    places = _places(holder, lambda value: isinstance(value, (generic.NumberObject, generic.FloatObject)))
    if places:
        at, key = places[pick[0] % len(places)]
        number = str(pick[1] % 900)
        at[key] = update.parse(update.add(number) if pick[2] % 3 == 0 else number)
        update.change(holder)
    return False


def append(update: Update, holder: Any, pick: Pick) -> bool:
    """An array gets something more."""
    arrays = [at[key] for at, key in _places(holder, lambda value: isinstance(value, generic.ArrayObject))]
    arrays += [holder] if isinstance(holder, generic.ArrayObject) else []
    if arrays:
        value = VALUES[pick[1] % len(VALUES)] if pick[2] % 2 else _any_reference(update, pick[1])
        arrays[pick[0] % len(arrays)].append(update.parse(value))
        update.change(holder)
    return False


def rewrite(update: Update, holder: Any, pick: Pick) -> bool:
    """A stream has other content."""
    if isinstance(holder, generic.StreamObject):
        holder._data, holder._encoded_data = (WHITE.encode(), b"", b"0 0 900 900 re f")[pick[0] % 3], None
        for key in ("/Filter", "/DecodeParms", "/Length"):
            holder.pop(key, None)
        update.change(holder)
    return False


def annotate(update: Update, holder: Any, pick: Pick) -> bool:
    """An annotation of any kind comes to a page, perhaps hung into the form."""
    subtype = ("/Square", "/FreeText", "/Widget", "/Stamp", "/Ink", "/Link")[pick[0] % 6]
    side = (update.add("800"), "800", "740")[pick[1] % 3]
    picture = f"/AP << /N {update.drawing(WHITE, 480, 60)} >>" if pick[1] % 2 else ""
    keys = f"/Type /Annot /Subtype {subtype} /F 4 /IC [0 0 0] /Rect [60 740 540 {side}] {picture}"
    if pick[2] % 2:
        keys += f" /FT /Sig /T (X{pick[2]})"
    reference = update.annotate(f"<< {keys} >>")
    if pick[2] % 2:
        update.append(update.form["/Fields"], reference)
        update.change(update.root)
    if pick[2] % 3 == 0:
        update.set(update.root, "/MarkInfo", side)
    return False


def orphan(update: Update, holder: Any, pick: Pick) -> bool:
    """An object that nothing names, and perhaps its place in the store of validation data."""
    held = update.stream(WHITE, "<< /Type /XObject /Subtype /Form /BBox [0 0 480 60] >>")
    if pick[0] % 2:
        update.set(update.root, "/DSS", f"<< /Certs [{held}] >>")
    return False


def act(update: Update, holder: Any, pick: Pick) -> bool:
    """The catalogue, the page or a field that somebody signed does something."""
    where = (update.root, update.page(), update.signed_field())[pick[0] % 3]
    update.set(where, ("/OpenAction", "/AA", "/A")[pick[0] % 3], (SCRIPT, f"<< /O {SCRIPT} >>", SCRIPT)[pick[0] % 3])
    return True


OPERATIONS = (set_key, act, drop_key, redirect, redirect, renumber, append, rewrite, annotate, orphan)


def mutated(data: bytes, steps: list[tuple[int, int, Pick]]) -> tuple[bytes, bool]:
    """The file with a revision of these changes, and whether one of them added an action."""
    update, action = Update(data), False
    found = holders(update)
    for which, operation, pick in steps:
        action |= OPERATIONS[operation % len(OPERATIONS)](update, found[which % len(found)], pick)
    return update.written(), action
