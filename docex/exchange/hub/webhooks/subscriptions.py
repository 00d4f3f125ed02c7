"""Hints to agencies' systems that there is something to fetch or to look at: ids only, signed, never the guarantee.

A sick endpoint slows nobody else down. After a few failures in a row its circuit opens: it is left alone for a while,
then one call tries whether it is well again. And however many endpoints hang at once, hints never hold more than half
of a worker's threads.
"""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from directory import tokens
from directory.actor import Actor
from directory.models import ApiClient
from docex import topics
from docex.documents.models import Delivery, Dispatch
from docex.exchange.hub.models import Parcel, Webhook
from docex.exchange.hub.states import ParcelState
from docex.exchange.hub.webhooks import http_client
from docex.streams import Change, mailbox_stream
from kernel import clock
from kernel.backoff import pause
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.outbox import Handler, Job
from kernel.sealing import Safe, SealedColumn

FAILURES_TO_OPEN = 5
USEFUL = timedelta(hours=24)
ONE_CALL = timedelta(seconds=30)
"""Longer than a call can take: so long an endpoint that failed is left to the one call that tries it."""
IN_A_MOMENT = timedelta(seconds=2)
ARRIVED, CHANGED, TEST = "inbox.available", "delivery.changed", "test"
BUSY = "busy"

SECRETS = SealedColumn(Webhook.secret, "webhook", lambda hook: f"client:{hook.client_id}")
"""They sign what we send, so they cannot be hashed. An earlier release kept them as they are."""


def safe_of(config: Config) -> Safe:
    """The safe that seals the secrets."""
    return SECRETS.safe(config)


@dataclass(frozen=True)
class Call:
    """One hint to one endpoint, as its owner had set it at `set_at`. `secret` is None when it was sealed with another
    key."""

    hook_id: int
    set_at: datetime
    url: str
    secret: str | None
    body: bytes
    timestamp: int


@dataclass(frozen=True)
class Outcome:
    """How a call ended at the address that was set at `set_at`: `refused` is empty when it arrived."""

    hook_id: int
    set_at: datetime
    refused: str


def subscribe(tx: Tx, actor: Actor, url: str, safe: Safe, *, anywhere: bool) -> tuple[Webhook, str]:
    """Have this system told at `url`, from now on also what was enqueued while it had another address; when something
    waits already it is told so by one hint. Answers the secret of the signatures, which is shown this once."""
    http_client.check_address(url, anywhere=anywhere)
    row, now = _of(tx, actor), clock.now()
    if row is None:
        row = Webhook(client_id=actor.client_id, agency_id=actor.agency_id, made_at=now, url="", secret="")
        tx.session.add(row)
    else:
        row.made_at = clock.in_order(now, row.made_at)
    secret = tokens.fresh()
    row.url = url
    SECRETS.keep(row, secret, safe)
    row.failures, row.open_until, row.problem = 0, None, ""
    tx.session.flush()
    waiting = sa.select(Parcel).where(Parcel.agency_id == actor.agency_id, Parcel.state == ParcelState.WAITING)
    first = tx.session.scalar(waiting.order_by(Parcel.seq).limit(1))
    if first is not None:
        _enqueue(tx, row.id, ARRIVED, first.id, first.seq, set_at=row.made_at)
    tx.audit(f"agency:{actor.agency_id}", "hub.webhook_set", f"client:{actor.client_id}", _told(url))
    return row, secret


def unsubscribe(tx: Tx, actor: Actor) -> None:
    """Tell this system nothing any more."""
    row = subscription_of(tx, actor)
    tx.session.delete(row)
    tx.audit(f"agency:{actor.agency_id}", "hub.webhook_removed", f"client:{actor.client_id}", _told(row.url))


def subscription_of(tx: Tx, actor: Actor) -> Webhook:
    """Where this system wants to be told; NotFound when nowhere."""
    row = _of(tx, actor)
    if row is None:
        raise NotFound()
    return row


