"""The verdict on an envelope's papers: made by the worker, kept with its reasons, shown to every recipient at once."""

from dataclasses import dataclass

import sqlalchemy as sa

from directory import queries as directory
from docex.books import is_copy
from docex.envelope import Facts
from docex.models import Dispatch, Incoming, Judgement, Paper
from docex.moves import touch_incoming
from docex.papers import papers_of
from kernel import clock
from kernel.db import Tx
from signing import log as evidence_log
from signing.policy import DocumentKind
from signing.trust import Trust
from signing.verdicts import Value, Verdict

NOTHING_TO_JUDGE = "none"


@dataclass(frozen=True)
class Question:
    """One PDF of an envelope and the rules that it falls under."""

    paper_id: int
    sha256: str
    size: int
    kind: DocumentKind


@dataclass(frozen=True)
class Case:
    """Everything that has to be judged of one envelope, and the names that its sender's certificates may bear."""

    dispatch_id: int
    questions: tuple[Question, ...]
    agency_names: tuple[str, ...]
    trust: Trust


@dataclass(frozen=True)
class Judged:
    """The verdicts of one case, by paper."""

    dispatch_id: int
    verdicts: tuple[tuple[int, Verdict], ...]


def case_of(tx: Tx, dispatch_id: int, trust: Trust) -> Case | None:
    """The PDFs of an envelope; the main one must be signed and sealed, a copy sealed, attachments are judged by what is
    there."""
    dispatch = tx.session.get(Dispatch, dispatch_id)
    if dispatch is None:
        return None
    sender = directory.agency(tx, dispatch.sender_id)
    main = DocumentKind.COPY if is_copy(Facts.from_json(dispatch.facts).code) else DocumentKind.OFFICIAL
    questions = tuple(
        Question(paper.id, paper.sha256, paper.size, main if paper.role == "main" else DocumentKind.FOREIGN)
        for paper in papers_of(tx, dispatch_id)
        if _is_judged(paper)
    )
    return Case(dispatch_id, questions, (sender.name,), trust)


def conclude(tx: Tx, judged: Judged) -> None:
    """Keep the verdicts and show them wherever the envelope has arrived."""
    dispatch = tx.session.get_one(Dispatch, judged.dispatch_id)
    now = clock.now()
    for paper_id, verdict in judged.verdicts:
        report = verdict.to_json()
        of = {"dispatch_id": dispatch.id, "paper_id": paper_id, "value": verdict.value}
        tx.session.add(Judgement(**of, report=report, made_at=now))
        evidence_log.add_verdict(tx, report)
    dispatch.verdict = _overall(judged)
    dispatch.judged_at = now
    _show(tx, dispatch)


def could_not(tx: Tx, dispatch_id: int) -> None:
    """The check failed for good, for a reason of our own: the document counts as not judged, which is not valid."""
    dispatch = tx.session.get_one(Dispatch, dispatch_id)
    dispatch.verdict = Value.UNCLEAR
    dispatch.judged_at = clock.now()
    _show(tx, dispatch)


def _show(tx: Tx, dispatch: Dispatch) -> None:
    tx.session.flush()
    copies = sa.select(Incoming).where(Incoming.dispatch_id == dispatch.id).order_by(Incoming.id).with_for_update()
    for incoming in tx.session.scalars(copies):
        touch_incoming(tx, incoming, "incoming.judged")


def latest(tx: Tx, dispatch_id: int) -> dict[int, Verdict]:
    """The newest verdict on each paper of an envelope."""
    rows = tx.session.scalars(sa.select(Judgement).where(Judgement.dispatch_id == dispatch_id).order_by(Judgement.id))
    return {row.paper_id: Verdict.from_json(row.report) for row in rows}


def _is_judged(paper: Paper) -> bool:
    return paper.media_type == "application/pdf" or paper.role == "main"


def _overall(judged: Judged) -> str:
    """The worst verdict counts; an attachment that nobody signed says nothing about the document."""
    values = [v.value for _, v in judged.verdicts[:1]]
    values += [v.value for _, v in judged.verdicts[1:] if v.signers]
    return max(values, key=lambda value: value.gravity, default=None) or NOTHING_TO_JUDGE


def tone_of(value: str) -> str:
    """The tone in which a page shows a verdict; only a valid one is green."""
    return {Value.VALID.value: "good", Value.INVALID.value: "bad"}.get(value, "waiting")
