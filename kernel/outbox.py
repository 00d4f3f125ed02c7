"""Rows for everything that leaves or follows later: put, claim with a lease, attempt, finish, retry.

A row is claimed with a fencing token, an attempt row is committed before the work starts, and no transaction is open
while the work talks to the world. An attempt that was left open is *unknown*: the handler reconciles with the
receiver before anything is done again.
"""

import enum
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel import backoff, clock
from kernel.schema import Base, Json, insert_for
from kernel.text import Phrase, phrase

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
GIVEN_UP = (State.FAILED, State.EXPIRED, State.UNKNOWN)


def _index(name: str, *columns: str, states: Iterable[State]) -> sa.Index:
    rows = sa.text(f"state IN ({', '.join(repr(str(one)) for one in states)})")
    return sa.Index(f"ix_outbox_{name}", *columns, postgresql_where=rows, sqlite_where=rows)


_OTHERS = 16
"""How many jobs other workers may be taking at the same moment."""


class OutboxRow(Base):
    """One promise. (topic, key) is unique, so that promising twice is promising once."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.UniqueConstraint("topic", "key"),
        # None of them holds what is done: a worker's look costs the same however much that is.
        _index("waiting", "topic", "due_at", "id", states=(State.WAITING,)),
        _index("leased", "leased_until", states=(State.LEASED,)),
        _index("given_up", "id", states=GIVEN_UP),
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
    """Why a promise was given up, or waits for its next try, in a sentence for people."""
    if row.said:
        return Phrase.from_json(row.said)
    if row.reason:
        return phrase("Bên kia hoặc đường truyền trả lời: “{reason}”.", reason=row.reason)
    return phrase("Không có lý do nào được ghi lại.")


class SendError(Exception):
    """The receiver, or the way to it, refused. `permanent` says that trying again cannot help.

    `reason` is a phrase when people shall read it, else the words of the receiver or of a library.
    """

    def __init__(self, reason: str | Phrase, *, permanent: bool, retry_after_s: float | None = None) -> None:
        self.reason = Reason(reason) if isinstance(reason, Phrase) else reason
        super().__init__(str(self.reason))
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
    strangers; None does not. `at_once_here` caps how many one worker process does at a time, for work that takes a
    processor long: it has threads of its own, and what is quick never waits behind it.
    """

    topic: ClassVar[str]
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


def lane(topic: str) -> tuple[str, int | None]:
    """Which threads of a worker do a topic's jobs, by name, and how many there are for this topic; None: as many as the
    worker has for quick work."""
    found = _handler_of(topic)
    if found.at_once_here is not None:
        return topic, found.at_once_here
    return ("slow", found.at_once) if found.at_once is not None else ("quick", None)


def _keep(topic: str, found: Handler[Any, Any]) -> None:
    if topic in handlers and type(handlers[topic]) is not type(found):
        raise RuntimeError(f"two handlers for {topic}")
    handlers[topic] = found


def drafted(
    topic: str, key: str, payload: dict[str, Any], due_at: datetime | None = None, expires_at: datetime | None = None
) -> dict[str, Any]:
    """The row of a promise, for `store`."""
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


def store(session: Session, promises: list[dict[str, Any]]) -> None:
    """Store promises in their order; those that are there already stay as they are."""
    if promises:
        session.connection().execute(_store_for(session.get_bind().dialect.name), promises)


@cache
def _store_for(dialect: str) -> Any:
    """Nearly every write of the house promises something, so the statement is built once, below the unit of work."""
    return insert_for(dialect, OutboxRow).on_conflict_do_nothing(index_elements=["topic", "key"])


def cancel(tx: "Tx", topic: str, keys: Iterable[str], *, untried: bool = False) -> int:
    """Take back promises that no worker holds; with `untried` only those that nobody has begun to keep, because a try
    may have reached somebody. Answers how many were taken back."""
    tx.store_promises()
    which = [OutboxRow.topic == topic, OutboxRow.key.in_(list(keys)), OutboxRow.state == State.WAITING]
    if untried:
        which.append(sa.not_(_TRIED))
    waiting = sa.update(OutboxRow).where(*which)
    return _touched(tx, waiting.values(state=State.CANCELLED, finished_at=clock.now()))


