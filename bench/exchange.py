"""`scripts/bench exchange`: letters through the hub while its processes and its database are killed with -9.

Real processes on a real, durable PostgreSQL. A sender hands in letters over several connections, repeats after every
failure, and now and then hands in the same letter twice at once; a receiver leases, downloads, checks and
acknowledges. Meanwhile web, worker and database are killed at random and started again. At the end the two of them
and the database must agree: nothing lost, nothing twice, and every receipt the one that was given first.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests
import sqlalchemy as sa

from bench.letters import FAR, Credentials, register, small_letter
from bench.report import Result, progress
from directory import demo
from docex.hub.models import Parcel
from docex.hub.states import ParcelState
from docex.models import Delivery, Dispatch, StatusLog
from tests.postgres import TestServer
from web.tour.instance import Instance

MESSAGES = 10_000
KILLS = 200
CONNECTIONS = 4
PATIENCE_S = 1800
TWICE = 0.05  # of the letters are handed in twice at once


def main() -> Result:
    """10,000 letters under 200 kills."""
    found = run(MESSAGES, KILLS, random.SystemRandom().randrange(1_000_000))
    wrong = {"lost_doubled_or_unlike": float(found.wrong)}
    # There is no peer that promises this; the floor is perfection, and a ratio needs something above zero.
    return Result(
        f"{MESSAGES} letters while web, worker and database are killed {found.kills} times: none lost, none twice, "
        "every receipt the first one",
        wrong,
        {"lost_doubled_or_unlike": 1.0},
        must=0.0,
        extra={"detail": found.detail, "kills": found.kills, "seconds": found.seconds, "seed": found.seed},
    )


@dataclass(frozen=True)
class Found:
    """What came out. `detail` counts every kind of fault; all must be zero."""

    detail: dict[str, int]
    kills: int
    seconds: float
    seed: int

    @property
    def wrong(self) -> int:
        """All faults together."""
        return sum(self.detail.values())


@dataclass
class Side:
    """One agency's system over HTTP, that never gives up."""

    url: str
    credentials: Credentials
    over: threading.Event
    _local: threading.local = field(default_factory=threading.local)

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """The answer, however often it takes; RuntimeError when everything is over first."""
        while not self.over.is_set():
            try:
                answer = self._session().request(method, self.url + path, timeout=30, **more)
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status_code == 401:
                self._local.session = None
            elif answer is not None and answer.status_code < 500 and answer.status_code != 429:
                return answer
            self.over.wait(0.1)
        raise RuntimeError("out of time")

    def _session(self) -> requests.Session:
        found: requests.Session | None = getattr(self._local, "session", None)
        if found is None:
            found = requests.Session()
            told = found.post(
                f"{self.url}/api/v1/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(self.credentials.client_id, self.credentials.secret),
                timeout=30,
            )
            if not told.ok:
                raise requests.ConnectionError(f"no token: {told.status_code}")
            found.headers["Authorization"] = f"Bearer {told.json()['access_token']}"
            self._local.session = found
        return found


def run(messages: int, kills: int, seed: int) -> Found:
    """Exchange `messages` letters under about `kills` kills; the seed decides who dies when."""
    begun, over = time.monotonic(), threading.Event()
    with TestServer(durable=True) as server:
        url = server.create("exchange")
        with Instance(database_url=url, LIENTHONG_API_RATE="") as instance:
            with instance.database() as db:
                near, far = register(db, demo.FINANCE), register(db, FAR)
            sender, receiver = Side(instance.url, near, over), Side(instance.url, far, over)
            fetched: Counter[str] = Counter()
            threads = ThreadPoolExecutor(CONNECTIONS + 2)
            fetching = threads.submit(_fetch, receiver, messages, fetched)
            killer = Killer(instance, server, kills, random.Random(seed))
            killing = threads.submit(killer.run, lambda: fetching.done() or over.is_set())
            chance = random.Random(seed + 1)
            letters = [small_letter(number) for number in range(messages)]
            sending = [threads.submit(_send, sender, one, chance.random() < TWICE) for one in letters]
            try:
                receipts = [one.result(PATIENCE_S) for one in sending]
                fetching.result(PATIENCE_S)
            finally:
                over.set()
                killing.result(60)
                threads.shutdown()
            killer.bring_back()
            over.clear()
            detail = _judge(instance, sender, letters, receipts, fetched)
    return Found(detail, killer.done, round(time.monotonic() - begun, 1), seed)


