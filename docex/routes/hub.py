"""The operator's pages of the exchange: all systems, and one of them with everything that can be done about it."""

from collections.abc import Callable
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from wtforms.fields.choices import SelectChoice

from directory.access import is_instance_admin
from directory.actor import Actor
from docex.exchange import steering_conventions as steering
from docex.exchange.hub.operators import connection_test, connections, dead_letters, interventions
from docex.exchange.hub.operators.dead_letters import Tried
from docex.exchange.hub.operators.forms import ConventionForm
from docex.exchange.hub.states import ParcelState
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid, WrongState
from kernel.text import Phrase, phrase

routes = Routes("hub_pages")

TONES = {"waiting": "waiting", "fetched": "good", "expired": "bad", "withdrawn": "plain"}
WORDS = {
    ParcelState.WAITING: phrase("Đang chờ"),
    ParcelState.FETCHED: phrase("Đã lấy"),
    ParcelState.EXPIRED: phrase("Quá hạn"),
    ParcelState.WITHDRAWN: phrase("Đã rút về"),
}


@routes.get("/admin/exchange")
def exchange(tx: Tx, actor: Actor) -> Response:
    """How the systems of the agencies are doing."""
    context = {"endpoints": connections.connections(tx, actor), "stopped": dead_letters.count(tx, actor)}
    return make_response(render_template("hub/exchange.html", **context))


@routes.get("/admin/exchange/stopped")
def stopped(tx: Tx, actor: Actor) -> Response:
    """The dead letters by partner."""
    return _stopped(tx, actor)


@routes.post("/admin/exchange/stopped/<int:job_id>/again")
def again(tx: Tx, actor: Actor, job_id: int) -> Response:
    """Try one of it again."""
    return _again(tx, actor, f"again-{job_id}", lambda reason: dead_letters.again(tx, actor, job_id, reason))


@routes.post("/admin/exchange/stopped/partners/<partner>/again")
def all_again(tx: Tx, actor: Actor, partner: str) -> Response:
    """Try all of one partner again."""
    return _again(tx, actor, f"all-{partner}", lambda reason: dead_letters.all_again(tx, actor, partner, reason))


def _stopped(tx: Tx, actor: Actor, errors: dict[str, Phrase] | None = None, asked: str = "") -> Response:
    found = dead_letters.groups(tx, actor)
    context = {"groups": found, "looked_at": sum(one.count for one in found), "count": dead_letters.count(tx, actor)}
    typed = request.form.get("reason", "")
    page = render_template("hub/stopped.html", typed=typed, errors=errors or {}, asked=asked, **context)
    return make_response(page, 422 if errors else 200)


def _again(tx: Tx, actor: Actor, asked: str, act: Callable[[str], Tried]) -> Response:
    try:
        tried = act(request.form.get("reason", ""))
    except Invalid as refusal:
        return _stopped(tx, actor, refusal.fields, asked)
    for message, tone in dead_letters.told(tried):
        flash(message.in_locale(actor.locale), tone)
    return make_response(redirect(url_for("hub_pages.stopped"), 303))


@routes.get("/admin/exchange/conventions")
def conventions(tx: Tx, actor: Actor) -> Response:
    """How agencies' software numbers what directs and what reports."""
    asked = request.args.get("agency_id", "")
    return _conventions(tx, actor, ConventionForm(agency_id=asked or str(actor.agency_id)))


@routes.post("/admin/exchange/conventions")
def choose_convention(tx: Tx, actor: Actor) -> Response:
    """Say it for one agency and those below it."""
    form = ConventionForm(request.form)
    agency = form.agency_id.data or ""
    agency_id = int(agency) if agency.isascii() and agency.isdigit() and len(agency) < 10 else 0
    try:
        steering.choose(tx, actor, agency_id, form.steering_first.data or "")
    except Invalid as refusal:
        return _conventions(tx, actor, form, refusal.fields)
    flash(phrase("Đã lưu cách đánh số.").in_locale(actor.locale), "good")
    return make_response(redirect(url_for("hub_pages.conventions"), 303))


def _conventions(tx: Tx, actor: Actor, form: ConventionForm, errors: dict[str, Phrase] | None = None) -> Response:
    form.agency_id.choices = [SelectChoice(*one) for one in steering.choice(tx, actor)]
    context = {"chosen": steering.chosen(tx, actor), "form": form, "errors": errors or {}}
    return make_response(render_template("hub/conventions.html", **context), 422 if errors else 200)


