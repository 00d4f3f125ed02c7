"""What every member of a room may rely on: all of it, in order, whole."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
import socketio
from engineio.payload import Payload

from tests.web.server.browser import PING, PONG, Browser
from tests.web.server.conftest import Site


def test_every_member_gets_every_event_in_order(site: Site) -> None:
    with ExitStack() as stack:
        members = [stack.enter_context(Browser(site.port)).join("all") for _ in range(20)]
        site.post("/emit", room="all", times=300, text="Thông báo kết luận")
        for member in members:
            events = member.events(300)
            assert [event["n"] for event in events] == list(range(300))
            assert events[0]["text"] == "Thông báo kết luận"


def test_events_and_queued_packets_keep_their_order(site: Site) -> None:
    with Browser(site.port).join("mixed") as member:
        site.post("/emit-mixed", room="mixed", sid=member.sid, times=600)
        assert [event["n"] for event in member.events(600)] == list(range(600))


def test_a_packet_sent_during_a_pause_of_a_broadcast_does_not_overtake_it(strict_site: Site) -> None:
    with ExitStack() as stack:
        members = [stack.enter_context(Browser(strict_site.port)).join("pause") for _ in range(30)]
        strict_site.post("/emit-two-at-once", room="pause", sids=[member.sid for member in members])
        for member in members:
            assert [event["n"] for event in member.events(2)] == ["first", "second"]


def test_partial_writes_leave_every_frame_whole_and_in_order(site: Site) -> None:
    """The client reads nothing at first, so frames stop in the middle; pongs and pings come between."""
    with Browser(site.port, receive_buffer=4096).join("narrow") as member:
        sender = threading.Thread(
            target=site.post,
            args=("/emit",),
            kwargs={"room": "narrow", "times": 200, "text": "Điều ", "repeat": 5_000, "pause": 0.005},
        )
        sender.start()
        site.wait_until(lambda state: max(state["queued"], default=0) > 20)
        for number in range(5):
            member.send_frame(PING, b"%d" % number)
        sender.join()
        numbers, pongs, pings = [], [], 0
        for frame in member.frames():
            if frame.opcode == PONG:
                pongs.append(frame.payload)
            elif frame.text == "2":
                pings += 1
            else:
                assert len(frame.payload) > 35_000
                numbers.append(int(frame.text.split('"n":')[1].split(",")[0]))
            if len(numbers) == 200 and b"4" in pongs:
                break
        assert numbers == list(range(200))
        assert pings


def test_a_client_that_caught_up_is_no_longer_in_debt(site: Site) -> None:
    with Browser(site.port, receive_buffer=4096).join("debt") as member:
        site.post("/emit", room="debt", times=40, text="x", repeat=50_000)
        assert max(site.state()["owed"]) > 100_000
        member.events(40)
        site.wait_until(lambda state: max(state["owed"]) == 0)
        site.post("/emit", room="debt", first=40)
        assert member.events(1)[0]["n"] == 40


def test_pings_go_on_while_events_are_written_directly(site: Site) -> None:
    with Browser(site.port).join("pings") as member:
        pings, numbers = 0, []
        sender = threading.Thread(
            target=site.post, args=("/emit",), kwargs={"room": "pings", "times": 250, "pause": 0.01}
        )
        sender.start()
        for frame in member.frames():
            if frame.text == "2":
                pings += 1
            elif frame.text.startswith("42"):
                numbers.append(int(frame.text.split('"n":')[1].split(",")[0]))
            if len(numbers) == 250 and pings >= 2:
                break
        sender.join()
        assert numbers == list(range(250))


def test_a_sender_is_skipped(site: Site) -> None:
    with Browser(site.port).join("skip") as sender, Browser(site.port).join("skip") as other:
        site.post("/emit", room="skip", first=1, skip=sender.sid)
        site.post("/emit", room="skip", first=2, skip=[other.sid])
        site.post("/emit", room="skip", first=3)
        assert [event["n"] for event in sender.events(2)] == [2, 3]
        assert [event["n"] for event in other.events(2)] == [1, 3]


def test_a_callback_gets_the_answer_of_the_client(site: Site) -> None:
    with Browser(site.port).join("ask") as member:
        site.post("/ask", sid=member.sid)
        member.events(1)
        assert "yes" in site.wait_until(lambda state: bool(state["answers"]))["answers"]


def test_binary_events_and_upgraded_and_polling_clients_are_served(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client of python-socketio, as it comes: polling first and then upgraded, or polling only."""
    # The Python client refuses more than 16 packets in one poll; browsers take any number.
    monkeypatch.setattr(Payload, "max_decode_packets", 1_000)
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        with socketio.SimpleClient(request_timeout=30) as client:
            client.connect(f"http://127.0.0.1:{site.port}", transports=transports, wait_timeout=30)
            client.call("join", "real")
            assert client.client.transport() == transports[-1]
            site.post("/emit", room="real", times=50, text="Giấy mời")
            site.post("/emit-binary", room="real")
            got = [client.receive(timeout=30)[1] for _ in range(51)]
            assert got[:50] == [{"n": number, "text": "Giấy mời"} for number in range(50)]
            assert got[50] == {"bytes": b"\x00\x01\xff"}


def test_a_polling_member_and_a_websocket_member_of_one_room_get_the_same(site: Site) -> None:
    with socketio.SimpleClient(request_timeout=30) as polling, Browser(site.port).join("both") as member:
        polling.connect(f"http://127.0.0.1:{site.port}", transports=["polling"], wait_timeout=30)
        polling.call("join", "both")
        site.post("/emit", room="both", times=15)
        assert [polling.receive(timeout=30)[1]["n"] for _ in range(15)] == list(range(15))
        assert [event["n"] for event in member.events(15)] == list(range(15))
