"""A worker acts on its clock only while that of the database agrees."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
import sqlalchemy as sa

from kernel import clock, outbox
from kernel.db import Database, Tx
from kernel.outbox import Handler, Job, OutboxRow, Topic
from kernel.queue import attempts, claiming
from kernel.queue.clockwatch import ClockWatch
from kernel.queue.wakeup import Wakeup
from kernel.queue.worker import Worker

pytestmark = pytest.mark.one_database("postgresql")


class MachineClock:
    """The clock of a machine, that somebody sets."""

    def __init__(self, wrong_by: timedelta = timedelta()) -> None:
        self.wrong_by = wrong_by

    def __call__(self) -> datetime:
        return clock.of_files() + self.wrong_by


@pytest.mark.parametrize("hours", [-7, -1, 1, 7, 24 * 365])
def test_a_worker_with_a_wrong_clock_takes_nothing_until_it_is_right(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, hours: int
) -> None:
    done = threading.Event()
    monkeypatch.setattr(outbox, "handlers", {})

    @outbox.handler(Topic("test.act"))
    def act(tx: Tx, job: Job) -> None:
        done.set()

    machine = MachineClock(timedelta(hours=hours))
    worker = Worker(db, Wakeup(db))
    worker.clock = ClockWatch(db, machine)
    with db.write() as tx:
        tx.outbox(Topic("test.act"), "once")
    serving = threading.Thread(target=worker.run)
    serving.start()
    try:
        _until(lambda: "no jobs are taken until it is right" in caplog.text)
        with db.read() as tx:
            assert outbox.is_open(tx, "test.act", "once")
        assert not done.is_set()
        machine.wrong_by = timedelta()
        assert done.wait(60)
    finally:
        worker.stop()
        serving.join(60)


def test_a_clock_that_jumps_is_found_at_once_and_a_little_is_forgiven(db: Database) -> None:
    machine = MachineClock(timedelta(seconds=3))
    watch = ClockWatch(db, machine)
    assert watch.is_right()
    for wrong_by, is_right in ((timedelta(seconds=9), False), (timedelta(), True), (timedelta(days=-1), False)):
        machine.wrong_by = wrong_by
        assert watch.is_right() is is_right


HOURS_OFF = (-2, 2)


def _set_clock_off(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """This machine's clock is wrong; the database's is right."""
    off = timedelta(hours=hours)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Wrong":
            return cls.fromtimestamp(datetime.now(UTC).timestamp() + off.total_seconds(), tz)

    monkeypatch.setattr(clock, "datetime", Wrong)
    assert abs(clock.now() - datetime.now(UTC)) > timedelta(hours=1)


@pytest.fixture(params=HOURS_OFF)
def wrong(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    _set_clock_off(monkeypatch, request.param)


def _leased_for(db: Database) -> float:
    """Seconds until the lease ends, as the database says."""
    with db.read() as tx:
        left = tx.session.scalar(sa.select(sa.func.extract("epoch", OutboxRow.leased_until - sa.func.now())))
    assert left is not None
    return float(left)


def _enqueue(db: Database, due_in: timedelta = timedelta(), expires_in: timedelta | None = None) -> None:
    with db.write() as tx:
        now = datetime.now(UTC)
        tx.outbox(Topic("test.act"), "once", due_at=now + due_in, expires_at=now + expires_in if expires_in else None)


def _claimed(db: Database) -> list[Job]:
    with db.write() as tx:
        due = claiming.due_topics(tx, ["test.act"])
        return claiming.claim(tx, due, limit=1, lease_s=60)


def test_leases_taken_and_renewed_under_a_wrong_clock_end_when_they_should(db: Database, wrong: None) -> None:
    _enqueue(db)
    (job,) = _claimed(db)
    assert 30 < _leased_for(db) <= 60
    assert _claimed(db) == [], "nobody takes it over"
    with db.write() as tx:
        attempts.renew(tx, [job], lease_s=120)
    assert 90 < _leased_for(db) <= 120
    with db.write() as tx:
        assert attempts.retry(tx, job, "busy", 600)
    with db.read() as tx:
        wait = tx.session.scalar(sa.select(sa.func.extract("epoch", OutboxRow.due_at - sa.func.now())))
    assert wait is not None
    assert 540 < wait <= 600


def test_what_a_dead_worker_left_is_taken_over_under_a_wrong_clock(db: Database, wrong: None) -> None:
    _enqueue(db)
    (first,) = _claimed(db)
    with db.write() as tx:
        tx.session.execute(sa.update(OutboxRow).values(leased_until=sa.func.now() - timedelta(seconds=1)))
    (second,) = _claimed(db)
    assert (first.token, second.token) == (1, 2)


def test_what_is_not_due_waits_and_what_has_time_does_not_end_under_a_wrong_clock(db: Database, wrong: None) -> None:
    _enqueue(db, due_in=timedelta(minutes=30))
    assert _claimed(db) == []
    with db.write() as tx:
        tx.session.execute(sa.delete(OutboxRow))
    _enqueue(db, due_in=-timedelta(minutes=30), expires_in=timedelta(minutes=30))
    (job,) = _claimed(db)
    assert not job.is_too_late
    with db.write() as tx:
        tx.session.execute(sa.delete(OutboxRow))
    _enqueue(db, due_in=-timedelta(minutes=30), expires_in=-timedelta(minutes=10))
    (job,) = _claimed(db)
    assert job.is_too_late


@pytest.mark.long_proof
@pytest.mark.parametrize("hours", HOURS_OFF)
def test_work_in_hand_keeps_its_lease_when_the_clock_jumps(
    db: Database, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    class Slow(Handler[str, str]):
        topic = Topic("test.act")

        def prepare(self, tx: Tx, job: Job) -> str:
            return job.key

        def perform(self, prepared: str) -> str:
            begun.set()
            assert go_on.wait(60)
            return prepared

        def conclude(self, tx: Tx, job: Job, result: str) -> None:
            done.append(result)

    monkeypatch.setattr(outbox, "handlers", {"test.act": Slow()})
    _enqueue(db)
    worker = Worker(db, Wakeup(db), lease_s=3)
    serving = threading.Thread(target=worker.run)
    serving.start()
    try:
        assert begun.wait(60)
        _set_clock_off(monkeypatch, hours)
        with db.read() as tx:
            first = tx.session.scalars(sa.select(OutboxRow.leased_until)).one()

        def is_renewed() -> bool:
            with db.read() as tx:
                return tx.session.scalars(sa.select(OutboxRow.leased_until)).one() != first

        _until(is_renewed)
        assert 0 < _leased_for(db) <= 3
        assert _claimed(db) == []
        go_on.set()
        _until(lambda: done == ["once"])
    finally:
        go_on.set()
        worker.stop()
        serving.join(60)


def test_a_trial_that_lives_in_the_future_is_no_wrong_clock(db: Database) -> None:
    clock.run_ahead(timedelta(days=3))
    try:
        assert ClockWatch(db).is_right()
    finally:
        clock.run_ahead(timedelta())


def test_the_embedded_database_has_no_other_clock() -> None:
    assert ClockWatch(Database("sqlite://"), MachineClock(timedelta(days=1))).is_right()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
