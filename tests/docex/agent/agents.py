"""Real agent processes that can be told where to die, started by a fork of a process that has everything imported."""

import json
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import cryptography.hazmat.backends.openssl.backend  # noqa: F401 - imported late by others, when `nobody` may not read it
import requests

from docex.agent import main_loop
from docex.agent.credentials import Credentials
from docex.agent.errors import Unreachable, Unusable
from docex.agent.folders import Folders
from docex.agent.http_client import Reach, Wire
from kernel import clock, faults

REFUSED_TO_WORK = 3
KILLED = -signal.SIGKILL
DIED = (KILLED, 255)  # 255: multiprocessing lost the status of a process that did not end by itself
LAID_ASIDE = 3  # the exit code of a run that put files into error/
AGES_S = 280


def context() -> ForkServerContext:
    """The process that forks agents; it has no threads, so a fork of it is clean."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.docex.agent.agents"])
    return found


@dataclass(frozen=True)
class Circumstances:
    """How a process of an agent differs from an ordinary one."""

    die_at: str = ""
    clock_ahead: timedelta = timedelta()
    user: int = 0  # becomes this one; 0 stays
    largest_file: int = 0  # bytes that its file system takes; 0 is any
    peak_to: str = ""  # file for the most memory that it took, in KiB


def serve(reach: Reach, folder: Path, once: bool, circumstances: Circumstances) -> None:
    """The body of `lienthong agent`, in a process of its own."""
    faults.arm(circumstances.die_at)
    clock.run_ahead(circumstances.clock_ahead)
    if circumstances.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (circumstances.largest_file,) * 2)
    if circumstances.user:
        os.setuid(circumstances.user)
    try:
        main_loop.run(reach, folder, once=once)
    except (Unreachable, Unusable):
        raise SystemExit(REFUSED_TO_WORK) from None
    if circumstances.peak_to:
        Path(circumstances.peak_to).write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


@dataclass
class AgentProcess:
    """One office's agent."""

    url: str
    root: Path
    credentials: Credentials
    audience: str = ""
    circumstances: Circumstances = Circumstances()
    _running: list[ForkServerProcess] = field(default_factory=list)

    @property
    def reach(self) -> Reach:
        """How it reaches the hub."""
        return Reach(self.url, self.credentials, audience=self.audience)

    @property
    def folders(self) -> Folders:
        """The office's folders."""
        return Folders(self.root)

    def run(self, *, die_at: str = "") -> int | None:
        """One run, or as much of it as it lives. Answers the exit code."""
        process = self._process(once=True, die_at=die_at)
        process.start()
        process.join(AGES_S)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode

    def start(self, *, die_at: str = "") -> None:
        """Let it serve the folder from now on."""
        self.folders  # noqa: B018 - made before the process looks
        process = self._process(once=False, die_at=die_at)
        process.start()
        self._running.append(process)

    @property
    def is_alive(self) -> bool:
        """Whether the started process lives."""
        return bool(self._running) and self._running[-1].is_alive()

    def kill(self) -> None:
        """End it as a power failure would."""
        process = self._running.pop()
        process.kill()
        process.join()

    def stop(self) -> int | None:
        """Tell it to end. Answers the exit code."""
        process = self._running.pop()
        process.terminate()
        process.join(AGES_S)
        return process.exitcode

    def end(self) -> None:
        """Leave nothing behind."""
        while self._running:
            self.kill()

    def put(self, name: str, data: bytes) -> Path:
        """The office saves a file for sending."""
        path = self.folders.outbox / name
        path.write_bytes(data)
        return path

    def names(self, folder: str) -> list[str]:
        """The names of the files in one of the folders."""
        return sorted(path.name for path in (self.root / folder).iterdir())

    def receipts(self, name: str) -> list[Path]:
        """The receipts of this name, of all letters."""
        return sorted((self.root / "receipts").glob(f"*/{name}"))

    @property
    def status(self) -> str:
        """The text of status.txt; empty before there is one."""
        path = self.root / "status.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _process(self, *, once: bool, die_at: str) -> ForkServerProcess:
        circumstances = replace(self.circumstances, die_at=die_at)
        return context().Process(target=serve, args=(self.reach, self.root, once, circumstances), daemon=True)


class Tampering(Wire):
    """A line to the hub on which somebody rewrites what it answers at `path`."""

    def __init__(self, reach: Reach, path: str, rewrite: Callable[[Any], Any]) -> None:
        super().__init__(reach)
        self._path, self._rewrite = path, rewrite

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """The answer as it arrives here."""
        answer = super().call(method, path, **more)
        if path == self._path and answer.ok:
            answer._content = json.dumps(self._rewrite(answer.json())).encode()
        return answer


def until(what: Callable[[], Any], most_s: float = 90.0) -> Any:
    """The answer of `what` as soon as it is something; AssertionError when it stays nothing."""
    end = time.monotonic() + most_s
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found
