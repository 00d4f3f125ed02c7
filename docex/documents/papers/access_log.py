"""The log of people opening papers (Decree 30/2020, Annex VI: the access history is kept)."""

from datetime import timedelta

import sqlalchemy as sa

from directory.actor import Actor
from docex.documents.models import Paper
from kernel import clock
from kernel.audit import AuditEntry
from kernel.db import Tx
from kernel.refs import Ref

AGAIN_AFTER = timedelta(minutes=10)
"""A viewer fetches a file in many pieces and again on reload: that is one opening."""


def record_opening(tx: Tx, actor: Actor, paper_id: int) -> bool:
    """Put an opening into the audit chain of the reader's agency. Answers whether it was a new one."""
    ref = Ref("paper", paper_id)
    lately = sa.select(AuditEntry.seq).where(
        AuditEntry.ref == str(ref), AuditEntry.by == actor.by, AuditEntry.at > clock.now() - AGAIN_AFTER
    )
    if tx.session.scalar(lately.limit(1)) is not None:
        return False
    paper = tx.session.get_one(Paper, paper_id)
    tx.audit(f"agency:{actor.agency_id}", "paper.open", ref, {"sha256": paper.sha256, "name": paper.name})
    return True
