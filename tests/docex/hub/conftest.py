# ruff: noqa: F811 - a fixture that takes another is named as its import
"""The exchange room with its hub, and systems of agencies that are served elsewhere."""

from pathlib import Path

import pytest
from flask import Flask

from docex.exchange.hub.jobs import register_jobs
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.hub.systems import FAR, System, an_agency
from tests.docex.office import Office
from tests.web.application import create_app
from web.services import Services


@pytest.fixture
def hub(office: Office, tmp_path: Path) -> Office:
    """The office with the hub's jobs."""
    register_jobs(office.config, office.blobs)
    return office


@pytest.fixture
def app(hub: Office) -> Flask:
    """The application on this test's database."""
    return create_app(hub.config, Services(hub.config, hub.db, hub.blobs))


@pytest.fixture
def near(app: Flask, hub: Office) -> System:
    """The system of the city office, which is served here."""
    return System(app, hub, hub.cast.city.id)


@pytest.fixture
def far(app: Flask, hub: Office) -> System:
    """The system of an agency that is served elsewhere."""
    return System(app, hub, an_agency(hub, FAR, "Sở Giao thông tỉnh Bạn"))
