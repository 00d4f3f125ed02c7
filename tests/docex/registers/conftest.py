# ruff: noqa: F811 - a fixture that takes another is named as its import
"""The exchange room of tests/docex with the worker of registers and search beside it, and browsers of the cast."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

import docex.documents.registers.models  # noqa: F401 - its tables
from docex.documents.registers.jobs import register_jobs
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


@pytest.fixture
def rooms(office: Office) -> Office:
    """The office with this part's jobs."""
    register_jobs(office.config, office.blobs)
    return office


@pytest.fixture
def app(rooms: Office) -> Flask:
    return create_app(rooms.config, Services(rooms.config, rooms.db, rooms.blobs))


@pytest.fixture
def ha(app: Flask) -> FlaskClient:
    return sign_in(app, "ha")


@pytest.fixture
def lan(app: Flask) -> FlaskClient:
    return sign_in(app, "lan")
