"""Fan-out: from the chair's HTTP request to the last of 1,000 browsers, beside Node's socket.io.

One server at a time on one core, the browsers on the other. Both sides make the same change in one
transaction on SQLite (WAL, synchronous=FULL), then tell the room.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.fanout_plan import ITEMS
from bench.node import HERE, ROOT, node, packages
from bench.report import Result, median, percentile, progress

CLIENTS = 1_000
CHANGES = 60
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
    peer = (str(node()), "--disable-warning=ExperimentalWarning", str(HERE / "fanout_peer.mjs"))
    return Side("ours", (sys.executable, "-m", "bench.fanout_ours")), Side("peer", peer)


def main() -> Result:
    """Run the rounds, ours and the peer's in turn."""
    packages()
    # Others on the machine decide such figures more than either server; the line says how busy it was.
    load = round(os.getloadavg()[0], 2)
    ours, peer = sides()
    rounds: dict[str, list[Round]] = {ours.name: [], peer.name: []}
    for number in range(ROUNDS):
        for side in (ours, peer) if number % 2 == 0 else (peer, ours):
            done = measure(side)
            progress(f"round {number + 1} {side.name}: {done.figures}")
            rounds[side.name].append(done)
    return Result(
        claim=f"a committed agenda change reaches the last of {CLIENTS} websockets no later than with Node's socket.io",
        ours=_middle(rounds[ours.name]),
        peer=_middle(rounds[peer.name]),
        must=MUST,
        extra={
            "rounds": ROUNDS,
            "changes": CHANGES,
            "event_bytes": {name: done[-1].event_bytes for name, done in rounds.items()},
            "cores": len(_cores()),
            "load": load,
        },
    )


def _middle(rounds: Sequence[Round]) -> dict[str, float]:
    """The median over the rounds, of every figure."""
    return {name: median(done.figures[name] for done in rounds) for name in rounds[0].figures}


def measure(side: Side) -> Round:
    """Start the server on a new database, let the browsers in, move the agenda."""
    scratch = ROOT / "var" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=scratch) as folder,
        _server([*side.command, folder, str(ITEMS)]) as plan,
    ):
        return _drive(plan)


@contextmanager
def _server(command: list[str]) -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: _stay_on(0))
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _drive(plan: dict[str, Any]) -> Round:
    plan = {**plan, "clients": CLIENTS, "changes": CHANGES, "warmup": 10, "pause": 30, "event": '42["ev",'}
    driven = subprocess.run(
        [str(node()), str(HERE / "fanout_driver.mjs"), json.dumps(plan)],
        cwd=HERE,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=180,
        preexec_fn=lambda: _stay_on(1),
    )
    answer = json.loads(driven.stdout)
    if answer["doubled"]:
        raise RuntimeError(f"{answer['doubled']} events came twice")
    return Round(answer["last"], answer["eventBytes"])


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _stay_on(place: int) -> None:
    """Bind the calling process to one core; on a machine with one core both sides share it."""
    cores = _cores()
    os.sched_setaffinity(0, {cores[place % len(cores)]})
