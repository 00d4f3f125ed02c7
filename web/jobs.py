"""What must be swept: old stream events, finished jobs and names of uploads each day, files without a row each week."""

from datetime import timedelta

import sqlalchemy as sa

from docex.exchange.hub.uploads import leftovers
from kernel import clock, outbox, streams
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.outbox import Job, OutboxRow, State
from kernel.storage.blobs import BlobStore
from web import integrity, sweeping, topics
from web.integrity import CheckStored
from web.sweeping import SweepFiles

EVENTS_KEPT = timedelta(days=7)
JOBS_KEPT = timedelta(days=30)
TOPIC = topics.SWEEP


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Serve the sweeps."""
    outbox.handler(TOPIC)(sweep)
    outbox.register(SweepFiles(config, blobs))
    outbox.register(CheckStored(config, blobs))


def begin(db: Database) -> None:
    """See to it that today's sweep and the next look at what is stored are enqueued; each enqueues the next."""
    with db.write() as tx:
        integrity.enqueue(tx)
        tx.outbox(TOPIC, clock.today().isoformat())


def sweep(tx: Tx, job: Job) -> None:
    """Forget what nobody needs any more. Failed and unknown jobs stay until an operator has seen them."""
    streams.prune(tx, clock.now() - EVENTS_KEPT)
    tx.session.execute(
        sa.delete(OutboxRow)
        .where(OutboxRow.state.in_([State.DONE, State.CANCELLED]), OutboxRow.finished_at < clock.now() - JOBS_KEPT)
        .execution_options(synchronize_session=False)
    )
    leftovers.forget_named(tx)
    sweeping.enqueue(tx)
    tomorrow = clock.today() + timedelta(days=1)
    tx.outbox(TOPIC, tomorrow.isoformat(), due_at=clock.now() + timedelta(days=1))
