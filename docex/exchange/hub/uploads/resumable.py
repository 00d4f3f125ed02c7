"""Files that come in pieces and go on after a cut. No more than one piece is ever in memory.

The row says what was announced; the length of the file beside it says how much is here, so that a piece costs no
write to the database. What a power failure does to the file, the SHA-256 at the end finds, and the sender begins again.
"""

import base64
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from directory.actor import Actor
from docex import topics
from docex.exchange.hub.models import Upload
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, Invalid, NotFound, Unavailable, WrongState
from kernel.outbox import Handler, Job
from kernel.storage.blobs import PIECE, Blob, BlobStore, fingerprint
from kernel.text import phrase

ABANDONED = timedelta(hours=24)
MAX_OPEN = 50
SPARE_BYTES = 500_000_000
"""The room that must stay free on the disk when a file is announced."""

_DIGEST = re.compile(r"(?:^|[\s,])sha-256\s*=\s*([^\s,]*)", re.IGNORECASE)
_SHA256 = re.compile(r":([A-Za-z0-9+/]{43}=):")


class TooLarge(Invalid):
    """The file is larger than the hub takes; `detail.most` is how large it may be."""

    status = 413
    code = "too_large"


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
        """Put a piece at its end, or at the beginning to start over, unless it is the beginning: then it came late and
        twice. A piece that cannot be written whole is not there at all."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.alone(upload_id, os.O_RDWR | os.O_CREAT) as file:
            here = os.fstat(file).st_size
            if not offset and len(data) <= here and os.pread(file, len(data), 0) == data:
                _touch(file)
                return
            if offset not in (here, 0):
                raise wrong_offset(here)
            os.ftruncate(file, offset)
            try:
                _write_all(file, offset, data)
            except OSError as error:
                os.ftruncate(file, offset)
                raise _no_room(error) from error
            _touch(file)

    @contextmanager
    def alone(self, upload_id: str, mode: int = os.O_RDWR) -> Iterator[int]:
        """The open file, with which nobody else does anything meanwhile; WrongOffset when somebody does.

        Nobody waits for the lock: that would stop all green threads of the process, also the one that has it.
        """
        path = self.file(upload_id)
        try:
            file = os.open(path, mode, 0o600)
        except FileNotFoundError:
            raise wrong_offset(0) from None
        try:
            if not _is_ours(file, path):
                raise wrong_offset(self.length(upload_id))
            yield file
        finally:
            os.close(file)

    def length(self, upload_id: str) -> int:
        """How many bytes are here."""
        try:
            return self.file(upload_id).stat().st_size
        except FileNotFoundError:
            return 0

    def touched_at(self, upload_id: str) -> datetime | None:
        """When the last piece came; None before the first."""
        try:
            return datetime.fromtimestamp(self.file(upload_id).stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    def move(self, upload_id: str, blobs: BlobStore, blob: Blob) -> None:
        """Into the store, with a mark that it was the announced file: the row may not be told any more."""
        self._mark(upload_id).touch()
        blobs.adopt(self.file(upload_id), blob)

    def was_moved(self, upload_id: str) -> bool:
        """Whether that was done. Without the mark whoever knows a hash could have the hub say that they have the
        file."""
        return self._mark(upload_id).exists() and self.length(upload_id) == 0

    def remove(self, upload_id: str) -> None:
        """Forget the file."""
        self.file(upload_id).unlink(missing_ok=True)
        self._mark(upload_id).unlink(missing_ok=True)

    def check_room(self, size: int) -> None:
        """Unavailable when the disk has no place for a file of this size."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(self.path).free < size + SPARE_BYTES:
            raise Unavailable(_NO_ROOM)

    def file(self, upload_id: str) -> Path:
        """Where the bytes are."""
        if len(upload_id) != 32 or not all(c in "0123456789abcdef" for c in upload_id):
            raise NotFound
        return self.path / upload_id

    def _mark(self, upload_id: str) -> Path:
        return self.file(upload_id).with_suffix(".moved")


_NO_ROOM = phrase("Trục tạm thời không đủ chỗ chứa tệp này. Xin thử lại sau.")


