"""Signed papers are kept for decades: which ones, what their pages say of it, and the grown file beside the original.

The keeping itself is `signing.archive.preservation`; it knows papers by their SHA-256 and no documents.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from directory.actor import Actor
from docex.documents.access import paper_for
from docex.documents.models import Dispatch, Document, Incoming, Paper
from docex.documents.papers.files import File
from docex.streams import Change, document_stream, incoming_stream
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.text import Phrase
from signing.archive import preservation, status_text
from signing.archive.preservation import Kept
from signing.verdicts.verdict import Level, Value, Verdict

MAX_TOLD = 20
"""Recipients whose open pages are told that a paper has come further; of a broadcast the page says it when opened."""


@dataclass(frozen=True)
class KeptView:
    """How a paper is kept, for its page. `size` is that of the grown file, 0 when there is none beside the original."""

    sentence: Phrase
    tone: str
    size: int


def sealed(tx: Tx, files: Iterable[File]) -> None:
    """The agency has sealed these: they are kept from now on."""
    for file in files:
        preservation.keep(tx, file.sha256, file.size, Level.B_B)


def keep_verified(tx: Tx, verdicts: Sequence[tuple[int, Verdict]]) -> None:
    """These papers came and were verified: signed ones are kept, unless they have to go back anyway."""
    for paper_id, verdict in verdicts:
        if verdict.signers and verdict.value is not Value.INVALID:
            paper = tx.session.get_one(Paper, paper_id)
            preservation.keep(tx, paper.sha256, paper.size, preservation.lowest_level(verdict.signers))


def view_of(tx: Tx, paper: Paper | None) -> KeptView | None:
    """The state of a paper's preservation, for its page; None when it is not."""
    found = preservation.kept(tx, [paper.sha256]).get(paper.sha256) if paper is not None else None
    if found is None:
        return None
    return KeptView(status_text.sentence(found), status_text.tone(found), found.size if found.has_grown else 0)


def grown_for(tx: Tx, actor: Actor, paper_id: int) -> tuple[Paper, Kept]:
    """A paper that the actor may see and the file that it has grown into; NotFound while there is none."""
    paper = paper_for(tx, actor, paper_id)
    found = preservation.kept(tx, [paper.sha256]).get(paper.sha256)
    if found is None or not found.has_grown:
        raise NotFound()
    return paper, found


def watch() -> None:
    """Have open pages told when a paper has come further."""
    preservation.watch(_tell)


def _tell(tx: Tx, sha256: str) -> None:
    papers = tx.session.execute(sa.select(Paper.document_id, Paper.dispatch_id).where(Paper.sha256 == sha256)).all()
    documents = {document_id for document_id, _ in papers if document_id is not None}
    dispatches = {dispatch_id for _, dispatch_id in papers if dispatch_id is not None}
    own = sa.select(Dispatch.document_id).where(Dispatch.id.in_(dispatches), Dispatch.document_id.is_not(None))
    documents |= {document_id for document_id in tx.session.scalars(own) if document_id is not None}
    for document_id, rev in tx.session.execute(sa.select(Document.id, Document.rev).where(Document.id.in_(documents))):
        tx.publish(document_stream(document_id), "document.preserved", Change(document_id, rev))
    copies = sa.select(Incoming.id, Incoming.rev).where(Incoming.dispatch_id.in_(dispatches)).limit(MAX_TOLD + 1)
    found = tx.session.execute(copies).all()
    for incoming_id, rev in found if len(found) <= MAX_TOLD else []:
        tx.publish(incoming_stream(incoming_id), "incoming.preserved", Change(incoming_id, rev))
