"""The job that makes heads of the audit chains leaves of the evidence log, every ten minutes."""

from datetime import UTC, datetime, timedelta

from kernel import clock, outbox
from kernel.db import Database, Tx
from kernel.outbox import Job
from signing import topics
from signing.log import audit_heads

EVERY = timedelta(minutes=10)
TOPIC = topics.MARK_AUDIT


def register() -> None:
    """Make this process able to do it."""
    outbox.handler(TOPIC)(mark)


def begin(db: Database) -> None:
    """See to it that the next turn is enqueued; every turn enqueues the one after it."""
    with db.write() as tx:
        enqueue(tx)


def enqueue(tx: Tx) -> None:
    """Enqueue the next turn, at the end of these ten minutes."""
    now = clock.now()
    at = now + EVERY - (now - datetime.min.replace(tzinfo=UTC)) % EVERY
    tx.outbox(TOPIC, at.isoformat(), due_at=at)


def mark(tx: Tx, job: Job) -> None:
    """Make a leaf of what has grown; the sequencer gives it its number within a minute."""
    enqueue(tx)
    audit_heads.mark(tx)
