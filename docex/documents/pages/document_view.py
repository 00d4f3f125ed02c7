"""The page of one document, outgoing or received: everything that its template shows, and what the reader may do."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role
from docex.documents import relations
from docex.documents.access import document_for, incoming_for
from docex.documents.envelope import Facts
from docex.documents.labels import (
    COPY_FORMS,
    DOCUMENT,
    INCOMING,
    PROGRESS,
    RECALL,
    STEERING,
    UPDATE_ASKED,
    URGENCY,
    Label,
)
from docex.documents.models import Delivery, Dispatch, Document, Incoming, Paper
from docex.documents.pages import timeline
from docex.documents.pages.timeline import Moment
from docex.documents.papers.files import HAZARDS, attachments_of, papers_of, standing_paper
from docex.documents.papers.preservation import KeptView, view_of
from docex.documents.queries import URGENCY_WORDS
from docex.documents.states import (
    DocumentState,
    DocumentVerb,
    IncomingState,
    IncomingVerb,
    document_after,
    incoming_after,
)
from docex.documents.verification import verdict_store
from docex.documents.verification.verdict_page import VALUES
from docex.edxml.codes import KIND_BY_SLUG, BusinessKind, Steering
from docex.edxml.progress import Progress, Recall
from docex.streams import document_stream, incoming_stream
from kernel import streams
from kernel.db import Tx
from kernel.text import Phrase, phrase
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import HolderKind, Verdict, phrase_from_json
from signing.verification.hazards import Hazard, words_for


@dataclass(frozen=True)
class PaperView:
    """A file to show or to download; `shown` says that browsers can draw it in the page."""

    id: int
    name: str
    size: int
    pages: int | None
    shown: bool
    stage: str
    verdict: "VerdictView | None" = None
    warning: Phrase | None = None


@dataclass(frozen=True)
class SignerView:
    """One signature, for the facts under a verdict."""

    label: Phrase
    name: str
    signed_at: datetime | None


@dataclass(frozen=True)
class VerdictView:
    """A verdict as one sentence with its reasons; `test` marks the trial authority, `paper_id` the file verified."""

    paper_id: int
    sentence: Phrase
    tone: str
    reasons: tuple[Phrase, ...]
    signers: tuple[SignerView, ...]
    test: bool


@dataclass(frozen=True)
class DeliveryRow:
    """The delivery to one recipient of a document: `updates` what it had before, and is its `latest`."""

    id: int
    agency: str
    state: Label
    recall: Label | None
    reason: str
    changed_at: datetime
    rev: int
    updates: bool
    latest: bool


@dataclass(frozen=True)
class DocumentSheet:
    """An outgoing document. `acts` are the verbs that the reader may use now."""

    id: int
    rev: int
    source: str
    subject: str
    code: str
    kind: Phrase
    copy_form: Phrase | None
    steering: Phrase | None
    state: Label
    state_key: str
    urgency: str
    urgency_label: Phrase
    issued_on: date | None
    due_on: date | None
    signer: str
    signer_title: str
    authority: str
    drafter: str
    recipients: tuple[str, ...]
    sent_at: datetime | None
    paper: PaperView | None
    attachments: tuple[PaperView, ...]
    deliveries: tuple[DeliveryRow, ...]
    timeline: tuple[Moment, ...]
    acts: frozenset[str]
    problem: Phrase | None
    verdict: VerdictView | None
    kept: KeptView | None
    stream: str
    heads: dict[str, int] = field(default_factory=dict)

    @property
    def sums(self) -> tuple[tuple[Label, int], ...]:
        """How many recipients stand where, the furthest first: what a table of hundreds of lines does not show. Of one
        that got it again the latest counts, as in the list."""
        found = Counter(row.state for row in self.deliveries if row.latest)
        return tuple((label, found[label]) for label in reversed(PROGRESS.values()) if label in found)


@dataclass(frozen=True)
class IncomingSheet:
    """A received copy. `unverified` stands in place of a verdict while there is none; `envelope` is what the verdict on
    the envelope's own signature says; `update_asked`, that a newer copy is to stand in place of this one."""

    id: int
    rev: int
    facts: Facts
    steering: Phrase | None
    sender: str
    state: Label
    state_key: str
    urgency: str
    urgency_label: Phrase
    number: int | None
    year: int | None
    arrived_at: datetime
    registered_at: datetime | None
    reason: str
    business: Phrase | None
    recall: Label | None
    recall_reason: str
    update_asked: bool
    paper: PaperView | None
    attachments: tuple[PaperView, ...]
    verdict: VerdictView | None
    unverified: Phrase | None
    kept: KeptView | None
    envelope: Label | None
    notes: tuple[Phrase, ...]
    timeline: tuple[Moment, ...]
    acts: frozenset[str]
    stream: str
    heads: dict[str, int] = field(default_factory=dict)


