"""The worker's part of verifying: the files in, verdicts out, and the answers that they rest on kept as evidence.

Whoever verifies an envelope for the first time reads its papers for the search, too, as long as they are short: both
are done in a process of their own for each file, and making one costs more than the work.
"""

import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from typing import IO, Any

from docex.documents.key_custody import Custody
from docex.documents.models import Dispatch
from docex.documents.papers import preservation
from docex.documents.search import text_extraction
from docex.documents.search.text_extraction import Pieces, read_rest
from docex.documents.verification import verdict_store
from docex.documents.verification.known_seals import note_seals
from docex.documents.verification.verdict_store import EnvelopeToVerify, EnvelopeVerified, PaperToVerify
from docex.edxml.errors import EdxmlError
from docex.edxml.xmldsig.verification import check_file
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.outbox import Handler, Job
from kernel.storage.blobs import BlobStore, read_all
from signing.trust.revocation_info import read_list
from signing.trust.trust_store import Trust
from signing.verdicts.policy import policy_for
from signing.verdicts.verdict import Verdict
from signing.verification.envelope_verification import Finding, Sealed
from signing.verification.file_verification import too_large
from signing.verification.safe_verification import verdict_and, verdict_on, verdict_on_envelope

MAX_VERIFIED_BYTES = 100 * 1024**2
"""Verifying takes a file into memory, several times over; larger ones are said to be too large, which is not valid."""


class VerifyHandler(Handler[EnvelopeToVerify, EnvelopeVerified]):
    """Verify the papers of an envelope for its recipients."""

    topic = verdict_store.TOPIC

    def __init__(self, blobs: BlobStore, custody: Custody, at_once: int = 1) -> None:
        self.at_once_here = at_once
        self.blobs = blobs
        self.custody = custody

    def prepare(self, tx: Tx, job: Job) -> EnvelopeToVerify | None:
        """The papers to verify."""
        asked = job.payload.get("as_of")
        as_of = datetime.fromisoformat(asked) if asked else None
        trust, first = self.custody.trust(tx), bool(job.payload.get("first"))
        return verdict_store.envelope_to_verify(tx, job.payload["dispatch_id"], trust, as_of, first=first)

    def perform(self, prepared: EnvelopeToVerify) -> EnvelopeVerified:
        """Verify each in a process of its own; whatever the bytes are, a verdict comes out."""
        trust = with_evidence(prepared.trust, prepared.evidence, self.blobs)
        pieces = Pieces(prepared.readable)
        verdicts = tuple((one.paper_id, self._verify_paper(one, prepared, trust, pieces)) for one in prepared.questions)
        envelope = self._verify_envelope(prepared, trust)
        made = [verdict for _, verdict in verdicts] + ([envelope] if envelope is not None else [])
        for verdict in made:
            self._keep_evidence(verdict, trust)
        wanted = verdict_store.wanted_by(made, prepared.trust)
        text = read_rest(self.blobs, pieces)
        return EnvelopeVerified(prepared.dispatch_id, verdicts, prepared.as_of, wanted, envelope, text)

    def conclude(self, tx: Tx, job: Job, result: EnvelopeVerified) -> None:
        """Keep the verdicts and show them in every inbox, and what was read for the search."""
        verdict_store.conclude(tx, result, asked_by=job.payload.get("asked_by"), turn=job.payload.get("turn", 0))
        if result.as_of is None:
            sender = tx.session.get_one(Dispatch, result.dispatch_id).sender_id
            preservation.keep_verified(tx, result.verdicts)
            note_seals(tx, sender, (verdict for _, verdict in result.verdicts))
        if job.payload.get("first"):
            _keep_text(tx, result)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say that nobody could verify: never green, and no longer "being checked"."""
        verdict_store.record_failure(tx, job.payload["dispatch_id"])
        if job.payload.get("first"):
            text_extraction.ask_to_read(tx, job.payload["dispatch_id"])

    def _verify_paper(self, one: PaperToVerify, case: EnvelopeToVerify, trust: Trust, pieces: Pieces) -> Verdict:
        policy = policy_for(one.kind)
        if one.size > MAX_VERIFIED_BYTES:
            return too_large(one.sha256, one.size, policy, at=case.as_of)
        data = read_all(self.blobs, one.sha256)
        asked: dict[str, Any] = {"expected": case.expected, "known_since": case.known_since, "at": case.as_of}
        if not pieces.wants(one.sha256):
            return verdict_on(data, trust, policy, **asked)
        verdict, text = verdict_and(data, trust, policy, text_extraction.task(data), **asked)
        pieces.take(one.sha256, text)
        return verdict

    def _verify_envelope(self, case: EnvelopeToVerify, trust: Trust) -> Verdict | None:
        """The verdict on the envelope's own signature. The file is read here, in pieces; its certificate is verified
        apart."""
        with self.blobs.open(case.envelope) as stored, tempfile.TemporaryFile() as copied:
            file = stored
            if not stored.seekable():
                shutil.copyfileobj(stored, copied)
                file = copied
            try:
                sealed = sealed_of(case.envelope, file)
            except EdxmlError:  # what came by a way that knows no envelopes
                return None
        names = case.expected.agency_names
        return verdict_on_envelope(sealed, trust, agency_names=names, known_since=case.known_since, at=case.as_of)

    def _keep_evidence(self, verdict: Verdict, trust: Trust) -> None:
        """The answers that the verdict names, where evidence is taken from in later years."""
        used = {answer["sha256"] for detail in verdict.report["signatures"] for answer in detail.get("revocation", ())}
        for data in (*trust.crls, *trust.ocsps):
            if hashlib.sha256(data).hexdigest() in used:
                self.blobs.put(io.BytesIO(data))


def _keep_text(tx: Tx, verified: EnvelopeVerified) -> None:
    if verified.text is None:
        text_extraction.ask_to_read(tx, verified.dispatch_id)
    else:
        text_extraction.keep_text(tx, verified.dispatch_id, verified.text)


def with_evidence(trust: Trust, evidence: Iterable[str], blobs: BlobStore) -> Trust:
    """The trust of today, and what authorities said when earlier verdicts were made, by the SHA-256 of that."""
    known = {hashlib.sha256(data).hexdigest() for data in (*trust.crls, *trust.ocsps)}
    found = [answer for one in evidence if one not in known and (answer := _kept(blobs, one)) is not None]
    if not found:
        return trust
    crls = tuple(answer for answer in found if read_list(answer) is not None)
    return trust.joined(Trust(crls=crls, ocsps=tuple(answer for answer in found if answer not in crls)))


def _kept(blobs: BlobStore, sha256: str) -> bytes | None:
    try:
        return read_all(blobs, sha256)
    except NotFound:  # it came inside the file itself, and is there still
        return None


def sealed_of(sha256: str, file: IO[bytes]) -> Sealed:
    """The signature of an envelope, read from its bytes. EdxmlError when they are no envelope."""
    size = file.seek(0, io.SEEK_END)
    found = check_file(file)
    return Sealed(
        sha256=sha256,
        size=size,
        finding=Finding(found.state.value),
        detail=found.detail,
        weak=found.weak,
        algorithm=found.algorithm,
        whole=found.whole,
        added=found.added,
        certificate=found.certificate,
        above=found.above,
        convention=found.convention,
    )
