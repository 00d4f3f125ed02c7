"""The hub of `tests.docex.hub`, and its systems."""

from tests.docex.hub.conftest import app, far, hub, near

__all__ = ["app", "far", "hub", "near"]
