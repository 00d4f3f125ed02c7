"""What an update may do to the form: fill signature fields, add filled ones, and fill the number fields of a policy."""

import re
from typing import Any

from signing.updates.document import ForbiddenChange, is_name
from signing.updates.pictures import allow_number_picture, allow_picture, allow_resources
from signing.updates.syntax import Name, Ref, StructureError, equal, is_number
from signing.updates.writing import MAX_DEPTH, Box, Written

MAX_FIELDS = 2_000
MAX_WIDTH, MAX_HEIGHT = 360.0, 240.0
"""The largest picture of a signature, in points: about 127 by 85 mm."""
NUMBER_WIDTH, NUMBER_HEIGHT = 220.0, 30.0
"""The largest field for a number or a date, in points."""
MAX_NUMBER = 60

_NEW_FIELD = {
    "Type", "Subtype", "FT", "T", "TU", "F", "Ff", "Rect", "P", "V", "AP", "Lock", "SV", "MK", "Border", "BS",
    "DR", "DA", "DV", "M", "AS",
}  # fmt: skip
_SIGNATURE = {
    "Type", "Filter", "SubFilter", "Contents", "ByteRange", "M", "Name", "Reason", "Location", "ContactInfo", "Contact",
    "Cert", "Prop_Build", "Prop_AuthTime", "Prop_AuthType", "Reference", "R", "V", "Changes",
}  # fmt: skip
_FORMATS = {"ETSI.CAdES.detached", "adbe.pkcs7.detached", "adbe.pkcs7.sha1", "ETSI.RFC3161"}
_DATE = re.compile(rb"D:[0-9Z+'-]{4,24}")
_SHOWN_AND_LOCKED = 4 | 128
_SIGNATURES_EXIST = 1 | 2


def allow_form(written: Written, before: Any, now: Any) -> None:
    """The form after the update: the same but for fields at its end, and for what its fields may get."""
    if before is None and now is None:
        return
    if isinstance(before, Ref) != isinstance(now, Ref) or (isinstance(now, Ref) and not equal(before, now)):
        raise ForbiddenChange("another form")
    if written.writes(now):
        written.use(now.number, "form")
    old, new = written.old.dictionary(before, "the form"), written.new.get(now)
    if not isinstance(new, dict):
        raise ForbiddenChange("the form is gone")
    for key in (old.keys() | new.keys()) - {"Fields"}:
        value = new.get(key)
        if key == "SigFlags" and type(value) is int:
            if value & ~_SIGNATURES_EXIST or value & (old.get(key) or 0) != (old.get(key) or 0):
                raise ForbiddenChange("other flags of the form")
        elif key == "DR" and isinstance(value, dict):
            _allow_form_resources(written, old.get("DR"), value)
        elif not equal(old.get(key), value):
            raise ForbiddenChange(f"the form says something else under {key}")
    _Form(written).read(old.get("Fields"), new.get("Fields"))


def _allow_form_resources(written: Written, before: Any, now: dict[str, Any]) -> None:
    """The resources of the form: as they were. PDFBox alone keeps the drawing of the newest signature there, under a
    name of its own, which nothing else uses."""
    old = before if isinstance(before, dict) else {}
    if isinstance(before, Ref) or any(
        not equal(old.get(key), now.get(key)) for key in (old.keys() | now.keys()) - {"XObject"}
    ):
        raise ForbiddenChange("the form says something else under DR")
    one, other = (found if isinstance(found, dict) else {} for found in (old.get("XObject"), now.get("XObject")))
    if any(not equal(one.get(key), other.get(key)) for key in (one.keys() | other.keys()) - {"FRM"}):
        raise ForbiddenChange("the form says something else under DR")
    if "FRM" in other and not equal(one.get("FRM"), other["FRM"]):
        allow_resources(written, {"XObject": {"FRM": other["FRM"]}})
    elif not equal(old.get("XObject"), now.get("XObject")):
        raise ForbiddenChange("the form says something else under DR")


