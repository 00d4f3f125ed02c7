"""The worker's part: making the file that goes out, and looking into the one that came in."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from directory import queries as directory
from docex import topics
from docex.documents.device_signing import attachment_signing, handover
from docex.documents.drafting import outgoing
from docex.documents.issuing import issuance
from docex.documents.issuing.paper_content import spot_from_json, spot_to_json
from docex.documents.issuing.paper_handlers import PDF, SignWork, may_go_out, refusals, sign_work, source_of, stored
from docex.documents.key_custody import Custody
from docex.documents.models import Document
from docex.documents.papers.files import File, file_name, main_paper
from docex.documents.papers.signature_placement import top_right
from docex.documents.states import DocumentState
from docex.documents.transitions import touch
from docex.documents.verification.verdict_store import wanted_by
from docex.official.uploads import check_pdf
from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Invalid, WrongState
from kernel.outbox import Handler, Job
from kernel.refs import Ref
from kernel.storage.blobs import Blob, BlobStore, read_all
from kernel.text import Phrase
from signing.pdf.deferred_signing import prepare
from signing.pdf.pades import FIELD_COPY, FIELD_PERSON, FIELD_SEAL
from signing.pdf.stamps import Box, seal_box
from signing.remote_signing import handoffs
from signing.remote_signing.models import Handoff, HandoffState
from signing.remote_signing.return_check import Returned, Wanted, check_returned
from signing.sandbox import runner
from signing.sandbox.runner import SandboxError, run_sandboxed
from signing.trust import revocation
from signing.trust.revocation import Pair
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import HolderKind, Value, Verdict
from signing.verification.admission import admitted
from signing.verification.file_verification import Expected, alone
from signing.verification.safe_verification import verdict_on

log = logging.getLogger(__name__)

OUT = {HolderKind.PERSON: DocumentState.SIGNING, HolderKind.SEAL: DocumentState.SEALING}
AGAIN = timedelta(seconds=10)
MAX_TURNS = 6
"""So often a verdict is made anew while the certificate's authority is being asked for the first time."""
UNKNOWN = frozenset({Code.REVOCATION_UNKNOWN, Code.REVOCATION_STALE})


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the room's jobs."""
    outbox.register(HandOutHandler(blobs, config.base_url))
    outbox.register(HandInHandler(blobs, Custody(config)))


@outbox.handler(topics.HAND_EXPIRE)
def expire(tx: Tx, job: Job) -> None:
    """Bring a document back whose signer let the time pass."""
    handover.expire(tx, job.payload["handoff_id"])


@dataclass(frozen=True)
class OutWork:
    """The work before handing out: a paper to draw, or one that is signed already and waits for its seal."""

    handoff_id: int
    drawn: SignWork | None
    signed: File | None
    is_copy: bool = False
    is_attached: bool = False


@dataclass(frozen=True)
class Out:
    """The file that goes out; None for an attachment that takes no signature."""

    handoff_id: int
    file: File | None


