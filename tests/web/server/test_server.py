"""Starting and stopping the web process."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import gevent.socket
import requests
import socketio
from gevent.socket import IPPROTO_TCP, TCP_NODELAY

from tests.web.server.browser import CLOSE, Browser
from tests.web.server.conftest import Site
from web.server.wsgi_server import LiveHandler


def test_a_stop_finishes_the_running_request_and_closes_the_sockets() -> None:
    site = Site()
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(requests.get(site.url("/slow?seconds=1.5"), timeout=30).text))
    with Browser(site.port).join("room") as client, requests.Session() as idle:
        idle.get(site.url("/state"), timeout=30)
        slow.start()
        site.wait_until(lambda state: state["slow"] == [1.5])
        code, printed = site.stop()
        slow.join()
        assert list(client.frames())[-1].opcode == CLOSE
    assert answers == ["done"]
    assert (code, printed.split()) == (0, ["stopping", "stopped"])


def test_a_stop_does_not_wait_for_a_client_that_never_says_goodbye() -> None:
    site = Site()
    with Browser(site.port, receive_buffer=4096).join("room"):
        code, _ = site.stop()
    assert code == 0


def test_a_client_reconnects_by_itself_after_a_stop() -> None:
    """A server that says "disconnect" on Socket.IO level would leave the browsers where they are."""
    site = Site()
    client = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.1, request_timeout=30)
    reasons: list[str] = []
    client.on("disconnect", reasons.append)
    client.connect(site.url(""), transports=["websocket"], wait_timeout=30)
    site.stop()
    until = time.monotonic() + 30
    while not reasons and time.monotonic() < until:
        client.sleep(0.05)
    assert reasons == [client.reason.TRANSPORT_ERROR] or reasons == [client.reason.SERVER_DISCONNECT]
    client.shutdown()


def test_small_answers_are_sent_without_delay() -> None:
    with gevent.socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with gevent.socket.create_connection(listener.getsockname()):
            accepted, address = listener.accept()
            with accepted:
                LiveHandler(accepted, address, SimpleNamespace())
                assert accepted.getsockopt(IPPROTO_TCP, TCP_NODELAY)
