"""The worker's part on papers: drawing drafts, looking into uploads, signing and sealing.

Cryptography and printing cost 50 to 200 ms of CPU each and run without a transaction. Doing any of them again after a
crash does no harm: nothing counts before `conclude` has stored it.
"""

import io
import logging
from dataclasses import dataclass, replace
from datetime import datetime

from directory import queries as directory
from directory.queries import AgencyCard, PersonCard
from docex import topics
from docex.documents.checking import check_codes
from docex.documents.drafting import outgoing
from docex.documents.issuing import issuance
from docex.documents.issuing.paper_content import Drawing, drawing_of, preview_of, spot_from_json, spot_to_json
from docex.documents.key_custody import Custody
from docex.documents.models import Document, Paper
from docex.documents.papers.files import File, attachments_of, file_name, main_paper
from docex.documents.papers.signature_placement import spot_for, top_right
from docex.documents.states import DocumentState
from docex.documents.transitions import touch
from docex.official.paper import CopyForm, attachment_mark, copy_mark, seal_mark
from docex.official.rendering import render_pdf
from docex.official.uploads import check_pdf
from kernel import clock, outbox
from kernel.db import Tx
from kernel.errors import DomainError, Invalid, WrongState
from kernel.outbox import Handler, Job, SendError
from kernel.storage.blobs import BlobStore, read_all
from kernel.text import Phrase, phrase
from signing.keys.keystore import KeyStore
from signing.pdf.field_locks import is_closed
from signing.pdf.pades import FIELD_COPY, FIELD_PERSON, FIELD_SEAL, sign_copy, sign_person, sign_seal
from signing.pdf.stamps import SEAL_MARK_SIZE, TEXT_MARK_SIZE, Box, text_mark
from signing.sandbox import runner
from signing.sandbox.runner import SandboxError, run_rendering, run_sandboxed, run_with_key, verification_seconds
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Value, Verdict, phrase_to_json
from signing.verification import safe_signing
from signing.verification.admission import obstacles, refusal_for
from signing.verification.file_verification import Expected
from signing.verification.safe_verification import verdict_on

log = logging.getLogger(__name__)

PDF = "application/pdf"
DRAWN = (DocumentState.DRAFT, DocumentState.CHECK, DocumentState.REVIEW)
CLOSED = phrase(
    "một chữ ký trong tệp đã khóa văn bản nên không ai ký tiếp được. Hãy tải lên bản chưa khóa, hoặc bản in ra PDF mới."
)
TECHNICAL = phrase("Máy chủ gặp lỗi kỹ thuật, xin thử lại hoặc báo quản trị hệ thống.")


@dataclass(frozen=True)
class Drawn:
    """A preview, and the text that was drawn."""

    document_id: int
    file: File
    text_rev: int


class RenderHandler(Handler[Drawing, Drawn]):
    """Draw a draft, without number and date, for whoever writes and whoever will sign."""

    topic = topics.RENDER

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    def prepare(self, tx: Tx, job: Job) -> Drawing | None:
        """The drawing to make; None when the document has moved on."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state not in DRAWN:
            return None
        return preview_of(tx, document)

    def perform(self, prepared: Drawing) -> Drawn:
        """Draw it and store the file."""
        with refusals():
            rendered = run_rendering(render_pdf, prepared.paper)
            name = file_name("", prepared.paper.subject)
            spot = {**spot_to_json(rendered.signature_box), "text_rev": prepared.text_rev}
            file = stored(self.blobs, rendered.pdf, name, rendered.pages, spot)
        return Drawn(prepared.document_id, file, prepared.text_rev)

    def conclude(self, tx: Tx, job: Job, result: Drawn) -> None:
        """Show it, unless the draft was changed meanwhile: then another drawing is on its way."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        wanted = document.state in DRAWN
        if wanted and document.text_rev == result.text_rev:
            issuance.previewed(tx, document, result.file)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that there is no preview, and why."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state in DRAWN:
            problem = phrase("Chưa dựng được bản xem trước: {reason}", reason=outbox.sentence(reason))
            document.problem = phrase_to_json(problem)
            touch(tx, document)


