"""What a child answers, as bytes: plain data, read as what the work is declared to answer and as nothing else.

A child may have been taken over by the file that it read, and its answer is read in the worker or in the web process.
So the bytes choose no class, no function and no attribute: which records they may become is said by the work's own
declaration (`-> Verdict`), field by field. Every value is written out where it stands, so that reading costs as much
as the bytes are long: nothing can be shared, nested without end, or be given a hash that takes for ever. Sentences are
those of the house. (Pickle, even with its classes chosen, lets bytes set attributes of these classes in the reader.)
"""

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from kernel.text import Phrase

MAX_VALUES = 100_000
MAX_DEPTH = 40
MAX_DIGITS = 600
"""Bytes of a number: no key is as long, and Python still prints it."""

_LENGTH = struct.Struct(">I")
_REAL = struct.Struct(">d")


class Unreadable(Exception):
    """The bytes are not what this work answers."""


# ---- writing, in the child ----


def written(value: object) -> bytes:
    """The bytes that `read` reads as this value; TypeError for what is no data."""
    return b"".join(_pieces(value))


def _pieces(value: object) -> Iterator[bytes]:
    write = _WRITERS.get(type(value)) or _writer_for(value)
    yield from write(value)


def _writer_for(value: object) -> Callable[[Any], Iterator[bytes]]:
    """How to write what is not exactly of a plain type."""
    if isinstance(value, Enum):
        return _of_member
    if is_dataclass(value) and not isinstance(value, type):
        return _of_record
    found = next((write for kind, write in _WRITERS.items() if isinstance(value, kind)), None)
    if found is None:
        raise TypeError(f"{type(value).__name__} is no data")
    return found


def _sized(tag: bytes, body: bytes) -> Iterator[bytes]:
    yield tag + _LENGTH.pack(len(body))
    yield body


def _of_member(value: Enum) -> Iterator[bytes]:
    yield b"e"
    yield from _pieces(value.value)


def _of_record(value: Any) -> Iterator[bytes]:
    kind: Any = type(value)
    yield from _sized(b"r", kind.__qualname__.encode())
    given = _fields_of(kind)
    yield _LENGTH.pack(len(given))
    for field in given:
        yield from _pieces(getattr(value, field.name))


def _of_many(tag: bytes) -> Callable[[Any], Iterator[bytes]]:
    def write(value: Any) -> Iterator[bytes]:
        yield tag + _LENGTH.pack(len(value))
        for one in value:
            yield from _pieces(one)

    return write


def _of_mapping(value: Mapping[Any, Any]) -> Iterator[bytes]:
    yield b"m" + _LENGTH.pack(len(value))
    for key, one in value.items():
        yield from _pieces(key)
        yield from _pieces(one)


def _of_text(value: str) -> Iterator[bytes]:
    return _sized(b"s", value.encode("utf-8", "surrogatepass"))


_WRITERS: dict[type, Callable[[Any], Iterator[bytes]]] = {
    NoneType: lambda _: iter((b"n",)),
    bool: lambda value: iter((b"1" if value else b"0",)),
    int: lambda value: _sized(b"i", value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)),
    float: lambda value: iter((b"f" + _REAL.pack(value),)),
    str: _of_text,
    bytes: lambda value: _sized(b"b", value),
    datetime: lambda value: _sized(b"w", value.isoformat().encode()),
    date: lambda value: _sized(b"d", value.isoformat().encode()),
    timedelta: lambda value: iter((b"l" + struct.pack(">iii", value.days, value.seconds, value.microseconds),)),
    tuple: _of_many(b"t"),
    list: _of_many(b"a"),
    frozenset: _of_many(b"z"),
    set: _of_many(b"u"),
    dict: _of_mapping,
    Mapping: _of_mapping,
}


# ---- reading, in the worker or the web process ----


