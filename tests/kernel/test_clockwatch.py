"""A worker acts on its clock only while that of the database agrees."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from kernel import clock, outbox
from kernel.clockwatch import ClockWatch
from kernel.db import Database, Tx
from kernel.outbox import Job
from kernel.wakeup import Wakeup
from kernel.worker import Worker

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

    @outbox.handler("test.act")
    def act(tx: Tx, job: Job) -> None:
        done.set()

    machine = MachineClock(timedelta(hours=hours))
    worker = Worker(db, Wakeup(db))
    worker.clock = ClockWatch(db, machine)
    with db.write() as tx:
        tx.outbox("test.act", "once")
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
