"""The jobs of this room."""

from kernel.blobs import BlobStore
from kernel.config import Config
from kernel.db import Database
from signing import archivejobs, auditjobs, logjobs, trustjobs


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the room's jobs."""
    trustjobs.register(config)
    logjobs.register(config)
    auditjobs.register()
    archivejobs.register(config, blobs)


def begin_jobs(config: Config, db: Database) -> None:
    """Promise the first of those jobs that promise their next one themselves."""
    logjobs.begin(db)
    auditjobs.begin(db)
    archivejobs.begin(db)
