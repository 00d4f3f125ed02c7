"""Keeps the jobs that a worker has in hand: a lease ends because its worker died, not because the work takes long."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kernel.db import Database
from kernel.outbox import Job
from kernel.queue import attempts

log = logging.getLogger(__name__)

LONGEST_S = 3600.0
"""How long a job is kept at most. What takes longer hangs, and another worker is to try it."""


class Leases:
    """The leases of one worker process, each of `lease_s` seconds, renewed every third of them. Most jobs end before
    the first renewal, and cost no transaction more."""

    def __init__(self, db: Database, lease_s: float) -> None:
        self._db = db
        self._lease_s = lease_s
        self._guard = threading.Lock()
        self._in_hand: dict[int, tuple[Job, float]] = {}
        self._stopping = threading.Event()

    @contextmanager
    def holding(self, job: Job) -> Iterator[None]:
        """Keep `job` for as long as the block is worked on."""
        with self._guard:
            self._in_hand[id(job)] = (job, time.monotonic())
        try:
            yield
        finally:
            with self._guard:
                del self._in_hand[id(job)]

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew them until the block ends."""
        thread = threading.Thread(target=self._run, name="leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._lease_s / 3):
            jobs = self._long()
            if not jobs:
                continue
            try:
                with self._db.write("worker") as tx:
                    attempts.renew(tx, jobs, lease_s=self._lease_s)
            except Exception:  # the database may be away; the next turn comes before the lease ends
                log.warning("leases could not be renewed", exc_info=True)

    def _long(self) -> list[Job]:
        now = time.monotonic()
        with self._guard:
            return [job for job, since in self._in_hand.values() if self._lease_s / 4 < now - since < LONGEST_S]
