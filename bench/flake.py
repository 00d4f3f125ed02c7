"""`scripts/bench flake`: whether the suite's default lane holds on a busy machine.

Claim: no test of the suite's default lane fails while every processor is busy beside it (`--runs`; `--tests` for a
part).

Floor: a run in which nothing fails.

Bound: no failure.

Takes: two runs of the suite on a busy machine, about three times as long as on a quiet one; not part of `all`.

It is run twice (`--runs`) while each processor has a program beside it that never rests: a test that fails then waits
for a moment instead of a condition, or the product does. `--tests` names a part of the suite. The floor is a run in
which nothing fails.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.harness.result import Result, progress

ROOT = Path(__file__).resolve().parents[1]
# As in scripts/test, which brings the number of workers too.
LANE = ("--dist", "loadscope", "--no-loadscope-reorder", "-p", "no:cacheprovider")
BUSY_LOOP = "while True: pass"
ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


@dataclass(frozen=True)
class Run:
    """One run: how many tests it had, the names of those that failed, seconds, and whether it came to its end."""

    tests: int
    failed: tuple[str, ...]
    seconds: float
    ended: bool


def main(runs: int = 2, tests: str = "tests", workers: int = 6) -> Result:
    """The runs, one after the other; one failure in any of them ends the claim."""
    with tempfile.TemporaryDirectory() as folder, busy_processors():
        done = [_run(tests, workers, Path(folder) / f"{number}.xml") for number in range(runs)]
    return result_of(done)


def result_of(done: Sequence[Run]) -> Result:
    """What these runs say of the claim."""
    numbers = {run.tests for run in done}
    failed = sorted({name for run in done for name in run.failed})
    return Result(
        claim="no test of the default lane fails while every processor is busy beside it",
        ours={"failed_plus_one": 1 + len(failed)},
        peer={"failed_plus_one": 1},
        must=1.0,
        further={
            "every run came to its end": all(run.ended for run in done),
            "every run had the same number of tests, at least one": len(numbers) == 1 and min(numbers) > 0,
        },
        extra={"failed": failed, "tests": done[0].tests, "seconds": [round(run.seconds) for run in done]},
    )


@contextmanager
def busy_processors() -> Iterator[None]:
    """A program for each processor that never rests, until the block is left."""
    beside = [subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in beside:
            one.kill()
            one.wait()


def _run(tests: str, workers: int, report: Path) -> Run:
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", f"-n{workers}", *LANE, f"--junitxml={report}", tests]
    code = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode
    tests_run, failed = _read(report)
    run = Run(tests_run, failed, time.monotonic() - begun, code in ENDED)
    progress(f"{run.tests} tests in {run.seconds:.0f} s, {len(run.failed)} failed")
    return run


def _read(report: Path) -> tuple[int, tuple[str, ...]]:
    """How many tests the suite told of (JUnit's XML), and which failed; none where it told nothing."""
    if not report.exists():
        return 0, ()
    cases = ElementTree.parse(report).findall(".//testcase")  # noqa: S314 - our own suite wrote it
    wrong = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return len(cases), tuple(f"{case.get('classname')}::{case.get('name')}" for case in wrong)
