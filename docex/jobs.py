"""The worker's part: drawing, signing, sealing, sending, delivering, verifying.

Cryptography and printing cost 50 to 200 ms of CPU each and run without a transaction. Doing any of them again after a
crash does no harm: nothing counts before `conclude` has stored it.
"""

import io
import logging
from dataclasses import dataclass, replace
from typing import ClassVar

from directory import queries as directory
from directory.queries import AgencyCard, PersonCard
from docex import dispatch, issuing, judging
from docex.custody import Custody
from docex.desk import jobs as desk
from docex.desk import recalls
from docex.desk.relations import about_of, update_of, with_links
from docex.dispatch import Receiver, Submission
from docex.drafting import File
from docex.edxml import Envelope, write
from docex.edxml.model import Business, Staff
from docex.envelope import attachment_of, envelope_of, facts_of
from docex.judging import Case, Judged
from docex.models import Document, Paper
from docex.moves import touch
from docex.official.rendering import render_pdf
from docex.official.uploads import check_pdf
from docex.papers import attachments_of, file_name, main_paper
from docex.paperwork import Drawing, drawing_of, preview_of, spot_from_json, spot_to_json
from docex.placing import spot_for
from docex.states import DocumentState
from docex.statuses import settle
from kernel import clock, outbox
from kernel.blobs import BlobStore, read_all
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import DomainError, Invalid
from kernel.outbox import Handler, Job, SendError
from kernel.text import Phrase, phrase
from signing.pades import sign_person, sign_seal
from signing.policy import DocumentKind, policy_for
from signing.specimens import handwriting
from signing.specimens import seal as seal_image
from signing.stamps import Box
from signing.verdicts import Value, phrase_to_json
from signing.verify import Expected, verify

log = logging.getLogger(__name__)

PDF = "application/pdf"
DRAWN = (DocumentState.DRAFT, DocumentState.CHECK, DocumentState.REVIEW)
TECHNICAL = phrase("Máy chủ gặp lỗi kỹ thuật, xin thử lại hoặc báo quản trị hệ thống.")


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the room's jobs."""
    custody = Custody(config)
    for handler in (
        RenderHandler(blobs),
        InspectHandler(blobs, config.upload_max_bytes),
        SignHandler(blobs, custody),
        SealHandler(blobs, custody),
        DispatchHandler(blobs),
        ResendHandler(blobs),
        VerifyHandler(blobs, custody),
    ):
        outbox.register(handler)
    desk.register_jobs(config, blobs)


@outbox.handler("docex.deliver")
def deliver(tx: Tx, job: Job) -> None:
    """Bring one envelope to some of its recipients."""
    one = job.payload.get("delivery_id")  # a promise of 0.1 may wait still
    dispatch.deliver(tx, *(job.payload["delivery_ids"] if one is None else [one]))


@outbox.handler("docex.settle")
def settle_document(tx: Tx, job: Job) -> None:
    """Close a document when its last recipient is done with it."""
    settle(tx, job.payload["document_id"])


@dataclass(frozen=True)
class Drawn:
    """A preview, and the text that was drawn."""

    document_id: int
    file: File
    text_rev: int


class RenderHandler(Handler[Drawing, Drawn]):
    """Draw a draft, without number and date, for whoever writes and whoever will sign."""

    topic: ClassVar[str] = "docex.render"

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    def prepare(self, tx: Tx, job: Job) -> Drawing | None:
        """What to draw; None when the document has moved on."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state not in DRAWN:
            return None
        return preview_of(tx, document)

    def perform(self, prepared: Drawing) -> Drawn:
        """Draw it and store the file."""
        with _refusals():
            rendered = render_pdf(prepared.paper)
            name = file_name("", prepared.paper.subject)
            spot = {**spot_to_json(rendered.signature_box), "text_rev": prepared.text_rev}
            file = _stored(self.blobs, rendered.pdf, name, rendered.pages, spot)
        return Drawn(prepared.document_id, file, prepared.text_rev)

    def conclude(self, tx: Tx, job: Job, result: Drawn) -> None:
        """Show it, unless the draft was changed meanwhile: then another drawing is on its way."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        wanted = document.state in DRAWN
        if wanted and document.text_rev == result.text_rev:
            issuing.previewed(tx, document, result.file)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that there is no preview, and why."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state in DRAWN:
            said = phrase("Chưa dựng được bản xem trước: {reason}", reason=reason)
            document.problem = phrase_to_json(said)
            touch(tx, document)


