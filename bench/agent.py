"""`scripts/bench agent`: from one office's folder to the other's and back with the receipt, by two agents at rest.

Claim: from an office's outbox/ to the receiver's inbox/ and back to receipts/ with the signed `retrieved` receipt, by
two folder agents at rest.

Floor: the same letters by two programs that only call the API and never touch a disk.

Bound: p95 at most six times that of the bare calls, and at most 3 s, or on a slower machine that many times.

Takes: about three minutes.

Ours are two real agents, real web and worker processes on a durable PostgreSQL: a letter is renamed into outbox/, and
the clock stops when the receiver's signed `retrieved` receipt lies in receipts/ of the sender. The floor is what no
pair of systems can leave out on the same hub: a sender that posts and then asks for the receipt every 10 ms, and a
receiver that waits, leases, downloads and acknowledges, both without any folder or disk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import requests

from bench.fixtures.letters import FAR, Credentials, register, small_letter
from bench.harness.result import Result, TimeBound, median, percentile, progress
from directory import demo
from tests.postgres import TestServer
from web.tour.instance import Instance

ROUNDS = 3
LETTERS = 40
PAUSE_S = 0.2
TIMEOUT_S = 60.0
MUST = 6.0
MAX_P95_MS = 3000.0


def main(*, rounds: int = ROUNDS, letters: int = LETTERS) -> Result:
    """Three rounds of both; the figures are the medians of the rounds' p95."""
    p95_ms: dict[str, list[float]] = {"ours": [], "floor": []}
    p50_ms: dict[str, list[float]] = {"ours": [], "floor": []}
    with TestServer(durable=True) as server:
        for number in range(rounds):
            with Instance(database_url=server.create(f"agent{number}"), LIENTHONG_API_RATE="") as instance:
                with instance.database() as db:
                    near, far = register(db, demo.FINANCE), register(db, FAR)
                envelopes = [small_letter(one) for one in range(2 * letters)]
                for name, took in (
                    ("floor", _floor(instance.url, near, far, envelopes[:letters])),
                    ("ours", _agents(instance.url, near, far, envelopes[letters:])),
                ):
                    p95_ms[name].append(percentile(took, 95))
                    p50_ms[name].append(percentile(took, 50))
            progress(f"round {number + 1}: p95 { ({name: found[-1] for name, found in p95_ms.items()}) } ms")
    ours, floor = (median(p95_ms[name]) for name in ("ours", "floor"))
    return Result(
        f"from outbox/ to the signed receipt in receipts/: p95 at most {MUST:.0f} times that of bare calls",
        {"p95_ms": ours},
        {"p95_ms": floor},
        must=MUST,
        bounds=[TimeBound("from outbox/ to receipts/, p95", ours, MAX_P95_MS, "bare calls, p95", floor, MUST)],
        extra={"p50_ms": {name: median(found) for name, found in p50_ms.items()}, "letters": letters, "rounds": rounds},
    )


def _agents(url: str, near: Credentials, far: Credentials, letters: list[bytes]) -> list[float]:
    with (
        tempfile.TemporaryDirectory() as scratch,
        _agent(url, Path(scratch) / "near", near) as sender,
        _agent(url, Path(scratch) / "far", far),
    ):
        return [_timed(partial(_drop, sender, number, letter)) for number, letter in enumerate(letters)]


def _drop(office: Path, number: int, letter: bytes) -> Callable[[], bool]:
    draft = office / ".agent" / "bench"
    draft.write_bytes(letter)
    draft.rename(office / "outbox" / f"{number}.edxml")
    return lambda: any(office.glob(f"receipts/{number}.*/{FAR}.retrieved.jws"))


@contextmanager
def _agent(url: str, folder: Path, given: Credentials) -> Iterator[Path]:
    secret = folder.with_suffix(".secret")
    secret.write_text(given.secret)
    secret.chmod(0o600)
    options = ["--hub", url, "--dir", str(folder), "--client-id", given.client_id, "--secret-file", str(secret)]
    with (folder.with_suffix(".log")).open("wb") as log:
        agent = subprocess.Popen([sys.executable, "-m", "web", "agent", *options], stdout=log, stderr=log)
    try:
        _wait(lambda: (folder / "status.txt").exists())
        time.sleep(1)
        yield folder
    finally:
        agent.kill()
        agent.wait()


def _floor(url: str, near: Credentials, far: Credentials, letters: list[bytes]) -> list[float]:
    enough, sender = threading.Event(), _session(url, near)
    receiving = threading.Thread(target=_receive, args=(_session(url, far), url, enough))
    receiving.start()
    try:
        return [_timed(partial(_post, sender, url, letter)) for letter in letters]
    finally:
        enough.set()
        receiving.join()


def _post(session: requests.Session, url: str, letter: bytes) -> Callable[[], bool]:
    answer = session.post(f"{url}/api/v1/edxml", data=letter, headers={"Content-Type": "application/octet-stream"})
    path = f"{url}/api/v1/documents/{answer.json()['id']}/receipts?code={FAR}"
    return lambda: any(one["kind"] == "retrieved" for one in session.get(path).json()["items"])


def _receive(session: requests.Session, url: str, enough: threading.Event) -> None:
    while not enough.is_set():
        for item in session.get(f"{url}/api/v1/inbox?wait=2").json()["items"]:
            path = f"{url}/api/v1/inbox/{item['id']}"
            token = session.post(f"{path}/lease", json={}).json()["token"]
            session.get(f"{path}/envelope").raise_for_status()
            session.post(f"{path}/ack", json={"token": token}).raise_for_status()


def _session(url: str, given: Credentials) -> requests.Session:
    session = requests.Session()
    form = {"grant_type": "client_credentials"}
    told: Any = session.post(f"{url}/api/v1/oauth/token", data=form, auth=(given.client_id, given.secret)).json()
    session.headers["Authorization"] = f"Bearer {told['access_token']}"
    return session


def _timed(begin: Callable[[], Callable[[], bool]]) -> float:
    """Milliseconds from the beginning until it is done; then a rest, so that each finds everybody at rest."""
    begun = time.perf_counter()
    _wait(begin())
    took_ms = (time.perf_counter() - begun) * 1000
    time.sleep(PAUSE_S)
    return took_ms


def _wait(is_done: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not is_done():
        if time.monotonic() > end:
            raise RuntimeError(f"nothing happened in {TIMEOUT_S:.0f} s")
        time.sleep(0.01)
