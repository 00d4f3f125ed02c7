"""Many documents signed in one act: the leader chooses, confirms once, and each document goes its own way."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from directory.actor import Actor, Role, require
from directory.streams import person_stream
from docex.documents.device_signing import handover
from docex.documents.drafting.forms import number
from docex.documents.issuing import issuance
from docex.documents.labels import DOCUMENT, Label
from docex.documents.models import Document, Paper
from docex.documents.papers.files import standing_paper
from docex.documents.queries import URGENCY_WORDS
from docex.documents.registers import bulk_acts
from docex.documents.registers.bulk_acts import Outcome
from docex.documents.states import DocumentState
from docex.edxml.codes import KIND_BY_SLUG
from kernel import streams
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from signing.remote_signing import handoffs
from signing.remote_signing.models import HandoffState
from signing.verdicts.verdict import phrase_from_json


@dataclass(frozen=True)
class Waiting:
    """A document before its leader; `paper` is what was drawn and will be signed, None while it is being drawn."""

    id: int
    title: str
    kind: Phrase
    authority: str
    urgency: str
    paper: int | None

    @property
    def choice(self) -> str:
        """As the form says it: the document, and the paper that stood there when the leader looked."""
        return f"{self.id}:{self.paper or ''}"


def waiting(tx: Tx, actor: Actor) -> list[Waiting]:
    """The documents under the leader's name that are not signed, most urgent first. Forbidden for others."""
    require(actor, Role.LEADER)
    return [_waiting(tx, row) for row in tx.session.scalars(_mine(actor).limit(bulk_acts.MAX_DOCUMENTS))]


def chosen(tx: Tx, actor: Actor, choices: Iterable[str]) -> list[Waiting]:
    """Those of the choices that still wait for this leader, with the papers that the leader saw."""
    require(actor, Role.LEADER)
    seen = _parsed(choices)
    rows = tx.session.scalars(_mine(actor).where(Document.id.in_(list(seen)))).all()
    return [_waiting(tx, row, seen[row.id]) for row in rows][: bulk_acts.MAX_DOCUMENTS]


def sign_all(tx: Tx, actor: Actor, choices: Iterable[str], *, device: bool) -> tuple[Outcome, ...]:
    """Begin to sign each. What cannot be signed says why, and hinders no other."""
    require(actor, Role.LEADER)
    seen = _parsed(choices)

    def act(document_id: int) -> Phrase:
        if device and not tx.session.get_one(Document, document_id).copy_form:
            handover.sign(tx, actor, document_id, seen[document_id], of_many=len(seen))
            return phrase("Chờ ký bằng thiết bị.")
        issuance.sign(tx, actor, document_id, seen[document_id])
        return phrase("Đang ký số.")

    return bulk_acts.each(tx, actor, Document, seen, act)


@dataclass(frozen=True)
class Row:
    """How far one document has come. `handoff` is set while it waits for this leader's device."""

    id: int
    title: str
    state: Label
    problem: Phrase | None
    handoff: int | None


@dataclass(frozen=True)
class Progress:
    """The table of results, which moves live."""

    rows: tuple[Row, ...]
    ids: str
    stream: str
    heads: dict[str, int] = field(default_factory=dict)

    @property
    def with_device(self) -> bool:
        """Whether the page has to call the program on the leader's desk."""
        return any(row.handoff for row in self.rows)


def progress(tx: Tx, actor: Actor, ids: Iterable[int]) -> Progress:
    """Of these documents those that stand under the leader's name."""
    require(actor, Role.LEADER)
    own = sa.and_(Document.agency_id == actor.agency_id, Document.signer_id == actor.person_id)
    wanted = [one for one in dict.fromkeys(ids) if 0 < one < 2**63]
    rows = tx.session.scalars(sa.select(Document).where(own, Document.id.in_(wanted)).order_by(Document.id)).all()
    stream = person_stream(actor.person_id)
    known = ",".join(str(row.id) for row in rows)
    return Progress(tuple(_row(tx, actor, row) for row in rows), known, stream, streams.heads(tx, [stream]))


def _row(tx: Tx, actor: Actor, document: Document) -> Row:
    handoff = handoffs.live_of(tx, Ref("document", document.id))
    calls = handoff is not None and handoff.person_id == actor.person_id
    ready = calls and handoff is not None and handoff.state in (HandoffState.READY, HandoffState.OPEN)
    return Row(
        document.id,
        f"{document.code} {document.subject}".strip(),
        DOCUMENT[DocumentState(document.state)],
        phrase_from_json(document.problem) if document.problem else None,
        handoff.id if ready and handoff is not None else None,
    )


def _mine(actor: Actor) -> sa.Select[Document]:
    condition = sa.and_(
        Document.agency_id == actor.agency_id,
        Document.signer_id == actor.person_id,
        Document.state == DocumentState.REVIEW,
    )
    return sa.select(Document).where(condition).order_by(Document.urgency.desc(), Document.changed_at, Document.id)


def _waiting(tx: Tx, document: Document, seen: int | None = None) -> Waiting:
    paper: Paper | None = standing_paper(tx, document)
    return Waiting(
        document.id,
        document.subject,
        KIND_BY_SLUG[document.kind].label,
        document.authority,
        URGENCY_WORDS.get(document.urgency, ""),
        seen if seen is not None else paper.id if paper is not None else None,
    )


def _parsed(choices: Iterable[str]) -> dict[int, int]:
    """Papers by documents; 0 where none was seen, which is refused: what is signed is what was read."""
    pairs = (choice.partition(":")[::2] for choice in choices)
    return {number(document): number(paper) for document, paper in pairs if number(document)}
