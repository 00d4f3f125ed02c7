"""Operations of the hub for agencies' systems: receipts, keys, mailbox."""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from flask import Response, abort, current_app, jsonify, request
from werkzeug.wsgi import wrap_file

from directory import clients
from directory import queries as directory
from directory.actor import Actor
from docex.access import dispatch_for
from docex.hub import looks, mailbox, publishing, receipts, uploads, webhooks
from docex.hub.api_models import (
    Acknowledged,
    Acknowledging,
    ConnectionShown,
    DirectoryShown,
    Inbox,
    InboxAsked,
    KeySet,
    Leased,
    ReceiptList,
    ReceiptsAsked,
    ReceiptShown,
    Reported,
    Reporting,
    UploadShown,
    UploadWanted,
    WebhookMade,
    WebhookShown,
    WebhookWanted,
)
from docex.hub.bell import bell_of
from docex.hub.models import DirectoryEdition, Upload
from docex.models import Dispatch
from kernel import clock, cursors
from kernel.blobs import PIECE as PIECE_OF_UPLOAD
from kernel.blobs import Blob, BlobStore
from kernel.db import Tx
from kernel.doors import Routes
from kernel.text import phrase
from signing import log as evidence_log
from signing import receipts as statements
from signing.api_models import ProofShown

RECEIVE = clients.scope(mailbox.RECEIVE, phrase("Nhận văn bản và báo trạng thái qua API"))
SUBMIT = "docex.submit"
EDXML = "application/octet-stream"
PIECE = 1 << 16

routes = Routes("hub")


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
    query=ReceiptsAsked,
    title=phrase("Xem mọi biên nhận của một phong bì"),
    answers={200: ReceiptList},
    refuses={404: "there is no such envelope, or none that this system may know of"},
)
def receipts_of_document(tx: Tx, actor: Actor, dispatch_id: int, asked: ReceiptsAsked) -> Response:
    """What was signed about an envelope, oldest first: all of it for its sender, a receiver's own for that receiver."""
    dispatch, listed = dispatch_for(tx, actor, dispatch_id), f"hub.receipts:{dispatch_id}:{actor.agency_id}"
    after = cursors.opened(_secret(), listed, asked.after) if asked.after else None
    found = receipts.of_dispatch(tx, actor, dispatch, asked.code, after, asked.limit + 1)
    items = [{**receipts.shown(row), "code": code} for row, code in found[: asked.limit]]
    more = len(found) > asked.limit
    return jsonify(items=items, next=cursors.seal(_secret(), listed, *receipts.place(found[-2][0])) if more else None)


def _wait_for_mail(tx: Tx, actor: Actor, asked: InboxAsked) -> looks.Page:
    """Note that the system asks, then wait without a transaction until there is something, and answer with that."""
    after = _place(actor, asked.after)
    services = current_app.extensions["lienthong"]
    end = time.monotonic() + asked.wait
    with bell_of(services.db).listening(actor.agency_id, since=tx.begun) as ring:
        page = looks.page(tx, actor.agency_id, after, asked.limit)
        if mailbox.poll_is_news(page.polled_at):
            tx.session.rollback()
            with services.db.write(actor.by) as writing:
                mailbox.note_poll(writing, actor.agency_id, request.headers.get("User-Agent", ""), _their_time())
            if page.polled_at is None:  # there was no mailbox to look into
                page = looks.page(tx, actor.agency_id, after, asked.limit)
        while not page.items:
            tx.session.rollback()  # gives the connection back: nobody holds one while they wait
            if not ring.wait(end - time.monotonic()):
                break
            ring.clear()
            page = looks.page(tx, actor.agency_id, after, asked.limit)
    return page


