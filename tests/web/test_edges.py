"""The web process without a proxy in front: slow connections of one client, too many of them, and strangers' joins."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
import requests
import socketio

from web.rates import Pace, Purses
from web.tour.browser import WAIT_S, Browser
from web.tour.instance import Instance

pytestmark = pytest.mark.one_database("sqlite")
MOST = 60
PING = b"\x81\x012"
"""A WebSocket frame with Engine.IO's ping."""


@pytest.fixture(scope="module")
def instance(database_kind: str) -> Iterator[Instance]:
    with Instance(
        parts=("web",), LIENTHONG_CONNECTION_WAIT_S="1", LIENTHONG_CONNECTIONS_PER_ADDRESS=str(MOST)
    ) as running:
        yield running


def opened(instance: Instance, sent: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", instance.port), timeout=WAIT_S)
    made.sendall(sent)
    return made


def end_of(made: socket.socket) -> bytes:
    """All that comes until the server closes; fails when it does not."""
    told = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := made.recv(4096):
            told += piece
    return told


FORM = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\n"
BODY = b"POST /sign-in HTTP/1.1\r\nHost: x\r\n" + FORM


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", BODY, BODY + b"name=x"])
def test_a_connection_that_does_not_go_on_is_closed(instance: Instance, sent: bytes) -> None:
    with opened(instance, sent) as made:
        end_of(made)


def test_a_drop_now_and_then_keeps_no_connection(instance: Instance) -> None:
    with opened(instance, b"GET / HTTP/1.1\r\n") as made, contextlib.suppress(OSError):
        for _ in range(int(WAIT_S * 4)):
            made.sendall(b"X")
            time.sleep(0.25)  # the pace of the attack, not a wait for the server
        pytest.fail("still open")


def test_one_address_takes_no_more_than_its_part_and_gets_it_back(instance: Instance) -> None:
    made = [opened(instance, b"") for _ in range(MOST * 3)]
    for one in made:
        end_of(one)
        one.close()
    assert requests.get(f"{instance.url}/health", timeout=WAIT_S).ok


def test_a_socket_that_never_joins_is_closed_before_its_first_ping(instance: Instance) -> None:
    """After the ping the engine itself would close it for want of an answer, which shows nothing of the setting."""
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    head = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
    with opened(instance, head + upgrade) as made:
        told = end_of(made)
    assert b" 101 " in told
    assert PING not in told


def test_strangers_do_not_spend_the_joins_of_people(instance: Instance) -> None:
    stranger = socketio.Client(reconnection=False, request_timeout=WAIT_S)
    forged = socketio.Client(reconnection=False, request_timeout=WAIT_S)
    stranger.connect(instance.url, transports=["websocket"], wait_timeout=WAIT_S)
    forged.connect(instance.url, headers={"Cookie": "lt_session=x"}, transports=["websocket"], wait_timeout=WAIT_S)
    nam = Browser(instance.url).sign_in("nam")
    own = nam.get("/").partition("person:")[2]
    listener = nam.listen("person:" + own[: len(own) - len(own.lstrip("0123456789"))])
    told = [
        c.call("join", {"streams": {"person:1": None}}, timeout=WAIT_S)["mode"]
        for _ in range(60)
        for c in (stranger, forged)
    ]
    assert set(told) <= {"denied", "wait"}
    assert told.count("wait") > told.count("denied") / 4
    answer = listener._client.call("join", {"streams": dict(listener.last), "epoch": None}, timeout=WAIT_S)
    assert answer["mode"] in {"replay", "snapshot"}
    listener.close()
    stranger.disconnect()
    forged.disconnect()


def test_a_purse_is_its_owners_alone() -> None:
    purses, pace = Purses(), Pace(0.001, 3)
    assert [purses.take("a", pace) for _ in range(4)] == [True, True, True, False]
    assert not purses.has("a", pace)
    assert purses.take("b", pace)
