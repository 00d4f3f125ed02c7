"""The endpoint of links to large files: a page that says what is behind it, and a button that downloads."""

from collections.abc import Iterator
from typing import IO

from flask import Response, current_app, render_template, request, stream_with_context

from directory.actor import Actor
from docex.documents.papers.files import disposition
from docex.exchange.mail.outbound import links
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.storage.blobs import PIECE

routes = Routes("mail")

_WHY = "partners outside the hub; the link is signed, has an end, and works only for its file"


@routes.open_get(links.PATH + "<token>", reason=_WHY)
def large_file(tx: Tx, actor: Actor | None, token: str) -> str:
    """The file to which the link leads. Opening it changes nothing: mail scanners open every link."""
    return render_template("docex_mail/file.html", offer=links.offered(tx, token, _secret()), token=token)


@routes.open_post(links.PATH + "<token>", reason=_WHY, csrf=False)
def download(tx: Tx, actor: Actor | None, token: str) -> Response:
    """The file in pieces; who took it, and when, is in the audit."""
    services = current_app.extensions["lienthong"]
    offer = links.taken(tx, token, _secret(), request.remote_addr or "")
    response = Response(stream_with_context(_pieces(services.blobs.open(offer.sha256))))
    response.mimetype = "application/octet-stream"
    response.headers["Content-Length"] = str(offer.size)
    response.headers["Content-Disposition"] = disposition(offer.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _secret() -> str:
    secret: str = current_app.extensions["lienthong"].config.signing_secret()
    return secret
