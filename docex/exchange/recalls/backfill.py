"""Recalls of older releases that wait for somebody who never had the document: freed once, when a worker starts.

A stretch at a time, in the order of their rows. Doing it again finds nothing left.
"""

import sqlalchemy as sa

from docex.documents.models import Delivery
from docex.edxml.progress import LOST, Recall
from docex.exchange.recalls import withdrawal
from kernel import outbox
from kernel.db import Database, Tx
from kernel.outbox import Job

TOPIC = "docex.free_asked"
BATCH_SIZE = 100


def begin(db: Database) -> None:
    """Enqueue the first batch, when there is anything to free."""
    with db.read() as tx:
        left = _lost(tx, 0)
    if left:
        with db.write() as tx:
            tx.outbox(TOPIC, f"from:{left[0]}", {"after": left[0] - 1})


@outbox.handler(TOPIC)
def free_asked(tx: Tx, job: Job) -> None:
    """One batch, and the job of the next one."""
    found = _lost(tx, int(job.payload["after"]))
    withdrawal.free(tx, found)
    if len(found) == BATCH_SIZE:
        tx.outbox(TOPIC, f"after:{found[-1]}", {"after": found[-1]})


def _lost(tx: Tx, after: int) -> list[int]:
    """Deliveries that were asked for something that never came there and will not come any more."""
    lost = sa.select(Delivery.id).where(
        Delivery.recall == Recall.ASKED, Delivery.progress.in_(LOST), Delivery.id > after
    )
    return list(tx.session.scalars(lost.order_by(Delivery.id).limit(BATCH_SIZE)))
