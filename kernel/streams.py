"""Live streams: one dense sequence of events per audience. The row is the truth, the socket is a hint."""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NewType

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel import clock
from kernel.schema import Base, Json, insert_into, table_of

if TYPE_CHECKING:
    from kernel.db import Tx

REPLAY_LIMIT = 500
LONGEST_NAME = 200
"""Characters of the name of a stream; no audience has a longer one."""


StreamName = NewType("StreamName", str)
"""The name of one audience. Only a `StreamPrefix` makes one, so that the rules know all streams; mypy refuses a plain
string."""


@dataclass(frozen=True)
class StreamPrefix:
    """A family of streams, `<prefix>:<owner>` and its parts `<prefix>:<owner>/<part>`. Each package declares its own in
    its `streams.py`; `guard` says who may join them."""

    prefix: str

    def of(self, owner: int, part: str = "") -> StreamName:
        """The stream of one owner, or of a part of its audience."""
        return StreamName(f"{self.prefix}:{owner}/{part}" if part else f"{self.prefix}:{owner}")


def stored_name(name: str) -> StreamName:
    """The name of a stream that a row has kept since somebody handed it over as a `StreamName`."""
    return StreamName(name)


class Stream(Base):
    """The counter of one audience. Its row lock makes numbers dense and in commit order."""

    __tablename__ = "stream"
    name: Mapped[str] = mapped_column(primary_key=True)
    head: Mapped[int] = mapped_column(default=0)
    tail: Mapped[int] = mapped_column(default=0)  # events up to this number were pruned


class StreamEvent(Base):
    """One event as every member of the audience gets it."""

    __tablename__ = "stream_event"
    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    data: Mapped[Json]
    at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Draft:
    """An event before it has its number."""

    stream: str
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """A numbered event; `wire` is what the browser gets."""

    stream: str
    seq: int
    kind: str
    data: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        """The event in the short names of docs/live-protocol.md."""
        return {"s": self.stream, "n": self.seq, "k": self.kind, "d": self.data}


@dataclass(frozen=True)
class Hint:
    """Something volatile for who follows a stream at this moment: not stored, not counted, the latest wins. `data`
    carries a `rev`, for hints may overtake one another."""

    stream: str
    name: str
    data: dict[str, Any]


def append(session: Session, drafts: Sequence[Draft]) -> list[Event]:
    """Number and store `drafts`; streams are locked in the order of their names. Answers the numbered events."""
    by_stream: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_stream[draft.stream].append(draft)
    at = clock.now()
    numbered: list[Event] = []
    for name in sorted(by_stream):
        waiting = by_stream[name]
        first = _advance(session, name, len(waiting)) - len(waiting) + 1
        numbered += [Event(name, seq, draft.kind, draft.data) for seq, draft in enumerate(waiting, start=first)]
    if numbered:
        rows = [{"stream": e.stream, "seq": e.seq, "kind": e.kind, "data": e.data, "at": at} for e in numbered]
        session.connection().execute(_STORE, rows)
    return numbered


def _advance(session: Session, name: str, by: int) -> int:
    move = {"stream_name": name, "step": by}
    head = session.connection().execute(_MOVE, move).scalar()
    if head is None:
        session.execute(insert_into(session, Stream).values(name=name, head=0, tail=0).on_conflict_do_nothing())
        head = session.connection().execute(_MOVE, move).scalar_one()
    return int(head)


# Every write of the house passes here, so the statements are built once, below the unit of work.
_TABLE = table_of(Stream)
_STORE = sa.insert(table_of(StreamEvent))
_MOVE = (
    sa.update(_TABLE)
    .where(_TABLE.c.name == sa.bindparam("stream_name"))
    .values(head=_TABLE.c.head + sa.bindparam("step"))
    .returning(_TABLE.c.head)
)


def heads(tx: "Tx", names: Iterable[str]) -> dict[str, int]:
    """The last number of each stream; 0 for one that nothing was published on."""
    wanted = list(names)
    found = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        rows = tx.session.execute(sa.select(Stream.name, Stream.head).where(Stream.name.in_(part)))
        found.update({name: head for name, head in rows})
    return {name: found.get(name, 0) for name in wanted}


