"""Content-addressed files: written once, named by their SHA-256, never changed. On disk, or in any S3 through boto3."""

import errno
import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol

from kernel import clock
from kernel.config import Config
from kernel.errors import Invalid, NotFound
from kernel.text import phrase

PIECE = 1 << 20
RENEWED_AFTER = timedelta(days=1)
"""A file in S3 that is put again is copied onto itself only when it is older. It is swept at a far greater age."""


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
    """A file on its way into a store: hashed while it is written, kept or dropped in the end.

    It holds an open file only while it is written and read, so that hundreds may be on their way at once.
    """

    def __init__(self, path: Path, adopt: Callable[[Path, Blob], None]) -> None:
        self.path = path
        self.size = 0
        self._adopt = adopt
        self._digest = hashlib.sha256()
        self._file: IO[bytes] | None = path.open("wb")

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        assert self._file is not None, "nothing is written to a draft that was read"
        self._digest.update(piece)
        self.size += len(piece)
        self._file.write(piece)

    def close(self) -> None:
        """Nothing more is written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def open(self) -> IO[bytes]:
        """What was written, for reading."""
        self.close()
        return self.path.open("rb")

    def keep(self) -> Blob:
        """Store it for good; it is durable when this returns."""
        self.close()
        blob = Blob(self._digest.hexdigest(), self.size)
        self._adopt(self.path, blob)
        return blob

    def drop(self) -> None:
        """Forget what was written; nothing happens when it was kept."""
        self.close()
        self.path.unlink(missing_ok=True)


class BlobStore(Protocol):
    """Where files lie. All methods are safe in threads."""

    def draft(self) -> Draft:
        """A new file, to be written piece by piece."""

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds, durably, before answering. Invalid(file) when it is larger than `max_bytes`."""

    def adopt(self, path: Path, blob: Blob) -> None:
        """Store a file that lies on this machine and is known to be `blob`; it is no longer under `path` then."""

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces; NotFound when it is not there."""

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
    with store.open(sha256) as file:
        return file.read()


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
    """The file as one in which it is possible to go back: a store elsewhere is asked once, into a temporary file."""
    with store.open(sha256) as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy, PIECE)
            copy.seek(0)
            yield copy


@contextmanager
def drafts(store: BlobStore) -> Iterator[Callable[[], Draft]]:
    """Gives new drafts; those that were not kept are dropped at the end."""
    made: list[Draft] = []

    def another() -> Draft:
        made.append(store.draft())
        return made[-1]

    try:
        yield another
    finally:
        for draft in made:
            draft.drop()


def _put(draft: Draft, stream: IO[bytes], max_bytes: int | None) -> Blob:
    try:
        for piece in pieces(stream, max_bytes):
            draft.write(piece)
        return draft.keep()
    finally:
        draft.drop()


def pieces(stream: IO[bytes], max_bytes: int | None) -> Iterator[bytes]:
    """What `stream` holds in pieces of at most 1 MiB; Invalid(file) as soon as it exceeds `max_bytes`."""
    total = 0
    while piece := stream.read(PIECE):
        total += len(piece)
        if max_bytes is not None and total > max_bytes:
            limit = max_bytes // 1_000_000
            raise Invalid({"file": phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=limit)})
        yield piece
        time.sleep(0)  # green threads take their turns between the pieces of a large file


class DiskBlobs:
    """Files in a folder, two levels deep. A file appears under its name only when it is complete and synced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def draft(self) -> Draft:
        """A new file among the drafts."""
        drafts = self.folder / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        return Draft(drafts / secrets.token_hex(16), self.adopt)

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds."""
        return _put(self.draft(), stream, max_bytes)

    def adopt(self, path: Path, blob: Blob) -> None:
        """Move it to its place. It is synced, and its folder too, so that also the name survives a power failure."""
        target = self._path(blob.sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(path, os.O_RDWR)
        try:
            path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with path.open("rb") as file:  # from another disk
                self.put(file)
            path.unlink()
        _sync(target.parent, os.O_RDONLY)

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces."""
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise NotFound from error

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
            time.sleep(0)

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
        aside.parent.mkdir(parents=True, exist_ok=True)
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