@routes.get("/admin/exchange/<int:agency_id>")
def endpoint(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """One agency's system: how it is doing, what lies in its mailbox, what can be done."""
    return _page(tx, actor, agency_id)


def _page(
    tx: Tx,
    actor: Actor,
    agency_id: int,
    errors: dict[str, Phrase] | None = None,
    asked: str = "",
    late: Phrase | None = None,
) -> Response:
    one = connections.connection(tx, actor, agency_id)
    systems = connections.systems(tx, agency_id)
    state, below = _place()
    leaf = connections.parcels(tx, agency_id, state, below)
    context: dict[str, Any] = {
        "one": one,
        "systems": systems,
        "findings": connection_test.findings(one, systems),
        "troubles": connections.troubles(tx, agency_id),
        "leaf": leaf,
        "place": _said_place(),
        "filters": _filters(agency_id, leaf.counts, state),
        "may_act": is_instance_admin(tx, actor),
        "words": WORDS,
        "tones": TONES,
        "errors": errors or {},
        "asked": asked,
        "typed": request.form.get("reason", ""),
        "late": late,
    }
    template = "hub/_live.html" if request.args.get("fragment") else "hub/endpoint.html"
    return make_response(render_template(template, **context), 422 if errors else 409 if late else 200)


def _place() -> tuple[ParcelState | None, int]:
    """Where in the mailbox the operator is: what they narrowed it to, and below which number. Acts carry it along."""
    state, below = request.args.get("state", ""), request.args.get("below", "")
    number = int(below) if below.isascii() and below.isdecimal() and len(below) < 19 else 0
    return ParcelState(state) if state in set(ParcelState) else None, number


def _said_place() -> dict[str, Any]:
    """The same for an address, without what goes without saying."""
    state, below = _place()
    return ({"state": state.value} if state else {}) | ({"below": below} if below else {})


def _filters(
    agency_id: int, counts: dict[ParcelState, int], chosen: ParcelState | None
) -> list[tuple[Phrase, str, bool, int | None]]:
    """Links for ui.filters: all, then each state with its count."""

    def at(state: ParcelState | None) -> str:
        value = state.value if state else None
        return url_for("hub_pages.endpoint", agency_id=agency_id, state=value, _anchor="parcels")

    each = [(word, at(state), state is chosen, counts.get(state, 0)) for state, word in WORDS.items()]
    return [(phrase("Tất cả"), at(None), chosen is None, None), *each]


@routes.post("/admin/exchange/<int:agency_id>/test")
def test_connection(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Call the webhooks now; the page says the rest."""
    count = interventions.test_connection(tx, actor, agency_id)
    message = phrase("Đã kiểm tra. Kết quả ở ngay dưới đây.")
    if count:
        message = phrase("Đang gọi thử địa chỉ nhận tin báo; kết quả hiện ở đây sau ít giây.")
    return _back(actor, agency_id, message)


@routes.post("/admin/exchange/<int:agency_id>/hold")
def hold(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Give out nothing for now, with a reason."""

    def act(reason: str) -> Phrase:
        interventions.hold(tx, actor, agency_id, reason)
        return phrase("Đã tạm giữ hộp nhận.")

    return _with_reason(tx, actor, agency_id, "hold", act)


@routes.post("/admin/exchange/<int:agency_id>/release")
def release(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Give out again."""
    interventions.release(tx, actor, agency_id)
    return _back(actor, agency_id, phrase("Đã mở lại hộp nhận."))


@routes.post("/admin/exchange/<int:agency_id>/requeue")
def requeue(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Lay what expired into the mailbox anew."""

    def act(reason: str) -> Phrase:
        count = interventions.requeue_expired(tx, actor, agency_id, reason)
        return phrase("Đã đặt lại {count} văn bản quá hạn vào hộp nhận.", count=count)

    return _with_reason(tx, actor, agency_id, "requeue", act)


@routes.post("/admin/exchange/<int:agency_id>/parcels/<int:parcel_id>/resend")
def resend(tx: Tx, actor: Actor, agency_id: int, parcel_id: int) -> Response:
    """Lay one document out anew."""

    def act(reason: str) -> Phrase:
        interventions.resend(tx, actor, agency_id, parcel_id, reason)
        return phrase("Đã đặt lại văn bản vào hộp nhận.")

    return _with_reason(tx, actor, agency_id, f"resend-{parcel_id}", act, parcel_id)


@routes.post("/admin/exchange/<int:agency_id>/parcels/<int:parcel_id>/withdraw")
def withdraw(tx: Tx, actor: Actor, agency_id: int, parcel_id: int) -> Response:
    """Take one document back for its sender."""

    def act(reason: str) -> Phrase:
        interventions.withdraw(tx, actor, agency_id, parcel_id, reason)
        return phrase("Đã rút văn bản về; nơi gửi được báo.")

    return _with_reason(tx, actor, agency_id, f"withdraw-{parcel_id}", act, parcel_id)


@routes.post("/admin/exchange/<int:agency_id>/webhooks/<int:hook_id>/again")
def call_again(tx: Tx, actor: Actor, agency_id: int, hook_id: int) -> Response:
    """Call a webhook again that was left alone."""
    interventions.close_circuit(tx, actor, agency_id, hook_id)
    return _back(actor, agency_id, phrase("Trục sẽ gọi lại địa chỉ này ngay khi có tin."))


def _with_reason(
    tx: Tx, actor: Actor, agency_id: int, asked: str, act: Callable[[str], Phrase], parcel_id: int = 0
) -> Response:
    """Do what needs a reason and tell what was done. A reason that is none is asked for again where it was typed; one
    that came too late stays on the page."""
    try:
        message = act(request.form.get("reason", ""))
    except Invalid as refusal:
        return _page(tx, actor, agency_id, refusal.fields, asked)
    except WrongState as late:
        return _page(tx, actor, agency_id, late=_about(tx, agency_id, parcel_id, late.message))
    return _back(actor, agency_id, message, "" if asked == "hold" else "parcels")


def _about(tx: Tx, agency_id: int, parcel_id: int, message: Phrase) -> Phrase:
    """A sentence with the document that it is about: the page shows many."""
    code = connections.code_of(tx, agency_id, parcel_id)
    return phrase("{code}: {said}", code=code, said=message) if code else message


def _back(actor: Actor, agency_id: int, message: Phrase, anchor: str = "") -> Response:
    flash(message.in_locale(actor.locale), "good")
    place = _said_place() | ({"_anchor": anchor} if anchor else {})
    return make_response(redirect(url_for("hub_pages.endpoint", agency_id=agency_id, **place), 303))
