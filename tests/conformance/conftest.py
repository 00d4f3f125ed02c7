# ruff: noqa: F811 - a fixture that takes another is named as its import
"""The hub over real HTTP for the conformance kit."""

from dataclasses import replace
from datetime import timedelta

import pytest

from docex.exchange.hub.jobs import register_jobs
from kernel import clock
from kernel.db import Tx
from kernel.outbox import Topic
from signing.jobs import begin_jobs
from signing.jobs import register_jobs as register_signing
from signing.log import jobs as log_jobs
from tests.docex.agent.conftest import served, working  # noqa: F401 - fixtures
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.hub.conftest import app  # noqa: F401 - fixtures
from tests.docex.office import Office


@pytest.fixture
def hub(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The hub of a trial, whose hints may go to this machine and whose log has a turn each second."""
    trial = replace(office, config=replace(office.config, webhooks_anywhere=True))
    register_jobs(trial.config, trial.blobs)
    register_signing(trial.config, trial.blobs)
    monkeypatch.setattr(log_jobs, "enqueue", _enqueue_soon)
    begin_jobs(trial.config, trial.db)
    return trial


def _enqueue_soon(tx: Tx) -> None:
    at = clock.now() + timedelta(seconds=1)
    tx.outbox(Topic("signing.sequence"), at.isoformat(), due_at=at)
