"""What this room sees to when a worker starts. It has no jobs of its own."""

from directory import secondstep
from kernel.config import Config
from kernel.db import Database
from kernel.storage.blobs import BlobStore


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Nothing leaves this room."""


def begin_jobs(config: Config, db: Database) -> None:
    """Seal the secrets of second steps that are not sealed with the present key."""
    secondstep.SECRETS.seal_rest(config, db)
