"""The hub over real HTTP for the conformance kit."""

from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex_agent.conftest import served  # noqa: F401 - fixtures
from tests.docex_hub.conftest import app, hub  # noqa: F401 - fixtures
