"""One's own account."""

from typing import Any

from flask import Response, request

from directory import account as own
from directory import queries, secondstep, signin
from directory.actor import Actor, Role
from directory.forms import CodeForm, LanguageForm, NewPasswordForm
from directory.routes.desk import LOCALE_COOKIE, Errors, config, done, keep, number, once, page, routes, visit
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import Phrase, phrase


@routes.get("/account")
def account(tx: Tx, actor: Actor) -> Response:
    """One's own language, password, second step and sessions."""
    return _account(tx, actor)


def _account(tx: Tx, actor: Actor, errors: Errors | None = None, **forms: Any) -> Response:
    account = own.own_account(tx, actor)
    context = {
        "account": account,
        "card": queries.person(tx, account.person_id),
        "places": own.agencies_of(tx, actor),
        "roles": [role.label for role in Role if role in actor.roles],
        "sessions": signin.sessions_of(tx, actor),
        "codes_left": secondstep.recovery_codes_left(tx, account.person_id),
        "language": LanguageForm(locale=account.locale),
        "passwords": NewPasswordForm(),
        "section": "",
    }
    return page("account", errors, **{**context, **forms})


@routes.post("/account/language")
def speak(tx: Tx, actor: Actor) -> Response:
    """Choose the language of pages and messages."""
    form = LanguageForm(request.form)
    try:
        own.speak(tx, actor, form.locale.data or "")
    except Invalid as refusal:
        return _account(tx, actor, refusal.fields, language=form, section="language")
    response = done(None, None, "directory.account")
    return keep(response, LOCALE_COOKIE, form.locale.data, 365 * 24 * 3600)


@routes.post("/account/password")
def change_password(tx: Tx, actor: Actor) -> Response:
    """Set a new password and end one's other sessions."""
    form = NewPasswordForm(request.form)
    try:
        refusal = own.change_password(tx, actor, form.current.data or "", form.chosen(), visit())
        errors: Errors = {"current": refusal} if refusal else {}
    except Invalid as invalid:
        errors = invalid.fields
    if errors:
        return _account(tx, actor, errors, passwords=form, section="password")
    said = phrase("Đã đổi mật khẩu và kết thúc các phiên khác.")
    return done(actor, said, "directory.account")


@routes.post("/account/agency")
def switch_agency(tx: Tx, actor: Actor) -> Response:
    """Act for another of one's agencies from now on."""
    signin.switch_agency(tx, actor, number("agency_id"))
    return done(actor, phrase("Đã chuyển cơ quan làm việc."), "web.start")


@routes.post("/account/sessions/<int:session_id>/end")
def end_session(tx: Tx, actor: Actor, session_id: int) -> Response:
    """End one of one's sessions."""
    signin.end_session(tx, actor, session_id)
    return done(actor, phrase("Đã kết thúc phiên đăng nhập."), "directory.account")


@routes.post("/account/sessions/end-others")
def end_other_sessions(tx: Tx, actor: Actor) -> Response:
    """Sign out everywhere else."""
    count = signin.end_other_sessions(tx, actor)
    return done(actor, phrase("Đã kết thúc {count} phiên khác.", count=count), "directory.account")


@routes.get("/account/second-step")
def totp_start(tx: Tx, actor: Actor) -> Response:
    """Show the secret to scan."""
    offer = own.start_totp(tx, actor)
    return once(page("totp_start", offer=offer, form=CodeForm(secret=offer.secret)))


@routes.post("/account/second-step")
def enable_totp(tx: Tx, actor: Actor) -> Response:
    """Switch the second step on with its first code, and show the recovery codes once."""
    form = CodeForm(request.form)
    try:
        codes = own.enable_totp(tx, actor, form.secret.data or "", form.code.data or "", secondstep.safe_of(config()))
    except Invalid as refusal:
        offer = own.start_totp(tx, actor, form.secret.data or "")
        return once(page("totp_start", refusal.fields, offer=offer, form=form))
    return once(page("recovery_codes", codes=codes, is_new=True))


@routes.post("/account/second-step/codes")
def renew_recovery_codes(tx: Tx, actor: Actor) -> Response:
    """Show new recovery codes once."""
    codes = own.renew_recovery_codes(tx, actor, request.form.get("password", ""), visit())
    if isinstance(codes, Phrase):
        return _account(tx, actor, {"renew_password": codes}, section="codes")
    return once(page("recovery_codes", codes=codes, is_new=False))


@routes.post("/account/second-step/off")
def disable_totp(tx: Tx, actor: Actor) -> Response:
    """Switch the second step off."""
    refusal = own.disable_totp(tx, actor, request.form.get("password", ""), visit())
    if refusal is not None:
        return _account(tx, actor, {"off_password": refusal}, section="off")
    return done(actor, phrase("Đã tắt xác thực hai bước."), "directory.account")
