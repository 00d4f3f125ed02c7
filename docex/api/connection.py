"""The endpoints with which a system tries its connection and says where it wants to be told."""

from flask import Response, current_app, jsonify

from directory import codeforms
from directory import queries as directory
from directory.actor import Actor
from docex.api.hub import RECEIVE, routes, their_time
from docex.api.hub_models import (
    ConnectionShown,
    WebhookMade,
    WebhookShown,
    WebhookWanted,
)
from docex.exchange.hub import mailbox
from docex.exchange.hub.webhooks import subscriptions
from kernel import clock
from kernel.db import Tx
from kernel.text import phrase


@routes.api(
    "GET",
    "/api/v1/connection",
    scope=RECEIVE,
    title=phrase("Thử kết nối"),
    answers={200: ConnectionShown},
)
def connection(tx: Tx, actor: Actor) -> Response:
    """Whether credential, clock and mailbox are as they should be, before anything is sent or fetched."""
    agency, (waiting, held) = directory.agency(tx, actor.agency_id), mailbox.state_of(tx, actor.agency_id)
    now, theirs = clock.now(), their_time()
    return jsonify(
        agency={"code": codeforms.code_of(agency, actor.code_form), "name": agency.name},
        system=actor.name,
        scopes=sorted(actor.scopes),
        now=now.isoformat(),
        clock_off_s=round((theirs - now).total_seconds()) if theirs else None,
        waiting=waiting,
        held=held,
    )


@routes.api(
    "PUT",
    "/api/v1/webhook",
    scope=RECEIVE,
    takes=WebhookWanted,
    title=phrase("Đặt địa chỉ nhận tin báo"),
    answers={200: WebhookMade},
)
def set_webhook(tx: Tx, actor: Actor, given: WebhookWanted) -> Response:
    """Have this system told when there is something for it: ids only, signed. A new secret each time. What waits
    already is hinted at, and what came before the agency had a mailbox is brought."""
    config = current_app.extensions["lienthong"].config
    safe = subscriptions.safe_of(config)
    row, secret = subscriptions.subscribe(tx, actor, given.url, safe, anywhere=config.webhooks_anywhere)
    mailbox.bring_left(tx, actor.agency_id)
    return jsonify(url=row.url, secret=secret)


@routes.api(
    "GET", "/api/v1/webhook", scope=RECEIVE, title=phrase("Xem địa chỉ nhận tin báo"), answers={200: WebhookShown}
)
def webhook(tx: Tx, actor: Actor) -> Response:
    """Where this system is told, and whether that works."""
    row = subscriptions.subscription_of(tx, actor)
    times = {"paused_until": row.open_until, "arrived_at": row.arrived_at}
    told = {name: at.isoformat() if at else None for name, at in times.items()}
    return jsonify(url=row.url, failures=row.failures, problem=row.problem, **told)


@routes.api("DELETE", "/api/v1/webhook", scope=RECEIVE, title=phrase("Bỏ địa chỉ nhận tin báo"), answers={204: None})
def remove_webhook(tx: Tx, actor: Actor) -> tuple[str, int]:
    """Tell this system nothing any more."""
    subscriptions.unsubscribe(tx, actor)
    return "", 204
