"""The desk's work that follows: each in a transaction of its own, and each done twice changes nothing more."""

from docex import topics
from docex.documents import deadline_alarms
from docex.documents.incoming import submission_sheets
from docex.documents.models import Document
from docex.exchange.recalls import backfill, withdrawal
from kernel import outbox
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.outbox import Job
from kernel.storage.blobs import BlobStore


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """The handlers below register themselves; they need neither settings nor files."""


def begin_jobs(config: Config, db: Database) -> None:
    """Free what an older release has left waiting."""
    backfill.begin(db)


@outbox.handler(topics.WORK)
def follow_work(tx: Tx, job: Job) -> None:
    """Bring a received document to where the work on it stands."""
    submission_sheets.follow(tx, job.payload["task_id"])


@outbox.handler(topics.STOP_WORK)
def stop_work(tx: Tx, job: Job) -> None:
    """End the work on a document that was given back."""
    submission_sheets.stop(tx, job.payload["incoming_id"])


@outbox.handler(topics.ANSWERED)
def close_answered(tx: Tx, job: Job) -> None:
    """Close a received document whose reply was sent."""
    submission_sheets.close_answered(tx, job.payload["incoming_id"], job.payload["code"])


@outbox.handler(topics.ASK_BACK)
def ask_back(tx: Tx, job: Job) -> None:
    """Ask one recipient for what it has."""
    payload = job.payload
    withdrawal.ask_back(tx, [payload["delivery_id"]], payload["reason"], withdraw=payload.get("withdraw", False))


@outbox.handler(topics.REPLACED)
def replace_old(tx: Tx, job: Job) -> None:
    """Let the document fall that the sent one replaces."""
    withdrawal.replaced(tx, tx.session.get_one(Document, job.payload["document_id"]))


@outbox.handler(topics.ALARM)
def ring(tx: Tx, job: Job) -> None:
    """A deadline is near or over."""
    deadline_alarms.ring(tx, job.payload)
