"""The worker's part: a pack is written to a temporary file, piece by piece, and stored. Doing it again after a crash
makes another file of the same evidence; only the stored one counts."""

import tempfile
from dataclasses import dataclass

from docex.documents.key_custody import Custody
from docex.documents.verification.handlers import with_evidence
from docex.exchange.evidence.models import EvidencePack
from docex.exchange.evidence.packs import TOPIC, evidence_of, source_of, tell
from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.outbox import Handler, Job, SendError
from kernel.storage.blobs import Blob, BlobStore
from kernel.text import phrase
from signing.evidence.pack import Source, write_pack
from signing.evidence.pack_format import TooLarge
from signing.verdicts.verdict import phrase_to_json


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to make packs."""
    outbox.register(PackHandler(blobs, Custody(config)))


@dataclass(frozen=True)
class Packed:
    """A pack in the store."""

    blob: Blob
    level: str
    stamped: bool


class PackHandler(Handler[Source, Packed]):
    """Somebody asked for the evidence of a document: make the file and tell them."""

    topic = TOPIC

    def __init__(self, blobs: BlobStore, custody: Custody) -> None:
        self.blobs = blobs
        self.custody = custody

    def prepare(self, tx: Tx, job: Job) -> Source | None:
        """The content of the pack, as it stands now; None when it was made already."""
        row = tx.session.get(EvidencePack, job.payload["pack_id"])
        if row is None or row.state != "waiting":
            return None
        trust = with_evidence(self.custody.trust(tx), evidence_of(tx, row), self.blobs)
        return source_of(tx, row, trust)

    def perform(self, prepared: Source) -> Packed:
        """Write it; the signatures are taken apart in processes of their own."""
        with tempfile.TemporaryFile() as file:
            try:
                manifest = write_pack(prepared, self.blobs.open, file)
            except TooLarge:
                raise SendError(_TOO_LARGE, permanent=True) from None
            except NotFound as error:
                raise SendError(_GONE, permanent=True) from error
            file.seek(0)
            blob = self.blobs.put(file)
        stamped = any(head["time_stamp"] for head in manifest["log"]["heads"])
        return Packed(blob, manifest["level"], stamped)

    def conclude(self, tx: Tx, job: Job, result: Packed) -> None:
        """Show the file to whoever asked."""
        row = tx.session.get_one(EvidencePack, job.payload["pack_id"], with_for_update=True)
        row.state, row.done_at = "done", clock.now()
        row.sha256, row.size = result.blob.sha256, result.blob.size
        row.level, row.stamped = result.level, result.stamped
        tell(tx, row)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that there is no file, and why."""
        row = tx.session.get_one(EvidencePack, job.payload["pack_id"], with_for_update=True)
        why = outbox.sentence(reason)
        problem = why if why == _TOO_LARGE else phrase("Chưa lập được hồ sơ: {reason}", reason=why)
        row.state, row.problem = "failed", phrase_to_json(problem)
        tell(tx, row)


_GONE = phrase("Thiếu một tệp của văn bản trong kho lưu trữ. Xin báo quản trị viên.")
_TOO_LARGE = phrase("Văn bản quá lớn (trên 4 GB) nên không lập được hồ sơ bằng chứng.")