BUSINESS: dict[int, Phrase] = {
    1: phrase("Thu hồi văn bản đã gửi"),
    2: phrase("Cập nhật văn bản đã gửi"),
    3: phrase("Thay thế văn bản đã gửi"),
}


HOLDERS: dict[HolderKind, Phrase] = {
    HolderKind.PERSON: phrase("Chữ ký số của"),
    HolderKind.SEAL: phrase("Con dấu số của"),
    HolderKind.SYSTEM: phrase("Chữ ký số của"),
    HolderKind.UNKNOWN: phrase("Chữ ký số của"),
}


def document_sheet(tx: Tx, actor: Actor, document_id: int) -> DocumentSheet:
    """The page of an own document."""
    document = document_for(tx, actor, document_id)
    stream = document_stream(document.id)
    agencies = directory.agencies(tx, document.recipients)
    main = standing_paper(tx, document)
    sent = sa.select(Dispatch.id).where(Dispatch.document_id == document.id).order_by(Dispatch.id)
    dispatch_ids = list(tx.session.scalars(sent))
    verdicts = verdict_store.latest(tx, dispatch_ids[-1]) if dispatch_ids else {}
    return DocumentSheet(
        id=document.id,
        rev=document.rev,
        source=document.source,
        subject=document.subject,
        code=document.code,
        kind=KIND_BY_SLUG[document.kind].label,
        copy_form=COPY_FORMS.get(document.copy_form),
        steering=STEERING[Steering(document.steering)] if document.steering else None,
        state=DOCUMENT[DocumentState(document.state)],
        state_key=str(document.state),
        urgency=URGENCY_WORDS.get(document.urgency, ""),
        urgency_label=URGENCY[document.urgency],
        issued_on=document.issued_on,
        due_on=document.due_on,
        signer=document.signer_name,
        signer_title=document.signer_title,
        authority=document.authority,
        drafter=directory.person(tx, document.drafted_by).name,
        recipients=tuple(agencies[i].name for i in document.recipients if i in agencies),
        sent_at=document.sent_at,
        paper=_paper(main) if main else None,
        attachments=tuple(_paper(p) for p in attachments_of(tx, document.id)),
        deliveries=_deliveries(tx, dispatch_ids),
        timeline=timeline.of_document(tx, document, dispatch_ids),
        acts=_document_acts(actor, document),
        problem=phrase_from_json(document.problem) if document.problem else None,
        verdict=next((_verdict(v, paper_id) for paper_id, v in verdicts.items() if v.signers), None),
        kept=view_of(tx, main),
        stream=stream,
        heads=streams.heads(tx, [stream]),
    )


def incoming_sheet(tx: Tx, actor: Actor, incoming_id: int) -> IncomingSheet:
    """The page of a received copy."""
    incoming = incoming_for(tx, actor, incoming_id)
    dispatch = tx.session.get_one(Dispatch, incoming.dispatch_id)
    delivery = tx.session.get_one(Delivery, incoming.delivery_id)
    verdicts = verdict_store.latest(tx, dispatch.id)
    papers = papers_of(tx, dispatch.id)
    main = next((p for p in papers if p.role == "main"), None)
    stream = incoming_stream(incoming.id)
    facts = Facts.from_json(dispatch.facts)
    update_asked = relations.asked_for_update(tx, delivery)
    return IncomingSheet(
        id=incoming.id,
        rev=incoming.rev,
        facts=facts,
        steering=STEERING[facts.steers] if facts.steers else None,
        sender=incoming.sender_name,
        state=INCOMING[IncomingState(incoming.state)],
        state_key=str(incoming.state),
        urgency=URGENCY_WORDS.get(incoming.urgency, ""),
        urgency_label=URGENCY.get(incoming.urgency, URGENCY[0]),
        number=incoming.number,
        year=incoming.registered_at.year if incoming.registered_at else None,
        arrived_at=incoming.arrived_at,
        registered_at=incoming.registered_at,
        reason=incoming.reason,
        business=BUSINESS.get(dispatch.business),
        recall=UPDATE_ASKED if update_asked else RECALL.get(Recall(delivery.recall)) if delivery.recall else None,
        recall_reason=delivery.reason if delivery.recall else "",
        update_asked=update_asked,
        paper=_paper(main, verdicts.get(main.id)) if main else None,
        attachments=tuple(_paper(p, verdicts.get(p.id)) for p in papers if main is None or p.id != main.id),
        verdict=_verdict(verdicts[main.id], main.id) if main and main.id in verdicts else None,
        unverified=_unverified(dispatch) if main and main.id not in verdicts else None,
        kept=view_of(tx, main),
        envelope=_envelope(verdict_store.latest_of_envelope(tx, dispatch.id)),
        notes=tuple(phrase_from_json(note["phrase"]) for note in dispatch.notes),
        timeline=timeline.of_incoming(tx, incoming, UPDATE_ASKED.text if update_asked else None),
        acts=_incoming_acts(actor, incoming, Recall(delivery.recall)),
        stream=stream,
        heads=streams.heads(tx, [stream]),
    )


