"""Letters through the hub while its processes and its database are killed with -9, and the comparison afterwards.

Real processes on a real, durable PostgreSQL. A sender hands in letters over several connections, repeats after every
failure, and now and then hands in the same letter twice at once; a receiver leases, downloads, checks and
acknowledges. Meanwhile web, worker and database are killed at random and started again. At the end the records of the
sender, the receiver and the database must agree: nothing lost, nothing twice, and every receipt the one that was given
first. Used by the suite and, with larger numbers, by `scripts/bench exchange`.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests
import sqlalchemy as sa

from bench.fixtures.letters import FAR, Credentials, register, small_letter
from bench.harness.result import progress
from directory import demo
from docex.documents.models import Delivery, Dispatch, StatusLog
from docex.exchange.hub.models import Parcel, Receipt
from docex.exchange.hub.states import ParcelState, ReceiptKind
from kernel.db import Database
from tests.postgres import TestServer
from web.tour.instance import Instance

CONNECTIONS = 4  # on each side
TWICE = 0.05  # of the letters are handed in twice at once
VICTIMS = {"web": 5, "worker": 4, "database": 2}  # how often each dies
AGAIN = 200  # letters that are handed in once more when everything has been counted


@dataclass(frozen=True)
class Found:
    """What came out. `detail` counts every kind of fault; all must be zero."""

    detail: dict[str, int]
    kills: Counter[str]
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


@dataclass
class Records:
    """What sender and receiver wrote down, by the SHA-256 of the letter: every receipt that they were given."""

    submitted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    retrieved: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self) -> int:
        """How far the exchange has come: letters handed in, and letters fetched."""
        return len(self.submitted) + len(self.retrieved)


def run(
    messages: int,
    kills: int,
    seed: int,
    *,
    timeout_s: float,
    written: Callable[[int], bytes] = small_letter,
    instances: type[Instance] = Instance,
) -> Found:
    """Exchange `messages` letters under `kills` kills; the seed decides who dies when."""
    begun, over, chance = time.monotonic(), threading.Event(), random.Random(seed)
    with (
        TestServer(durable=True) as server,
        instances(
            database_url=server.create("exchange"), LIENTHONG_API_RATE="", LIENTHONG_ISOLATED_PROCESSES="1"
        ) as instance,
    ):
        with instance.database() as db:
            near, far = register(db, demo.FINANCE), register(db, FAR)
        sender, receiver = Side(instance.url, near, over), Side(instance.url, far, over)
        letters = [written(number) for number in range(messages)]
        records, killer = Records(), Killer(instance, server, chance)
        moments = chance.sample(range(1, 2 * messages - 2 * kills), kills)
        with ThreadPoolExecutor(CONNECTIONS + 2) as threads:
            fetching = threads.submit(_fetch, receiver, messages, records)
            killing = threads.submit(killer.run, moments, records.count, fetching.done, over.is_set)
            sending = [threads.submit(_send, sender, one, records, chance.random() < TWICE) for one in letters]
            try:
                for one in (*sending, fetching, killing):
                    one.result(timeout_s)
            finally:
                over.set()
        over.clear()
        instance.revive()
        instance.wait_for_web()
        with instance.database() as db:
            detail = disagreements(db, [hashlib.sha256(one).hexdigest() for one in letters], records)
        detail["receipts_unlike_later"] = _unlike_later(sender, letters, records)
    return Found(detail, killer.done, round(time.monotonic() - begun, 1), seed)


def _send(side: Side, letter: bytes, records: Records, twice: bool) -> None:
    """Hand in one letter, or the same twice at once."""
    key = hashlib.sha256(letter).hexdigest()
    headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": key}

    def once(_: int) -> None:
        answer = side.call("POST", "/api/v1/edxml", data=letter, headers=headers)
        if answer.status_code != 202:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")
        records.submitted[key].append(answer.json()["receipt"]["jws"])

    if not twice:
        once(0)
        return
    with ThreadPoolExecutor(2) as both:
        list(both.map(once, range(2)))


def _fetch(side: Side, messages: int, records: Records) -> None:
    """Empty the mailbox until every letter has come."""
    with ThreadPoolExecutor(CONNECTIONS) as hands:
        while len(records.retrieved) < messages:
            items = side.call("GET", "/api/v1/inbox?wait=1&limit=50").json()["items"]
            list(hands.map(lambda item: _take(side, item, records), items))


def _take(side: Side, item: dict[str, Any], records: Records) -> None:
    path = f"/api/v1/inbox/{item['id']}"
    leased = side.call("POST", f"{path}/lease", json={})
    if leased.status_code == 409:
        return  # it ended meanwhile
    digest = hashlib.sha256(side.call("GET", f"{path}/envelope").content).hexdigest()
    if digest != item["sha256"]:
        return  # cut off by a kill; it is offered again
    # An acknowledgement whose answer was lost is said again until it is answered, with the same token.
    told = side.call("POST", f"{path}/ack", json={"token": leased.json()["token"]})
    if told.status_code == 200:
        records.retrieved[digest].append(told.json()["receipt"]["jws"])


class Killer:
    """Kills web, worker or database at random moments, and starts what died, as a city's supervisor would."""

    def __init__(self, instance: Instance, server: TestServer, chance: random.Random) -> None:
        self.instance, self.server, self.chance = instance, server, chance
        self.done: Counter[str] = Counter()

    def run(
        self,
        moments: Sequence[int],
        how_far: Callable[[], int],
        is_done: Callable[[], bool],
        is_over: Callable[[], bool],
    ) -> None:
        """Kill somebody whenever the exchange has come to one of these `moments`, so that a slow machine sees as many
        kills as a quick one; until it is done and everybody was killed whose moment had come, or all is over."""
        waiting = sorted(moments, reverse=True)
        victims = _victims(len(waiting), self.chance)
        while (waiting or not is_done()) and not is_over():
            time.sleep(self.chance.uniform(0.0, 0.1))
            self.instance.revive()
            if waiting and how_far() >= waiting[-1]:
                waiting.pop()
                self._kill(victims.pop())

    def _kill(self, victim: str) -> None:
        if victim == "database":
            self.server.crash()
        else:
            self.instance.kill(victim)
            self.instance.start(victim)
        self.done[victim] += 1
        if self.done.total() % 20 == 0:
            progress(f"{self.done.total()} kills")


