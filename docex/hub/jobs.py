"""The worker's part of the hub."""

from docex.hub import keys
from kernel.blobs import BlobStore
from kernel.config import Config


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the hub's jobs."""
    keys.use(config)
