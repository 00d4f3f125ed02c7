"""Operations for agencies' systems: hand in an envelope, ask what became of it."""

import io
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, jsonify, request

from directory import clients
from directory.actor import Actor
from docex import edxml, intake
from docex.access import dispatch_for
from docex.api_models import DocumentStatus, HandedIn
from docex.drafting import File
from docex.edxml import Envelope, Limits, StatusMessage, papers
from docex.hub import malware, receipts, terms, uploads
from docex.intake import Handed
from docex.queries import dispatch_status
from kernel.blobs import Blob, BlobStore, read_all
from kernel.db import Tx
from kernel.doors import Routes
from kernel.errors import Invalid
from kernel.text import phrase

SUBMIT = clients.scope("docex.submit", phrase("Gửi văn bản và hỏi trạng thái qua API"))

routes = Routes("docex")


def _unpack(tx: Tx, actor: Actor) -> tuple[Envelope | StatusMessage, Handed]:
    """Store and read what came, while no writer waits."""
    services = current_app.extensions["lienthong"]
    most = services.config.upload_max_bytes
    blob = _handed_blob(tx, actor, services.blobs, most)
    message = edxml.read(read_all(services.blobs, blob.sha256), Limits(file_bytes=most))
    key = request.headers.get("Idempotency-Key", "").strip()
    handed = Handed(blob, _stored_papers(services.blobs, message), key)
    if services.config.clamd:
        intake.check(tx, actor, message)
        tx.session.rollback()  # gives the connection back: looking for malware takes its time
        _refuse_malware(services, actor, handed)
    return message, handed


def _refuse_malware(services: Any, actor: Actor, handed: Handed) -> None:
    for sha256 in dict.fromkeys((handed.envelope.sha256, *(file.sha256 for file in handed.files))):
        with services.blobs.open(sha256) as file:
            found = malware.scan(services.config.clamd, file)
        if found:
            blob = handed.envelope
            with services.db.write(actor.by) as tx:
                row = receipts.refused(tx, actor.agency_id, handed.message_id, blob.sha256, blob.size, found)
            raise malware.Found(found, receipts.shown(row))


@routes.api(
    "POST",
    "/api/v1/edxml",
    scope=SUBMIT,
    max_bytes="upload_max_bytes",
    before=_unpack,
    title=phrase("Nộp một phong bì edXML hoặc một bản tin trạng thái"),
    takes="application/octet-stream",
    headers={
        "Idempotency-Key": "names the message, at most 300 characters; the document's own id without it",
        "Upload-Id": "names a file that came in pieces, in place of the body",
        "Delivery-TTL": "seconds until it expires, at most 30 days; 24 office hours without it",
    },
    answers={202: HandedIn},
    refuses={
        403: "without the right, or the sender in the envelope is not the system's agency",
        409: "the key was used for other bytes",
        413: "larger than the instance takes",
        422: "edxml_refused, malware (with the receipt in `info.receipt`), unknown_receiver or unknown_document",
    },
)
def submit_edxml(
    tx: Tx, actor: Actor, brought: Callable[[], tuple[Envelope | StatusMessage, Handed]]
) -> tuple[Response, int]:
    """Take in an edXML envelope or status message: the body is the file itself.

    `Idempotency-Key` names the message; without it the document's own id does. The same message again gets the first
    answer; another content under the same key 409; an unreadable file or an unknown receiver 422 with the reason.
    """
    message, handed = brought()
    answer = intake.accept(tx, actor, message, handed)
    if isinstance(message, Envelope):
        terms.ask(tx, answer["id"], request.headers.get("Delivery-TTL", ""))
    return jsonify(answer), 202


@routes.api(
    "GET",
    "/api/v1/documents/<int:dispatch_id>",
    scope=SUBMIT,
    title=phrase("Hỏi một phong bì đã đến đâu"),
    answers={200: DocumentStatus},
    refuses={404: "there is no such envelope, or none that this system may know of"},
)
def document_status(tx: Tx, actor: Actor, dispatch_id: int) -> Response:
    """How far an envelope has come at each recipient; for its sender and for its recipients."""
    return jsonify(dispatch_status(tx, actor, dispatch_for(tx, actor, dispatch_id)))


def _handed_blob(tx: Tx, actor: Actor, blobs: BlobStore, most: int) -> Blob:
    """The body, or the file that came in pieces before."""
    named = request.headers.get("Upload-Id", "")
    if not named:
        return blobs.put(request.stream, max_bytes=most)
    blob = uploads.blob_of(tx, actor, named)
    if blob.size > most:
        limit = most // 1_000_000
        raise Invalid({"file": phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=limit)})
    return blob


def _stored_papers(blobs: BlobStore, message: Envelope | StatusMessage) -> tuple[File, ...]:
    """The papers of an envelope as files of their own; the envelope's bytes stay as they came."""
    if not isinstance(message, Envelope):
        return ()
    files = []
    for place, attachment in enumerate(message.attachments, start=1):
        blob = blobs.put(io.BytesIO(attachment.data))
        name = papers.plain_name(attachment.name) or f"tep-{place}"
        files.append(File(name, attachment.media_type, blob.sha256, blob.size))
    return tuple(files)
