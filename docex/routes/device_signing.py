"""The endpoints of signing with one's own device: the signer's pages, and the two addresses of the agent on the
desk."""

import logging
from collections.abc import Iterator
from typing import IO, Any

from flask import Response, current_app, jsonify, redirect, render_template, request, stream_with_context, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex.documents.device_signing import batch, handover
from docex.documents.drafting.forms import number
from docex.documents.papers.files import disposition
from docex.documents.registers import bulk_acts
from docex.official.uploads import looks_like_pdf
from kernel.config import Config
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import DomainError, Invalid
from kernel.storage.blobs import PIECE, Blob
from kernel.text import Phrase, phrase
from signing.remote_signing import handoffs

log = logging.getLogger(__name__)

routes = Routes("device")

_PROOF = "the agent on the signer's desk knows no sign-in; the address carries a token of 256 bits for one file"
NO_FILE = phrase("Không có tệp PDF nào được gửi lên.")
NOT_TAKEN = phrase("Máy chủ không nhận tệp này. Xin ký lại từ trang văn bản.")


@routes.post("/documents/out/<int:document_id>/device/sign")
def sign(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """The leader presses "Ký bằng thiết bị của tôi"."""
    handover.sign(tx, actor, document_id, number(request.form.get("seen")))
    return redirect(url_for("docex.document", document_id=document_id), 303)


@routes.post("/documents/out/<int:document_id>/device/seal")
def seal(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """The clerk presses "Đóng dấu bằng thiết bị của tôi"."""
    handover.seal(tx, actor, document_id)
    return redirect(url_for("docex.document", document_id=document_id), 303)


@routes.post("/documents/out/<int:document_id>/device/open")
def open_(tx: Tx, actor: Actor, document_id: int) -> Response:
    """The page asks for what it hands to the agent."""
    call = handover.open_(tx, actor, document_id, _config().base_url)
    answer = jsonify({"operation": call.operation, "parameters": call.parameters})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@routes.post("/documents/out/<int:document_id>/device/cancel")
def cancel(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Whoever asked for it does not sign now."""
    handover.cancel(tx, actor, document_id)
    return redirect(url_for("docex.document", document_id=document_id), 303)


# ---- many documents in one go ----


@routes.get("/documents/sign")
def waiting(tx: Tx, actor: Actor) -> str:
    """The documents that wait for the leader's signature, to be chosen from; with `?ids=` how far those have come."""
    ids = [number(part) for part in request.args.get("ids", "").split(",")[: bulk_acts.MAX_DOCUMENTS]]
    if any(ids):
        return _progress(tx, actor, ids)
    return render_template("docex/sign_many.html", rows=batch.waiting(tx, actor), most=bulk_acts.MAX_DOCUMENTS)


@routes.post("/documents/sign")
def confirm(tx: Tx, actor: Actor) -> Any:
    """The chosen ones once more, and one press for all."""
    chosen = batch.chosen(tx, actor, request.form.getlist("id"))
    if not chosen:
        return redirect(url_for("device.waiting"), 303)
    config, trial = _config(), _config().mode == "demo"
    device = bool(config.sign_agent_url)
    return render_template("docex/sign_confirm.html", rows=chosen, server_signs=trial, device=device)


@routes.post("/documents/sign/all")
def sign_all(tx: Tx, actor: Actor) -> str:
    """The leader signs them: a job each, or one after the other with the device. A refusal hinders no other."""
    outcomes = batch.sign_all(tx, actor, request.form.getlist("id"), device=request.form.get("by") == "device")
    begun = [one.id for one in outcomes if one.done]
    return _progress(tx, actor, begun, [one for one in outcomes if not one.done])


def _progress(tx: Tx, actor: Actor, ids: list[int], refused: list[bulk_acts.Outcome] | None = None) -> str:
    page = "docex/_sign_progress.html" if request.args.get("fragment") else "docex/sign_progress.html"
    view = batch.progress(tx, actor, ids)
    return render_template(page, view=view, refused=refused or [], agent=_config().sign_agent_url)


@routes.open_get(handover.LEAVES + "<token>/<name>", reason=_PROOF, rate="device_rate")
def fetch(tx: Tx, actor: Actor | None, token: str, name: str) -> Response:
    """The agent fetches the file to be signed; it may try again until the signed one has come."""
    handoff = handoffs.for_token(tx, token)
    file: IO[bytes] = current_app.extensions["lienthong"].blobs.open(handoff.sha256)
    response = Response(stream_with_context(_pieces(file)), mimetype="application/pdf")
    response.headers["Content-Length"] = str(handoff.size)
    response.headers["Content-Disposition"] = disposition(handoff.name)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _stored(tx: Tx, actor: Actor | None, token: str) -> Blob:
    """The file of the form, whatever its field is called, in the store."""
    handoff = handoffs.for_token(tx, token)
    given = next((file for file in request.files.values() if file.filename), None)
    head = given.stream.read(1024) if given else b""
    if given is None or not looks_like_pdf(head):
        raise Invalid({"file": NO_FILE}, NO_FILE)
    given.stream.seek(0)
    most = handoff.size + handoffs.SPARE
    tx.release()  # the store may be far away
    blob: Blob = current_app.extensions["lienthong"].blobs.put(given.stream, max_bytes=most)
    return blob


def _refused(error: Exception) -> Response:
    """As the agent tells it to the signer; its own page shows the same, live."""
    if not isinstance(error, DomainError | HTTPException):
        log.exception("a signed file could not be taken")
    reason: Phrase = error.message if isinstance(error, DomainError) else NOT_TAKEN
    answer = jsonify({"Status": False, "Message": reason.vi, "Error": reason.en, "FileName": "", "FileServer": ""})
    answer.status_code = error.status if isinstance(error, DomainError) else getattr(error, "code", None) or 500
    return answer


def _awaited(tx: Tx, token: str) -> int:
    """Whether a file is awaited at this address at all, and how large it may be."""
    return handoffs.for_token(tx, token).size + handoffs.SPARE


@routes.open_post(
    handover.LEAVES + "<token>",
    reason=_PROOF,
    csrf=False,
    rate="device_rate",
    proof=_awaited,
    before=_stored,
    refuse=_refused,
)
def bring(tx: Tx, actor: Actor | None, token: str, brought: Any) -> Response:
    """The agent brings the signed file. The token is spent; what the file is worth, the worker finds out."""
    handoff = handover.take(tx, token, brought())
    page = url_for("docex.document", document_id=handover.document_of(tx, handoff).id, _external=False)
    shown = _config().base_url.rstrip("/") + page
    return jsonify({"Status": True, "Message": "", "Error": "", "FileName": handoff.name, "FileServer": shown})


def _config() -> Config:
    found: Config = current_app.extensions["lienthong"].config
    return found
