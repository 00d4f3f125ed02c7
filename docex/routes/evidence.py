"""The endpoints of this part: the page of a document's evidence, asking for a pack, taking it away, the page that
checks one."""

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex.documents.papers.files import disposition
from docex.exchange.evidence import packs
from docex.routes.files import file_response
from kernel import streams
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.text import phrase
from signing.evidence.pack import page as checker

routes = Routes("evidence")
MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
)


@routes.get("/documents/out/<int:document_id>/evidence")
def of_document(tx: Tx, actor: Actor, document_id: int) -> str:
    """The evidence of an own document; its packs move live."""
    return _page(tx, actor, packs.subject_for(tx, actor, "out", document_id))


@routes.post("/documents/out/<int:document_id>/evidence")
def ask_of_document(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Have its pack made."""
    return _asked(tx, actor, "out", document_id)


@routes.get("/documents/out/<int:document_id>/evidence/<int:pack_id>")
def take_of_document(tx: Tx, actor: Actor, document_id: int, pack_id: int) -> Response:
    """Take a pack away."""
    return pack_response(tx, actor, "out", document_id, pack_id)


@routes.get("/documents/in/<int:incoming_id>/evidence")
def of_incoming(tx: Tx, actor: Actor, incoming_id: int) -> str:
    """The evidence of a received document."""
    return _page(tx, actor, packs.subject_for(tx, actor, "in", incoming_id))


@routes.post("/documents/in/<int:incoming_id>/evidence")
def ask_of_incoming(tx: Tx, actor: Actor, incoming_id: int) -> AnyResponse:
    """Have its pack made."""
    return _asked(tx, actor, "in", incoming_id)


@routes.get("/documents/in/<int:incoming_id>/evidence/<int:pack_id>")
def take_of_incoming(tx: Tx, actor: Actor, incoming_id: int, pack_id: int) -> Response:
    """Take a pack away."""
    return pack_response(tx, actor, "in", incoming_id, pack_id)


@routes.open_get("/evidence/check.html", reason="the page that checks a pack in the browser; it is the same for all")
def check_page(tx: Tx, actor: Actor | None) -> Response:
    """The page that lies in every pack, from a source that one may trust more than a stranger's pack."""
    response = Response(checker(), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


def _page(tx: Tx, actor: Actor, subject: packs.Subject) -> str:
    stream = packs.stream_of(actor)
    return render_template(
        "evidence/_packs.html" if request.args.get("fragment") else "evidence/packs.html",
        side=subject.side,
        code=subject.code,
        title=subject.title,
        packs=packs.packs(tx, actor, subject),
        stream=stream,
        heads=streams.heads(tx, [stream]),
        **_addresses(subject.side, subject.id),
    )


def _addresses(side: str, thing_id: int) -> dict[str, str]:
    """Where the page leads to; a pack's own address ends with its number."""
    if side == "in":
        here, back = "evidence.of_incoming", "docex.incoming"
        return {"here": url_for(here, incoming_id=thing_id), "back": url_for(back, incoming_id=thing_id)}
    here, back = "evidence.of_document", "docex.document"
    return {"here": url_for(here, document_id=thing_id), "back": url_for(back, document_id=thing_id)}


def _asked(tx: Tx, actor: Actor, side: str, thing_id: int) -> AnyResponse:
    packs.ask_for(tx, actor, side, thing_id)
    flash(phrase("Đang lập hồ sơ bằng chứng. Tệp sẽ hiện ở đây sau giây lát.").in_locale(actor.locale), "info")
    return redirect(_addresses(side, thing_id)["here"], 303)


def pack_response(tx: Tx, actor: Actor, side: str, thing_id: int, pack_id: int) -> Response:
    """The file, or a part of it; that it was taken is audited."""
    row, name = packs.pack_for(tx, actor, side, thing_id, pack_id)
    if request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        with current_app.extensions["lienthong"].db.write(actor.by) as writing:
            packs.record_taking(writing, actor, row.id)
    response = file_response(row.sha256, row.size)
    response.mimetype = MEDIA_TYPE
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
