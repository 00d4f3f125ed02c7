"""The endpoints of what the hub has signed: its keys, receipts, and their proofs in the evidence log."""

import hashlib

from flask import Response, jsonify

from directory import codeforms
from directory.actor import Actor
from docex.api.hub import RECEIVE, SUBMIT, routes, secret
from docex.api.hub_models import (
    KeySet,
    ReceiptList,
    ReceiptsAsked,
    ReceiptShown,
)
from docex.documents.access import dispatch_for
from docex.exchange.hub import receipts
from kernel import cursors
from kernel.db import Tx
from kernel.text import phrase
from signing.api_models import ProofShown
from signing.log import evidence_log
from signing.log import receipts as statements


@routes.open_get(
    "/api/v1/keys",
    reason="public keys, with which anybody may check a receipt",
    title=phrase("Khoá công khai để kiểm tra biên nhận"),
    answers={200: KeySet},
)
def public_keys(tx: Tx, actor: Actor | None) -> Response:
    """The keys that sign receipts, old ones too (JWK set)."""
    answer = jsonify(statements.all_keys(tx))
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@routes.api(
    "GET",
    "/api/v1/receipts/<receipt_id>",
    scope=SUBMIT,
    or_scope=RECEIVE,
    title=phrase("Xem một biên nhận"),
    answers={200: ReceiptShown},
)
def receipt(tx: Tx, actor: Actor, receipt_id: str) -> Response:
    """One receipt, for the sender of the envelope and for the receiver that it is about."""
    return jsonify(receipts.shown(receipts.receipt_for(tx, actor, receipt_id)))


@routes.api(
    "GET",
    "/api/v1/receipts/<receipt_id>/proof",
    scope=SUBMIT,
    or_scope=RECEIVE,
    title=phrase("Chứng minh một biên nhận có trong nhật ký"),
    answers={200: ProofShown},
    refuses={409: "not_yet_in_log: it has no number yet; ask again in a minute"},
)
def receipt_proof(tx: Tx, actor: Actor, receipt_id: str) -> Response:
    """That a receipt is in the evidence log, under its newest head."""
    digest = hashlib.sha256(receipts.receipt_for(tx, actor, receipt_id).jws.encode()).hexdigest()
    return jsonify(evidence_log.proof_shown(evidence_log.proof_for(tx, evidence_log.Kind.RECEIPT, digest)))


@routes.api(
    "GET",
    "/api/v1/documents/<int:dispatch_id>/receipts",
    scope=SUBMIT,
    or_scope=RECEIVE,
    query=ReceiptsAsked,
    title=phrase("Xem mọi biên nhận của một phong bì"),
    answers={200: ReceiptList},
    refuses={404: "there is no such envelope, or none that this system may know of"},
)
def receipts_of_document(tx: Tx, actor: Actor, dispatch_id: int, asked: ReceiptsAsked) -> Response:
    """What was signed about an envelope, oldest first: all of it for its sender, a receiver's own for that receiver."""
    dispatch, listed = dispatch_for(tx, actor, dispatch_id), f"hub.receipts:{dispatch_id}:{actor.agency_id}"
    after = cursors.opened(secret(), listed, asked.after) if asked.after else None
    found = receipts.of_dispatch(tx, actor, dispatch, asked.code, after, asked.limit + 1)
    told = codeforms.shown(tx, actor.code_form, {code for _, code in found if code})
    items = [{**receipts.shown(row), "code": told.get(code or "")} for row, code in found[: asked.limit]]
    more = len(found) > asked.limit
    return jsonify(items=items, next=cursors.seal(secret(), listed, *receipts.place(found[-2][0])) if more else None)
