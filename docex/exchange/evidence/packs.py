"""Asking for a pack, and who may take it away: whoever may read the document, in the agency for which it was made, and
the agency's systems that have the right."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.streams import person_stream
from docex import topics
from docex.documents.access import dispatch_for, document_for, incoming_for
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch, PaperVerdict
from docex.documents.papers.files import file_name, papers_of
from docex.documents.verification import verdict_store
from docex.documents.verification.models import EnvelopeVerdict
from docex.edxml.progress import Progress
from docex.exchange.evidence.models import EvidencePack
from docex.exchange.hub.models import Receipt
from docex.streams import FileChange
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound, WrongState
from kernel.refs import Ref
from kernel.storage.blobs import Blob
from kernel.text import Phrase, phrase
from signing.archive import preservation
from signing.evidence.pack import PaperFile, Source, proved
from signing.log import receipts as statements
from signing.log.evidence_log import Kind, canonical
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind
from signing.verdicts.verdict import Level, phrase_from_json

TOPIC = topics.EVIDENCE
HAS_IT = frozenset(
    {
        Progress.RETRIEVED,
        Progress.ARRIVED,
        Progress.REFUSED,
        Progress.REGISTERED,
        Progress.ASSIGNED,
        Progress.WORKING,
        Progress.DONE,
    }
)
"""How far an envelope has come at a receiver that has seen what is in it."""
SHOWN = 5


@dataclass(frozen=True)
class Subject:
    """The document whose evidence is asked about, as the actor sees it. `side` is `out`, `in`, or `envelope`: by that
    systems know it.
    """

    side: str
    id: int
    code: str
    title: str
    dispatch: Dispatch


@dataclass(frozen=True)
class PackCard:
    """A pack as the page shows it. `lasting` says that the signatures are kept for archives already."""

    id: int
    state: str
    problem: Phrase | None
    size: int
    level: str
    lasting: bool
    stamped: bool
    made_at: datetime


def subject_for(tx: Tx, actor: Actor, side: str, thing_id: int) -> Subject:
    """An own document that was sent, by its newest envelope, a received one, or an envelope. NotFound for who may not
    read it, and while there is no envelope."""
    if side == "envelope":
        return _envelope_for(tx, actor, thing_id)
    if side == "in":
        incoming = incoming_for(tx, actor, thing_id, lock=False)
        dispatch = tx.session.get_one(Dispatch, incoming.dispatch_id)
        return Subject(side, incoming.id, incoming.code, incoming.subject, dispatch)
    document = document_for(tx, actor, thing_id)
    newest = sa.select(Dispatch).where(Dispatch.document_id == document.id).order_by(Dispatch.id.desc()).limit(1)
    sent = tx.session.scalar(newest)
    if sent is None:
        raise NotFound()
    return Subject(side, document.id, document.code, document.subject, sent)


def _envelope_for(tx: Tx, actor: Actor, dispatch_id: int) -> Subject:
    """For the sender's system, and for a receiver's once the envelope was fetched or has arrived: a pack has the papers
    in it, and what was taken back before belongs to nobody else."""
    dispatch = dispatch_for(tx, actor, dispatch_id)
    if dispatch.sender_id != actor.agency_id:
        own = sa.select(Delivery.progress).where(
            Delivery.dispatch_id == dispatch.id, Delivery.agency_id == actor.agency_id
        )
        if tx.session.scalar(own) not in HAS_IT:
            raise NotFound()
    facts = Facts.from_json(dispatch.facts)
    return Subject("envelope", dispatch.id, facts.code, facts.subject, dispatch)


def ask_for(tx: Tx, actor: Actor, side: str, thing_id: int) -> EvidencePack:
    """Have a pack made. While one is being made for the same agency, that is the one."""
    subject = subject_for(tx, actor, side, thing_id)
    dispatch, agency_id = subject.dispatch, actor.agency_id
    tx.advisory_lock(f"evidence:{dispatch.id}:{agency_id}")
    waiting = sa.select(EvidencePack).where(
        EvidencePack.dispatch_id == dispatch.id,
        EvidencePack.agency_id == agency_id,
        EvidencePack.state == "waiting",
    )
    known = tx.session.scalar(waiting.limit(1))
    if known is not None:
        return known
    row = EvidencePack(
        dispatch_id=dispatch.id,
        agency_id=agency_id,
        person_id=actor.person_id or None,
        state="waiting",
        problem={},
        sha256="",
        size=0,
        level="",
        stamped=False,
        made_at=clock.now(),
    )
    tx.session.add(row)
    tx.session.flush()
    tx.outbox(TOPIC, str(row.id), {"pack_id": row.id})
    _record(tx, row, "evidence.ask", {"code": subject.code, "envelope": dispatch.sha256})
    tell(tx, row)
    return row


def pack_for(tx: Tx, actor: Actor, side: str, thing_id: int, pack_id: int) -> tuple[EvidencePack, str]:
    """A finished pack and the name of its file; NotFound for whoever may not read the document."""
    subject = subject_for(tx, actor, side, thing_id)
    row = tx.session.get(EvidencePack, pack_id) if 0 < pack_id < 2**63 else None
    if row is None or (row.dispatch_id, row.agency_id) != (subject.dispatch.id, actor.agency_id):
        raise NotFound()
    if row.state != "done":
        raise WrongState(phrase("Hồ sơ bằng chứng chưa lập xong."))
    return row, file_name(f"ho-so-bang-chung {subject.code}", subject.title, "zip")


def record_taking(tx: Tx, actor: Actor, pack_id: int) -> None:
    """Put into the audit chain of the reader's agency who took a pack away."""
    row = tx.session.get_one(EvidencePack, pack_id)
    _record(tx, row, "evidence.take", {"sha256": row.sha256, "size": row.size})


