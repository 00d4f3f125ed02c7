"""The application on the test's own database, and real receivers of mail and SMS on this machine."""

import pytest
from flask import Flask

from kernel.config import Config
from kernel.db import Database
from tests.cast import Cast
from tests.notify.conftest import mail_sink, sending, sms_sink  # noqa: F401 - fixtures
from tests.web.application import create_app
from web.services import Services


@pytest.fixture
def app(config: Config, db: Database, cast: Cast) -> Flask:
    return create_app(config, Services(config, db, Services.from_config(config).blobs))
