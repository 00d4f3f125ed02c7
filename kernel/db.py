"""Engines made on demand and `Tx`, the only place that commits."""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from kernel import audit, faults, outbox, streams, words
from kernel.errors import Unavailable
from kernel.schema import Base, BigId, Json, JsonList
from kernel.storage import verified
from kernel.storage.blobs import BlobStore
from kernel.storage.verified import Soundness
from kernel.text import phrase
from kernel.wire import Wire

__all__ = ["Base", "BigId", "Committed", "Database", "Json", "JsonList", "Tx"]

log = logging.getLogger(__name__)

CHANNEL = "lienthong"
FRESH_S = 0.5
_TURN = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("what"), 0)))
PROCESS = secrets.token_hex(4)
"""Stands in the hints of this process, which it has handed on itself when it hears them again."""
_NOTIFY = sa.text("SELECT pg_notify(:channel, name) FROM unnest(CAST(:names AS text[])) AS name")


@dataclass(frozen=True)
class Committed:
    """What a transaction left for others to pick up: its numbered events and the outbox topics that it touched."""

    events: tuple[streams.Event, ...]
    topics: frozenset[str]
    hints: tuple[streams.Hint, ...] = ()

    @property
    def streams(self) -> frozenset[str]:
        """The streams that it published on."""
        return frozenset(event.stream for event in self.events)