@dataclass(frozen=True)
class Found:
    """The findings in an uploaded file: its pages and the place for signatures, or why it is refused."""

    paper_id: int
    pages: int | None
    spot: dict[str, object]
    refusal: Phrase | None = None


@dataclass(frozen=True)
class Upload:
    """An uploaded file to look into, who will sign it, and whether it is a copy, which only the agency signs."""

    paper_id: int
    sha256: str
    signer: str
    is_copy: bool


class InspectHandler(Handler[Upload, Found]):
    """Look into an uploaded PDF, in a process of its own: pages, place for the signatures, or a clear refusal."""

    topic = topics.INSPECT

    def __init__(self, blobs: BlobStore, most_bytes: int) -> None:
        self.blobs = blobs
        self.most_bytes = most_bytes

    def prepare(self, tx: Tx, job: Job) -> Upload | None:
        """The file and the name of who will sign it; None when it was taken off meanwhile."""
        paper = tx.session.get(Paper, job.payload["paper_id"])
        if paper is None or paper.document_id is None:
            return None
        document = tx.session.get_one(Document, paper.document_id)
        return Upload(paper.id, paper.sha256, document.signer_name, bool(document.copy_form))

    def perform(self, prepared: Upload) -> Found:
        """Look into it."""
        data = read_all(self.blobs, prepared.sha256)
        try:
            facts = check_pdf(data, self.most_bytes)
        except Invalid as error:
            return Found(prepared.paper_id, None, {}, next(iter(error.fields.values())))
        spot = top_right(facts.width, facts.height)
        fields = (FIELD_COPY,) if prepared.is_copy else (FIELD_PERSON, FIELD_SEAL)
        try:
            refusal = refusal_for(run_sandboxed(obstacles, data, within_s=verification_seconds()))
            if refusal is not None:
                return Found(prepared.paper_id, None, {}, refusal)
            if facts.signed and run_sandboxed(is_closed, data, fields):
                return Found(prepared.paper_id, None, {}, CLOSED)
            if not prepared.is_copy:
                spot = run_sandboxed(spot_for, data, prepared.signer, facts.last_width, facts.last_height)
        except SandboxError as broken:
            return Found(prepared.paper_id, None, {}, runner.error_phrase(broken))
        return Found(prepared.paper_id, facts.pages, spot_to_json(spot))

    def conclude(self, tx: Tx, job: Job, result: Found) -> None:
        """The file can be handed to the leader, or has to be replaced."""
        paper = tx.session.get(Paper, result.paper_id)
        if paper is None or paper.document_id is None:
            return
        document = tx.session.get_one(Document, paper.document_id, with_for_update=True)
        paper.pages, paper.spot = result.pages, result.spot
        if result.refusal is not None:
            issuance.upload_refused(tx, document, paper, result.refusal)
        touch(tx, document)