def read(body: bytes, declared: Any) -> Any:
    """The value of this type; Unreadable when the bytes are anything else."""
    reader = _Reader(body)
    try:
        value = reader.value(declared, 0)
    except (ValueError, TypeError, OverflowError, AttributeError, LookupError, struct.error, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error
    if reader.left():
        raise Unreadable("more than one value")
    return value


@cache
def declared_by(work: Callable[..., Any]) -> Any:
    """What a function is declared to answer; plain data when it does not say."""
    return get_type_hints(work).get("return", Any)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self._at = 0
        self._values = 0

    def left(self) -> int:
        return len(self._body) - self._at

    def value(self, declared: Any, deep: int) -> Any:
        self._values += 1
        if self._values > MAX_VALUES or deep > MAX_DEPTH:
            raise Unreadable("too much")
        tag = bytes(self._take(1))
        name = str(self._sized(), "utf-8") if tag == b"r" else ""
        return self._read(tag, name, _chosen(declared, tag, name), deep + 1)

    def _read(self, tag: bytes, name: str, kind: Any, deep: int) -> Any:
        match tag:
            case b"n" | b"0" | b"1":
                return {b"n": None, b"0": False, b"1": True}[tag]
            case b"i":
                return self._whole_number()
            case b"f":
                return self._real()
            case b"s":
                return str(self._sized(), "utf-8", "surrogatepass")
            case b"b":
                return bytes(self._sized())
            case b"w":
                return self._moment()
            case b"d":
                return date.fromisoformat(str(self._sized(), "ascii"))
            case b"l":
                return timedelta(*struct.unpack(">iii", self._take(12)))
            case b"e":
                return self._member(kind, deep)
            case b"r":
                return self._record(kind, deep)
            case b"m":
                return self._mapping(kind, deep)
        return self._many(tag, kind, deep)

    def _whole_number(self) -> int:
        digits = self._sized()
        if len(digits) > MAX_DIGITS:
            raise Unreadable("a number without end")
        return int.from_bytes(digits, "big", signed=True)

    def _moment(self) -> datetime:
        at = datetime.fromisoformat(str(self._sized(), "ascii"))
        if at.tzinfo is None:
            raise Unreadable("a moment of no place")
        return at

    def _real(self) -> float:
        number = float(_REAL.unpack(self._take(_REAL.size))[0])
        if not math.isfinite(number):
            raise Unreadable("no number")
        return number

    def _member(self, kind: Any, deep: int) -> Any:
        """A member of the declared enumeration; where a text is declared, the text that it is."""
        value = self.value(str | int, deep)
        return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value

    def _record(self, kind: Any, deep: int) -> Any:
        hints, given = _hints_of(kind), _fields_of(kind)
        if self._count() != len(given):
            raise Unreadable("other fields")
        made = kind(**{field.name: self.value(hints[field.name], deep) for field in given})
        if isinstance(made, Phrase) and not made.is_ours():
            raise Unreadable("a strange sentence")
        return made

    def _many(self, tag: bytes, kind: Any, deep: int) -> Any:
        make = {b"t": tuple, b"a": list, b"z": frozenset, b"u": set}[tag]
        count, declared = self._count(), get_args(kind)
        if tag in (b"z", b"u"):
            return make(self._key(declared[0] if declared else Any, deep) for _ in range(count))
        if tag == b"t" and declared and declared[-1] is not Ellipsis:
            if count != len(declared):
                raise Unreadable("other length")
            return tuple(self.value(one, deep) for one in declared)
        each = declared[0] if declared else Any
        return make([self.value(each, deep) for _ in range(count)])

    def _mapping(self, kind: Any, deep: int) -> dict[Any, Any]:
        keys, values = get_args(kind) or (Any, Any)
        return {self._key(keys, deep): self.value(values, deep) for _ in range(self._count())}

    def _key(self, declared: Any, deep: int) -> Any:
        """Only what is hashed by a secret of this process: numbers can be chosen to collide."""
        key = self.value(declared, deep)
        if not isinstance(key, str | bytes | Enum):
            raise Unreadable("no key")
        return key

    def _count(self) -> int:
        count: int = _LENGTH.unpack(self._take(_LENGTH.size))[0]
        if count > MAX_VALUES:
            raise Unreadable("too much")
        return count

    def _sized(self) -> memoryview:
        return self._take(_LENGTH.unpack(self._take(_LENGTH.size))[0])

    def _take(self, length: int) -> memoryview:
        if length > self.left():
            raise Unreadable("cut off")
        self._at += length
        return self._body[self._at - length : self._at]


_PLAIN: dict[type, bytes] = {NoneType: b"n", bool: b"01", int: b"i", str: b"se", bytes: b"b", float: b"fi"}
_PLAIN |= {datetime: b"w", date: b"d", timedelta: b"l", tuple: b"t", list: b"a", frozenset: b"z", set: b"u", dict: b"m"}


def _chosen(declared: Any, tag: bytes, name: str) -> Any:
    """The one of the declared types that a value with this tag can be."""
    for kind in _options(declared):
        if kind in (Any, object) and tag == b"r" and name == Phrase.__qualname__:
            return Phrase  # a parameter of another one
        if _accepts(kind, tag, name):
            return kind
    raise Unreadable(f"{str(tag, 'latin-1')} is not declared")


def _options(declared: Any) -> tuple[Any, ...]:
    if declared is None:
        return (NoneType,)
    return get_args(declared) if get_origin(declared) in (Union, UnionType) else (declared,)


def _accepts(kind: Any, tag: bytes, name: str) -> bool:
    if kind in (Any, object):
        return tag != b"r"
    kind = get_origin(kind) or kind
    if tag == b"r":
        return is_dataclass(kind) and cast(type, kind).__qualname__ == name
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tag == b"e"
    if kind is Mapping:
        return tag == b"m"
    if kind is Sequence:
        return tag in b"ta"
    return tag in _PLAIN.get(kind, b"")


@cache
def _fields_of(kind: Any) -> tuple[Field[Any], ...]:
    return tuple(field for field in fields(kind) if field.init)


@cache
def _hints_of(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
