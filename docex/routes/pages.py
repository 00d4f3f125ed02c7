"""The list of this room's endpoints, the pages of documents with their fragments, and the ways back to them."""

from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from docex.documents.pages import document_view
from docex.documents.pages import workflow_panel as desk_pages
from docex.documents.pages.device_panel import device_view
from docex.documents.pages.refused_forms import Form, Refused, refusal_of, shown_again
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.text import Phrase

routes = Routes("docex")

Errors = dict[str, Phrase]


def to_document(document_id: int) -> AnyResponse:
    """Go on to the page of an own document."""
    return redirect(url_for("docex.document", document_id=document_id), 303)


def to_incoming(incoming_id: int) -> AnyResponse:
    """Go on to the page of a received document."""
    return redirect(url_for("docex.incoming", incoming_id=incoming_id), 303)


def tell(done: Phrase) -> None:
    """Say on the next page, in the language of the pages, what was done: on a phone the state stands far below."""
    flash(current_app.jinja_env.filters["say"](done), "good")


def on_document(
    tx: Tx,
    actor: Actor,
    document_id: int,
    form: Form,
    act: Callable[[], Any],
    done: Phrase | None = None,
    **names: str,
) -> Any:
    """Do what a form on the page of an own document asks for, and say `done`; refused, the page comes back with what
    was typed."""
    refused = refusal_of(tx, form, act, names)
    if refused is not None:
        return document_page(tx, actor, document_id, refused), refused.status
    if done is not None:
        tell(done)
    return to_document(document_id)


def on_incoming(
    tx: Tx,
    actor: Actor,
    incoming_id: int,
    form: Form,
    act: Callable[[], Any],
    done: Phrase | None = None,
    **names: str,
) -> Any:
    """The same for a received document."""
    refused = refusal_of(tx, form, act, names)
    if refused is not None:
        return incoming_page(tx, actor, incoming_id, refused), refused.status
    if done is not None:
        tell(done)
    return to_incoming(incoming_id)


def document_page(tx: Tx, actor: Actor, document_id: int, refused: Refused | None = None) -> str:
    """The page of an own document, or the fragment of it that was asked for."""
    sheet = document_view.document_sheet(tx, actor, document_id)
    part = {"acts": "docex/_document_acts.html", "sheet": "docex/_document.html"}.get(request.args.get("fragment", ""))
    desk = desk_pages.document_desk(tx, actor, document_id)
    device = device_view(tx, actor, document_id, current_app.extensions["lienthong"].config)
    page = part or "docex/document.html"
    shown = shown_again(refused, sheet.acts | desk.acts, request.form)
    return render_template(page, sheet=sheet, desk=desk, device=device, **shown)


def incoming_page(tx: Tx, actor: Actor, incoming_id: int, refused: Refused | None = None) -> str:
    """The page of a received document, or the fragment of it that was asked for."""
    sheet = document_view.incoming_sheet(tx, actor, incoming_id)
    part = {"acts": "docex/_incoming_acts.html", "sheet": "docex/_incoming.html"}.get(request.args.get("fragment", ""))
    desk = desk_pages.incoming_desk(tx, actor, incoming_id)
    shown = shown_again(refused, sheet.acts | desk.acts, request.form)
    return render_template(part or "docex/incoming.html", sheet=sheet, desk=desk, **shown)
