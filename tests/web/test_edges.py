"""The web process without a proxy in front: slow connections of one client, too many of them, and strangers' joins."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
import socketio

from tests.forks.instance import ForkedInstance
from tests.sampling import sampled
from web.rates import Pace, Purses
from web.server.sockets import MAX_JOINS_OF_A_STRANGER, STRANGER_DENIALS
from web.tour.browser import WAIT_S, Browser
from web.tour.instance import Instance

pytestmark = pytest.mark.one_database("sqlite")
MOST = 60
PING = b"\x81\x012"
"""A WebSocket frame with Engine.IO's ping."""


@pytest.fixture(scope="module")
def instance(database_kind: str) -> Iterator[Instance]:
    with ForkedInstance(
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


@pytest.mark.parametrize(
    "sent", sampled([b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", BODY, BODY + b"name=x"], one_in=4)
)
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


@pytest.mark.long_proof
def test_a_socket_that_never_joins_is_closed_before_its_first_ping(instance: Instance) -> None:
    """After the ping the engine itself would close it for want of an answer, which shows nothing of the setting."""
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    head = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
    with opened(instance, head + upgrade) as made:
        told = end_of(made)
    assert b" 101 " in told
    assert PING not in told


def connected(instance: Instance, cookie: str = "") -> socketio.Client:
    client = socketio.Client(reconnection=False, request_timeout=WAIT_S)
    headers = {"Cookie": cookie} if cookie else {}
    client.connect(instance.url, headers=headers, transports=["websocket"], wait_timeout=WAIT_S)
    return client


def join(client: socketio.Client, stream: str = "person:1") -> str:
    mode: str = client.call("join", {"streams": {stream: None}}, timeout=WAIT_S)["mode"]
    return mode


@pytest.fixture
def nam(instance: Instance) -> Browser:
    return Browser(instance.url).sign_in("nam")


def own_stream(browser: Browser) -> str:
    found = re.search(r"person:\d+", browser.get("/"))
    assert found
    return found[0]


@pytest.mark.parametrize(
    "cookie", sampled(["lt_session=x; lt_device=forged", "", "lt_session=x", "lt_wall=x"], one_in=4)
)
def test_a_strangers_socket_is_denied_then_told_to_wait_and_ended(instance: Instance, cookie: str) -> None:
    client, ended = connected(instance, cookie), threading.Event()
    client.on("disconnect", lambda *_: ended.set())
    assert [join(client) for _ in range(STRANGER_DENIALS)] == ["denied"] * STRANGER_DENIALS
    told = {join(client) for _ in range(MAX_JOINS_OF_A_STRANGER - STRANGER_DENIALS)}
    assert told == {"wait"}
    assert not ended.is_set()
    client.emit("join", {"streams": {"person:1": None}})  # one more: nobody waits for an answer to it
    assert ended.wait(WAIT_S)


def test_forged_cookies_keep_nobody_out_who_shares_their_address(instance: Instance, nam: Browser) -> None:
    own = own_stream(nam)
    forged = [connected(instance, "lt_session=x") for _ in range(40)]
    told = [join(client) for client in forged]
    assert "wait" in told  # what there is for the address has been used up
    cookies = "; ".join(f"{c.name}={c.value}" for c in nam.session.cookies)
    for _ in range(3):
        official = connected(instance, cookies)
        assert join(official, own) == "snapshot"
        official.disconnect()
    for client in forged:
        client.disconnect()


def test_a_known_browser_has_no_more_tries_with_forged_cookies_than_an_address(
    instance: Instance, nam: Browser
) -> None:
    nam.get("/")
    device = f"lt_device={nam.session.cookies['lt_device']}"
    forged = [connected(instance, f"lt_session=x; {device}") for _ in range(40)]
    assert "wait" in [join(client) for client in forged]
    for client in forged:
        client.disconnect()


def test_a_purse_is_its_owners_alone() -> None:
    purses, pace = Purses(), Pace(0.001, 3)
    assert [purses.take("a", pace) for _ in range(4)] == [True, True, True, False]
    assert not purses.has("a", pace)
    assert purses.take("b", pace)
    purses.give_back("a", pace)
    assert [purses.take("a", pace) for _ in range(2)] == [True, False]