class HandOutHandler(Handler[OutWork, Out]):
    """Make the file that the signer's device will fetch."""

    topic = topics.HAND_OUT

    def __init__(self, blobs: BlobStore, base_url: str) -> None:
        self.blobs = blobs
        self.base_url = base_url

    def prepare(self, tx: Tx, job: Job) -> OutWork | None:
        """The paper; None when the hand-off is over or the document has moved on."""
        document, handoff = handover.both(tx, job.payload["handoff_id"])
        if handoff.state != HandoffState.PREPARING or document.state != OUT[HolderKind(handoff.kind)]:
            return None
        if handoff.kind == HolderKind.PERSON:
            return OutWork(handoff.id, sign_work(tx, document, self.base_url), None)
        if place := attachment_signing.place_of(handoff):
            return OutWork(handoff.id, None, attachment_signing.file_at(tx, document, place), is_attached=True)
        paper = main_paper(tx, document.id, stage="signed")
        if paper is None:
            return None
        return OutWork(handoff.id, None, outgoing.file_of(paper), bool(document.copy_form))

    def perform(self, prepared: OutWork) -> Out:
        """Draw it, with empty fields at the places of the signatures."""
        if prepared.is_attached:
            return Out(prepared.handoff_id, self._attached(prepared.signed))
        if prepared.signed is not None:
            return Out(prepared.handoff_id, self._approved(prepared.signed) if prepared.is_copy else prepared.signed)
        assert prepared.drawn is not None
        with refusals():
            pdf, pages, spot = source_of(self.blobs, prepared.drawn)
            places: dict[str, Box | None] = {FIELD_PERSON: spot, FIELD_SEAL: seal_box(spot) if spot else None}
            data = run_sandboxed(admitted, prepare, pdf, places)
            name = file_name(prepared.drawn.code, prepared.drawn.subject)
            return Out(prepared.handoff_id, stored(self.blobs, data, name, pages, spot_to_json(spot) if spot else {}))

    def _attached(self, file: File | None) -> File | None:
        """An attached PDF, with a field for the agency's signature where Decree 30 has it."""
        if file is None:
            return None
        data = read_all(self.blobs, file.sha256)
        try:
            seen = check_pdf(data, len(data))
            made = run_sandboxed(admitted, prepare, data, {FIELD_COPY: top_right(seen.width, seen.height)})
        except (Invalid, WrongState, SandboxError):
            log.info("an attachment takes no signature", exc_info=True)
            return None
        return stored(self.blobs, made, file.name, seen.pages, file.spot or {})

    def _approved(self, file: File) -> File:
        """A copy that the leader approved, with a field for the agency's signature."""
        with refusals():
            data = run_sandboxed(
                admitted, prepare, read_all(self.blobs, file.sha256), {FIELD_COPY: spot_from_json(file.spot or {})}
            )
            return stored(self.blobs, data, file.name, file.pages, file.spot or {})

    def conclude(self, tx: Tx, job: Job, result: Out) -> None:
        """The signer's page may call the device now."""
        document, handoff = handover.both(tx, result.handoff_id)
        if handoff.state != HandoffState.PREPARING:
            return
        file = result.file
        if file is None:
            attachment_signing.skip(tx, document, handoff)
        else:
            handoffs.ready(
                tx, handoff, Blob(file.sha256, file.size), file.name, {"pages": file.pages, "spot": file.spot}
            )
            touch(tx, document)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Back to the signer, with the reason."""
        document, handoff = handover.both(tx, job.payload["handoff_id"])
        if handoff.state == HandoffState.PREPARING:
            handover.fall_back(tx, document, handoff, HandoffState.REFUSED, outbox.sentence(reason))


@dataclass(frozen=True)
class InWork:
    """The file that came in, and the one that it is compared with."""

    handoff_id: int
    sent: str
    returned: str
    wanted: Wanted
    kind: DocumentKind
    expected: Expected
    trust: Trust


@dataclass(frozen=True)
class In:
    """The finding: a signature with its verdict, or a refusal."""

    handoff_id: int
    returned: Returned | None
    verdict: Verdict | None
    refusal: Phrase | None
    size: int = 0
    asked: tuple[Pair, ...] = ()


class HandInHandler(Handler[InWork, In]):
    """Look into what the signer's device sent: the same bytes, one signature more, by the right certificate."""

    topic = topics.HAND_IN

    def __init__(self, blobs: BlobStore, custody: Custody) -> None:
        self.blobs = blobs
        self.custody = custody

    def prepare(self, tx: Tx, job: Job) -> InWork | None:
        """The two files; None when that is settled already."""
        document, handoff = handover.both(tx, job.payload["handoff_id"])
        if handoff.state != HandoffState.RECEIVED:
            return None
        agency = directory.agency(tx, document.agency_id)
        kind = DocumentKind.PERSON_ONLY
        expected = Expected((agency.name,), document.signer_name, document.signer_title, document.authority)
        if handoff.kind == HolderKind.SEAL:
            kind = DocumentKind.COPY if document.copy_form else DocumentKind.OFFICIAL
            kind = DocumentKind.FOREIGN if attachment_signing.place_of(handoff) else kind
            expected = Expected((agency.name,))
        later = (FIELD_SEAL,) if handoff.kind == HolderKind.PERSON else ()
        field = _field_of(document, handoff)
        wanted = Wanted(HolderKind(handoff.kind), document.signer_name, agency.name, field, later)
        trust = self.custody.trust(tx)
        return InWork(handoff.id, handoff.sha256, handoff.returned_sha256, wanted, kind, expected, trust)

    def perform(self, prepared: InWork) -> In:
        """Compare, then verify; both in a process of its own."""
        sent, data = read_all(self.blobs, prepared.sent), read_all(self.blobs, prepared.returned)
        try:
            returned = run_sandboxed(check_returned, sent, data, prepared.wanted)
        except Invalid as error:
            return In(prepared.handoff_id, None, None, error.fields["file"])
        except SandboxError as broken:
            return In(prepared.handoff_id, None, None, runner.error_phrase(broken))
        verdict = verdict_on(data, prepared.trust, policy_for(prepared.kind), expected=prepared.expected)
        asked = wanted_by((verdict,), prepared.trust)
        if prepared.kind is DocumentKind.FOREIGN:  # an attachment may hold what others signed; ours must be valid
            verdict = alone(verdict, returned.field)
        refusal = None if may_go_out(verdict) or _only_unknown(verdict) else verdict.summary
        return In(prepared.handoff_id, returned, verdict, refusal, len(data), asked)

    def conclude(self, tx: Tx, job: Job, result: In) -> None:
        """Take the signed paper, or send the document back with the reason."""
        document, handoff = handover.both(tx, result.handoff_id)
        if handoff.state != HandoffState.RECEIVED:
            return
        if result.refusal is None and self._ask_first(tx, job, result):
            return
        try:
            if result.refusal is not None:
                raise Invalid({"file": result.refusal})
            assert result.returned is not None
            assert result.verdict is not None
            if handoff.kind == HolderKind.SEAL and not may_go_out(result.verdict):
                raise Invalid({"file": result.verdict.summary})
            person = handoff.kind == HolderKind.PERSON
            owner = Ref("person", document.signer_id) if person else Ref("agency", document.agency_id)
            handoffs.hold(tx, owner, result.returned)
        except Invalid as error:
            handover.fall_back(tx, document, handoff, HandoffState.REFUSED, error.fields["file"])
            return
        facts, digest = handoff.facts, handoff.returned_sha256
        file = File(handoff.name, PDF, digest, result.size, facts.get("pages"), facts.get("spot"))
        if person:
            handoffs.close(tx, handoff, HandoffState.DONE)
            issuance.signed(tx, document, file, result.returned.serial)
        else:
            attachment_signing.go_on(tx, document, handoff, file, result.verdict.summary.vi)

    def _ask_first(self, tx: Tx, job: Job, result: In) -> bool:
        """A new certificate: nobody has asked its authority yet. See to that, and verify again in a moment."""
        turn = int(job.payload.get("turn", 0))
        if result.verdict is None or may_go_out(result.verdict) or turn >= MAX_TURNS:
            return False
        revocation.want(tx, result.asked)
        payload = {"handoff_id": result.handoff_id, "turn": turn + 1}
        tx.outbox(topics.HAND_IN, f"{result.handoff_id}:{turn + 1}", payload, due_at=clock.now() + AGAIN)
        return True

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Nobody could look into it: back to the signer."""
        document, handoff = handover.both(tx, job.payload["handoff_id"])
        if handoff.state == HandoffState.RECEIVED:
            handover.fall_back(tx, document, handoff, HandoffState.REFUSED, outbox.sentence(reason))


def _field_of(document: Document, handoff: Handoff) -> str:
    """The field that was prepared for this signature when the file went out."""
    if handoff.kind == HolderKind.PERSON:
        return FIELD_PERSON
    return FIELD_COPY if document.copy_form or attachment_signing.place_of(handoff) else FIELD_SEAL


def _only_unknown(verdict: Verdict) -> bool:
    """Nothing is in question but what the certificate's authority has not said yet."""
    return verdict.value is Value.UNCLEAR and all(
        one.code in UNKNOWN for one in verdict.reasons if one.weight is not Value.VALID
    )
