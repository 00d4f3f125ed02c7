"""A signed revision with all its objects, and the updates that stand behind it, each read to its last byte."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from signing.updates.syntax import Name, Reader, Ref, Stream, StructureError, references
from signing.updates.tables import MAX_OBJECTS, Entry, Table, decoded, last_startxref, read_table, startxref_at

MAX_SECTIONS = 200
MAX_COMMENTS = 256
MAX_GAP = 64
"""Bytes of blank space between two objects of an update."""
_COMMENT = re.compile(rb"%[ -~]{0,120}(?=[\r\n])")


class ForbiddenChange(Exception):
    """Something follows a signature that may not; the text says what, for the report."""


@dataclass(frozen=True)
class Stored:
    """An object and the generation under which it is known."""

    generation: int
    value: Any


@dataclass
class Objects:
    """The objects of one revision by their numbers, and what its trailer says."""

    stored: Mapping[int, Stored]
    trailer: dict[str, Any]

    def get(self, value: Any) -> Any:
        """The value itself, or what it refers to; None when that is nothing (ISO 32000-2 §7.3.10)."""
        for _ in range(8):
            if not isinstance(value, Ref):
                return value
            found = self.stored.get(value.number)
            value = found.value if found is not None and found.generation == value.generation else None
        raise StructureError("references that lead to references")

    def dictionary(self, value: Any, what: str) -> dict[str, Any]:
        """The dictionary that stands there or is referred to."""
        found = self.get(value)
        if not isinstance(found, dict):
            raise StructureError(f"{what} is no dictionary")
        return found

    def array(self, value: Any, what: str) -> list[Any]:
        """The array that stands there or is referred to; nothing is an empty one."""
        found = self.get(value)
        if found is None:
            return []
        if not isinstance(found, list):
            raise StructureError(f"{what} is no array")
        return found


@dataclass
class Section:
    """One update: what it writes, from its first byte to the end of its %%EOF, and where its table is."""

    begin: int
    end: int
    startxref: int
    trailer: dict[str, Any]
    stored: dict[int, Stored] = field(default_factory=dict)
    containers: set[int] = field(default_factory=set)


class SignedRevision:
    """The file up to the end of a signature: every object that it can reach lies in it, or it is refused."""

    def __init__(self, data: bytes) -> None:
        self._reader = Reader(data)
        self.end = len(data)
        self._lengths: dict[int, int] = {}
        self.startxref, self._end = last_startxref(data)
        self._entries: dict[int, Entry] = {}
        self.trailer: dict[str, Any] = {}
        self._read_tables(self.startxref)
        if "Encrypt" in self.trailer:
            raise StructureError("an encrypted file")
        self.objects = Objects(dict(self._all_objects()), self.trailer)

    @property
    def entries(self) -> dict[int, Entry]:
        """Where each object is."""
        return self._entries

    def _read_tables(self, at: Any) -> None:
        freed: set[int] = set()
        visited: set[int] = set()
        while at is not None:
            if not isinstance(at, int) or at in visited or len(visited) > MAX_SECTIONS:
                raise StructureError("cross-reference sections in a circle")
            visited.add(at)
            self._within(at)
            table = read_table(self._reader, at)
            self._add(table, freed)
            beside = table.trailer.get("XRefStm")
            if isinstance(beside, int):
                self._within(beside)
                self._add(read_table(self._reader, beside), freed)
            freed |= table.freed
            self.trailer = self.trailer or table.trailer
            at = table.trailer.get("Prev")

    def _add(self, table: Table, freed: set[int]) -> None:
        for number, entry in table.entries.items():
            if number not in freed:
                self._entries.setdefault(number, entry)
        if len(self._entries) > MAX_OBJECTS:
            raise StructureError("too many objects")

    def _within(self, at: int) -> None:
        if at >= self._end:
            # A reader of the whole file would find there what came after the signature.
            raise ForbiddenChange(f"the signed revision names byte {at}, which lies beyond its end")

    def _all_objects(self) -> Iterator[tuple[int, Stored]]:
        containers: dict[int, list[tuple[int, Entry]]] = {}
        for number, entry in self._entries.items():
            if entry.container:
                containers.setdefault(entry.container, []).append((number, entry))
            elif entry.offset and number:
                yield number, Stored(entry.generation, self._object(number, entry))
        for container, entries in containers.items():
            held = self._entries.get(container)
            if held is None or held.container:
                raise ForbiddenChange(f"the signed revision names object stream {container}, which it does not hold")
            yield from _contained(self._object(container, held), entries)

    def _object(self, number: int, entry: Entry) -> Any:
        self._within(entry.offset)
        value, end = read_object(self._reader, number, entry, self._length)
        self._within(end)
        return value

    def _length(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        if not isinstance(value, Ref) or value.number not in self._entries:
            raise StructureError("a stream of unknown length")
        if value.number not in self._lengths:
            entry = self._entries[value.number]
            if entry.container:
                raise StructureError("a length in an object stream")
            found, _ = read_object(self._reader, value.number, entry, _no_length)
            if not isinstance(found, int):
                raise StructureError("a length that is no number")
            self._lengths[value.number] = found
        return self._lengths[value.number]


def _no_length(value: Any) -> int:
    raise StructureError("a length that is a stream")


def read_object(reader: Reader, number: int, entry: Entry, length_of: Any) -> tuple[Any, int]:
    """The object that a table names, and where its `endobj` ends."""
    head = reader.head(entry.offset)
    if head is None or head[:2] != (number, entry.generation):
        raise StructureError(f"object {number} is not where the table says")
    value, at = reader.value(head[2])
    begin = reader.stream_begin(at)
    if begin is not None:
        if not isinstance(value, dict):
            raise StructureError(f"stream {number} has no dictionary")
        length = length_of(value.get("Length"))
        at = reader.stream_end(begin, length)
        value = Stream(value, reader.data[begin : begin + length])
    end = reader.word(at, b"endobj")
    if end is None:
        raise StructureError(f"object {number} has no end")
    return value, end


def _contained(container: Any, entries: list[tuple[int, Entry]]) -> Iterator[tuple[int, Stored]]:
    """The objects of an object stream (ISO 32000-2 §7.5.7) that a table names."""
    numbers, reader, first = _contents(container)
    for number, entry in entries:
        if entry.offset >= len(numbers) or numbers[entry.offset][0] != number:
            raise StructureError(f"object {number} is not in the object stream that the table names")
        value, _ = reader.value(first + numbers[entry.offset][1])
        yield number, Stored(0, value)


def _contents(container: Any) -> tuple[list[tuple[int, int]], Reader, int]:
    if not isinstance(container, Stream) or container.values.get("Type") != "ObjStm":
        raise StructureError("an object stream that is none")
    count, first = container.values.get("N"), container.values.get("First")
    body = decoded(container)
    if type(count) is not int or type(first) is not int or not 0 <= first <= len(body) or count > MAX_OBJECTS:
        raise StructureError("an object stream without its numbers")
    words = body[:first].split()
    if len(words) != 2 * count or not all(word.isdigit() for word in words):
        raise StructureError("an object stream with another number of objects than it says")
    places = [int(word) for word in words]
    return list(zip(places[::2], places[1::2], strict=True)), Reader(body), first


class Updates:
    """Reads the updates after a signed revision. Every byte belongs to an object of a table, or to the table itself."""

    def __init__(self, data: bytes, signed: SignedRevision) -> None:
        self._data = data
        self._reader = Reader(data, comments=False)
        self._at = signed.end
        self._before = signed.startxref
        self._entries = dict(signed.entries)

    def __iter__(self) -> Iterator[Section]:
        for _ in range(MAX_SECTIONS):
            self._at = self._after_gap(self._at)
            if self._at >= len(self._data):
                return
            yield self._section()
        raise StructureError("too many updates")

    def _after_gap(self, at: int) -> int:
        """Where the next thing begins: a line end or two stand between objects, and no payload."""
        end = self._reader.skip(at)
        if end - at > MAX_GAP or b"\0" in self._data[at:end]:
            raise ForbiddenChange(f"{end - at} bytes of nothing at byte {at}")
        return end

    def _section(self) -> Section:
        begin = self._at
        found: dict[int, tuple[int, int, Any]] = {}
        comments = 0
        last = closed = 0
        while True:
            self._at = self._after_gap(self._at)
            comment = _COMMENT.match(self._data, self._at)
            head = self._reader.head(self._at)
            if comment is not None and comments + len(comment[0]) <= MAX_COMMENTS:
                comments += len(comment[0])
                self._at = comment.end()
            elif head is not None and head[0] not in found:
                last = self._at
                found[head[0]] = self._object(head)
                closed = self._at
            else:
                break
        table = self._table(last, closed)
        section = self._ended(begin, table, comments)
        self._match(section, table, found)
        return section

    def _object(self, head: tuple[int, int, int]) -> tuple[int, int, Any]:
        begin = self._at
        value, self._at = read_object(self._reader, head[0], Entry(begin, head[1]), self._length)
        return begin, head[1], value

    def _length(self, value: Any) -> int:
        if not isinstance(value, int):
            raise ForbiddenChange("an update has a stream whose length stands elsewhere")
        return value

    def _table(self, last: int, closed: int) -> Table:
        """The table at this place, or the stream that was read last and ended at `closed`; comments may follow that."""
        plain = self._data.startswith(b"xref", self._at)
        table = read_table(self._reader, self._at if plain else last)
        table_begin = self._at if plain else last
        if not plain and table.end != closed:
            raise ForbiddenChange("an update without a table of its objects")
        self._table_begin, self._at = table_begin, table.end
        return table

    def _ended(self, begin: int, table: Table, comments: int) -> Section:
        self._at = self._after_gap(self._at)
        while (comment := _COMMENT.match(self._data, self._at)) is not None and comments < MAX_COMMENTS:
            comments += len(comment[0])
            self._at = self._after_gap(comment.end())
        ended = startxref_at(self._data, self._at)
        if ended is None or self._reader.skip(ended[0]) != self._table_begin:
            raise ForbiddenChange(f"the update at byte {begin} does not end as one does")
        if table.trailer.get("Prev") != self._before or "XRefStm" in table.trailer:
            raise ForbiddenChange(f"the update at byte {begin} does not build on what was signed")
        self._before, self._at = ended[0], ended[1]
        return Section(begin, ended[1], ended[0], table.trailer)

    def _match(self, section: Section, table: Table, found: dict[int, tuple[int, int, Any]]) -> None:
        """Every object has its entry, and every entry its object: nothing is hidden between them."""
        # Some programs free the number of the table itself, and repeat where objects are that stay (iText).
        if table.freed & (self._entries.keys() | found.keys()) - {0, table.stream} or 0 in table.entries:
            raise ForbiddenChange("an update frees objects")
        entries = {n: entry for n, entry in table.entries.items() if n in found or self._entries.get(n) != entry}
        self._entries |= entries
        plain = {number: entry for number, entry in entries.items() if not entry.container}
        named = {number: (entry.offset, entry.generation) for number, entry in plain.items()}
        there = {number: place[:2] for number, place in found.items()}
        if table.stream and table.stream not in named:
            there.pop(table.stream, None)
        if named != there:
            raise ForbiddenChange(f"the table of the update at byte {section.begin} does not list what stands there")
        packed: dict[int, list[tuple[int, Entry]]] = {}
        for number, entry in entries.items():
            if entry.container:
                packed.setdefault(entry.container, []).append((number, entry))
        section.stored = {
            number: Stored(generation, value)
            for number, (_, generation, value) in found.items()
            if number != table.stream and number not in packed
        }
        for container, listed in packed.items():
            if container not in found:
                raise ForbiddenChange("an update names an object stream that it does not hold")
            self._add_contained(section, found[container][2], listed)

    def _add_contained(self, section: Section, container: Any, entries: list[tuple[int, Entry]]) -> None:
        numbers, reader, first = _contents(container)
        if set(container.values) - {"Type", "N", "First", "Filter", "DecodeParms", "Length"}:
            raise ForbiddenChange("an object stream that holds more than objects")
        if sorted(number for number, _ in numbers) != sorted(number for number, _ in entries):
            raise ForbiddenChange("an object stream holds objects that no table names")
        at = first
        for _, place in sorted(numbers, key=lambda one: one[1]):
            if reader.skip(at) != reader.skip(first + place):
                raise ForbiddenChange("an object stream with something between its objects")
            _, at = reader.value(first + place)
        if reader.skip(at) != len(reader.data):
            raise ForbiddenChange("an object stream with something after its objects")
        for number, stored in _contained(container, entries):
            if number in section.stored:
                raise ForbiddenChange(f"object {number} stands twice in an update")
            section.stored[number] = stored


def referring(objects: Objects, numbers: set[int]) -> dict[int, list[int]]:
    """For each of these numbers the objects that refer to it."""
    found: dict[int, list[int]] = {}
    for holder, stored in objects.stored.items():
        for number in references(stored.value) & numbers:
            found.setdefault(number, []).append(holder)
    return found


def is_name(value: Any, *names: str) -> bool:
    """Whether this is one of these names."""
    return isinstance(value, Name) and value in names