class _Form:
    def __init__(self, written: Written) -> None:
        self._written = written
        self._names: set[str] = set()
        self._count = 0
        self._signed = 0

    def read(self, before: Any, now: Any) -> None:
        old, added = self._grown(before, now, "fields")
        for one in old:
            self._known(one, "", None, 0)
        new: dict[int, Any] = {}
        for one in added:
            new[one.number] = self._added(one)
        self._pages(new)

    def _grown(self, before: Any, now: Any, purpose: str) -> tuple[list[Any], list[Ref]]:
        """The elements of an array before, and those that the update puts at its end."""
        written = self._written
        old = written.old.array(before, purpose)
        if before is not None and not equal(before, now) and (isinstance(before, Ref) or isinstance(now, Ref)):
            raise ForbiddenChange(f"another list of {purpose}")
        if written.writes(now):
            written.use(now.number, purpose)
        new = written.new.array(now, purpose)
        added = new[len(old) :]
        if not equal(new[: len(old)], old):
            raise ForbiddenChange(f"the list of {purpose} lost something")
        for one in added:
            if not isinstance(one, Ref) or not written.is_new(one):
                raise ForbiddenChange(f"something among the {purpose} that is no new field")
        if len(set(added)) != len(added):
            raise ForbiddenChange(f"the same twice among the {purpose}")
        return old, added

    def _known(self, value: Any, above: str, kind: Any, depth: int) -> None:
        """A field of before, and those below it."""
        written = self._written
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_FIELDS:
            raise StructureError("too many fields")
        old = written.old.dictionary(value, "a field")
        part = old.get("T")
        name = _text(part) if part is not None else ""
        name = f"{above}.{name}" if above and name else above or name
        self._names.add(name)
        kind = old.get("FT", kind)
        if written.writes(value):
            self._changed(value, old, name, kind)
        for kid in written.old.array(old.get("Kids"), "the fields below a field"):
            self._known(kid, name, kind, depth + 1)

    def _changed(self, value: Ref, old: dict[str, Any], name: str, kind: Any) -> None:
        written = self._written
        new = written.new.get(value)
        if equal(old, new):
            if name in written.number_fields:
                written.purpose = written.purpose or "number"  # the same number once more
            return
        written.use(value.number, "field")
        if not isinstance(new, dict) or "Kids" in old:
            raise ForbiddenChange(f"field {name} is another one")
        if is_name(kind, "Sig"):
            self._signed_field(old, new, name)
        elif is_name(kind, "Tx") and name in written.number_fields:
            self._number(old, new, name)
        else:
            raise ForbiddenChange(f"field {name} was changed")

    def _signed_field(self, old: dict[str, Any], new: dict[str, Any], name: str) -> None:
        if "V" in old:
            raise ForbiddenChange(f"the signature in field {name} was replaced")
        for key in old.keys() | new.keys():
            allowed = (
                key in {"V", "AP", "M"}  # poppler notes in a prepared field when it was signed
                or (key == "DR" and key not in old)
                or (key == "F" and new.get(key) == (old.get(key) or 0) | _SHOWN_AND_LOCKED)
                # poppler notes when it filled the field, and a state for pictures that have none
                or (key == "M" and isinstance(new.get(key), bytes) and _DATE.fullmatch(new[key]))
                or (key == "AS" and key not in old and is_name(new.get(key), "N"))
            )
            if not allowed and not equal(old.get(key), new.get(key)):
                raise ForbiddenChange(f"field {name} says something else under {key}")
        self._fill(new, name, old)

    def _fill(self, new: dict[str, Any], name: str, old: dict[str, Any] | None) -> None:
        """The signature in a field, and how it shows."""
        written = self._written
        stamp = self._signature(new.get("V"), name)
        place = _rectangle(new.get("Rect"))
        shows = bool(place and place[0] < place[2] and place[1] < place[3])
        picture = new.get("AP")
        if picture is not None and not equal(picture, (old or {}).get("AP")):
            allow_picture(written, picture)
        elif written.writes(picture):
            raise ForbiddenChange(f"the picture of field {name} was changed")
        if "DR" in new and "DR" not in (old or {}):
            allow_resources(written, new["DR"])
        if not shows:
            return
        if stamp:
            raise ForbiddenChange(f"time-stamp {name} shows on a page")
        if place is None or place[2] - place[0] > MAX_WIDTH or place[3] - place[1] > MAX_HEIGHT:
            raise ForbiddenChange(f"the signature in field {name} takes too much room")
        page = self._page_of(new)
        written.boxes.append(Box(page, *place, field=name, prepared=old is not None))

    def _page_of(self, field: dict[str, Any]) -> int:
        page = field.get("P")
        if not isinstance(page, Ref) or page.number not in self._written.pages:
            raise ForbiddenChange("a field that shows and stands on no page")
        return self._written.pages[page.number]

    def _signature(self, value: Any, name: str) -> bool:
        """The signature dictionary of a field that is filled now; True when it is a time-stamp."""
        written = self._written
        found = written.new_object(value, "signature")
        self._signed += 1
        written.purpose = "signature"
        if not isinstance(found, dict) or set(found) - _SIGNATURE or self._signed > 1:
            raise ForbiddenChange(f"what field {name} holds is more than a signature")
        stamp = is_name(found.get("Type"), "DocTimeStamp")
        if not is_name(found.get("SubFilter"), *_FORMATS) or stamp != is_name(found["SubFilter"], "ETSI.RFC3161"):
            raise ForbiddenChange(f"a signature in field {name} of an unknown kind")
        covered = found.get("ByteRange")
        if not isinstance(covered, list) or len(covered) != 4 or not all(type(one) is int for one in covered):
            raise ForbiddenChange(f"a signature in field {name} over nobody knows what")
        if covered[0] != 0 or not written.section.begin < covered[2] + covered[3]:
            raise ForbiddenChange(f"a signature in field {name} that does not cover this update")
        _plain({key: one for key, one in found.items() if key != "Reference"})
        for reference in written.new.array(found.get("Reference"), "what a signature locks"):
            self._lock(reference)
        return stamp

    def _lock(self, reference: Any) -> None:
        """What a signature locks; its parts may be objects of their own."""
        written = self._written
        lock = written.new.dictionary(reference, "a lock")
        parameters = lock.get("TransformParams")
        for part in (reference, parameters):
            if isinstance(part, Ref) and written.writes(part):
                written.use(part.number, "lock")
        _plain({key: one for key, one in lock.items() if key not in {"Data", "TransformParams"}})
        _plain(written.new.get(parameters))

    def _added(self, value: Ref) -> dict[str, Any]:
        """A field that comes with its signature: one widget, plain, with nothing that acts."""
        written = self._written
        new = written.new_object(value, "field")
        if not isinstance(new, dict) or set(new) - _NEW_FIELD or not is_name(new.get("FT"), "Sig"):
            raise ForbiddenChange("a new field that is more than a signature")
        name = _text(new.get("T"))
        if not name or "." in name or name in self._names:
            raise ForbiddenChange("a new field without a name of its own")
        self._names.add(name)
        if not is_name(new.get("Subtype"), "Widget") or not is_name(new.get("Type", Name("Annot")), "Annot"):
            raise ForbiddenChange(f"new field {name} is no widget")
        if _rectangle(new.get("Rect")) is None:
            raise ForbiddenChange(f"new field {name} has no place that is written as four numbers")
        for key in ("Lock", "SV"):
            if written.writes(new.get(key)):
                written.use(new[key].number, "lock")
            _plain(written.new.get(new.get(key)))
        if "DV" in new and not equal(new["DV"], new.get("V")):
            raise ForbiddenChange(f"new field {name} has a value beside its signature")
        _plain({key: new.get(key) for key in ("MK", "Border", "BS", "F", "Ff", "TU", "DA", "M", "AS")})
        self._fill(new, name, None)
        return new

    def _number(self, old: dict[str, Any], new: dict[str, Any], name: str) -> None:
        written = self._written
        for key in old.keys() | new.keys():
            if key not in {"V", "AP"} and not equal(old.get(key), new.get(key)):
                raise ForbiddenChange(f"field {name} says something else under {key}")
        text, place = new.get("V"), _rectangle(new.get("Rect"))
        if not isinstance(text, bytes) or len(text) > MAX_NUMBER or place is None:
            raise ForbiddenChange(f"field {name} is filled with more than a number")
        if place[2] - place[0] > NUMBER_WIDTH or place[3] - place[1] > NUMBER_HEIGHT:
            raise ForbiddenChange(f"field {name} takes more room than a number needs")
        if not equal(old.get("AP"), new.get("AP")):
            allow_number_picture(written, new.get("AP"), text)
        written.filled.add(name)
        written.purpose = written.purpose or "number"
        if place[0] < place[2] and place[1] < place[3]:
            written.boxes.append(Box(self._page_of(new), *place, field=name, prepared=True, number=True))

    def _pages(self, new: dict[int, dict[str, Any]]) -> None:
        """The pages: each new field stands on at most one of them, at the end of its annotations."""
        written = self._written
        stands: dict[int, int] = {}
        for page in written.pages:
            old = written.old.dictionary(Ref(page, written.old.stored[page].generation), "a page")
            if page in written.section.stored:
                found = written.section.stored[page].value
                if equal(old, found):
                    continue
                written.use(page, "page")
                _same_page(old, found)
            elif not written.writes(old.get("Annots")):
                continue
            else:
                found = old
            _, added = self._grown(old.get("Annots"), found.get("Annots"), "annotations")
            for one in added:
                if one.number not in new or one.number in stands:
                    raise ForbiddenChange("an annotation that is no new signature")
                stands[one.number] = page
        for number, field in new.items():
            page_of = field.get("P")
            if number in stands and (not isinstance(page_of, Ref) or page_of.number != stands[number]):
                raise ForbiddenChange("a new field that stands on another page than it says")


