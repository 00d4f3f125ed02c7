"""How documents are named and opened from other rooms."""

from docex.documents.models import Document, Incoming
from kernel.db import Tx
from kernel.refs import Described, describes

OUTGOING_PATH = "/documents/out/{id}"
INCOMING_PATH = "/documents/in/{id}"
SEEN_PATH = "/documents/verdicts/changed/{id}/seen"


@describes("document")
def describe_document(tx: Tx, document_id: int) -> Described | None:
    """An own document: its number and subject."""
    row = tx.session.get(Document, document_id)
    return _described(row.code, row.subject, OUTGOING_PATH, row.id) if row else None


@describes("incoming")
def describe_incoming(tx: Tx, incoming_id: int) -> Described | None:
    """A received document: its number and subject."""
    row = tx.session.get(Incoming, incoming_id)
    return _described(row.code, row.subject, INCOMING_PATH, row.id) if row else None


def _described(code: str, subject: str, path: str, thing_id: int) -> Described:
    return Described(f"{code} {subject}".strip(), path.format(id=thing_id))
