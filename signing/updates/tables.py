"""Cross-reference tables and streams (ISO 32000-2 §7.5.4, §7.5.8), each section on its own."""

import re
import zlib
from dataclasses import dataclass, field
from typing import Any

from signing.updates.syntax import Reader, Ref, Stream, StructureError

MAX_OBJECTS = 200_000
MAX_DECODED = 64 << 20

_SUBSECTION = re.compile(rb"\s*(\d{1,10})[ ]+(\d{1,10})[ ]*[\r\n]+\s*")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: ?\r\n| [\r\n]|\n|\r)")
_STARTXREF = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF")


@dataclass(frozen=True)
class Entry:
    """Where an object is: at a byte of the file, or (`container` > 0) the place `offset` in an object stream."""

    offset: int
    generation: int
    container: int = 0


@dataclass
class Table:
    """One section: the entries that it makes, the numbers that it frees, its trailer, and where it ends."""

    entries: dict[int, Entry] = field(default_factory=dict)
    freed: set[int] = field(default_factory=set)
    trailer: dict[str, Any] = field(default_factory=dict)
    end: int = 0
    stream: int = 0  # the number of the object that is the section, when it is a stream


def read_table(reader: Reader, at: int) -> Table:
    """The section that begins at byte `at`."""
    at = reader.skip(at)  # node-signpdf names the line end before it
    if reader.data.startswith(b"xref", at):
        return _plain(reader, at + 4)
    head = reader.head(at)
    if head is None:
        raise StructureError(f"no cross-reference section at byte {at}")
    number, _, at = head
    values, at = reader.value(at)
    begin = reader.stream_begin(at)
    if begin is None or not isinstance(values, dict) or values.get("Type") != "XRef":
        raise StructureError("no cross-reference stream")
    length = values.get("Length")
    if not isinstance(length, int):
        raise StructureError("a cross-reference stream of unknown length")
    end = reader.word(reader.stream_end(begin, length), b"endobj")
    if end is None:
        raise StructureError("a cross-reference stream without an end")
    table = packed(Stream(values, reader.data[begin : begin + length]))
    table.end, table.stream = end, number
    return table


def _plain(reader: Reader, at: int) -> Table:
    table = Table()
    while (head := _SUBSECTION.match(reader.data, at)) is not None:
        first, count = int(head[1]), int(head[2])
        at = head.end()
        if first + count > MAX_OBJECTS:
            raise StructureError("too many objects")
        for number in range(first, first + count):
            entry = _ENTRY.match(reader.data, at)
            if entry is None:
                raise StructureError(f"a broken cross-reference entry at byte {at}")
            at = entry.end()
            _enter(table, number, Entry(int(entry[1]), int(entry[2])), used=entry[3] == b"n")
    begin = reader.word(at, b"trailer")
    if begin is None:
        raise StructureError("a cross-reference table without trailer")
    table.trailer, table.end = reader.value(begin)
    if not isinstance(table.trailer, dict):
        raise StructureError("a trailer that is no dictionary")
    return table


def _enter(table: Table, number: int, entry: Entry, *, used: bool) -> None:
    if number in table.entries or number in table.freed:
        raise StructureError(f"object {number} stands twice in a section")
    if used:
        table.entries[number] = entry
    else:
        table.freed.add(number)


def packed(stream: Stream) -> Table:
    """What a cross-reference stream says; its place and its number are not known here."""
    values = stream.values
    widths, size = values.get("W"), values.get("Size")
    ranges = values.get("Index", [0, size])
    if not isinstance(widths, list) or not isinstance(ranges, list) or len(widths) != 3 or len(ranges) % 2:
        raise StructureError("a cross-reference stream with odd fields")
    if not all(type(number) is int and 0 <= number <= 1 << 31 for number in [*widths, *ranges]):
        raise StructureError("a cross-reference stream with odd fields")
    if sum(ranges[1::2]) > MAX_OBJECTS or max(widths) > 8:
        raise StructureError("too many objects")
    data = decoded(stream)
    row = sum(widths)
    if len(data) != row * sum(ranges[1::2]):
        raise StructureError("a cross-reference stream of another length than it says")
    table = Table(trailer=values)
    place = 0
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        for number in range(first, first + count):
            _enter_packed(table, number, _row(data, place, widths))
            place += row
    return table


def _row(data: bytes, place: int, widths: list[int]) -> list[int]:
    values = []
    for width in widths:
        values.append(int.from_bytes(data[place : place + width], "big"))
        place += width
    return values if widths[0] else [1, *values[1:]]


def _enter_packed(table: Table, number: int, row: list[int]) -> None:
    kind, second, third = row
    if kind == 0:
        _enter(table, number, Entry(0, 0), used=False)
    elif kind == 1:
        _enter(table, number, Entry(second, third), used=True)
    elif kind == 2 and second:
        _enter(table, number, Entry(third, 0, container=second), used=True)
    else:
        raise StructureError(f"object {number} has an entry of an unknown kind")


def decoded(stream: Stream, limit: int = MAX_DECODED) -> bytes:
    """The bytes of a stream that is plain or Flate, with a PNG predictor or none; nothing may stand after them."""
    filters, parameters = stream.values.get("Filter", []), stream.values.get("DecodeParms")
    filters = filters if isinstance(filters, list) else [filters]
    if isinstance(parameters, list):
        parameters = parameters[0] if len(parameters) == 1 else {"Predictor": None}
    if not filters:
        return stream.raw
    if filters != ["FlateDecode"] or isinstance(parameters, Ref):
        raise StructureError("a stream that is packed in another way than Flate")
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(stream.raw, limit)
    except zlib.error as error:
        raise StructureError("a stream that cannot be unpacked") from error
    if not unpacker.eof or unpacker.unused_data.strip(b"\r\n"):
        raise StructureError("a stream that is too long, cut off, or has something after it")
    return _unpredicted(data, parameters) if parameters else data


def _unpredicted(data: bytes, parameters: dict[str, Any]) -> bytes:
    predictor, columns = parameters.get("Predictor", 1), parameters.get("Columns", 1)
    if predictor == 1:
        return data
    plain = type(columns) is int and 0 < columns <= 64 and {"Colors", "BitsPerComponent"}.isdisjoint(parameters)
    if predictor not in range(10, 16) or not plain or len(data) % (columns + 1):
        raise StructureError("a predictor that nobody uses for cross-references")
    out, above = bytearray(), bytes(columns)
    for place in range(0, len(data), columns + 1):
        kind, row = data[place], bytearray(data[place + 1 : place + 1 + columns])
        if kind == 2:
            row = bytearray((one + other) & 255 for one, other in zip(row, above, strict=True))
        elif kind == 1:
            for n in range(1, columns):
                row[n] = (row[n] + row[n - 1]) & 255
        elif kind:
            raise StructureError("a predictor that nobody uses for cross-references")
        out += row
        above = bytes(row)
    return bytes(out)


def last_startxref(data: bytes) -> tuple[int, int]:
    """Where the last cross-reference section begins, and where its `startxref` stands: the file must end with it."""
    place = data.rfind(b"startxref")
    found = _STARTXREF.match(data, place) if place >= 0 else None
    if found is None or data[found.end() :].strip(b"\0\t\n\x0c\r "):
        raise StructureError("the file does not end with startxref and %%EOF")
    return int(found[1]), place


def startxref_at(data: bytes, at: int) -> tuple[int, int] | None:
    """The value of a `startxref` at this byte, and where its %%EOF ends."""
    found = _STARTXREF.match(data, at)
    return (int(found[1]), found.end()) if found else None
