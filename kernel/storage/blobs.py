"""Content-addressed files: written once, named by their SHA-256, never changed. On disk, or in any S3
(`kernel.storage.s3`)."""

import errno
import hashlib
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from kernel.config import Config
from kernel.errors import Invalid, NotFound, Unavailable
from kernel.storage import verified
from kernel.text import phrase
from kernel.turns import give_way

PIECE = 1 << 20
_SMALL, _FEW = 1 << 18, 8
"""So many bytes of a draft wait in memory, of so many drafts that are on their way together: usual papers are no files
before they are stored, and then in a turn aside."""
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Blob:
    """A stored file: its SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Stored:
    """A file in a store, and when it was last put there."""

    sha256: str
    size: int
    at: datetime


class Draft:
    """A file on its way into a store: hashed while it is written, kept by the store or dropped in the end.

    A small one is in memory until it is stored. A large one holds an open file only while it is written and read, so
    that hundreds may be on their way at once.
    """

    def __init__(self, path: Path, *, exists: bool = False) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        self._memory: io.BytesIO | None = io.BytesIO()
        self._file: IO[bytes] | None = None
        self.exists, self._is_closed = exists, False  # something lies at `path`
        self.most_in_memory = _SMALL

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        assert not self._is_closed, "nothing is written to a draft that was read"
        self._digest.update(piece)
        self.size += len(piece)
        if self._memory is not None and self._memory.tell() + len(piece) > self.most_in_memory:
            self._begin_file(self._memory)
        to = self._file or self._memory
        assert to is not None
        to.write(piece)

    def fill(self, stream: IO[bytes], max_bytes: int | None = None) -> None:
        """All that `stream` holds; Invalid(file) as soon as that exceeds `max_bytes`."""
        for piece in pieces(stream, max_bytes):
            self.write(piece)

    def close(self) -> None:
        """Nothing more is written."""
        self._is_closed = True
        if self._file is not None:
            self._file.close()
            self._file = None

    def open(self) -> IO[bytes]:
        """What was written, for reading."""
        self.close()
        return self.path.open("rb") if self._memory is None else io.BytesIO(self._memory.getvalue())

    def lay_down(self) -> None:
        """Have it in its file, also when it is small; nothing more is written."""
        self._is_closed = True
        if self._memory is not None:
            self._begin_file(self._memory)
        self.close()

    def blob(self) -> Blob:
        """What a store will call it; nothing more is written."""
        self.close()
        return Blob(self._digest.hexdigest(), self.size)

    def drop(self) -> None:
        """Forget what was written; nothing happens when it was kept."""
        with suppress(OSError):  # a full disk that has said so already
            self.close()
        if self.exists:
            self.path.unlink(missing_ok=True)

    def _begin_file(self, memory: io.BytesIO) -> None:
        make_folder(self.path.parent)
        self._file, self.exists = open(os.open(self.path, _FRESH, 0o600), "wb"), True  # noqa: SIM115 - see `close`
        self._file.write(memory.getvalue())
        self._memory = None


class BlobStore(Protocol):
    """Where files lie. All methods are safe in threads."""

    def draft(self) -> Draft:
        """A new file, to be written piece by piece."""

    def keep(self, drafts: Sequence[Draft]) -> list[Blob]:
        """Store drafts of this store for good; all are durable when it answers."""

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds, durably, before answering. Invalid(file) when it is larger than `max_bytes`."""

    def adopt(self, path: Path, blob: Blob) -> None:
        """Store a file that lies on this machine and is known to be `blob`; it is no longer under `path` then."""

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces, each compared with what it must be; NotFound when it is not there, Damaged
        when it is no longer what its name says (kernel.storage.verified)."""

    def raw(self, sha256: str) -> IO[bytes]:
        """The file as it lies there, compared with nothing; NotFound when it is not there."""

    def stamp(self, sha256: str) -> object:
        """What the store itself says of the file; another one as soon as somebody writes it. NotFound."""

    def size(self, sha256: str) -> int:
        """Its size in bytes; NotFound when it is not there."""

    def check(self) -> None:
        """Write and read a small file; OSError or the library's error when that fails."""

    def listed(self) -> Iterator[Stored]:
        """Every file, in no order."""

    def renew(self, sha256: str) -> bool:
        """Make it as young as if it were put again, before a row names it; False when it is not there."""

    def remove(self, sha256: str, before: datetime) -> bool:
        """Forget a file that was last put there before that moment; False when it is younger, or not there."""

    def sweep_drafts(self, before: datetime, *, remove: bool) -> int:
        """How many drafts a process that died has left on this machine; they are removed when asked for."""


