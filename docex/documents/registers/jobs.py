"""The worker's part: printing registers, reading the text of papers for the search.

Both cost seconds of CPU and meet foreign files, so the work is done in child processes and without a transaction.
Doing either again after a crash makes the same again.
"""

import io
import logging
from dataclasses import dataclass

from docex import topics
from docex.documents.registers import printing
from docex.documents.registers.models import Printout
from docex.documents.registers.register_prints import table_of, tell
from docex.documents.registers.table import Table
from docex.documents.search.text_extraction import TOPIC, PaperFile, files_to_read, keep_text, text_of
from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Unavailable
from kernel.outbox import Handler, Job, SendError
from kernel.storage.blobs import Blob, BlobStore
from kernel.text import phrase
from signing.verdicts.verdict import phrase_to_json

log = logging.getLogger(__name__)


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the part's jobs."""
    outbox.register(PrintHandler(blobs))
    outbox.register(ReadHandler(blobs))


@dataclass(frozen=True)
class PrintWork:
    """A register to print, and its layout."""

    printout_id: int
    format: str
    table: Table


class PrintHandler(Handler[PrintWork, tuple[int, Blob]]):
    """Somebody asked for a register as a file: make it and tell them."""

    topic = topics.PRINT

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    def prepare(self, tx: Tx, job: Job) -> PrintWork | None:
        """The lines as they stand now; None when it was made already."""
        row = tx.session.get(Printout, job.payload["printout_id"])
        if row is None or row.state != "waiting":
            return None
        return PrintWork(row.id, row.format, table_of(tx, row))

    def perform(self, prepared: PrintWork) -> tuple[int, Blob]:
        """Lay it out and store the file."""
        try:
            if prepared.format == "pdf":
                return prepared.printout_id, self.blobs.put(io.BytesIO(printing.pdf(prepared.table)))
            with printing.xlsx(prepared.table) as file:
                return prepared.printout_id, self.blobs.put(file)
        except Unavailable as error:
            log.exception("a register could not be printed")
            raise SendError(error.message, permanent=True) from error

    def conclude(self, tx: Tx, job: Job, result: tuple[int, Blob]) -> None:
        """Show the file to whoever asked."""
        printout_id, blob = result
        row = tx.session.get_one(Printout, printout_id, with_for_update=True)
        row.state, row.sha256, row.size, row.done_at = "done", blob.sha256, blob.size, clock.now()
        tell(tx, row)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that there is no file, and why."""
        row = tx.session.get_one(Printout, job.payload["printout_id"], with_for_update=True)
        problem = phrase("Chưa in được: {reason}", reason=outbox.sentence(reason))
        row.state, row.problem = "failed", phrase_to_json(problem)
        tell(tx, row)


class ReadHandler(Handler[tuple[int, tuple[PaperFile, ...]], tuple[int, str]]):
    """An envelope with long papers has come in: make it findable by their text (short ones are read when they are
    verified, docex/documents/verification/handlers.py). Many at once make the search late, and nothing else: reading
    has threads of its own."""

    topic = TOPIC
    at_once_here = 2

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    def prepare(self, tx: Tx, job: Job) -> tuple[int, tuple[PaperFile, ...]]:
        """Its papers."""
        dispatch_id = int(job.payload["dispatch_id"])
        return dispatch_id, files_to_read(tx, dispatch_id)

    def perform(self, prepared: tuple[int, tuple[PaperFile, ...]]) -> tuple[int, str]:
        """Read them, each in a process with limits."""
        dispatch_id, files = prepared
        return dispatch_id, text_of(self.blobs, files)

    def conclude(self, tx: Tx, job: Job, result: tuple[int, str]) -> None:
        """Index what was read, also when that is nothing: the names of the papers count too."""
        keep_text(tx, *result)