@routes.api(
    "GET",
    "/api/v1/inbox",
    scope=RECEIVE,
    before=_wait_for_mail,
    query=InboxAsked,
    title=phrase("Xem văn bản đang chờ nhận"),
    answers={200: Inbox},
)
def inbox(tx: Tx, actor: Actor, asked: InboxAsked, brought: Callable[[], looks.Page]) -> Response:
    """What waits for the system's agency. With `wait` the answer comes as soon as there is something, or empty."""
    page = brought()
    following = cursors.seal(_secret(), _list_of(actor), page.last)
    return jsonify(items=page.items, next=following, more=page.more, held=page.held, head=page.head)


@routes.api(
    "POST",
    "/api/v1/inbox/<int:parcel_id>/lease",
    scope=RECEIVE,
    title=phrase("Giữ một văn bản để nhận trong 5 phút"),
    answers={200: Leased},
    refuses={409: "fetched before, expired, or another system of the agency is at it"},
)
def lease(tx: Tx, actor: Actor, parcel_id: int) -> Response:
    """Begin to fetch an envelope: nobody else of the agency gets it for five minutes."""
    row = mailbox.lease(tx, actor, parcel_id)
    dispatch = mailbox.dispatch_of(tx, row)
    until = row.leased_until.isoformat() if row.leased_until else None
    return jsonify(id=row.id, token=row.lease_token, leased_until=until, sha256=dispatch.sha256, size=dispatch.size)


@routes.api(
    "GET",
    "/api/v1/inbox/<int:parcel_id>/envelope",
    scope=RECEIVE,
    title=phrase("Tải phong bì"),
    headers={"Range": "a part of the file, to go on after a cut", "If-Range": "the ETag that the part belongs to"},
    answers={200: EDXML, 206: EDXML},
    refuses={404: "there is none, or it is another agency's", 416: "no such part"},
)
def envelope(tx: Tx, actor: Actor, parcel_id: int) -> Response:
    """The edXML file as its sender handed it in. The ETag is its SHA-256."""
    parcel, _ = mailbox.parcel_for(tx, actor, parcel_id)
    return _file(mailbox.dispatch_of(tx, parcel))


@routes.api(
    "POST",
    "/api/v1/inbox/<int:parcel_id>/ack",
    scope=RECEIVE,
    takes=Acknowledging,
    title=phrase("Báo đã nhận phong bì"),
    answers={200: Acknowledged},
    refuses={409: "the token was overtaken, or the term has ended"},
)
def acknowledge(tx: Tx, actor: Actor, parcel_id: int, given: Acknowledging) -> Response:
    """The envelope is stored at the receiver's: status 01. Saying it again gets the same receipt."""
    row = mailbox.acknowledge(tx, actor, parcel_id, given.token)
    return jsonify(id=parcel_id, state="fetched", receipt=receipts.shown(row))


@routes.api(
    "POST",
    "/api/v1/inbox/<int:parcel_id>/status",
    scope=RECEIVE,
    takes=Reporting,
    title=phrase("Báo trạng thái xử lý"),
    answers={200: Reported},
)
def report_status(tx: Tx, actor: Actor, parcel_id: int, given: Reporting) -> Response:
    """What became of a document at its receiver: 02–06, and the answers 15 and 16 to a recall."""
    delivery, counted = mailbox.report(tx, actor, parcel_id, given.code, given.description, given.at)
    state = "counted" if counted else "noted"
    return jsonify(id=parcel_id, state=state, progress=delivery.progress, recall=delivery.recall)


@routes.api(
    "GET",
    "/api/v1/connection",
    scope=RECEIVE,
    title=phrase("Thử kết nối"),
    answers={200: ConnectionShown},
)
def connection(tx: Tx, actor: Actor) -> Response:
    """Whether credential, clock and mailbox are as they should be, before anything is sent or fetched."""
    agency, (waiting, held) = directory.agency(tx, actor.agency_id), mailbox.state_of(tx, actor.agency_id)
    now, theirs = clock.now(), _their_time()
    return jsonify(
        agency={"code": agency.code, "name": agency.name},
        system=actor.name,
        scopes=sorted(actor.scopes),
        now=now.isoformat(),
        clock_off_s=round((theirs - now).total_seconds()) if theirs else None,
        waiting=waiting,
        held=held,
    )


