"""The verdict on an envelope's papers: made by the worker, kept with its reasons, shown to every recipient at once.

A verdict is never changed. Judging again, now or as of an earlier moment, adds one beside it; what was asked of
authorities then is kept as evidence and helps to judge the same file in later years.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from docex.access import paper_for
from docex.books import is_copy
from docex.envelope import Facts
from docex.models import Dispatch, Document, Incoming, Judgement, Paper
from docex.moves import touch_incoming
from docex.papers import papers_of
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.outbox import OutboxRow, State
from kernel.text import phrase
from signing import log as evidence_log
from signing import revocation
from signing.policy import DocumentKind
from signing.revocation import Pair
from signing.trust import Trust
from signing.verdicts import Value, Verdict
from signing.verify import Expected

TOPIC = "docex.verify"
NOTHING_TO_JUDGE = "none"
AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (15, 60, 600, 3600))
"""When authorities are still being asked: how long until the next look."""


@dataclass(frozen=True)
class Question:
    """One PDF of an envelope and the rules that it falls under."""

    paper_id: int
    sha256: str
    size: int
    kind: DocumentKind


@dataclass(frozen=True)
class Case:
    """Everything that has to be judged of one envelope, and what is known beside it.

    `known_since` is when these bytes came to the hub; `as_of` the moment that somebody asks about, None for now;
    `evidence` the SHA-256 of authorities' answers that earlier verdicts rested on.
    """

    dispatch_id: int
    questions: tuple[Question, ...]
    expected: Expected
    trust: Trust
    known_since: datetime
    as_of: datetime | None
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """The verdicts of one case, by paper, and the certificates whose revocation authorities shall be asked about."""

    dispatch_id: int
    verdicts: tuple[tuple[int, Verdict], ...]
    as_of: datetime | None = None
    wanted: tuple[Pair, ...] = ()


def case_of(tx: Tx, dispatch_id: int, trust: Trust, as_of: datetime | None = None) -> Case | None:
    """The PDFs of an envelope; the main one must be signed and sealed, a copy sealed, attachments are judged by what is
    there."""
    dispatch = tx.session.get(Dispatch, dispatch_id)
    if dispatch is None:
        return None
    facts = Facts.from_json(dispatch.facts)
    main = DocumentKind.COPY if is_copy(facts.code) else DocumentKind.OFFICIAL
    questions = tuple(
        Question(paper.id, paper.sha256, paper.size, main if paper.role == "main" else DocumentKind.FOREIGN)
        for paper in papers_of(tx, dispatch_id)
        if _is_judged(paper)
    )
    return Case(
        dispatch_id,
        questions,
        Expected((directory.agency(tx, dispatch.sender_id).name,), facts.signer, facts.signer_title, facts.authority),
        trust,
        dispatch.submitted_at,
        as_of,
        tuple(sorted(_evidence(tx, dispatch_id))),
    )


def _evidence(tx: Tx, dispatch_id: int) -> set[str]:
    reports = tx.session.scalars(sa.select(Judgement.report).where(Judgement.dispatch_id == dispatch_id))
    details = [detail for report in reports for detail in report["report"].get("signatures", ())]
    return {answer["sha256"] for detail in details for answer in detail.get("revocation", ())}


def conclude(tx: Tx, judged: Judged, *, asked_by: int | None = None, turn: int = 0) -> None:
    """Keep the verdicts, show them wherever the envelope has arrived, and see to what they could not know yet.

    A verdict as of an earlier moment is kept and changes nothing else.
    """
    dispatch = tx.session.get_one(Dispatch, judged.dispatch_id)
    now = clock.now()
    for paper_id, verdict in judged.verdicts:
        report = verdict.to_json()
        evidence_log.add_verdict(tx, report)
        tx.session.add(
            Judgement(
                dispatch_id=dispatch.id,
                paper_id=paper_id,
                value=verdict.value,
                report=report,
                made_at=now,
                as_of=judged.as_of,
                asked_by=asked_by,
            )
        )
    asking = revocation.want(tx, judged.wanted)
    if judged.as_of is None:
        dispatch.verdict = _overall(judged)
        dispatch.judged_at = now
        if asking and turn < len(AGAIN_AFTER):
            payload = {"dispatch_id": dispatch.id, "turn": turn + 1}
            tx.outbox(TOPIC, f"{dispatch.id}:again:{turn + 1}", payload, due_at=now + AGAIN_AFTER[turn])
    _show(tx, dispatch)


def could_not(tx: Tx, dispatch_id: int) -> None:
    """The check failed for good, for a reason of our own: the document counts as not judged, which is not valid."""
    dispatch = tx.session.get_one(Dispatch, dispatch_id)
    dispatch.verdict = Value.UNCLEAR
    dispatch.judged_at = clock.now()
    _show(tx, dispatch)


def ask_again(tx: Tx, actor: Actor, paper_id: int, as_of: datetime | None = None) -> Paper:
    """Have the envelope of this paper judged once more, now or as of an earlier moment.

    Invalid when the moment lies in the future, or before the envelope came. Asking while it is being judged is asking
    once.
    """
    paper = paper_for(tx, actor, paper_id)
    if paper.dispatch_id is None:
        raise NotFound()
    dispatch = tx.session.get_one(Dispatch, paper.dispatch_id)
    if as_of is not None and not dispatch.submitted_at <= as_of <= clock.now():
        on = dispatch.submitted_at.astimezone(clock.VN).strftime("%d/%m/%Y %H:%M")
        raise Invalid({"as_of": phrase("Chọn một thời điểm từ khi văn bản đến ({on}) tới bây giờ.", on=on)})
    done = sa.select(sa.func.count()).where(Judgement.dispatch_id == dispatch.id)
    payload = {"dispatch_id": dispatch.id, "asked_by": actor.person_id, "as_of": as_of.isoformat() if as_of else ""}
    tx.outbox(TOPIC, f"{dispatch.id}:asked:{tx.session.scalar(done)}", payload)
    return paper


def is_being_judged(tx: Tx, dispatch_id: int) -> bool:
    """Whether somebody has asked for another verdict that is not there yet."""
    open_ones = sa.select(OutboxRow.id).where(
        OutboxRow.topic == TOPIC,
        OutboxRow.key.startswith(f"{dispatch_id}:asked:", autoescape=True),
        OutboxRow.state.in_((State.WAITING, State.LEASED)),
    )
    return tx.session.scalar(open_ones.limit(1)) is not None


def _show(tx: Tx, dispatch: Dispatch) -> None:
    tx.session.flush()
    copies = sa.select(Incoming).where(Incoming.dispatch_id == dispatch.id).order_by(Incoming.id).with_for_update()
    for incoming in tx.session.scalars(copies):
        touch_incoming(tx, incoming, "incoming.judged")
    if dispatch.document_id is not None:
        document = tx.session.get_one(Document, dispatch.document_id)
        tx.publish(f"document:{document.id}", "document.judged", {"id": document.id, "rev": document.rev})


def latest(tx: Tx, dispatch_id: int) -> dict[int, Verdict]:
    """The newest verdict on each paper of an envelope."""
    rows = tx.session.scalars(_judgements().where(Judgement.dispatch_id == dispatch_id, Judgement.as_of.is_(None)))
    return {row.paper_id: Verdict.from_json(row.report) for row in rows}


def history(tx: Tx, paper_id: int) -> list[Judgement]:
    """Every verdict on a paper, newest first."""
    return list(tx.session.scalars(_judgements().where(Judgement.paper_id == paper_id)))[::-1]


def _judgements() -> sa.Select[Judgement]:
    return sa.select(Judgement).order_by(Judgement.id)


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


def wanted_by(verdicts: Iterable[tuple[int, Verdict]], trust: Trust) -> tuple[Pair, ...]:
    """The certificates whose revocation these verdicts rest on, or wait for."""
    return tuple(pair for _, verdict in verdicts for pair in revocation.pairs_of(verdict, trust))
