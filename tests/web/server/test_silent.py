"""Clients that connect and then do nothing: the server ends them by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.web.server.browser import Browser
from tests.web.server.conftest import Site


@pytest.fixture(scope="module")
def hasty() -> Iterator[Site]:
    """A site that waits half a second for a namespace."""
    running = Site(join_s=0.5)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def pinging() -> Iterator[Site]:
    """A site whose pings must be answered within half a second."""
    running = Site(join_s=0, ping_interval=0.2, ping_timeout=0.5)
    yield running
    running.stop()


def read_to_the_end(browser: Browser, answer_pings: bool) -> None:
    """Fails, by the browser's own limit, when the server does not close."""
    with pytest.raises(ConnectionError):
        while True:
            frame = browser.frame()
            if answer_pings and frame.payload == b"2":
                browser.send_text("3")


@pytest.mark.parametrize("said", ["", "40/nothing,", '42["join","room"]', "6"])
def test_a_websocket_that_joins_no_namespace_is_closed_though_it_answers_pings(hasty: Site, said: str) -> None:
    with Browser(hasty.port).open() as client:
        if said:
            client.send_text(said)
        read_to_the_end(client, answer_pings=True)
    hasty.wait_until(lambda state: state["members"] == 0)


def test_a_websocket_that_leaves_the_namespace_is_closed(hasty: Site) -> None:
    with Browser(hasty.port).join("room") as client:
        client.send_text("41")
        read_to_the_end(client, answer_pings=True)
    hasty.wait_until(lambda state: state["members"] == 0)


def test_a_polling_client_that_joins_no_namespace_is_forgotten(hasty: Site) -> None:
    requests.get(hasty.url("/socket.io/?EIO=4&transport=polling"), timeout=60).raise_for_status()
    hasty.wait_until(lambda state: state["members"] == 0)


def test_who_joined_stays(hasty: Site) -> None:
    with Browser(hasty.port).join("staying") as member, Browser(hasty.port).open() as stranger:
        read_to_the_end(stranger, answer_pings=True)  # came later, and its time is over
        hasty.post("/emit", room="staying")
        assert member.events(1) == [{"n": 0, "text": ""}]


@pytest.mark.long_proof
def test_a_websocket_that_answers_no_ping_is_closed(pinging: Site) -> None:
    with Browser(pinging.port).join("room") as client:
        read_to_the_end(client, answer_pings=False)
    assert pinging.wait_until(lambda state: state["members"] == 0)["gone"] == ["ping timeout"]


def test_a_polling_client_that_does_not_come_back_is_forgotten(pinging: Site) -> None:
    requests.get(pinging.url("/socket.io/?EIO=4&transport=polling"), timeout=60).raise_for_status()
    pinging.wait_until(lambda state: state["members"] == 0)
