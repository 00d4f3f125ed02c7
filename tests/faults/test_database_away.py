"""A worker whose database is killed and comes back goes on, without anybody starting it anew."""

import time
from threading import Event, Thread

import pytest

from kernel import outbox
from kernel.db import Database, Tx
from kernel.outbox import Handler, Job, Topic
from kernel.queue.wakeup import Wakeup
from kernel.queue.worker import Worker
from kernel.schema import Base
from tests.postgres import TestServer
from web import rooms


class Ring(Handler[str, None]):
    """Says that it was done."""

    topic = Topic("test.ring")

    def __init__(self) -> None:
        self.rung = Event()

    def prepare(self, tx: Tx, job: Job) -> str:
        return job.key

    def perform(self, prepared: str) -> None:
        self.rung.set()


@pytest.mark.long_proof
def test_a_worker_outlives_its_database(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    rooms.load_models()
    handler = Ring()
    monkeypatch.setattr(outbox, "handlers", {Ring.topic: handler})
    with TestServer(durable=True) as server:
        db = Database(server.create("away"))
        Base.metadata.create_all(db.engine)
        worker = Worker(db, Wakeup(db))
        serving = Thread(target=worker.run)
        serving.start()
        server.stop()
        until = time.monotonic() + 60
        while "the database is away" not in caplog.text:  # it has looked meanwhile
            assert time.monotonic() < until
            time.sleep(0.05)
        server.start()
        with db.write() as tx:
            tx.outbox(Topic(Ring.topic), "once")
        done = handler.rung.wait(60)
        worker.stop()
        serving.join(60)
        db.close()
    assert done
