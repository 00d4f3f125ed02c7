"""Hints to agencies' systems that there is something to fetch or to look at: ids only, signed, never the guarantee.

Each endpoint has a circuit breaker: after a few failures in a row it is left alone for a while, then one call tries
whether it is well again. A sick endpoint slows nobody else down.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import sqlalchemy as sa

from directory import tokens
from directory.actor import Actor
from directory.models import ApiClient
from docex.hub import calling
from docex.hub.backoff import pause
from docex.hub.models import Webhook
from docex.models import Delivery, Dispatch
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.outbox import Handler, Job

FAILURES_TO_OPEN = 5
USEFUL = timedelta(hours=24)
ARRIVED, CHANGED = "inbox.available", "delivery.changed"


@dataclass(frozen=True)
class Call:
    """One hint to one endpoint."""

    hook_id: int
    url: str
    secret: str
    body: bytes
    timestamp: int


@dataclass(frozen=True)
class Outcome:
    """How a call ended: `refused` is empty when it arrived."""

    hook_id: int
    refused: str


def subscribe(tx: Tx, actor: Actor, url: str, *, anywhere: bool) -> tuple[Webhook, str]:
    """Have this system told at `url`. Answers the secret of the signatures, which is shown this once."""
    calling.check_address(url, anywhere=anywhere)
    row = _of(tx, actor)
    if row is None:
        row = Webhook(client_id=actor.client_id, agency_id=actor.agency_id, made_at=clock.now(), url="", secret="")
        tx.session.add(row)
    row.url, row.secret = url, tokens.fresh()
    row.failures, row.open_until, row.problem = 0, None, ""
    tx.session.flush()
    tx.audit(f"agency:{actor.agency_id}", "hub.webhook_set", f"client:{actor.client_id}", {"url": url})
    return row, row.secret


def unsubscribe(tx: Tx, actor: Actor) -> None:
    """Tell this system nothing any more."""
    row = subscription_of(tx, actor)
    tx.session.delete(row)
    tx.audit(f"agency:{actor.agency_id}", "hub.webhook_removed", f"client:{actor.client_id}", {"url": row.url})


def subscription_of(tx: Tx, actor: Actor) -> Webhook:
    """Where this system wants to be told; NotFound when nowhere."""
    row = _of(tx, actor)
    if row is None:
        raise NotFound()
    return row


def arrived(tx: Tx, parcels: Mapping[int, int]) -> None:
    """Something lies in mailboxes (agency to parcel): hint at it to the systems of these agencies."""
    hooks = sa.select(Webhook.id, Webhook.agency_id).where(Webhook.agency_id.in_(parcels))
    for hook_id, agency_id in tx.session.execute(hooks).all():
        _promise(tx, hook_id, ARRIVED, parcels[agency_id], 0)


def changed(tx: Tx, deliveries: Iterable[Delivery], dispatch: Dispatch) -> None:
    """Deliveries of an envelope have moved on: hint at it to the system that sent it."""
    kind, _, number = dispatch.channel.partition(":")
    if kind != "client" or not number.isdigit():
        return
    hook_id = tx.session.scalar(sa.select(Webhook.id).where(Webhook.client_id == int(number)))
    if hook_id is not None:
        for delivery in deliveries:
            _promise(tx, hook_id, CHANGED, dispatch.id, delivery.rev, delivery.id)


def _promise(tx: Tx, hook_id: int, kind: str, number: int, rev: int, part: int = 0) -> None:
    about = f"{hook_id}:{kind}:{number}:{part}:{rev}"
    payload = {"hook_id": hook_id, "about": about, "type": kind, "id": number, "at": clock.now().isoformat(), "try": 0}
    tx.outbox("hub.webhook", f"{about}#0", payload, expires_at=clock.now() + USEFUL)


def _again(tx: Tx, job: Job, after: timedelta) -> None:
    """The same hint later: a row of its own, so that the pauses are ours and the tries are counted."""
    turn = int(job.payload["try"]) + 1
    payload = {**job.payload, "try": turn}
    due_at = clock.now() + after
    if job.expires_at is None or due_at < job.expires_at:
        key = f"{job.payload['about']}#{turn}"
        tx.outbox("hub.webhook", key, payload, due_at=due_at, expires_at=job.expires_at)


class WebhookHandler(Handler[Call, Outcome]):
    """Call one endpoint. A hint that arrives twice does no harm: the receiver looks at its inbox."""

    topic: ClassVar[str] = "hub.webhook"

    def __init__(self, *, anywhere: bool) -> None:
        self.anywhere = anywhere

    def prepare(self, tx: Tx, job: Job) -> Call | None:
        """What to send; None when nobody wants it any more, or when the endpoint is left alone for now."""
        hook = tx.session.get(Webhook, job.payload["hook_id"])
        client = tx.session.get(ApiClient, hook.client_id) if hook else None
        if hook is None or client is None or client.revoked_at is not None:
            return None
        now = clock.now()
        if hook.open_until is not None and hook.open_until > now:
            _again(tx, job, hook.open_until - now + pause(0))
            return None
        told: dict[str, Any] = {name: job.payload[name] for name in ("type", "id", "at")}
        body = json.dumps({"event": job.payload["about"], **told}).encode()
        return Call(hook.id, hook.url, hook.secret, body, int(now.timestamp()))

    def perform(self, prepared: Call) -> Outcome:
        """Call it."""
        try:
            calling.call(prepared.url, prepared.secret, prepared.timestamp, prepared.body, anywhere=self.anywhere)
        except calling.Refused as refused:
            return Outcome(prepared.hook_id, refused.reason)
        return Outcome(prepared.hook_id, "")

    def conclude(self, tx: Tx, job: Job, result: Outcome) -> None:
        """Count it for the circuit breaker; what did not arrive is tried again later."""
        hook = tx.session.get(Webhook, result.hook_id, with_for_update=True, populate_existing=True)
        if hook is None:
            return
        if not result.refused:
            hook.failures, hook.open_until, hook.problem, hook.arrived_at = 0, None, "", clock.now()
            return
        hook.failures, hook.problem = hook.failures + 1, result.refused
        if hook.failures >= FAILURES_TO_OPEN:
            hook.open_until = clock.now() + pause(hook.failures)
        _again(tx, job, pause(int(job.payload["try"])))


def _of(tx: Tx, actor: Actor) -> Webhook | None:
    query = sa.select(Webhook).where(Webhook.client_id == actor.client_id)
    return tx.session.scalar(query.with_for_update() if tx.writable else query)
