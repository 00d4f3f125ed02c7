"""Dead letters of the exchange: whom and what each was for, why it ended, and trying it again.

A room that enqueues jobs describes each of its topics once (`Kind`; `dead_letters.py` of the exchange, of VXP and of
mail). What an operator sees and does is the same for all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import sqlalchemy as sa

from directory import auditing
from directory.access import is_instance_admin, require_instance_admin
from directory.actor import Actor
from docex.documents.delivery.statuses import reopen
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import terms
from docex.exchange.hub.operators import interventions
from docex.exchange.hub.webhooks import subscriptions
from kernel import clock, outbox
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.outbox import OutboxRow
from kernel.text import Phrase, phrase

SHOWN = 20
"""Of one partner."""
TOLD = 5
"""So many reasons why something is not tried again; the audit has them all."""
LOOKED_AT = 2000
BATCH_SIZE = 200
"""Tried again in one press."""

_RECALLED = phrase("Nơi gửi đã thu hồi văn bản này.")
_THERE = phrase("Nơi nhận đã có văn bản này.")
_EXPIRED = phrase("Thời hạn chờ của văn bản đã hết và nơi gửi đã được báo; nếu còn cần thì nơi gửi phải gửi lại.")

auditing.words.update(
    {
        "hub.tried_again": phrase("Cho làm lại một việc mà trục đã dừng"),
        "hub.needless": phrase("Bỏ một việc mà trục đã dừng và không còn cần"),
    }
)


@dataclass(frozen=True)
class About:
    """Whom a job concerns (`partner` is a key, `name` is for people) and what: a document, a status, a letter."""

    partner: str
    name: str | Phrase
    what: str
    detail: str | Phrase = ""


@dataclass(frozen=True)
class Needless:
    """Why trying again is of no use; `for_good` when it never will be."""

    why: Phrase
    for_good: bool = True


class Kind:
    """The purpose of the jobs of one topic. Subclass what is different, and `describe` an instance."""

    topic: str
    title: Phrase

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """Whom and what these jobs concern, by their ids."""
        raise NotImplementedError

    def why(self, row: OutboxRow) -> Phrase:
        """Why it is dead."""
        return outbox.why(row)

    def needless(self, tx: Tx, row: OutboxRow) -> Needless | None:
        """Whether trying again is of no use now. Locks what it looks at."""
        return None

    def put_back(self, tx: Tx, row: OutboxRow, reason: str) -> datetime | None:
        """Undo what the end of the job has changed. Answers until when the job is worth a try; None is always."""
        return None


@dataclass(frozen=True)
class Stopped:
    """One dead letter."""

    job_id: int
    title: Phrase
    what: str
    detail: str | Phrase
    since: datetime
    why: Phrase


@dataclass(frozen=True)
class Group:
    """Those of one partner, the last ones first; at most `SHOWN` of `count`."""

    partner: str
    name: str | Phrase
    count: int
    items: list[Stopped]


@dataclass
class Tried:
    """The outcome of a press: how many are tried again, which are not and why, and whether there are more."""

    count: int = 0
    needless: list[tuple[About, Needless]] = field(default_factory=list)
    left: bool = False


_kinds: dict[str, Kind] = {}


def describe(kind: Kind) -> None:
    """Show the jobs of this topic when they are dead."""
    _kinds[kind.topic] = kind


def count(tx: Tx, actor: Actor) -> int:
    """How many there are, for the administrators of the instance; nothing for others."""
    if not is_instance_admin(tx, actor):
        return 0
    return tx.session.scalar(sa.select(sa.func.count()).select_from(OutboxRow).where(*_dead())) or 0


def groups(tx: Tx, actor: Actor) -> list[Group]:
    """By partner, the one whose jobs ended last first."""
    require_instance_admin(tx, actor)
    newest = sa.select(OutboxRow).where(*_dead()).order_by(OutboxRow.finished_at.desc(), OutboxRow.id.desc())
    found: dict[str, Group] = {}
    for row, about in _about(tx, tx.session.scalars(newest.limit(LOOKED_AT)).all()):
        before = found.get(about.partner, Group(about.partner, about.name, 0, []))
        items = before.items if before.count >= SHOWN else [*before.items, _stopped(row, about)]
        found[about.partner] = Group(about.partner, before.name, before.count + 1, items)
    return list(found.values())


def again(tx: Tx, actor: Actor, job_id: int, reason: str) -> Tried:
    """Try one again, with a reason and on record. Pressed twice it is tried once."""
    require_instance_admin(tx, actor)
    row = tx.session.get(OutboxRow, job_id)
    if row is None or row.topic not in _kinds:
        raise NotFound()
    tried = Tried()
    why = interventions.reason_of(reason)
    for known, about in _about(tx, [row]):
        _try(tx, known, about, why, tried)
    return tried


def all_again(tx: Tx, actor: Actor, partner: str, reason: str) -> Tried:
    """Try all of one partner again, the oldest first and at most `BATCH_SIZE` at once."""
    require_instance_admin(tx, actor)
    why, tried = interventions.reason_of(reason), Tried()
    mine = list(islice(_of(tx, partner), BATCH_SIZE + 1))
    for row, about in mine[:BATCH_SIZE]:
        _try(tx, row, about, why, tried)
    tried.left = len(mine) > BATCH_SIZE
    return tried


def told(tried: Tried) -> list[tuple[Phrase, str]]:
    """The sentences for the presser, each with its tone."""
    sentences: list[tuple[Phrase, str]] = []
    if tried.count:
        sentences.append((phrase("Đang thử lại {count} việc.", count=tried.count), "good"))
    if not tried.count and not tried.needless:
        sentences.append((phrase("Không còn việc nào dừng ở đây: việc này đã được thử lại."), "info"))
    for about, needless in tried.needless[:TOLD]:
        sentences.append((phrase("Không thử lại “{what}”: {why}", what=about.what[:120], why=needless.why), "waiting"))
    if more := len(tried.needless[TOLD:]):
        sentences.append((phrase("{count} việc khác cũng không còn cần thử lại.", count=more), "waiting"))
    if tried.left:
        sentences.append((phrase("Còn việc chưa thử lại; xin bấm lần nữa."), "waiting"))
    return sentences


def ended(tx: Tx, delivery: Delivery) -> Needless | None:
    """Why a document is not brought to this recipient any more; the delivery is locked."""
    if delivery.recall in (Recall.ASKED, Recall.AGREED):
        return Needless(_RECALLED)
    until = terms.until(tx, delivery.dispatch_id)
    if delivery.progress == Progress.EXPIRED or (until is not None and until <= clock.now()):
        return Needless(_EXPIRED)
    return None if delivery.progress in (Progress.SUBMITTED, Progress.UNDELIVERABLE) else Needless(_THERE)


def on_its_way(tx: Tx, delivery: Delivery, reason: str) -> None:
    """A delivery that was undeliverable is tried again: its sender sees that, and why."""
    if delivery.progress == Progress.UNDELIVERABLE:
        reopen(tx, delivery, Progress.SUBMITTED, reason)
        delivery.reason = ""
        subscriptions.changed(tx, [delivery], tx.session.get_one(Dispatch, delivery.dispatch_id))


def named(dispatch: Dispatch) -> str:
    """A document as its number and subject."""
    facts = Facts.from_json(dispatch.facts)
    return f"{facts.code} {facts.subject}".strip() or dispatch.document_key


def _dead() -> tuple[sa.ColumnElement[bool], ...]:
    return OutboxRow.topic.in_(list(_kinds)), outbox.is_dead()


def _of(tx: Tx, partner: str) -> Iterator[tuple[OutboxRow, About]]:
    """Those of one partner, the oldest first, however many there are of others."""
    oldest, last = sa.select(OutboxRow).where(*_dead()).order_by(OutboxRow.id).limit(LOOKED_AT), 0
    while rows := tx.session.scalars(oldest.where(OutboxRow.id > last)).all():
        yield from (one for one in _about(tx, rows) if one[1].partner == partner)
        last = rows[-1].id


def _about(tx: Tx, rows: Sequence[OutboxRow]) -> Iterator[tuple[OutboxRow, About]]:
    """Each with what it concerns, in their order; a few queries for each topic."""
    by_topic: dict[str, list[OutboxRow]] = {}
    for row in rows:
        by_topic.setdefault(row.topic, []).append(row)
    known: dict[int, About] = {}
    for topic, those in by_topic.items():
        known |= _kinds[topic].about(tx, those)
    return ((row, known[row.id]) for row in rows if row.id in known)


def _stopped(row: OutboxRow, about: About) -> Stopped:
    since = row.finished_at or row.due_at
    kind = _kinds[row.topic]
    return Stopped(row.id, kind.title, about.what, about.detail, since, kind.why(row))


def _try(tx: Tx, row: OutboxRow, about: About, reason: str, tried: Tried) -> None:
    tx.session.refresh(row, with_for_update=True)  # no worker holds a dead job, so nobody waits in a circle
    if row.state not in outbox.DEAD:
        return
    kind = _kinds[row.topic]
    detail = {"topic": row.topic, "key": row.key[:200], "what": about.what[:200], "reason": reason}
    needless = kind.needless(tx, row)
    if needless is None:
        outbox.requeue(tx, row.id, expires_at=kind.put_back(tx, row, reason))
        tx.audit("system", "hub.tried_again", f"job:{row.id}", detail)
        tried.count += 1
        return
    tried.needless.append((about, needless))
    if needless.for_good:
        outbox.drop(tx, row.id)
        tx.audit("system", "hub.needless", f"job:{row.id}", detail | {"why": needless.why.vi})
