"""What one client may cost the others."""

from __future__ import annotations

import struct

import pytest
import requests

from tests.web.server.browser import CLOSE, TEXT, Browser
from tests.web.server.conftest import Site


def test_a_client_that_falls_too_far_behind_is_dropped(strict_site: Site) -> None:
    with Browser(strict_site.port, 4096).join("room") as stuck, Browser(strict_site.port).join("room") as quick:
        for number in range(60):
            strict_site.post("/emit", room="room", first=number, text="x", repeat=20_000)
            assert quick.events(1)[0]["n"] == number
        state = strict_site.wait_until(lambda state: state["members"] == 1 and state["gone"])
        assert state["gone"] == ["transport close"]
        with pytest.raises(ConnectionError):
            while True:
                stuck.frame()


def test_a_client_that_takes_nothing_is_dropped_even_if_little_waits(strict_site: Site) -> None:
    with Browser(strict_site.port, 4096).join("room"):
        strict_site.post("/emit", room="room", times=3, text="x", repeat=60_000)
        state = strict_site.wait_until(lambda state: state["members"] == 0 and state["gone"])
        assert state["gone"] == ["transport close"]


def test_a_client_that_vanished_does_not_disturb_the_room(strict_site: Site) -> None:
    with Browser(strict_site.port).join("room") as member:
        gone = Browser(strict_site.port).join("room")
        gone.socket.setsockopt(1, 13, struct.pack("ii", 1, 0))
        gone.socket.close()
        strict_site.post("/emit", room="room", times=20)
        assert [event["n"] for event in member.events(20)] == list(range(20))
        strict_site.wait_until(lambda state: state["members"] == 1)


def test_a_polling_client_that_does_not_come_back_is_dropped(strict_site: Site) -> None:
    with Browser(strict_site.port).join("room") as member:
        url = strict_site.url("/socket.io/?EIO=4&transport=polling")
        sid = requests.get(url, timeout=30).text.split('"sid":"')[1].split('"')[0]
        requests.post(f"{url}&sid={sid}", data="40", timeout=30).raise_for_status()
        requests.post(f"{url}&sid={sid}", data='42["join","room"]', timeout=30).raise_for_status()
        strict_site.wait_until(lambda state: len(state["joined"]) == 2)
        strict_site.post("/emit", room="room", times=30)
        assert len(member.events(30)) == 30
        assert strict_site.wait_until(lambda state: state["gone"])["gone"] == ["transport error"]


def test_an_oversize_message_is_refused_before_it_is_read(site: Site) -> None:
    with Browser(site.port).join("big") as client:
        client.send_frame(TEXT, b"", announced=10_000_000_000)
        last = list(client.frames())[-1]
        assert (last.opcode, last.payload[:2]) == (CLOSE, struct.pack("!H", 1009))


def test_an_oversize_message_in_fragments_is_refused(site: Site) -> None:
    with Browser(site.port).join("big") as client:
        client.send_frame(TEXT, b"4" + b"x" * 39_999, fin=False)
        client.send_frame(0, b"", fin=False, announced=40_000)
        last = list(client.frames())[-1]
        assert (last.opcode, last.payload[:2]) == (CLOSE, struct.pack("!H", 1009))


def test_a_message_in_fragments_below_the_limit_is_read(site: Site) -> None:
    with Browser(site.port).join("before") as client:
        client.send_frame(TEXT, b'420["join",', fin=False)
        client.send_frame(0, '"Phòng họp"]'.encode())
        site_answer = next(frame for frame in client.frames() if frame.text.startswith("430"))
        assert client.sid in site_answer.text
        site.post("/emit", room="Phòng họp")
        assert client.events(1)


def test_text_that_is_not_utf8_ends_the_connection_only(site: Site) -> None:
    with Browser(site.port).join("bad") as bad, Browser(site.port).join("bad") as good:
        bad.send_frame(TEXT, b"42\xff\xfe")
        last = list(bad.frames())[-1]
        assert (last.opcode, last.payload[:2]) == (CLOSE, struct.pack("!H", 1007))
        site.post("/emit", room="bad")
        assert good.events(1)
