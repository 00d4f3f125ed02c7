"""The counters of calls (web/rates.py) at a moment that suits a test."""

import time
from types import SimpleNamespace

import pytest

from web import rates

HOUR_S = 3600.0


def stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """They begin anew, in the middle of a minute and of an hour that do not end: windows begin with the minutes of the
    clock, and at the beginning of one a call more is let through than the test expects."""
    now = time.time() // HOUR_S * HOUR_S + HOUR_S / 2 + 15
    for module in ("limits.storage.memory.time", "limits.strategies.time"):
        monkeypatch.setattr(module, SimpleNamespace(time=lambda: now))
    monkeypatch.setattr(rates, "time", lambda: now)
    rates.counter.cache_clear()