def arrived(tx: Tx, parcels: Sequence[Parcel]) -> None:
    """Something lies in mailboxes: hint at it to the systems of their agencies."""
    by_agency: dict[int, list[Parcel]] = {}
    for parcel in parcels:
        by_agency.setdefault(parcel.agency_id, []).append(parcel)
    hooks = tx.session.connection().execute(_OF_AGENCIES, {"agencies": list(by_agency)})
    for hook_id, agency_id in hooks.all():
        for parcel in by_agency[agency_id]:
            _enqueue(tx, hook_id, ARRIVED, parcel.id, parcel.seq)


# Asked at every step of every delivery: built once.
_AGENCIES: sa.BindParameter[Any] = sa.bindparam("agencies", expanding=True)
_OF_AGENCIES = sa.select(Webhook.id, Webhook.agency_id).where(Webhook.agency_id.in_(_AGENCIES))
_OF_CLIENT = sa.select(Webhook.id).where(Webhook.client_id == sa.bindparam("client"))


def changed(tx: Tx, deliveries: Iterable[Delivery], dispatch: Dispatch) -> None:
    """Deliveries of an envelope have moved on: hint at it to the system that sent it."""
    kind, _, number = dispatch.channel.partition(":")
    if kind != "client" or not number.isdigit():
        return
    hook_id = tx.session.connection().execute(_OF_CLIENT, {"client": int(number)}).scalar()
    if hook_id is not None:
        for delivery in deliveries:
            _enqueue(tx, hook_id, CHANGED, dispatch.id, delivery.rev, delivery.id)


def test(tx: Tx, hook: Webhook) -> None:
    """An operator wants to know whether the endpoint is well: call it now, whatever its circuit says."""
    hook.tested_at, hook.test_problem = None, ""
    _enqueue(tx, hook.id, TEST, hook.client_id, int(clock.now().timestamp()))


def call_again(tx: Tx, hook: Webhook) -> None:
    """An operator says that the endpoint is well: its circuit is closed."""
    hook.failures, hook.open_until, hook.problem = 0, None, ""


def _enqueue(
    tx: Tx, hook_id: int, kind: str, thing_id: int, rev: int, part: int = 0, set_at: datetime | None = None
) -> None:
    """With `set_at` it is for that address alone: an earlier one may have been told the same."""
    about = f"{hook_id}:{kind}:{thing_id}:{part}:{rev}"
    payload = {"hook_id": hook_id, "type": kind, "id": thing_id, "at": clock.now().isoformat(), "try": 0}
    if set_at is not None:
        payload["set_at"] = set_at.isoformat()
        about = f"{about}:{payload['set_at']}"
    payload["about"] = about
    tx.outbox(topics.HUB_WEBHOOK, f"{about}#0", payload, expires_at=clock.now() + USEFUL)


def _again(tx: Tx, job: Job, after: timedelta) -> None:
    """The same hint later: a row of its own, so that the pauses are ours and the tries are counted."""
    turn = int(job.payload["try"]) + 1
    payload = {**job.payload, "try": turn}
    due_at = clock.now() + after
    if job.expires_at is None or due_at < job.expires_at:
        key = f"{job.payload['about']}#{turn}"
        tx.outbox(topics.HUB_WEBHOOK, key, payload, due_at=due_at, expires_at=job.expires_at)


