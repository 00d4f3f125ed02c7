"""The site under test, in a process of its own because the server needs a patched standard library."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).parents[3]


class Site:
    """A running site: its port, and its endpoints."""

    def __init__(self, **limits: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.server.site", json.dumps(limits)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, path: str, **body: Any) -> None:
        requests.post(self.url(path), json=body, timeout=60).raise_for_status()

    def state(self) -> dict[str, Any]:
        return dict(requests.get(self.url("/state"), timeout=60).json())

    def wait_until(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Look at the state until it is as wanted; fails after a minute."""
        give_up_at = time.monotonic() + 60
        while not true(state := self.state()):
            assert time.monotonic() < give_up_at, state
            time.sleep(0.02)
        return state

    def stop(self) -> tuple[int, str]:
        """Ask it to stop as an init system does; returns exit code and what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=60)
        return self.process.returncode, printed


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A site with generous limits, shared by the tests of one file: also a client that long reads nothing is kept."""
    running = Site(backlog=100_000_000, stall_s=120.0)
    yield running
    running.stop()


@pytest.fixture
def strict_site() -> Iterator[Site]:
    """A site that drops a client 300 KB behind or still for a second, and turns after 5 sends."""
    running = Site(backlog=300_000, stall_s=1.0, send_buffer=16_384, polling_packets=20, turn=5)
    yield running
    running.stop()
