"""A handler that sends to a list in memory, and what the tests of outbox and worker do with it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from kernel.db import Database, Tx
from kernel.outbox import (
    Absent,
    Arrived,
    Handler,
    Job,
    OutboxRow,
    SendError,
    Topic,
    Unsure,
)

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)


class Post(Handler[str, str]):
    """Sends to a list in memory, as a receiver outside would be."""

    topic = Topic("test.post")

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fail: SendError | None = None
        self.answer: Arrived[str] | Absent | Unsure = Absent()
        self.concluded: list[str] = []
        self.dead_letters: list[str] = []

    def prepare(self, tx: Tx, job: Job) -> str | None:
        return job.key or None

    def perform(self, prepared: str) -> str:
        if self.fail:
            raise self.fail
        self.sent.append(prepared)
        return f"receipt {prepared}"

    def conclude(self, tx: Tx, job: Job, result: str) -> None:
        self.concluded.append(result)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        self.dead_letters.append(reason)

    def reconcile(self, prepared: str, since: datetime) -> Arrived[str] | Absent | Unsure:
        return self.answer


def enqueue(db: Database, key: str = "a", **rest: Any) -> None:
    with db.write() as tx:
        tx.outbox(Topic("test.post"), key, **rest)


def state(db: Database) -> str:
    with db.read() as tx:
        return str(tx.session.scalars(sa.select(OutboxRow.state)).one())


def eventually(true: Callable[[], bool], within_s: float = 60) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)
