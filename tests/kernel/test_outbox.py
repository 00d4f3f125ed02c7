"""Jobs are done once, by whoever holds the lease."""

import contextlib
import re
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa

from kernel import clock, outbox
from kernel.db import Database, Tx
from kernel.errors import Invalid
from kernel.outbox import (
    Absent,
    Arrived,
    Job,
    LeaseLost,
    OutboxAttempt,
    OutboxRow,
    Reason,
    SendError,
    State,
    Topic,
    Unsure,
)
from kernel.queue import attempts, claiming, worker
from kernel.text import Phrase, phrase
from tests.kernel.post import NOON, Post, enqueue, state

pytestmark = pytest.mark.both_databases


def test_a_promise_is_kept_once_even_when_made_twice(db: Database, post: Post) -> None:
    enqueue(db)
    with db.write() as tx:
        tx.outbox(Topic("test.post"), "a")
        tx.outbox(Topic("test.post"), "a")
    worker.drain(db)
    enqueue(db)
    worker.drain(db)
    assert post.sent == ["a"]
    assert post.concluded == ["receipt a"]
    assert state(db) == State.DONE


def test_who_does_what_is_due_leaves_no_listener_behind(db: Database, post: Post) -> None:
    for _ in range(3):
        enqueue(db)
        worker.drain(db)
    assert db.after_commit == []


def test_nothing_is_promised_when_the_transaction_fails(db: Database, post: Post) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        tx.outbox(Topic("test.post"), "a")
        raise ZeroDivisionError
    assert worker.drain(db) == 0


def test_a_part_that_fails_takes_back_its_own_promises_only(db: Database, post: Post) -> None:
    with db.write() as tx:
        tx.outbox(Topic("test.post"), "before")
        with contextlib.suppress(ZeroDivisionError), tx.attempt():
            tx.outbox(Topic("test.post"), "stored inside")
            tx.store_jobs()
            tx.outbox(Topic("test.post"), "inside")
            raise ZeroDivisionError
        tx.outbox(Topic("test.post"), "after")
    worker.drain(db)
    assert sorted(post.sent) == ["after", "before"]


def test_a_promise_of_the_same_transaction_can_be_taken_back(db: Database, post: Post) -> None:
    with db.write() as tx:
        tx.outbox(Topic("test.post"), "a")
        assert outbox.cancel(tx, "test.post", ["a"]) == 1
    assert worker.drain(db) == 0


def test_a_job_waits_until_it_is_due(db: Database, post: Post) -> None:
    with clock.frozen(NOON):
        enqueue(db, due_at=NOON + timedelta(hours=1))
        assert worker.drain(db) == 0
        clock.advance(timedelta(hours=1))
        assert worker.drain(db) == 1


def test_a_temporary_failure_is_tried_again_later_and_a_permanent_one_is_not(db: Database, post: Post) -> None:
    with clock.frozen(NOON):
        enqueue(db)
        post.fail = SendError("busy", permanent=False)
        worker.drain(db)
        assert state(db) == State.WAITING
        assert worker.drain(db) == 0
        clock.advance(timedelta(seconds=61))
        post.fail = SendError("no such number", permanent=True)
        worker.drain(db)
        assert state(db) == State.FAILED
        assert post.dead_letters == ["no such number"]


def reason(db: Database) -> Phrase:
    with db.read() as tx:
        return outbox.why(tx.session.scalars(sa.select(OutboxRow)).one())


def test_a_reason_is_kept_for_both_languages_also_when_it_became_too_late(db: Database, post: Post) -> None:
    with clock.frozen(NOON):
        enqueue(db, expires_at=NOON + timedelta(minutes=5))
        post.fail = SendError(Reason(phrase("Không kết nối được tới trục trên."), "ConnectionError"), permanent=False)
        worker.drain(db)
        assert reason(db) == phrase("Không kết nối được tới trục trên.")
        clock.advance(timedelta(minutes=6))
        worker.drain(db)
    assert state(db) == State.EXPIRED
    assert reason(db).vi.endswith("Lần thử cuối: Không kết nối được tới trục trên.")
    assert reason(db).en.endswith("The last try: The upper axis cannot be reached.")


def test_words_of_others_stand_in_a_sentence_and_a_refusal_of_the_house_is_its_own(db: Database, post: Post) -> None:
    enqueue(db)
    post.fail = SendError("550 no such box", permanent=True)
    worker.drain(db)
    assert "550 no such box" in reason(db).en
    assert reason(db).en != reason(db).vi
    with db.write() as tx:
        (job,) = tx.session.scalars(sa.select(OutboxRow.id))
        assert outbox.requeue(tx, job)
    said = phrase("Dữ liệu không hợp lệ.")
    post.fail = Invalid({"x": said})  # type: ignore[assignment]
    worker.drain(db)
    assert (state(db), reason(db)) == (State.WAITING, said)