class S3Blobs:
    """Files in a bucket of any S3. They are hashed into a temporary file first, since the name is the hash."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self.client = client
        self.bucket = bucket
        self.prefix = prefix

    def draft(self) -> Draft:
        """A new temporary file."""
        handle, path = tempfile.mkstemp(prefix="lienthong-")
        os.close(handle)
        return Draft(Path(path), self.adopt)

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds."""
        return _put(self.draft(), stream, max_bytes)

    def adopt(self, path: Path, blob: Blob) -> None:
        """S3 answers only when it is durable. An equal file is not sent again, but is made young."""
        if not self.renew(blob.sha256):
            self.client.upload_file(str(path), self.bucket, self._key(blob.sha256))
        path.unlink()

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces, straight from the bucket."""
        try:
            body: IO[bytes] = self.client.get_object(Bucket=self.bucket, Key=self._key(sha256))["Body"]
        except self.client.exceptions.NoSuchKey as error:
            raise NotFound from error
        return body

    def size(self, sha256: str) -> int:
        """Its size in bytes."""
        head = self._head(sha256)
        if head is None:
            raise NotFound
        return int(head["ContentLength"])

    def check(self) -> None:
        """Write and read a small file."""
        with tempfile.TemporaryFile() as file:
            file.write(b"lienthong")
            file.seek(0)
            self.open(self.put(file).sha256).close()

    def listed(self) -> Iterator[Stored]:
        """Every file, page by page."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
            for row in page.get("Contents", ()):
                name = str(row["Key"]).rpartition("/")[2]
                if is_name(name):
                    yield Stored(name, int(row["Size"]), row["LastModified"])

    def renew(self, sha256: str) -> bool:
        """S3 knows no other way than copying it onto itself, which it does without us; once a day is enough."""
        head = self._head(sha256)
        if head is None:
            return False
        if clock.of_files() - head["LastModified"] > RENEWED_AFTER:
            place = {"Bucket": self.bucket, "Key": self._key(sha256)}
            self.client.copy(place, self.bucket, place["Key"], ExtraArgs={"MetadataDirective": "REPLACE"})
        return True

    def remove(self, sha256: str, before: datetime) -> bool:
        """Its age is looked at once more."""
        head = self._head(sha256)
        if head is None or head["LastModified"] >= before:
            return False
        self.client.delete_object(Bucket=self.bucket, Key=self._key(sha256))
        return True

    def sweep_drafts(self, before: datetime, *, remove: bool) -> int:
        """They lie among the temporary files of the machine, which has its own way to sweep those."""
        return 0

    def _head(self, sha256: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            head: dict[str, Any] = self.client.head_object(Bucket=self.bucket, Key=self._key(sha256))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
        return head

    def _key(self, sha256: str) -> str:
        return f"{self.prefix}{sha256[:2]}/{sha256}"


def is_name(text: str) -> bool:
    """Whether a store may have given this name to a file."""
    return len(text) == 64 and all(c in "0123456789abcdef" for c in text)


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def store_for(config: Config) -> BlobStore:
    """The store that the settings name."""
    if not config.blobs_url:
        return DiskBlobs(config.blobs_dir)
    import boto3  # takes a second to load, and most installations never need it

    bucket, _, prefix = config.blobs_url.removeprefix("s3://").partition("/")
    client = boto3.client(
        "s3",
        endpoint_url=config.s3_endpoint or None,
        aws_access_key_id=config.s3_access_key or None,
        aws_secret_access_key=config.s3_secret_key or None,
    )
    return S3Blobs(client, bucket, f"{prefix.rstrip('/')}/" if prefix else "")


def _sync(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
