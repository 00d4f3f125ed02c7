"""How a claimed job goes on: its lease is renewed, its tries leave a trace, and it is finished or given back.

Every step is fenced by the token of the claim: a worker whose lease was taken over stores nothing.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kernel import backoff, clock, database_clock
from kernel.outbox import Job, LeaseLost, OutboxAttempt, OutboxRow, Reason, State, why
from kernel.schema import Json, table_of
from kernel.text import Phrase

if TYPE_CHECKING:
    from kernel.db import Tx

MAX_ATTEMPTS = 40
"""Of a job that never expires: most of a day. One that expires is tried until then."""


def renew(tx: "Tx", jobs: Iterable[Job], *, lease_s: float) -> None:
    """Keep `jobs` for `lease_s` more seconds by the database's clock; what another worker took over stays with
    it, and what is being finished this moment is not waited for."""
    until = database_clock.now(tx) + timedelta(seconds=lease_s)
    tokens = {job.id: job.token for job in jobs}
    held = sa.select(OutboxRow).where(OutboxRow.id.in_(tokens), OutboxRow.state == State.LEASED)
    for row in tx.session.scalars(held.with_for_update(skip_locked=True)):
        if row.token == tokens[row.id]:
            row.leased_until = until


def begin_attempt(tx: "Tx", job: Job) -> None:
    """Leave the trace of a try before it starts. LeaseLost when another worker took over."""
    hold(tx, job)
    _trace(tx, job)


def hold(tx: "Tx", job: Job) -> None:
    """Count a try, and keep all others from the job until the transaction ends. LeaseLost when another worker took
    over."""
    _change(tx, _COUNT, job)


def finish(tx: "Tx", job: Job, state: State, reason: str = "") -> None:
    """Close the job and all its open attempts. LeaseLost when another worker took over."""
    _close(tx, job, state, reason)
    _end_attempts(tx, job, str(state), str(reason))


def finish_held(tx: "Tx", job: Job) -> None:
    """The same for work that `hold` has begun in this very transaction: its try is traced when it has ended."""
    _close(tx, job, State.DONE)
    if job.unknown_since is not None:  # an earlier release did it in steps
        _end_attempts(tx, job, str(State.DONE), "")
    _trace(tx, job, ended_at=clock.now(), outcome=str(State.DONE))


def close_unknown(tx: "Tx", job: Job) -> None:
    """Reconciling found that the open attempts did not arrive: end them, so that a new one may begin."""
    _end_attempts(tx, job, "absent", "reconciled")


def _close(tx: "Tx", job: Job, state: State, reason: str = "") -> None:
    now = clock.now()
    _change(tx, _CLOSE, job, outcome=str(state), at=now, words=str(reason), sentence=_said(reason))


def _trace(tx: "Tx", job: Job, ended_at: datetime | None = None, outcome: str = "") -> None:
    row = {"outbox_id": job.id, "token": job.token, "started_at": clock.now(), "ended_at": ended_at}
    tx.session.connection().execute(_ATTEMPT, row | {"outcome": outcome, "reason": ""})


def _change(tx: "Tx", statement: sa.Update, job: Job, **values: Any) -> None:
    found = tx.session.connection().execute(statement, {"job": job.id, "held_token": job.token, **values})
    if found.rowcount != 1:
        raise LeaseLost(f"{job.topic} {job.key}")


def retry(tx: "Tx", job: Job, reason: str, after_s: float | None = None, *, unknown: bool = False) -> bool:
    """Give the job back for a later try; with `unknown` its attempts stay open, so that this begins with a question.
    Answers False when it had all its tries: then the caller gives up."""
    row = _held(tx, job)
    row.attempts = max(row.attempts, job.attempts + 1)  # its own transaction, and the count with it, may be undone
    if row.expires_at is None and row.attempts >= MAX_ATTEMPTS:
        return False
    wait = timedelta(seconds=after_s) if after_s is not None else backoff.pause(row.attempts)
    row.state, row.leased_until, row.reason, row.said = State.WAITING, None, str(reason), _said(reason)
    row.due_at = database_clock.now(tx) + wait
    if row.expires_at is not None and not unknown:
        row.due_at = min(row.due_at, row.expires_at)  # that it is too late is said then, and not an hour later
    if not unknown:
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
    ending = {"job": job.id, "at": clock.now(), "how": outcome, "words": reason}
    tx.session.connection().execute(_END, ending)


# Every job of the house passes here, so the statements are built once, below the unit of work.
_JOBS, _ATTEMPTS = table_of(OutboxRow), table_of(OutboxAttempt)
_THIS = sa.and_(
    _JOBS.c.id == sa.bindparam("job"),
    _JOBS.c.state == State.LEASED,
    _JOBS.c.token == sa.bindparam("held_token"),
)
_COUNT = sa.update(_JOBS).where(_THIS).values(attempts=_JOBS.c.attempts + 1)
_CLOSE = (
    sa.update(_JOBS)
    .where(_THIS)
    .values(
        state=sa.bindparam("outcome"),
        finished_at=sa.bindparam("at"),
        leased_until=None,
        reason=sa.bindparam("words"),
        said=sa.bindparam("sentence"),
    )
)
_ATTEMPT = sa.insert(_ATTEMPTS)
_END = (
    sa.update(_ATTEMPTS)
    .where(_ATTEMPTS.c.outbox_id == sa.bindparam("job"), _ATTEMPTS.c.ended_at.is_(None))
    .values(ended_at=sa.bindparam("at"), outcome=sa.bindparam("how"), reason=sa.bindparam("words"))
)
