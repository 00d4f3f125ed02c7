"""`scripts/bench fanout`: from the chair's HTTP request to the last of 1,000 browsers, beside Node's socket.io.

Claim: a durable agenda change reaches the last of 1,000 websockets no later than with Node's socket.io.

Peer: a Node socket.io 4.8 server that does the same SQLite transaction.

Bound: median and p95 at most the peer's.

Takes: about two minutes.

The servers on one core, the browsers on the other. Both sides make the same change in one transaction on SQLite (WAL,
synchronous=FULL), then tell the room. They take turns, change by change, while the other side rests: a machine that
others use changes its speed by a fifth from one minute to the next, and both sides must feel the same of it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.fanout.plan import ITEMS
from bench.harness.failures import MeasurementError, PeerError
from bench.harness.result import Result, median, percentile, progress
from bench.peers.node import HERE, ROOT, node, packages

CLIENTS = 1_000
CHANGES = 60
WARM_UP = 10
PAUSE_S = 0.03
TIMEOUT_S = 120.0
ROUNDS = 3
MUST = 1.0


@dataclass(frozen=True)
class Round:
    """What one server did in one round: milliseconds until the last client had it, for every change."""

    last_ms: Sequence[float]
    event_bytes: int

    @property
    def figures(self) -> dict[str, float]:
        return {"median_ms": median(self.last_ms), "p95_ms": percentile(self.last_ms, 95)}


@dataclass(frozen=True)
class Side:
    """A server: its name, and the command that starts it; an empty folder is added to it."""

    name: str
    command: tuple[str, ...]


def sides() -> tuple[Side, Side]:
    """Ours and the peer's."""
    peer = (str(node()), "--disable-warning=ExperimentalWarning", str(HERE / "peer.mjs"))
    return Side("ours", (sys.executable, "-m", "bench.fanout.ours")), Side("peer", peer)


def main(*, rounds: int = ROUNDS, changes: int = CHANGES) -> Result:
    """Run the rounds, each with new servers and new databases."""
    packages()
    # Others on the machine decide such figures more than either server; the line says how busy it was.
    load = round(os.getloadavg()[0], 2)
    measured: list[dict[str, Round]] = []
    for number in range(rounds):
        done = measure(sides(), changes)
        progress(f"round {number + 1}: " + ", ".join(f"{name} {one.figures}" for name, one in done.items()))
        measured.append(done)
    return Result(
        claim=f"a committed agenda change reaches the last of {CLIENTS} websockets no later than with Node's socket.io",
        ours=_middle([done["ours"] for done in measured]),
        peer=_middle([done["peer"] for done in measured]),
        must=MUST,
        extra={
            "rounds": rounds,
            "changes": changes,
            "event_bytes": {name: one.event_bytes for name, one in measured[-1].items()},
            "cores": len(_cores()),
            "load": load,
        },
    )


def _middle(rounds: Sequence[Round]) -> dict[str, float]:
    """The median over the rounds, of every figure."""
    return {name: median(done.figures[name] for done in rounds) for name in rounds[0].figures}


def measure(both: tuple[Side, Side], changes: int) -> dict[str, Round]:
    """Start the servers on new databases, let the browsers in, move the agendas in turn."""
    with ExitStack() as stack:
        drivers = {side.name: stack.enter_context(_side(side)) for side in both}
        for number in range(WARM_UP + changes):
            for name in drivers if number % 2 else reversed(drivers):
                time.sleep(PAUSE_S)
                drivers[name].change(counts=number >= WARM_UP)
    return {name: Round(driver.last_ms, driver.event_bytes) for name, driver in drivers.items()}


class Driver:
    """A thousand browsers in a process of their own, and the chair among them."""

    def __init__(self, process: subprocess.Popen[str], side: str) -> None:
        self.process = process
        self.side = side
        self.last_ms: list[float] = []
        self.event_bytes = 0
        self._hear("ready")

    def change(self, *, counts: bool) -> None:
        """Move the agenda once; MeasurementError when a browser did not get it or got it twice."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = json.loads(self._hear())
        if answer["doubled"]:
            raise _failure(self.side, f"{answer['doubled']} events came twice")
        self.event_bytes = answer["eventBytes"]
        if counts:
            self.last_ms.append(answer["ms"])

    def _hear(self, expected: str = "") -> str:
        line = _line_of(self.process, self.side)
        if expected and line != expected:
            raise _failure(self.side, f"the browsers gave up: {line}")
        return line


@contextmanager
def _side(side: Side) -> Iterator[Driver]:
    """A server on a new database and its browsers, all let in."""
    scratch = ROOT / "var" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=scratch) as folder,
        _process([*side.command, folder, str(ITEMS)], core=0) as server,
    ):
        plan = {**json.loads(_line_of(server, side.name)), "clients": CLIENTS, "event": '42["ev",'}
        with _process([str(node()), str(HERE / "driver.mjs"), json.dumps(plan)], core=1) as browsers:
            yield Driver(browsers, side.name)


def _line_of(process: subprocess.Popen[str], side: str) -> str:
    """The next line that a process of this side prints; it answers each question with one."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], TIMEOUT_S)
    line = process.stdout.readline().strip() if ready else ""
    if not line:
        raise _failure(side, f"no answer within {TIMEOUT_S:.0f} s" if not ready else "a process ended without a word")
    return line


def _failure(side: str, message: str) -> MeasurementError:
    return PeerError("Node's socket.io", message) if side == "peer" else MeasurementError(message)


@contextmanager
def _process(command: list[str], *, core: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: _stay_on(core),
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _stay_on(place: int) -> None:
    """Bind the calling process to one core; on a machine with one core both sides share it."""
    cores = _cores()
    os.sched_setaffinity(0, {cores[place % len(cores)]})