def read_all(store: BlobStore, sha256: str) -> bytes:
    """The whole file in memory, for work on small papers."""
    with store.raw(sha256) as file:
        return verified.whole(sha256, file.read())


def fingerprint(file: IO[bytes]) -> Blob:
    """What a store will call the file, read from its beginning."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    for piece in pieces(file, None):
        digest.update(piece)
        size += len(piece)
    return Blob(digest.hexdigest(), size)


@contextmanager
def at_hand(store: BlobStore, sha256: str) -> Iterator[IO[bytes]]:
    """The file as a real one of this machine, in which it is possible to go back, compared with its name beforehand. A
    store elsewhere is asked once, into a temporary file."""
    with store.raw(sha256) as file:
        if file.seekable():
            verified.sure(store, sha256)
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy, PIECE)
            if fingerprint(copy).sha256 != sha256:
                raise verified.Damaged(sha256)
            copy.seek(0)
            yield copy


@contextmanager
def drafts(store: BlobStore) -> Iterator[Callable[[], Draft]]:
    """Gives new drafts; those that were not kept are dropped at the end. Unavailable when the disk is full."""
    made: list[Draft] = []

    def another() -> Draft:
        made.append(store.draft())
        if len(made) > _FEW:
            made[-1].most_in_memory = 0
        return made[-1]

    try:
        yield another
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Unavailable(phrase("Kho tệp đã hết chỗ nên chưa lưu được. Xin báo quản trị viên.")) from error
        raise
    finally:
        for draft in made:
            draft.drop()


def put_in(store: BlobStore, stream: IO[bytes], max_bytes: int | None) -> Blob:
    """Fill a draft of the store from `stream` and keep it."""
    with drafts(store) as another:
        draft = another()
        draft.fill(stream, max_bytes)
        return store.keep([draft])[0]


def pieces(stream: IO[bytes], max_bytes: int | None) -> Iterator[bytes]:
    """What `stream` holds in pieces of at most 1 MiB; Invalid(file) as soon as it exceeds `max_bytes`."""
    total = 0
    while piece := stream.read(PIECE):
        total += len(piece)
        if max_bytes is not None and total > max_bytes:
            limit = max_bytes // 1_000_000
            raise Invalid({"file": phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=limit)})
        yield piece
        if len(piece) == PIECE:
            give_way()


Aside = Callable[[Callable[[], bool]], bool]
"""Does work that stops its thread for milliseconds, and answers as the work does."""


class DiskBlobs:
    """Files in a folder, two levels deep. A file appears under its name only when it is complete and synced.

    A process of green threads sets `aside` to what does such work in another thread: while one of its requests waits
    for the disk, the others go on, and the disk syncs the files of several at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aside: Aside = _here

    def draft(self) -> Draft:
        """A new file among the drafts."""
        return Draft(self.folder / "drafts" / secrets.token_hex(16))

    def keep(self, drafts: Sequence[Draft]) -> list[Blob]:
        """Move them to their places, all in one turn aside."""
        blobs = [draft.blob() for draft in drafts]
        places = {draft.path: self._path(blob.sha256) for draft, blob in zip(drafts, blobs, strict=True)}
        self.aside(partial(_store, drafts, places))
        for blob in blobs:
            if blob.size > verified.SMALL:
                verified.note_sound(self, blob.sha256)
        return blobs

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds."""
        return put_in(self, stream, max_bytes)

    def adopt(self, path: Path, blob: Blob) -> None:
        """Move it to its place."""
        if not self.aside(partial(_settle, {path: self._path(blob.sha256)})):
            with path.open("rb") as file:  # from another disk
                self.put(file)
            path.unlink()

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces."""
        return verified.opened(sha256, partial(self.raw, sha256), seekable=True)

    def raw(self, sha256: str) -> IO[bytes]:
        """The file as it lies on the disk."""
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise NotFound from error

    def stamp(self, sha256: str) -> object:
        """Which file it is, and when it was last changed by the clock of the kernel, which no program sets back."""
        try:
            told = self._path(sha256).stat()
        except FileNotFoundError as error:
            raise NotFound from error
        return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns

    def size(self, sha256: str) -> int:
        """Its size in bytes."""
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError as error:
            raise NotFound from error

    def check(self) -> None:
        """Write and read a small file."""
        with tempfile.TemporaryFile() as file:
            file.write(b"lienthong")
            file.seek(0)
            self.open(self.put(file).sha256).close()

    def listed(self) -> Iterator[Stored]:
        """Every file, folder by folder."""
        for shelf in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            for path in shelf.iterdir():
                if is_name(path.name):
                    facts = path.stat()
                    yield Stored(path.name, facts.st_size, _moment(facts.st_mtime))
            give_way()

    def renew(self, sha256: str) -> bool:
        """Its time of change becomes now."""
        try:
            os.utime(self._path(sha256))
        except FileNotFoundError:
            return False
        return True

    def remove(self, sha256: str, before: datetime) -> bool:
        """Put it aside first and look at its age then, so that one that is put here meanwhile stays."""
        path, aside = self._path(sha256), self.folder / "drafts" / secrets.token_hex(16)
        make_folder(aside.parent)
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        if _moment(aside.stat().st_mtime) >= before:
            aside.rename(path)
            return False
        aside.unlink()
        return True

    def sweep_drafts(self, before: datetime, *, remove: bool) -> int:
        """Those among the drafts to which nothing was added since then."""
        old = [path for path in (self.folder / "drafts").glob("*") if _moment(path.stat().st_mtime) < before]
        for path in old if remove else ():
            path.unlink(missing_ok=True)
        return len(old)

    def _path(self, sha256: str) -> Path:
        if not is_name(sha256):
            raise NotFound
        return self.folder / sha256[:2] / sha256


