"""Telling people that a document waits for them; the bell shows it by itself, mail reaches those who are away."""

from collections.abc import Iterable
from datetime import datetime

from docex.documents.links import INCOMING_PATH, OUTGOING_PATH
from docex.documents.models import Document, Incoming
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import Phrase
from notify.kinds import DocumentWaits
from notify.messages import tell


def tell_waiting(
    tx: Tx, incoming: Incoming, why: Phrase, people: Iterable[int], *, slot: str, due_at: datetime | None = None
) -> None:
    """Write to `people` about a received document, once for each `slot`."""
    path = INCOMING_PATH.format(id=incoming.id)
    words = DocumentWaits(incoming.subject, incoming.code, incoming.sender_name, why, due_at, path)
    for person_id in sorted(set(people)):
        tell(tx, words, person_id, ref=Ref("incoming", incoming.id), slot=slot)


def tell_waiting_own(
    tx: Tx, document: Document, why: Phrase, people: Iterable[int], *, slot: str, due_at: datetime | None = None
) -> None:
    """Write to `people` about an own document, once for each `slot`."""
    path = OUTGOING_PATH.format(id=document.id)
    words = DocumentWaits(document.subject, document.code, "", why, due_at, path)
    for person_id in sorted(set(people)):
        tell(tx, words, person_id, ref=Ref("document", document.id), slot=slot)
