"""The verdict on an envelope's papers: made by the worker, kept with its reasons, shown to every recipient at once.

A verdict is never changed. Verifying again, now or as of an earlier moment, adds one beside it; what was asked of
authorities then is kept as evidence and helps to verify the same file in later years.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.names import names_at
from docex import topics
from docex.documents.access import paper_for
from docex.documents.envelope import Facts
from docex.documents.models import Dispatch, Document, Incoming, Paper, PaperVerdict
from docex.documents.numbering import is_copy
from docex.documents.papers.files import papers_of
from docex.documents.search.text_extraction import PaperFile, readable
from docex.documents.transitions import touch_incoming
from docex.documents.verification import lost_validity
from docex.documents.verification.models import EnvelopeVerdict
from docex.streams import Change, document_stream
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.outbox import OPEN_STATES, OutboxRow
from kernel.storage.verified import Soundness
from kernel.text import Phrase, phrase
from signing.log import evidence_log
from signing.remote_signing.delegation import is_covered
from signing.trust import revocation
from signing.trust.revocation import Pair
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind
from signing.verdicts.verdict import Reason, Value, Verdict
from signing.verification.file_verification import Expected

TOPIC = topics.VERIFY
NOTHING_TO_VERIFY = "none"
AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (15, 60, 600, 3600))
"""When authorities are still being asked: how long until the next look."""


@dataclass(frozen=True)
class PaperToVerify:
    """One PDF of an envelope and the rules that it falls under."""

    paper_id: int
    sha256: str
    size: int
    kind: DocumentKind


@dataclass(frozen=True)
class EnvelopeToVerify:
    """Everything that has to be verified of one envelope, and what is known beside it.

    `readable` are the papers whose text the search wants to have; `known_since` is when these bytes came to the hub;
    `as_of` the moment that somebody asks about, None for now; `evidence` the SHA-256 of authorities' answers that
    earlier verdicts rested on.
    """

    dispatch_id: int
    envelope: str
    questions: tuple[PaperToVerify, ...]
    readable: tuple[PaperFile, ...]
    expected: Expected
    trust: Trust
    known_since: datetime
    as_of: datetime | None
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class EnvelopeVerified:
    """The verdicts of one case, by paper, and the certificates whose revocation authorities shall be asked about.

    `envelope` is the one on the envelope itself; None for what is no edXML. `text` is what the search was to have of
    the papers; None when they were not read.
    """

    dispatch_id: int
    verdicts: tuple[tuple[int, Verdict], ...]
    as_of: datetime | None = None
    wanted: tuple[Pair, ...] = ()
    envelope: Verdict | None = None
    text: str | None = None


def envelope_to_verify(
    tx: Tx, dispatch_id: int, trust: Trust, as_of: datetime | None = None, *, first: bool = False
) -> EnvelopeToVerify | None:
    """The PDFs of an envelope; the main one must be signed and sealed, a copy sealed, attachments are verified by what
    is there. For the `first` verdict also its papers for the search; there is no evidence of earlier ones then."""
    dispatch = tx.session.get(Dispatch, dispatch_id)
    if dispatch is None:
        return None
    facts = Facts.from_json(dispatch.facts)
    main = DocumentKind.COPY if is_copy(facts.code) else DocumentKind.OFFICIAL
    papers = papers_of(tx, dispatch_id)
    questions = tuple(
        PaperToVerify(paper.id, paper.sha256, paper.size, main if paper.role == "main" else DocumentKind.FOREIGN)
        for paper in papers
        if _is_verified(paper)
    )
    return EnvelopeToVerify(
        dispatch_id,
        dispatch.sha256,
        questions,
        readable(papers) if first else (),
        _expected(tx, dispatch, facts),
        trust,
        dispatch.submitted_at,
        as_of,
        () if first else tuple(sorted(_evidence(tx, dispatch_id))),
    )


def _expected(tx: Tx, dispatch: Dispatch, facts: Facts) -> Expected:
    """The expected signers by the envelope. Only of what was issued here it is known who was allowed to sign for
    whom."""
    document = tx.session.get(Document, dispatch.document_id) if dispatch.document_id is not None else None
    delegated = document is None or _was_covered(tx, document, dispatch.submitted_at)
    names = (*names_at(tx, dispatch.sender_id, dispatch.submitted_at), *_names_written_here(tx, dispatch))
    return Expected(tuple(dict.fromkeys(names)), facts.signer, facts.signer_title, facts.authority, delegated)


def _names_written_here(tx: Tx, dispatch: Dispatch) -> list[str]:
    """The names of the sender in the envelopes of this document. They count only where this installation wrote them
    itself, from its register: into an envelope of their own, strangers write any name they like."""
    if dispatch.document_id is None:
        return []
    own = sa.select(Dispatch.facts).where(Dispatch.document_id == dispatch.document_id, Dispatch.id <= dispatch.id)
    names = (Facts.from_json(facts).sender_name for facts in tx.session.scalars(own.order_by(Dispatch.id)))
    return [name for name in names if name]


def _was_covered(tx: Tx, document: Document, sent_at: datetime) -> bool:
    """Whether the signer was allowed to sign when they did: what was ended later in the day takes nothing back."""
    if document.issued_on is None:
        return True
    block, at = (document.authority, document.signer_title), document.signed_at or sent_at
    return is_covered(tx, document.agency_id, document.signer_id, document.issued_on, *block, at=at)


def _evidence(tx: Tx, dispatch_id: int) -> set[str]:
    reports = [
        *tx.session.scalars(sa.select(PaperVerdict.report).where(PaperVerdict.dispatch_id == dispatch_id)),
        *tx.session.scalars(sa.select(EnvelopeVerdict.report).where(EnvelopeVerdict.dispatch_id == dispatch_id)),
    ]
    details = [detail for report in reports for detail in report["report"].get("signatures", ())]
    return {answer["sha256"] for detail in details for answer in detail.get("revocation", ())}


def conclude(tx: Tx, verified: EnvelopeVerified, *, asked_by: int | None = None, turn: int = 0) -> None:
    """Keep the verdicts, show them wherever the envelope has arrived, and see to what they could not know yet.

    A verdict as of an earlier moment is kept and changes nothing else.
    """
    dispatch = tx.session.get_one(Dispatch, verified.dispatch_id)
    tx.pin(dispatch)
    now, was_valid = clock.now(), lost_validity.valid_by_earlier_rules(tx, dispatch.id)
    for paper_id, verdict in verified.verdicts:
        report = verdict.to_json()
        evidence_log.add_verdict(tx, report)
        tx.session.add(
            PaperVerdict(
                dispatch_id=dispatch.id,
                paper_id=paper_id,
                value=verdict.value,
                report=report,
                made_at=now,
                as_of=verified.as_of,
                asked_by=asked_by,
            )
        )
    if verified.envelope is not None:
        _keep_envelope(tx, verified, verified.envelope)
    asking = revocation.want(tx, verified.wanted)
    if verified.as_of is None:
        dispatch.verdict = _overall(verified)
        dispatch.judged_at = now
        if asking and turn < len(AGAIN_AFTER):
            payload = {"dispatch_id": dispatch.id, "turn": turn + 1}
            tx.outbox(TOPIC, f"{dispatch.id}:again:{turn + 1}", payload, due_at=now + AGAIN_AFTER[turn])
        else:
            lost_validity.enqueue_telling(tx, dispatch, was_valid, verified.verdicts)
        _show(tx, dispatch)
    elif asked_by is not None:
        _show(tx, dispatch, only=directory.person(tx, asked_by).agency_id)


def _keep_envelope(tx: Tx, verified: EnvelopeVerified, verdict: Verdict) -> None:
    report = verdict.to_json()
    evidence_log.add_verdict(tx, report)
    row = EnvelopeVerdict(
        dispatch_id=verified.dispatch_id, value=verdict.value, report=report, made_at=clock.now(), as_of=verified.as_of
    )
    tx.session.add(row)


def record_failure(tx: Tx, dispatch_id: int) -> None:
    """The check failed for good, for a reason of our own: what was never verified counts as unclear, and an earlier
    verdict stands."""
    dispatch = tx.session.get_one(Dispatch, dispatch_id)
    if not dispatch.verdict:
        dispatch.verdict = Value.UNCLEAR
        dispatch.judged_at = clock.now()
    _show(tx, dispatch)


def request_verification(tx: Tx, actor: Actor, paper_id: int, as_of: datetime | None = None) -> bool:
    """Have the envelope of this paper verified once more, now or as of an earlier moment. False when it is being
    verified at somebody's request already: nothing more is enqueued then.

    Invalid when the moment lies in the future, or before the envelope came.
    """
    dispatch = verified_dispatch_for(tx, actor, paper_id)
    now = clock.now()
    if as_of is not None and not dispatch.submitted_at <= as_of <= now:
        on = dispatch.submitted_at.astimezone(clock.VN).strftime("%d/%m/%Y %H:%M")
        raise Invalid({"as_of": phrase("Chọn một thời điểm từ khi văn bản đến ({on}) tới bây giờ.", on=on)})
    if attempt_of(tx, dispatch.id) in OPEN_STATES:
        return False
    payload = {"dispatch_id": dispatch.id, "asked_by": actor.person_id, "as_of": as_of.isoformat() if as_of else ""}
    tx.outbox(TOPIC, f"{dispatch.id}:asked:{now:%Y%m%dT%H%M%S.%f}", payload)
    return True


def verified_dispatch_for(tx: Tx, actor: Actor, paper_id: int) -> Dispatch:
    """The envelope of a paper that the actor may see; drafts are in none, and are not verified."""
    paper = paper_for(tx, actor, paper_id)
    if paper.dispatch_id is None:
        raise NotFound()
    return tx.session.get_one(Dispatch, paper.dispatch_id)


def attempt_of(tx: Tx, dispatch_id: int) -> str:
    """How far the last verdict is that somebody has asked for, as a state of the outbox; "" when nobody has."""
    asked = sa.select(OutboxRow.state).where(
        OutboxRow.topic == TOPIC, OutboxRow.key.startswith(f"{dispatch_id}:asked:", autoescape=True)
    )
    return tx.session.scalar(asked.order_by(OutboxRow.id.desc()).limit(1)) or ""


def _show(tx: Tx, dispatch: Dispatch, only: int | None = None) -> None:
    """Let the pages move; `only` those of one recipient and of the sender, when the others see nothing new."""
    tx.session.flush()
    copies = sa.select(Incoming).where(Incoming.dispatch_id == dispatch.id)
    if only is not None:
        copies = copies.where(Incoming.agency_id == only)
    for incoming in tx.session.scalars(copies.order_by(Incoming.id).with_for_update()):
        touch_incoming(tx, incoming, "incoming.judged")
    if dispatch.document_id is not None:
        document = tx.session.get_one(Document, dispatch.document_id)
        tx.publish(document_stream(document.id), "document.judged", Change(document.id, document.rev))


def latest(tx: Tx, dispatch_id: int) -> dict[int, Verdict]:
    """The newest verdict on each paper of an envelope, as of when it was made."""
    rows = tx.session.scalars(
        _paper_verdicts().where(PaperVerdict.dispatch_id == dispatch_id, PaperVerdict.as_of.is_(None))
    )
    newest = {row.paper_id: Verdict.from_json(row.report) for row in rows}
    return {paper_id: as_stored(tx, verdict) for paper_id, verdict in newest.items()}


CHANGED = "STORED_FILE_CHANGED"
_CHANGED: dict[Soundness, Phrase] = {
    Soundness.DAMAGED: phrase("Tệp lưu trong kho không còn đúng như khi được kiểm tra. Xin báo quản trị viên."),
    Soundness.MISSING: phrase("Tệp không còn trong kho nên không đối chiếu được. Xin báo quản trị viên."),
    Soundness.UNREACHABLE: phrase("Kho tệp không trả lời nên chưa đối chiếu được. Xin thử lại sau ít phút."),
}


def as_stored(tx: Tx, verdict: Verdict) -> Verdict:
    """A verdict that was kept, as it may be shown now: over bytes that are not those that were verified, a valid one
    is unclear, with the reason."""
    if verdict.value is not Value.VALID or (found := tx.soundness(verdict.sha256)) is Soundness.SOUND:
        return verdict
    why = Reason(CHANGED, "HASH_FAILURE", Value.UNCLEAR, _CHANGED[found])
    signers = tuple(replace(one, value=Value.UNCLEAR) if one.value is Value.VALID else one for one in verdict.signers)
    summary = phrase("Chưa rõ: {reason}", reason=why.phrase)
    return replace(verdict, value=Value.UNCLEAR, summary=summary, reasons=(why, *verdict.reasons), signers=signers)


def value_as_stored(tx: Tx, dispatch: Dispatch) -> str:
    """The worst verdict on an envelope's papers, likewise: "" while nobody has verified them."""
    if dispatch.verdict != Value.VALID:
        return dispatch.verdict
    names = {dispatch.sha256, *(paper.sha256 for paper in papers_of(tx, dispatch.id) if _is_verified(paper))}
    is_sound = all(tx.soundness(name) is Soundness.SOUND for name in names)
    return dispatch.verdict if is_sound else Value.UNCLEAR.value