def _same_page(old: dict[str, Any], new: Any) -> None:
    if not isinstance(new, dict):
        raise ForbiddenChange("a page is gone")
    for key in (old.keys() | new.keys()) - {"Annots"}:
        if not equal(old.get(key), new.get(key)):
            raise ForbiddenChange(f"a page says something else under {key}")


def _rectangle(value: Any) -> tuple[float, float, float, float] | None:
    """Left, bottom, right and top; None unless four numbers stand there."""
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        return None
    left, right = sorted((value[0], value[2]))
    bottom, top = sorted((value[1], value[3]))
    return float(left), float(bottom), float(right), float(top)


_LETTERS = re.compile(r"[^\x00-\x1f]{1,200}")


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        raise ForbiddenChange("a field whose name is no text")
    text = value[2:].decode("utf-16-be", "replace") if value.startswith(b"\xfe\xff") else value.decode("latin-1")
    if not _LETTERS.fullmatch(text):
        raise ForbiddenChange("a field with an odd name")
    return text


def _plain(value: Any, depth: int = 0) -> None:
    """Numbers, names and texts only, which lead nowhere."""
    if isinstance(value, Ref) or depth > 8:
        raise ForbiddenChange("a signature that refers to something")
    if isinstance(value, dict):
        if {"A", "AA", "JS", "URI"} & set(value):
            raise ForbiddenChange("a signature that acts")
        for one in value.values():
            _plain(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _plain(one, depth + 1)
