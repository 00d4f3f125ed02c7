"""Stored files over HTTP: whole or a range of them, with the headers that keep a browser from running them."""

from collections.abc import Iterator
from typing import IO

from flask import Response, current_app, request, stream_with_context
from werkzeug.http import parse_range_header

from directory.actor import Actor
from docex.documents.papers.access_log import record_opening
from docex.documents.papers.files import disposition
from docex.documents.papers.uploads import PDF

FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
PDF_POLICY = "default-src 'none'; object-src 'self'; plugin-types application/pdf; style-src 'unsafe-inline'; \
frame-ancestors 'self'"
PIECE = 256 * 1024


def log_opening(actor: Actor, paper_id: int) -> None:
    """Reading is a read; that it happened is written beside it, in a transaction of its own."""
    if not request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        return
    with current_app.extensions["lienthong"].db.write(actor.by) as tx:
        record_opening(tx, actor, paper_id)


def pdf_response(sha256: str, size: int, name: str, *, inline: bool) -> Response:
    """The first `size` bytes of a PDF, for reading in the page or for download; all of them, or an earlier revision."""
    response = file_response(sha256, size)
    response.mimetype = PDF
    response.headers["Content-Disposition"] = disposition(name, inline=inline)
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Browsers' own PDF viewers refuse to work in a sandbox; they run no script of the file as ours.
    response.headers["Content-Security-Policy"] = PDF_POLICY if inline else FILE_POLICY
    return response


def file_response(sha256: str, size: int) -> Response:
    """The first `size` bytes of a file or the range of them that was asked for, in pieces. The name of a blob is its
    validator."""
    wanted = parse_range_header(request.headers.get("Range"))
    span = wanted.range_for_length(size) if wanted is not None and len(wanted.ranges) == 1 else None
    if request.headers.get("Range") and span is None and wanted is not None:
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = span if span is not None else (0, size)
    file: IO[bytes] = current_app.extensions["lienthong"].blobs.open(sha256)
    response = Response(stream_with_context(_pieces(file, start, end)), status=206 if span else 200)
    response.headers.update({"Accept-Ranges": "bytes", "Content-Length": str(end - start), "ETag": f'"{sha256}"'})
    if span:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.headers["Cache-Control"] = "private, max-age=0, must-revalidate"
    return response


def _pieces(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with file:
        _skip(file, start)
        left = end - start
        while left and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def _skip(file: IO[bytes], start: int) -> None:
    """Files on disk can jump; a body from S3 is read over."""
    if file.seekable():
        file.seek(start)
        return
    while start > 0 and (piece := file.read(min(PIECE, start))):
        start -= len(piece)
