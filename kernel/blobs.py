"""Content-addressed files: written once, named by their SHA-256, never changed. On disk, or in any S3 through boto3."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from kernel.config import Config
from kernel.errors import Invalid, NotFound
from kernel.text import phrase

PIECE = 1 << 20


@dataclass(frozen=True)
class Blob:
    """A stored file: its SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int


class BlobStore(Protocol):
    """Where files lie. All methods are safe in threads."""

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds, durably, before answering. Invalid(file) when it is larger than `max_bytes`."""

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces; NotFound when it is not there."""

    def size(self, sha256: str) -> int:
        """Its size in bytes; NotFound when it is not there."""

    def check(self) -> None:
        """Write and read a small file; OSError or the library's error when that fails."""


def read_all(store: BlobStore, sha256: str) -> bytes:
    """The whole file in memory, for work on small papers."""
    with store.open(sha256) as file:
        return file.read()


def pieces(stream: IO[bytes], max_bytes: int | None) -> Iterator[bytes]:
    """What `stream` holds in pieces of at most 1 MiB; Invalid(file) as soon as it exceeds `max_bytes`."""
    total = 0
    while piece := stream.read(PIECE):
        total += len(piece)
        if max_bytes is not None and total > max_bytes:
            limit = max_bytes // 1_000_000
            raise Invalid({"file": phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=limit)})
        yield piece


class DiskBlobs:
    """Files in a folder, two levels deep. A file appears under its name only when it is complete and synced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds; the folder is synced too, so the name survives a power failure."""
        drafts = self.folder / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        draft = drafts / secrets.token_hex(16)
        try:
            with draft.open("xb") as file:
                for piece in pieces(stream, max_bytes):
                    digest.update(piece)
                    size += len(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            target = self._path(digest.hexdigest())
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
            _sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)
        return Blob(digest.hexdigest(), size)

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

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not all(c in "0123456789abcdef" for c in sha256):
            raise NotFound
        return self.folder / sha256[:2] / sha256


class S3Blobs:
    """Files in a bucket of any S3. They are hashed into a temporary file first, since the name is the hash."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self.client = client
        self.bucket = bucket
        self.prefix = prefix

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds; S3 answers only when it is durable. An equal file is not sent again."""
        digest, size = hashlib.sha256(), 0
        with tempfile.TemporaryFile() as file:
            for piece in pieces(stream, max_bytes):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
            file.seek(0)
            blob = Blob(digest.hexdigest(), size)
            if not self._has(blob.sha256):
                self.client.upload_fileobj(file, self.bucket, self._key(blob.sha256))
        return blob

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces, straight from the bucket."""
        try:
            body: IO[bytes] = self.client.get_object(Bucket=self.bucket, Key=self._key(sha256))["Body"]
        except self.client.exceptions.NoSuchKey as error:
            raise NotFound from error
        return body

    def size(self, sha256: str) -> int:
        """Its size in bytes."""
        if not self._has(sha256):
            raise NotFound
        return int(self.client.head_object(Bucket=self.bucket, Key=self._key(sha256))["ContentLength"])

    def check(self) -> None:
        """Write and read a small file."""
        with tempfile.TemporaryFile() as file:
            file.write(b"lienthong")
            file.seek(0)
            self.open(self.put(file).sha256).close()

    def _has(self, sha256: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self.client.head_object(Bucket=self.bucket, Key=self._key(sha256))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                return False
            raise
        return True

    def _key(self, sha256: str) -> str:
        return f"{self.prefix}{sha256[:2]}/{sha256}"


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


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
