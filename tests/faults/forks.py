"""An instance whose web and worker are forks of processes that have everything imported: to start one again after a
kill costs a fork and not two seconds of both cores (tests/faults/zygote.py)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from web.tour.instance import Instance, Part


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


class ForkedInstance(Instance):
    """An instance whose parts start quickly."""

    def _set_up(self) -> None:
        self._zygotes: dict[str, subprocess.Popen[str]] = {}
        for name in self._wanted:
            command = [sys.executable, "-m", "tests.faults.zygote", name]
            started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._zygotes[name] = self._stack.enter_context(started)
            self._stack.callback(started.kill)
        super()._set_up()

    def _launch(self, name: str, environment: dict[str, str], log: Path) -> Part:
        zygote = self._zygotes[name]
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        zygote.stdin.write(json.dumps({"log": str(log), "environment": environment}) + "\n")
        zygote.stdin.flush()
        return Forked(int(zygote.stdout.readline()))
