"""Evidence packs for agencies' systems."""

from datetime import datetime
from enum import StrEnum

from flask import Response, jsonify
from pydantic import BaseModel, Field

from directory import clients
from directory.actor import Actor
from docex.exchange.evidence import packs
from docex.exchange.evidence.models import EvidencePack
from docex.routes.evidence import MEDIA_TYPE, pack_response
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.text import phrase
from signing.verdicts.verdict import phrase_from_json

EVIDENCE = clients.scope("docex.evidence", phrase("Lấy hồ sơ bằng chứng của văn bản qua API"))
NOT_FOUND = "there is no such envelope, none that this system may know of, or it has not reached its receiver yet"

routes = Routes("evidence_api")


class PackState(StrEnum):
    """How far a pack is."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Sentence(BaseModel):
    """A text for people in both languages."""

    vi: str
    en: str


class PackShown(BaseModel):
    """One pack."""

    id: int
    state: PackState
    problem: Sentence | None = Field(description="why none could be made")
    sha256: str | None = Field(description="of the file, when it is made", pattern="^[0-9a-f]{64}$")
    size: int | None = Field(description="in bytes", ge=1)
    level: str | None = Field(description="the lowest PAdES level of the signatures in it; null when nothing is signed")
    stamped: bool = Field(description="whether a time-stamped head of the log holds the envelope")
    asked_at: datetime
    made_at: datetime | None


class PackList(BaseModel):
    """The last five packs that were asked for by the agency, newest first."""

    items: list[PackShown]


@routes.api(
    "POST",
    "/api/v1/documents/<int:dispatch_id>/evidence",
    scope=EVIDENCE,
    title=phrase("Yêu cầu lập hồ sơ bằng chứng của một phong bì"),
    answers={202: PackShown},
    refuses={404: NOT_FOUND},
)
def ask(tx: Tx, actor: Actor, dispatch_id: int) -> tuple[Response, int]:
    """Have a pack made, for the sender or for a receiver that has the envelope. While one is being made for the agency,
    that is the answer; ask for the list until it is `done`."""
    return jsonify(_shown(packs.ask_for(tx, actor, "envelope", dispatch_id))), 202


@routes.api(
    "GET",
    "/api/v1/documents/<int:dispatch_id>/evidence",
    scope=EVIDENCE,
    title=phrase("Xem các hồ sơ bằng chứng đã lập của một phong bì"),
    answers={200: PackList},
    refuses={404: NOT_FOUND},
)
def listed(tx: Tx, actor: Actor, dispatch_id: int) -> Response:
    """The packs of an envelope that were asked for by people and systems of the agency."""
    subject = packs.subject_for(tx, actor, "envelope", dispatch_id)
    return jsonify(items=[_shown(row) for row in packs.rows(tx, actor, subject)])


@routes.api(
    "GET",
    "/api/v1/documents/<int:dispatch_id>/evidence/<int:pack_id>",
    scope=EVIDENCE,
    title=phrase("Tải gói hồ sơ bằng chứng về"),
    headers={"Range": "a part of the file, to go on after a cut"},
    answers={200: MEDIA_TYPE, 206: MEDIA_TYPE},
    refuses={404: NOT_FOUND, 409: "wrong_state: it is not made yet", 416: "no such part"},
)
def take(tx: Tx, actor: Actor, dispatch_id: int, pack_id: int) -> Response:
    """The file, as a person takes it from the page. The ETag is its SHA-256."""
    return pack_response(tx, actor, "envelope", dispatch_id, pack_id)


def _shown(row: EvidencePack) -> dict[str, object]:
    problem = phrase_from_json(row.problem) if row.problem else None
    return {
        "id": row.id,
        "state": row.state,
        "problem": {"vi": problem.vi, "en": problem.en} if problem else None,
        "sha256": row.sha256 or None,
        "size": row.size or None,
        "level": row.level or None,
        "stamped": row.stamped,
        "asked_at": row.made_at.isoformat(),
        "made_at": row.done_at.isoformat() if row.done_at else None,
    }
