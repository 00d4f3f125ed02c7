"""The room of the cast's agencies, for the tests that go through intake."""

from tests.docex.conftest import keys, office

__all__ = ["keys", "office"]
