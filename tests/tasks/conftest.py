"""Tasks among the cast, with messages that are only shown."""

import pytest

from kernel.blobs import BlobStore
from kernel.config import Config
from notify import jobs as notify_jobs
from tasks import jobs, links  # noqa: F401 - links register their purpose
from tests.cast import cast, city  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def showing(config: Config, blobs: BlobStore) -> Config:
    """Settings without providers, with the handlers of both rooms."""
    notify_jobs.register_jobs(config, blobs)
    jobs.register_jobs(config, blobs)
    return config
