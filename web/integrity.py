"""What is stored is read again: the audit every night, the files of the store within eight nights. A night that found
something ends as a failed job, which `lienthong doctor` shows until a later night finds nothing."""

import logging
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from kernel import clock
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.outbox import Handler, Job, OutboxRow, SendError, State, why
from kernel.storage import blob_check
from kernel.storage.blob_check import Checked
from kernel.storage.blobs import BlobStore, store_for
from kernel.text import Phrase, phrase
from signing.log import audit_heads
from signing.log.audit_heads import Walked
from web import rooms, topics

TOPIC = topics.CHECK_STORED
NIGHTS = 8
_HOUR = time(1, 30)
_SHOWN = 5
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What a night found."""

    audit: Walked
    files: Checked


def look(config: Config, blobs: BlobStore, night: int) -> Found:
    """Walk the audit, and read the share of the store that is this night's. It has a connection of its own."""
    rooms.load_models()
    shelves = {f"{number:02x}" for number in range(256) if number % NIGHTS == night % NIGHTS}
    db = Database(config.sql_url)
    try:
        with db.read() as tx:
            walked = audit_heads.check(tx)
        return Found(walked, blob_check.check(db, blobs, shelves=shelves))
    finally:
        db.close()


def files_by_hand(config: Config) -> Checked:
    """Read all files again, for the command line."""
    rooms.load_models()
    db = Database(config.sql_url)
    try:
        return blob_check.check(db, store_for(config))
    finally:
        db.close()


def told(found: Found) -> Phrase | None:
    """What is wrong, in a sentence; None when nothing is."""
    breaks = ", ".join(f"{chain}: {seq}" for chain, seq in found.audit.breaks[:_SHOWN])
    files = ", ".join(name[:16] for name in (*found.files.damaged, *found.files.missing)[:_SHOWN])
    if breaks and files:
        return phrase("Nhật ký thao tác bị sửa ở {breaks}; tệp hỏng hoặc mất: {files}.", breaks=breaks, files=files)
    if breaks:
        return phrase("Nhật ký thao tác bị sửa ở {breaks}.", breaks=breaks)
    return phrase("Tệp trong kho bị hỏng hoặc mất: {files}.", files=files) if files else None


def enqueue(tx: Tx) -> None:
    """Enqueue the next night's check."""
    now = clock.now()
    at = datetime.combine(clock.today(), _HOUR, clock.VN)
    at += timedelta(days=1) if at <= now else timedelta()
    tx.outbox(TOPIC, at.date().isoformat(), {"night": at.toordinal()}, due_at=at)


def last_night(tx: Tx) -> Phrase | None:
    """What the last night that ended found wrong; None when nothing, or when there was no night yet."""
    ended = sa.select(OutboxRow).where(OutboxRow.topic == TOPIC, OutboxRow.state.in_([State.DONE, State.FAILED]))
    row = tx.session.scalar(ended.order_by(OutboxRow.id.desc()).limit(1))
    return why(row) if row is not None and row.state == State.FAILED else None


class CheckStored(Handler[int, None]):
    """A night's look. Doing it again reads again."""

    topic = TOPIC
    at_once = 1
    lease_s = 6 * 3600

    def __init__(self, config: Config, blobs: BlobStore) -> None:
        self._config, self._blobs = config, blobs

    def prepare(self, tx: Tx, job: Job) -> int:
        """Enqueue the next night first, so that one that fails does not end the row of nights."""
        enqueue(tx)
        return int(job.payload.get("night", 0))

    def perform(self, prepared: int) -> None:
        """Look; what is wrong ends the job as failed."""
        found = look(self._config, self._blobs, prepared)
        if (wrong := told(found)) is not None:
            log.error("what is stored was changed: %s", wrong.en)
            raise SendError(wrong, permanent=True)
        log.info("audit: %d entries, store: %d files read, all whole", found.audit.entries, found.files.read)
