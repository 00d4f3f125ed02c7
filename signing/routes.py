"""The administrators' doors: the trust store, who may sign for whom, whose the certificates on devices are."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for

from directory import account, secondstep
from directory.access import require_instance_admin
from directory.actor import Actor
from directory.routes.desk import visit
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.forms import ConfirmForm, DelegationForm, FileForm, RootForm
from signing.remote_signing import delegation, device_certificates
from signing.trust import admin_pages, anchors, revocation
from signing.trust.known_authorities import known

routes = Routes("signing")

Errors = Mapping[str, Phrase]
MAX_BYTES = 30_000_000


@routes.get("/admin/trust")
def trust(tx: Tx, actor: Actor) -> Response:
    """Whom this instance trusts, what waits for a second person, how fresh revocation is."""
    return _store(tx, actor)


def _store(tx: Tx, actor: Actor, errors: Errors | None = None, asked: str = "") -> Response:
    store = admin_pages.trust_page(tx, actor, soft_window())
    return _page("trust", errors, store=store, asked=asked, typed=request.form.get("reason", ""), form=FileForm())


@routes.get("/admin/trust/roots/new")
def new_root(tx: Tx, actor: Actor) -> Response:
    """An empty proposal; `?known=` is the fingerprint of the authority that is meant."""
    require_instance_admin(tx, actor)
    return _new_root(RootForm(), request.args.get("known", ""))


def _new_root(form: RootForm, wanted: str, errors: Errors | None = None) -> Response:
    meant = known(wanted)
    return _page("trust_new", errors, form=form, meant=meant, meant_fingerprint=admin_pages.spaced(wanted))


@routes.post("/admin/trust/roots/new")
def propose_root(tx: Tx, actor: Actor) -> Response:
    """Ask that a root be trusted."""
    form, trial = RootForm(request.form), config().mode == "demo"
    try:
        change = anchors.propose(tx, actor, _file(), form.wanted(), form.reason.data or "", allow_test=trial)
    except Invalid as refusal:
        return _new_root(form, request.form.get("known", ""), refusal.fields)
    said = phrase("Đã ghi đề nghị. Một quản trị viên khác cần đối chiếu dấu vân tay và xác nhận.")
    return _done(actor, said, "signing.change", change_id=change.id)


@routes.post("/admin/trust/roots/<sha256>/remove")
def propose_removal(tx: Tx, actor: Actor, sha256: str) -> Response:
    """Ask that a root be trusted no longer."""
    try:
        change = anchors.propose_removal(tx, actor, sha256, request.form.get("reason", ""))
    except Invalid as refusal:
        return _store(tx, actor, refusal.fields, f"remove-{sha256[:16]}")
    said = phrase("Đã ghi đề nghị. Chứng thư gốc vẫn được tin cậy cho tới khi một quản trị viên khác xác nhận.")
    return _done(actor, said, "signing.change", change_id=change.id)


@routes.get("/admin/trust/changes/<int:change_id>")
def change(tx: Tx, actor: Actor, change_id: int) -> Response:
    """A proposal, for both people; the fingerprint only for whoever made it."""
    return _change(tx, actor, change_id)


def _change(tx: Tx, actor: Actor, change_id: int, errors: Errors | None = None) -> Response:
    card = admin_pages.change_page(tx, actor, change_id)
    return _page("trust_change", errors, change=card, form=ConfirmForm(request.form), typed=request.form)


@routes.post("/admin/trust/changes/<int:change_id>/confirm")
def confirm(tx: Tx, actor: Actor, change_id: int) -> Response:
    """The second person agrees: it takes effect."""
    try:
        done = anchors.confirm(tx, actor, change_id, request.form.get("fingerprint", ""))
    except Invalid as refusal:
        return _change(tx, actor, change_id, refusal.fields)
    revocation.want_for_store(tx)
    return _done(actor, phrase("Đã xác nhận: {label}.", label=done.label), "signing.trust")


@routes.post("/admin/trust/changes/<int:change_id>/refuse")
def refuse(tx: Tx, actor: Actor, change_id: int) -> Response:
    """The second person does not agree."""
    try:
        anchors.refuse(tx, actor, change_id, request.form.get("reason", ""))
    except Invalid as refusal:
        return _change(tx, actor, change_id, refusal.fields)
    return _done(actor, phrase("Đã ghi ý kiến không đồng ý."), "signing.trust")


@routes.post("/admin/trust/changes/<int:change_id>/withdraw")
def withdraw(tx: Tx, actor: Actor, change_id: int) -> Response:
    """Whoever proposed it takes it back."""
    anchors.withdraw(tx, actor, change_id)
    return _done(actor, phrase("Đã rút lại đề nghị."), "signing.trust")


@routes.get("/admin/trust/intermediates/new")
def new_intermediate(tx: Tx, actor: Actor) -> Response:
    """Where the certificate of an issuing authority is brought."""
    require_instance_admin(tx, actor)
    return _page("trust_intermediate", form=FileForm())


@routes.post("/admin/trust/intermediates/new")
def add_intermediate(tx: Tx, actor: Actor) -> Response:
    """Keep the certificate of an issuing authority."""
    try:
        row = anchors.add_intermediate(tx, actor, _file())
    except Invalid as refusal:
        return _page("trust_intermediate", refusal.fields, form=FileForm())
    revocation.want_for_store(tx)
    return _done(actor, phrase("Đã nạp: {label}.", label=row.label), "signing.trust")


@routes.post("/admin/trust/intermediates/<sha256>/remove")
def remove_intermediate(tx: Tx, actor: Actor, sha256: str) -> Response:
    """Keep it no longer."""
    anchors.remove_intermediate(tx, actor, sha256)
    return _done(actor, phrase("Đã gỡ chứng thư trung gian."), "signing.trust")


@routes.get("/admin/trust/lists/new")
def new_list(tx: Tx, actor: Actor) -> Response:
    """Where a revocation list is brought by hand."""
    require_instance_admin(tx, actor)
    return _page("trust_list", form=FileForm())


@routes.post("/admin/trust/lists/new")
def add_list(tx: Tx, actor: Actor) -> Response:
    """Keep a revocation list that somebody brings."""
    try:
        row = revocation.add_list(tx, actor, _file("list"))
    except Invalid as refusal:
        return _page("trust_list", refusal.fields, form=FileForm())
    return _done(actor, phrase("Đã nạp danh sách thu hồi của {label}.", label=row.issuer_name), "signing.trust")


@routes.post("/admin/trust/sources/<int:source_id>/ask")
def ask_now(tx: Tx, actor: Actor, source_id: int) -> Response:
    """Have an authority asked now."""
    revocation.ask_now(tx, actor, source_id)
    return _done(actor, phrase("Đang hỏi. Kết quả hiện ở đây sau ít giây."), "signing.trust")


@routes.get("/admin/delegations")
def delegations(tx: Tx, actor: Actor) -> Response:
    """Who may sign for whom, and the form of another."""
    return _delegations(tx, actor, DelegationForm(since_on=clock.today()))


def _delegations(tx: Tx, actor: Actor, form: DelegationForm, errors: Errors | None = None, asked: int = 0) -> Response:
    form.offer(delegation.delegates(tx, actor))
    rows = delegation.listed(tx, actor)
    return _page("delegations", errors, rows=rows, form=form, asked=asked, typed=request.form.get("reason", ""))


@routes.post("/admin/delegations")
def delegate(tx: Tx, actor: Actor) -> Response:
    """Write down what a decision says."""
    form = DelegationForm(request.form)
    try:
        delegation.record(tx, actor, form.wanted())
    except Invalid as refusal:
        return _delegations(tx, actor, form, refusal.fields)
    return _done(actor, phrase("Đã ghi nhận ủy quyền ký."), "signing.delegations")


@routes.post("/admin/delegations/<int:delegation_id>/end")
def end_delegation(tx: Tx, actor: Actor, delegation_id: int) -> Response:
    """It holds no longer."""
    try:
        delegation.end(tx, actor, delegation_id, request.form.get("reason", ""))
    except Invalid as refusal:
        return _delegations(tx, actor, DelegationForm(), refusal.fields, delegation_id)
    return _done(actor, phrase("Đã kết thúc ủy quyền ký."), "signing.delegations")


@routes.get("/account/certificates")
def own_certificates(tx: Tx, actor: Actor) -> Response:
    """The certificates on one's own devices."""
    return _own_certificates(tx, actor)