def _unverified(dispatch: Dispatch) -> Phrase:
    if dispatch.verdict:
        return phrase("Chưa kiểm tra được chữ ký số của văn bản này, xin báo quản trị hệ thống.")
    return phrase("Đang kiểm tra chữ ký số…")


def _envelope(verdict: Verdict | None) -> Label | None:
    """An envelope that nobody signed is usual: it is said, and raises no doubt about the papers."""
    if verdict is None:
        return None
    if verdict.only(Code.ENVELOPE_UNSIGNED):
        return Label(phrase("Không ký"), "plain")
    return Label(VALUES[verdict.value], verdict_store.tone_of(verdict.value))


def _document_acts(actor: Actor, document: Document) -> frozenset[str]:
    """The verbs that are right for this reader in this state; each verb checks again when it is used."""
    state = DocumentState(document.state)
    clerk = actor.has(Role.CLERK)
    drafter = clerk or actor.person_id == document.drafted_by
    signer = actor.person_id == document.signer_id and actor.has(Role.LEADER)
    allowed = {
        DocumentVerb.EDIT: drafter,
        DocumentVerb.SUBMIT: drafter,
        DocumentVerb.WITHDRAW: drafter,
        DocumentVerb.RETURN: clerk if state is DocumentState.SIGNED else signer,
        DocumentVerb.SIGN: signer,
        DocumentVerb.SEAL: clerk,
        DocumentVerb.SEND_AGAIN: clerk and bool(document.problem),
    }
    return frozenset(str(verb) for verb, may in allowed.items() if may and document_after(state, verb) is not None)


def _incoming_acts(actor: Actor, incoming: Incoming, recall: Recall) -> frozenset[str]:
    if not actor.has(Role.CLERK):
        return frozenset()
    state = IncomingState(incoming.state)
    acts = {str(v) for v in (IncomingVerb.REGISTER, IncomingVerb.REFUSE) if incoming_after(state, v) is not None}
    if recall is Recall.ASKED and state not in (IncomingState.REFUSED, IncomingState.CANCELLED):
        acts |= {"refuse_recall"}
        if incoming_after(state, IncomingVerb.CANCEL) is not None:
            acts |= {"agree_recall"}
    return frozenset(acts)


def _paper(paper: Paper, verdict: Verdict | None = None) -> PaperView:
    return PaperView(
        id=paper.id,
        name=paper.name,
        size=paper.size,
        pages=paper.pages,
        shown=paper.media_type == "application/pdf" and paper.stage != "refused",
        stage=paper.stage,
        verdict=_verdict(verdict, paper.id) if verdict is not None and verdict.signers else None,
        warning=_warning(paper, verdict) if paper.role == "attachment" else None,
    )


def _warning(paper: Paper, verdict: Verdict | None) -> Phrase | None:
    """A warning to whoever opens an attachment: at the sender's why it takes no signature, at the receiver's what
    an unsigned one may do. Of a signed one its verdict says it."""
    if verdict is None:
        named = [Hazard(one) for one in paper.spot.get(HAZARDS, ())] if paper.dispatch_id is None else []
        return (
            phrase("Tệp có {what}; sẽ gửi đi mà không có chữ ký số của cơ quan.", what=words_for(named))
            if named
            else None
        )
    found = [] if verdict.signers else [one for one in verdict.reasons if one.code == Code.ACTIVE_CONTENT]
    return phrase("Tệp không ký số và có {what}; hãy thận trọng khi mở.", **found[0].phrase.params) if found else None


def _verdict(verdict: Verdict, paper_id: int) -> VerdictView:
    signers = tuple(SignerView(HOLDERS[s.kind], s.name, s.signed_at) for s in verdict.signers)
    reasons = tuple(reason.phrase for reason in verdict.reasons)
    return VerdictView(paper_id, verdict.summary, verdict_store.tone_of(verdict.value), reasons, signers, verdict.test)


def _deliveries(tx: Tx, dispatch_ids: list[int]) -> tuple[DeliveryRow, ...]:
    """The deliveries that need the clerk's attention first, then in the order of sending."""
    query = (
        sa.select(Delivery, Dispatch.business)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(Delivery.dispatch_id.in_(dispatch_ids))
        .order_by(Delivery.id)
    )
    found = [(row, business) for row, business in tx.session.execute(query)]
    last = {row.agency_id: row.id for row, _ in found}
    found.sort(key=lambda one: PROGRESS[Progress(one[0].progress)].tone != "bad")
    names = directory.agencies(tx, last)
    return tuple(
        DeliveryRow(
            id=row.id,
            agency=names[row.agency_id].name,
            state=PROGRESS[Progress(row.progress)],
            recall=RECALL.get(Recall(row.recall)) if row.recall else None,
            reason=row.reason,
            changed_at=row.changed_at,
            rev=row.rev,
            updates=business == BusinessKind.UPDATE,
            latest=last[row.agency_id] == row.id,
        )
        for row, business in found
    )
