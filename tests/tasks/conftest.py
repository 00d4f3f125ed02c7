"""Tasks among the cast, with messages that are only shown."""

from collections.abc import Iterator

import pytest

from kernel import clock
from kernel.config import Config
from kernel.storage.blobs import BlobStore
from notify import jobs as notify_jobs
from tasks import jobs, links  # noqa: F401 - links register their purpose
from tests.cast import Cast, cast, city  # noqa: F401 - fixtures
from tests.tasks.moments import MONDAY_9


@pytest.fixture(autouse=True)
def showing(config: Config, blobs: BlobStore) -> Config:
    """Settings without providers, with the handlers of both rooms."""
    notify_jobs.register_jobs(config, blobs)
    jobs.register_jobs(config, blobs)
    return config


@pytest.fixture
def on_monday(cast: Cast) -> Iterator[None]:  # noqa: F811 - after the city was founded, which other tests share
    """The test happens on the Monday of tests/tasks/moments.py."""
    with clock.frozen(MONDAY_9):
        yield
