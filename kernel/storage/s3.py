"""Files in a bucket of any S3, through boto3."""

import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from kernel import clock
from kernel.config import Config
from kernel.errors import NotFound, Unavailable
from kernel.storage import verified
from kernel.storage.blobs import Blob, Draft, Stored, is_name, put_in
from kernel.text import phrase

log = logging.getLogger(__name__)

RENEWED_AFTER = timedelta(days=1)
"""A file that is put again is copied onto itself only when it is older. It is swept at a far greater age."""
_TIMEOUTS = ClientConfig(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
"""Somebody may be waiting for the page: boto3 alone would try for five minutes."""


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
        return Draft(Path(path), exists=True)

    def keep(self, drafts: Sequence[Draft]) -> list[Blob]:
        """One after the other. What is stored when a later one fails is swept with the files that no row names."""
        blobs = [draft.blob() for draft in drafts]
        for draft, blob in zip(drafts, blobs, strict=True):
            draft.lay_down()
            self.adopt(draft.path, blob)
        return blobs

    def put(self, stream: IO[bytes], *, max_bytes: int | None = None) -> Blob:
        """Store what `stream` holds."""
        return put_in(self, stream, max_bytes)

    def adopt(self, path: Path, blob: Blob) -> None:
        """S3 answers only when it is durable. An equal file is not sent again, but is made young."""
        if not self.renew(blob.sha256):
            with _answering():
                self.client.upload_file(str(path), self.bucket, self._key(blob.sha256))
        path.unlink()

    def open(self, sha256: str) -> IO[bytes]:
        """The file for reading in pieces, straight from the bucket: one way only."""
        return verified.opened(sha256, partial(self.raw, sha256), seekable=False)

    def raw(self, sha256: str) -> IO[bytes]:
        """The file as the bucket gives it."""
        try:
            with _answering():
                body: IO[bytes] = self.client.get_object(Bucket=self.bucket, Key=self._key(sha256))["Body"]
        except self.client.exceptions.NoSuchKey as error:
            raise NotFound from error
        return body

    def stamp(self, sha256: str) -> object:
        """The digest that the bucket tells, and when it was last written."""
        head = self._head(sha256)
        if head is None:
            raise NotFound
        return self.bucket, head["ETag"], head["ContentLength"], head["LastModified"]

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
            with _answering():
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
        try:
            with _answering():
                head: dict[str, Any] = self.client.head_object(Bucket=self.bucket, Key=self._key(sha256))
        except ClientError as error:
            if error.response["Error"]["Code"] in _SAID:
                return None
            raise
        return head

    def _key(self, sha256: str) -> str:
        return f"{self.prefix}{sha256[:2]}/{sha256}"


def store_for(config: Config) -> S3Blobs:
    """The bucket that the settings name."""
    bucket, _, prefix = config.blobs_url.removeprefix("s3://").partition("/")
    client = boto3.client(
        "s3",
        endpoint_url=config.s3_endpoint or None,
        aws_access_key_id=config.s3_access_key or None,
        aws_secret_access_key=config.s3_secret_key or None,
        config=_TIMEOUTS,
    )
    return S3Blobs(client, bucket, f"{prefix.rstrip('/')}/" if prefix else "")


_SAID = frozenset({"404", "NoSuchKey", "NotFound"})


@contextmanager
def _answering() -> Iterator[None]:
    """Unavailable when the store does not answer or refuses us; that a file is not there is left to the caller."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in _SAID:
            raise
        log.exception("the file store")
        raise Unavailable(phrase("Kho tệp đang không trả lời. Xin thử lại sau ít phút.")) from error
