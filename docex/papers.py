"""The files of documents and envelopes: which one stands now, under which name it is downloaded."""

import sqlalchemy as sa

from docex.models import Paper
from kernel.db import Tx
from kernel.text import nfc, strip_marks

STAGES = ("sealed", "signed", "preview", "upload")


def main_paper(tx: Tx, document_id: int, *, stage: str | None = None) -> Paper | None:
    """The newest main paper of an outgoing document, or the newest of one stage."""
    query = sa.select(Paper).where(Paper.document_id == document_id, Paper.role == "main")
    if stage is not None:
        query = query.where(Paper.stage == stage)
    return tx.session.scalar(query.order_by(Paper.id.desc()).limit(1))


def attachments_of(tx: Tx, document_id: int) -> list[Paper]:
    """The attachments of an outgoing document, in order."""
    query = sa.select(Paper).where(Paper.document_id == document_id, Paper.role == "attachment")
    return list(tx.session.scalars(query.order_by(Paper.place, Paper.id)))


def papers_of(tx: Tx, dispatch_id: int) -> list[Paper]:
    """All files of an envelope, in order."""
    query = sa.select(Paper).where(Paper.dispatch_id == dispatch_id)
    return list(tx.session.scalars(query.order_by(Paper.place, Paper.id)))


def file_name(code: str, subject: str, ending: str = "pdf") -> str:
    """A name for a document's main file that every file system takes: `05-UBND-VP_Ve-viec-….pdf`."""
    stem = nfc(f"{code.replace('/', '-')} {subject}" if code else subject)
    plain = "".join(c if c.isalnum() or c in " -_." else " " for c in strip_marks(stem))
    return f"{'-'.join(plain.split())[:80].strip('-.') or 'van-ban'}.{ending}"