def make_folder(folder: Path) -> None:
    """Make a folder for its owner only, and those above it that are missing."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def is_name(text: str) -> bool:
    """Whether a store may have given this name to a file."""
    return len(text) == 64 and all(c in "0123456789abcdef" for c in text)


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def store_for(config: Config) -> BlobStore:
    """The store that the settings name."""
    if not config.blobs_url:
        return DiskBlobs(config.blobs_dir)
    from kernel.storage import s3  # takes a second to load, and most installations never need it

    return s3.store_for(config)


def _here(work: Callable[[], bool]) -> bool:
    return work()


def _store(drafts: Sequence[Draft], places: Mapping[Path, Path]) -> bool:
    for draft in drafts:
        draft.lay_down()
    if not _settle(places):
        return False
    for draft in drafts:
        draft.exists = False
    return True


def _settle(places: Mapping[Path, Path]) -> bool:
    """Move files to their places; False when they lie on another disk. They are synced first, and their folders after
    it, so that also the names survive a power failure. A folder costs the disk little when its neighbour was synced
    just before."""
    for path in places:
        _sync(path, os.O_RDWR)
    for path, target in places.items():
        make_folder(target.parent)
        try:
            path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
    for folder in {target.parent for target in places.values()}:
        _sync(folder, os.O_RDONLY)
    return True


def _sync(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