def _is_ours(file: int, path: Path) -> bool:
    """Whether nobody else has the file, and it was not moved into the store before that."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        return False


def _write_all(file: int, offset: int, data: bytes) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _no_room(error: OSError) -> Exception:
    return Unavailable(_NO_ROOM) if error.errno in (errno.ENOSPC, errno.EDQUOT) else error


def wrong_offset(here: int) -> WrongOffset:
    """The refusal that says where to go on."""
    return WrongOffset(phrase("Đoạn tệp phải bắt đầu ở byte {offset}.", offset=here), offset=here)


def begin(tx: Tx, actor: Actor, folder: Folder, size: int, sha256: str, *, max_bytes: int) -> Upload:
    """Announce a file. The same file again goes on with what is here already."""
    if size > max_bytes:
        message = phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=max_bytes // 1_000_000)
        raise TooLarge({"size": message}, message, most=max_bytes)
    own = sa.select(Upload).where(Upload.client_id == actor.client_id)
    known = tx.session.scalar(own.where(Upload.sha256 == sha256, Upload.size == size).order_by(Upload.begun_at.desc()))
    if known is not None:
        return known
    open_ones = own.where(Upload.whole_at.is_(None)).with_only_columns(sa.func.count())
    if (tx.session.scalar(open_ones) or 0) >= MAX_OPEN:
        raise WrongState(phrase("Có quá nhiều tệp đang tải dở ({limit}).", limit=MAX_OPEN))
    folder.check_room(size)
    now = clock.now()
    row = Upload(id=secrets.token_hex(16), client_id=actor.client_id, size=size, sha256=sha256, begun_at=now)
    tx.session.add(row)
    tx.session.flush()
    _enqueue_sweep(tx, row.id, now + ABANDONED)
    return row


def upload_for(tx: Tx, actor: Actor, upload_id: str, *, lock: bool = False) -> Upload:
    """An upload of this very system."""
    row = tx.session.get(Upload, upload_id, with_for_update=lock, populate_existing=True)
    if row is None or row.client_id != actor.client_id:
        raise NotFound()
    return row


def add(row: Upload, folder: Folder, offset: str, data: bytes, digest: str = "") -> None:
    """Write a piece to its place: at the end of what is here, or at the beginning to start over. `digest` is the
    piece's own, in the words of RFC 9530, when its sender gave one."""
    if row.whole_at is not None:
        raise WrongState(phrase("Tệp này đã đủ."))
    if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
        raise wrong_offset(folder.length(row.id))
    if not data or len(data) > PIECE or int(offset) + len(data) > row.size:
        message = phrase("Đoạn tệp phải có từ 1 đến {limit} byte và không vượt quá cỡ đã báo.", limit=PIECE)
        raise Invalid({"body": message}, message)
    _check_digest(data, digest)
    folder.write(row.id, int(offset), data)


def _touch(file: int) -> None:
    at = clock.now().timestamp()
    os.utime(file, (at, at))


def _check_digest(data: bytes, digest: str) -> None:
    """Other algorithms than SHA-256 are not ours to verify."""
    told = _DIGEST.search(digest)
    if told is None:
        return
    text = _SHA256.fullmatch(told[1])
    if text is None:
        message = phrase("Content-Digest phải ghi SHA-256 ở dạng Base64 giữa hai dấu hai chấm (RFC 9530).")
        raise Invalid({"Content-Digest": message}, message)
    found = hashlib.sha256(data).digest()
    if base64.b64decode(text[1]) != found:
        raise WrongHash(phrase("Đoạn tệp không khớp mã SHA-256 đi kèm. Xin gửi lại đoạn này."), sha256=found.hex())


def store(row: Upload, folder: Folder, blobs: BlobStore) -> Blob:
    """Move a whole file into the blob store; WrongHash when it is not what was announced."""
    announced = Blob(row.sha256, row.size)
    if row.whole_at is not None or (folder.was_moved(row.id) and _holds(blobs, announced)):
        return announced
    here = folder.length(row.id)
    if here != row.size:
        message = phrase("Tệp mới nhận được {here} trên {size} byte.", here=here, size=row.size)
        raise WrongOffset(message, offset=here)
    with folder.alone(row.id) as handle:
        with os.fdopen(handle, "rb", closefd=False) as file:
            found = fingerprint(file)
        if found != announced:
            message = phrase("Nội dung nhận được không khớp mã SHA-256 đã báo. Xin gửi lại từ đầu.")
            raise WrongHash(message, sha256=found.sha256)
        folder.move(row.id, blobs, found)
    return found


def _holds(blobs: BlobStore, blob: Blob) -> bool:
    try:
        return blobs.size(blob.sha256) == blob.size
    except NotFound:
        return False


def finish(tx: Tx, actor: Actor, upload_id: str) -> Upload:
    """The file is whole and stored; doing it again does nothing."""
    row = upload_for(tx, actor, upload_id, lock=True)
    if row.whole_at is None:
        row.whole_at = clock.now()
        tx.outbox(topics.HUB_SWEEP, f"{row.id}:whole", {"id": row.id})
    return row


def blob_of(tx: Tx, actor: Actor, upload_id: str) -> Blob:
    """The stored file that an upload has become."""
    row = upload_for(tx, actor, upload_id)
    if row.whole_at is None:
        raise WrongState(phrase("Tệp này chưa tải xong."))
    return Blob(row.sha256, row.size)


def _enqueue_sweep(tx: Tx, upload_id: str, at: datetime) -> None:
    tx.outbox(topics.HUB_SWEEP, f"{upload_id}:{int(at.timestamp())}", {"id": upload_id}, due_at=at)


class SweepHandler(Handler[str, str]):
    """Remove the pieces of a file that is stored, or that nobody goes on with."""

    topic = topics.HUB_SWEEP

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def prepare(self, tx: Tx, job: Job) -> str | None:
        """The file to remove; None while somebody goes on with it."""
        row = tx.session.get(Upload, job.payload["id"])
        if row is None or row.whole_at is not None:
            return str(job.payload["id"])
        until = (self.folder.touched_at(row.id) or row.begun_at) + ABANDONED
        if until > clock.now():
            _enqueue_sweep(tx, row.id, until)
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
