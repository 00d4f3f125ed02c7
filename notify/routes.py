"""The endpoints of this room: one-tap links, the provider's reports, and the mailbox page of the demo."""

from typing import Any

from flask import Response, current_app, make_response, redirect, render_template, request, url_for

from directory.actor import Actor
from kernel.config import Config
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid, NotFound
from kernel.forms import whole_number
from notify import links, queries, receipts

routes = Routes("notify")
_TOKEN = "the token in the address is the proof; it opens one act of one person"  # noqa: S105 - a sentence
_SIGNED = "Twilio signs its reports; the signature is checked against the configured address"
PAGE = 50


def _config() -> Config:
    config: Config = current_app.extensions["lienthong"].config
    return config


@routes.open_get("/l/<token>", reason=_TOKEN)
def link(tx: Tx, actor: Actor | None, token: str) -> Response:
    """What the link is for, with a button. Opening it changes nothing: mail scanners open everything."""
    found = links.find(tx, token, _config().signing_secret())
    if found is None or not found.live:
        return _link_gone(tx, found)
    return _link_page(tx, found.link, token)


@routes.open_get("/l/<token>/calendar.ics", reason=_TOKEN)
def link_calendar(tx: Tx, actor: Actor | None, token: str) -> Response:
    """What the link's page offers to a calendar, as a file."""
    found = links.find(tx, token, _config().signing_secret())
    if found is None or not found.live:
        return _link_gone(tx, found)
    return _private(calendar_file(links.purposes[found.link.purpose].calendar(tx, found.link)))


def calendar_file(ics: str) -> Response:
    """A calendar object as a file that phones and desktops open with their calendar."""
    response = make_response(ics)
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="lich-hop.ics"'
    return response


@routes.open_post("/l/<token>", reason=_TOKEN, csrf=False)
def press(tx: Tx, actor: Actor | None, token: str) -> Response:
    """The button. Pressing it again changes nothing."""
    found = links.find(tx, token, _config().signing_secret())
    if found is None or not found.live:
        return _link_gone(tx, found)
    tx.by = f"link:{found.link.person_id or 0}"  # whoever else is signed in on this browser
    try:
        links.act(tx, found.link, request.form)
    except Invalid as error:
        return _link_page(tx, found.link, token, error)
    return _private(make_response(redirect(url_for("notify.link", token=token), 303)))


def _link_page(tx: Tx, row: Any, token: str, error: Invalid | None = None) -> Response:
    page = links.purposes[row.purpose].page(tx, row)
    typed = request.form if error else {}
    body = render_template(
        page.template,
        page=page,
        post_url=url_for("notify.press", token=token),
        calendar_url=url_for("notify.link_calendar", token=token),
        errors=error.fields if error else {},
        typed=typed,
        **page.context,
    )
    return _private(make_response(body, error.status if error else 200))


def _link_gone(tx: Tx, found: links.Found | None) -> Response:
    purpose = links.purposes.get(found.link.purpose) if found else None
    gone = purpose.gone(tx, found.link) if purpose and found else None
    body = render_template("notify/link_gone.html", known=found is not None, gone=gone)
    return _private(make_response(body, 410 if found else 404))


def _private(response: Response) -> Response:
    """The address is a key: it goes into no cache and no Referer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@routes.open_post("/notify/twilio/<int:message_id>", reason=_SIGNED, csrf=False)
def twilio_report(tx: Tx, actor: Actor | None, message_id: int) -> Any:
    """What became of an SMS, as Twilio reports it."""
    receipts.check_signature(_config(), message_id, request.form, request.headers.get("X-Twilio-Signature", ""))
    receipts.take_receipt(tx, message_id, request.form)
    return "", 204


@routes.get("/mailbox")
def mailbox(tx: Tx, actor: Actor) -> str:
    """Every message, newest first; only in the demo, where nothing leaves the house."""
    _demo_only()
    channel, before = request.args.get("channel", ""), whole_number(request.args.get("before", ""))
    lines = queries.mailbox(tx, channel=channel, address=request.args.get("to", ""), before_id=before, limit=PAGE + 1)
    older = lines[PAGE - 1].id if len(lines) > PAGE else None
    return render_template("notify/mailbox.html", lines=lines[:PAGE], channel=channel, older=older)


@routes.get("/mailbox/<int:message_id>")
def letter(tx: Tx, actor: Actor, message_id: int) -> str:
    """One message as it was handed over."""
    _demo_only()
    return render_template("notify/letter.html", letter=queries.message(tx, _config(), message_id))


@routes.get("/mailbox/<int:message_id>/html")
def letter_html(tx: Tx, actor: Actor, message_id: int) -> Response:
    """The HTML of an e-mail for a sandboxed frame; its links open in a new window."""
    _demo_only()
    html = queries.message(tx, _config(), message_id).html
    response = make_response(html.replace("<head>", '<head><base target="_blank">', 1))
    response.headers["Content-Security-Policy"] = (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        "frame-ancestors 'self'"
    )
    return response


@routes.get("/mailbox/<int:message_id>/invite.ics")
def letter_calendar(tx: Tx, actor: Actor, message_id: int) -> Response:
    """The calendar request of an e-mail as a file."""
    _demo_only()
    view = queries.message(tx, _config(), message_id)
    if not view.calendar:
        raise NotFound()
    response = make_response(view.calendar)
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="invite.ics"'
    return response


def _demo_only() -> None:
    if _config().mode != "demo":
        raise NotFound()