@dataclass(frozen=True)
class Found:
    """What the look into an uploaded file found: its pages and the place for signatures, or why it is refused."""

    paper_id: int
    pages: int | None
    spot: dict[str, object]
    refusal: str = ""


class InspectHandler(Handler[tuple[int, str, str], Found]):
    """Look into an uploaded PDF, in a process of its own: pages, place for the signatures, or a clear refusal."""

    topic: ClassVar[str] = "docex.inspect"

    def __init__(self, blobs: BlobStore, most_bytes: int) -> None:
        self.blobs = blobs
        self.most_bytes = most_bytes

    def prepare(self, tx: Tx, job: Job) -> tuple[int, str, str] | None:
        """The file and the name of who will sign it; None when it was taken off meanwhile."""
        paper = tx.session.get(Paper, job.payload["paper_id"])
        if paper is None or paper.document_id is None:
            return None
        return paper.id, paper.sha256, tx.session.get_one(Document, paper.document_id).signer_name

    def perform(self, prepared: tuple[int, str, str]) -> Found:
        """Look into it."""
        paper_id, sha256, signer = prepared
        data = read_all(self.blobs, sha256)
        try:
            facts = check_pdf(data, self.most_bytes)
        except Invalid as error:
            return Found(paper_id, None, {}, next(iter(error.fields.values())).vi)
        spot = spot_for(data, signer, facts.width, facts.height)
        return Found(paper_id, facts.pages, spot_to_json(spot))

    def conclude(self, tx: Tx, job: Job, result: Found) -> None:
        """The file can be handed to the leader, or has to be replaced."""
        paper = tx.session.get(Paper, result.paper_id)
        if paper is None or paper.document_id is None:
            return
        document = tx.session.get_one(Document, paper.document_id, with_for_update=True)
        paper.pages, paper.spot = result.pages, result.spot
        if result.refusal:
            issuing.upload_refused(tx, document, paper, result.refusal)
        touch(tx, document)


@dataclass(frozen=True)
class SignWork:
    """What the leader signs: a paper to draw with its number, or a file that is there."""

    document_id: int
    code: str
    subject: str
    signer: PersonCard
    drawing: Drawing | None
    sha256: str
    pages: int | None
    spot: Box | None


@dataclass(frozen=True)
class Signed:
    """A file with one signature more, and the certificate or the verdict that belongs to it."""

    document_id: int
    file: File
    proof: str


class SignHandler(Handler[SignWork, Signed]):
    """The leader pressed "Ký số": draw the paper with its number and put the leader's signature on it."""

    topic: ClassVar[str] = "docex.sign"

    def __init__(self, blobs: BlobStore, custody: Custody) -> None:
        self.blobs = blobs
        self.custody = custody

    def prepare(self, tx: Tx, job: Job) -> SignWork | None:
        """The paper; None unless the one who pressed is the one whose name stands under it."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state != DocumentState.SIGNING:
            return None
        if job.payload["person_id"] != document.signer_id:
            return None
        source = main_paper(tx, document.id, stage="upload") if document.source == "uploaded" else None
        return SignWork(
            document_id=document.id,
            code=document.code,
            subject=document.subject,
            signer=directory.person(tx, document.signer_id),
            drawing=None if source else drawing_of(tx, document),
            sha256=source.sha256 if source else "",
            pages=source.pages if source else None,
            spot=spot_from_json(source.spot) if source else None,
        )

    def perform(self, prepared: SignWork) -> Signed:
        """Draw, sign, store."""
        with _refusals():
            pdf, pages, spot = self._source(prepared)
            key = self.custody.person_key(prepared.signer)
            image = handwriting(prepared.signer.name)
            signed = sign_person(pdf, key, anchor=spot, image=image if spot else None, at=clock.now())
            name = file_name(prepared.code, prepared.subject)
            file = _stored(self.blobs, signed, name, pages, spot_to_json(spot) if spot else {})
        return Signed(prepared.document_id, file, prepared.signer.name)

    def _source(self, prepared: SignWork) -> tuple[bytes, int | None, Box | None]:
        if prepared.drawing is None:
            return read_all(self.blobs, prepared.sha256), prepared.pages, prepared.spot
        rendered = render_pdf(prepared.drawing.paper)
        return rendered.pdf, rendered.pages, rendered.signature_box

    def conclude(self, tx: Tx, job: Job, result: Signed) -> None:
        """Show it to the clerk."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if document.state == DocumentState.SIGNING:
            issuing.signed(tx, document, result.file, result.proof)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Back to the leader, with the reason."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state == DocumentState.SIGNING:
            issuing.sign_failed(tx, document, reason)


