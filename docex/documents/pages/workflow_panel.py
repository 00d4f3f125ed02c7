"""The workflow's part of the pages of documents: sheets before leaders, related documents, and further acts."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role
from docex.documents import relations
from docex.documents.access import DRAFTERS
from docex.documents.drafting.returned_drafts import Returned, returned
from docex.documents.incoming import submission_sheets
from docex.documents.labels import Label
from docex.documents.models import Delivery, Dispatch, Document, Incoming, Referral, Reply
from docex.documents.relations import Related
from docex.documents.states import (
    DocumentState,
    DocumentVerb,
    IncomingState,
    IncomingVerb,
    document_after,
    incoming_after,
)
from docex.edxml.progress import Progress
from kernel import audit
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import phrase

Choices = tuple[tuple[str, str], ...]

REFERRAL: dict[str, Label] = {
    submission_sheets.WAITING: Label(phrase("Chờ lãnh đạo cho ý kiến"), "waiting"),
    submission_sheets.ASSIGNED: Label(phrase("Đã phân công"), "good"),
    submission_sheets.FILED: Label(phrase("Lưu, không giao việc"), "plain"),
    submission_sheets.WITHDRAWN: Label(phrase("Đã rút"), "plain"),
}


@dataclass(frozen=True)
class ReferralView:
    """One submission sheet as the page shows it. `submitted_by` is empty when the leader began it, `task_url` for who
    has no part in the task; `filed` is the end of the work when somebody other than the leader decided on it."""

    id: int
    state: Label
    submitted_by: str
    submitted_at: datetime
    leader: str
    proposal: str
    opinion: str
    lead: str
    co: str
    due_at: datetime | None
    decided_at: datetime | None
    task_url: str
    filed: "Filed | None" = None


@dataclass(frozen=True)
class Filed:
    """The end of the work on a document that lay before a leader, with its remark; `by` is empty for a program."""

    by: str
    at: datetime
    remark: str


@dataclass(frozen=True)
class IncomingDesk:
    """Beside a received document. `acts`: submit, withdraw, decide, close, reply. The choices are empty without
    the act that needs them; `due_at` is None once the clerk's work is done."""

    acts: frozenset[str]
    referrals: tuple[ReferralView, ...]
    due_at: datetime | None
    replies: tuple[Related, ...]
    answers: tuple[Related, ...]
    earlier: tuple[Related, ...]
    later: tuple[Related, ...]
    duplicates: tuple[Related, ...]
    copies: tuple[Related, ...]
    leaders: Choices = ()
    people: Choices = ()
    units: Choices = ()


@dataclass(frozen=True)
class DocumentDesk:
    """Beside an own document. `acts`: approve, check_return, recall, recall_locally, resend, replace. `had` are the
    recipients that have it, `others` the agencies that could get it too."""

    acts: frozenset[str]
    reviewer: str
    reason: str
    returned: Returned | None
    answers: Related | None
    finishes: bool
    copied: Related | None
    answered_by: tuple[Related, ...]
    replaces: Related | None
    replaced_by: tuple[Related, ...]
    had: Choices = ()
    others: Choices = ()


def incoming_desk(tx: Tx, actor: Actor, incoming_id: int) -> IncomingDesk:
    """The desk's part of a received document's page; the sheet was loaded, and so authorised, before."""
    incoming = tx.session.get_one(Incoming, incoming_id)
    acts = _incoming_acts(actor, incoming)
    open_ = incoming.state in (IncomingState.ARRIVED, IncomingState.REGISTERED)
    return IncomingDesk(
        acts=acts,
        referrals=_referrals(tx, actor, incoming),
        due_at=incoming.desk_due_at if open_ else None,
        replies=tuple(relations.replies_to(tx, incoming)),
        answers=tuple(relations.answered_own(tx, incoming)),
        earlier=tuple(relations.earlier_copies(tx, incoming)),
        later=tuple(relations.later_copies(tx, incoming)),
        duplicates=tuple(relations.duplicates_of(tx, incoming)),
        copies=tuple(relations.copies_of(tx, incoming)),
        leaders=_people(directory.people_with_role(tx, incoming.agency_id, Role.LEADER)) if "submit" in acts else (),
        people=_people(directory.people_of(tx, incoming.agency_id)) if "decide" in acts else (),
        units=tuple((str(u.id), u.name) for u in submission_sheets.units_of(tx, incoming.agency_id))
        if "decide" in acts
        else (),
    )


