# ruff: noqa: F811 - a fixture that takes another is named as its import
"""The secrets of webhooks: sealed in the database, in use all the same."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from docex.exchange.hub import doctor, jobs
from docex.exchange.hub.models import Webhook
from docex.exchange.hub.webhooks import http_client, subscriptions
from docex.exchange.hub.webhooks.subscriptions import WebhookHandler
from kernel import outbox
from kernel.audit import AuditEntry
from kernel.doctor import Health
from tests.docex.hub.endpoints import Endpoint, endpoint, hook, hub, subscribe  # noqa: F401 - fixtures
from tests.docex.hub.systems import System, a_file
from tests.docex.office import Office

OLD = "what-an-earlier-release-kept-as-it-is"


def told(hub: Office, near: System, endpoint: Endpoint, number: int) -> tuple[str, int, bytes]:
    """Hand in a letter and work: signature, time and body of the hint about it."""
    near.hand_in(a_file(hub, number))
    hub.work()
    headers, body = endpoint.calls[-1]
    assert len(endpoint.calls) == number
    return headers[http_client.SIGNATURE], int(headers[http_client.TIMESTAMP]), body


def test_a_copy_of_the_database_does_not_hold_the_secret(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    secret = subscribe(far, endpoint.url)
    kept = hook(hub).secret
    assert secret not in kept
    said, at, body = told(hub, near, endpoint, 1)
    assert said == http_client.signature(secret, at, body)
    safe = subscriptions.safe_of(hub.config)
    assert safe.opened(kept, f"client:{far.client_id}") == secret
    assert safe.opened(kept, f"client:{near.client_id}") is None  # of no use in another system's row


def test_the_audit_leaves_out_what_stands_in_the_query_of_an_address(
    hub: Office, far: System, endpoint: Endpoint
) -> None:
    subscribe(far, f"{endpoint.url}&key=of-the-receiver")
    assert far.http.delete("/api/v1/webhook", headers=far.headers).status_code == 204
    with hub.db.read() as tx:
        acts = sa.select(AuditEntry).where(AuditEntry.action.like("hub.webhook_%"))
        told = [(entry.action, entry.detail["url"]) for entry in tx.session.scalars(acts)]
    shown = endpoint.url.partition("?")[0] + "?…"
    assert told == [("hub.webhook_set", shown), ("hub.webhook_removed", shown)]


def test_what_an_earlier_release_kept_as_it_is_works_and_is_sealed_when_a_worker_starts(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    subscribe(far, endpoint.url)
    with hub.db.write() as tx:
        tx.session.get_one(Webhook, hook(hub).id).secret = OLD
    for number in (1, 2):
        said, at, body = told(hub, near, endpoint, number)
        assert said == http_client.signature(OLD, at, body)
        jobs.begin_jobs(hub.config, hub.db)
        assert OLD not in hook(hub).secret


def test_with_another_key_nothing_unsigned_goes_out_and_both_sides_see_why(
    hub: Office, near: System, far: System, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(far, endpoint.url)
    changed = replace(hub.config, secret_key="another")
    monkeypatch.setitem(
        outbox.handlers, WebhookHandler.topic, WebhookHandler(subscriptions.safe_of(changed), anywhere=True)
    )
    near.hand_in(a_file(hub))
    hub.work()
    assert endpoint.calls == []
    assert far.get("/api/v1/webhook").get_json()["problem"] == "key_lost"
    assert [doctor.sealed_secrets(one).health for one in (hub.config, changed)] == [Health.GOOD, Health.BAD]
    assert http_client.words("key_lost").vi != http_client.words("?").vi
