"""Endpoints that webhooks call in tests: one that remembers, one that is sick, one that drips."""

import hmac
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa

from docex.exchange.hub.jobs import register_jobs
from docex.exchange.hub.models import Webhook
from docex.exchange.hub.webhooks import http_client
from tests.docex.hub.systems import System
from tests.docex.office import Office


@dataclass
class Endpoint:
    """An agency's endpoint that remembers what it was told, and answers as it is asked to."""

    url: str = ""
    status: int = 204
    hangs: Event | None = None  # answers nothing before this is set
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def heard(self, secret: str) -> list[dict[str, Any]]:
        """The events that it was told, all signed with this secret."""
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
        self.server = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.server.getsockname()[1]}"

    def __enter__(self) -> "Dripping":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()
        self.server.close()

    def run(self) -> None:
        line, _ = self.server.accept()
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