def test_a_useless_job_is_dropped_and_reported(db: Database, post: Post) -> None:
    with clock.frozen(NOON):
        enqueue(db, expires_at=NOON + timedelta(minutes=5))
        clock.advance(timedelta(minutes=6))
        worker.drain(db)
    assert post.sent == []
    assert state(db) == State.EXPIRED
    assert len(post.dead_letters) == 1


def test_what_expires_is_tried_until_then_and_what_never_does_has_an_end(db: Database, post: Post) -> None:
    post.fail = SendError("away", permanent=False)
    with clock.frozen(NOON):
        enqueue(db, expires_at=NOON + timedelta(days=2))
        pauses = []
        while state(db) == State.WAITING:
            with db.read() as tx:
                due_at = claiming.next_due_at(tx, ["test.post"])
            assert due_at is not None
            pauses.append(due_at - clock.now())
            clock.advance(due_at - clock.now())
            worker.drain(db)
        assert state(db) == State.EXPIRED
        assert clock.now() == NOON + timedelta(days=2)  # said at once, and not an hour later
        assert len(pauses) > attempts.MAX_ATTEMPTS
        assert max(pauses) <= timedelta(hours=1)
        assert min(pauses[1:-1]) >= timedelta(seconds=30)
        with db.write() as tx:
            tx.session.execute(sa.delete(outbox.OutboxAttempt))
            tx.session.execute(sa.delete(OutboxRow))
        enqueue(db, "b")
        for _ in range(attempts.MAX_ATTEMPTS):
            assert state(db) == State.WAITING
            worker.drain(db)
            clock.advance(timedelta(hours=1))
        assert state(db) == State.FAILED


@pytest.mark.parametrize("inside", [True, False])
def test_work_whose_transaction_always_fails_is_given_up_all_the_same(db: Database, post: Post, inside: bool) -> None:
    tried: list[str] = []

    def stumble(_tx: Tx, job: Job) -> None:
        tried.append(job.key)
        raise ZeroDivisionError

    if inside:
        outbox.handlers.pop("test.post")
        outbox.handler(Topic("test.post"))(stumble)
    else:
        post.prepare = stumble  # type: ignore[method-assign, assignment]
    with clock.frozen(NOON):
        enqueue(db)
        for _ in range(attempts.MAX_ATTEMPTS):
            assert state(db) == State.WAITING
            worker.drain(db)
            clock.advance(timedelta(hours=1))
    assert (state(db), len(tried)) == (State.FAILED, attempts.MAX_ATTEMPTS)


def test_what_is_done_in_one_transaction_is_counted_and_traced_with_it(db: Database, post: Post) -> None:
    outbox.handlers.pop("test.post")
    outbox.handler(Topic("test.post"))(lambda tx, job: tx.outbox(Topic("test.other"), job.key))
    with clock.frozen(NOON):
        enqueue(db)
        worker.drain(db)
    with db.read() as tx:
        row = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.topic == "test.post")).one()
        trace = tx.session.scalars(sa.select(OutboxAttempt)).one()
    assert (row.state, row.attempts, row.leased_until) == (State.DONE, 1, None)
    assert (trace.outcome, trace.ended_at, trace.token) == (State.DONE, row.finished_at, row.token)


def die_after_attempt(db: Database) -> None:
    """What a kill between the attempt row and the outcome leaves behind."""
    with db.write() as tx:
        (job,) = claiming.claim(tx, ["test.post"], limit=1, lease_s=60)
    with db.write() as tx:
        attempts.begin_attempt(tx, job)


@pytest.mark.parametrize(
    ("answer", "sent", "final"),
    [
        (Arrived("found"), [], State.DONE),
        (Absent(), ["a"], State.DONE),
        (Unsure("the list is down for good"), [], State.UNKNOWN),
    ],
)
def test_an_open_attempt_is_reconciled_before_anything_is_done_again(
    db: Database, post: Post, answer: Any, sent: list[str], final: State
) -> None:
    with clock.frozen(NOON):
        enqueue(db)
        die_after_attempt(db)
        assert worker.drain(db) == 0, "the lease still holds"
        clock.advance(timedelta(seconds=61))
        post.answer = answer
        worker.drain(db)
    assert post.sent == sent
    assert state(db) == final
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).where(OutboxAttempt.ended_at.is_(None))) == 0


