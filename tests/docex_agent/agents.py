"""Real agent processes that can be told where to die, started by a fork of a process that has everything imported."""

import multiprocessing
import signal
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from docex.agent import running
from docex.agent.credentials import Credentials
from docex.agent.errors import Unreachable
from docex.agent.folders import Folders
from docex.agent.wire import Reach
from kernel import faults

REFUSED_TO_WORK = 3
KILLED = -signal.SIGKILL
DIED = (KILLED, 255)  # 255: multiprocessing lost the status of a process that did not end by itself
AGES_S = 120


def context() -> ForkServerContext:
    """The process that forks agents; it has no threads, so a fork of it is clean."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.docex_agent.agents"])
    return found


def serve(reach: Reach, folder: Path, point: str, once: bool) -> None:
    """The body of `lienthong agent`, in a process of its own."""
    faults.arm(point)
    try:
        running.run(reach, folder, once=once)
    except Unreachable:
        raise SystemExit(REFUSED_TO_WORK) from None


@dataclass
class AgentProcess:
    """One office's agent."""

    url: str
    root: Path
    credentials: Credentials
    _running: list[ForkServerProcess] = field(default_factory=list)

    @property
    def reach(self) -> Reach:
        """How it reaches the hub."""
        return Reach(self.url, self.credentials)

    @property
    def folders(self) -> Folders:
        """The office's folders."""
        return Folders(self.root)

    def run(self, *, die_at: str = "") -> int | None:
        """One run, or as much of it as it lives. Answers the exit code."""
        process = self._process(die_at, once=True)
        process.start()
        process.join(AGES_S)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode

    def start(self, *, die_at: str = "") -> None:
        """Let it serve the folder from now on."""
        self.folders  # noqa: B018 - made before the process looks
        process = self._process(die_at, once=False)
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
        process.join(30)
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
        """What lies in one of the folders."""
        return sorted(path.name for path in (self.root / folder).iterdir())

    def receipts(self, name: str) -> list[Path]:
        """The receipts of this name, of all letters."""
        return sorted((self.root / "receipts").glob(f"*/{name}"))

    @property
    def status(self) -> str:
        """What status.txt says."""
        return (self.root / "status.txt").read_text(encoding="utf-8")

    def _process(self, point: str, *, once: bool) -> ForkServerProcess:
        return context().Process(target=serve, args=(self.reach, self.root, point, once), daemon=True)
