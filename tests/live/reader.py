"""A page of the room without a window, over a real socket: it keeps what it is told as room.js does, and everything
that reached it, for whoever looks for a leak."""

import json
import threading
import time
from contextlib import suppress
from typing import Any

import requests
import socketio

from meetings import projection
from web.tour.browser import Browser

CALL_S = 3.0
SILENCE_S = 25.0


class Reader:
    """Follows one meeting until it is closed, however often the wire breaks. `url` is that of the wire."""

    def __init__(self, browser: Browser, url: str, meeting: int, *, polling: bool = False) -> None:
        self.browser, self.url, self.meeting = browser, url, meeting
        self.transports = ["polling"] if polling else ["websocket"]
        self.reached: list[str] = []
        self.wrong: list[str] = []
        self.joins: list[str] = []
        self.state: dict[str, Any] = {}
        self.last: dict[str, int] = {}
        self.is_out = False
        self._epoch: str | None = None
        self._early: dict[tuple[str, int], dict[str, Any]] = {}
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._again = threading.Event()
        self._heard_at = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over.set()
        self._again.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._over.is_set():
            client = socketio.Client(reconnection=False, request_timeout=CALL_S, handle_sigint=False)
            for name, handler in (("ev", self._event), ("hb", self._beat), ("reset", self._reset)):
                client.on(name, handler)
            client.on("disconnect", lambda *_: self._again.set())
            with suppress(Exception):  # whatever the wire does to a connection, the next one is tried
                self._follow(client)
            with suppress(Exception):
                client.disconnect()
            self._over.wait(0.05)

    def _follow(self, client: Any) -> None:
        self._again.clear()
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.browser.session.cookies)
        client.connect(self.url, headers={"Cookie": cookies}, transports=self.transports, wait_timeout=CALL_S)
        if not self.last and not self._load():
            return
        answer = client.call("join", {"streams": dict(self.last), "epoch": self._epoch}, timeout=CALL_S)
        self.joins.append(answer["mode"])
        self.reached.append(json.dumps(answer, ensure_ascii=False))
        if answer["mode"] in ("snapshot", "denied"):
            self._forget()
            return
        with self._turn:
            self._epoch = answer.get("epoch", self._epoch)
            self._early |= {(event["s"], event["n"]): event for event in answer.get("events", [])}
            self._take_in_order()
        self._heard_at = time.monotonic()
        while not self._again.wait(0.2) and time.monotonic() - self._heard_at < SILENCE_S:
            pass

    def _load(self) -> bool:
        answer = requests.get(
            f"{self.url}/meetings/{self.meeting}/snapshot",
            cookies=dict(self.browser.session.cookies),
            headers={"Accept": "application/json"},
            timeout=CALL_S,
        )
        self.is_out = answer.status_code == 404
        self.reached.append(answer.text)
        if not answer.ok:
            return False
        found = answer.json()
        with self._turn:
            self.state, self._epoch = found["state"], found["epoch"]
            self.last = {name: head for name, head in found["heads"].items() if name.startswith("meeting:")}
        return True

    def _forget(self) -> None:
        with self._turn:
            self.state, self.last, self._early = {}, {}, {}
        self._again.set()

    def _event(self, event: dict[str, Any]) -> None:
        """Called in a thread for each event: what comes before its turn waits for it."""
        self._heard_at = time.monotonic()
        self.reached.append(json.dumps(event, ensure_ascii=False))
        with self._turn:
            self._early[event["s"], event["n"]] = event
            self._take_in_order()

    def _take_in_order(self) -> None:
        for stream, number in sorted(self._early):
            last = self.last.get(stream)
            if last is None or number > last + 1:
                continue
            event = self._early.pop((stream, number))
            if number <= last:
                continue
            self.last[stream] = number
            self.state = projection.apply(self.state, event["k"], event["d"])

    def _beat(self, beat: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        if any(head > self.last.get(name, head) for name, head in beat["heads"].items()):
            self._again.set()  # join again, from what we have

    def _reset(self, _what: Any) -> None:
        self._forget()
