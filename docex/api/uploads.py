"""The endpoints of files that come in pieces."""

from collections.abc import Callable

from flask import Response, abort, current_app, jsonify, request

from directory.actor import Actor
from docex.api.hub import EDXML, SUBMIT, blobs, routes
from docex.api.hub_models import (
    UploadShown,
    UploadWanted,
)
from docex.exchange.hub import refusals
from docex.exchange.hub.models import Upload
from docex.exchange.hub.uploads import resumable
from kernel.db import Tx
from kernel.storage.blobs import PIECE, Blob
from kernel.text import phrase


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
    return _upload(resumable.begin(tx, actor, _folder(), given.size, given.sha256, max_bytes=most))


@routes.api(
    "GET",
    "/api/v1/uploads/<upload_id>",
    scope=SUBMIT,
    title=phrase("Hỏi tệp đã tải lên đến đâu"),
    answers={200: UploadShown},
)
def upload_state(tx: Tx, actor: Actor, upload_id: str) -> Response:
    """How much of a file is here, to go on after a cut."""
    return _upload(resumable.upload_for(tx, actor, upload_id))


def _write_piece(tx: Tx, actor: Actor, upload_id: str) -> None:
    """Put the piece into its file while no writer waits."""
    row = resumable.upload_for(tx, actor, upload_id)
    refusals.refuse_form(request.content_type or "")
    data = request.stream.read(PIECE + 1)
    if request.content_length is not None and len(data) < min(request.content_length, PIECE):
        abort(400)  # cut in the middle: nothing of it counts
    resumable.add(
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
    refuses={
        409: "wrong_offset: `info.offset` says where to go on; wrong_hash: send this piece again",
        415: "the body is declared as a form, not as the bytes of the piece",
    },
)
def add_piece(tx: Tx, actor: Actor, upload_id: str, brought: Callable[[], None]) -> Response:
    """The next piece, at most 1 MiB."""
    brought()
    return _upload(resumable.upload_for(tx, actor, upload_id))


def _store_upload(tx: Tx, actor: Actor, upload_id: str) -> Blob:
    row = resumable.upload_for(tx, actor, upload_id)
    tx.release()  # to hash gigabytes takes seconds
    return resumable.store(row, _folder(), blobs())


@routes.api(
    "POST",
    "/api/v1/uploads/<upload_id>/finish",
    scope=SUBMIT,
    before=_store_upload,
    title=phrase("Kết thúc việc tải lên"),
    answers={200: UploadShown},
    refuses={409: "wrong_offset: pieces are missing; wrong_hash: begin again at offset 0"},
)
def finish_upload(tx: Tx, actor: Actor, upload_id: str, brought: Callable[[], Blob]) -> Response:
    """The file is whole: it may now be named by `Upload-Id`. Saying it again changes nothing."""
    brought()
    return _upload(resumable.finish(tx, actor, upload_id))


def _upload(row: Upload) -> Response:
    whole = row.whole_at is not None
    here = row.size if whole else _folder().length(row.id)
    return jsonify(id=row.id, size=row.size, sha256=row.sha256, offset=here, piece=PIECE, whole=whole)


def _folder() -> resumable.Folder:
    return resumable.Folder(current_app.extensions["lienthong"].config.data_dir / "uploads")