def rows(tx: Tx, actor: Actor, subject: Subject) -> list[EvidencePack]:
    """The last few packs that were made of this envelope for the actor's agency, newest first."""
    own = sa.select(EvidencePack).where(
        EvidencePack.dispatch_id == subject.dispatch.id, EvidencePack.agency_id == actor.agency_id
    )
    return list(tx.session.scalars(own.order_by(EvidencePack.id.desc()).limit(SHOWN)))


def packs(tx: Tx, actor: Actor, subject: Subject) -> tuple[PackCard, ...]:
    """The same as the page shows them."""
    return tuple(_card(row) for row in rows(tx, actor, subject))


def stream_of(actor: Actor) -> str:
    """Where the page hears of its packs."""
    return f"person:{actor.person_id}"


def tell(tx: Tx, row: EvidencePack) -> None:
    """Let the page of whoever asked know how it stands."""
    if row.person_id is not None:
        tx.publish(person_stream(row.person_id), "evidence", FileChange(row.id, row.state))


def source_of(tx: Tx, row: EvidencePack, trust: Trust) -> Source:
    """Everything that goes into a pack, as it stands now."""
    dispatch = tx.session.get_one(Dispatch, row.dispatch_id)
    case = verdict_store.envelope_to_verify(tx, dispatch.id, trust)
    assert case is not None
    kinds = {one.paper_id: one.kind for one in case.questions}
    rows = papers_of(tx, dispatch.id)
    places = {paper.id: place for place, paper in enumerate(rows)}
    grown = {
        name: kept for name, kept in preservation.kept(tx, [paper.sha256 for paper in rows]).items() if kept.has_grown
    }
    told = tuple(_receipts(tx, dispatch, row.agency_id))
    verdicts = tuple((places.get(paper_id or 0), report) for paper_id, report in _verdicts(tx, dispatch))
    facts = [(Kind.DOCUMENT, dispatch.sha256), *((Kind.DOCUMENT, paper.sha256) for paper in rows)]
    facts += [(Kind.RECEIPT, sha256(jws.encode()).hexdigest()) for _, jws in told]
    facts += [(Kind.VERDICT, sha256(report).hexdigest()) for _, report in verdicts]
    return Source(
        document=_told(tx, dispatch),
        expected=case.expected,
        envelope=Blob(dispatch.sha256, dispatch.size),
        papers=tuple(
            PaperFile(
                paper.name,
                paper.media_type,
                paper.role,
                kinds.get(paper.id, DocumentKind.FOREIGN),
                Blob(paper.sha256, paper.size),
                Blob(grown[paper.sha256].newest, grown[paper.sha256].size) if paper.sha256 in grown else None,
            )
            for paper in rows
        ),
        receipts=told,
        verdicts=verdicts,
        proved=proved(tx, facts),
        key=statements.known_key(tx),
        keys=statements.all_keys(tx),
        issuer=statements.issuer(),
        trust=trust,
        at=clock.now(),
    )


def evidence_of(tx: Tx, row: EvidencePack) -> tuple[str, ...]:
    """The SHA-256 of authorities' answers that the verdicts on this envelope rest on."""
    case = verdict_store.envelope_to_verify(tx, row.dispatch_id, Trust())
    return case.evidence if case is not None else ()


def _receipts(tx: Tx, dispatch: Dispatch, agency_id: int) -> list[tuple[str, str]]:
    query = sa.select(Receipt.kind, Receipt.jws).where(Receipt.dispatch_id == dispatch.id)
    if agency_id != dispatch.sender_id:
        query = query.where(Receipt.receiver_id == agency_id)
    return [(kind, jws) for kind, jws in tx.session.execute(query.order_by(Receipt.made_at, Receipt.id))]


def _verdicts(tx: Tx, dispatch: Dispatch) -> Iterator[tuple[int | None, bytes]]:
    """Those of the moment at which they were made, by paper, then those on the envelope itself."""
    own = sa.select(PaperVerdict.paper_id, PaperVerdict.report).where(
        PaperVerdict.dispatch_id == dispatch.id, PaperVerdict.as_of.is_(None)
    )
    for paper_id, report in tx.session.execute(own.order_by(PaperVerdict.id)):
        yield paper_id, canonical(report)
    envelope = sa.select(EnvelopeVerdict.report).where(
        EnvelopeVerdict.dispatch_id == dispatch.id, EnvelopeVerdict.as_of.is_(None)
    )
    for report in tx.session.scalars(envelope.order_by(EnvelopeVerdict.id)):
        yield None, canonical(report)


def _told(tx: Tx, dispatch: Dispatch) -> dict[str, Any]:
    facts = Facts.from_json(dispatch.facts)
    return {
        "document_id": dispatch.document_key,
        "code": facts.code,
        "kind": facts.kind_name,
        "subject": facts.subject,
        "issued_on": facts.issued_on.isoformat() if facts.issued_on else "",
        "sender": directory.agency(tx, dispatch.sender_id).name,
        "sender_code": facts.sender_code,
        "submitted_at": dispatch.submitted_at.isoformat(),
    }


def _card(row: EvidencePack) -> PackCard:
    problem = phrase_from_json(row.problem) if row.problem else None
    lasting = row.level in ("", Level.B_LT, Level.B_LTA)
    return PackCard(row.id, row.state, problem, row.size, row.level, lasting, row.stamped, row.made_at)


def _record(tx: Tx, row: EvidencePack, action: str, detail: dict[str, Any]) -> None:
    tx.audit(f"agency:{row.agency_id}", action, Ref("evidence-pack", row.id), detail)
