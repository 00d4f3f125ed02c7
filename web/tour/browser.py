"""A person's browser without a window: cookies, CSRF tokens, forms, and a live socket."""

import queue
import re
import threading
import time
from typing import Any, Self

import requests
import socketio

from directory.demo import PASSWORD, email_of

WAIT_S = 60.0  # also on a busy machine; what is usual comes within a second


class Unexpected(AssertionError):
    """A page answered otherwise than a person would expect."""


class Browser:
    """One person on one instance."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Accept"] = "text/html"
        self._token = ""

    def sign_in(self, mailbox: str) -> Self:
        """Come in with the demo password, through the page."""
        self.get("/sign-in")
        self.post("/sign-in", name=email_of(mailbox), password=PASSWORD)
        if "lt_session" not in self.session.cookies:
            raise Unexpected(f"{mailbox} could not sign in")
        return self

    def get(self, path: str, *, expect: int = 200) -> str:
        """A page; its CSRF token is kept for the next form."""
        answer = self.session.get(self._absolute(path), timeout=WAIT_S)
        return self._read(answer, expect)

    def get_json(self, path: str) -> Any:
        """What a script of the page would fetch."""
        answer = self.session.get(self._absolute(path), headers={"Accept": "application/json"}, timeout=WAIT_S)
        self._read(answer, 200)
        return answer.json()

    def get_bytes(self, path: str) -> bytes:
        """A file."""
        answer = self.session.get(self._absolute(path), timeout=WAIT_S)
        answer.raise_for_status()
        return answer.content

    def post(self, path: str, /, *, files: Any = None, expect: int = 200, **fields: Any) -> str:
        """Send a form with the token of the last page, and follow where it leads."""
        answer = self.session.post(
            self._absolute(path),
            data={"csrf_token": self._token, **fields},
            files=files,
            headers={"Referer": self.url},
            timeout=WAIT_S,
        )
        self.at = answer.url.removeprefix(self.url)
        return self._read(answer, expect)

    def post_json(self, path: str, /, **fields: Any) -> Any:
        """What a script of the page would send, answered as JSON."""
        headers = {"Accept": "application/json", "X-CSRFToken": self._token, "Referer": self.url}
        answer = self.session.post(self._absolute(path), data=fields, headers=headers, timeout=WAIT_S)
        self._read(answer, 200)
        return answer.json()

    def listen(self, *streams: str) -> "Listener":
        """Follow live streams as the page's script does."""
        return Listener(self, streams)

    def _absolute(self, path: str) -> str:
        return path if path.startswith("http") else self.url + path

    def _read(self, answer: requests.Response, expect: int) -> str:
        if answer.status_code != expect:
            where = answer.request.method, answer.url
            raise Unexpected(f"{where}: {answer.status_code} instead of {expect}: {_words(answer.text)[:400]}")
        found = re.search(r'name="csrf-token" content="([^"]+)"', answer.text)
        if found:
            self._token = found.group(1)
        return answer.text


class Listener:
    """The live side of a page: joins, keeps the numbers, and hears events in order."""

    def __init__(self, browser: Browser, streams: tuple[str, ...]) -> None:
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.last: dict[str, int] = {}
        self._streams = streams
        self._browser = browser
        self._early: dict[tuple[str, int], dict[str, Any]] = {}
        self._turn = threading.Lock()
        self._joined = False
        self._client = self._new_client()
        self.connect()

    def _new_client(self) -> Any:
        client = socketio.Client(reconnection=False, request_timeout=WAIT_S)
        client.on("ev", self._event)
        return client

    def connect(self) -> dict[str, Any]:
        """Open the socket and join from the numbers that are known; the server's answer."""
        cookies = "; ".join(f"{c.name}={c.value}" for c in self._browser.session.cookies)
        self._client.connect(
            self._browser.url, headers={"Cookie": cookies}, transports=["websocket"], wait_timeout=WAIT_S
        )
        wanted = {name: self.last.get(name) for name in self._streams}
        answer: dict[str, Any] = self._client.call("join", {"streams": wanted, "epoch": None}, timeout=WAIT_S)
        if answer["mode"] == "denied":
            raise Unexpected(f"the streams {self._streams} are denied")
        with self._turn:
            if answer["mode"] == "snapshot":
                self.last = dict(answer["heads"])
            self._joined = True
        for event in answer.get("events", []):
            self._event(event)
        with self._turn:
            self._take_in_order()
        return answer

    def disconnect(self) -> None:
        """Lose the network."""
        self._client.disconnect()
        with self._turn:
            self._joined = False
            self._early.clear()
        self._client = self._new_client()

    def wait(self, *kinds: str, timeout_s: float = WAIT_S) -> dict[str, Any]:
        """The next event, of one of `kinds` when some are named; others before it are passed over."""
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            try:
                event = self.heard.get(timeout=left)
            except queue.Empty:
                break
            if not kinds or event["k"] in kinds:
                return event
        early = f"; before {sorted(self._early)} something is missing" if self._early else ""
        raise Unexpected(f"nothing of {kinds or 'anything'} came on {self._streams} within {timeout_s:.0f} s{early}")

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()

    def _event(self, event: dict[str, Any]) -> None:
        """The client calls this in a thread for each event, and these overtake each other and the answer to a join.
        What comes before its turn is kept for it; one that is missing is missed by whoever waits for those after it."""
        with self._turn:
            self._early[event["s"], event["n"]] = event
            if self._joined:
                self._take_in_order()

    def _take_in_order(self) -> None:
        for stream, number in sorted(self._early):
            expected = self.last.get(stream, number - 1) + 1
            if number > expected:
                continue
            event = self._early.pop((stream, number))
            if number == expected:
                self.last[stream] = number
                self.heard.put(event)


def _words(html: str) -> str:
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