@dataclass(frozen=True)
class SignWork:
    """The paper that the leader signs: one to draw with its number, or a file that is there."""

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

    topic = topics.SIGN

    def __init__(self, blobs: BlobStore, custody: Custody, base_url: str) -> None:
        self.blobs = blobs
        self.custody = custody
        self.base_url = base_url

    def prepare(self, tx: Tx, job: Job) -> SignWork | None:
        """The paper; None unless the one who pressed is the one whose name stands under it."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state != DocumentState.SIGNING:
            return None
        if job.payload["person_id"] != document.signer_id:
            return None
        return sign_work(tx, document, self.base_url)

    def perform(self, prepared: SignWork) -> Signed:
        """Draw, sign, store."""
        with refusals():
            pdf, pages, spot = source_of(self.blobs, prepared)
            key = self.custody.person_key(prepared.signer)
            image = self.custody.signature_picture(prepared.signer)
            sign = safe_signing.signed if prepared.drawing is None else run_with_key
            signed = sign(sign_person, pdf, key, anchor=spot, image=image if spot else None, at=clock.now())
            name = file_name(prepared.code, prepared.subject)
            file = stored(self.blobs, signed, name, pages, spot_to_json(spot) if spot else {})
        return Signed(prepared.document_id, file, prepared.signer.name)

    def conclude(self, tx: Tx, job: Job, result: Signed) -> None:
        """Show it to the clerk."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if document.state == DocumentState.SIGNING:
            issuance.signed(tx, document, result.file, result.proof)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Back to the leader, with the reason."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state == DocumentState.SIGNING:
            issuance.sign_failed(tx, document, outbox.sentence(reason))


def sign_work(tx: Tx, document: Document, base_url: str) -> SignWork:
    """The paper of this document that a leader signs, with the address of its check at `base_url`."""
    source = main_paper(tx, document.id, stage="upload") if document.source == "uploaded" else None
    return SignWork(
        document_id=document.id,
        code=document.code,
        subject=document.subject,
        signer=directory.person(tx, document.signer_id),
        drawing=None if source else drawing_of(tx, document, check_codes.url_of(tx, document.id, base_url)),
        sha256=source.sha256 if source else "",
        pages=source.pages if source else None,
        spot=spot_from_json(source.spot) if source else None,
    )


def source_of(blobs: BlobStore, work: SignWork) -> tuple[bytes, int | None, Box | None]:
    """The paper with its number, its pages and the place of the signature."""
    if work.drawing is None:
        return read_all(blobs, work.sha256), work.pages, work.spot
    rendered = run_rendering(render_pdf, work.drawing.paper)
    return rendered.pdf, rendered.pages, rendered.signature_box


@dataclass(frozen=True)
class SealWork:
    """The files that the agency seals: the file that the leader signed, or the copy that the leader approved, and the
    attached PDFs, which bear a text in place of the seal's image (Decree 30, Annex I, Part II)."""

    document_id: int
    agency: AgencyCard
    code: str
    copy_form: str
    main: File
    attached: tuple[tuple[int, File], ...]
    trust: Trust


@dataclass(frozen=True)
class Sealed:
    """The files that the agency has sealed: the paper, the attachments by their places, and the verdict on the
    paper."""

    document_id: int
    main: File
    attached: tuple[tuple[int, File], ...]
    proof: str


