"""Real agent processes that can be told where to die, started by a fork of a process that has everything imported."""

import multiprocessing
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

from docex.agent import running
from docex.agent.folders import Folders
from docex.agent.hub import Credentials, Unreachable
from kernel import faults

REFUSED_TO_WORK = 3


def context() -> ForkServerContext:
    """The process that forks agents; it has no threads, so a fork of it is clean."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.docex_agent.agents"])
    return found


def serve(url: str, folder: Path, credentials: Credentials, point: str) -> None:
    """The body of `lienthong agent --once`, in a process of its own."""
    faults.arm(point)
    try:
        running.run(url, folder, credentials, once=True)
    except Unreachable:
        raise SystemExit(REFUSED_TO_WORK) from None


@dataclass
class AgentProcess:
    """One office's agent."""

    url: str
    root: Path
    credentials: Credentials

    @property
    def folders(self) -> Folders:
        """The office's folders."""
        return Folders(self.root)

    def run(self, *, die_at: str = "") -> int | None:
        """One run, or as much of it as it lives. Answers the exit code: -9 when it died at the point."""
        process = context().Process(target=serve, args=(self.url, self.root, self.credentials, die_at))
        process.start()
        process.join(60)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode

    def put(self, name: str, data: bytes) -> Path:
        """The office saves a file for sending."""
        path = self.folders.outbox / name
        path.write_bytes(data)
        return path

    def names(self, folder: str) -> list[str]:
        """What lies in one of the folders."""
        return sorted(path.name for path in (self.root / folder).iterdir())