@dataclass(frozen=True)
class SealWork:
    """What the agency seals: the file that the leader signed."""

    document_id: int
    agency: AgencyCard
    name: str
    sha256: str
    pages: int | None
    spot: dict[str, object]


class SealHandler(Handler[SealWork, Signed]):
    """The clerk pressed "Đóng dấu và gửi": put the agency's seal on it and let only a valid paper out."""

    topic: ClassVar[str] = "docex.seal"

    def __init__(self, blobs: BlobStore, custody: Custody) -> None:
        self.blobs = blobs
        self.custody = custody

    def prepare(self, tx: Tx, job: Job) -> SealWork | None:
        """The signed file; None when there is nothing to seal any more."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state != DocumentState.SEALING:
            return None
        paper = main_paper(tx, document.id, stage="signed")
        if paper is None:
            return None
        agency = directory.agency(tx, document.agency_id)
        return SealWork(document.id, agency, paper.name, paper.sha256, paper.pages, paper.spot)

    def perform(self, prepared: SealWork) -> Signed:
        """Seal, verify, store. A paper that does not verify is refused here, before anybody else sees it."""
        with _refusals():
            signed = read_all(self.blobs, prepared.sha256)
            key = self.custody.seal_key(prepared.agency)
            sealed = sign_seal(signed, key, image=seal_image(prepared.agency.name), at=clock.now())
            verdict = verify(
                sealed,
                self.custody.trust(),
                policy_for(DocumentKind.OFFICIAL),
                expected=Expected((prepared.agency.name,)),
            )
            if verdict.value is not Value.VALID:
                raise SendError(verdict.summary.vi, permanent=True)
            file = _stored(self.blobs, sealed, prepared.name, prepared.pages, dict(prepared.spot))
        return Signed(prepared.document_id, file, verdict.summary.vi)

    def conclude(self, tx: Tx, job: Job, result: Signed) -> None:
        """The number is used for good, and the envelope is written next."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if document.state == DocumentState.SEALING:
            issuing.sealed(tx, document, result.file, result.proof)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Back to the clerk, with the reason."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state == DocumentState.SEALING:
            issuing.seal_failed(tx, document, reason)


@dataclass(frozen=True)
class DispatchWork:
    """The envelope without its papers, and the papers."""

    document_id: int
    sender_id: int
    receivers: tuple[int, ...]
    envelope: Envelope
    files: tuple[File, ...]
    message_id: str


@dataclass(frozen=True)
class Packed:
    """A written envelope, ready for the hub."""

    document_id: int
    submission: Submission


class DispatchHandler(Handler[DispatchWork, Packed]):
    """Write the envelope of a sealed document and hand it to the hub."""

    topic: ClassVar[str] = "docex.dispatch"

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    def prepare(self, tx: Tx, job: Job) -> DispatchWork | None:
        """What goes into the envelope; None when it was sent already."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state != DocumentState.SEALED:
            return None
        return _dispatch_work(tx, document)

    def perform(self, prepared: DispatchWork) -> Packed:
        """Read the papers, write the envelope, store its bytes."""
        with _refusals():
            papers = tuple(
                attachment_of(file, read_all(self.blobs, file.sha256), place)
                for place, file in enumerate(prepared.files)
            )
            envelope = replace(prepared.envelope, attachments=papers)
            blob = self.blobs.put(io.BytesIO(write(envelope)))
        submission = Submission(
            channel=f"agency:{prepared.sender_id}",
            message_id=prepared.message_id,
            document_key=envelope.document_id,
            business=int(envelope.business.kind),
            about_key=about_of(envelope),
            responses=envelope.responses,
            sender_id=prepared.sender_id,
            envelope=blob,
            facts=facts_of(envelope),
            papers=prepared.files,
            receivers=tuple(Receiver(agency_id) for agency_id in prepared.receivers),
            document_id=prepared.document_id,
        )
        return Packed(prepared.document_id, submission)

    def conclude(self, tx: Tx, job: Job, result: Packed) -> None:
        """One transaction: envelope, papers, deliveries, and the promises to deliver and to verify."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if document.state == DocumentState.SEALED:
            dispatch.sent(tx, document, result.submission)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that it was not sent; the clerk can have it sent again."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state == DocumentState.SEALED:
            issuing.send_failed(tx, document, reason)


