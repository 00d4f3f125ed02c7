"""Starting `web` and `worker` by a fork, alone or as parts of an instance."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from kernel.config import Config
from tests import founded
from web.tour.instance import Instance, Part

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "LIENTHONG_FORKS"
"""Where the workers of a run find the same servers (tests/conftest.py)."""


class Forked:
    """A process that is not a child of this one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None as long as it lives; nobody knows the exit code of a grandchild."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return 0 if state == "Z" else None

    def wait(self, timeout: float | None = None) -> int:
        """Return when it has ended; TimeoutExpired when that takes too long."""
        end = time.monotonic() + timeout if timeout is not None else float("inf")
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("fork", timeout or 0)
            time.sleep(0.005)
        return 0

    def terminate(self) -> None:
        """Tell it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power failure would."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


def start(part: str, environment: Mapping[str, str], log: Path) -> Forked:
    """A `web` or `worker` with this environment, whose output goes to `log`."""
    connection = _server(part)
    connection.sendall(json.dumps({"log": str(log), "environment": dict(environment)}).encode() + b"\n")
    answer = connection.makefile("r").readline()
    assert answer, f"the server of forks of {part} has gone"
    return Forked(int(answer))


@cache
def _server(part: str) -> socket.socket:
    """A connection to the server of this part, which is kept for as long as this process lives."""
    folder = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="lienthong-forks-"))
    with (folder / f"{part}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = socket.socket(socket.AF_UNIX)
        path = folder / f"{part}.socket"
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
            _start_server(part, path)
            connection.connect(str(path))
        return connection


def _start_server(part: str, path: Path) -> None:
    command = [sys.executable, "-m", "tests.forks.server", part, str(path)]
    with path.with_suffix(".log").open("wb") as log:
        started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    assert started.stdout is not None
    with started.stdout as said:
        assert said.readline() == b"ready\n", path.with_suffix(".log").read_text()


class ForkedInstance(Instance):
    """An instance whose city and parts are there quickly."""

    def _found(self, config: Config) -> None:
        founded.found(config)

    def _launch(self, name: str, environment: dict[str, str], log: Path) -> Part:
        return start(name, environment, log)
