"""Options and parties of the checks."""

import pytest

from conformance.party import Party


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--hub", required=True, metavar="URL", help="a hub for trials")
    shape = "CODE=CLIENT_ID:SECRET_FILE"
    group.addoption("--sender", required=True, metavar=shape, help="a system that may hand in and receive")
    group.addoption("--receiver", required=True, metavar=shape, help="a system of another agency, likewise")


def _party(config: pytest.Config, option: str) -> Party:
    try:
        return Party.parse(config.getoption("--hub"), config.getoption(option))
    except (ValueError, OSError) as error:
        pytest.exit(f"{option}: {error}", returncode=2)


@pytest.fixture(scope="session")
def sender(request: pytest.FixtureRequest) -> Party:
    """The system that hands in."""
    return _party(request.config, "--sender")


@pytest.fixture(scope="session")
def receiver(request: pytest.FixtureRequest) -> Party:
    """The system that fetches."""
    return _party(request.config, "--receiver")
