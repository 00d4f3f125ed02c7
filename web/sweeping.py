"""Files that nobody refers to: found and removed once a week, or by `lienthong sweep`."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from docex.exchange.hub.uploads import leftovers
from docex.exchange.hub.uploads.resumable import Folder
from kernel import clock
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.outbox import Handler, Job
from kernel.storage.blobs import BlobStore, store_for
from kernel.storage.sweep import Found, sweep
from web import rooms, topics

EVERY = timedelta(days=7)
TOPIC = topics.SWEEP_FILES
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Swept:
    """What a look at the store and at the unfinished uploads of this machine found."""

    found: Found
    pieces: int


def swept(config: Config, blobs: BlobStore, *, older_than: timedelta, remove: bool) -> Swept:
    """Look, and remove when asked to. The look is long, so it has a connection of its own."""
    rooms.load_models()  # a table that is not known here would have its files taken for nobody's
    before = clock.of_files() - older_than
    folder = Folder(config.data_dir / "uploads")
    db = Database(config.sql_url)
    try:
        found = sweep(db, blobs, before=before, remove=remove)
        with db.read() as tx:
            left = leftovers.pieces(tx, folder, before)
    finally:
        db.close()
    for upload_id in left if remove else ():
        folder.remove(upload_id)
    return Swept(found, len(left))


def by_hand(config: Config, *, days: int, remove: bool) -> Swept:
    """For the command line."""
    return swept(config, store_for(config), older_than=timedelta(days=days), remove=remove)


def enqueue(tx: Tx) -> None:
    """Enqueue the next sweep: one a week, whoever asks for it."""
    week = clock.today().isocalendar()
    tx.outbox(TOPIC, f"{week.year}-{week.week}", due_at=clock.now() + timedelta(hours=1))


class SweepFiles(Handler[timedelta, Swept]):
    """The weekly sweep. Doing it again finds what is left."""

    topic = TOPIC
    at_once = 1
    lease_s = 6 * 3600

    def __init__(self, config: Config, blobs: BlobStore) -> None:
        self._config, self._blobs = config, blobs

    def prepare(self, tx: Tx, job: Job) -> timedelta | None:
        """From which age on; None when it is switched off."""
        days = self._config.orphan_days
        return timedelta(days=days) if days else None

    def perform(self, prepared: timedelta) -> Swept:
        """Look and remove."""
        return swept(self._config, self._blobs, older_than=prepared, remove=True)

    def conclude(self, tx: Tx, job: Job, result: Swept) -> None:
        """It leaves a line in the audit, since files are gone for good."""
        found = result.found
        log.info("swept %d files of %d, %d drafts, %d uploads", found.removed, found.files, found.drafts, result.pieces)
        if found.removed:
            detail = {"files": found.removed, "bytes": found.orphan_bytes, "first": [one.sha256 for one in found.names]}
            tx.audit("system", "store.swept", f"week:{job.key}", detail)
