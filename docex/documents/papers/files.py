"""The files of documents and envelopes: which one stands now, under which name it is downloaded."""

from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa

from docex.documents.models import Document, Paper
from docex.documents.states import DocumentState
from kernel.db import Tx
from kernel.text import nfc, strip_marks


@dataclass(frozen=True)
class File:
    """An uploaded file that was checked and stored. `spot` says where signatures go, see
    docex.documents.issuing.paper_content."""

    name: str
    media_type: str
    sha256: str
    size: int
    pages: int | None = None
    spot: dict[str, object] | None = None


_STANDING = {
    DocumentState.DRAFT: ("preview", "upload", "refused"),
    DocumentState.CHECK: ("preview", "upload"),
    DocumentState.REVIEW: ("preview", "upload"),
    DocumentState.SIGNING: ("preview", "upload"),
    DocumentState.SIGNED: ("signed",),
    DocumentState.SEALING: ("signed",),
}
"""Which stages of the main paper count in a state; after these only the sealed one does."""


def main_paper(tx: Tx, document_id: int, *, stage: str | None = None) -> Paper | None:
    """The newest main paper of an outgoing document, or the newest of one stage."""
    query = sa.select(Paper).where(Paper.document_id == document_id, Paper.role == "main")
    if stage is not None:
        query = query.where(Paper.stage == stage)
    return tx.session.scalar(query.order_by(Paper.id.desc()).limit(1))


def standing_paper(tx: Tx, document: Document) -> Paper | None:
    """The main paper as it stands now: a signed file that was returned for changes no longer does."""
    stages = _STANDING.get(DocumentState(document.state), ("sealed",))
    query = sa.select(Paper).where(Paper.document_id == document.id, Paper.role == "main", Paper.stage.in_(stages))
    return tx.session.scalar(query.order_by(Paper.id.desc()).limit(1))


HAZARDS = "hazards"
"""The member of an attachment's `spot` that names what keeps it from being signed (signing.verification.hazards)."""


def attachments_of(tx: Tx, document_id: int) -> list[Paper]:
    """The attachments of an outgoing document, in order; of one that was sealed, the sealed file."""
    query = sa.select(Paper).where(Paper.document_id == document_id, Paper.role == "attachment")
    standing = {paper.place: paper for paper in tx.session.scalars(query.order_by(Paper.place, Paper.id))}
    return list(standing.values())


def papers_of(tx: Tx, dispatch_id: int) -> list[Paper]:
    """All files of an envelope, in order."""
    query = sa.select(Paper).where(Paper.dispatch_id == dispatch_id)
    return list(tx.session.scalars(query.order_by(Paper.place, Paper.id)))


def file_name(code: str, subject: str, ending: str = "pdf") -> str:
    """A name for a document's main file that every file system takes: `05-UBND-VP_Ve-viec-….pdf`."""
    stem = nfc(f"{code.replace('/', '-')} {subject}" if code else subject)
    plain = "".join(c if c.isalnum() or c in " -_." else " " for c in strip_marks(stem))
    return f"{'-'.join(plain.split())[:80].strip('-.') or 'van-ban'}.{ending}"


def disposition(name: str, *, inline: bool = False) -> str:
    """The Content-Disposition of a file: its name in Vietnamese for browsers of this century, without accents for the
    rest (RFC 6266)."""
    ascii_name = strip_marks(name).encode("ascii", "ignore").decode()
    plain = "".join(c if c.isalnum() or c in " .-_()" else "_" for c in ascii_name)
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
