# ruff: noqa: F811 - a fixture that is taken is named as its import
"""Webhooks of systems that are sick, slow or gone: left alone, tried again, told in words."""

import json
import socket
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.edxml.model import Organ
from docex.exchange.hub.operators import connection_test, connections, interventions
from docex.exchange.hub.webhooks import http_client, subscriptions
from kernel import clock
from kernel.backoff import pause
from kernel.errors import NotFound
from kernel.outbox import OutboxRow
from kernel.queue.wakeup import Wakeup
from kernel.queue.worker import Worker
from tests.docex.hub.endpoints import Dripping, Endpoint, endpoint, hook, hub, subscribe  # noqa: F401 - fixtures
from tests.docex.hub.systems import System, a_file, an_agency
from tests.docex.hub.test_mailbox import waiting
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof


@pytest.mark.repeats("hub.webhook")
def test_a_sick_endpoint_is_left_alone_and_told_when_it_is_well(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    endpoint.status = 500
    subscribe(far, endpoint.url)
    with clock.frozen(clock.now()):
        for number in range(subscriptions.FAILURES_TO_OPEN):
            near.hand_in(a_file(hub, number + 1))
        hub.work()
        assert len(endpoint.calls) == subscriptions.FAILURES_TO_OPEN
        until = hook(hub).open_until
        assert until is not None
        near.hand_in(a_file(hub, 77))
        hub.work()
        assert len(endpoint.calls) == subscriptions.FAILURES_TO_OPEN  # the circuit is open
        endpoint.status = 200
        for _ in range(40):
            clock.advance(timedelta(minutes=15))
            hub.work()
    arrived = {json.loads(body)["event"] for _, body in endpoint.calls}
    assert len(arrived) == subscriptions.FAILURES_TO_OPEN + 1
    assert (hook(hub).failures, hook(hub).open_until) == (0, None)
    with hub.db.read() as tx:
        left = tx.session.scalars(
            sa.select(OutboxRow.key).where(OutboxRow.topic == "hub.webhook", OutboxRow.state == "waiting")
        )
        assert list(left) == []


def test_after_a_pause_one_call_tries_and_the_others_wait_for_what_it_says(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    endpoint.status = 500
    subscribe(far, endpoint.url)
    with clock.frozen(clock.now()):
        for number in range(subscriptions.FAILURES_TO_OPEN + 6):
            near.hand_in(a_file(hub, number + 1))
        hub.work()
        assert len(endpoint.calls) == subscriptions.FAILURES_TO_OPEN
        clock.advance(timedelta(hours=2))  # everything is due, the pause is over
        hub.work()
        assert len(endpoint.calls) == subscriptions.FAILURES_TO_OPEN + 1


def test_endpoints_that_hang_keep_no_document_from_others(
    app: Flask, hub: Office, near: System, far: System, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real worker with four threads: eight hints hang, and a letter to somebody else arrives at once."""
    # Of calls that are given up after ten seconds, on a slow machine others would have taken the place.
    monkeypatch.setattr(http_client, "posted", partial(http_client.posted, read_s=280, whole_s=280))
    endpoint.hangs = Event()
    subscribe(far, endpoint.url)
    for number in range(8):
        near.hand_in(a_file(hub, number + 1))
    worker = Worker(hub.db, Wakeup(hub.db), threads=hub.config.worker_threads)
    running = Thread(target=worker.run)
    running.start()
    try:
        until = monotonic() + 60
        while len(endpoint.calls) < hub.config.worker_threads // 2 and monotonic() < until:
            sleep(0.02)
        other = System(app, hub, an_agency(hub, "H98.09", "Sở Y tế tỉnh Bạn"))
        near.hand_in(a_file(hub, 99, receivers=(Organ("H98.09", "Sở Y tế tỉnh Bạn"),)))
        while not (there := waiting(other)["items"]) and monotonic() < until:
            sleep(0.05)
        assert [item["code"] for item in there] == ["99/VP"]
        assert len(endpoint.calls) == hub.config.worker_threads // 2  # they still hang, and no more threads with them
    finally:
        endpoint.hangs.set()
        worker.stop()
        running.join()


def test_an_operator_has_a_webhook_called_and_sees_in_words_what_is_wrong(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    endpoint.status = 503
    subscribe(far, endpoint.url)
    admin = hub.cast.admin

    def tested() -> tuple[dict[str, Any], str]:
        with hub.db.write(admin.by) as tx:
            assert interventions.test_connection(tx, admin, far.agency_id) == 1
        hub.work()
        with hub.db.read() as tx:
            one = connections.connection(tx, admin, far.agency_id)
            found = connection_test.findings(one, connections.systems(tx, far.agency_id))
        told: dict[str, Any] = json.loads(endpoint.calls[-1][1])
        (line,) = [f for f in found if "nhận tin báo" in f.message.vi]
        return told, f"{line.tone}: {line.message.vi} {line.hint.vi if line.hint else ''}"

    with clock.frozen(clock.now()):
        told, said = tested()
        assert told["type"] == "test"
        assert said.startswith("bad: Gọi thử địa chỉ nhận tin báo")
        assert "HTTP 503" in said
        assert hook(hub).failures == 0  # a test opens no circuit
        for number in range(subscriptions.FAILURES_TO_OPEN):
            near.hand_in(a_file(hub, number + 1))
        hub.work()
        assert hook(hub).open_until is not None
        endpoint.status = 200
        clock.advance(timedelta(seconds=1))
        assert tested()[1].startswith("good:")  # called in spite of the open circuit, and closes it
        assert (hook(hub).open_until, hook(hub).failures) == (None, 0)


def test_an_operator_may_close_a_circuit(hub: Office, near: System, far: System, endpoint: Endpoint) -> None:
    endpoint.status = 500
    subscribe(far, endpoint.url)
    with clock.frozen(clock.now()):
        for number in range(subscriptions.FAILURES_TO_OPEN):
            near.hand_in(a_file(hub, number + 1))
        hub.work()
        endpoint.status = 200
        with hub.db.write(hub.cast.admin.by) as tx:
            interventions.close_circuit(tx, hub.cast.admin, far.agency_id, hook(hub).id)
        with pytest.raises(NotFound), hub.db.write(hub.cast.admin.by) as tx:
            interventions.close_circuit(tx, hub.cast.admin, near.agency_id, hook(hub).id)
        near.hand_in(a_file(hub, 50))
        hub.work()
        assert hook(hub).arrived_at == clock.now()


def refused(url: str, **more: Any) -> str:
    with pytest.raises(http_client.Refused) as caught, http_client.posted(url, b"{}", {}, anywhere=True, **more):
        pass
    assert http_client.words(caught.value.reason).vi != http_client.words("?").vi
    return caught.value.reason


def test_each_way_of_failing_has_its_own_words(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = endpoint.url.removeprefix("http://").split("/")[0]
    assert refused("http://127.0.0.1:1/") == http_client.NOT_REACHED
    assert refused(f"https://{plain}/") == http_client.BAD_TLS  # it does not even speak TLS
    endpoint.hangs = Event()
    assert refused(endpoint.url, read_s=0.2) == http_client.TIMED_OUT
    endpoint.hangs.set()
    with socket.create_server(("127.0.0.1", 0)) as closes:
        Thread(target=lambda: closes.accept()[0].close()).start()
        assert refused(f"http://127.0.0.1:{closes.getsockname()[1]}/") == http_client.BROKEN_OFF

    def nowhere(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert refused("https://unknown.example/") == http_client.UNKNOWN_NAME
    assert "404" in http_client.words("http_404").vi


@pytest.mark.parametrize(
    ("scheme", "beginning"),
    [
        ("http", b"H"),
        ("http", b"HTTP/1.1 204 No Content\r\nDrops: "),
        ("https", b"\x16\x03\x03\x40\x00"),  # TLS: a handshake record of 16 KiB begins
    ],
    ids=["first line", "head", "handshake"],
)
def test_a_server_that_drips_is_hung_up_on(scheme: str, beginning: bytes) -> None:
    with Dripping(beginning) as server:
        # Without a deadline for the whole call this would not end: no single read takes as long as read_s.
        assert refused(f"{scheme}://{server.place}/", read_s=60, whole_s=0.4) == http_client.TIMED_OUT


def test_a_body_that_drips_is_hung_up_on() -> None:
    with (
        Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n") as server,
        pytest.raises(http_client.Refused, match=http_client.TIMED_OUT),
        http_client.posted(f"http://{server.place}/", b"", {}, anywhere=True, read_s=60, whole_s=0.4) as answer,
    ):
        answer.read()


def test_a_hint_is_given_up_after_a_day_and_the_document_still_waits(
    hub: Office, near: System, far: System, endpoint: Endpoint
) -> None:
    endpoint.status = 302  # redirects are not followed
    subscribe(far, endpoint.url)
    with clock.frozen(clock.now()):
        near.hand_in(a_file(hub), Delivery_TTL="2592000")
        for _ in range(60):
            hub.work()
            clock.advance(timedelta(minutes=30))
        calls = len(endpoint.calls)
        assert calls > 5
        for _ in range(5):
            clock.advance(timedelta(hours=2))
            hub.work()
        assert len(endpoint.calls) == calls
        assert len(waiting(far)["items"]) == 1


def test_pauses_double_up_to_an_hour_and_never_fall_below_half_a_minute() -> None:
    for failures in (0, 1, 5, 40):
        pauses = [pause(failures).total_seconds() for _ in range(50)]
        assert min(pauses) >= 30
        assert max(pauses) <= min(3600, 30 * 2 ** min(failures, 16))
