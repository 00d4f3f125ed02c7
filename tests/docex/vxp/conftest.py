# ruff: noqa: F811 - a fixture that takes another is named as its import
"""Document systems that speak the VXP shape, before the running service."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from directory.models import Agency
from docex.exchange.vxp import systems
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.systems import Given
from tests.cast import cast, city  # noqa: F401 - fixtures
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.web.application import create_app
from web.services import Services

ABROAD = "H98.07"
OLD_CODE = "000.00.07.H98"


@pytest.fixture
def app(office: Office) -> Flask:
    """The service on the office's parts."""
    return create_app(office.config, Services(office.config, office.db, office.blobs))


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """Its address: a real server on a free port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/vxp"
    server.shutdown()
    thread.join(60)


@pytest.fixture
def abroad(office: Office) -> int:
    """An agency without an inbox here, known by both forms of its code."""
    with office.db.write() as tx:
        row = Agency(code=ABROAD, old_code=OLD_CODE, name="Sở Giao thông tỉnh Bạn", is_local=False)
        tx.session.add(row)
        tx.session.flush()
        return row.id


@pytest.fixture
def given(office: Office) -> Callable[[int], Given]:
    """Register a system of an agency."""

    def register(agency_id: int) -> Given:
        safe = systems.safe_of(office.config)
        with office.db.write(office.cast.admin.by) as tx:
            return systems.register(tx, office.cast.admin, safe, agency_id, "Phần mềm QLVB", "")

    return register


@pytest.fixture
def system(url: str, given: Callable[[int], Given]) -> Callable[[int], VxpClient]:
    """The document system of an agency, which speaks to the running service."""

    def made(agency_id: int) -> VxpClient:
        found = given(agency_id)
        return VxpClient(url, found.system_id, found.secret, timeout_s=30)

    return made
