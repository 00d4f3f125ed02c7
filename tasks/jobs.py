"""The outbox handler of this room."""

from kernel.blobs import BlobStore
from kernel.config import Config
from kernel.outbox import handler
from tasks import scheduling


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Serve `tasks.remind`."""
    handler(scheduling.TOPIC)(scheduling.remind)
