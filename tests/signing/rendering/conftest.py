"""The office and its keys, for papers as they are really drawn."""

from tests.signing.conftest import office  # noqa: F401 - fixture
