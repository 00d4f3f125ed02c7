"""Papers to take away as DOCX: an own document that was written here, and the submission sheet of a received one."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from docex.documents.access import document_for, incoming_for
from docex.documents.issuing.paper_content import paper_of, preview_of
from docex.documents.models import Document, Incoming, Referral
from docex.documents.papers.files import file_name
from docex.documents.states import DocumentState
from docex.official.composing import Printable
from docex.official.docx import render_docx
from docex.official.paper import CopyForm, CopyNote, Opinion, SubmissionSheet, number_text
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_UNNUMBERED = (DocumentState.DRAFT, DocumentState.CHECK, DocumentState.REVIEW)


@dataclass(frozen=True, slots=True)
class Printout:
    """A paper for a word processor, and the name of its file."""

    name: str
    printed: Printable

    def docx(self) -> bytes:
        """The file; 50 ms of work, needs no transaction."""
        return render_docx(self.printed)


def document_printout(tx: Tx, actor: Actor, document_id: int) -> Printout:
    """The paper of an own document as it stands now, drafts without number and date; of a numbered copy the block that
    follows the end of the paper.

    Raises NotFound also for documents whose file was uploaded: we have no text of those.
    """
    document = document_for(tx, actor, document_id)
    if document.copy_form and document.number is not None:
        return Printout(file_name(document.code, document.subject, "docx"), _copy_note(tx, document))
    if document.source == "uploaded":
        raise NotFound()
    paper = preview_of(tx, document).paper if _is_draft(document) else paper_of(tx, document)
    return Printout(file_name("" if _is_draft(document) else document.code, document.subject, "docx"), paper)


def submission_printout(tx: Tx, actor: Actor, incoming_id: int) -> Printout:
    """The submission sheet of a registered document, with what the leader decided last, or lines to write on.

    Raises NotFound while it has no number in the incoming book.
    """
    incoming = incoming_for(tx, actor, incoming_id)
    if incoming.number is None:
        raise NotFound()
    query = sa.select(Referral).where(Referral.incoming_id == incoming.id, Referral.state != "withdrawn")
    referral = tx.session.scalar(query.order_by(Referral.id.desc()).limit(1))
    return Printout(file_name(f"PGQ {incoming.number}", incoming.subject, "docx"), _sheet(tx, incoming, referral))


def _is_draft(document: Document) -> bool:
    return DocumentState(document.state) in _UNNUMBERED


def _copy_note(tx: Tx, document: Document) -> CopyNote:
    agency = directory.agency(tx, document.agency_id)
    return CopyNote(
        form=CopyForm(document.copy_form),
        agency=agency.name,
        parent_body=directory.agency(tx, agency.parent_id).name if agency.parent_id else "",
        notation=document.notation,
        number=number_text(document.number or 0),
        issued_on=document.issued_on,
        place=agency.place,
        authority=document.authority,
        position=document.signer_title,
        signer=document.signer_name,
        recipients=tuple(card.name for card in directory.agencies(tx, document.recipients).values()),
    )


def _sheet(tx: Tx, incoming: Incoming, referral: Referral | None) -> SubmissionSheet:
    agency = directory.agency(tx, incoming.agency_id)
    return SubmissionSheet(
        agency=agency.name,
        parent_body=directory.agency(tx, agency.parent_id).name if agency.parent_id else "",
        place=agency.place,
        arrival_number=number_text(incoming.number or 0),
        arrived_on=_day(incoming.arrived_at),
        sender=incoming.sender_name,
        kind=incoming.kind_name,
        code=incoming.code,
        subject=incoming.subject,
        issued_on=incoming.issued_on,
        submitted_on=_day(referral.submitted_at) if referral else None,
        leader=_decided(referral) if referral and referral.decided_at else Opinion(),
        handler=_proposed(tx, referral) if referral and referral.proposal else Opinion(),
    )


def _decided(referral: Referral) -> Opinion:
    return Opinion(
        text=referral.opinion,
        lead=referral.lead_name,
        support=tuple(str(name) for name in referral.co_names),
        due=f"{referral.due_at.astimezone(clock.VN):%d/%m/%Y}" if referral.due_at else "",
        by=referral.leader_name,
        given_on=_day(referral.decided_at) if referral.decided_at else None,
    )


def _proposed(tx: Tx, referral: Referral) -> Opinion:
    by = directory.person(tx, referral.submitted_by).name
    return Opinion(text=referral.proposal, by=by, given_on=_day(referral.submitted_at))


def _day(moment: datetime) -> date:
    return moment.astimezone(clock.VN).date()