class SealHandler(Handler[SealWork, Sealed]):
    """The clerk pressed "Đóng dấu và gửi": put the agency's seal on it and let only a valid paper out."""

    topic = topics.SEAL

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
        return SealWork(
            document_id=document.id,
            agency=directory.agency(tx, document.agency_id),
            code=document.code,
            copy_form=document.copy_form,
            main=outgoing.file_of(paper),
            attached=tuple(
                (p.place, outgoing.file_of(p)) for p in attachments_of(tx, document.id) if p.media_type == PDF
            ),
            trust=self.custody.trust(tx),
        )

    def perform(self, prepared: SealWork) -> Sealed:
        """Seal, verify, store. A paper that does not verify is refused here, before anybody else sees it."""
        with refusals():
            key, at = self.custody.seal_key(prepared.agency), clock.now()
            signed = read_all(self.blobs, prepared.main.sha256)
            if prepared.copy_form:
                lines = copy_mark(CopyForm(prepared.copy_form), prepared.agency.name, at)
                box = spot_from_json(prepared.main.spot or {})
                mark = text_mark(lines, *TEXT_MARK_SIZE)
                sealed = safe_signing.signed(sign_copy, signed, key, mark=mark, box=_certain(box), at=at)
            else:
                sealed = safe_signing.signed(sign_seal, signed, key, **self._look(prepared.agency, at), at=at)
            kind = DocumentKind.COPY if prepared.copy_form else DocumentKind.OFFICIAL
            expected = Expected((prepared.agency.name,))
            verdict = verdict_on(sealed, prepared.trust, policy_for(kind), expected=expected)
            if not may_go_out(verdict):
                raise SendError(verdict.summary, permanent=True)
            main = replace(_stored_as(self.blobs, sealed, prepared.main), spot=prepared.main.spot)
            marked = ((place, self._marked(file, prepared.code, key, at)) for place, file in prepared.attached)
            attached = tuple((place, file) for place, file in marked if file is not None)
        return Sealed(prepared.document_id, main, attached, verdict.summary.vi)

    def _look(self, agency: AgencyCard, at: datetime) -> dict[str, bytes]:
        """The picture of the seal, or a text in its place: a paper never bears a picture that is not the agency's."""
        image = self.custody.seal_picture(agency)
        if image is not None:
            return {"image": image}
        return {"mark": text_mark(seal_mark(agency.name, at), *SEAL_MARK_SIZE)}

    def _marked(self, file: File, code: str, key: KeyStore, at: datetime) -> File | None:
        """An attached PDF with the agency's signature; None for one that takes none, which goes out as it is."""
        data = read_all(self.blobs, file.sha256)
        try:
            facts = check_pdf(data, len(data))
            mark = text_mark(attachment_mark(code, at), *TEXT_MARK_SIZE)
            box = top_right(facts.width, facts.height)
            marked = safe_signing.signed(sign_copy, data, key, mark=mark, box=box, at=at)
        except (Invalid, WrongState, SandboxError):
            log.info("an attachment of %s took no signature", code, exc_info=True)
            return None
        return replace(_stored_as(self.blobs, marked, file), pages=facts.pages)

    def conclude(self, tx: Tx, job: Job, result: Sealed) -> None:
        """The number is used for good, and the envelope is written next."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if document.state == DocumentState.SEALING:
            issuance.sealed(tx, document, result.main, result.proof, result.attached)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Back to the clerk, with the reason."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state == DocumentState.SEALING:
            issuance.seal_failed(tx, document, outbox.sentence(reason))


def may_go_out(verdict: Verdict) -> bool:
    """A valid paper; or one of which nothing is in question but that an authority's list is overdue, within the soft
    window: a city does not stand still because a server elsewhere does."""
    return verdict.value is Value.VALID or verdict.only(Code.REVOCATION_STALE)


def stored(blobs: BlobStore, data: bytes, name: str, pages: int | None, spot: dict[str, object]) -> File:
    """A PDF that was made, in the blob store."""
    blob = blobs.put(io.BytesIO(data))
    return File(name, PDF, blob.sha256, blob.size, pages, spot)


def _stored_as(blobs: BlobStore, data: bytes, before: File) -> File:
    """New bytes of a file that keeps its name."""
    return stored(blobs, data, before.name, before.pages, {})


def _placed(paper: Paper) -> tuple[int, File]:
    return paper.place, outgoing.file_of(paper)


def _certain(box: Box | None) -> Box:
    if box is None:
        raise Invalid({"file": phrase("Tệp PDF đang được kiểm tra, xin thử lại sau giây lát.")})
    return box


class refusals:  # noqa: N801 - reads as a word: `with refusals():`
    """A refusal of the house, or a failure of a library, ends the job with a sentence for the page: a person has
    pressed a button and waits, so trying again is theirs to decide."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, SendError) or not isinstance(error, Exception):
            return
        reason: Phrase = TECHNICAL
        if isinstance(error, SandboxError):
            reason = runner.error_phrase(error)
        elif isinstance(error, DomainError):
            fields = list(getattr(error, "fields", {}).values())
            reason = fields[0] if fields else error.message
        else:
            log.exception("a paper could not be made")
        raise SendError(reason, permanent=True) from error
