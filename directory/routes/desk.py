"""What the views of this room share: the room's endpoints, its pages and its cookies."""

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for

from directory import signin
from directory.actor import Actor
from directory.attempts import DEVICE_COOKIE, Limits
from kernel.catalogue import LOCALES
from kernel.config import Config
from kernel.endpoints import Routes
from kernel.text import Phrase

routes = Routes("directory")

LOCALE_COOKIE = "lt_locale"
"""The reader's language in this browser, as web/locale.py reads it."""

Errors = Mapping[str, Phrase]


def config() -> Config:
    """The settings of this process."""
    found: Config = current_app.extensions["lienthong"].config
    return found


def visit() -> signin.Visit:
    """From where this request comes."""
    browser = request.headers.get("User-Agent", "")
    limits = Limits.of(config())
    known = request.cookies.get(DEVICE_COOKIE, "")
    return signin.Visit(request.remote_addr or "", browser, config().session_hours, limits, known)


def page(template: str, errors: Errors | None = None, **context: Any) -> Response:
    """A page of this room; with errors it is a refusal, and the transaction is rolled back."""
    html = render_template(f"directory/{template}.html", errors=errors or {}, **context)
    return make_response(html, 422 if errors else 200)


def done(actor: Actor | None, said: Phrase | None, endpoint: str, **values: Any) -> Response:
    """Go on to a page, which says what was done."""
    if said is not None:
        chosen = request.cookies.get(LOCALE_COOKIE, "")  # before anybody has signed in
        locale = actor.locale if actor else chosen if chosen in LOCALES else "vi"
        flash(said.in_locale(locale), "good")
    return make_response(redirect(url_for(endpoint, **values)))


def late(response: Response) -> Response:
    """For a form that somebody else's save has overtaken."""
    response.status_code = 409
    return response


def once(response: Response) -> Response:
    """For a page that shows a secret: no copy stays in the browser's history."""
    response.headers["Cache-Control"] = "no-store"
    return response


def keep(response: Response, name: str, value: str, seconds: int | None = None) -> Response:
    """Give the browser a cookie that scripts and other sites do not get."""
    secure = config().base_url.startswith("https:")
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=secure, path="/")
    return response


def number(name: str, default: int = 0) -> int:
    """A number from the address or the form; `default` for anything else."""
    text = request.values.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default
