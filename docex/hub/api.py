"""Operations of the hub for agencies' systems: receipts and keys."""

from flask import Response, jsonify

from directory import clients
from directory.actor import Actor
from docex.hub import receipts
from kernel.db import Tx
from kernel.doors import Routes
from kernel.text import phrase

RECEIVE = clients.scope("docex.receive", phrase("Nhận văn bản và báo trạng thái qua API"))
SUBMIT = "docex.submit"

routes = Routes("hub")


@routes.open_get("/api/v1/keys", reason="public keys, with which anybody may check a receipt")
def public_keys(tx: Tx, actor: Actor | None) -> Response:
    """The keys that sign receipts, old ones too (JWK set)."""
    answer = jsonify(receipts.all_keys(tx))
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@routes.api("GET", "/api/v1/receipts/<receipt_id>", scope=SUBMIT)
def receipt(tx: Tx, actor: Actor, receipt_id: str) -> Response:
    """One receipt, for the sender of the envelope and for the receiver that it is about."""
    return jsonify(receipts.shown(receipts.receipt_for(tx, actor, receipt_id)))
