# ruff: noqa: F811 - a fixture that takes another is named as its import
"""A hub that answers over real HTTP, and two offices that have only a folder."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from directory import clients
from docex.agent.credentials import Credentials
from tests.docex.agent.agents import AgentProcess
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.hub.conftest import app, hub  # noqa: F401 - fixtures
from tests.docex.hub.systems import FAR, SCOPES, an_agency
from tests.docex.office import Office


@dataclass
class Served:
    """The hub's address, and what happens behind it."""

    url: str
    office: Office

    def credentials(self, agency_id: int) -> Credentials:
        """Those of a new system of the agency."""
        with self.office.db.write(self.office.cast.admin.by) as tx:
            made = clients.register(tx, self.office.cast.admin, agency_id, "Tác tử thư mục", SCOPES)
        return Credentials(made.client_id, made.secret)


@pytest.fixture
def served(app: Flask, hub: Office) -> Iterator[Served]:
    """The application on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.server_port}", hub)
    server.shutdown()
    thread.join()


@pytest.fixture
def sender(served: Served, tmp_path: Path) -> Iterator[AgentProcess]:
    """The agent of the city office."""
    agent = AgentProcess(served.url, tmp_path / "sender", served.credentials(served.office.cast.city.id))
    yield agent
    agent.end()


@pytest.fixture
def receiver(served: Served, tmp_path: Path) -> Iterator[AgentProcess]:
    """The agent of an agency that is served elsewhere."""
    agency_id = an_agency(served.office, FAR, "Sở Giao thông tỉnh Bạn")
    agent = AgentProcess(served.url, tmp_path / "receiver", served.credentials(agency_id))
    yield agent
    agent.end()


@pytest.fixture
def working(served: Served) -> Iterator[None]:
    """A worker does what the hub promises, all the time."""
    enough = threading.Event()

    def work() -> None:
        while not enough.wait(0.05):
            served.office.work()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    enough.set()
    thread.join()