def document_desk(tx: Tx, actor: Actor, document_id: int) -> DocumentDesk:
    """The desk's part of an own document's page; the sheet was loaded, and so authorised, before."""
    document = tx.session.get_one(Document, document_id)
    acts = _document_acts(actor, document)
    old, newer = relations.replaced_and_replacing(tx, document)
    reply = tx.session.get(Reply, document.id)
    had, others = _recipients(tx, document) if "resend" in acts else ((), ())
    return DocumentDesk(
        acts=acts,
        reviewer=directory.person(tx, document.reviewer_id).name if document.reviewer_id else "",
        reason=document.change_reason,
        returned=returned(tx, [document]).get(document.id),
        answers=relations.answered_by_own(tx, document),
        finishes=reply is not None and reply.finishes,
        copied=relations.copied_by_own(tx, document),
        answered_by=tuple(relations.answers_to_own(tx, document)),
        replaces=old,
        replaced_by=tuple(newer),
        had=had,
        others=others,
    )


def _incoming_acts(actor: Actor, incoming: Incoming) -> frozenset[str]:
    state = IncomingState(incoming.state)
    without_task = state in (IncomingState.REGISTERED, IncomingState.SUBMITTED)
    allowed = {
        "submit": actor.has(*submission_sheets.REFERRERS) and incoming_after(state, IncomingVerb.SUBMIT) is not None,
        "withdraw": actor.has(*submission_sheets.REFERRERS)
        and incoming_after(state, IncomingVerb.WITHDRAW) is not None,
        "decide": actor.has(Role.LEADER) and incoming_after(state, IncomingVerb.ASSIGN) is not None,
        "close": actor.has(*submission_sheets.CLOSERS) and without_task,
        "reply": actor.has(*DRAFTERS)
        and state not in (IncomingState.ARRIVED, IncomingState.REFUSED, IncomingState.CANCELLED),
    }
    return frozenset(name for name, may in allowed.items() if may)


def _document_acts(actor: Actor, document: Document) -> frozenset[str]:
    state = DocumentState(document.state)
    clerk = actor.has(Role.CLERK)
    checker = actor.person_id == document.reviewer_id and actor.has(Role.OFFICE_CHIEF)
    allowed = {
        "approve": checker and document_after(state, DocumentVerb.APPROVE) is not None,
        "check_return": checker and state is DocumentState.CHECK,
        "recall": clerk and document_after(state, DocumentVerb.RECALL) is not None,
        "recall_locally": clerk and document_after(state, DocumentVerb.RECALL_LOCALLY) is not None,
        "resend": clerk and document_after(state, DocumentVerb.RESEND) is not None,
        "replace": clerk and document_after(state, DocumentVerb.REPLACE) is not None,
    }
    return frozenset(name for name, may in allowed.items() if may)


def _referrals(tx: Tx, actor: Actor, incoming: Incoming) -> tuple[ReferralView, ...]:
    query = sa.select(Referral).where(Referral.incoming_id == incoming.id).order_by(Referral.id.desc())
    rows = list(tx.session.scalars(query))
    people = directory.people(tx, [row.submitted_by for row in rows])
    return tuple(
        ReferralView(
            id=row.id,
            state=REFERRAL[row.state],
            submitted_by=people[row.submitted_by].name if row.submitted_by != row.leader_id else "",
            submitted_at=row.submitted_at,
            leader=row.leader_name,
            proposal=row.proposal,
            opinion=row.opinion,
            lead=row.lead_name,
            co=", ".join(row.co_names),
            due_at=row.due_at,
            decided_at=row.decided_at,
            task_url=f"/tasks/{row.task_id}"
            if row.task_id and submission_sheets.may_see_task(tx, actor, row.task_id)
            else "",
            filed=_filed(tx, incoming) if row.state == submission_sheets.FILED and row.decided_at is None else None,
        )
        for row in rows
    )


def _filed(tx: Tx, incoming: Incoming) -> Filed | None:
    """The audit knows it: a document is finished once."""
    acts = [entry for entry in audit.history(tx, Ref("incoming", incoming.id)) if entry.action == "incoming.finish"]
    if not acts:
        return None
    by = directory.person(tx, Ref.parse(acts[-1].by).id).name if acts[-1].by.startswith("person:") else ""
    return Filed(by, acts[-1].at, str(acts[-1].detail.get("reason", "")))


def _recipients(tx: Tx, document: Document) -> tuple[Choices, Choices]:
    """The agencies that have it, those that refused it first; and those that could get it too."""
    query = (
        sa.select(Delivery.agency_id, Delivery.progress)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(Dispatch.document_id == document.id)
        .order_by(Delivery.id)
    )
    progress = {agency_id: step for agency_id, step in tx.session.execute(query)}
    cards = directory.agencies(tx, progress)
    order = sorted(progress, key=lambda i: (progress[i] != Progress.REFUSED, i))
    had = tuple((str(i), cards[i].name) for i in order if cards[i].is_current)
    others = tuple(
        (str(card.id), card.name)
        for card in directory.agencies_for_choice(tx)
        if card.id not in progress and card.id != document.agency_id
    )
    return had, others


def _people(cards: list[directory.PersonCard]) -> Choices:
    return tuple((str(card.id), f"{card.name}, {card.title}" if card.title else card.name) for card in cards)
