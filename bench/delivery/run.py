"""`scripts/bench delivery`: from handing a letter in to the signed word that its receiver has it.

Claim: from handing in to the receiver's signed `retrieved` receipt, the receiver being a folder agent.

Peer: mesh-client at mesh-sandbox: send, fetch, store, acknowledge, ask; in memory, unsigned, its receiver looks every
20 ms.

Bound: p95 at most ten times the peer's, and at most 3 s or that many times (stretch 1 s).

Takes: about three minutes.

Real processes on a real, durable PostgreSQL; the receiver is a small office with the folder agent, which puts it
on its disk, checks and acknowledges it. The clock starts when the sender begins to hand in and ends when it holds
the `retrieved` receipt, checked against the hub's keys; it asks for that every 20 ms. The peer is mesh-sandbox with
mesh-client on both sides, which also fetches, stores and acknowledges; it keeps messages in memory, signs nothing and
cannot wait at a mailbox, so its receiver looks every 20 ms, which no real one would.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from joserfc import jws
from joserfc.jwk import KeySet

from bench.clients.sender import Sender
from bench.fixtures.letters import FAR, Credentials, letter, register
from bench.harness.failures import PeerError
from bench.harness.result import Result, TimeBound, median, percentile, progress
from bench.peers.mesh import PASSWORD, RECEIVER, SENDER, SHARED_KEY, python, sandbox
from directory import demo
from tests.postgres import TestServer
from web.tour.instance import Instance

ROUNDS = 3
LETTERS = 60
PDF_BYTES = 100_000
LOOK_S = 0.02
TIMEOUT_S = 30.0
MAX_P95_MS = 3_000.0
GOAL_P95_MS = 1_000.0
MUST = 10.0
PEER_NAME = "mesh-client at mesh-sandbox"
PEER_TIMEOUT_S = 300.0
PEER = Path(__file__).with_name("peer.py")


def main(*, rounds: int = ROUNDS, letters: int = LETTERS) -> Result:
    """Three rounds of both; the figures are the medians."""
    ours: list[list[float]] = []
    peer: list[list[float]] = []
    with tempfile.TemporaryDirectory() as scratch, TestServer(durable=True) as server:
        for number in range(rounds):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            envelopes = [letter([FAR], place, PDF_BYTES) for place in range(letters)]
            ours.append(_ours(server.create(f"delivery{number}"), folder, envelopes))
            peer.append(_peer(folder, envelopes))
            progress(f"round {number + 1}: ours {_figures(ours[-1])}, peer {_figures(peer[-1])}")
    figures, peers = _middle(ours), _middle(peer)
    p95_ms = figures["p95_ms"]
    return Result(
        claim=f"from handing in to the signed receipt of the receiver: p95 at most {MAX_P95_MS / 1000:.0f} s, and "
        f"at most {MUST:.0f} times mesh-sandbox with mesh-client, in memory and without signatures",
        ours=figures,
        peer=peers,
        must=MUST,
        bounds=[TimeBound("to the receipt, p95", p95_ms, MAX_P95_MS, "mesh-client, p95", peers["p95_ms"], MUST)],
        extra={
            "stretch": {f"p95 at most {GOAL_P95_MS / 1000:.0f} s": p95_ms <= GOAL_P95_MS},
            "slowest_ms": round(max(map(max, ours)), 1),
            "letters": letters,
            "rounds": rounds,
        },
    )


def _figures(each_ms: Sequence[float]) -> dict[str, float]:
    return {"median_ms": median(each_ms), "p95_ms": percentile(each_ms, 95)}


def _middle(rounds: Sequence[Sequence[float]]) -> dict[str, float]:
    figures = [_figures(each_ms) for each_ms in rounds]
    return {name: median(one[name] for one in figures) for name in figures[0]}


def _ours(database_url: str, folder: Path, letters: Sequence[bytes]) -> list[float]:
    with Instance(database_url=database_url, LIENTHONG_API_RATE="") as instance:
        with instance.database() as db:
            near, far = register(db, demo.FINANCE), register(db, FAR)
        sender = Sender(instance.url, near)
        with _agent(folder / "office", instance.url, far) as office:
            _until_served(sender, office)
            keys = KeySet.import_key_set(sender.ask("/api/v1/keys"))  # type: ignore[arg-type]
            return [_until_retrieved(sender, keys, data) for data in letters]


@contextmanager
def _agent(office: Path, url: str, credentials: Credentials) -> Iterator[Path]:
    """The folder agent of a small office, as a process."""
    office.mkdir()
    secret = office.with_name("secret")
    secret.write_text(credentials.secret)
    secret.chmod(0o600)
    command = [sys.executable, "-m", "web", "agent", "--hub", url, "--dir", str(office)]
    with office.with_name("agent.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--client-id", credentials.client_id, "--secret-file", str(secret)], stdout=log, stderr=log
        )
        try:
            yield office
        finally:
            process.terminate()
            process.wait(15)


def _until_served(sender: Sender, office: Path) -> None:
    """A first letter, which is not counted: the agent is there when it has come."""
    sender.hand_in(letter([FAR], LETTERS, 1_000))
    end = time.monotonic() + TIMEOUT_S
    while not list((office / "inbox").glob("*.edxml")):
        if time.monotonic() > end:
            raise RuntimeError(f"the agent fetches nothing: {office.with_name('agent.log').read_text()[-1000:]}")
        time.sleep(LOOK_S)


def _until_retrieved(sender: Sender, keys: KeySet, data: bytes) -> float:
    """Milliseconds until the sender holds the checked receipt."""
    handed = sender.hand_in(data)
    path = f"/api/v1/documents/{handed.told['id']}/receipts?code={FAR}"
    while time.monotonic() < handed.begun + TIMEOUT_S:
        for one in sender.ask(path)["items"]:
            if one["kind"] == "retrieved":
                claims = json.loads(jws.deserialize_compact(one["jws"], keys, ["ES256"]).payload)
                if claims["sha256"] != handed.told["sha256"]:
                    raise RuntimeError("a receipt about other bytes")
                return (time.monotonic() - handed.begun) * 1000
        time.sleep(LOOK_S)
    raise RuntimeError(f"no receipt within {TIMEOUT_S:.0f} s")


def _peer(folder: Path, letters: Sequence[bytes]) -> list[float]:
    files = [folder / f"{number}.edxml" for number in range(len(letters))]
    for path, data in zip(files, letters, strict=True):
        path.write_bytes(data)
    stored = folder / "stored"
    stored.mkdir()
    with sandbox(folder) as port:
        plan = folder / "plan.json"
        told = {
            "port": port,
            "shared_key": SHARED_KEY.decode(),
            "sender": SENDER,
            "receiver": RECEIVER,
            "password": PASSWORD,
            "pause_s": LOOK_S,
            "folder": str(stored),
            "files": [str(path) for path in files],
        }
        plan.write_text(json.dumps(told))
        each_ms = run_peer([python(), str(PEER), str(plan)], PEER_TIMEOUT_S)
    if len(list(stored.iterdir())) != len(letters):
        raise PeerError(PEER_NAME, "its receiver has not stored every letter")
    return each_ms


def run_peer(command: Sequence[str], timeout_s: float) -> list[float]:
    """The milliseconds of each letter that the peer's program prints; PeerError when it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired as late:
        raise PeerError(PEER_NAME, f"was not done after {timeout_s:g} s") from late
    except OSError as missing:
        raise PeerError(PEER_NAME, str(missing)) from missing
    if done.returncode:
        raise PeerError(PEER_NAME, done.stderr)
    each_ms: list[float] = json.loads(done.stdout.splitlines()[-1])
    return each_ms
