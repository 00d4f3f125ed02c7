"""Files that come in pieces and go on after a cut. No more than one piece is ever in memory.

The row says how many bytes are here; the bytes lie in a file beside it. Where the two disagree after a power failure
the SHA-256 at the end finds it, and the sender begins again.
"""

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, ClassVar

import sqlalchemy as sa

from directory.actor import Actor
from docex.hub.models import Upload
from kernel import clock
from kernel.blobs import PIECE, Blob, BlobStore
from kernel.db import Tx
from kernel.errors import Conflict, Invalid, NotFound, WrongState
from kernel.outbox import Handler, Job
from kernel.text import phrase

ABANDONED = timedelta(hours=24)
MOST_OPEN = 50


class WrongHash(Conflict):
    """The bytes that came are not those that were announced."""

    code = "wrong_hash"


class WrongOffset(Conflict):
    """The piece does not begin where the file ends; `detail.offset` says where that is."""

    code = "wrong_offset"


@dataclass(frozen=True)
class Folder:
    """Where the pieces of unfinished files lie."""

    path: Path

    def write(self, upload_id: str, offset: int, data: bytes) -> None:
        """Put a piece at its place."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._file(upload_id), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.lseek(file, offset, os.SEEK_SET)
            with open(file, "wb", closefd=False) as stream:
                stream.write(data)
        finally:
            os.close(file)

    def open(self, upload_id: str) -> IO[bytes]:
        """The file so far; NotFound when it was swept."""
        try:
            return self._file(upload_id).open("rb")
        except FileNotFoundError as error:
            raise NotFound from error

    def remove(self, upload_id: str) -> None:
        """Forget the file."""
        with contextlib.suppress(FileNotFoundError):
            self._file(upload_id).unlink()

    def _file(self, upload_id: str) -> Path:
        if len(upload_id) != 32 or not all(c in "0123456789abcdef" for c in upload_id):
            raise NotFound
        return self.path / upload_id


def begin(tx: Tx, actor: Actor, size: int, sha256: str, *, max_bytes: int) -> Upload:
    """Announce a file. The same file again goes on with what is here already."""
    if size > max_bytes:
        message = phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=max_bytes // 1_000_000)
        raise Invalid({"size": message}, message)
    own = sa.select(Upload).where(Upload.client_id == actor.client_id)
    known = tx.session.scalar(
        own.where(Upload.sha256 == sha256, Upload.size == size).order_by(Upload.changed_at.desc())
    )
    if known is not None:
        return known
    open_ones = own.where(Upload.whole_at.is_(None)).with_only_columns(sa.func.count())
    if (tx.session.scalar(open_ones) or 0) >= MOST_OPEN:
        raise WrongState(phrase("Có quá nhiều tệp đang tải dở ({limit}).", limit=MOST_OPEN))
    now = clock.now()
    row = Upload(
        id=secrets.token_hex(16), client_id=actor.client_id, size=size, sha256=sha256, received=0, changed_at=now
    )
    tx.session.add(row)
    tx.session.flush()
    tx.outbox("hub.sweep", f"{row.id}:{int(now.timestamp())}", {"id": row.id}, due_at=now + ABANDONED)
    return row


def upload_for(tx: Tx, actor: Actor, upload_id: str) -> Upload:
    """An upload of this very system; locked when the transaction writes."""
    row = tx.session.get(Upload, upload_id, with_for_update=tx.writable, populate_existing=True)
    if row is None or row.client_id != actor.client_id:
        raise NotFound()
    return row


def check_piece(row: Upload, offset: str, data: bytes) -> int:
    """Where a piece belongs: at the end of what is here, or at the beginning to start over. Refuses all others."""
    if row.whole_at is not None:
        raise WrongState(phrase("Tệp này đã đủ."))
    if not (offset.isascii() and offset.isdigit() and len(offset) < 19) or int(offset) not in (row.received, 0):
        message = phrase("Đoạn tệp phải bắt đầu ở byte {offset}.", offset=row.received)
        raise WrongOffset(message, offset=row.received)
    if not data or len(data) > PIECE or int(offset) + len(data) > row.size:
        message = phrase("Đoạn tệp phải có từ 1 đến {limit} byte và không vượt quá cỡ đã báo.", limit=PIECE)
        raise Invalid({"body": message}, message)
    return int(offset)


def advance(tx: Tx, actor: Actor, upload_id: str, offset: int, length: int) -> Upload:
    """A piece has been written: count it, unless another one was faster."""
    row = upload_for(tx, actor, upload_id)
    if offset not in (row.received, 0) or row.whole_at is not None:
        raise WrongOffset(phrase("Đoạn tệp phải bắt đầu ở byte {offset}.", offset=row.received), offset=row.received)
    row.received, row.changed_at = offset + length, clock.now()
    return row


def store(row: Upload, folder: Folder, blobs: BlobStore) -> Blob:
    """Move a whole file into the blob store, piece by piece; WrongHash when it is not what was announced."""
    if row.whole_at is not None:
        return Blob(row.sha256, row.size)
    if row.received != row.size:
        message = phrase("Tệp mới nhận được {here} trên {size} byte.", here=row.received, size=row.size)
        raise WrongOffset(message, offset=row.received)
    with folder.open(row.id) as file:
        found = _fingerprint(file)
        if found != Blob(row.sha256, row.size):
            message = phrase("Nội dung nhận được không khớp mã SHA-256 đã báo. Xin gửi lại từ đầu.")
            raise WrongHash(message, sha256=found.sha256)
        file.seek(0)
        return blobs.put(file)


def finish(tx: Tx, actor: Actor, upload_id: str, blob: Blob) -> Upload:
    """The file is whole and stored; doing it again does nothing."""
    row = upload_for(tx, actor, upload_id)
    if row.whole_at is None:
        row.whole_at = row.changed_at = clock.now()
        tx.outbox("hub.sweep", f"{row.id}:whole", {"id": row.id})
    return row


def blob_of(tx: Tx, actor: Actor, upload_id: str) -> Blob:
    """The stored file that an upload has become."""
    row = upload_for(tx, actor, upload_id)
    if row.whole_at is None:
        raise WrongState(phrase("Tệp này chưa tải xong."))
    return Blob(row.sha256, row.size)


class SweepHandler(Handler[str, str]):
    """Remove the pieces of a file that is stored, or that nobody goes on with."""

    topic: ClassVar[str] = "hub.sweep"

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def prepare(self, tx: Tx, job: Job) -> str | None:
        """The file to remove; None while somebody goes on with it."""
        row = tx.session.get(Upload, job.payload["id"])
        if row is None or row.whole_at is not None:
            return str(job.payload["id"])
        until = row.changed_at + ABANDONED
        if until > clock.now():
            tx.outbox("hub.sweep", f"{row.id}:{int(until.timestamp())}", {"id": row.id}, due_at=until)
            return None
        return row.id

    def perform(self, prepared: str) -> str:
        """Remove it."""
        self.folder.remove(prepared)
        return prepared

    def conclude(self, tx: Tx, job: Job, result: str) -> None:
        """An abandoned upload is forgotten; a whole one stays, so that it can be named."""
        row = tx.session.get(Upload, result, with_for_update=True)
        if row is not None and row.whole_at is None:
            tx.session.delete(row)


def _fingerprint(file: IO[bytes]) -> Blob:
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    return Blob(digest.hexdigest(), size)