def test_a_worker_that_lost_its_lease_cannot_finish(db: Database, post: Post) -> None:
    with clock.frozen(NOON):
        enqueue(db)
        with db.write() as tx:
            (late,) = claiming.claim(tx, ["test.post"], limit=1, lease_s=60)
        clock.advance(timedelta(seconds=61))
        with db.write() as tx:
            assert len(claiming.claim(tx, ["test.post"], limit=1, lease_s=60)) == 1
        with pytest.raises(LeaseLost), db.write() as tx:
            attempts.finish(tx, late, State.DONE)


def test_a_waiting_promise_can_be_taken_back_and_a_failed_one_done_again(db: Database, post: Post) -> None:
    enqueue(db, "a", due_at=clock.now() + timedelta(days=1))
    enqueue(db, "b")
    post.fail = SendError("no", permanent=True)
    worker.drain(db)
    post.fail = None
    with db.write() as tx:
        assert outbox.cancel(tx, "test.post", ["a", "b"]) == 1
        failed = tx.session.scalars(sa.select(OutboxRow.id).where(OutboxRow.key == "b")).one()
        assert outbox.requeue(tx, failed)
        assert not outbox.requeue(tx, failed)
        assert outbox.cancel(tx, "test.post", ["b"], untried=True) == 0  # its first try may have reached somebody
    worker.drain(db)
    assert post.sent == ["b"]


def test_no_more_jobs_of_a_topic_are_held_at_once_than_it_allows(db: Database, post: Post) -> None:
    other = Post()
    outbox.handlers["test.other"] = other
    post.at_once = 4
    taken: list[Job] = []
    turns = Barrier(12)

    def take() -> None:
        turns.wait()
        with db.write() as tx:
            taken.extend(claiming.claim(tx, outbox.handlers, limit=1, lease_s=60))

    with clock.frozen(NOON):  # no lease ends because the machine is slow
        with db.write() as tx:
            for number in range(9):
                tx.outbox(Topic("test.post"), f"p{number}")
            tx.outbox(Topic("test.other"), "last")
        workers = [Thread(target=take) for _ in range(12)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        assert sorted(job.topic for job in taken) == ["test.other", *["test.post"] * 4]  # the full topic hides no other
        with db.write() as tx:
            attempts.begin_attempt(tx, next(job for job in taken if job.topic == "test.post"))
            attempts.finish(tx, next(job for job in taken if job.topic == "test.post"), State.DONE)
        with db.write() as tx:
            assert len(claiming.claim(tx, outbox.handlers, limit=10, lease_s=60)) == 1
        clock.advance(timedelta(seconds=61))
        with db.write() as tx:
            again = claiming.claim(tx, outbox.handlers, limit=10, lease_s=60)
        assert len(again) == 5  # four that died, and the other topic's
        assert worker.drain(db) == 0


def test_a_look_reads_neither_what_is_done_nor_what_waits_of_other_topics(db: Database, post: Post) -> None:
    plans: list[str] = []

    def explain(connection: sa.Connection, _: object, statement: str, values: Any, *rest: object) -> None:
        if statement.startswith(("SELECT", "WITH")) and "outbox" in statement:
            word = "EXPLAIN QUERY PLAN" if db.is_sqlite else "EXPLAIN"
            found = connection.connection.cursor()
            found.execute(f"{word} {statement}", values)
            plans.append("\n".join(str(line) for line in found.fetchall()))

    enqueue(db)
    with db.write() as tx:
        shared = {"payload": {}, "created_at": NOON, "due_at": NOON}
        for topic, state in (("test.post", State.DONE), ("test.other", State.WAITING)):
            rows = [{**shared, "topic": topic, "state": state, "key": f"n{number}"} for number in range(5000)]
            tx.session.execute(sa.insert(OutboxRow), rows)
        tx.session.execute(sa.text("ANALYZE outbox"))
        connection = tx.session.connection()
        sa.event.listen(connection, "before_cursor_execute", explain)
        assert claiming.due_topics(tx, ["test.post", "test.other"]) == ["test.other", "test.post"]
        assert len(claiming.claim(tx, ["test.post"], limit=1, lease_s=60)) == 1
        sa.event.remove(connection, "before_cursor_execute", explain)
    for plan in plans[:2]:
        assert "ix_outbox_waiting" in plan, plan
        assert "ix_outbox_leased" in plan, plan
    assert not any(re.search(r"Seq Scan on outbox\b|SCAN outbox(?! USING)", plan) for plan in plans), plans
