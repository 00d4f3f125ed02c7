"""Which jobs of the outbox a worker may take now, and taking them with a lease.

Workers look all the time and often at the same moment: a look costs what waits, and neither what is done nor what
others hold; statements are built once, below the unit of work.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from kernel import database_clock, outbox
from kernel.db import Tx
from kernel.outbox import Job, OutboxAttempt, OutboxRow, State, in_state, lane
from kernel.schema import table_of

_OTHERS = 16
"""How many jobs other workers may be taking at the same moment."""


def claim(
    tx: Tx, topics: Iterable[str], *, limit: int, lease_s: float, room: Mapping[str, int] | None = None
) -> list[Job]:
    """Take due jobs, oldest first, for `lease_s` seconds by the database's clock. Jobs whose lease ended are taken too.
    `room` bounds how many of each lane are taken."""
    now = database_clock.now(tx)
    wanted = set(topics)
    rows = _due(tx, wanted, now, limit)
    while crowded := _crowded(tx, rows, now):
        wanted -= crowded
        rows = _due(tx, wanted, now, limit)
    if room is not None:
        rows = _within(rows, room)
    if rows:
        until = now + timedelta(seconds=lease_s)
        tx.session.connection().execute(_TAKE, {"ids": [row.id for row in rows], "until": until})
    return [_job(tx, row, now) for row in rows]


def _within(rows: list[sa.Row[Any]], room: Mapping[str, int]) -> list[sa.Row[Any]]:
    """The first of `rows` that their lanes have room for."""
    left = dict(room)
    taken = []
    for row in rows:
        name, _ = lane(row.topic)
        if left.get(name, 0) > 0:
            left[name] -= 1
            taken.append(row)
    return taken


def _due(tx: Tx, topics: Iterable[str], now: datetime, limit: int) -> list[sa.Row[Any]]:
    """The oldest of each topic are looked up by the index, and the oldest of those are taken."""
    names: dict[str, Any] = {f"named_{number}": str(topic) for number, topic in enumerate(sorted(topics))}
    values = {**names, "topics": list(names.values()), "now": now, "most": limit + _OTHERS}
    found = list(tx.session.connection().execute(_oldest(len(names)), values).scalars()) if names else []
    if not found:
        return []
    return list(tx.session.connection().execute(_still_due(), {"ids": found, "now": now, "limit": limit}))


@cache
def _still_due() -> sa.Select[*tuple[Any, ...]]:
    """Those that nobody else has taken or is taking: another worker may be quicker."""
    now, limit = sa.bindparam("now", type_=OutboxRow.due_at.type), sa.bindparam("limit", type_=sa.Integer)
    ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
    return (
        sa.select(
            OutboxRow.id,
            OutboxRow.topic,
            OutboxRow.key,
            OutboxRow.payload,
            OutboxRow.token,
            OutboxRow.attempts,
            OutboxRow.due_at,
            OutboxRow.expires_at,
        )
        .where(OutboxRow.id.in_(ids), sa.or_(_waits(now), _left_behind(now)))
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


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


def _crowded(tx: Tx, rows: list[sa.Row[Any]], now: datetime) -> set[str]:
    """The topics of `rows` of which no more may be held now. Takes out of `rows` what goes beyond the cap."""
    capped = {row.topic for row in rows if _most_of(row.topic) is not None}
    if not capped:
        return set()
    if tx.session.get_bind().dialect.name == "postgresql":
        # Two workers that count at the same moment would both find room for one.
        tx.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("outbox at once", 0))))
    held = (
        sa.select(OutboxRow.topic, sa.func.count())
        .where(in_state(State.LEASED), OutboxRow.leased_until > now, OutboxRow.topic.in_(capped))
        .group_by(OutboxRow.topic)
    )
    counts: dict[str, int] = {topic: count for topic, count in tx.session.execute(held)}
    room = {topic: (_most_of(topic) or 0) - counts.get(topic, 0) for topic in capped}
    for row in list(rows):
        if row.topic in room:
            room[row.topic] -= 1
            if room[row.topic] < 0:
                rows.remove(row)
    return {topic for topic in capped if room[topic] < 0 and all(row.topic != topic for row in rows)}


def _most_of(topic: str) -> int | None:
    return outbox.handlers[topic].at_once if topic in outbox.handlers else None


def _waits(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(in_state(State.WAITING), OutboxRow.due_at <= now)


def _left_behind(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(in_state(State.LEASED), OutboxRow.leased_until <= now)


def _job(tx: Tx, row: sa.Row[Any], now: datetime) -> Job:
    # Who puts a job back for an operator has ended its attempts, so one that counts none has none open.
    open_attempt = tx.session.scalar(_open_attempt(row.id)) if row.attempts else None
    return Job(
        row.id,
        row.topic,
        row.key,
        row.payload,
        row.token + 1,  # the lease is a new one
        row.attempts,
        row.due_at,
        row.expires_at,
        open_attempt,
        row.expires_at is not None and row.expires_at <= now,
    )


def _open_attempt(job_id: int) -> sa.Select[datetime]:
    """When the first attempt began of which nobody knows how it ended."""
    return sa.select(sa.func.min(OutboxAttempt.started_at)).where(
        OutboxAttempt.outbox_id == job_id, OutboxAttempt.ended_at.is_(None)
    )


def next_due_at(tx: Tx, topics: Iterable[str]) -> datetime | None:
    """When the next waiting job is due, for a worker that wants to sleep until then."""
    return tx.session.scalar(
        sa.select(sa.func.min(OutboxRow.due_at)).where(
            OutboxRow.state == State.WAITING, OutboxRow.topic.in_(list(topics))
        )
    )


def due_topics(tx: Tx, topics: Iterable[str]) -> list[str]:
    """Those of `topics` of which `claim` would find something."""
    due = tx.session.connection().execute(_due_topics(), {"now": database_clock.now(tx)}).scalars()
    return sorted(set(topics).intersection(due))


@cache
def _due_topics() -> sa.CompoundSelect[tuple[str]]:
    """The index leads from one topic to the next: it costs the same whether one job waits or a million."""
    now = sa.bindparam("now", type_=OutboxRow.due_at.type)
    first = sa.select(sa.func.min(OutboxRow.topic).label("topic")).where(in_state(State.WAITING))
    there = first.cte("there", recursive=True)
    after = sa.select(sa.func.min(OutboxRow.topic)).where(in_state(State.WAITING), OutboxRow.topic > there.c.topic)
    there = there.union_all(sa.select(after.scalar_subquery()).where(there.c.topic.is_not(None)))
    is_due = sa.exists().where(_waits(now), OutboxRow.topic == there.c.topic)
    due = sa.select(there.c.topic).where(there.c.topic.is_not(None), is_due)
    return sa.union(due, sa.select(OutboxRow.topic).where(_left_behind(now)))


_TABLE = table_of(OutboxRow)
_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_TAKE = (
    sa.update(_TABLE)
    .where(_TABLE.c.id.in_(_IDS))
    .values(state=State.LEASED, token=_TABLE.c.token + 1, leased_until=sa.bindparam("until"))
)
