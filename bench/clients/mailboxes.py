"""Many agencies' systems at their mailboxes, in a process of their own (bench/clients/mailbox_driver.py)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.fixtures.letters import Credentials

READY_S = 120.0


@dataclass(frozen=True)
class Summary:
    """What the systems saw: milliseconds by kind of call, and what went wrong, in words."""

    calls_ms: Mapping[str, Sequence[float]]
    errors: Sequence[str]


@dataclass
class Mailboxes:
    """Systems that wait. `offered` has, by the SHA-256 of a letter, the instants at which they were told of it."""

    process: subprocess.Popen[str]
    offered: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    summary: Summary | None = None
    _news: threading.Condition = field(default_factory=threading.Condition)
    _ready: bool = False

    def wait_for(self, sha256: str, count: int, within_s: float) -> list[float]:
        """The instants (`time.monotonic`) at which the first `count` systems knew of a letter, in order."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.offered[sha256]) >= count, within_s):
                raise RuntimeError(f"{len(self.offered[sha256])} of {count} mailboxes within {within_s:.0f} s")
            return sorted(self.offered[sha256])

    def end(self) -> Summary:
        """Send them home and hear what they saw."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        with self._news:
            self._news.wait_for(lambda: self.summary is not None, READY_S)
        if self.summary is None:
            raise RuntimeError("the systems at the mailboxes gave up")
        return self.summary

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._take(line.strip())
                self._news.notify_all()

    def _take(self, line: str) -> None:
        if line == "ready":
            self._ready = True
            return
        told = json.loads(line)
        if "errors" in told:
            self.summary = Summary(told["calls_ms"], told["errors"])
        else:
            self.offered[told["sha256"]].append(told["at"])

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_S
        with self._news:
            while not self._ready and self.process.poll() is None and time.monotonic() < end:
                self._news.wait(0.2)
        if not self._ready:
            raise RuntimeError("the systems did not come to their mailboxes")


@contextmanager
def waiting(folder: Path, port: int, systems: Sequence[Credentials], *, take: bool) -> Iterator[Mailboxes]:
    """These systems wait; with `take` they also fetch and acknowledge what is offered."""
    plan = folder / "mailboxes.json"
    endpoints = [(one.client_id, one.secret) for one in systems]
    plan.write_text(json.dumps({"port": port, "endpoints": endpoints, "take": take}))
    command = [sys.executable, "-m", "bench.clients.mailbox_driver", str(plan)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    boxes = Mailboxes(process)
    listening = threading.Thread(target=boxes._listen, daemon=True)
    listening.start()
    try:
        boxes._wait_until_ready()
        yield boxes
    finally:
        process.kill()
        process.wait()
        listening.join()