def _own_certificates(tx: Tx, actor: Actor, errors: Errors | None = None, asked: str = "") -> Response:
    person = account.own(tx, actor)
    needs = {"password": bool(person.password_hash), "code": bool(person.totp_secret)}
    return _page("certificates", errors, rows=device_certificates.own(tx, actor), asked=asked, needs=needs)


@routes.post("/account/certificates/<sha256>/unbind")
def unbind_own_certificate(tx: Tx, actor: Actor, sha256: str) -> Response:
    """Let go of one, with the password and the second step once more."""
    password, code = request.form.get("password", ""), request.form.get("code", "")
    errors = device_certificates.unbind_own(tx, actor, sha256, password, code, visit(), secondstep.safe_of(config()))
    if errors:
        return _own_certificates(tx, actor, errors, sha256)
    return _done(actor, device_certificates.UNBOUND, "signing.own_certificates")


@routes.get("/admin/certificates")
def certificates(tx: Tx, actor: Actor) -> Response:
    """The certificates on the devices of the agency's people."""
    return _certificates(tx, actor)


def _certificates(tx: Tx, actor: Actor, errors: Errors | None = None, asked: str = "") -> Response:
    q = request.args.get("q", "")[:100]
    rows, more = device_certificates.listed(tx, actor, q)
    typed = request.form.get("reason", "")
    return _page(
        "certificates_admin",
        errors,
        rows=rows,
        more=more,
        q=q,
        asked=asked,
        typed=typed,
        most=device_certificates.MAX_ROWS,
    )


@routes.post("/admin/certificates/<sha256>/unbind")
def unbind_certificate(tx: Tx, actor: Actor, sha256: str) -> Response:
    """Let go of one for somebody else."""
    try:
        device_certificates.unbind(tx, actor, sha256, request.form.get("reason", ""))
    except Invalid as refusal:
        return _certificates(tx, actor, refusal.fields, sha256)
    return _done(actor, device_certificates.UNBOUND, "signing.certificates")


def config() -> Config:
    """The settings of this process."""
    found: Config = current_app.extensions["lienthong"].config
    return found


def soft_window() -> timedelta:
    """How long an answer about revocation outlives its end."""
    return timedelta(hours=config().revocation_soft_hours)


def _file(name: str = "certificate") -> bytes:
    """What was chosen; nothing when it is larger than any certificate or list."""
    given = request.files.get(name)
    data = given.stream.read(MAX_BYTES + 1) if given else b""
    return data if len(data) <= MAX_BYTES else b""


def _page(template: str, errors: Errors | None = None, **context: Any) -> Response:
    html = render_template(f"signing/{template}.html", errors=errors or {}, **context)
    return make_response(html, 422 if errors else 200)


def _done(actor: Actor, said: Phrase, endpoint: str, **values: Any) -> Response:
    flash(said.in_locale(actor.locale), "good")
    return make_response(redirect(url_for(endpoint, **values), 303))