def _send(side: Side, letter: bytes, twice: bool) -> set[str]:
    """Hand in one letter; answers all receipts that were given for it, which must be one."""
    key = hashlib.sha256(letter).hexdigest()
    headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": key}

    def once(_: int) -> str:
        answer = side.call("POST", "/api/v1/edxml", data=letter, headers=headers)
        if answer.status_code != 202:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")
        receipt: str = answer.json()["receipt"]["jws"]
        return receipt

    if not twice:
        return {once(0)}
    with ThreadPoolExecutor(2) as both:
        return set(both.map(once, range(2)))


def _fetch(side: Side, messages: int, fetched: Counter[str]) -> None:
    """Empty the mailbox until every letter has come; counts the acknowledged ones by the hash of their bytes."""
    while len(fetched) < messages:
        for item in side.call("GET", "/api/v1/inbox?wait=1&limit=50").json()["items"]:
            path = f"/api/v1/inbox/{item['id']}"
            leased = side.call("POST", f"{path}/lease", json={})
            if leased.status_code == 409:
                continue  # it ended meanwhile
            data = side.call("GET", f"{path}/envelope").content
            digest = hashlib.sha256(data).hexdigest()
            if digest != item["sha256"]:
                continue  # cut off by a kill; it is offered again
            # An acknowledgement whose answer was lost is said again until it is answered, with the same token.
            if side.call("POST", f"{path}/ack", json={"token": leased.json()["token"]}).status_code == 200:
                fetched[digest] += 1


class Killer:
    """Kills web, worker or database at random moments, and starts what died."""

    def __init__(self, instance: Instance, server: TestServer, kills: int, chance: random.Random) -> None:
        self.instance, self.server, self.kills, self.chance = instance, server, kills, chance
        self.done = 0

    def run(self, is_over: Callable[[], bool]) -> None:
        """Until all kills are spent, or there is nothing left to disturb."""
        while self.done < self.kills and not is_over():
            time.sleep(self.chance.uniform(0.3, 2.0))
            victim = self.chance.choices(("web", "worker", "database"), (5, 4, 1))[0]
            if victim == "database":
                self.server.crash()
            else:
                self.instance.kill(victim)
                self.instance.start(victim)
            self.done += 1
            if self.done % 20 == 0:
                progress(f"{self.done} of {self.kills} kills")

    def bring_back(self) -> None:
        """Everything is up for the judgement."""
        self.instance.wait_for_web()


def _judge(
    instance: Instance, sender: Side, letters: list[bytes], receipts: list[set[str]], fetched: Counter[str]
) -> dict[str, int]:
    sent = {hashlib.sha256(letter).hexdigest() for letter in letters}
    again = [_send(sender, letter, False) for letter in letters[:: max(1, len(letters) // 200)]]
    first = receipts[:: max(1, len(letters) // 200)]
    with instance.database() as db, db.read() as tx:
        stored = Counter(tx.session.scalars(sa.select(Dispatch.sha256).where(Dispatch.sha256.in_(sent))))
        parcels = Counter(tx.session.scalars(sa.select(Parcel.state)))
        deliveries = tx.session.scalar(
            sa.select(sa.func.count(Delivery.id)).join(Dispatch).where(Dispatch.sha256.in_(sent))
        )
        arrived = Counter(
            tx.session.scalars(
                sa.select(StatusLog.delivery_id)
                .join(Delivery, Delivery.id == StatusLog.delivery_id)
                .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
                .where(StatusLog.code == "01", StatusLog.counted, Dispatch.sha256.in_(sent))
            )
        )
    return {
        "not_stored": len(sent - stored.keys()),
        "stored_twice": sum(count - 1 for count in stored.values()),
        "deliveries_off": abs(int(deliveries or 0) - len(sent)),
        "not_fetched": len(sent) - parcels[ParcelState.FETCHED],
        "fetched_twice": sum(count - 1 for count in fetched.values()),
        "arrived_off": abs(len(arrived) - len(sent)) + sum(count - 1 for count in arrived.values()),
        "receipts_unlike": sum(len(given) != 1 for given in receipts)
        + sum(one != other for one, other in zip(first, again, strict=True)),
    }
