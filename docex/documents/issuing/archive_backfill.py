"""Papers that were sealed or verified before signed papers were kept (migration 0004) are taken into the archive, too.

A stretch at a time, in the order of their rows, and only as fast as the authority of time-stamps keeps up: what is
signed today must not wait behind the papers of years. Doing it again finds nothing left.
"""

from datetime import timedelta

import sqlalchemy as sa

from docex import topics
from docex.documents.issuing.paper_handlers import PDF
from docex.documents.models import Paper, PaperVerdict
from docex.documents.papers import preservation
from kernel import clock, outbox
from kernel.db import Database, Tx
from kernel.outbox import Job
from signing.archive import preservation as archive
from signing.verdicts.verdict import Level, Verdict

TOPIC = topics.TAKE_IN
BATCH_SIZE = 100
PAUSE = timedelta(minutes=15)


def begin(db: Database) -> None:
    """Enqueue the first batch; a job that was done once is not enqueued again as long as the outbox remembers it."""
    with db.write() as tx:
        tx.outbox(TOPIC, "0", {"after": 0})


@outbox.handler(TOPIC)
def take_in(tx: Tx, job: Job) -> None:
    """One batch. Another follows at once, or in a while when many papers wait for their time-stamp."""
    after = int(job.payload["after"])
    if archive.waiting_for_stamps(tx) >= BATCH_SIZE:
        turn = int(job.payload.get("turn", 0)) + 1
        tx.outbox(TOPIC, f"{after}:{turn}", {"after": after, "turn": turn}, due_at=clock.now() + PAUSE)
        return
    papers = list(tx.session.scalars(sa.select(Paper).where(Paper.id > after).order_by(Paper.id).limit(BATCH_SIZE)))
    known = archive.kept(tx, {paper.sha256 for paper in papers})
    _keep(tx, [paper for paper in papers if paper.sha256 not in known])
    if len(papers) == BATCH_SIZE:
        tx.outbox(TOPIC, str(papers[-1].id), {"after": papers[-1].id})


def _keep(tx: Tx, papers: list[Paper]) -> None:
    for paper in papers:
        if paper.stage == "sealed" and paper.media_type == PDF:
            # Nobody knows any more how far it has come: the first step is to look.
            archive.keep(tx, paper.sha256, paper.size, Level.B_B, look_first=True)
    sent = {paper.id for paper in papers if paper.dispatch_id is not None}
    verdicts = sa.select(PaperVerdict).where(PaperVerdict.paper_id.in_(sent), PaperVerdict.as_of.is_(None))
    newest = {
        row.paper_id: Verdict.from_json(row.report) for row in tx.session.scalars(verdicts.order_by(PaperVerdict.id))
    }
    preservation.keep_verified(tx, list(newest.items()))
