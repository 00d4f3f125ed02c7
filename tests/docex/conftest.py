# ruff: noqa: F811 - a fixture that takes another is named as its import
"""An exchange room on a real database, with real papers and the keys of the test authority."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from docex.jobs.delivery import register_jobs
from kernel.config import Config
from kernel.db import Database
from kernel.storage.blobs import BlobStore
from notify.jobs import register_jobs as register_notices
from signing.archive import jobs as archive_jobs
from signing.archive import preservation
from tests.cast import Cast, cast, city  # noqa: F401 - fixtures
from tests.docex.office import Office


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test authority that all tests of this room share: making keys costs half a second each."""
    return tmp_path_factory.mktemp("docex-keys")


@pytest.fixture
def office(  # the fixture is named as the import above
    db: Database,
    blobs: BlobStore,
    config: Config,
    cast: Cast,
    keys: Path,
) -> Iterator[Office]:
    """The rooms of the cast's agencies, and the worker that serves them."""
    config = replace(config, data_dir=keys)
    register_notices(config, blobs)
    register_jobs(config, blobs)
    archive_jobs.register(config, blobs)
    with pytest.MonkeyPatch.context() as changed:
        # Papers wait twenty seconds for their time-stamp, and a test for an hour: on a slow machine these may pass.
        changed.setattr(preservation, "GRACE_PERIOD", timedelta(hours=1))
        yield Office(db, blobs, config, cast)
