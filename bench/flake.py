"""`scripts/bench flake`: whether the suite's default lane holds on a busy machine.

It is run twice (`--runs`) while each processor has a program beside it that never rests: a test that fails then waits
for a moment instead of a condition, or the product does. `--tests` names a part of the suite. The floor is a run in
which nothing fails.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bench.report import Result, progress

ROOT = Path(__file__).resolve().parents[1]
LANE = ("--dist", "loadscope", "--no-loadscope-reorder", "-p", "no:cacheprovider")
RESTLESS = "while True: pass"


@dataclass(frozen=True)
class Run:
    """One run: tests that were taken, the names of those that failed, seconds."""

    taken: int
    failed: tuple[str, ...]
    seconds: float


def main(runs: int = 2, tests: str = "tests", workers: int = 6) -> Result:
    """The runs, one after the other; one failure in any of them ends the claim."""
    with tempfile.TemporaryDirectory() as folder, busy_processors():
        done = [_run(tests, workers, Path(folder) / f"{number}.xml") for number in range(runs)]
    failed = sorted({name for run in done for name in run.failed})
    return Result(
        claim="no test of the default lane fails while every processor is busy beside it",
        ours={"failures_and_one": 1 + len(failed)},
        peer={"failures_and_one": 1},
        must=1.0,
        further={"every run took the same tests, and at least one": len({run.taken for run in done} - {0}) == 1},
        extra={"failed": failed, "tests": done[0].taken, "seconds": [round(run.seconds) for run in done]},
    )


@contextmanager
def busy_processors() -> Iterator[None]:
    """A program for each processor that never rests, until the block is left."""
    beside = [subprocess.Popen([sys.executable, "-c", RESTLESS]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in beside:
            one.kill()
            one.wait()


def _run(tests: str, workers: int, report: Path) -> Run:
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", f"-n{workers}", *LANE, f"--junitxml={report}", tests]
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
    run = read(report, time.monotonic() - begun)
    progress(f"{run.taken} tests in {run.seconds:.0f} s, {len(run.failed)} failed")
    return run


def read(report: Path, seconds: float) -> Run:
    """What the suite wrote about a run (JUnit's XML); nothing was taken where it wrote nothing."""
    if not report.exists():
        return Run(0, (), seconds)
    cases = ElementTree.parse(report).findall(".//testcase")  # noqa: S314 - our own suite wrote it
    wrong = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return Run(len(cases), tuple(f"{case.get('classname')}::{case.get('name')}" for case in wrong), seconds)
