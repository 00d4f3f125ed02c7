"""The doors of this part: registers and their prints, saved filters, acts on many documents, reports."""

from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote

from flask import Response, current_app, flash, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex.registers import printouts
from docex.registers.register import FORMS, Ask, register_page
from kernel import streams
from kernel.db import Tx
from kernel.doors import Routes
from kernel.errors import Invalid
from kernel.text import phrase

routes = Routes("registers")

PIECE = 256 * 1024


# ---- registers ----


@routes.get("/documents/registers")
def register(tx: Tx, actor: Actor) -> str:
    """A register in the decree's columns; its prints move live."""
    return _register(tx, actor, Ask.read(request.args))


@routes.post("/documents/registers/print")
def print_(tx: Tx, actor: Actor) -> Any:
    """Have a register printed by the worker."""
    ask = Ask.read(request.form)
    try:
        printouts.ask_for(tx, actor, ask, request.form.get("format", ""))
    except Invalid as error:
        return _register(tx, actor, ask, error.fields), error.status
    said = phrase("Đang in. Tệp sẽ hiện ở mục “Tệp đã in” sau giây lát.")
    flash(said.in_locale(actor.locale), "info")
    return redirect(url_for("registers.register", **ask.address()), 303)


@routes.get("/documents/registers/prints/<int:printout_id>")
def printout(tx: Tx, actor: Actor, printout_id: int) -> Response:
    """A finished print, for whoever asked for it."""
    row = printouts.printout_for(tx, actor, printout_id)
    file: IO[bytes] = current_app.extensions["lienthong"].blobs.open(row.sha256)
    response = Response(stream_with_context(_pieces(file)), mimetype=printouts.MEDIA[row.format])
    response.headers["Content-Length"] = str(row.size)
    _as_file(response, row.name)
    return response


def _register(tx: Tx, actor: Actor, ask: Ask, errors: Any = None) -> str:
    stream = f"person:{actor.person_id}"
    template = "registers/_prints.html" if request.args.get("fragment") else "registers/register.html"
    return render_template(
        template,
        page=register_page(tx, actor, ask),
        forms=FORMS,
        prints=printouts.printouts(tx, actor),
        stream=stream,
        heads=streams.heads(tx, [stream]),
        errors=errors or {},
    )


# ---- shared by the views ----


def _as_file(response: Response, name: str) -> None:
    """For download under a plain name; never shown as a page of ours."""
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _back(endpoint: str, **values: Any) -> AnyResponse:
    return redirect(url_for(endpoint, **values), 303)
