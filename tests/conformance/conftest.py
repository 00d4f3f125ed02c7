# ruff: noqa: F811 - a fixture that takes another is named as its import
"""The hub over real HTTP for the conformance kit."""

from dataclasses import replace

import pytest

from docex.hub.jobs import register_jobs
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.docex_agent.conftest import served, working  # noqa: F401 - fixtures
from tests.docex_hub.conftest import app  # noqa: F401 - fixtures


@pytest.fixture
def hub(office: Office) -> Office:
    """The hub of a trial, whose hints may go to this machine."""
    trial = replace(office, config=replace(office.config, webhooks_anywhere=True))
    register_jobs(trial.config, trial.blobs)
    return trial
