"""Rows for everything that leaves or follows later; `kernel.queue.claiming` takes them and `kernel.queue.attempts` ends
them.

A row is claimed with a fencing token, an attempt row is committed before the work starts, and no transaction is open
while the work talks to the world. An attempt that was left open is *unknown*: the handler reconciles with the
receiver before anything is done again.
"""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NewType, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel import clock
from kernel.schema import Base, Json, insert_for
from kernel.text import Phrase, phrase

if TYPE_CHECKING:
    from kernel.db import Tx


Topic = NewType("Topic", str)
"""The name of a kind of work. Each package declares its own in its `topics.py` and nowhere else, so that the rules know
all of them; mypy refuses a plain string."""


class State(enum.StrEnum):
    """`waiting` and `leased` move on by themselves; the others are final until an operator acts."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


OPEN_STATES = (State.WAITING, State.LEASED)
DEAD = (State.FAILED, State.EXPIRED, State.UNKNOWN)


def _index(name: str, *columns: str, states: Iterable[State]) -> sa.Index:
    rows = sa.text(f"state IN ({', '.join(repr(str(one)) for one in states)})")
    return sa.Index(f"ix_outbox_{name}", *columns, postgresql_where=rows, sqlite_where=rows)


class OutboxRow(Base):
    """One job. (topic, key) is unique, so that enqueueing twice is enqueueing once."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.UniqueConstraint("topic", "key"),
        # None of them holds what is done: a worker's look costs the same however much that is.
        _index("waiting", "topic", "due_at", "id", states=(State.WAITING,)),
        _index("leased", "leased_until", states=(State.LEASED,)),
        _index("given_up", "id", states=DEAD),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str]
    key: Mapped[str]
    payload: Mapped[Json]
    state: Mapped[str] = mapped_column(default=State.WAITING)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    said: Mapped[Json | None]  # the reason as a phrase, where it has a sentence for people


