"""The endpoints of papers and envelopes, with their bytes as they came."""

from flask import Response, request

from directory.actor import Actor
from docex.documents.access import incoming_for, paper_for
from docex.documents.models import Dispatch
from docex.documents.papers import preservation
from docex.documents.papers.files import disposition, file_name
from docex.documents.papers.uploads import PDF
from docex.routes.files import FILE_POLICY, file_response, log_opening, pdf_response
from docex.routes.pages import routes
from kernel.db import Tx


@routes.get("/documents/papers/<int:paper_id>")
def paper(tx: Tx, actor: Actor, paper_id: int) -> Response:
    """A file, for reading in the page or for download; its bytes are as they came."""
    row = paper_for(tx, actor, paper_id)
    log_opening(actor, row.id)
    if row.media_type == PDF:
        return pdf_response(row.sha256, row.size, row.name, inline=not request.args.get("download"))
    response = file_response(row.sha256, row.size)
    response.mimetype = row.media_type
    response.headers["Content-Disposition"] = disposition(row.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@routes.get("/documents/papers/<int:paper_id>/kept")
def kept_paper(tx: Tx, actor: Actor, paper_id: int) -> Response:
    """The file that a paper has grown into: the same bytes, and what proves their signatures in later years."""
    row, found = preservation.grown_for(tx, actor, paper_id)
    log_opening(actor, row.id)
    name = f"{row.name.removesuffix('.pdf')}-{found.level.value}.pdf"
    return pdf_response(found.newest, found.size, name, inline=False)


@routes.get("/documents/in/<int:incoming_id>/envelope")
def envelope(tx: Tx, actor: Actor, incoming_id: int) -> Response:
    """The edXML file exactly as the sender handed it in."""
    row = incoming_for(tx, actor, incoming_id)
    dispatch = tx.session.get_one(Dispatch, row.dispatch_id)
    response = file_response(dispatch.sha256, dispatch.size)
    response.mimetype = "application/octet-stream"
    name = file_name(row.code, row.subject, "edxml")
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