class WebhookHandler(Handler[Call, Outcome]):
    """Call one endpoint. A hint that arrives twice does no harm: the receiver looks at its inbox.

    `at_once` calls may run at a time in this process.
    """

    topic = topics.HUB_WEBHOOK

    def __init__(self, safe: Safe, *, anywhere: bool, at_once: int = 1) -> None:
        self.safe, self.anywhere = safe, anywhere
        self._free = threading.BoundedSemaphore(at_once)

    def prepare(self, tx: Tx, job: Job) -> Call | None:
        """The call to make; None when nobody wants it any more, or when the endpoint is left alone for now."""
        hook = tx.session.get(Webhook, job.payload["hook_id"])
        client = tx.session.get(ApiClient, hook.client_id) if hook else None
        if hook is None or client is None or client.revoked_at is not None:
            return None
        set_at = hook.made_at.isoformat()
        if job.payload.get("set_at", set_at) != set_at:
            return None  # it was set anew since, and has a hint of its own where something waits
        is_test = job.payload["type"] == TEST
        if not is_test and (hook.failures or hook.open_until) and (wait := _left_alone(tx, hook)):
            _again(tx, job, wait)
            return None
        told: dict[str, Any] = {name: job.payload[name] for name in ("type", "id", "at")}
        body = json.dumps({"event": job.payload["about"], **told}).encode()
        secret = SECRETS.secret_of(hook, self.safe)
        return Call(hook.id, hook.made_at, hook.url, secret, body, int(clock.now().timestamp()))

    def perform(self, prepared: Call) -> Outcome:
        """Call it, unless enough others hold a thread already. Without its secret nobody could tell that it is us."""
        return Outcome(prepared.hook_id, prepared.set_at, self._refused(prepared))

    def _refused(self, prepared: Call) -> str:
        if prepared.secret is None:
            return http_client.KEY_LOST
        if not self._free.acquire(blocking=False):
            return BUSY
        try:
            http_client.call(prepared.url, prepared.secret, prepared.timestamp, prepared.body, anywhere=self.anywhere)
        except http_client.Refused as refused:
            return refused.reason
        finally:
            self._free.release()
        return ""

    def conclude(self, tx: Tx, job: Job, result: Outcome) -> None:
        """Count it for the circuit breaker; what did not arrive is tried again later. What an address said that was
        replaced during the call counts for nothing: the new one is told, too."""
        hook = tx.session.get(Webhook, result.hook_id, with_for_update=True, populate_existing=True)
        if hook is None:
            return
        if hook.made_at != result.set_at:
            _again(tx, job, IN_A_MOMENT)
        elif result.refused == BUSY:
            if hook.failures:
                hook.open_until = None  # the one call that was to try it did not
            _again(tx, job, IN_A_MOMENT)
        elif job.payload["type"] == TEST:
            _tested(tx, hook, result.refused)
        elif not result.refused:
            hook.failures, hook.open_until, hook.problem, hook.arrived_at = 0, None, "", clock.now()
        else:
            hook.failures, hook.problem = hook.failures + 1, result.refused
            opens = hook.failures >= FAILURES_TO_OPEN
            hook.open_until = clock.now() + pause(hook.failures) if opens else None
            _again(tx, job, pause(int(job.payload["try"]) + 1))


def _left_alone(tx: Tx, hook: Webhook) -> timedelta | None:
    """How long an endpoint that failed is left alone; None for the one call that tries it now."""
    tx.session.refresh(hook, with_for_update=True)
    now = clock.now()
    if hook.open_until is not None and hook.open_until > now:
        return hook.open_until - now + pause(1)
    if hook.failures:
        hook.open_until = now + ONE_CALL
    return None


def _tested(tx: Tx, hook: Webhook, refused: str) -> None:
    """A test says how it is, and opens or closes nothing but for the better."""
    hook.tested_at, hook.test_problem = clock.now(), refused
    if not refused:
        call_again(tx, hook)
    tx.publish(mailbox_stream(hook.agency_id), "mailbox.changed", Change(hook.id, int(hook.tested_at.timestamp())))


def _told(url: str) -> dict[str, str]:
    return {"url": http_client.without_query(url)}


def _of(tx: Tx, actor: Actor) -> Webhook | None:
    query = sa.select(Webhook).where(Webhook.client_id == actor.client_id)
    return tx.session.scalar(query.with_for_update() if tx.writable else query)
