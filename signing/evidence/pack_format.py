"""The outer form of an evidence pack: a ZIP that is written in one way only, so that every byte of it counts.

Stored, UTF-8 names, no times, no extra fields, no comments, nothing before, between or behind the files. A reader makes
the headers anew and compares: what differs by one bit is no pack. Both directions take a file of any size in pieces.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

MIMETYPE = "application/vnd.etsi.asic-e+zip"
FIRST = "mimetype"
"""ETSI EN 319 162-1 §A.1: the first file, which names the kind of container."""

PIECE = 1 << 20
MAX_BYTES = 0xFFFF_0000
MAX_FILES = 0xFFF0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,3}")

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION, _UTF8, _STORED, _MIDNIGHT, _DAY_ONE = 20, 0x0800, 0, 0, 0x0021


class NoPack(Exception):
    """These bytes are no pack: another kind of file, or one that was changed. `at` is the first byte that differs."""

    def __init__(self, what: str, at: int = 0) -> None:
        super().__init__(f"{what} at byte {at}")
        self.what, self.at = what, at


class TooLarge(Exception):
    """A pack has no room for so much."""


@dataclass(frozen=True)
class Entry:
    """One file of a pack; `start` is the place of its first byte."""

    name: str
    start: int
    size: int
    crc: int
    sha256: str

    @property
    def local(self) -> bytes:
        """The header before it."""
        return _LOCAL.pack(
            b"PK\x03\x04", _VERSION, _UTF8, _STORED, _MIDNIGHT, _DAY_ONE, self.crc, self.size, self.size,
            len(self.name), 0,
        ) + self.name.encode()  # fmt: skip

    @property
    def central(self) -> bytes:
        """Its line in the directory at the end."""
        place = self.start - _LOCAL.size - len(self.name)
        return _CENTRAL.pack(
            b"PK\x01\x02", _VERSION, _VERSION, _UTF8, _STORED, _MIDNIGHT, _DAY_ONE, self.crc, self.size, self.size,
            len(self.name), 0, 0, 0, 0, 0, place,
        ) + self.name.encode()  # fmt: skip


class Writer:
    """Writes a pack into a file in which it is possible to go back."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._at = 0
        self.entries: list[Entry] = []
        self.add(FIRST, [MIMETYPE.encode()])

    def add(self, name: str, pieces: Iterable[bytes]) -> Entry:
        """The next file. ValueError for a name that is there already, or that some system would not take."""
        if not NAME.fullmatch(name) or any(one.name.lower() == name.lower() for one in self.entries):
            raise ValueError(f"no name for a file of a pack: {name}")
        head = len(Entry(name, 0, 0, 0, "").local)
        self._target.write(bytes(head))
        digest, crc, size = sha256(), 0, 0
        for piece in pieces:
            digest.update(piece)
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            if self._at + head + size > MAX_BYTES:
                raise TooLarge
            self._target.write(piece)
        entry = Entry(name, self._at + head, size, crc, digest.hexdigest())
        self._target.seek(self._at)
        self._target.write(entry.local)
        self._at += head + size
        self._target.seek(self._at)
        self.entries.append(entry)
        return entry

    def close(self) -> None:
        """The directory; nothing follows it."""
        if len(self.entries) > MAX_FILES:
            raise TooLarge
        self._target.write(_directory(self.entries, self._at))


def _directory(entries: list[Entry], at: int) -> bytes:
    lines = b"".join(entry.central for entry in entries)
    return lines + _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(lines), at, 0)


def is_container(file: IO[bytes]) -> bool:
    """Whether a file begins as any ZIP does, so that somebody may have meant it to be a pack."""
    file.seek(0)
    return file.read(2) == b"PK"


def read_form(file: IO[bytes]) -> dict[str, Entry]:
    """Every file of a pack by its name, in their order, hashed on the way. NoPack when a byte is not as it must be."""
    file.seek(0)
    entries: dict[str, Entry] = {}
    at = 0
    while True:
        head = file.read(_LOCAL.size)
        if head[:4] != b"PK\x03\x04" or len(head) < _LOCAL.size:
            break
        entry = _entry(file, head, at)
        if entry.name in entries or not NAME.fullmatch(entry.name):
            raise NoPack("a name", at)
        entries[entry.name] = entry
        at = entry.start + entry.size
    _compare(_directory(list(entries.values()), at), head, file, at)
    first = next(iter(entries.values()), None)
    if first is None or (first.name, first.sha256) != (FIRST, sha256(MIMETYPE.encode()).hexdigest()):
        raise NoPack("another kind of container")
    return entries


def _entry(file: IO[bytes], head: bytes, at: int) -> Entry:
    size, length = _LOCAL.unpack(head)[7], _LOCAL.unpack(head)[9]
    if not 0 < length < 512:
        raise NoPack("a header", at)
    raw = file.read(length)
    if not raw.isascii():
        raise NoPack("a name", at)
    digest, crc, read = sha256(), 0, 0
    for piece in _pieces(file, size):
        digest.update(piece)
        crc = zlib.crc32(piece, crc)
        read += len(piece)
    entry = Entry(raw.decode(), at + len(head) + length, read, crc, digest.hexdigest())
    if read != size or entry.local != head + raw:
        raise NoPack("a header", at)
    return entry


def _compare(wanted: bytes, begun: bytes, file: IO[bytes], at: int) -> None:
    found = begun + file.read(len(wanted) + 1)
    if found != wanted:
        differs = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), len(wanted))
        raise NoPack("the directory", at + differs)


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size and (piece := file.read(min(PIECE, size))):
        size -= len(piece)
        yield piece


def pieces_of(file: IO[bytes], entry: Entry) -> Iterator[bytes]:
    """The bytes of one file of a pack."""
    file.seek(entry.start)
    yield from _pieces(file, entry.size)


def bytes_of(file: IO[bytes], entry: Entry) -> bytes:
    """The same at once, for small ones."""
    return b"".join(pieces_of(file, entry))