def replay(tx: "Tx", stream: str, after: int, *, limit: int = REPLAY_LIMIT) -> list[Event] | None:
    """The events after number `after`, oldest first, or None when a snapshot is needed instead:
    more than `limit` are missing, some were pruned, or `after` lies in the future."""
    row = tx.session.execute(sa.select(Stream.head, Stream.tail).where(Stream.name == stream)).one_or_none()
    head, tail = (row.head, row.tail) if row else (0, 0)
    if after > head or after < tail or head - after > limit:
        return None
    return between(tx, stream, after, head)


def between(tx: "Tx", stream: str, after: int, last: int) -> list[Event]:
    """The events with `after` < number ≤ `last`."""
    rows = tx.session.execute(
        sa.select(StreamEvent.seq, StreamEvent.kind, StreamEvent.data)
        .where(
            StreamEvent.stream == stream,
            StreamEvent.seq > after,
            StreamEvent.seq <= last,
        )
        .order_by(StreamEvent.seq)
    )
    return [Event(stream, seq, kind, data) for seq, kind, data in rows]


def prune(tx: "Tx", before: datetime) -> int:
    """Forget events older than `before`; who missed them gets a snapshot. Answers how many went."""
    old = (
        sa.select(StreamEvent.stream, sa.func.max(StreamEvent.seq))
        .where(StreamEvent.at < before)
        .group_by(StreamEvent.stream)
    )
    gone = 0
    for stream, last in tx.session.execute(old).all():
        tx.session.execute(sa.update(Stream).where(Stream.name == stream, Stream.tail < last).values(tail=last))
        result = tx.session.execute(sa.delete(StreamEvent).where(StreamEvent.stream == stream, StreamEvent.seq <= last))
        gone += int(getattr(result, "rowcount", 0))
    return gone


def forget(tx: "Tx", stream: StreamName) -> None:
    """What was told until now is not replayed to anybody any more: part of it is not for everybody now. Who missed some
    of it gets a snapshot."""
    tx.session.execute(sa.update(Stream).where(Stream.name == stream).values(tail=Stream.head))
    tx.session.execute(sa.delete(StreamEvent).where(StreamEvent.stream == stream))


Guard = Callable[["Tx", Any, str], bool]
guards: dict[str, Guard] = {}


def guard(prefix: str) -> Callable[[Guard], Guard]:
    """Register who may join streams whose name starts with `prefix:`; called as guard(tx, actor, name)."""

    def keep(function: Guard) -> Guard:
        guards[prefix] = function
        return function

    return keep


def may_join(tx: "Tx", actor: Any, name: str) -> bool:
    """Whether `actor` belongs to the audience of `name`. A stream without a guard has no audience."""
    check = guards.get(name.partition(":")[0]) if len(name) <= LONGEST_NAME and "\0" not in name else None
    return check is not None and check(tx, actor, name)


EPOCH = "epoch"


def epoch(tx: "Tx") -> int:
    """A number that changes when the database was made anew or restored: counters from before are worthless then."""
    return tx.session.scalar(sa.select(Stream.head).where(Stream.name == EPOCH)) or 0


def renew_epoch(tx: "Tx") -> None:
    """Make every browser start from a snapshot; done when a database is made or restored."""
    tx.session.merge(Stream(name=EPOCH, head=secrets.randbelow(2**31) + 1, tail=0))


SnapshotUrl = Callable[[str], str]
_snapshot_urls: dict[str, SnapshotUrl] = {}


def snapshot(prefix: str) -> Callable[[SnapshotUrl], SnapshotUrl]:
    """Register the path (without host) of the snapshot of streams whose name starts with `prefix:`."""

    def keep(function: SnapshotUrl) -> SnapshotUrl:
        _snapshot_urls[prefix] = function
        return function

    return keep


def snapshot_url(name: str) -> str | None:
    """Where the state behind a stream is read whole; None when the page knows its own fragment."""
    found = _snapshot_urls.get(name.partition(":")[0])
    return found(name) if found else None