@routes.api(
    "PUT",
    "/api/v1/webhook",
    scope=RECEIVE,
    takes=WebhookWanted,
    title=phrase("Đặt địa chỉ nhận tin báo"),
    answers={200: WebhookMade},
)
def set_webhook(tx: Tx, actor: Actor, given: WebhookWanted) -> Response:
    """Have this system told when there is something for it: ids only, signed. A new secret each time."""
    anywhere = current_app.extensions["lienthong"].config.webhooks_anywhere
    row, secret = webhooks.subscribe(tx, actor, given.url, anywhere=anywhere)
    return jsonify(url=row.url, secret=secret)


@routes.api(
    "GET", "/api/v1/webhook", scope=RECEIVE, title=phrase("Xem địa chỉ nhận tin báo"), answers={200: WebhookShown}
)
def webhook(tx: Tx, actor: Actor) -> Response:
    """Where this system is told, and whether that works."""
    row = webhooks.subscription_of(tx, actor)
    times = {"paused_until": row.open_until, "arrived_at": row.arrived_at}
    told = {name: at.isoformat() if at else None for name, at in times.items()}
    return jsonify(url=row.url, failures=row.failures, problem=row.problem, **told)


@routes.api("DELETE", "/api/v1/webhook", scope=RECEIVE, title=phrase("Bỏ địa chỉ nhận tin báo"), answers={204: None})
def remove_webhook(tx: Tx, actor: Actor) -> tuple[str, int]:
    """Tell this system nothing any more."""
    webhooks.unsubscribe(tx, actor)
    return "", 204


@routes.api(
    "POST",
    "/api/v1/uploads",
    scope=SUBMIT,
    takes=UploadWanted,
    title=phrase("Báo một tệp sẽ tải lên từng đoạn"),
    answers={200: UploadShown},
    refuses={413: "too_large: `info.most` is how large a file may be", 503: "no room for it at the moment"},
)
def begin_upload(tx: Tx, actor: Actor, given: UploadWanted) -> Response:
    """Announce a file. The same file announced again goes on where it was cut."""
    most = current_app.extensions["lienthong"].config.chunked_max_bytes
    return _upload(uploads.begin(tx, actor, _folder(), given.size, given.sha256, max_bytes=most))


@routes.api(
    "GET",
    "/api/v1/uploads/<upload_id>",
    scope=SUBMIT,
    title=phrase("Hỏi tệp đã tải lên đến đâu"),
    answers={200: UploadShown},
)
def upload_state(tx: Tx, actor: Actor, upload_id: str) -> Response:
    """How much of a file is here, to go on after a cut."""
    return _upload(uploads.upload_for(tx, actor, upload_id))


def _write_piece(tx: Tx, actor: Actor, upload_id: str) -> None:
    """Put the piece into its file while no writer waits."""
    row = uploads.upload_for(tx, actor, upload_id)
    data = request.stream.read(PIECE_OF_UPLOAD + 1)
    if request.content_length is not None and len(data) < min(request.content_length, PIECE_OF_UPLOAD):
        abort(400)  # cut in the middle: nothing of it counts
    uploads.add(
        row, _folder(), request.headers.get("Upload-Offset", ""), data, request.headers.get("Content-Digest", "")
    )


@routes.api(
    "PATCH",
    "/api/v1/uploads/<upload_id>",
    scope=SUBMIT,
    max_bytes="upload_max_bytes",
    before=_write_piece,
    rows=False,
    takes=EDXML,
    headers={
        "Upload-Offset": "where the piece begins: `offset` of the last answer, or 0 to start over",
        "Content-Digest": "the piece's own SHA-256 (RFC 9530): `sha-256=:…:`; it is checked when it is there",
    },
    title=phrase("Tải lên một đoạn"),
    answers={200: UploadShown},
    refuses={409: "wrong_offset: `info.offset` says where to go on; wrong_hash: send this piece again"},
)
def add_piece(tx: Tx, actor: Actor, upload_id: str, brought: Callable[[], None]) -> Response:
    """The next piece, at most 1 MiB."""
    brought()
    return _upload(uploads.upload_for(tx, actor, upload_id))


