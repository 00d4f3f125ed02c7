"""The page of the verdicts on one paper: everything that its template shows."""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from docex.documents.models import Dispatch, Incoming, Paper, PaperVerdict
from docex.documents.verification import verdict_store
from docex.documents.verification.verdict_page import VALUES, VerdictView, verdict_view
from docex.streams import document_stream, incoming_stream
from kernel import streams
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.outbox import OPEN_STATES
from kernel.storage.verified import Damaged
from kernel.text import Phrase
from signing.rendering.change_pictures import signed_part
from signing.verdicts.verdict import Signer, Verdict

MAX_HISTORY = 100


@dataclass(frozen=True)
class Given:
    """One verdict of the history. `as_of` is the earlier moment that somebody asked about, `by` who did."""

    id: int
    made_at: datetime
    as_of: datetime | None
    by: str
    word: Phrase
    tone: str
    policy: str
    shown: bool


@dataclass(frozen=True)
class VerdictSheet:
    """A paper, one of its verdicts, and all the others.

    `incoming_id` or `document_id` is the page that it belongs to. `verdict` is None while there is none, `envelope` the
    newest on the signature of the envelope in which the paper came; `failed` says
    that the last one that was asked for could not be made. `since` is the earliest moment that can be asked about;
    `differs` says that what was signed can be shown beside what the file shows now.
    """

    paper_id: int
    name: str
    code: str
    size: int
    sha256: str
    incoming_id: int | None
    document_id: int | None
    shown_id: int
    verdict: VerdictView | None
    envelope: VerdictView | None
    as_of: datetime | None
    history: tuple[Given, ...]
    asking: bool
    failed: bool
    since: datetime
    stream: str
    differs: bool
    heads: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Revision:
    """The file as one signer saw it: so many bytes of the paper from its beginning."""

    sha256: str
    size: int
    name: str


def verdict_sheet(tx: Tx, actor: Actor, paper_id: int, verdict_id: int | None = None) -> VerdictSheet:
    """The newest verdict on a paper of an envelope, or the one that was asked for."""
    dispatch = verdict_store.verified_dispatch_for(tx, actor, paper_id)
    paper = tx.session.get_one(Paper, paper_id)
    rows = verdict_store.history(tx, paper_id)[:MAX_HISTORY]
    shown = _shown(tx, paper_id, rows, verdict_id)
    incoming_id, document_id = _belongs_to(tx, actor, dispatch)
    envelope = verdict_store.latest_of_envelope(tx, dispatch.id)
    stream = incoming_stream(incoming_id) if incoming_id else document_stream(document_id or 0)
    attempt = verdict_store.attempt_of(tx, dispatch.id)
    verdict = verdict_store.as_stored(tx, Verdict.from_json(shown.report)) if shown else None
    return VerdictSheet(
        paper_id=paper.id,
        name=paper.name,
        code=str(dispatch.facts.get("code", "")),
        size=paper.size,
        sha256=paper.sha256,
        incoming_id=incoming_id,
        document_id=document_id,
        shown_id=shown.id if shown else 0,
        verdict=verdict_view(verdict, paper.size) if verdict else None,
        envelope=verdict_view(envelope, dispatch.size) if envelope else None,
        as_of=shown.as_of if shown else None,
        history=_given(tx, rows, shown),
        asking=attempt in OPEN_STATES,
        failed=bool(attempt) and attempt not in (*OPEN_STATES, "done"),
        since=dispatch.submitted_at,
        stream=stream,
        differs=shown is not None and bool(signed_part(Verdict.from_json(shown.report), paper.size)),
        heads=streams.heads(tx, [stream]),
    )


def report_of(tx: Tx, actor: Actor, paper_id: int, verdict_id: int) -> PaperVerdict:
    """A verdict as it was kept; Damaged when it was on bytes that are no longer there."""
    verdict_store.verified_dispatch_for(tx, actor, paper_id)
    row = _one(tx, paper_id, verdict_id)
    if verdict_store.as_stored(tx, Verdict.from_json(row.report)).has(verdict_store.CHANGED):
        raise Damaged(str(row.report["sha256"]))
    return row


def revision_of(tx: Tx, actor: Actor, paper_id: int, place: int) -> Revision:
    """The file that the signer at this place (from 1) has signed, as the newest verdict that could read the signatures
    says."""
    verdict_store.verified_dispatch_for(tx, actor, paper_id)
    paper = tx.session.get_one(Paper, paper_id)
    signers = next(
        filter(None, (Verdict.from_json(row.report).signers for row in verdict_store.history(tx, paper_id))), ()
    )
    signer = signers[place - 1] if 0 < place <= len(signers) else None
    if signer is None or not 0 < signer.covers <= paper.size:
        raise NotFound()
    return Revision(paper.sha256, signer.covers, _revision_name(paper, signer, place))


def _revision_name(paper: Paper, signer: Signer, place: int) -> str:
    stem, dot, ending = paper.name.rpartition(".")
    whom = " ".join((signer.name or signer.field).replace("/", " ").split())[:60]
    return f"{stem if dot else paper.name} (chữ ký {place}, {whom}).{ending if dot else 'pdf'}"


def _shown(tx: Tx, paper_id: int, rows: list[PaperVerdict], verdict_id: int | None) -> PaperVerdict | None:
    if verdict_id is not None:
        return _one(tx, paper_id, verdict_id)
    return next((row for row in rows if row.as_of is None), None)


def _one(tx: Tx, paper_id: int, verdict_id: int) -> PaperVerdict:
    row = tx.session.get(PaperVerdict, verdict_id)
    if row is None or row.paper_id != paper_id:
        raise NotFound()
    return row


def _belongs_to(tx: Tx, actor: Actor, dispatch: Dispatch) -> tuple[int | None, int | None]:
    if dispatch.document_id is not None and dispatch.sender_id == actor.agency_id:
        return None, dispatch.document_id
    copy = sa.select(Incoming.id).where(Incoming.dispatch_id == dispatch.id, Incoming.agency_id == actor.agency_id)
    return tx.session.scalar(copy), None


def _given(tx: Tx, rows: list[PaperVerdict], shown: PaperVerdict | None) -> tuple[Given, ...]:
    people = directory.people(tx, {row.asked_by for row in rows if row.asked_by is not None})
    values = {row.id: verdict_store.as_stored(tx, Verdict.from_json(row.report)).value for row in rows}
    return tuple(
        Given(
            id=row.id,
            made_at=row.made_at,
            as_of=row.as_of,
            by=people[row.asked_by].name if row.asked_by is not None else "",
            word=VALUES[values[row.id]],
            tone=verdict_store.tone_of(values[row.id]),
            policy=str(row.report.get("policy", "")),
            shown=shown is not None and row.id == shown.id,
        )
        for row in rows
    )