def _victims(kills: int, chance: random.Random) -> list[str]:
    """Who dies, by chance, and each of them at least once."""
    first = list(VICTIMS)[:kills]
    found = first + chance.choices(list(VICTIMS), list(VICTIMS.values()), k=kills - len(first))
    chance.shuffle(found)
    return found


def disagreements(db: Database, letters: Sequence[str], records: Records) -> dict[str, int]:
    """How often the records of sender, receiver and database disagree, by kind of fault."""
    wrong: Counter[str] = Counter()
    with db.read() as tx:
        stored: dict[str, list[int]] = defaultdict(list)
        for sha256, number in tx.session.execute(sa.select(Dispatch.sha256, Dispatch.id)):
            stored[sha256].append(number)
        deliveries: dict[int, list[int]] = defaultdict(list)
        for dispatch_id, number in tx.session.execute(sa.select(Delivery.dispatch_id, Delivery.id)):
            deliveries[dispatch_id].append(number)
        parcels = dict(tx.session.execute(sa.select(Parcel.delivery_id, Parcel.state)).all())
        arrivals = sa.select(StatusLog.delivery_id).where(StatusLog.code == "01", StatusLog.counted)
        arrived = Counter(tx.session.scalars(arrivals))
        signed = dict(tx.session.execute(sa.select(Receipt.about, Receipt.jws)).all())
    for sha256 in letters:
        wrong["not_stored"] += not stored[sha256]
        wrong["stored_twice"] += len(stored[sha256]) > 1
        for dispatch_id in stored[sha256][:1]:
            wrong["deliveries_off"] += len(deliveries[dispatch_id]) != 1
            first = signed.get(f"{ReceiptKind.SUBMITTED}:{dispatch_id}")
            wrong["receipts_unlike"] += set(records.submitted[sha256]) != {first}
            for delivery_id in deliveries[dispatch_id]:
                wrong["not_fetched"] += parcels.get(delivery_id) != ParcelState.FETCHED
                wrong["arrived_off"] += arrived[delivery_id] != 1
                said = signed.get(f"{ReceiptKind.RETRIEVED}:delivery:{delivery_id}")
                wrong["receipts_unlike"] += set(records.retrieved[sha256]) != {said}
        wrong["fetched_off"] += len(records.retrieved[sha256]) != 1
    wrong["strangers"] += len(stored.keys() - set(letters)) + len(records.retrieved.keys() - set(letters))
    return dict(wrong)


def _unlike_later(sender: Side, letters: Sequence[bytes], records: Records) -> int:
    """Of how many letters, handed in once more now that all is counted, another receipt comes back than at first."""
    later = Records()
    some = letters[:: max(1, len(letters) // AGAIN)]
    for letter in some:
        _send(sender, letter, later, False)
    return sum(set(later.submitted[key]) != set(records.submitted[key]) for key in later.submitted)
