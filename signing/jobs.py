"""The jobs of this room."""

from kernel.blobs import BlobStore
from kernel.config import Config
from signing import trustjobs


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the room's jobs."""
    trustjobs.register(config)
