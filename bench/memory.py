"""How much memory and processor time the parts of an instance take (Linux)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EVERY_S = 0.02
_PAGE_KB = 4


@dataclass
class Growth:
    """Megabytes by part: how much it and the processes that it started had at the beginning, and at most since then."""

    begun_mb: Mapping[str, float]
    most_mb: dict[str, float] = field(default_factory=dict)

    @property
    def grown_mb(self) -> dict[str, float]:
        """The difference."""
        return {name: round(most - self.begun_mb[name], 1) for name, most in self.most_mb.items()}


@contextmanager
def watched(parts: Mapping[str, int]) -> Iterator[Growth]:
    """Watch processes (by name, their ids) inside the block."""
    growth = Growth({name: resident_mb(number) for name, number in parts.items()})
    over = threading.Event()

    def look() -> None:
        while not over.wait(EVERY_S):
            for name, number in parts.items():
                growth.most_mb[name] = max(growth.most_mb.get(name, 0.0), resident_mb(number))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield growth
    finally:
        over.set()
        looking.join()
        for name, number in parts.items():  # between two looks too: the kernel keeps the peak of the process itself
            growth.most_mb[name] = round(max(growth.most_mb.get(name, 0.0), peak_mb(number)), 1)


def resident_mb(number: int) -> float:
    """A process and all that it started, in MB of 1024 kB; pages that they share count for each."""
    return round(sum(_resident_kb(one) for one in _family(number)) / 1024, 1)


def cpu_s(number: int) -> float:
    """The processor time of a process and of what it started and has ended, in seconds."""
    spent = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def forget_peak(number: int) -> None:
    """Let the kernel's peak of a process begin anew."""
    Path(f"/proc/{number}/clear_refs").write_text("5")


def peak_mb(number: int) -> float:
    """The most memory that a process had, in MB of 1024 kB."""
    for line in Path(f"/proc/{number}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _family(number: int) -> Iterator[int]:
    yield number
    try:
        threads = list(Path(f"/proc/{number}/task").iterdir())
        children = [child for one in threads for child in (one / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield from _family(int(child))


def _resident_kb(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * _PAGE_KB
    except (FileNotFoundError, ProcessLookupError):
        return 0