class OutboxAttempt(Base):
    """One try, committed before it starts. Without `ended_at` nobody knows how it went."""

    __tablename__ = "outbox_attempt"
    outbox_id: Mapped[int] = mapped_column(sa.ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")


_TRIED = sa.exists().where(OutboxAttempt.outbox_id == OutboxRow.id)
_IN_DOUBT = sa.exists().where(OutboxAttempt.outbox_id == OutboxRow.id, OutboxAttempt.ended_at.is_(None))


@dataclass(frozen=True)
class Job:
    """A claimed job. `token` fences: a worker whose lease was taken over can no longer finish it.

    `unknown_since` is the start of an earlier attempt whose outcome nobody knows. `is_too_late`: it had expired when it
    was claimed.
    """

    id: int
    topic: str
    key: str
    payload: dict[str, Any]
    token: int
    attempts: int
    due_at: datetime
    expires_at: datetime | None
    unknown_since: datetime | None
    is_too_late: bool = False


class Reason(str):
    """Why a job was given up, as rows and logs keep it, and in `said` the sentence for people in either language."""

    said: Phrase

    def __new__(cls, said: Phrase, text: str = "") -> Self:
        """`text` stands in rows and logs when it tells more than the sentence does."""
        made = super().__new__(cls, text or said.vi)
        made.said = said
        return made


def sentence(reason: str) -> Phrase:
    """What a page tells of a reason: its sentence where it has one, else the words of whoever refused."""
    return reason.said if isinstance(reason, Reason) else phrase("{reason}", reason=reason)


def why(row: OutboxRow) -> Phrase:
    """Why a job is a dead letter, or waits for its next try, in a sentence for people."""
    if row.said:
        return Phrase.from_json(row.said)
    if row.reason:
        return phrase("Bên kia hoặc đường truyền trả lời: “{reason}”.", reason=row.reason)
    return phrase("Không có lý do nào được ghi lại.")


class SendError(Exception):
    """The receiver, or the way to it, refused. `permanent` says that trying again cannot help.

    `reason` is a phrase when people shall read it, else the words of the receiver or of a library. `unknown` says that
    the receiver may have got it all the same: the attempt stays open, and the next try begins with `reconcile`.
    """

    def __init__(
        self, reason: str | Phrase, *, permanent: bool, retry_after_s: float | None = None, unknown: bool = False
    ) -> None:
        self.reason = Reason(reason) if isinstance(reason, Phrase) else reason
        super().__init__(str(self.reason))
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.unknown = unknown


class LeaseLost(Exception):
    """Another worker took the job over; nothing of this attempt may be stored."""


P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Arrived(Generic[R]):
    """Reconciling found that the earlier attempt did arrive, with this result."""

    result: R


@dataclass(frozen=True)
class Absent:
    """Reconciling found that nothing arrived, or that doing it again does no harm."""


@dataclass(frozen=True)
class Unsure:
    """Nobody can say. The job is shown as unknown and not done again by itself."""

    reason: str


class Handler(Generic[P, R]):
    """The work of one topic in three steps, so that no transaction is open while the world is asked.

    `at_once` caps how many jobs of the topic are held at a time by all workers together, for topics that talk to slow
    strangers; None does not. `at_once_here` caps how many one worker process does at a time, for work that takes a
    processor long: it has threads of its own, and what is quick never waits behind it.

    `can_ask` says that `reconcile` asks the receiver: then a job of which it is not known whether it arrived is asked
    about also when it is too late to do it.
    """

    topic: ClassVar[Topic]
    can_ask: ClassVar[bool] = False
    at_once: int | None = None
    at_once_here: int | None = None

    def prepare(self, tx: "Tx", job: Job) -> P | None:
        """Read what the work needs. None: there is nothing to do any more, and the job is done."""
        raise NotImplementedError

    def perform(self, prepared: P) -> R:
        """Do it, without a transaction. SendError says that it failed."""
        raise NotImplementedError

    def conclude(self, tx: "Tx", job: Job, result: R) -> None:
        """Store the outcome, in the transaction that finishes the job."""

    def give_up(self, tx: "Tx", job: Job, reason: str) -> None:
        """The work failed for good, expired, or stays unknown: tell who must know."""

    def reconcile(self, prepared: P, since: datetime) -> "Arrived[R] | Absent | Unsure":
        """Ask the receiver what became of an attempt that began at `since`. SendError: it cannot be asked, or has no
        answer yet; it is asked again later. The default is right only for work that may be done twice."""
        return Absent()


class _Inside(Handler[Any, Any]):
    """Work that needs only the database: done and finished in one transaction."""

    def __init__(self, topic: Topic, function: Callable[["Tx", Job], None]) -> None:
        self.name = topic
        self.function = function


handlers: dict[str, Handler[Any, Any]] = {}
_NOBODY: Handler[Any, Any] = Handler()


def register(handler: Handler[Any, Any]) -> None:
    """Make `handler` the one that serves its topic."""
    _keep(handler.topic, handler)


def handler(
    topic: Topic,
) -> Callable[[Callable[["Tx", Job], None]], Callable[["Tx", Job], None]]:
    """Make a function the handler of a topic whose work is done in the database alone."""

    def keep(function: Callable[["Tx", Job], None]) -> Callable[["Tx", Job], None]:
        _keep(topic, _Inside(topic, function))
        return function

    return keep


def inside(topic: str) -> Callable[["Tx", Job], None] | None:
    """The function of a topic that needs only the database, else None."""
    found = handlers[topic]
    return found.function if isinstance(found, _Inside) else None


def lane(topic: str) -> tuple[str, int | None]:
    """Which threads of a worker do a topic's jobs, by name, and how many there are for this topic; None: as many as the
    worker has for quick work."""
    found = handlers.get(topic, _NOBODY)
    if found.at_once_here is not None:
        return topic, found.at_once_here
    return ("slow", found.at_once) if found.at_once is not None else ("quick", None)


def _keep(topic: Topic, found: Handler[Any, Any]) -> None:
    if topic in handlers and type(handlers[topic]) is not type(found):
        raise RuntimeError(f"two handlers for {topic}")
    handlers[topic] = found


def drafted(
    topic: str, key: str, payload: dict[str, Any], due_at: datetime | None = None, expires_at: datetime | None = None
) -> dict[str, Any]:
    """The row of a job, for `store`."""
    now = clock.now()
    return {
        "topic": topic,
        "key": key,
        "payload": payload,
        "state": State.WAITING,
        "due_at": due_at or now,
        "expires_at": expires_at,
        "attempts": 0,
        "token": 0,
        "created_at": now,
        "reason": "",
    }


def store(session: Session, jobs: list[dict[str, Any]]) -> None:
    """Store jobs in their order; those that are there already stay as they are."""
    if jobs:
        session.connection().execute(_store_for(session.get_bind().dialect.name), jobs)


@cache
def _store_for(dialect: str) -> Any:
    """Nearly every write of the house enqueues something, so the statement is built once, below the unit of work."""
    return insert_for(dialect, OutboxRow).on_conflict_do_nothing(index_elements=["topic", "key"])


def cancel(tx: "Tx", topic: str, keys: Iterable[str], *, untried: bool = False, settled: bool = False) -> int:
    """Take back jobs that no worker holds; with `untried` only those that nobody has begun, because a try
    may have reached somebody; with `settled` all but those of which it is still asked whether a try has. Answers how
    many were taken back."""
    tx.store_jobs()
    which = [OutboxRow.topic == topic, OutboxRow.key.in_(list(keys)), OutboxRow.state == State.WAITING]
    if untried:
        which.append(sa.not_(_TRIED))
    if settled:
        which.append(sa.not_(_IN_DOUBT))
    waiting = sa.update(OutboxRow).where(*which)
    return _touched(tx, waiting.values(state=State.CANCELLED, finished_at=clock.now()))


def was_tried(tx: "Tx", topic: str, key: str) -> bool:
    """Whether anybody has ever begun a job, also before an operator had it tried again."""
    tried = sa.select(OutboxRow.id).where(OutboxRow.topic == topic, OutboxRow.key == key, _TRIED)
    return tx.session.scalar(tried) is not None


def requeue(tx: "Tx", job_id: int, *, expires_at: datetime | None = None) -> bool:
    """Let an operator have a failed, expired or unknown job done again. Answers whether there was one."""
    return _put_back(tx, OutboxRow.id == job_id, expires_at=expires_at)


def drop(tx: "Tx", job_id: int) -> bool:
    """Let an operator close one that was given up: nobody needs it any more. Answers whether there was one."""
    dead = sa.update(OutboxRow).where(OutboxRow.id == job_id, OutboxRow.state.in_(DEAD))
    return bool(_touched(tx, dead.values(state=State.CANCELLED, finished_at=clock.now())))


def requeue_dead(tx: "Tx", topic: str, key: str, *, before: datetime) -> bool:
    """The same for a job that became a dead letter before that moment, when what it is for still stands."""
    return _put_back(tx, OutboxRow.topic == topic, OutboxRow.key == key, OutboxRow.finished_at < before)


def requeue_final(tx: "Tx", topic: str, key: str, *, expires_at: datetime | None = None) -> bool:
    """The same for a job that is open no more, whatever became of it: there is something to do for it again."""
    which = OutboxRow.topic == topic, OutboxRow.key == key
    return _put_back(tx, *which, states=set(State).difference(OPEN_STATES), expires_at=expires_at)


def is_open(tx: "Tx", topic: str, key: str) -> bool:
    """Whether a job will still be done, or end as a dead letter."""
    which = OutboxRow.topic == topic, OutboxRow.key == key, OutboxRow.state.in_(OPEN_STATES)
    return tx.session.scalar(sa.select(OutboxRow.id).where(*which)) is not None


def _put_back(
    tx: "Tx",
    *which: sa.ColumnElement[bool],
    states: Iterable[State] = DEAD,
    expires_at: datetime | None = None,
) -> bool:
    closed = sa.update(OutboxRow).where(*which, OutboxRow.state.in_(states))
    fresh = {"due_at": clock.now(), "attempts": 0, "expires_at": expires_at, "finished_at": None}
    return bool(_touched(tx, closed.values(state=State.WAITING, reason="", said=sa.null(), **fresh)))


def _touched(tx: "Tx", statement: sa.Update) -> int:
    result = tx.session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))


def in_state(*states: State) -> sa.ColumnElement[bool]:
    """Of rows in one of these states. They are written into the statement as they stand: SQLite takes an index of some
    rows only for what it can read there."""
    names: sa.BindParameter[Any] = sa.bindparam("states", states, expanding=True, literal_execute=True, unique=True)
    return OutboxRow.state.in_(names)


def is_dead() -> sa.ColumnElement[bool]:
    """Of rows that wait for an operator."""
    return in_state(*DEAD)