def latest_of_envelope(tx: Tx, dispatch_id: int) -> Verdict | None:
    """The newest verdict on the signature of an envelope itself, as of when it was made."""
    query = sa.select(EnvelopeVerdict).where(
        EnvelopeVerdict.dispatch_id == dispatch_id, EnvelopeVerdict.as_of.is_(None)
    )
    row = tx.session.scalar(query.order_by(EnvelopeVerdict.id.desc()).limit(1))
    return as_stored(tx, Verdict.from_json(row.report)) if row is not None else None


def history(tx: Tx, paper_id: int) -> list[PaperVerdict]:
    """Every verdict on a paper, newest first."""
    return list(tx.session.scalars(_paper_verdicts().where(PaperVerdict.paper_id == paper_id)))[::-1]


def _paper_verdicts() -> sa.Select[PaperVerdict]:
    return sa.select(PaperVerdict).order_by(PaperVerdict.id)


def _is_verified(paper: Paper) -> bool:
    return paper.media_type == "application/pdf" or paper.role == "main"


def _overall(verified: EnvelopeVerified) -> str:
    """The worst verdict counts; an attachment that nobody signed says nothing about the document."""
    values = [v.value for _, v in verified.verdicts[:1]]
    values += [v.value for _, v in verified.verdicts[1:] if v.signers]
    return max(values, key=lambda value: value.gravity, default=None) or NOTHING_TO_VERIFY


def tone_of(value: str) -> str:
    """The tone in which a page shows a verdict; only a valid one is green."""
    return {Value.VALID.value: "good", Value.INVALID.value: "bad"}.get(value, "waiting")


def wanted_by(verdicts: Iterable[Verdict], trust: Trust) -> tuple[Pair, ...]:
    """The certificates whose revocation these verdicts rest on, or wait for."""
    return tuple(pair for verdict in verdicts for pair in revocation.pairs_of(verdict, trust))
