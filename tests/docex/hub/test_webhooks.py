# ruff: noqa: F811 - a fixture that is taken is named as its import
"""Hints to agencies' systems: signed, ids only, patient with the sick, never into our own network."""

import json
from datetime import timedelta
from threading import Event, Thread
from time import monotonic, sleep

import pytest
from flask import Flask

from docex.edxml.model import Organ
from docex.exchange.hub.webhooks import http_client, subscriptions
from kernel import clock
from kernel.errors import Invalid
from tests.docex.hub.endpoints import Endpoint, elsewhere, endpoint, hook, hub, subscribe  # noqa: F401 - fixtures
from tests.docex.hub.systems import System, a_file, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.office import Office


def test_a_receiver_is_told_that_something_waits_by_its_id_only(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    secret = subscribe(far, endpoint.url)
    near.hand_in(a_file(hub))
    hub.work()
    (told,) = endpoint.heard(secret)
    assert (told["type"], told["id"]) == ("inbox.available", waiting(far)["items"][0]["id"])
    assert set(told) == {"type", "id", "at", "event"}
    shown = far.get("/api/v1/webhook").get_json()
    assert (shown["failures"], shown["arrived_at"] is not None) == (0, True)
    assert "secret" not in shown


def hinted(endpoint: Endpoint) -> list[int]:
    return [
        told["id"] for told in (json.loads(body) for _, body in endpoint.calls) if told["type"] == subscriptions.ARRIVED
    ]


def test_a_system_that_never_asks_is_told_of_what_came_before_it(
    app: Flask, hub: Office, near: System, endpoint: Endpoint
) -> None:
    agency_id = an_agency(hub, "H98.09", "Sở Xây dựng tỉnh Bạn")
    near.hand_in(a_file(hub, receivers=(Organ("H98.09", "Sở Xây dựng tỉnh Bạn"),)))
    hub.work()
    late = System(app, hub, agency_id)
    subscribe(late, endpoint.url)
    hub.work()
    (number,) = hinted(endpoint)
    assert late.post(f"/api/v1/inbox/{number}/lease").status_code == 200
    assert late.get(f"/api/v1/inbox/{number}/envelope").status_code == 200


def test_who_names_its_address_is_told_once_that_something_waits(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    near.hand_in(a_file(hub))
    near.hand_in(a_file(hub, 2))
    near.hand_in(a_file(hub, 3))
    hub.work()
    numbers = [item["id"] for item in waiting(far)["items"]]
    fetched(far, waiting(far)["items"][0])
    subscribe(far, endpoint.url)
    subscribe(far, endpoint.url)
    hub.work()
    assert hinted(endpoint) == [numbers[1]]


def test_each_new_address_is_told_that_something_waits(
    hub: Office, near: System, far: System, endpoint: Endpoint, elsewhere: Endpoint
) -> None:
    """Also the same one set anew, whose owner may have lost the secret: each time as an event of its own."""
    subscribe(far, endpoint.url)
    near.hand_in(a_file(hub))
    hub.work()
    (number,) = hinted(endpoint)
    secret = subscribe(far, elsewhere.url)
    hub.work()
    (first,) = elsewhere.heard(secret)
    assert (first["type"], first["id"]) == ("inbox.available", number)
    elsewhere.calls.clear()
    again = subscribe(far, elsewhere.url)
    hub.work()
    (second,) = elsewhere.heard(again)
    assert second["id"] == number
    assert len({json.loads(endpoint.calls[0][1])["event"], first["event"], second["event"]}) == 3
    assert len(endpoint.calls) == 1


def test_what_an_earlier_address_did_not_take_comes_to_the_new_one(
    hub: Office, near: System, far: System, endpoint: Endpoint, elsewhere: Endpoint
) -> None:
    endpoint.status = 500
    subscribe(far, endpoint.url)
    near.hand_in(a_file(hub))
    hub.work()
    (refused,) = [json.loads(body) for _, body in endpoint.calls]
    secret = subscribe(far, elsewhere.url)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        hub.work()
    told = elsewhere.heard(secret)
    assert [one["id"] for one in told] == [refused["id"]] * 2  # that something waits, and what was refused
    assert refused["event"] in [one["event"] for one in told]
    assert len(endpoint.calls) == 1


def test_a_call_during_which_the_address_changes_says_nothing_of_the_new_one(
    hub: Office, near: System, far: System, endpoint: Endpoint, elsewhere: Endpoint
) -> None:
    endpoint.status, endpoint.hangs = 500, Event()
    subscribe(near, endpoint.url)
    near.hand_in(a_file(hub))
    working = Thread(target=hub.work)
    working.start()
    try:
        until = monotonic() + 30
        while not endpoint.calls and monotonic() < until:
            sleep(0.02)
        secret = subscribe(near, elsewhere.url)
    finally:
        endpoint.hangs.set()
        working.join()
    assert (hook(hub).failures, hook(hub).problem) == (0, "")
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        hub.work()
    (refused,) = [json.loads(body) for _, body in endpoint.calls]
    assert elsewhere.heard(secret) == [refused]


def test_a_sender_is_told_that_its_envelope_moved(hub: Office, near: System, far: System, endpoint: Endpoint) -> None:
    subscribe(near, endpoint.url)
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    fetched(far, waiting(far)["items"][0])
    hub.work()
    told = [json.loads(body) for _, body in endpoint.calls]
    assert {(t["type"], t["id"]) for t in told} == {("delivery.changed", number)}
    assert len(told) == 2  # available; retrieved and 01, which are said at one moment


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://10.1.2.3/hook",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://[fd00::1]/hook",
        "https://localhost/hook",
        "https://db.internal/",
        "https://user:secret@example.com/",
        "https://example.com:99999/",
        "ftp://example.com/",
        "https:///hook",
        "",
    ],
)
def test_nobody_makes_the_hub_knock_at_inner_doors(url: str) -> None:
    with pytest.raises(Invalid):
        http_client.check_address(url, anywhere=False)


def test_a_name_that_leads_inside_is_refused_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    http_client.check_address("https://rebound.example/", anywhere=False)
    inside = [(2, 1, 6, "", ("203.0.114.1", 443)), (2, 1, 6, "", ("10.0.0.5", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: inside)
    with pytest.raises(http_client.Refused, match="not_public"):
        http_client.call("https://rebound.example/", "s", 1, b"{}", anywhere=False)


def test_a_production_hub_refuses_private_addresses_at_the_door(app: Flask, hub: Office, far: System) -> None:
    app.extensions["lienthong"] = type(app.extensions["lienthong"])(
        type(hub.config)(data_dir=hub.config.data_dir, database_url=hub.config.database_url), hub.db, hub.blobs
    )
    answer = far.http.put("/api/v1/webhook", json={"url": "https://10.0.0.1/"}, headers=far.headers)
    assert answer.status_code == 422


def test_a_removed_webhook_is_called_no_more(hub: Office, near: System, far: System, endpoint: Endpoint) -> None:
    subscribe(far, endpoint.url)
    near.hand_in(a_file(hub))
    assert far.http.delete("/api/v1/webhook", headers=far.headers).status_code == 204
    hub.work()
    assert endpoint.calls == []
    assert far.get("/api/v1/webhook").status_code == 404
