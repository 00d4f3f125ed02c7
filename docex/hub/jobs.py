"""The worker's part of the hub."""

from docex.hub import mailbox, terms, way
from docex.hub.uploads import Folder, SweepHandler
from docex.hub.webhooks import WebhookHandler
from kernel import outbox
from kernel.blobs import BlobStore
from kernel.config import Config
from kernel.db import Tx
from kernel.outbox import Job
from signing import receipts

__all__ = ["collect", "register_jobs", "way"]


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the hub's jobs."""
    receipts.use(config)
    outbox.register(SweepHandler(Folder(config.data_dir / "uploads")))
    outbox.register(WebhookHandler(anywhere=config.webhooks_anywhere, at_once=max(1, config.worker_threads // 2)))


@outbox.handler("hub.collect")
def collect(tx: Tx, job: Job) -> None:
    """An agency's system asked for the first time: bring it what was handed in before."""
    mailbox.collect(tx, job.payload["agency_id"], job.payload["after"])


@outbox.handler("hub.expire")
def expire(tx: Tx, job: Job) -> None:
    """The term of an envelope has ended."""
    terms.expire(tx, job.payload["dispatch_id"], job.payload["after"])


@outbox.handler("hub.alarm")
def alarm(tx: Tx, job: Job) -> None:
    """A document still waits to be fetched."""
    terms.alarm(tx, job.payload["parcel_id"], job.payload["step"], job.payload["turn"])
