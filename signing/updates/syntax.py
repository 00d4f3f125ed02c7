"""PDF objects as Python values (ISO 32000-2 §7.3), read strictly: what is not written by the letter is refused.

Numbers are int or float, strings bytes, arrays lists, null None; dictionaries have `Name` keys, and a key whose value
is null is absent. Nothing is looked up here: a `Ref` stays one.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

MAX_DEPTH = 60
WHITE = rb"\x00\t\n\x0c\r "
_END = rb"(?=[" + WHITE + rb"()<>\[\]{}/%]|\Z)"

_GAP = rb"(?:[" + WHITE + rb"]+|%[^\r\n]*)*"
_BLANK = rb"[" + WHITE + rb"]*"
_TOKEN = (
    rb"(?:(/[^" + WHITE + rb"()<>\[\]{}/%]*)"
    rb"|((\d{1,10})[" + WHITE + rb"]+(\d{1,5})[" + WHITE + rb"]+R" + _END + rb")"
    rb"|([+-]?\d{1,20}" + _END + rb")"
    rb"|([+-]?(?:\d+\.\d*|\.\d+)" + _END + rb")"
    rb"|(<<|\[)"
    rb"|(>>|\])"
    rb"|<([0-9A-Fa-f" + WHITE + rb"]*)>"
    rb"|(\()"
    rb"|((?:true|false|null)" + _END + rb"))"
)
_NAME, _REF, _INTEGER, _REAL, _OPEN, _CLOSE, _HEX, _STRING, _WORD = 1, 2, 5, 6, 7, 8, 9, 10, 11
_HEAD = re.compile(rb"(\d{1,10})[" + WHITE + rb"]+(\d{1,5})[" + WHITE + rb"]+obj" + _END)
_IN_STRING = re.compile(rb"[()\\]")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|[\x00-\xff])|\r\n?")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r\n": b"", b"\r": b"", b"\n": b""}
_NAME_CODE = re.compile(rb"#([0-9A-Fa-f]{2})")
_WORDS = {b"true": True, b"false": False, b"null": None}
_STREAM = re.compile(rb"stream(?:\r\n|\n)")
_AFTER_STREAM = re.compile(rb"(?:\r\n|\n|\r)?endstream" + _END)


class StructureError(Exception):
    """The bytes are not what ISO 32000 prescribes, or hold more than anybody needs."""


class Name(str):
    """A name object without its slash."""

    __slots__ = ()


class Ref(NamedTuple):
    """An indirect reference."""

    number: int
    generation: int


class Stream:
    """A stream: its dictionary, and its bytes as they stand in the file."""

    __slots__ = ("raw", "values")

    def __init__(self, values: dict[str, Any], raw: bytes) -> None:
        self.values = values
        self.raw = raw


class Reader:
    """Reads objects of `data`. With `comments=False` none may stand inside an object."""

    def __init__(self, data: bytes, *, comments: bool = True) -> None:
        self.data = data
        gap = _GAP if comments else _BLANK
        self._gap = re.compile(gap)
        self._token = re.compile(gap + _TOKEN)

    def skip(self, at: int) -> int:
        """Where the next token begins."""
        found = self._gap.match(self.data, at)
        return found.end() if found else at

    def head(self, at: int) -> tuple[int, int, int] | None:
        """Number and generation of the object that begins at `at`, and where its value begins; None when none does."""
        found = _HEAD.match(self.data, at)
        return (int(found[1]), int(found[2]), found.end()) if found else None

    def value(self, at: int) -> tuple[Any, int]:
        """The direct object at `at` (gaps before it are skipped), and where it ends."""
        opened: list[list[Any]] = []  # arrays and dictionaries that have no end yet, the innermost last
        dictionaries: list[bool] = []
        while True:
            found = self._token.match(self.data, at)
            if found is None or len(opened) > MAX_DEPTH:
                raise StructureError(f"no object at byte {at}")
            at, kind = found.end(), found.lastindex
            if kind == _OPEN:
                opened.append([])
                dictionaries.append(found[_OPEN] == b"<<")
                continue
            if kind == _CLOSE:
                if not opened or dictionaries.pop() != (found[_CLOSE] == b">>"):
                    raise StructureError(f"nothing ends at byte {at}")
                values = opened.pop()
                value: Any = _dictionary(values, at) if found[_CLOSE] == b">>" else values
            elif kind == _STRING:
                value, at = self._string(at)
            else:
                value = _simple(found, kind)
            if not opened:
                return value, at
            opened[-1].append(value)

    def word(self, at: int, word: bytes) -> int | None:
        """Where the keyword `word` ends that stands next; None when another thing does."""
        at = self.skip(at)
        return at + len(word) if self.data.startswith(word, at) else None

    def stream_begin(self, at: int) -> int | None:
        """Where the bytes of a stream begin whose keyword stands next; None when there is none."""
        found = _STREAM.match(self.data, self.skip(at))
        return found.end() if found else None

    def stream_end(self, begin: int, length: int) -> int:
        """Where the keyword `endstream` ends after so many bytes."""
        found = _AFTER_STREAM.match(self.data, begin + length) if 0 <= length <= len(self.data) - begin else None
        if found is None:
            raise StructureError(f"the stream at byte {begin} does not end where it says")
        return found.end()

    def _string(self, begin: int) -> tuple[bytes, int]:
        depth, at = 1, begin
        while depth:
            found = _IN_STRING.search(self.data, at)
            if found is None:
                raise StructureError(f"the string at byte {begin} has no end")
            at = found.end()
            if found[0] == b"\\":
                at += 1
            else:
                depth += 1 if found[0] == b"(" else -1
        text = self.data[begin : at - 1]
        return (_ESCAPE.sub(_unescaped, text) if b"\\" in text or b"\r" in text else text), at


def _simple(found: re.Match[bytes], kind: int | None) -> Any:
    if kind == _NAME:
        return _name(found[_NAME])
    if kind == _REF:
        return Ref(int(found[3]), int(found[4]))
    if kind == _INTEGER:
        return int(found[_INTEGER])
    if kind == _REAL:
        return float(found[_REAL])
    if kind == _WORD:
        return _WORDS[found[_WORD]]
    digits = b"".join(found[_HEX].split()).replace(b"\0", b"")
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())


def _dictionary(values: list[Any], at: int) -> dict[str, Any]:
    keys = values[::2]
    if len(values) % 2 or len(set(map(type, keys)) | {Name}) > 1 or len(set(keys)) < len(keys):
        raise StructureError(f"a dictionary before byte {at} has a key without a value, no name, or one twice")
    return {key: value for key, value in zip(keys, values[1::2], strict=True) if value is not None}


def _unescaped(found: re.Match[bytes]) -> bytes:
    escaped = found[1]
    if escaped is None:
        return b"\n"
    if escaped[:1].isdigit() and escaped[0] < 0x38:
        return bytes([int(escaped, 8) & 255])
    return _ESCAPED.get(escaped, escaped)


@lru_cache(maxsize=4096)
def _name(text: bytes) -> Name:
    if b"#" in text:
        text = _NAME_CODE.sub(lambda found: bytes.fromhex(found[1].decode()), text)
    return Name(text[1:].decode("latin-1"))


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same object by the letter; 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, Stream) and isinstance(other, Stream):
        return one.raw == other.raw and equal(one.values, other.values)
    if isinstance(one, Ref) or isinstance(other, Ref):
        return type(one) is type(other) and one == other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if is_number(one) and is_number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


def is_number(value: Any) -> bool:
    """Whether this is an integer or a real."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def references(value: Any) -> set[int]:
    """The numbers of all objects that a value refers to directly."""
    found: set[int] = set()
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, Ref):
            found.add(one.number)
        elif isinstance(one, Stream):
            pending.append(one.values)
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list):
            pending += one
    return found


def paths_to(number: int, value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The keys that lead to each reference to the object `number`; places in arrays are "[]"."""
    if isinstance(value, Ref):
        return [path] if value.number == number else []
    if isinstance(value, Stream):
        value = value.values
    if isinstance(value, dict):
        return [found for key, one in value.items() for found in paths_to(number, one, (*path, key))]
    if isinstance(value, list):
        return [found for one in value for found in paths_to(number, one, (*path, "[]"))]
    return []
