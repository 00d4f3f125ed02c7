"""Fields of a form: which have really changed after a signature, and which said nothing when it was made.

Number and date of a paper may be filled in after a person's signature (docs/decisions/0007). What pyHanko says is not
enough to decide that: a field whose drawing is older than the signature it calls changed, whatever became of it.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from signing.pdf.signed_file import BROKEN, Found, Signatures

# What may change when a field is filled in (pyHanko refuses all else), and the widgets that show it.
_FILLED = ("/V", "/AP", "/AS", "/F", "/DA", "/Q", "/Kids")
_ABOVE = ("/P", "/Parent")


def has_changed(file: Signatures, found: Found, name: str) -> bool:
    """Whether the field `name` was another in any revision after this signature; also when that cannot be told."""
    try:
        signed = _state(file, found.revision, name)
        later = range(found.revision + 1, file.reader.xrefs.total_revisions)
        return not signed or any(_state(file, revision, name) != signed for revision in later)
    except BROKEN:
        return True


def was_blank(file: Signatures, found: Found, name: str) -> bool:
    """Whether the field said nothing when this signature was made; dots and dashes are no number."""
    try:
        values = [_of(field, "/V") for field in _fields(file, found.revision, name)]
    except BROKEN:
        return False
    return bool(values) and all(_says_nothing(value) for value in values)


def _says_nothing(value: Any) -> bool:
    if value is None or isinstance(value, generic.NullObject):
        return True
    return isinstance(value, str) and not any(letter.isalnum() for letter in value)


def _fields(file: Signatures, revision: int, name: str) -> Iterator[generic.DictionaryObject]:
    form = file.reader.get_historical_resolver(revision).root["/AcroForm"]
    return _called(form["/Fields"], name)


def _called(fields: Iterable[Any], name: str) -> Iterator[generic.DictionaryObject]:
    """The fields of this full name."""
    for reference in fields:
        field = reference.get_object()
        part = _of(field, "/T")
        if part == name:
            yield field
        elif part is not None and name.startswith(f"{part}."):
            yield from _called(_of(field, "/Kids") or (), name[len(part) + 1 :])


def _of(field: generic.DictionaryObject, key: str) -> Any:
    return field[key] if key in field else None  # noqa: SIM401  # `get` would not follow references


def _state(file: Signatures, revision: int, name: str) -> list[Any]:
    """What the field says and shows, for comparing; empty when there is none of this name."""
    seen: dict[generic.Reference, int] = {}
    return [
        [(key, _plain(field.raw_get(key), seen)) for key in _FILLED if key in field]
        for field in _fields(file, revision, name)
    ]


def _plain(value: Any, seen: dict[generic.Reference, int]) -> Any:
    """A value with all that it refers to. What was met before is only counted: files may lead round in circles."""
    if isinstance(value, generic.IndirectObject):
        if value.reference in seen:
            return seen[value.reference]
        seen[value.reference] = len(seen)
        value = value.get_object()
    if isinstance(value, generic.DictionaryObject):
        plain = [(str(key), _plain(value.raw_get(key), seen)) for key in sorted(value) if key not in _ABOVE]
        return (plain, value.encoded_data) if isinstance(value, generic.StreamObject) else plain
    if isinstance(value, generic.ArrayObject):
        return [_plain(value.raw_get(index), seen) for index in range(len(value))]
    return repr(value)
