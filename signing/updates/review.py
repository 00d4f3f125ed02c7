"""The rule of what may follow a signature, update by update: what is not allowed here is forbidden.

An update may fill signature fields and add filled ones, add validation data, fill the policy's number fields before a
seal, and write the dates that programs keep in a file's metadata. Every object that it writes must serve one of these
and nothing else; whatever else the catalogue, the form, pages and all other objects say stays as it was signed.
"""

from collections import ChainMap
from dataclasses import dataclass
from typing import Any

from signing.updates.document import (
    ForbiddenChange,
    Objects,
    Section,
    SignedRevision,
    Stored,
    Updates,
    is_name,
    referring,
)
from signing.updates.dss import allow_dss
from signing.updates.fields import allow_form
from signing.updates.metadata import allow_extensions, allow_information, allow_version, allow_xmp
from signing.updates.syntax import Ref, Stream, StructureError, equal, paths_to, references
from signing.updates.writing import Box, Written

__all__ = ["Box", "Later", "review"]

MAX_UNUSED = 16
"""Numbers that no object has, beyond those of before: node-signpdf leaves one out."""
_TRAILER = {"Size", "Root", "Info", "ID", "Prev"}
_STREAM_TRAILER = _TRAILER | {"Type", "W", "Index", "Filter", "DecodeParms", "Length"}


@dataclass(frozen=True)
class Update:
    """One update after a signature. `problem` says what it does that is forbidden, "" when nothing is.

    `boxes` are the places on pages where its signatures show; `filled` the number fields that it filled in.
    """

    begin: int
    end: int
    problem: str = ""
    boxes: tuple[Box, ...] = ()
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Later:
    """What stands behind the end of a signed revision. `unreadable` says why it cannot be told, "" when it can."""

    updates: tuple[Update, ...] = ()
    unreadable: str = ""

    def after(self, end: int) -> tuple[Update, ...]:
        """The updates behind a signature that ends at byte `end`."""
        return tuple(update for update in self.updates if update.begin >= end)


def review(data: bytes, signed: int, number_fields: frozenset[str]) -> Later:
    """Verify every update of `data` after the first `signed` bytes, which a signature covers."""
    found: list[Update] = []
    try:
        _review(data, signed, number_fields, found)
    except StructureError as error:
        return Later(tuple(found), unreadable=str(error))
    except RecursionError:
        return Later(tuple(found), unreadable="objects within objects")
    except ForbiddenChange as error:
        # What follows a forbidden change builds on it: nothing is known of what stands behind later signatures.
        begin = found[-1].end if found else signed
        found.append(Update(begin, len(data), problem=str(error)))
        return Later(tuple(found), unreadable=str(error))
    return Later(tuple(found))


def _review(data: bytes, signed: int, number_fields: frozenset[str], found: list[Update]) -> None:
    revision = SignedRevision(data[:signed])
    objects = revision.objects
    for section in Updates(data, revision):
        stored = ChainMap(section.stored, dict(objects.stored))
        written = Written(objects, Objects(dict(stored), section.trailer), section, number_fields)
        _allow(written)
        found.append(Update(section.begin, section.end, boxes=tuple(written.boxes), filled=frozenset(written.filled)))
        objects = written.new


def _allow(written: Written) -> None:
    _allow_trailer(written.old, written.section)
    allow_information(written)
    root = written.old.trailer.get("Root")
    if not isinstance(root, Ref):
        raise StructureError("a trailer without a catalogue")
    old, new = written.old.get(root), written.new.get(root)
    if not isinstance(old, dict) or not isinstance(new, dict):
        raise ForbiddenChange("the catalogue is gone")
    _allow_catalogue(written, root, old, new)
    _allow_rest(written)
    if not written.purpose:
        raise ForbiddenChange("an update that adds neither a signature nor validation data")


def _allow_trailer(old: Objects, section: Section) -> None:
    trailer = section.trailer
    known = _STREAM_TRAILER if trailer.get("Type") == "XRef" else _TRAILER
    if any(
        key not in known and not (key == "DocChecksum" and equal(old.trailer.get(key), trailer[key])) for key in trailer
    ):
        raise ForbiddenChange("the trailer says more than one does")
    if not equal(trailer.get("Root"), old.trailer.get("Root")):
        raise ForbiddenChange("another catalogue")
    first, other = (one.get("ID") or [None] for one in (old.trailer, trailer))
    if not isinstance(first, list) or not isinstance(other, list) or not equal(first[0], other[0]):
        raise ForbiddenChange("another identity of the file")
    size = trailer.get("Size")
    most = max(section.stored, default=0) + 1
    before = old.trailer.get("Size")
    unused = MAX_UNUSED + max(most, before if isinstance(before, int) else 0)
    if type(size) is not int or not most <= size <= unused:
        raise ForbiddenChange("objects beyond the size of the file")


def _allow_catalogue(written: Written, root: Ref, old: dict[str, Any], new: dict[str, Any]) -> None:
    if root.number in written.section.stored:
        written.use(root.number, "catalogue")
    for key in old.keys() | new.keys():
        before, now = old.get(key), new.get(key)
        if key == "AcroForm":
            allow_form(written, before, now)
        elif key == "DSS":
            allow_dss(written, before, now)
        elif key == "Metadata":
            allow_xmp(written, before, now)
        elif not equal(before, now):
            if key == "Extensions":
                allow_extensions(written, before, now)
            elif key == "Version":
                allow_version(before, now)
            else:
                raise ForbiddenChange(f"the catalogue says something else under {key}")


def _allow_rest(written: Written) -> None:
    """What was written and serves nothing must be what it was; a new object must have been promised to nobody."""
    numbers = set(written.section.stored)
    for number in sorted(numbers - written.used.keys()):
        before = written.old.stored.get(number)
        now = written.section.stored[number]
        if before is not None and before.generation == now.generation and equal(before.value, now.value):
            continue  # written again as it was
        if before is None and (written.is_empty_picture(now.value) or written.is_table_left_over(now.value)):
            continue
        if before is not None and _is_empty_form_replaced(written, number, before, now):
            continue
        raise ForbiddenChange(f"object {number} serves nothing that may follow a signature")
    for number, holders in referring(written.old, numbers).items():
        _allow_referred(written, number, holders)


def _is_empty_form_replaced(written: Written, number: int, before: Stored, now: Stored) -> bool:
    """Whether a drawing of nothing became another one to which nothing refers, under any generation: by whatever number
    a reader comes to it, it draws nothing, and it cannot be the container of other objects, which would be lost.

    poppler does this with the picture of an empty field when it fills the field.
    """
    empty = written.is_empty_picture(before.value) and written.is_empty_picture(now.value)
    return empty and not referring(written.new, {number}) and number not in references(written.new.trailer)


def _allow_referred(written: Written, number: int, holders: list[int]) -> None:
    before: Stored | None = written.old.stored.get(number)
    if before is None:
        raise ForbiddenChange(f"what was signed refers to object {number}, which comes only now")
    allowed = written.referred_by(number)
    if allowed is None:
        return
    for holder in holders:
        value = written.old.stored[holder].value
        # A cross-reference stream is a trailer, too, and refers to what each trailer does.
        trailer = isinstance(value, Stream) and is_name(value.values.get("Type"), "XRef")
        for path in paths_to(number, value):
            if not allowed(holder, path) and not (trailer and path in {("Root",), ("Info",)}):
                raise ForbiddenChange(f"object {number} is changed, and {'/'.join(path)} of object {holder} uses it")
