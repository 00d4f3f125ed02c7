"""Rows for everything that leaves or follows later: put, claim with a lease, attempt, finish, retry.

A row is claimed with a fencing token, an attempt row is committed before the work starts, and no transaction is open
while the work talks to the world. An attempt that was left open is *unknown*: the handler reconciles with the
receiver before anything is done again.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel import backoff, clock
from kernel.schema import Base, Json, insert_into

if TYPE_CHECKING:
    from kernel.db import Tx

MAX_ATTEMPTS = 40
"""Of a promise that never expires: most of a day. One that expires is tried until then."""


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


class OutboxRow(Base):
    """One promise. (topic, key) is unique, so that promising twice is promising once."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.UniqueConstraint("topic", "key"),
        sa.Index("ix_outbox_ready", "state", "due_at"),
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


class OutboxAttempt(Base):
    """One try, committed before it starts. Without `ended_at` nobody knows how it went."""

    __tablename__ = "outbox_attempt"
    outbox_id: Mapped[int] = mapped_column(sa.ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")


@dataclass(frozen=True)
class Job:
    """A claimed promise. `token` fences: a worker whose lease was taken over can no longer finish it.

    `unknown_since` is the start of an earlier attempt whose outcome nobody knows.
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


class SendError(Exception):
    """The receiver, or the way to it, refused. `permanent` says that trying again cannot help."""

    def __init__(self, reason: str, *, permanent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


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
    strangers; None does not. `lease_s` is for work that takes longer than the lease of other jobs.
    """

    topic: ClassVar[str]
    at_once: int | None = None
    lease_s: float = 0

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
        """Ask the receiver what became of an attempt that began at `since`. The default is right only for work
        that may be done twice."""
        return Absent()


class _Inside(Handler[Any, Any]):
    """Work that needs only the database: done and finished in one transaction."""

    def __init__(self, topic: str, function: Callable[["Tx", Job], None]) -> None:
        self.name = topic
        self.function = function


handlers: dict[str, Handler[Any, Any]] = {}
_NOBODY: Handler[Any, Any] = Handler()


def register(handler: Handler[Any, Any]) -> None:
    """Make `handler` the one that serves its topic."""
    _keep(handler.topic, handler)


def handler(
    topic: str,
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


def is_slow(topic: str) -> bool:
    """Whether the topic talks to slow strangers, and so caps itself."""
    return _handler_of(topic).at_once is not None


def _keep(topic: str, found: Handler[Any, Any]) -> None:
    if topic in handlers and type(handlers[topic]) is not type(found):
        raise RuntimeError(f"two handlers for {topic}")
    handlers[topic] = found


def put(
    session: Session,
    topic: str,
    key: str,
    payload: dict[str, Any],
    *,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Store a promise unless the same one is there. Answers whether it is new."""
    now = clock.now()
    result = session.execute(
        insert_into(session, OutboxRow)
        .values(
            topic=topic,
            key=key,
            payload=payload,
            state=State.WAITING,
            due_at=due_at or now,
            expires_at=expires_at,
            attempts=0,
            token=0,
            created_at=now,
            reason="",
        )
        .on_conflict_do_nothing(index_elements=["topic", "key"])
        .returning(OutboxRow.id)
    )
    return result.scalar() is not None


def put_all(
    session: Session, topic: str, promises: Mapping[str, dict[str, Any]], *, due_at: datetime | None = None
) -> None:
    """Store many promises of one topic, payloads by key; those that are there already stay as they are."""
    now = clock.now()
    due_at = due_at or now
    same = {"topic": topic, "state": State.WAITING, "due_at": due_at, "attempts": 0, "token": 0, "created_at": now}
    rows = [{**same, "key": key, "payload": payload, "reason": ""} for key, payload in promises.items()]
    if rows:
        insert = insert_into(session, OutboxRow).on_conflict_do_nothing(index_elements=["topic", "key"])
        session.execute(insert, rows)


def cancel(tx: "Tx", topic: str, keys: Iterable[str]) -> int:
    """Take back promises that no worker holds. Answers how many were taken back."""
    result = tx.session.execute(
        sa.update(OutboxRow)
        .where(
            OutboxRow.topic == topic,
            OutboxRow.key.in_(list(keys)),
            OutboxRow.state == State.WAITING,
        )
        .values(state=State.CANCELLED, finished_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


def requeue(tx: "Tx", job_id: int) -> bool:
    """Let an operator have a failed, expired or unknown job done again. Answers whether there was one."""
    result = tx.session.execute(
        sa.update(OutboxRow)
        .where(
            OutboxRow.id == job_id,
            OutboxRow.state.in_([State.FAILED, State.EXPIRED, State.UNKNOWN]),
        )
        .values(
            state=State.WAITING,
            due_at=clock.now(),
            attempts=0,
            expires_at=None,
            finished_at=None,
            reason="",
        )
        .execution_options(synchronize_session=False)
    )
    return bool(getattr(result, "rowcount", 0))


def claim(tx: "Tx", topics: Iterable[str], *, limit: int, lease_s: float) -> list[Job]:
    """Take due jobs, oldest first, for `lease_s` seconds. Jobs whose lease ended are taken over."""
    now = clock.now()
    wanted = set(topics)
    rows = _due(tx, wanted, now, limit)
    while crowded := _crowded(tx, rows, now):
        wanted -= crowded
        rows = _due(tx, wanted, now, limit)
    jobs = []
    for row in rows:
        row.state, row.token, row.leased_until = (
            State.LEASED,
            row.token + 1,
            now + timedelta(seconds=max(lease_s, _handler_of(row.topic).lease_s)),
        )
        jobs.append(_job(tx, row))
    return jobs


def _due(tx: "Tx", topics: Iterable[str], now: datetime, limit: int) -> list[OutboxRow]:
    query = (
        sa.select(OutboxRow)
        .where(_ready(now), OutboxRow.topic.in_(list(topics)))
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.session.scalars(query))


def _crowded(tx: "Tx", rows: list[OutboxRow], now: datetime) -> set[str]:
    """The topics of `rows` of which no more may be held now. Takes out of `rows` what goes beyond the cap."""
    capped = {row.topic for row in rows if _handler_of(row.topic).at_once is not None}
    if not capped:
        return set()
    if tx.session.get_bind().dialect.name == "postgresql":
        # Two workers that count at the same moment would both find room for one.
        tx.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("outbox at once", 0))))
    held = (
        sa.select(OutboxRow.topic, sa.func.count())
        .where(OutboxRow.state == State.LEASED, OutboxRow.leased_until > now, OutboxRow.topic.in_(capped))
        .group_by(OutboxRow.topic)
    )
    counts: dict[str, int] = {topic: count for topic, count in tx.session.execute(held)}
    room = {topic: (_handler_of(topic).at_once or 0) - counts.get(topic, 0) for topic in capped}
    for row in list(rows):
        if row.topic in room:
            room[row.topic] -= 1
            if room[row.topic] < 0:
                rows.remove(row)
    return {topic for topic in capped if room[topic] < 0 and all(row.topic != topic for row in rows)}


def _handler_of(topic: str) -> Handler[Any, Any]:
    return handlers.get(topic, _NOBODY)


def _ready(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(
        sa.and_(OutboxRow.state == State.WAITING, OutboxRow.due_at <= now),
        sa.and_(OutboxRow.state == State.LEASED, OutboxRow.leased_until <= now),
    )


def _job(tx: "Tx", row: OutboxRow) -> Job:
    open_attempt = tx.session.scalar(
        sa.select(sa.func.min(OutboxAttempt.started_at)).where(
            OutboxAttempt.outbox_id == row.id, OutboxAttempt.ended_at.is_(None)
        )
    )
    return Job(
        row.id,
        row.topic,
        row.key,
        row.payload,
        row.token,
        row.attempts,
        row.due_at,
        row.expires_at,
        open_attempt,
    )


def begin_attempt(tx: "Tx", job: Job) -> None:
    """Leave the trace of a try before it starts. LeaseLost when another worker took over."""
    row = _held(tx, job)
    row.attempts += 1
    tx.session.add(
        OutboxAttempt(
            outbox_id=job.id,
            token=job.token,
            started_at=clock.now(),
            outcome="",
            reason="",
        )
    )


def finish(tx: "Tx", job: Job, state: State, reason: str = "") -> None:
    """Close the job and all its open attempts. LeaseLost when another worker took over."""
    row = _held(tx, job)
    row.state, row.finished_at, row.leased_until, row.reason = (
        state,
        clock.now(),
        None,
        reason,
    )
    _end_attempts(tx, job, str(state), reason)


def retry(tx: "Tx", job: Job, reason: str, after_s: float | None = None) -> bool:
    """Give the job back for a later try. Answers False when it had all its tries: then the caller gives up."""
    row = _held(tx, job)
    if row.expires_at is None and row.attempts >= MAX_ATTEMPTS:
        return False
    wait = timedelta(seconds=after_s) if after_s is not None else backoff.pause(row.attempts)
    row.state, row.leased_until, row.reason = State.WAITING, None, reason
    row.due_at = clock.now() + wait
    if row.expires_at is not None:
        row.due_at = min(row.due_at, row.expires_at)  # that it is too late is said then, and not an hour later
    _end_attempts(tx, job, "retry", reason)
    return True


def _held(tx: "Tx", job: Job) -> OutboxRow:
    row = tx.session.get(OutboxRow, job.id, with_for_update=True, populate_existing=True)
    if row is None or row.state != State.LEASED or row.token != job.token:
        raise LeaseLost(f"{job.topic} {job.key}")
    return row


def _end_attempts(tx: "Tx", job: Job, outcome: str, reason: str) -> None:
    tx.session.execute(
        sa.update(OutboxAttempt)
        .where(OutboxAttempt.outbox_id == job.id, OutboxAttempt.ended_at.is_(None))
        .values(ended_at=clock.now(), outcome=outcome, reason=reason)
        .execution_options(synchronize_session=False)
    )


def next_due_at(tx: "Tx", topics: Iterable[str]) -> datetime | None:
    """When the next waiting job is due, for a worker that wants to sleep until then."""
    return tx.session.scalar(
        sa.select(sa.func.min(OutboxRow.due_at)).where(
            OutboxRow.state == State.WAITING, OutboxRow.topic.in_(list(topics))
        )
    )


def any_due(tx: "Tx", topics: Iterable[str]) -> bool:
    """Whether `claim` would find something."""
    found = sa.select(OutboxRow.id).where(_ready(clock.now()), OutboxRow.topic.in_(list(topics))).limit(1)
    return tx.session.scalar(found) is not None


def close_unknown(tx: "Tx", job: Job) -> None:
    """Reconciling found that the open attempts did not arrive: end them, so that a new one may begin."""
    _end_attempts(tx, job, "absent", "reconciled")
