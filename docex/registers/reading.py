"""The text of papers for the search: who may find it, and how it is read out of foreign files.

What was said in an envelope is the same for all its receivers, so it is kept once, under the scope `papers`, for the
audience of its sender and receivers; a hit leads to the agency's own copy or document (`docex.registers.finding`).
"""

from dataclasses import dataclass
from time import monotonic

import sqlalchemy as sa

from docex.envelope import Facts
from docex.models import Delivery, Dispatch, Paper
from docex.papers import papers_of
from docex.registers import textprobe
from kernel import search
from kernel.blobs import BlobStore, read_all
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import nfc
from signing import isolation

SCOPE = "papers"
BREAK = "\n"
"""An empty line stands between what the envelope says and the text of its papers."""

TOPIC = "docex.read_text"
MOST_BYTES = 60_000_000
MOST_LETTERS = 150_000
MOST_PAPERS = 20
SECONDS = 45
"""For all papers of an envelope together: less than the lease of a job."""

READABLE = (
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)


@dataclass(frozen=True)
class PaperFile:
    """A paper that may hold text: its blob and its size."""

    sha256: str
    size: int


def ask_to_read(tx: Tx, dispatch_id: int) -> None:
    """Have the papers of an envelope read for the search, once."""
    tx.outbox(TOPIC, str(dispatch_id), {"dispatch_id": dispatch_id})


def files_to_read(tx: Tx, dispatch_id: int) -> tuple[PaperFile, ...]:
    """The papers of an envelope whose text can be read, each file once."""
    papers = [p for p in papers_of(tx, dispatch_id) if _readable(p)]
    found = {p.sha256: PaperFile(p.sha256, p.size) for p in papers}
    return tuple(found.values())[:MOST_PAPERS]


def _readable(paper: Paper) -> bool:
    ending = paper.name.rpartition(".")[2].lower()
    return 0 < paper.size <= MOST_BYTES and (paper.media_type in READABLE or ending in ("pdf", "docx"))


def text_of(blobs: BlobStore, files: tuple[PaperFile, ...]) -> str:
    """The text of all of them, the first ones first, at most MOST_LETTERS. Takes seconds: for workers."""
    pieces: list[str] = []
    left = MOST_LETTERS
    until = monotonic() + SECONDS
    for file in files:
        seconds = until - monotonic()
        if left <= 0 or seconds <= 0:
            break
        piece = _read(blobs, file.sha256, left, seconds)
        pieces.append(piece)
        left -= len(piece)
    return "\n".join(p for p in pieces if p)


def keep_text(tx: Tx, dispatch_id: int, text: str) -> None:
    """Make an envelope findable by what it says and by what its papers say."""
    dispatch = tx.session.get_one(Dispatch, dispatch_id, with_for_update=True)
    facts = Facts.from_json(dispatch.facts)
    names = tx.session.scalars(sa.select(Paper.name).where(Paper.dispatch_id == dispatch_id).order_by(Paper.id))
    words = [facts.subject, facts.code, facts.sender_name, facts.kind_name, facts.signer, *names]
    receivers = tx.session.scalars(sa.select(Delivery.agency_id).where(Delivery.dispatch_id == dispatch_id))
    audience = [receivers_scope(agency_id) for agency_id in receivers]
    if dispatch.document_id is not None:
        audience.append(senders_scope(dispatch.sender_id))
    ref, at = Ref("dispatch", dispatch_id), dispatch.submitted_at
    search.put(tx, SCOPE, ref, at, *words, f"{BREAK}{text}", audience=audience)


def receivers_scope(agency_id: int) -> str:
    """The audience of what an agency received."""
    return f"received:{agency_id}"


def senders_scope(agency_id: int) -> str:
    """The audience of what an agency wrote and sent."""
    return f"sent:{agency_id}"


def _read(blobs: BlobStore, sha256: str, most: int, seconds: float) -> str:
    """The text of one file; none when it is broken, locked or takes too long."""
    try:
        text = isolation.pool("reading").run(textprobe.read, read_all(blobs, sha256), most, within_s=seconds)
    except isolation.Broken:
        return ""
    # NUL is text to some PDFs and an error to PostgreSQL; half a surrogate pair is an error to both.
    return nfc(text[:most].replace("\x00", "").encode("utf-8", "replace").decode("utf-8"))
