"""Streams are dense and in commit order; audit chains show every change."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from kernel import audit, clock, streams
from kernel.audit import AuditEntry
from kernel.db import Committed, Database, Tx
from kernel.outbox import OutboxRow, Topic
from kernel.queue.wakeup import EVERYTHING, Wakeup
from kernel.streams import stored_name
from tests.sample_events import Sample

pytestmark = pytest.mark.both_databases


def publish(db: Database, stream: str, number: int) -> None:
    with db.write() as tx:
        tx.publish(stored_name(stream), "moved", Sample({"item": number}))


def test_numbers_are_dense_under_concurrent_writers(db: Database) -> None:
    def many(start: int) -> None:
        for n in range(20):
            with db.write() as tx:
                # Opposite orders of two streams would wait for each other if rows were locked as they come.
                for stream in ("meeting:1", "meeting:2")[:: 1 if start else -1]:
                    tx.publish(stored_name(stream), "moved", Sample({"item": start + n}))

    threads = [threading.Thread(target=many, args=(s,)) for s in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as tx:
        for stream in ("meeting:1", "meeting:2"):
            events = streams.replay(tx, stream, 0)
            assert events is not None
            assert [e.seq for e in events] == list(range(1, 61))


def test_a_rolled_back_change_leaves_no_hole(db: Database) -> None:
    publish(db, "meeting:1", 1)
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        tx.publish(stored_name("meeting:1"), "moved", Sample({"item": 2}))
        raise ZeroDivisionError
    publish(db, "meeting:1", 3)
    with db.read() as tx:
        events = streams.replay(tx, "meeting:1", 0)
    assert [(e.seq, e.data["item"]) for e in events or []] == [(1, 1), (2, 3)]


def test_a_part_that_failed_is_not_told_and_not_recorded(db: Database) -> None:
    with db.write() as tx:
        tx.publish(stored_name("meeting:1"), "moved", Sample({"item": 1}))
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.publish(stored_name("meeting:1"), "moved", Sample({"item": 2}))
            tx.audit("agency:1", "item.moved", 2)
            tx.outbox(Topic("test.later"), "2")
            raise ZeroDivisionError
        with tx.attempt():
            tx.publish(stored_name("meeting:1"), "moved", Sample({"item": 3}))
            tx.audit("agency:1", "item.moved", 3)
    with db.read() as tx:
        assert [e.data["item"] for e in streams.replay(tx, "meeting:1", 0) or []] == [1, 3]
        assert list(tx.session.scalars(sa.select(AuditEntry.ref))) == ["3"]
        assert tx.session.scalar(sa.select(sa.func.count(OutboxRow.id))) == 0


def test_replay_gives_all_or_asks_for_a_snapshot(db: Database) -> None:
    for n in range(5):
        publish(db, "meeting:1", n)
    with db.read() as tx:
        assert [e.seq for e in streams.replay(tx, "meeting:1", 3) or []] == [4, 5]
        assert streams.replay(tx, "meeting:1", 5) == []
        assert streams.replay(tx, "meeting:1", 6) is None, "the browser knows a future that is not ours"
        assert streams.replay(tx, "meeting:1", 0, limit=4) is None
    with db.write() as tx:
        streams.prune(tx, clock.now() + timedelta(seconds=1))
    with db.read() as tx:
        assert streams.replay(tx, "meeting:1", 3) is None
        assert streams.replay(tx, "meeting:1", 5) == []


def test_commits_wake_who_waits(db: Database) -> None:
    other = Database(db.url.render_as_string(hide_password=False))
    wakeup = Wakeup(db, poll_s=0.01)
    wakeup.wait(0.1)
    publish(db, "meeting:1", 1)
    assert wakeup.wait(60) & {"s meeting:1", "*"}
    while wakeup.wait(0.05):
        pass
    publish(other, "meeting:1", 2)
    assert wakeup.wait(60) & (EVERYTHING | {"s meeting:1"})
    wakeup.close()
    other.close()


def test_hooks_hear_only_what_was_committed(db: Database) -> None:
    heard: list[Committed] = []
    db.after_commit.append(heard.append)
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        tx.publish(stored_name("meeting:1"), "moved", Sample({}))
        raise ZeroDivisionError
    assert heard == []
    publish(db, "meeting:1", 1)
    assert heard == [Committed((streams.Event("meeting:1", 1, "moved", {"item": 1}),), frozenset())]


def test_a_read_transaction_cannot_write(db: Database) -> None:
    with pytest.raises(RuntimeError), db.read() as tx:
        tx.publish(stored_name("meeting:1"), "moved", Sample({}))


def test_a_connection_keeps_its_prepared_statements_when_it_was_only_read(db: Database) -> None:
    if db.is_sqlite:
        pytest.skip("the embedded database prepares nothing")
    for number in range(8):  # psycopg prepares what it sees for the sixth time
        with db.read() as tx:
            tx.session.scalar(sa.select(sa.func.abs(sa.bindparam("n", number))))
            tx.release()
            tx.session.scalar(sa.select(sa.func.sqrt(sa.bindparam("n", number))))
    with db.read() as tx:
        kept = set(tx.session.scalars(sa.text("SELECT substring(statement, 8, 3) FROM pg_prepared_statements")))
    assert {"abs", "sqr"} <= kept


def record(tx: Tx, number: int) -> None:
    tx.audit("agency:1", "document.sent", f"document:{number}", {"to": ["Sở Tài chính"]})


@pytest.mark.parametrize("damage", ["change", "remove", "cut the end"])
def test_every_change_of_the_audit_is_found(db: Database, damage: str) -> None:
    for n in range(5):
        with db.write("person:1") as tx:
            record(tx, n)
    with db.read() as tx:
        assert audit.first_break(tx, "agency:1") is None
        assert [e.by for e in audit.history(tx, "document:3")] == ["person:1"]
    with db.write() as tx:
        if damage == "change":
            tx.session.execute(sa.update(AuditEntry).where(AuditEntry.seq == 3).values(by="person:2"))
        else:
            seq = 3 if damage == "remove" else 5
            tx.session.execute(sa.delete(AuditEntry).where(AuditEntry.seq == seq))
    with db.read() as tx:
        assert audit.first_break(tx, "agency:1") == (5 if damage == "cut the end" else 3)
