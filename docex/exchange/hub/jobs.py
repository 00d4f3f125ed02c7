"""The worker's part of the hub."""

from docex import topics
from docex.exchange.hub import mailbox, terms, transport
from docex.exchange.hub.uploads.resumable import Folder, SweepHandler
from docex.exchange.hub.webhooks import subscriptions
from docex.exchange.hub.webhooks.subscriptions import WebhookHandler
from kernel import outbox
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.outbox import Job
from kernel.storage.blobs import BlobStore
from signing.log import receipts

__all__ = ["begin_jobs", "collect", "register_jobs", "transport"]


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the hub's jobs."""
    receipts.use(config)
    outbox.register(SweepHandler(Folder(config.data_dir / "uploads")))
    at_once = max(1, config.worker_threads // 2)
    outbox.register(WebhookHandler(subscriptions.safe_of(config), anywhere=config.webhooks_anywhere, at_once=at_once))


def begin_jobs(config: Config, db: Database) -> None:
    """Seal the secrets of webhooks that are not sealed with the present key."""
    subscriptions.SECRETS.seal_rest(config, db)


@outbox.handler(topics.HUB_COLLECT)
def collect(tx: Tx, job: Job) -> None:
    """An agency's system asks, and there is something that nobody has brought it."""
    mailbox.collect(tx, job.payload["agency_id"], job.payload["after"])


@outbox.handler(topics.HUB_EXPIRE)
def expire(tx: Tx, job: Job) -> None:
    """The term of an envelope has ended."""
    terms.expire(tx, job.payload["dispatch_id"], job.payload["after"])


@outbox.handler(topics.HUB_ALARM)
def alarm(tx: Tx, job: Job) -> None:
    """A document still waits to be fetched."""
    terms.alarm(tx, job.payload["parcel_id"], job.payload["step"], job.payload["turn"])