def was_tried(tx: "Tx", topic: str, key: str) -> bool:
    """Whether anybody has ever begun to keep a promise, also before an operator had it tried again."""
    tried = sa.select(OutboxRow.id).where(OutboxRow.topic == topic, OutboxRow.key == key, _TRIED)
    return tx.session.scalar(tried) is not None


def requeue(tx: "Tx", job_id: int, *, expires_at: datetime | None = None) -> bool:
    """Let an operator have a failed, expired or unknown job done again. Answers whether there was one."""
    return _put_back(tx, OutboxRow.id == job_id, expires_at=expires_at)


def drop(tx: "Tx", job_id: int) -> bool:
    """Let an operator close one that was given up: nobody needs it any more. Answers whether there was one."""
    given_up = sa.update(OutboxRow).where(OutboxRow.id == job_id, OutboxRow.state.in_(GIVEN_UP))
    return bool(_touched(tx, given_up.values(state=State.CANCELLED, finished_at=clock.now())))


def requeue_given_up(tx: "Tx", topic: str, key: str, *, before: datetime) -> bool:
    """The same for a promise that was given up before that moment, when what it is for still stands."""
    return _put_back(tx, OutboxRow.topic == topic, OutboxRow.key == key, OutboxRow.finished_at < before)


def _put_back(tx: "Tx", *which: sa.ColumnElement[bool], expires_at: datetime | None = None) -> bool:
    given_up = sa.update(OutboxRow).where(*which, OutboxRow.state.in_(GIVEN_UP))
    fresh = {"due_at": clock.now(), "attempts": 0, "expires_at": expires_at, "finished_at": None}
    return bool(_touched(tx, given_up.values(state=State.WAITING, reason="", said=sa.null(), **fresh)))


def _touched(tx: "Tx", statement: sa.Update) -> int:
    result = tx.session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))


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
            now + timedelta(seconds=lease_s),
        )
        jobs.append(_job(tx, row))
    return jobs


def renew(tx: "Tx", jobs: Iterable[Job], *, lease_s: float) -> None:
    """Keep `jobs` for `lease_s` more seconds from now; what another worker took over stays with it, and what is being
    finished this moment is not waited for."""
    tokens = {job.id: job.token for job in jobs}
    held = sa.select(OutboxRow).where(OutboxRow.id.in_(tokens), OutboxRow.state == State.LEASED)
    for row in tx.session.scalars(held.with_for_update(skip_locked=True)):
        if row.token == tokens[row.id]:
            row.leased_until = clock.now() + timedelta(seconds=lease_s)


def _due(tx: "Tx", topics: Iterable[str], now: datetime, limit: int) -> list[OutboxRow]:
    """The oldest of each topic are looked up by the index, and the oldest of those are taken."""
    names: dict[str, Any] = {f"named_{number}": str(topic) for number, topic in enumerate(sorted(topics))}
    values = {**names, "topics": list(names.values()), "now": now, "most": limit + _OTHERS}
    found = list(tx.session.scalars(_oldest(len(names)), values)) if names else []
    if not found:
        return []
    query = (
        sa.select(OutboxRow)
        .where(OutboxRow.id.in_(found), sa.or_(_waits(now), _left_behind(now)))  # another worker may be quicker
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.session.scalars(query))


@cache
def _oldest(topics: int) -> sa.CompoundSelect[tuple[int]]:
    """Ids of the oldest that wait, `most` of each of so many topics, and of those that a dead worker left."""
    now, most = sa.bindparam("now", type_=OutboxRow.due_at.type), sa.bindparam("most", type_=sa.Integer)
    waiting = sa.select(OutboxRow.id).where(_waits(now)).order_by(OutboxRow.due_at, OutboxRow.id).limit(most)
    wanted: sa.BindParameter[Any] = sa.bindparam("topics", expanding=True)
    # Joined to nothing, so that nobody looks for it by the index of all jobs that a topic ever had.
    left = sa.select(OutboxRow.id).where(_left_behind(now), OutboxRow.topic.concat("").in_(wanted))
    parts = [waiting.where(OutboxRow.topic == sa.bindparam(f"named_{number}")) for number in range(topics)]
    return sa.union_all(*(sa.select(part.subquery().c.id) for part in (*parts, left.limit(most))))


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
        .where(_in_state(State.LEASED), OutboxRow.leased_until > now, OutboxRow.topic.in_(capped))
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


