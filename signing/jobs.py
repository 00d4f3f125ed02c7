"""The jobs of this room."""

from kernel.config import Config
from kernel.db import Database
from kernel.storage.blobs import BlobStore
from signing.archive import jobs as archive_jobs
from signing.log import audit_jobs
from signing.log import jobs as log_jobs
from signing.trust import jobs as trust_jobs


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the room's jobs."""
    trust_jobs.register(config)
    log_jobs.register(config)
    audit_jobs.register()
    archive_jobs.register(config, blobs)


def begin_jobs(config: Config, db: Database) -> None:
    """Enqueue the first of those jobs that enqueue their next one themselves."""
    log_jobs.begin(db)
    audit_jobs.begin(db)
    archive_jobs.begin(db)
