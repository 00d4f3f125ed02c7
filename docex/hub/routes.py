"""The operator's page of the exchange."""

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from directory.actor import Actor
from docex.hub import operators
from kernel.db import Tx
from kernel.doors import Routes
from kernel.text import Phrase, phrase

routes = Routes("hub_pages")


@routes.get("/admin/exchange")
def exchange(tx: Tx, actor: Actor) -> Response:
    """How the systems of the agencies are doing."""
    return make_response(render_template("hub/exchange.html", endpoints=operators.endpoints(tx, actor)))


@routes.post("/admin/exchange/<int:agency_id>/hold")
def hold(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Give out nothing for now, with a reason."""
    operators.hold(tx, actor, agency_id, request.form.get("reason", ""))
    return _back(actor, phrase("Đã tạm giữ hộp nhận."))


@routes.post("/admin/exchange/<int:agency_id>/release")
def release(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Give out again."""
    operators.release(tx, actor, agency_id)
    return _back(actor, phrase("Đã mở lại hộp nhận."))


@routes.post("/admin/exchange/<int:agency_id>/again")
def send_again(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Lay what expired into the mailbox anew."""
    count = operators.send_again(tx, actor, agency_id)
    return _back(actor, phrase("Đã đặt lại {count} văn bản quá hạn vào hộp nhận.", count=count))


def _back(actor: Actor, said: Phrase) -> Response:
    flash(said.in_locale(actor.locale), "good")
    return make_response(redirect(url_for("hub_pages.exchange")))