def _waits(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(_in_state(State.WAITING), OutboxRow.due_at <= now)


def _left_behind(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(_in_state(State.LEASED), OutboxRow.leased_until <= now)


def _in_state(*states: State) -> sa.ColumnElement[bool]:
    """Written into the statement as it stands: SQLite takes an index of some rows only for what it can read there."""
    names: sa.BindParameter[Any] = sa.bindparam("states", states, expanding=True, literal_execute=True, unique=True)
    return OutboxRow.state.in_(names)


def given_up() -> sa.ColumnElement[bool]:
    """Of rows that wait for an operator."""
    return _in_state(*GIVEN_UP)


def _job(tx: "Tx", row: OutboxRow) -> Job:
    # Who puts a job back for an operator has ended its attempts, so one that counts none has none open.
    open_attempt = tx.session.scalar(_open_attempt(row.id)) if row.attempts else None
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


def _open_attempt(job_id: int) -> sa.Select[datetime]:
    """When the first attempt began of which nobody knows how it ended."""
    return sa.select(sa.func.min(OutboxAttempt.started_at)).where(
        OutboxAttempt.outbox_id == job_id, OutboxAttempt.ended_at.is_(None)
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
        str(reason),
    )
    row.said = _said(reason)
    _end_attempts(tx, job, str(state), str(reason))


def retry(tx: "Tx", job: Job, reason: str, after_s: float | None = None) -> bool:
    """Give the job back for a later try. Answers False when it had all its tries: then the caller gives up."""
    row = _held(tx, job)
    if row.expires_at is None and row.attempts >= MAX_ATTEMPTS:
        return False
    wait = timedelta(seconds=after_s) if after_s is not None else backoff.pause(row.attempts)
    row.state, row.leased_until, row.reason, row.said = State.WAITING, None, str(reason), _said(reason)
    row.due_at = clock.now() + wait
    if row.expires_at is not None:
        row.due_at = min(row.due_at, row.expires_at)  # that it is too late is said then, and not an hour later
    _end_attempts(tx, job, "retry", str(reason))
    return True


def last_words(tx: "Tx", job: Job) -> Phrase | None:
    """What the last try of a job said, when there was one."""
    row = tx.session.get(OutboxRow, job.id)
    return why(row) if row is not None and row.reason else None


def _said(reason: str) -> Json | None:
    """The sentence as plain data; a parameter that JSON cannot keep must not keep a job from ending."""
    return dict(json.loads(json.dumps(reason.said.to_json(), default=str))) if isinstance(reason, Reason) else None


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


def due_topics(tx: "Tx", topics: Iterable[str]) -> list[str]:
    """Those of `topics` of which `claim` would find something."""
    return sorted(set(topics).intersection(tx.session.scalars(_due_topics(), {"now": clock.now()})))


@cache
def _due_topics() -> sa.CompoundSelect[tuple[str]]:
    """The index leads from one topic to the next: it costs the same whether one job waits or a million."""
    now = sa.bindparam("now", type_=OutboxRow.due_at.type)
    first = sa.select(sa.func.min(OutboxRow.topic).label("topic")).where(_in_state(State.WAITING))
    there = first.cte("there", recursive=True)
    after = sa.select(sa.func.min(OutboxRow.topic)).where(_in_state(State.WAITING), OutboxRow.topic > there.c.topic)
    there = there.union_all(sa.select(after.scalar_subquery()).where(there.c.topic.is_not(None)))
    is_due = sa.exists().where(_waits(now), OutboxRow.topic == there.c.topic)
    due = sa.select(there.c.topic).where(there.c.topic.is_not(None), is_due)
    return sa.union(due, sa.select(OutboxRow.topic).where(_left_behind(now)))


def close_unknown(tx: "Tx", job: Job) -> None:
    """Reconciling found that the open attempts did not arrive: end them, so that a new one may begin."""
    _end_attempts(tx, job, "absent", "reconciled")
