"""Verdicts that were made by the rules of before are made again, so that no paper stays valid that is refused today.

A stretch each minute, in the order of the envelopes: what comes today must not wait behind the papers of years. Where
it stands is in the job of the next batch, so a worker that dies loses nothing; doing it again finds what is left. The
old verdict stays beside the new one (`verdict_store`), and who holds what is no longer valid is told (`lost_validity`).
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from docex import topics
from docex.documents.models import PaperVerdict
from docex.documents.verification import verdict_store
from kernel import clock, outbox
from kernel.db import Database, Tx
from kernel.outbox import OPEN_STATES, Job, OutboxRow
from signing.verdicts.policy import IN_FORCE

TOPIC = topics.VERIFY_AGAIN
BATCH_SIZE = 20
"""Envelopes of a batch, and how many may wait to be verified before another one is enqueued."""
LOOKED_AT = 500
PAUSE = timedelta(minutes=1)
RULES = "+".join(sorted(IN_FORCE))
"""Names the rules of today: with other rules the whole way is gone once more."""


@dataclass(frozen=True)
class Progress:
    """How many envelopes have verdicts, how many of them by earlier rules, and how many wait to be verified."""

    verified: int
    earlier: int
    waiting: int


def begin(db: Database) -> None:
    """Enqueue the first batch under these rules; the same job twice does nothing."""
    with db.write() as tx:
        tx.outbox(TOPIC, f"{RULES}:0", {"after": 0})


def by_hand(db: Database) -> Progress:
    """Go the whole way once more now, whatever was enqueued before; answers how much there is to do."""
    with db.write() as tx:
        tx.outbox(TOPIC, f"{RULES}:hand:{clock.now().isoformat()}", {"after": 0, "walk": clock.now().isoformat()})
    return progress(db)


def progress(db: Database) -> Progress:
    """How far it has come."""
    verified = earlier = after = 0
    with db.read() as tx:
        waiting = _waiting(tx)
        while found := _looked_at(tx, after):
            verified, earlier, after = verified + len(found), earlier + sum(found.values()), max(found)
    return Progress(verified, earlier, waiting)


@outbox.handler(TOPIC)
def verify_again(tx: Tx, job: Job) -> None:
    """Enqueue a batch of verdicts, and the next batch; while earlier ones wait, only the latter."""
    after, walk, turn = int(job.payload["after"]), str(job.payload.get("walk", "")), int(job.payload.get("turn", 0))
    if _waiting(tx) >= BATCH_SIZE:
        payload = {"after": after, "walk": walk, "turn": turn + 1}
        tx.outbox(TOPIC, f"{RULES}:{walk}:{after}:{turn + 1}", payload, due_at=clock.now() + PAUSE)
        return
    found = _looked_at(tx, after)
    promised = [dispatch_id for dispatch_id, earlier in found.items() if earlier][:BATCH_SIZE]
    for dispatch_id in promised:
        tx.outbox(verdict_store.TOPIC, _key(dispatch_id, walk), {"dispatch_id": dispatch_id})
    if found:
        last = promised[-1] if len(promised) == BATCH_SIZE else max(found)
        due = clock.now() + PAUSE if promised else None
        tx.outbox(TOPIC, f"{RULES}:{walk}:{last}", {"after": last, "walk": walk}, due_at=due)


def _key(dispatch_id: int, walk: str) -> str:
    """With the rules last: what was enqueued under them is not enqueued again by the same walk."""
    return f"{dispatch_id}:rules:{walk}:{RULES}"


def _looked_at(tx: Tx, after: int) -> dict[int, bool]:
    """The next envelopes that were verified, in their order, and whether one of their newest verdicts is by earlier
    rules."""
    now = PaperVerdict.as_of.is_(None)
    next_ones = sa.select(PaperVerdict.dispatch_id).where(PaperVerdict.dispatch_id > after, now).distinct()
    numbers = list(tx.session.scalars(next_ones.order_by(PaperVerdict.dispatch_id).limit(LOOKED_AT)))
    newest = sa.select(sa.func.max(PaperVerdict.id)).where(PaperVerdict.dispatch_id.in_(numbers), now)
    newest = newest.group_by(PaperVerdict.dispatch_id, PaperVerdict.paper_id)
    policy = PaperVerdict.report["policy"].as_string()
    rows = tx.session.execute(sa.select(PaperVerdict.dispatch_id, policy).where(PaperVerdict.id.in_(newest))).all()
    earlier = {dispatch_id for dispatch_id, name in rows if name not in IN_FORCE}
    return {dispatch_id: dispatch_id in earlier for dispatch_id in numbers}


def _waiting(tx: Tx) -> int:
    """Verdicts by the rules of today that are enqueued and not made."""
    mine = sa.and_(OutboxRow.topic == verdict_store.TOPIC, OutboxRow.key.endswith(f":{RULES}", autoescape=True))
    query = sa.select(sa.func.count()).select_from(OutboxRow).where(mine, OutboxRow.state.in_(OPEN_STATES))
    return int(tx.session.scalar(query) or 0)
