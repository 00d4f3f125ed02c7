"""The administrators' pages of document systems that speak the VXP shape."""

from collections.abc import Mapping

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from wtforms.fields.choices import SelectChoice

from directory.actor import Actor
from docex.exchange.hub.operators import dead_letters
from docex.exchange.vxp import systems
from docex.exchange.vxp.forms import SystemForm
from docex.exchange.vxp.systems import Given
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid
from kernel.sealing import Safe
from kernel.text import Phrase

routes = Routes("vxp")


@routes.get("/admin/clients/vxp")
def vxp_systems(tx: Tx, actor: Actor) -> Response:
    """The systems of one's agencies."""
    context = {"systems": systems.listed(tx, actor, _safe()), "stopped": dead_letters.count(tx, actor)}
    return make_response(render_template("vxp/systems.html", address=_address(), **context))


@routes.get("/admin/clients/vxp/new")
def new_vxp_system(tx: Tx, actor: Actor) -> Response:
    """An empty system."""
    return _form(tx, actor, SystemForm(agency_id=str(actor.agency_id)))


@routes.post("/admin/clients/vxp/new")
def register_vxp_system(tx: Tx, actor: Actor) -> Response:
    """Register a system and show its secret once."""
    form = SystemForm(request.form)
    agency = form.agency_id.data or ""
    agency_id = int(agency) if agency.isascii() and agency.isdigit() and len(agency) < 10 else 0
    try:
        name, system_id = form.name.data or "", form.system_id.data or ""
        given = systems.register(
            tx, actor, _safe(), agency_id, name, system_id, covers_below=bool(form.covers_below.data)
        )
    except Invalid as refusal:
        return _form(tx, actor, form, refusal.fields)
    return _secret(given)


@routes.post("/admin/clients/vxp/<int:client_id>/secret")
def renew_vxp_secret(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Make a new secret and show it once."""
    return _secret(systems.renew(tx, actor, _safe(), client_id))


@routes.post("/admin/clients/vxp/<int:client_id>/revoke")
def revoke_vxp_system(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Shut a system out."""
    systems.revoke(tx, actor, client_id)
    return make_response(redirect(url_for("vxp.vxp_systems")))


def _form(tx: Tx, actor: Actor, form: SystemForm, errors: Mapping[str, Phrase] | None = None) -> Response:
    form.agency_id.choices = [SelectChoice(*one) for one in systems.choice(tx, actor)]
    html = render_template("vxp/system_new.html", form=form, errors=errors or {})
    return make_response(html, 422 if errors else 200)


def _secret(given: Given) -> Response:
    response = make_response(render_template("vxp/system_secret.html", given=given, address=_address()))
    response.headers["Cache-Control"] = "no-store"  # no copy of the secret stays in the browser's history
    return response


def _safe() -> Safe:
    return systems.safe_of(current_app.extensions["lienthong"].config)


def _address() -> str:
    config = current_app.extensions["lienthong"].config
    return f"{config.base_url.rstrip('/')}/{config.vxp_prefix.strip('/')}"
