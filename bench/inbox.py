"""`scripts/bench inbox [--minutes 4] [--endpoints 760]`: a city's systems at their mailboxes for a long while.

Claim: 760 systems wait at their mailboxes with long polls and fetch, while 12 letters with a PDF of 100 kB are handed
in each second (`--minutes`, `--endpoints`): no error, each letter fetched once, web and worker do not grow.

Peer: mesh-sandbox (in memory, no long poll) asked for an empty inbox over eight connections; the floor: two looks by
an index.

Bound: a look at most twice the sandbox's; 12 letters each second, or a letter in 110 times a look at the sandbox;
memory grows by less than 5 %.

Takes: its minutes, four by default, and two more.

Real processes on a real, durable PostgreSQL. Every agency's system waits at its mailbox with a long poll, leases what
it is offered, downloads and checks it and acknowledges; meanwhile letters are handed in at a steady rate, each to one
of them. At the end mailboxes, systems and sender must agree, nobody may have met an error, and web and worker must not
have grown since all were there. Then, with everybody gone, a look into an empty mailbox is laid beside one at
mesh-sandbox, which knows no long poll; the floor is what no look can leave out: find the token, find what waits, both
by an index.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import sqlalchemy as sa

from bench.clients.http_driver import driven
from bench.clients.mailboxes import Mailboxes, Summary, waiting
from bench.clients.sender import HandedIn, Sender
from bench.fixtures.letters import Credentials, letter, register, register_all
from bench.harness import memory
from bench.harness.result import Result, TimeBound, median, percentile, progress
from bench.peers import mesh
from directory import demo
from docex.exchange.hub.models import Parcel
from docex.exchange.hub.states import ParcelState
from tests.postgres import TestServer
from web.tour.instance import Instance

PER_S = 12.0
# What a letter's twelfth of a second was of a look at the sandbox, 0.76 ms, on a machine that kept the rate.
EACH_BESIDE_SANDBOX = 110.0
PDF_BYTES = 100_000
SENDERS = 4
SETTLING = 0.25  # of the whole time, until memory is looked at for the first time
MEMORY_EVERY_S = 1.0
MAX_GROWTH = 0.05
LOOKS = 2_000
ROUNDS = 3
TIMEOUT_S = 60.0
MUST = 2.0  # as for handing in: at most twice the sandbox's time, though ours is durable and signed


@dataclass
class Watch:
    """The memory of the parts, in MB, once a second from the moment at which everybody has settled."""

    parts: Mapping[str, int]
    over: threading.Event = field(default_factory=threading.Event)
    seen_mb: dict[str, list[float]] = field(default_factory=dict)

    def run(self, settling_s: float) -> None:
        """Until it is over."""
        self.over.wait(settling_s)
        while not self.over.wait(MEMORY_EVERY_S):
            for name, number in self.parts.items():
                self.seen_mb.setdefault(name, []).append(memory.taken_mb(number))

    def ends_mb(self) -> dict[str, tuple[float, float]]:
        """What each part had in the first tenth of that time and in the last, the middle of each."""
        found = {}
        for name, seen in self.seen_mb.items():
            tenth = max(1, len(seen) // 10)
            found[name] = (median(seen[:tenth]), median(seen[-tenth:]))
        return found


@dataclass(frozen=True)
class Stay:
    """What the whole time at the mailboxes came to."""

    handed_in: Sequence[HandedIn]
    seconds: float
    offered_ms: Sequence[float]  # from the answer to the sender until the receiver's system knew
    summary: Summary
    memory_mb: Mapping[str, tuple[float, float]]
    cpu: Mapping[str, float]  # share of one core
    astray: int  # letters not fetched exactly once, by what the systems and the database say


def main(*, minutes: float = 4.0, endpoints: int = 760, rounds: int = ROUNDS) -> Result:
    """The stay, then three rounds of looks; the figures of looks are the medians."""
    codes = [f"H97.{number:04}" for number in range(endpoints)]
    ours, peer, floor = [], [], []
    with tempfile.TemporaryDirectory() as scratch, TestServer(durable=True) as server:
        folder = Path(scratch)
        url = server.by_socket(server.create("inbox"))
        with Instance(database_url=url, LIENTHONG_API_RATE="") as instance:
            with instance.database() as db:
                near, idle = register(db, demo.FINANCE), register(db, demo.CITY_OFFICE)
                systems = register_all(db, codes)
            stay = _stay(instance, folder, near, systems, codes, minutes * 60)
            progress(f"{len(stay.handed_in)} letters in {stay.seconds:.0f} s, memory {stay.memory_mb}")
            token = Sender(instance.url, idle).token
            for _ in range(rounds):
                ours.append(_looks(folder, instance.port, token))
                with mesh.sandbox(folder) as port:
                    peer.append(_each_ms(mesh.looks(folder, port, LOOKS)))
                floor.append(_floor(url))
                progress(f"a look: ours {ours[-1]}, mesh-sandbox {peer[-1]}, floor {floor[-1]} ms")
    return _result(stay, endpoints, ours, peer, floor)


def _result(stay: Stay, endpoints: int, ours: list[float], peer: list[float], floor: list[float]) -> Result:
    rate = len(stay.handed_in) / stay.seconds
    growth = {name: round(last / first - 1, 4) for name, (first, last) in stay.memory_mb.items()}
    answers_ms = [(one.answered - one.begun) * 1000 for one in stay.handed_in]
    return Result(
        claim=f"{endpoints} systems wait at their mailboxes while {PER_S:.0f} letters a second come in, without an "
        f"error; a look into a mailbox takes at most {MUST:.0f} times that at mesh-sandbox",
        ours={"look_ms": median(ours)},
        peer={"look_ms": median(peer)},
        must=MUST,
        further={
            "no error at any mailbox": not stay.summary.errors,
            "every letter fetched exactly once": stay.astray == 0,
            f"memory of web and worker grows by less than {MAX_GROWTH:.0%}": max(growth.values()) < MAX_GROWTH,
        },
        bounds=[
            TimeBound(
                f"a letter, of {PER_S:.0f} each second",
                1000 / rate,
                1000 / (PER_S * 0.98),
                "a look at mesh-sandbox",
                median(peer),
                EACH_BESIDE_SANDBOX,
            )
        ],
        extra={
            "letters": len(stay.handed_in),
            "seconds": round(stay.seconds, 1),
            "per_s": round(rate, 2),
            "handed_in_ms": _figures(answers_ms),
            "offered_ms": _figures(stay.offered_ms),
            "calls_ms": {kind: _figures(each) for kind, each in stay.summary.calls_ms.items() if kind != "inbox"},
            "memory_mb": stay.memory_mb,
            "growth": growth,
            "cpu": stay.cpu,
            "floor_ms": median(floor),
            "errors": list(stay.summary.errors),
            "astray": stay.astray,
        },
    )


def _figures(each_ms: Sequence[float]) -> dict[str, float]:
    return {"median": median(each_ms), "p95": percentile(each_ms, 95), "most": round(max(each_ms), 1)}


def _stay(
    instance: Instance,
    folder: Path,
    near: Credentials,
    systems: Sequence[Credentials],
    codes: list[str],
    seconds: float,
) -> Stay:
    watch = Watch({name: instance.process_id(name) for name in ("web", "worker")})
    with waiting(folder, instance.port, systems, take=True) as boxes:
        watching = threading.Thread(target=watch.run, args=(seconds * SETTLING,), daemon=True)
        watching.start()
        spent, begun = {name: memory.cpu_s(number) for name, number in watch.parts.items()}, time.monotonic()
        handed_in = _hand_in(instance.url, near, codes, begun, seconds)
        took_s = time.monotonic() - begun
        watch.over.set()
        watching.join()
        cpu = {name: round((memory.cpu_s(n) - spent[name]) / took_s, 3) for name, n in watch.parts.items()}
        _wait_until_fetched(instance, len(handed_in))
        summary = boxes.end()
        return Stay(
            handed_in, took_s, _offered_ms(boxes, handed_in), summary, watch.ends_mb(), cpu,
            _astray(instance, boxes, handed_in),
        )  # fmt: skip


def _hand_in(url: str, near: Credentials, codes: Sequence[str], begun: float, seconds: float) -> list[HandedIn]:
    """Letters at a steady rate, each to the next agency; who is late catches up."""
    each = threading.local()

    def hand_in(number: int) -> HandedIn:
        if not hasattr(each, "sender"):
            each.sender = Sender(url, near)
        data = letter([codes[number * 7 % len(codes)]], number, PDF_BYTES)
        time.sleep(max(0.0, begun + number / PER_S - time.monotonic()))
        done: HandedIn = each.sender.hand_in(data)
        return done

    with ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(hand_in, range(int(seconds * PER_S))))


def _fetched(instance: Instance) -> int:
    query = sa.select(sa.func.count()).select_from(Parcel).where(Parcel.state == ParcelState.FETCHED)
    with instance.database() as db, db.read() as tx:
        return tx.session.scalar(query) or 0


def _wait_until_fetched(instance: Instance, count: int) -> None:
    end = time.monotonic() + TIMEOUT_S
    while _fetched(instance) < count and time.monotonic() < end:
        time.sleep(0.2)


def _offered_ms(boxes: Mailboxes, handed_in: Sequence[HandedIn]) -> list[float]:
    told = [(one, boxes.offered.get(str(one.told["sha256"]), ())) for one in handed_in]
    return [max(0.0, at[0] - one.answered) * 1000 for one, at in told if at]


def _astray(instance: Instance, boxes: Mailboxes, handed_in: Sequence[HandedIn]) -> int:
    offered = [len(boxes.offered.get(str(one.told["sha256"]), ())) for one in handed_in]
    return sum(count != 1 for count in offered) + abs(_fetched(instance) - len(handed_in))


def _looks(folder: Path, port: int, token: str) -> float:
    asked = {"path": "/api/v1/inbox", "headers": {"Authorization": f"Bearer {token}"}}
    return _each_ms(driven(folder, port, [asked] * LOOKS))


def _each_ms(driven_in: tuple[float, Sequence[float]]) -> float:
    whole_s, each_ms = driven_in
    return round(whole_s * 1000 / len(each_ms), 3)


def _floor(url: str) -> float:
    """Milliseconds for the two looks by an index, one after the other on one connection, without any HTTP."""
    token = hashlib.sha256(b"nobody").hexdigest()
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    each_ms = []
    with psycopg.connect(plain, autocommit=True) as connection:
        for _ in range(LOOKS):
            begun = time.perf_counter()
            connection.execute("SELECT client_id FROM api_token WHERE token_hash = %s", [token]).fetchall()
            waits = "SELECT id FROM docex_hub_parcel WHERE agency_id = 1 AND state = 'waiting' AND seq > 0 LIMIT 101"
            connection.execute(waits).fetchall()
            each_ms.append((time.perf_counter() - begun) * 1000)
    return round(statistics.mean(each_ms), 3)