class ResendHandler(DispatchHandler):
    """Write the envelope of a document that is sent once more, as an update or to recipients that are new."""

    topic: ClassVar[str] = "docex.resend"

    def prepare(self, tx: Tx, job: Job) -> DispatchWork | None:
        """What goes into the envelope; None when the document was taken back meanwhile."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state != DocumentState.SENT:
            return None
        business = None
        if job.payload["kind"] == "update":
            business = update_of(tx, document, job.payload["reason"])
        work = _dispatch_work(tx, document, job.payload["receivers"], business)
        return replace(work, message_id=f"{work.message_id}#{job.key}")

    def conclude(self, tx: Tx, job: Job, result: Packed) -> None:
        """Hand it in; who has the earlier one is asked to cancel that."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if document.state != DocumentState.SENT:
            return
        earlier = recalls.asked_of(tx, document.id, job.payload["receivers"])
        dispatch.hand_in(tx, result.submission)
        touch(tx, document)
        for delivery_id in earlier:
            recalls.ask(tx, delivery_id, job.key, job.payload["reason"], tx.by)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that it was not sent again."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        issuing.send_failed(tx, document, reason)


class VerifyHandler(Handler[Case, Judged]):
    """Judge the papers of an envelope for its recipients."""

    topic: ClassVar[str] = "docex.verify"

    def __init__(self, blobs: BlobStore, custody: Custody) -> None:
        self.blobs = blobs
        self.custody = custody

    def prepare(self, tx: Tx, job: Job) -> Case | None:
        """The papers to judge."""
        return judging.case_of(tx, job.payload["dispatch_id"])

    def perform(self, prepared: Case) -> Judged:
        """Judge each; whatever the bytes are, a verdict comes out."""
        trust = self.custody.trust()
        expected = Expected(prepared.agency_names)
        verdicts = tuple(
            (one.paper_id, verify(read_all(self.blobs, one.sha256), trust, policy_for(one.kind), expected=expected))
            for one in prepared.questions
        )
        return Judged(prepared.dispatch_id, verdicts)

    def conclude(self, tx: Tx, job: Job, result: Judged) -> None:
        """Keep the verdicts and show them in every inbox."""
        judging.conclude(tx, result)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say that nobody could judge: never green, and no longer "being checked"."""
        judging.could_not(tx, job.payload["dispatch_id"])


def _dispatch_work(
    tx: Tx, document: Document, receiver_ids: list[int] | None = None, business: Business | None = None
) -> DispatchWork:
    sender = directory.agency(tx, document.agency_id)
    parent = directory.agency(tx, sender.parent_id).name if sender.parent_id else ""
    wanted = receiver_ids if receiver_ids is not None else list(document.recipients)
    cards = directory.agencies(tx, wanted)
    # An agency may have been merged since the draft was written: its successor gets the document.
    receivers = {(c.merged_into_id or c.id): c for c in (cards[i] for i in wanted)}
    successors = directory.agencies(tx, receivers)
    main = main_paper(tx, document.id, stage="sealed")
    assert main is not None
    clerk = directory.person(tx, document.sealed_by or document.drafted_by)
    envelope = envelope_of(
        document,
        sender,
        parent,
        [successors[i] for i in receivers],
        Staff(name=clerk.name, department=clerk.title, email=clerk.email),
        main.pages,
        document.sealed_at or clock.now(),
    )
    envelope = with_links(tx, document, envelope, business)
    files = (_file(main), *(_file(paper) for paper in attachments_of(tx, document.id)))
    return DispatchWork(document.id, sender.id, tuple(receivers), envelope, files, envelope.document_id)


def _file(paper: Paper) -> File:
    return File(paper.name, paper.media_type, paper.sha256, paper.size, paper.pages)


def _stored(blobs: BlobStore, data: bytes, name: str, pages: int | None, spot: dict[str, object]) -> File:
    blob = blobs.put(io.BytesIO(data))
    return File(name, PDF, blob.sha256, blob.size, pages, spot)


class _refusals:  # noqa: N801 - reads as a word: `with _refusals():`
    """A refusal of the house, or a failure of a library, ends the job with a sentence for the page: a person has
    pressed a button and waits, so trying again is theirs to decide."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, SendError) or not isinstance(error, Exception):
            return
        said: Phrase = TECHNICAL
        if isinstance(error, DomainError):
            fields = list(getattr(error, "fields", {}).values())
            said = fields[0] if fields else error.message
        else:
            log.exception("a paper could not be made")
        raise SendError(said.vi, permanent=True) from error
