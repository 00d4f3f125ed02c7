"""The text of papers for the search: who may find it, and how it is read out of foreign files.

What was said in an envelope is the same for all its receivers, so it is kept once, under the scope `papers`, for the
audience of its sender and receivers; a hit leads to the agency's own copy or document
(`docex.documents.registers.document_search`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

import sqlalchemy as sa

from docex import topics
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch, Paper
from docex.documents.papers.files import papers_of
from docex.documents.search import text_probe
from kernel import search
from kernel.db import Tx
from kernel.refs import Ref
from kernel.storage.blobs import BlobStore, read_all
from kernel.text import nfc
from signing.sandbox import runner
from signing.sandbox.runner import SandboxError, SandboxTask

SCOPE = "papers"
BREAK = "\n"
"""An empty line stands between what the envelope says and the text of its papers."""

TOPIC = topics.READ_TEXT
MAX_BYTES = 60_000_000
MAX_CHARACTERS = 150_000
MAX_PAPERS = 20
TIMEOUT_S = 45
"""For all papers of an envelope together: less than the lease of a job."""

SHORT_BYTES, FEW_PAPERS = 2_000_000, 4
AT_ONCE_S = 3.0
"""The papers of most envelopes are read by the worker that verifies them; a paper that takes longer than this is left
to a job."""

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
    """Have the papers of an envelope read for the search by a job of its own, once."""
    tx.outbox(TOPIC, str(dispatch_id), {"dispatch_id": dispatch_id})


def files_to_read(tx: Tx, dispatch_id: int) -> tuple[PaperFile, ...]:
    """The papers of an envelope whose text can be read, each file once."""
    return readable(papers_of(tx, dispatch_id))


def readable(papers: Iterable[Paper]) -> tuple[PaperFile, ...]:
    """Those of these papers whose text can be read, each file once."""
    found = {paper.sha256: PaperFile(paper.sha256, paper.size) for paper in papers if _readable(paper)}
    return tuple(found.values())[:MAX_PAPERS]


def _readable(paper: Paper) -> bool:
    ending = paper.name.rpartition(".")[2].lower()
    return 0 < paper.size <= MAX_BYTES and (paper.media_type in READABLE or ending in ("pdf", "docx"))


@dataclass
class Pieces:
    """The text of an envelope's papers, as far as it was read beside something else.

    `late` when a paper took too long for that, or broke its child; none is wanted any more then, and all are left to a
    job.
    """

    files: tuple[PaperFile, ...]
    found: dict[str, str] = field(default_factory=dict)
    late: bool = False

    def __post_init__(self) -> None:
        self.late = len(self.files) > FEW_PAPERS or sum(file.size for file in self.files) > SHORT_BYTES

    def wants(self, sha256: str) -> bool:
        """Whether the text of this file is still to be read here."""
        return not self.late and sha256 not in self.found and any(file.sha256 == sha256 for file in self.files)

    def take(self, sha256: str, answer: str | SandboxError) -> None:
        """The answer of the reader of a file, or SandboxError when it took too long or never came to it: the child may
        have ended while it verified."""
        if isinstance(answer, SandboxError):
            self.late = True
        else:
            self.found[sha256] = tidied(answer)

    def text(self) -> str | None:
        """The text of all papers, None when a job has to read them."""
        return None if self.late else joined([self.found[file.sha256] for file in self.files])


def task(data: bytes) -> SandboxTask:
    """Reading one short file, for a process that has something else to do with it, too."""
    return SandboxTask(text_probe.read, (data, MAX_CHARACTERS), within_s=AT_ONCE_S)


def read_rest(blobs: BlobStore, pieces: Pieces) -> str | None:
    """The text of all papers, with those that nobody has read yet; None when a job has to read them."""
    for file in pieces.files:
        if pieces.wants(file.sha256):
            pieces.take(file.sha256, _read(blobs, file.sha256, MAX_CHARACTERS, AT_ONCE_S))
    return pieces.text()


def text_of(blobs: BlobStore, files: tuple[PaperFile, ...]) -> str:
    """The text of all of them, the first ones first, at most MAX_CHARACTERS. Takes seconds: for workers."""
    pieces: list[str] = []
    left = MAX_CHARACTERS
    until = monotonic() + TIMEOUT_S
    for file in files:
        seconds = until - monotonic()
        if left <= 0 or seconds <= 0:
            break
        read = _read(blobs, file.sha256, left, seconds)
        pieces.append("" if isinstance(read, SandboxError) else tidied(read, left))
        left -= len(pieces[-1])
    return joined(pieces)


def joined(pieces: Iterable[str]) -> str:
    """The text of several papers."""
    return "\n".join(piece for piece in pieces if piece)[:MAX_CHARACTERS]


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


def tidied(text: str, most: int = MAX_CHARACTERS) -> str:
    """NUL is text to some PDFs and an error to PostgreSQL; half a surrogate pair is an error to both."""
    return nfc(text[:most].replace("\x00", "").encode("utf-8", "replace").decode("utf-8"))


def _read(blobs: BlobStore, sha256: str, most: int, seconds: float) -> str | SandboxError:
    try:
        return runner.pool("reading").run(text_probe.read, read_all(blobs, sha256), most, within_s=seconds)
    except SandboxError as broken:
        return broken