def _store_upload(tx: Tx, actor: Actor, upload_id: str) -> Blob:
    return uploads.store(uploads.upload_for(tx, actor, upload_id), _folder(), _blobs())


@routes.api(
    "POST",
    "/api/v1/uploads/<upload_id>/finish",
    scope=SUBMIT,
    before=_store_upload,
    title=phrase("Tải lên xong"),
    answers={200: UploadShown},
    refuses={409: "wrong_offset: pieces are missing; wrong_hash: begin again at offset 0"},
)
def finish_upload(tx: Tx, actor: Actor, upload_id: str, brought: Callable[[], Blob]) -> Response:
    """The file is whole: it may now be named by `Upload-Id`. Saying it again changes nothing."""
    brought()
    return _upload(uploads.finish(tx, actor, upload_id))


def _upload(row: Upload) -> Response:
    whole = row.whole_at is not None
    here = row.size if whole else _folder().length(row.id)
    return jsonify(id=row.id, size=row.size, sha256=row.sha256, offset=here, piece=PIECE_OF_UPLOAD, whole=whole)


def _folder() -> uploads.Folder:
    return uploads.Folder(current_app.extensions["lienthong"].config.data_dir / "uploads")


def _blobs() -> BlobStore:
    found: BlobStore = current_app.extensions["lienthong"].blobs
    return found


def _publish(tx: Tx, actor: Actor) -> int:
    """Sign the directory when it has changed since the last version. Answers the version."""
    found = publishing.edition(tx, most_bytes=current_app.extensions["lienthong"].config.chunked_max_bytes)
    known = publishing.latest(tx, found.digest)
    if known is not None:
        return known.version
    tx.session.rollback()
    with current_app.extensions["lienthong"].db.write(actor.by) as writing:
        return publishing.publish(writing, found).version


@routes.api(
    "GET",
    "/api/v1/directory",
    scope=SUBMIT,
    before=_publish,
    headers={"If-None-Match": "the ETag of the version that you have"},
    title=phrase("Danh bạ cơ quan có chữ ký số của trục"),
    answers={200: DirectoryShown, 304: None},
)
def directory_document(tx: Tx, actor: Actor, brought: Callable[[], int]) -> Response:
    """All agencies with their codes, units, successors and ways in; signed, a new version with every change."""
    row = tx.session.get_one(DirectoryEdition, brought())
    answer = jsonify(version=row.version, made_at=row.made_at.isoformat(), jws=row.jws)
    answer.set_etag(f"v{row.version}")
    answer.make_conditional(request)
    return answer


def _file(dispatch: Dispatch) -> Response:
    file = _blobs().open(dispatch.sha256)
    answer = Response(wrap_file(request.environ, file, PIECE), mimetype=EDXML, direct_passthrough=True)
    answer.content_length = dispatch.size
    answer.set_etag(dispatch.sha256)
    answer.headers["Cache-Control"] = "private, immutable, max-age=86400"
    answer.make_conditional(request, accept_ranges=True, complete_length=dispatch.size)
    return answer


def _place(actor: Actor, cursor: str) -> int:
    return int(cursors.opened(_secret(), _list_of(actor), cursor)[0]) if cursor else 0


def _list_of(actor: Actor) -> str:
    return f"hub.inbox:{actor.agency_id}"


def _secret() -> str:
    secret: str = current_app.extensions["lienthong"].config.signing_secret()
    return secret


def _their_time() -> datetime | None:
    """The system's own clock, when it tells it in the Date header."""
    try:
        told = parsedate_to_datetime(request.headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
