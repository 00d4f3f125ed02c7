"""A handler in place of all others."""

import pytest

from kernel import outbox
from tests.kernel.post import Post


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    handler = Post()
    monkeypatch.setattr(outbox, "handlers", {"test.post": handler})
    return handler
