"""A worker renews its leases, and slow work keeps no other waiting."""

from datetime import timedelta
from threading import Event, Thread

import pytest
import sqlalchemy as sa

from kernel import clock, outbox
from kernel.db import Database
from kernel.outbox import (
    Job,
    OutboxRow,
    State,
    Topic,
)
from kernel.queue import attempts, claiming, worker
from kernel.queue.leases import Leases
from kernel.queue.wakeup import Wakeup
from tests.kernel.post import NOON, Post, enqueue, eventually, state

pytestmark = pytest.mark.both_databases


def test_a_lease_is_renewed_for_whoever_still_has_it(db: Database, post: Post) -> None:
    enqueue(db)

    def claimed() -> list[Job]:
        with db.write() as tx:
            return claiming.claim(tx, outbox.handlers, limit=1, lease_s=60)

    def renew(job: Job) -> None:
        with db.write() as tx:
            attempts.renew(tx, [job], lease_s=60)

    with clock.frozen(clock.now()):
        (first,) = claimed()
        for _ in range(3):
            clock.advance(timedelta(seconds=59))
            assert claimed() == []
            renew(first)
        clock.advance(timedelta(seconds=61))
        (second,) = claimed()
        clock.advance(timedelta(seconds=59))
        renew(first)  # not any more
        clock.advance(timedelta(seconds=2))
        (third,) = claimed()
        with db.write() as tx:
            attempts.finish(tx, third, State.DONE)
        renew(third)
    assert state(db) == State.DONE
    assert [job.token for job in (first, second, third)] == [1, 2, 3]


def test_work_that_takes_longer_than_its_lease_is_done_once(db: Database, post: Post) -> None:
    released = Event()

    class Slow(Post):
        def perform(self, prepared: str) -> str:
            answer = super().perform(prepared)
            released.wait()
            return answer

    def has_a_whole_lease() -> bool:
        with db.read() as tx:
            end = tx.session.scalars(sa.select(OutboxRow.leased_until)).one()
        return end == clock.now() + timedelta(seconds=3)

    slow = outbox.handlers["test.post"] = Slow()
    served = [worker.Worker(db, Wakeup(db), threads=1, lease_s=3) for _ in range(2)]
    running = [Thread(target=one.run) for one in served]
    with clock.frozen(NOON):  # it goes on when the lease was renewed: a slow machine loses none
        enqueue(db)
        for one in running:
            one.start()
        try:
            eventually(lambda: len(slow.sent) == 1)
            assert has_a_whole_lease()
            for _ in range(2):  # beyond the end of the first lease
                clock.advance(timedelta(seconds=2))
                eventually(has_a_whole_lease)
            released.set()
            eventually(lambda: slow.concluded == ["receipt a"])
        finally:
            released.set()
            for each in served:
                each.stop()
            for one in running:
                one.join()
    assert slow.sent == ["a"]


def test_work_that_hangs_is_tried_by_another_worker(db: Database, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.queue.leases.LONGEST_S", 1.0)
    enqueue(db)
    with db.write() as tx:
        (job,) = claiming.claim(tx, outbox.handlers, limit=1, lease_s=1)
    leases = Leases(db, 1)
    with leases.renewed(), leases.holding(job):
        eventually(lambda: worker.drain(db) == 1)
    assert post.sent == ["a"]


@pytest.mark.parametrize("cap", ["at_once", "at_once_here"])
def test_what_takes_its_time_keeps_no_other_work_waiting(db: Database, post: Post, cap: str) -> None:
    released = Event()
    begun: list[str] = []

    class Slow(Post):
        def perform(self, prepared: str) -> str:
            begun.append(prepared)
            released.wait()
            return super().perform(prepared)

    slow = Slow()
    setattr(slow, cap, 2)
    outbox.handlers["test.slow"] = slow
    with db.write() as tx:
        for number in range(5):
            tx.outbox(Topic("test.slow"), f"s{number}")
    served = worker.Worker(db, Wakeup(db), threads=1)
    running = Thread(target=served.run)
    running.start()
    try:
        enqueue(db, "quick")
        eventually(lambda: post.concluded == ["receipt quick"])
        eventually(lambda: len(begun) == 2)
        enqueue(db, "quick too")
        eventually(lambda: len(post.concluded) == 2)
        assert (slow.concluded, len(begun)) == ([], 2)
        released.set()
        eventually(lambda: len(slow.concluded) == 5)
    finally:
        released.set()
        served.stop()
        running.join()


def test_many_jobs_are_begun_together_and_no_lane_gets_more_than_it_has_room_for(db: Database, post: Post) -> None:
    hold = Event()
    begun: dict[str, list[str]] = {"quick": [], "slow": []}

    class Held(Post):
        def __init__(self, lane: str) -> None:
            super().__init__()
            self.lane = lane

        def perform(self, prepared: str) -> str:
            begun[self.lane].append(prepared)
            hold.wait(60)
            return super().perform(prepared)

    quick, slow = Held("quick"), Held("slow")
    slow.at_once_here = 2
    outbox.handlers.update({"test.post": quick, "test.slow": slow})
    with db.write() as tx:
        for number in range(8):
            tx.outbox(Topic("test.post"), f"q{number}")
            tx.outbox(Topic("test.slow"), f"s{number}")
    served = worker.Worker(db, Wakeup(db), threads=3)
    running = Thread(target=served.run)
    running.start()
    try:
        eventually(lambda: (len(begun["quick"]), len(begun["slow"])) == (3, 2))
        with db.read() as tx:
            leased = tx.session.scalars(sa.select(OutboxRow.key).where(OutboxRow.state == State.LEASED))
            assert set(leased) == {*begun["quick"], *begun["slow"]}, "what is claimed is begun"
        hold.set()
        eventually(lambda: len(quick.concluded) == len(slow.concluded) == 8)
    finally:
        hold.set()
        served.stop()
        running.join()
