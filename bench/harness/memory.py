"""How much memory and processor time the parts of an instance take (Linux).

Memory is counted in proportion (`Pss`): of a page that several processes share each has its part. A worker's programs
for strangers' files fork a child for each file, which shares nearly all that it has; counted in full, a child that
lives for a twentieth of a second would be a hundred megabytes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EVERY_S = 0.25  # a look walks through all pages of a process


@dataclass
class Growth:
    """Megabytes by part: how much it and the processes that it started had at the beginning, and at most since then."""

    begun_mb: Mapping[str, float]
    own_mb: Mapping[str, float]  # of the process itself, with all pages that it shares
    most_mb: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    @property
    def grown_mb(self) -> dict[str, float]:
        """The difference. Between two looks the kernel keeps the peak of the process itself, so that counts too."""
        with_all = {name: most - self.begun_mb[name] for name, most in self.most_mb.items()}
        return {name: round(max(with_all[name], peak - self.own_mb[name]), 1) for name, peak in self.peak_mb.items()}


@contextmanager
def watched(parts: Mapping[str, int]) -> Iterator[Growth]:
    """Watch processes (by name, their ids) inside the block."""
    for number in parts.values():
        _forget_peak(number)
    taken = {name: taken_mb(number) for name, number in parts.items()}
    growth = Growth(taken, {name: peak_mb(number) for name, number in parts.items()}, dict(taken))
    over = threading.Event()

    def look() -> None:
        while not over.wait(EVERY_S):
            for name, number in parts.items():
                growth.most_mb[name] = max(growth.most_mb[name], taken_mb(number))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield growth
    finally:
        over.set()
        looking.join()
        growth.peak_mb.update({name: peak_mb(number) for name, number in parts.items()})


def taken_mb(number: int) -> float:
    """A process and all that it started, in MB of 1024 kB."""
    return round(sum(_taken_kb(one) for one in _family(number)) / 1024, 1)


def cpu_s(number: int) -> float:
    """The processor time of a process and of what it started and has ended, in seconds."""
    spent = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def _forget_peak(number: int) -> None:
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


def _taken_kb(number: int) -> int:
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
