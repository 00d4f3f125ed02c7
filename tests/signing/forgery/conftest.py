"""Papers are signed once, by the office of the session."""

import os

import pytest

from tests.signing.conftest import Office
from tests.signing.forgery.scribe import Scribe

FULL = os.environ.get("LIENTHONG_EXAMPLES") == "full"
"""Whether every example is tried, which takes many minutes."""


@pytest.fixture(scope="session")
def scribe(office: Office) -> Scribe:
    return Scribe(office)
