# ruff: noqa: F811 - a fixture that takes another is named as its import
"""The office of the cast on a real HTTP server, and the programs on the desks of Bình and Hà."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import BaseWSGIServer, make_server

from directory import queries as directory
from docex.documents.device_signing import handover
from docex.documents.device_signing.jobs import register_jobs
from docex.documents.key_custody import Custody, person_key_name, seal_key_name
from docex.documents.models import Document
from kernel.config import Config
from kernel.refs import Ref
from kernel.text import Phrase
from signing.remote_signing import handoffs
from signing.remote_signing.models import HandoffState
from signing.testca.trial import authority_in
from signing.verdicts.verdict import phrase_from_json
from tests.cast import cast, city  # noqa: F401 - fixtures
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.signing.remote_signing.agent import Agent, seal_agent
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


class _Loopback:
    """Takes each test's application: the server lives as long as the module."""

    def __init__(self) -> None:
        self.app: Flask | None = None

    def __call__(self, environ: Any, start: Any) -> Any:
        assert self.app is not None
        return self.app(environ, start)


@pytest.fixture(scope="session")
def _loopback() -> Iterator[tuple[_Loopback, BaseWSGIServer]]:
    loopback = _Loopback()
    server = make_server("127.0.0.1", 0, loopback, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield loopback, server
    server.shutdown()
    thread.join()


@dataclass
class Desk:
    """The office, its pages over HTTP, and two programs with a token each."""

    office: Office
    app: Flask
    url: str
    binh: Agent
    ha: Agent

    def browser(self, mailbox: str) -> FlaskClient:
        return sign_in(self.app, mailbox)

    def waiting(self) -> int:
        """A letter of Hà's before Bình. Its id."""
        document_id = self.office.written()
        self.office.work()
        self.office.submit(document_id)
        return document_id

    def out(self, document_id: int | None = None) -> int:
        """The same, out with Bình's device."""
        document_id = document_id or self.waiting()
        with self.office.db.write(self.office.cast.binh.by) as tx:
            handover.sign(tx, self.office.cast.binh, document_id)
        self.office.work()
        return document_id

    def call(self, document_id: int, mailbox: str = "binh") -> dict[str, Any]:
        """What the page hands to the program."""
        answer = self.browser(mailbox).post(f"/documents/out/{document_id}/device/open")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def document(self, document_id: int) -> Document:
        with self.office.db.read() as tx:
            return tx.session.get_one(Document, document_id)

    def problem(self, document_id: int) -> Phrase | None:
        found = self.document(document_id).problem
        return phrase_from_json(found) if found else None

    def handoff_state(self, document_id: int) -> HandoffState:
        with self.office.db.read() as tx:
            found = handoffs.latest_of(tx, Ref("document", document_id))
            assert found is not None
            return HandoffState(found.state)


@pytest.fixture
def at_desk(
    office: Office, _loopback: tuple[_Loopback, BaseWSGIServer], tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """Bình and Hà with their programs; the keys are those of the test authority."""
    loopback, server = _loopback
    url = f"http://127.0.0.1:{server.server_port}"
    config: Config = replace(office.config, base_url=url)
    register_jobs(config, office.blobs)
    app = create_app(office.config, Services(config, office.db, office.blobs))
    loopback.app = app
    with office.db.read() as tx:
        binh = directory.person(tx, office.cast.binh.person_id)
    custody = Custody(config)
    custody.person_key(binh)
    custody.seal_key(office.cast.city)
    authority = authority_in(config.pki_dir)
    folder: Path = tmp_path_factory.mktemp("agents")
    return Desk(
        office,
        app,
        url,
        Agent.holding(
            authority.person_path(person_key_name(binh.id)), authority.passphrase, folder / "binh", binh.name
        ),
        seal_agent(
            authority.seal_path(seal_key_name(office.cast.city.id)),
            authority.passphrase,
            folder / "ha",
            office.cast.city.name,
        ),
    )
