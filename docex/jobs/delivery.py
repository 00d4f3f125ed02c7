"""The worker's part: sending, delivering, verifying. What is done to papers themselves is in `papermaking`.

Cryptography costs 50 to 200 ms of CPU and runs without a transaction. Doing any of it again after a crash does no
harm: nothing counts before `conclude` has stored it.
"""

import logging
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.queries import AgencyCard
from docex import topics
from docex.documents.delivery.statuses import settle
from docex.documents.drafting import outgoing
from docex.documents.envelope import attachment_of, envelope_of, facts_of
from docex.documents.issuing import archive_backfill, issuance
from docex.documents.issuing.paper_handlers import InspectHandler, RenderHandler, SealHandler, SignHandler, refusals
from docex.documents.key_custody import Custody
from docex.documents.labels import DOCUMENT
from docex.documents.models import Dispatch, Document
from docex.documents.papers import preservation
from docex.documents.papers.files import File, attachments_of, main_paper
from docex.documents.relations import about_of, update_of, with_links
from docex.documents.states import DocumentState, DocumentVerb, document_after
from docex.documents.transitions import move, touch
from docex.documents.verification import reverification
from docex.documents.verification.handlers import VerifyHandler
from docex.edxml import Envelope, write_file
from docex.edxml.model import Business, Staff
from docex.edxml.xmldsig.sealing import signed
from docex.exchange import dispatch, steering_conventions
from docex.exchange.dispatch import Receiver, Submission
from docex.exchange.recalls import withdrawal
from docex.jobs import workflow as desk
from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.outbox import Handler, Job
from kernel.storage.blobs import BlobStore
from kernel.text import phrase

