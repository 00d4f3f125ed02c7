"""Operations for agencies' systems: hand in an envelope, ask what became of it."""

from collections.abc import Callable
from functools import partial
from typing import IO

from flask import Response, after_this_request, current_app, jsonify, request

from directory import clients
from directory.actor import Actor
from docex.api.models import DocumentStatus, HandedIn
from docex.documents.access import dispatch_for
from docex.documents.queries import dispatch_status
from docex.edxml import Envelope, Limits, StatusMessage
from docex.exchange.hub import mailbox, refusals, terms
from docex.exchange.hub.uploads import resumable
from docex.exchange.intake import acceptance
from docex.exchange.intake.acceptance import Handed
from docex.exchange.intake.unpacking import infected, unpacked
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid
from kernel.storage.blobs import Blob, at_hand
from kernel.text import header_text, phrase

SUBMIT = clients.scope("docex.submit", phrase("Gửi văn bản và hỏi trạng thái qua API"))

routes = Routes("docex")

Message = Envelope | StatusMessage


def _unpack(tx: Tx, actor: Actor) -> tuple[Message, Handed]:
    """Read, check and store what came, while no writer waits: the body, or the file that came in pieces before."""
    after_this_request(partial(_note_refusal, actor))
    refusals.refuse_form(request.content_type or "")
    services = current_app.extensions["lienthong"]
    named = request.headers.get("Upload-Id", "")
    if not named:
        tx.release()  # gives the connection back: a large body takes its time
        return _taken(tx, actor, request.stream, Limits(file_bytes=services.config.upload_max_bytes))
    if request.stream.read(1):
        message = phrase("Đã nêu Upload-Id thì nội dung lời gọi phải trống.")
        raise Invalid({"Upload-Id": message}, message)
    blob = resumable.blob_of(tx, actor, named)
    tx.release()  # gives the connection back: reading a gigabyte takes its time
    with at_hand(services.blobs, blob.sha256) as file:
        return _taken(tx, actor, file, _limits_of_uploads(services.config.chunked_max_bytes), blob)


def _note_refusal(actor: Actor, answer: Response) -> Response:
    """The operator sees what of a system is refused, and why; written when nothing else is open any more."""
    if answer.status_code >= 400:
        problem = answer.get_json(silent=True) or {}
        with current_app.extensions["lienthong"].db.write(actor.by) as tx:
            refusals.note(tx, actor.client_id, problem.get("code", str(answer.status_code)), problem.get("message", {}))
    return answer


def _limits_of_uploads(most: int) -> Limits:
    """The content of a file may not be larger than the largest file, however well it was packed."""
    plain = Limits()
    one, all_together = max(most, plain.attachment_bytes), max(most, plain.unpacked_bytes)
    return Limits(most, attachment_bytes=one, unpacked_bytes=all_together)


def _taken(tx: Tx, actor: Actor, file: IO[bytes], limits: Limits, stored: Blob | None = None) -> tuple[Message, Handed]:
    services = current_app.extensions["lienthong"]
    key = header_text(request.headers.get("Idempotency-Key", ""))
    term = terms.read(request.headers.get("Delivery-TTL", ""))
    with unpacked(services.blobs, file, limits, stored) as found:
        handed = Handed(found.blob, (), key, term=term)
        is_new = partial(_is_new, tx, actor, found.message, handed)
        refusal = partial(infected, services.db, actor, handed)
        return found.message, found.kept(handed, is_new, services.config.clamd, refusal)


def _is_new(tx: Tx, actor: Actor, message: Message, handed: Handed) -> bool:
    if not acceptance.is_new(tx, actor, message, handed):
        return False
    tx.release()  # looking for malware takes its time, and so does a store that is far away
    return True


@routes.api(
    "POST",
    "/api/v1/edxml",
    scope=SUBMIT,
    max_bytes="upload_max_bytes",
    before=_unpack,
    title=phrase("Nộp một phong bì edXML hoặc một bản tin trạng thái"),
    takes=refusals.BYTES,
    headers={
        "Idempotency-Key": "names the message, at most 300 characters in UTF-8; its bytes do without it",
        "Upload-Id": "names a file that came in pieces, in place of the body",
        "Delivery-TTL": "seconds until it expires, at most 30 days; 24 office hours without it",
    },
    answers={202: HandedIn},
    refuses={
        403: "without the right, or the sender in the envelope is not the system's agency",
        409: "the key was used for other bytes",
        413: "larger than the instance takes",
        415: "the body is declared as a form (`multipart/…`, `application/x-www-form-urlencoded`), not as the file",
        422: "edxml_refused, malware (with the receipt in `info.receipt`), unknown_receiver, unknown_document or "
        "reason_missing",
    },
)
def submit_edxml(tx: Tx, actor: Actor, brought: Callable[[], tuple[Message, Handed]]) -> tuple[Response, int]:
    """Take in an edXML envelope or status message: the body is the file itself.

    `Idempotency-Key` names the message; without it its bytes do. The same message again gets the first
    answer; another content under the same key 409; an unreadable file or an unknown receiver 422 with the reason.
    """
    message, handed = brought()
    return jsonify(acceptance.accept(tx, actor, message, handed)), 202


@routes.api(
    "GET",
    "/api/v1/documents/<int:dispatch_id>",
    scope=SUBMIT,
    or_scope=mailbox.RECEIVE,
    title=phrase("Hỏi một phong bì đã đến đâu"),
    answers={200: DocumentStatus},
    refuses={404: "there is no such envelope, or none that this system may know of"},
)
def document_status(tx: Tx, actor: Actor, dispatch_id: int) -> Response:
    """How far an envelope has come at each recipient; for its sender and for its recipients."""
    return jsonify(dispatch_status(tx, actor, dispatch_for(tx, actor, dispatch_id)))
