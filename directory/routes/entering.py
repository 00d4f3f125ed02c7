"""Coming in: password, second step, single sign-on; and going out."""

import logging

from flask import Response, current_app, make_response, redirect, request, url_for

from directory import demo, identities, oidc, queries, secondstep, signin
from directory.actor import Actor
from directory.attempts import DEVICE_COOKIE, DEVICE_DAYS
from directory.forms import CodeForm, NewPasswordForm, SignInForm
from directory.routes.desk import Errors, config, done, keep, page, routes, visit
from directory.signin import Refused, SignedIn, Step
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.localpaths import own_path

log = logging.getLogger(__name__)

_ENTERING = "people come here to sign in"
_STEPS = {Step.TOTP: "directory.totp_page", Step.NEW_PASSWORD: "directory.first_password_page"}


@routes.open_get("/sign-in", reason=_ENTERING)
def sign_in_page(tx: Tx, actor: Actor | None) -> Response:
    """Ask for name and password; who is in already goes on."""
    target = own_path(request.args.get("next", "/"))
    if actor is not None and actor.kind == "person":
        return make_response(redirect(target))
    return _sign_in_page(tx, SignInForm(), target)


def _sign_in_page(tx: Tx, form: SignInForm, target: str, errors: Errors | None = None) -> Response:
    cast = queries.people_for_choice(tx) if config().mode == "demo" else []
    known = {demo.email_of(mailbox): place for place, mailbox in enumerate(demo.CAST)}
    cast = sorted((p for p in cast if p.email in known), key=lambda p: known[p.email])
    return page("sign_in", errors, form=form, next=target, cast=cast, password=demo.PASSWORD, sso=oidc.is_on(config()))


@routes.open_post("/sign-in", reason="carries the password")
def sign_in(tx: Tx, actor: Actor | None) -> Response:
    """Check name and password."""
    form, target = SignInForm(request.form), request.form.get("next", "/")
    answer = signin.sign_in(tx, form.name.data or "", form.password.data or "", visit())
    if isinstance(answer, Refused):
        return _sign_in_page(tx, form, own_path(target), {"name": answer.message})
    return _entered(answer, target)


@routes.open_get("/sign-in/code", reason=_ENTERING)
def totp_page(tx: Tx, actor: Actor | None) -> Response:
    """Ask for the code of the second step."""
    who = signin.waiting_person(tx, request.cookies.get(signin.COOKIE), Step.TOTP)
    if who is None:
        return done(actor, None, "directory.sign_in_page")
    return page("totp_step", form=CodeForm(), who=who, next=own_path(request.args.get("next", "/")))


@routes.open_post("/sign-in/code", reason="carries the code and the half-done session")
def answer_totp(tx: Tx, actor: Actor | None) -> Response:
    """Check the code of the second step."""
    form, token = CodeForm(request.form), request.cookies.get(signin.COOKIE)
    target = own_path(request.form.get("next", "/"))
    answer = signin.answer_totp(tx, token, form.code.data or "", visit(), secondstep.safe_of(config()))
    if isinstance(answer, Refused):
        who = signin.waiting_person(tx, token, Step.TOTP)
        if who is None:
            return _sign_in_page(tx, SignInForm(), target, {"": answer.message})
        return page("totp_step", {"code": answer.message}, form=form, who=who, next=target)
    return _entered(answer, target)


@routes.open_get("/sign-in/new-password", reason=_ENTERING)
def first_password_page(tx: Tx, actor: Actor | None) -> Response:
    """Ask for one's own password in place of a temporary one."""
    who = signin.waiting_person(tx, request.cookies.get(signin.COOKIE), Step.NEW_PASSWORD)
    if who is None:
        return done(actor, None, "directory.sign_in_page")
    return page("first_password", form=NewPasswordForm(), who=who, next=own_path(request.args.get("next", "/")))


@routes.open_post("/sign-in/new-password", reason="carries the half-done session")
def set_first_password(tx: Tx, actor: Actor | None) -> Response:
    """Replace a temporary password."""
    form, token = NewPasswordForm(request.form), request.cookies.get(signin.COOKIE)
    target = own_path(request.form.get("next", "/"))
    try:
        answer = signin.replace_temporary_password(tx, token, form.chosen(), visit())
        errors = {"new": answer.message} if isinstance(answer, Refused) else {}
    except Invalid as refusal:
        answer, errors = Refused(refusal.message), refusal.fields
    if isinstance(answer, Refused):
        who = signin.waiting_person(tx, token, Step.NEW_PASSWORD)
        return page("first_password", errors, form=form, who=who, next=target)
    return _entered(answer, target)


@routes.open_get("/sign-in/sso", reason=_ENTERING)
def depart(tx: Tx, actor: Actor | None) -> Response:
    """Go to the issuer of identities."""
    if not oidc.is_on(config()):
        raise NotFound()
    tx.release()  # the issuer may be slow: the connection goes back meanwhile
    going = oidc.depart(config(), own_path(request.args.get("next", "/")))
    return keep(make_response(redirect(going.url)), oidc.COOKIE, going.cookie, oidc.TRIP_S)


@routes.open_get(oidc.CALLBACK, reason="carries the issuer's answer, bound to this browser by a signed cookie")
def arrive(tx: Tx, actor: Actor | None) -> Response:
    """Come back from the issuer of identities."""
    if not oidc.is_on(config()):
        raise NotFound()
    tx.release()  # as above
    try:
        who, target = oidc.arrive(config(), request.args.to_dict(), request.cookies.get(oidc.COOKIE))
    except oidc.Untrusted as refusal:
        log.warning("single sign-on: %s", refusal)
        return _sign_in_page(tx, SignInForm(), "/", {"": refusal.message})
    answer = _enter_as(who)
    if isinstance(answer, Refused):
        return _sign_in_page(tx, SignInForm(), "/", {"": answer.message})
    return keep(_entered(answer, target), oidc.COOKIE, "", 0)


def _enter_as(who: oidc.Identity) -> SignedIn | Refused:
    # The endpoint is a GET, as the protocol wants, and reads; what it leads to is written in a transaction of its own.
    with current_app.extensions["lienthong"].db.write() as tx:
        return identities.sign_in_as(tx, who, visit())


@routes.open_post("/sign-out", reason="also an ended session can be left")
def sign_out(tx: Tx, actor: Actor | None) -> Response:
    """End this browser's session."""
    signin.sign_out(tx, request.cookies.get(signin.COOKIE))
    response = done(actor, None, "directory.sign_in_page")
    response.delete_cookie(signin.COOKIE, path="/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _entered(done: SignedIn, target: str) -> Response:
    """Take the token along and go to the next step, or in."""
    where = own_path(target)
    url = url_for(_STEPS[done.step], next=where) if done.step in _STEPS else where
    response = keep(make_response(redirect(url)), signin.COOKIE, done.token)
    if done.device_token:
        keep(response, DEVICE_COOKIE, done.device_token, DEVICE_DAYS * 24 * 3600)
    return response
