"""Runs outbox jobs: claims a batch, works on each in a thread, stores the outcome. Any number may run."""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import sqlalchemy as sa

from kernel import faults, outbox
from kernel.db import Database
from kernel.errors import DomainError
from kernel.outbox import Absent, Arrived, Job, LeaseLost, Reason, SendError, State, Unsure
from kernel.queue import attempts, claiming
from kernel.queue.clockwatch import ClockWatch
from kernel.queue.leases import Leases
from kernel.queue.wakeup import Wakeup
from kernel.text import Phrase, phrase

log = logging.getLogger(__name__)

AWAY_S = 0.5
"""Between two looks for a database that is away."""
WRONG_CLOCK_S = 1.0
"""Between two looks at a clock that is wrong."""
FULL_S = 0.05
"""Between two looks whether a lane that was full has room again, while nothing else happens."""
_AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
_INTERNAL = phrase("Hệ thống gặp lỗi khi làm việc này và đã ghi lại. Xin báo quản trị viên.")
_TOO_LATE = phrase("Đã quá thời hạn nên không làm nữa.")


class Worker:
    """One worker process. `run` returns after `stop`, when the jobs in hand are finished.

    Topics that cap themselves have threads of their own beside the others: those that talk to slow strangers
    (`at_once`), so that an authority that takes minutes to answer keeps nobody waiting, and each that takes a processor
    long (`at_once_here`), so that a thousand papers to judge hold up no document.
    """

    def __init__(self, db: Database, wakeup: Wakeup, *, threads: int = 4, lease_s: float = 60) -> None:
        self.db = db
        self.wakeup = wakeup
        self.threads = threads
        self.lease_s = lease_s
        self._leases = Leases(db, lease_s)
        self.clock = ClockWatch(db)
        self._stopping = threading.Event()
        self._freed = threading.Event()
        self._guard = threading.Lock()
        self._busy: Counter[str] = Counter()  # threads at work, by lane

    def stop(self) -> None:
        """Take no more jobs."""
        self._stopping.set()

    def run(self) -> None:
        """Serve all registered topics until `stop`. A slow job holds one thread and nobody else."""
        room = self._room()
        with self._leases.renewed(), ThreadPoolExecutor(room.total(), thread_name_prefix="job") as pool:
            while not self._stopping.is_set():
                self._freed.clear()
                free = {lane: room[lane] - self._busy[lane] for lane in room}
                full = {lane for lane, left in free.items() if left <= 0}
                jobs = self._claim_if_possible(free)
                for job in jobs:
                    self._count(job, 1)
                    pool.submit(self._in_thread, job)
                if jobs:
                    continue
                if "quick" in full:
                    self._freed.wait(0.25)
                else:
                    self.wakeup.wait(FULL_S if full else 1.0)

    def _room(self) -> Counter[str]:
        """How many threads each lane has."""
        room = Counter({"quick": self.threads})
        for topic in outbox.handlers:
            name, most = outbox.lane(topic)
            room[name] += most or 0
        return room

    def _in_thread(self, job: Job) -> None:
        try:
            with self._leases.holding(job):
                self._safely(job)
        finally:
            self._count(job, -1)
            self._freed.set()

    def _count(self, job: Job, change: int) -> None:
        with self._guard:
            self._busy[outbox.lane(job.topic)[0]] += change

    def run_once(self) -> int:
        """Do what is due now, in this thread, and answer how many jobs that was. For tests and the command line."""
        done = 0
        while jobs := self._claim(list(outbox.handlers), 10):
            for job in jobs:
                self._safely(job)
            done += len(jobs)
        return done

    def _claim_if_possible(self, free: Mapping[str, int]) -> list[Job]:
        """Jobs for lanes that have room. Nothing, after a moment, while the database is away, or the clock of this
        machine is wrong: it comes back, and whoever waits must not have to be started anew."""
        room = {lane: left for lane, left in free.items() if left > 0}
        topics = [topic for topic in outbox.handlers if outbox.lane(topic)[0] in room]
        try:
            if not self.clock.is_right():
                self._stopping.wait(WRONG_CLOCK_S)
                return []
            return self._claim(topics, sum(room.values()), room)
        except _AWAY:
            log.warning("the database is away", exc_info=True)
            self._stopping.wait(AWAY_S)
            return []

    def _claim(self, topics: list[str], limit: int, room: Mapping[str, int] | None = None) -> list[Job]:
        if not topics or (self.db.is_sqlite and not self._finds_something(topics)):
            return []
        with self.db.write("worker") as tx:
            due = claiming.due_topics(tx, topics)
            jobs = claiming.claim(tx, due, limit=limit, lease_s=self.lease_s, room=room) if due else []
        if jobs:
            faults.point("worker.claimed")
        return jobs

    def _finds_something(self, topics: list[str]) -> bool:
        """A look before the claim: an idle worker never takes the embedded database's write lock."""
        with self.db.read() as tx:
            return bool(claiming.due_topics(tx, topics))

    def _safely(self, job: Job) -> None:
        try:
            self._work(job)
        except LeaseLost:
            log.warning("lease lost: %s %s", job.topic, job.key)
        except Exception as error:  # a broken handler must not stop the others
            log.exception("job failed: %s %s", job.topic, job.key)
            # When the connection to the database broke it was not the receiver that failed: no long pause to spare it.
            soon = AWAY_S if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated else None
            reason = Reason(_told(error), f"{type(error).__name__}: {error}")
            # Nobody knows how far it came: an attempt that was begun stays open.
            self._failed(job, SendError(reason, permanent=False, retry_after_s=soon), in_doubt=True)

    def _work(self, job: Job) -> None:
        may_have_arrived = job.unknown_since is not None and outbox.handlers[job.topic].can_ask
        if job.is_too_late and not may_have_arrived:
            self._give_up(job, State.EXPIRED, self._too_late(job))
            return
        inside = outbox.inside(job.topic)
        if inside is not None:
            with self.db.write(f"job:{job.topic}") as tx:
                attempts.hold(tx, job)
                inside(tx, job)
                attempts.finish_held(tx, job)
            return
        self._work_outside(job)

    def _work_outside(self, job: Job) -> None:
        handler = outbox.handlers[job.topic]
        with self.db.write(f"job:{job.topic}") as tx:
            prepared = handler.prepare(tx, job)
            if prepared is None:
                attempts.finish(tx, job, State.DONE, "nothing to do")
                return
            if job.unknown_since is None:
                attempts.begin_attempt(tx, job)
        faults.point("worker.attempt_committed")
        try:
            if job.unknown_since is not None and self._reconciled(job, prepared, job.unknown_since):
                return
            result = handler.perform(prepared)
        except SendError as error:
            self._failed(job, error)
            return
        faults.point("worker.performed")
        self._conclude(job, result)
        faults.point("worker.concluded")

    def _reconciled(self, job: Job, prepared: object, since: datetime) -> bool:
        """Whether the earlier attempt settled the job, or is asked about again later; otherwise a new attempt has
        begun."""
        try:
            found = outbox.handlers[job.topic].reconcile(prepared, since)
        except SendError as error:
            self._failed(job, error, in_doubt=True)
            return True
        match found:
            case Arrived(result):
                self._conclude(job, result)
                return True
            case Unsure(reason):
                self._give_up(job, State.UNKNOWN, reason)
                return True
            case Absent() if job.is_too_late:
                self._give_up(job, State.EXPIRED, self._too_late(job))
                return True
            case Absent():
                with self.db.write(f"job:{job.topic}") as tx:
                    attempts.close_unknown(tx, job)
                    attempts.begin_attempt(tx, job)
                return False

    def _conclude(self, job: Job, result: object) -> None:
        with self.db.write(f"job:{job.topic}") as tx:
            outbox.handlers[job.topic].conclude(tx, job, result)
            attempts.finish(tx, job, State.DONE)

    def _too_late(self, job: Job) -> Reason:
        with self.db.read() as tx:
            last = attempts.last_words(tx, job)
        if last is None:
            return Reason(_TOO_LATE)
        return Reason(phrase("Đã quá thời hạn nên không làm nữa. Lần thử cuối: {reason}", reason=last), _TOO_LATE.vi)

    def _failed(self, job: Job, error: SendError, *, in_doubt: bool = False) -> None:
        """Try again later, or give up. `in_doubt`: what is not known of an attempt stays unknown."""
        log.warning("%s %s: %s", job.topic, job.key, error)
        unknown = in_doubt or error.unknown
        try:
            if not error.permanent:
                with self.db.write(f"job:{job.topic}") as tx:
                    if attempts.retry(tx, job, error.reason, error.retry_after_s, unknown=unknown):
                        return
            is_unknown = error.unknown or (in_doubt and job.unknown_since is not None)
            self._give_up(job, State.UNKNOWN if is_unknown else State.FAILED, error.reason)
        except LeaseLost:
            log.warning("lease lost: %s %s", job.topic, job.key)

    def _give_up(self, job: Job, state: State, reason: str) -> None:
        with self.db.write(f"job:{job.topic}") as tx:
            outbox.handlers[job.topic].give_up(tx, job, reason)
            attempts.finish(tx, job, state, reason)


def _told(error: Exception) -> Phrase:
    """What people are told of an error: a refusal of the house has a sentence, what is broken has none."""
    return error.told if isinstance(error, DomainError) else _INTERNAL


def drain(db: Database) -> int:
    """Do everything that is due, and what it causes, in this thread. Answers the number of jobs."""
    wakeup = Wakeup(db)
    try:
        return Worker(db, wakeup).run_once()
    finally:
        wakeup.close()
