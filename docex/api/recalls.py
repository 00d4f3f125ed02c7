"""The desk's operations for agencies' systems."""

from datetime import date, datetime

from flask import Response, jsonify
from pydantic import BaseModel, Field

from directory.actor import Actor
from docex.api.hub_models import Organ
from docex.exchange.hub.mailbox import RECEIVE
from docex.exchange.recalls.open_requests import open_requests
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.text import phrase

routes = Routes("desk_api")


class AskedBack(BaseModel):
    """A delivery that its sender wants back."""

    id: int | None = Field(description="its place in the mailbox, for the answer; null when it never lay there")
    document: int = Field(description="of the envelope; ask GET /api/v1/documents/{dispatch_id} with it")
    document_id: str
    sender: Organ
    code: str
    subject: str
    issued_on: date | None
    reason: str
    asked_at: datetime


class AskedBackList(BaseModel):
    """Every question that waits for an answer."""

    items: list[AskedBack]


@routes.api(
    "GET",
    "/api/v1/recalls",
    scope=RECEIVE,
    title=phrase("Xem văn bản đã nhận đang bị yêu cầu thu hồi"),
    answers={200: AskedBackList},
)
def recalls(tx: Tx, actor: Actor) -> Response:
    """What senders ask back (13) from the system's agency and it has not answered (15, 16), also long after it was
    fetched."""
    return jsonify(items=open_requests(tx, actor.agency_id, actor.code_form))
