"""An application, and the system of an agency with an access token."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from directory import clients
from directory.attempts import Limits
from kernel.config import Config
from kernel.db import Database
from tests.cast import Cast
from tests.web.application import create_app
from web.services import Services


@dataclass(frozen=True)
class System:
    """The software of an agency."""

    http: FlaskClient
    id: int
    client_id: str
    secret: str
    headers: dict[str, str]

    def get(self, path: str, **rest: Any) -> Any:
        """A call with the system's token."""
        return self.http.get(path, headers=self.headers, **rest)


@pytest.fixture
def app(config: Config, db: Database, cast: Cast) -> Flask:
    return create_app(config, Services(config, db, Services.from_config(config).blobs))


@pytest.fixture
def system(app: Flask, db: Database, cast: Cast) -> System:
    """The system of the city office, with every right that there is."""
    with db.write(cast.admin.by) as tx:
        made = clients.register(tx, cast.admin, cast.city.id, "Phần mềm QLVB", frozenset(clients.scopes))
        given = clients.grant(tx, made.client_id, made.secret, "", "127.0.0.1", Limits(tries=10))
    assert isinstance(given, clients.Granted)
    bearer = {"Authorization": f"Bearer {given.token}"}
    return System(app.test_client(), made.id, made.client_id, made.secret, bearer)
