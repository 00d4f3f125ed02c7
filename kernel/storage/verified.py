"""Stored files compared with their names while they are read: no byte is handed on that was not hashed (decision 0022).

A small file is read whole and hashed before its first byte is given. A large one is read through once in each process,
which keeps the hash of every piece of it; from then on each piece is compared when it is read, wherever the reader
begins. What happens to the disk after that first time is found as well, and no time of change is believed.
"""

import hashlib
import io
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, TYPE_CHECKING

from kernel.errors import DomainError, NotFound, Unavailable
from kernel.text import phrase
from kernel.turns import give_way

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from kernel.storage.blobs import BlobStore

log = logging.getLogger(__name__)

PIECE = 1 << 20
SMALL = 4 << 20
"""Bytes of a file that is read whole before any of it is given."""
_MAX_PIECES = 1 << 20
"""So many hashes a process keeps: of a terabyte, in 32 MB."""
_NOWHERE = -2
_FRESH_S, _MAX_NOTED = 300.0, 10_000


class Damaged(Unavailable):
    """A stored file is not what its name says: the disk, or somebody, has changed it. It is given to nobody."""

    code = "damaged_file"

    def __init__(self, sha256: str) -> None:
        super().__init__(
            phrase("Tệp này trong kho không còn đúng như khi nhận nên không được đưa ra. Xin báo quản trị viên.")
        )
        self.sha256 = sha256
        log.error("stored file %s is damaged: bring it back from a backup (lienthong blobs check)", sha256)


class Soundness(StrEnum):
    """What is known of a stored file."""

    SOUND = "sound"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNREACHABLE = "unreachable"  # the store does not answer


@dataclass(frozen=True)
class _Pieces:
    size: int
    hashes: tuple[bytes, ...]


class _Memory:
    """The hashes of pieces of large files that this process has read through; the least used are forgotten."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: OrderedDict[str, _Pieces] = OrderedDict()
        self._count = 0

    def get(self, sha256: str) -> _Pieces | None:
        with self._guard:
            if sha256 in self._known:
                self._known.move_to_end(sha256)
            return self._known.get(sha256)

    def put(self, sha256: str, pieces: _Pieces) -> None:
        with self._guard:
            if sha256 in self._known:
                return
            self._known[sha256] = pieces
            self._count += len(pieces.hashes)
            while self._count > _MAX_PIECES and len(self._known) > 1:
                _, forgotten = self._known.popitem(last=False)
                self._count -= len(forgotten.hashes)


_memory = _Memory()
_sound: dict[tuple[str, object], float] = {}
"""When a file was last found sound, by its name and what the store says of it."""


def opened(sha256: str, raw: Callable[[], IO[bytes]], *, seekable: bool) -> IO[bytes]:
    """The file for reading; `raw` opens it as it lies in the store. Damaged as soon as it is known to be."""
    known = _memory.get(sha256)
    if known is None:
        with raw() as file:
            head = _exactly(file, SMALL + 1)
            if len(head) <= SMALL:
                return io.BytesIO(whole(sha256, head))
            known = _read_through(sha256, head, file)
        _memory.put(sha256, known)
    return io.BufferedReader(_Compared(sha256, raw(), known, seekable), PIECE)


def whole(sha256: str, data: bytes) -> bytes:
    """`data` when it is the file of this name, else Damaged."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Damaged(sha256)
    return data


def soundness(store: "BlobStore", sha256: str) -> Soundness:
    """Whether a stored file is what its name says: read now, or in the last five minutes when the store says that
    nobody touched it since."""
    try:
        sure(store, sha256)
    except Damaged:
        return Soundness.DAMAGED
    except NotFound:
        return Soundness.MISSING
    except (DomainError, OSError):
        return Soundness.UNREACHABLE
    return Soundness.SOUND


def sure(store: "BlobStore", sha256: str) -> None:
    """The same, where it is an error when it is not: Damaged, NotFound."""
    told = (sha256, store.stamp(sha256))
    if time.monotonic() - _sound.get(told, float("-inf")) < _FRESH_S:
        return
    read_through(store, sha256)
    _note(told)


def note_sound(store: "BlobStore", sha256: str) -> None:
    """It was hashed this moment, when it was stored."""
    _note((sha256, store.stamp(sha256)))


def _note(told: tuple[str, object]) -> None:
    if len(_sound) > _MAX_NOTED:
        _sound.clear()
    _sound[told] = time.monotonic()


def read_through(store: "BlobStore", sha256: str) -> int:
    """Compare the whole file with its name, in little memory. Answers its size in bytes; Damaged, NotFound."""
    digest, size = hashlib.sha256(), 0
    with store.raw(sha256) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
            if len(piece) == PIECE:
                give_way()
    if digest.hexdigest() != sha256:
        raise Damaged(sha256)
    return size


def _read_through(sha256: str, head: bytes, file: IO[bytes]) -> _Pieces:
    digest, hashes, size = hashlib.sha256(), [], 0
    rest = io.BytesIO(head)
    while piece := _exactly(rest, PIECE):
        if len(piece) < PIECE:
            piece += _exactly(file, PIECE - len(piece))
            rest = file  # type: ignore[assignment]
        digest.update(piece)
        hashes.append(hashlib.sha256(piece).digest())
        size += len(piece)
        give_way()
    if digest.hexdigest() != sha256:
        raise Damaged(sha256)
    return _Pieces(size, tuple(hashes))


def _exactly(file: IO[bytes], count: int) -> bytes:
    """The next `count` bytes, fewer at the end: a body from the network gives what has come so far."""
    found = file.read(count)
    while len(found) < count and (more := file.read(count - len(found))):
        found += more
    return found


class _Compared(io.RawIOBase):
    """A large file whose pieces are compared one by one as they are read."""

    def __init__(self, sha256: str, file: IO[bytes], known: _Pieces, seekable: bool) -> None:
        self._sha256, self._file, self._known, self._seekable = sha256, file, known, seekable
        self._at = 0
        self._number, self._piece = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if not self._seekable:
            raise io.UnsupportedOperation("seek")
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._known.size}[whence])
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        number, start = divmod(self._at, PIECE)
        if number >= len(self._known.hashes):
            return 0
        if number != self._number:
            self._load(number)
        part = self._piece[start : start + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _load(self, number: int) -> None:
        if number != self._number + 1:
            self._file.seek(number * PIECE)
        self._number = _NOWHERE  # until the piece is known to be whole
        piece = _exactly(self._file, PIECE)
        if hashlib.sha256(piece).digest() != self._known.hashes[number]:
            raise Damaged(self._sha256)
        self._number, self._piece = number, piece
        give_way()