@dataclass
class Tx:
    """One transaction. A verb changes rows through `session` and says what must follow; it never commits.

    `by` names who acts: `person:7`, `client:3`, `system`.
    """

    session: Session
    by: str
    writable: bool
    # Opens another one that reads, for work that goes on when this one has ended: a job that has begun its attempt.
    reader: Callable[[], AbstractContextManager["Tx"]]
    # A view that answers with a refusal is rolled back; one that must keep what it wrote all the same (a counted
    # failed sign-in) says so here.
    keep_on_refusal: bool = False
    blobs: BlobStore | None = None
    begun: float = field(default_factory=time.monotonic)  # nothing that was committed before is missing in it
    _jobs: list[dict[str, Any]] = field(default_factory=list)
    _events: list[streams.Draft] = field(default_factory=list)
    _hints: list[streams.Hint] = field(default_factory=list)
    _entries: list[audit.Draft] = field(default_factory=list)
    _topics: set[str] = field(default_factory=set)
    _words: set[str] = field(default_factory=set)
    _pinned: list[Base] = field(default_factory=list)

    def outbox(
        self,
        topic: outbox.Topic,
        key: str,
        payload: dict[str, Any] | None = None,
        *,
        due_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        """Enqueue a job: `topic`'s handler runs for `key`, once, not before `due_at`. Enqueueing the same (topic, key)
        twice does nothing. After `expires_at` the work is dropped and reported instead of done.

        The rows are stored together at the end of the transaction.
        """
        self._topics.add(topic)
        self._jobs.append(outbox.drafted(topic, key, payload or {}, due_at, expires_at))

    def store_jobs(self) -> None:
        """Store them now, for whoever looks at rows of the outbox in this transaction."""
        jobs, self._jobs = self._jobs, []
        outbox.store(self.session, jobs)

    def publish(self, stream: streams.StreamName, kind: str, data: Wire) -> None:
        """Tell the audience of `stream`. The row gets its dense number at the end of the transaction, when all
        stream rows are locked in one order, so that two transactions can never wait for each other."""
        self._events.append(streams.Draft(stream, kind, data.wire()))

    def hint(self, stream: streams.StreamName, name: str, data: Wire) -> None:
        """Tell who follows `stream` at this moment, and nobody later. The other web processes hear it by the
        database's notices, which SQLite does not have; it must be short (a notice holds 8,000 bytes)."""
        self._hints.append(streams.Hint(stream, name, data.wire()))

    def audit(
        self,
        chain: str,
        action: str,
        ref: object = "",
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Record who did what to which thing in the hash chain named `chain` (an agency's: `agency:3`)."""
        self._entries.append(audit.Draft(chain, self.by, action, str(ref), detail or {}))

    def soundness(self, sha256: str) -> Soundness:
        """Whether a stored file is still what its name says, before anything is told of it. A process without a file
        store, such as a command that only counts rows, believes it."""
        return verified.soundness(self.blobs, sha256) if self.blobs is not None else Soundness.SOUND

    def index_words(self, words: Iterable[str]) -> None:
        """These words stand in the index of the search from now on (kernel/words.py)."""
        self._words.update(words)

    def pin(self, *rows: Base) -> None:
        """Hold rows that are asked for again and again until the transaction ends: the session forgets those that
        nobody refers to, and would fetch them each time."""
        self._pinned.extend(rows)

    def advisory_lock(self, what: str) -> None:
        """Two transactions that do the same `what` at the same moment: the second waits for the end of the first."""
        if self.session.get_bind().dialect.name == "postgresql":  # the embedded database has one writer anyway
            self.session.connection().execute(_TURN, {"what": what})

    def release(self) -> None:
        """Give the connection back before something slow is done that asks the database nothing. A transaction that
        only reads goes on from a new instant when it asks again; what it has loaded stays as it is."""
        if self.writable:
            raise RuntimeError("a write transaction cannot be let go: its rows would be lost")
        self.session.commit()
        self.session.close()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of the transaction that may fail without the rest: when the block raises, its rows, and what was to
        be told and recorded about them, are undone, and the caller decides what follows."""
        self.store_jobs()
        events, hints, entries = len(self._events), len(self._hints), len(self._entries)
        topics = set(self._topics)
        try:
            with self.session.begin_nested():
                yield
        except BaseException:
            del self._jobs[:], self._events[events:], self._hints[hints:], self._entries[entries:]
            self._topics = topics
            raise

    def _finish(self) -> Committed:
        """Write jobs, events and audit entries, in one lock order, and commit."""
        self.session.flush()
        self.store_jobs()
        words.index_words(self.session, self._words)
        done = Committed(tuple(streams.append(self.session, self._events)), frozenset(self._topics), tuple(self._hints))
        if self.session.get_bind().dialect.name == "postgresql":
            self._notify(done)
        audit.append(self.session, self._entries)  # last: all that an agency does waits for the end of its chain
        faults.point("tx.before_commit")
        self.session.commit()
        faults.point("tx.after_commit")
        return done

    def _notify(self, done: Committed) -> None:
        names = [f"s {name}" for name in sorted(done.streams)] + [f"t {topic}" for topic in sorted(done.topics)]
        names += [f"h {json.dumps([PROCESS, hint.stream, hint.name, hint.data])}" for hint in done.hints]
        if names:
            self.session.execute(_NOTIFY, {"channel": CHANNEL, "names": names})


class Database:
    """One database, SQLite or PostgreSQL. Making it opens no connection."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url, pool_size)
        self.after_commit: list[Callable[[Committed], None]] = []
        self.blobs: BlobStore | None = None  # where the files lie that its rows name
        # SQLite has one writer. Waiting here, where green threads can yield, instead of inside SQLite keeps
        # a web process from standing still while one of its own requests holds the write lock.
        self._writing = threading.Lock()
        self._reader = self.engine.execution_options(
            **({} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        )
        self._writer = self.engine.execution_options(lienthong_immediate=True)

    @contextmanager
    def read(self, by: str = "system") -> Iterator[Tx]:
        """A transaction that sees one instant of the database and changes nothing.

        It is committed all the same: psycopg forgets every prepared statement of a connection that is rolled back.
        """
        with Session(self._reader, expire_on_commit=False) as session:
            tx = Tx(session, by, writable=False, reader=self.read, blobs=self.blobs)
            yield tx
            if session.new or session.dirty or session.deleted or tx._events or tx._hints or tx._entries or tx._topics:
                raise RuntimeError("a read transaction tried to write")
            session.commit()

    @contextmanager
    def write(self, by: str = "system") -> Iterator[Tx]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        with (
            self._writer_turn(),
            Session(self._writer, expire_on_commit=False) as session,
        ):
            tx = Tx(session, by, writable=True, reader=self.read, blobs=self.blobs)
            yield tx
            done = tx._finish()
        for hook in self.after_commit:
            try:
                hook(done)
            except Exception:  # the write stands; who was to hear of it finds the rows
                log.exception("a hook after the commit failed")

    @contextmanager
    def _writer_turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=30):
            log.error("waited 30 s for the embedded database: a write transaction is nested or stuck")
            raise Unavailable(phrase("Hệ thống đang bận ghi dữ liệu. Xin thử lại sau ít phút."))
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": 15, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A deferred transaction that turns to writing fails at once when another one wrote meanwhile;
        # asking for the write lock at the start makes it wait instead.
        immediate = connection.get_execution_options().get("lienthong_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgres_engine(url: sa.URL, pool_size: int) -> sa.Engine:
    import psycopg

    engine = sa.create_engine(
        url,
        # None is opened for a moment only: a new one knows no statements yet and costs more than its work.
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        # Statements are prepared, but planned for each call: half of all rows may be one agency's, and a plan for
        # anybody would read all of them to find a rare word.
        # A server that is silent, instead of refusing, is away after ten seconds: /health waits for nothing longer.
        connect_args={
            "options": "-c timezone=UTC -c lock_timeout=15s -c plan_cache_mode=force_custom_plan",
            "connect_timeout": 10,
        },
    )

    @sa.event.listens_for(engine, "connect")
    @sa.event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["worked_at"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def check(connection: Any, record: Any, _fairy: Any) -> None:
        # A server that was started anew leaves dead connections behind, so they are asked before use; but what worked a
        # moment ago need not answer again: under load that is one more round trip for every transaction.
        if time.monotonic() - record.info["worked_at"] > FRESH_S:
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise sa.exc.InvalidatePoolError from error

    return engine
