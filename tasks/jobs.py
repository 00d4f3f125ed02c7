"""The outbox handler of this room."""

from kernel.config import Config
from kernel.outbox import handler
from kernel.storage.blobs import BlobStore
from tasks import scheduling


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Serve `tasks.remind`."""
    handler(scheduling.TOPIC)(scheduling.remind)
