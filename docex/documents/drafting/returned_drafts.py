"""Drafts that came back: who gave each back, and why. The audit knows it; a row of its own would say it twice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from directory import queries as directory
from docex.documents.models import Document
from docex.documents.states import DocumentState
from kernel.audit import AuditEntry
from kernel.db import Tx
from kernel.refs import Ref

_RETURN = "document.return"
_TURNS = (_RETURN, "document.submit", "document.submit_to_check", "document.withdraw")


@dataclass(frozen=True)
class Returned:
    """The return that the drafter must read of before anything else."""

    reason: str
    by: str
    at: datetime


def returned(tx: Tx, documents: Iterable[Document]) -> dict[int, Returned]:
    """By document, of the drafts whose last turn was to come back: two queries for all of them."""
    refs = {str(Ref("document", row.id)): row.id for row in documents if row.state == DocumentState.DRAFT}
    if not refs:
        return {}
    turns = sa.select(AuditEntry).where(AuditEntry.ref.in_(refs), AuditEntry.action.in_(_TURNS))
    entries = tx.session.scalars(turns.order_by(AuditEntry.at, AuditEntry.seq))
    last = {refs[entry.ref]: entry for entry in entries}
    back = {document_id: entry for document_id, entry in last.items() if entry.action == _RETURN}
    people = directory.people(tx, {Ref.parse(entry.by).id for entry in back.values()})
    return {
        document_id: Returned(str(entry.detail.get("reason", "")), people[Ref.parse(entry.by).id].name, entry.at)
        for document_id, entry in back.items()
    }
