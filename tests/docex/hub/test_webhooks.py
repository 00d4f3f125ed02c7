"""Hints to agencies' systems: signed, ids only, patient with the sick, never into our own network."""

import hmac
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.edxml.model import Organ
from docex.exchange.hub.jobs import register_jobs
from docex.exchange.hub.models import Webhook
from docex.exchange.hub.operators import connection_test, connections, interventions
from docex.exchange.hub.webhooks import http_client, subscriptions
from kernel import clock
from kernel.backoff import pause
from kernel.errors import Invalid, NotFound
from kernel.outbox import OutboxRow
from kernel.wakeup import Wakeup
from kernel.worker import Worker
from tests.docex.hub.systems import System, a_file, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.office import Office


@dataclass
class Endpoint:
    """An agency's endpoint that remembers what it was told, and answers as it is asked to."""

    url: str = ""
    status: int = 204
    hangs: Event | None = None  # answers nothing before this is set
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def heard(self, secret: str) -> list[dict[str, Any]]:
        """What it was told, all of it signed with this secret."""
        for headers, body in self.calls:
            signed = f"{headers[http_client.TIMESTAMP]}.".encode() + body
            assert headers[http_client.SIGNATURE] == "v1=" + hmac.new(secret.encode(), signed, sha256).hexdigest()
        return [json.loads(body) for _, body in self.calls]


@contextmanager
def an_endpoint() -> Iterator[Endpoint]:
    told = Endpoint()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.calls.append((dict(self.headers), body))
            if told.hangs:
                told.hangs.wait()
            self.send_response(told.status)
            self.send_header("Location", told.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    told.url = f"http://127.0.0.1:{server.server_port}/hook?a=1"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with an_endpoint() as told:
        yield told


@pytest.fixture
def elsewhere() -> Iterator[Endpoint]:
    """Where the agency moves its endpoint to."""
    with an_endpoint() as told:
        yield told


class Dripping(Thread):
    """A server that sends something all the time, faster than any read gives up, and never comes to an end."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__(daemon=True)
        self.beginning, self.ended = beginning, Event()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.door.getsockname()[1]}"

    def __enter__(self) -> "Dripping":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()
        self.door.close()

    def run(self) -> None:
        line, _ = self.door.accept()
        with line:
            drops = self.beginning
            while not self.ended.wait(0.02):
                try:
                    line.sendall(drops)
                except OSError:  # the caller has hung up
                    return
                drops = b"x"


@pytest.fixture
def hub(hub: Office) -> Office:
    """The hub of a trial, which may call this machine."""
    from dataclasses import replace

    trial = replace(hub, config=replace(hub.config, webhooks_anywhere=True))
    register_jobs(trial.config, trial.blobs)
    return trial


def subscribe(system: System, url: str) -> str:
    answer = system.http.put("/api/v1/webhook", json={"url": url}, headers=system.headers)
    assert answer.status_code == 200, answer.get_json()
    body = answer.get_json()
    assert body is not None
    secret: str = body["secret"]
    return secret


def hook(hub: Office) -> Webhook:
    with hub.db.read() as tx:
        return tx.session.scalars(sa.select(Webhook)).one()


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
        (line,) = [f for f in found if "nhận tin báo" in f.said.vi]
        return told, f"{line.tone}: {line.said.vi} {line.hint.vi if line.hint else ''}"

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


def test_pauses_double_up_to_an_hour_and_never_fall_below_half_a_minute() -> None:
    for failures in (0, 1, 5, 40):
        pauses = [pause(failures).total_seconds() for _ in range(50)]
        assert min(pauses) >= 30
        assert max(pauses) <= min(3600, 30 * 2 ** min(failures, 16))