log = logging.getLogger(__name__)


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Make this process able to do the room's jobs."""
    custody = Custody(config)
    for handler in (
        RenderHandler(blobs),
        InspectHandler(blobs, config.upload_max_bytes),
        SignHandler(blobs, custody, config.base_url),
        SealHandler(blobs, custody),
        DispatchHandler(blobs, custody),
        ResendHandler(blobs, custody),
        VerifyHandler(blobs, custody, max(1, config.worker_threads // 2)),
    ):
        outbox.register(handler)
    preservation.watch()
    desk.register_jobs(config, blobs)


def begin_jobs(config: Config, db: Database) -> None:
    """Enqueue what an older release has left to do."""
    archive_backfill.begin(db)
    reverification.begin(db)


@outbox.handler(topics.DELIVER)
def deliver(tx: Tx, job: Job) -> None:
    """Bring one envelope to some of its recipients."""
    one = job.payload.get("delivery_id")  # a job of 0.1 may wait still
    dispatch.deliver(tx, *(job.payload["delivery_ids"] if one is None else [one]))


@outbox.handler(topics.SETTLE)
def settle_document(tx: Tx, job: Job) -> None:
    """Close a document when its last recipient is done with it."""
    settle(tx, job.payload["document_id"])


@dataclass(frozen=True)
class DispatchWork:
    """The envelope without its papers, and the papers."""

    document_id: int
    sender: AgencyCard
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

    topic = topics.DISPATCH

    def __init__(self, blobs: BlobStore, custody: Custody) -> None:
        self.blobs = blobs
        self.custody = custody

    def prepare(self, tx: Tx, job: Job) -> DispatchWork | None:
        """The content of the envelope; None when it was sent already."""
        document = tx.session.get(Document, job.payload["document_id"])
        if document is None or document.state != DocumentState.SEALED:
            return None
        return _dispatch_work(tx, document)

    def perform(self, prepared: DispatchWork) -> Packed:
        """Write the envelope with its papers, signed where the sender's system has a key; store it."""
        with refusals(), tempfile.TemporaryFile() as written:
            papers = tuple(attachment_of(file, self.blobs, place) for place, file in enumerate(prepared.files))
            envelope = replace(prepared.envelope, attachments=papers)
            if (key := self.custody.system_key(prepared.sender)) is not None:
                envelope = signed(envelope, key.describe().certificate, key.sign)
            write_file(envelope, written)
            written.seek(0)
            blob = self.blobs.put(written)
        submission = Submission(
            channel=f"agency:{prepared.sender.id}",
            message_id=prepared.message_id,
            document_key=envelope.document_id,
            business=int(envelope.business.kind),
            about_key=about_of(envelope),
            responses=envelope.responses,
            sender_id=prepared.sender.id,
            envelope=blob,
            facts=facts_of(envelope, envelope.steering_first),
            papers=prepared.files,
            receivers=tuple(Receiver(agency_id) for agency_id in prepared.receivers),
            document_id=prepared.document_id,
        )
        return Packed(prepared.document_id, submission)

    def conclude(self, tx: Tx, job: Job, result: Packed) -> None:
        """One transaction: envelope, papers, deliveries, and the jobs to deliver and to verify."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if document.state == DocumentState.SEALED:
            dispatch.sent(tx, document, result.submission)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that it was not sent; the clerk can have it sent again."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        if document.state == DocumentState.SEALED:
            issuance.send_failed(tx, document, outbox.sentence(reason))


class ResendHandler(DispatchHandler):
    """Write the envelope of a document that is sent once more, as an update or to recipients that are new."""

    topic = topics.RESEND

    def prepare(self, tx: Tx, job: Job) -> DispatchWork | None:
        """The content of the envelope; None when it went already, or was taken back meanwhile, which its page says."""
        document = tx.session.get(Document, job.payload["document_id"], with_for_update=True, populate_existing=True)
        if document is None or _went(tx, document, job) or not _may_go_again(tx, document):
            return None
        business = None
        if job.payload["kind"] == "update":
            business = update_of(tx, document, job.payload["reason"])
        at = datetime.fromisoformat(job.payload["at"]) if "at" in job.payload else clock.now()
        work = _dispatch_work(tx, document, job.payload["receivers"], business, at)
        return replace(work, message_id=f"{work.message_id}#{job.key}")

    def conclude(self, tx: Tx, job: Job, result: Packed) -> None:
        """Hand it in; who has the earlier one is asked to cancel that."""
        document = tx.session.get_one(Document, result.document_id, with_for_update=True)
        if not _may_go_again(tx, document):
            return
        if document.state == DocumentState.FINISHED:  # the last recipient was done with it meanwhile
            move(tx, document, DocumentVerb.RESEND)
        earlier = withdrawal.asked_of(tx, document.id, job.payload["receivers"])
        dispatch.hand_in(tx, result.submission)
        touch(tx, document)
        for delivery_id in earlier:
            withdrawal.ask(tx, delivery_id, job.key, job.payload["reason"], tx.by)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Say on the page that it was not sent again."""
        document = tx.session.get_one(Document, job.payload["document_id"], with_for_update=True)
        issuance.send_failed(tx, document, outbox.sentence(reason))


def _went(tx: Tx, document: Document, job: Job) -> bool:
    mine = Dispatch.message_id.endswith(f"#{job.key}", autoescape=True)
    found = sa.select(Dispatch.id).where(Dispatch.document_id == document.id, mine)
    return tx.session.scalar(found.limit(1)) is not None


def _may_go_again(tx: Tx, document: Document) -> bool:
    """Whether a document whose sending was asked for is still one that can be sent again. When it is not, whoever
    pressed is told why."""
    state = DocumentState(document.state)
    if document_after(state, DocumentVerb.RESEND) is not None:
        return True
    why = phrase("Không gửi lại: văn bản đã chuyển sang trạng thái “{state}”.", state=DOCUMENT[state].text)
    issuance.send_failed(tx, document, why)
    return False


def _dispatch_work(
    tx: Tx,
    document: Document,
    receiver_ids: list[int] | None = None,
    business: Business | None = None,
    at: datetime | None = None,
) -> DispatchWork:
    """The content of the envelope; `at` stands in its trace: when it was sealed, unless it goes again."""
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
        at or document.sealed_at or clock.now(),
        steering_conventions.steering_first_for(tx, receivers),
    )
    envelope = with_links(tx, document, envelope, business)
    files = (outgoing.file_of(main), *(outgoing.file_of(paper) for paper in attachments_of(tx, document.id)))
    return DispatchWork(document.id, sender, tuple(receivers), envelope, files, envelope.document_id)
