"""Agencies' systems that wait at their mailboxes with a long poll: `python -m bench.clients.mailbox_driver PLAN`.

The plan is a JSON file: `port`, `endpoints` (pairs of client id and secret), and `take`: whether what is offered is
also leased, downloaded, checked and acknowledged. Says `ready` when all of them wait, then a JSON line for every letter
that is offered: `{"endpoint", "sha256", "at"}`, `at` in seconds of the machine's monotonic clock. A line on standard
input ends it: then it tells in one JSON line what it saw, `{"calls_ms", "errors"}`, milliseconds by kind of call.
"""

from gevent import monkey

monkey.patch_all()

import base64  # noqa: E402 - the standard library is patched before anything else is imported
import hashlib  # noqa: E402
import http.client  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import defaultdict  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from gevent.pool import Pool  # noqa: E402

WAIT_S = 25
RENEW_S = 20 * 60  # an access token lives 30 minutes
AT_ONCE = 20  # endpoints that come in at the same time
MAX_ERRORS = 50  # kept with their text


class Seen:
    """What all endpoints together have seen."""

    def __init__(self) -> None:
        self.calls_ms: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []

    def wrong(self, text: str) -> None:
        """Something that must not happen."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(text[:300])

    def offered(self, endpoint: int, sha256: str) -> None:
        """A letter is in a mailbox, and its owner knows."""
        say({"endpoint": endpoint, "sha256": sha256, "at": time.monotonic()})


class Endpoint:
    """One agency's system."""

    def __init__(self, number: int, port: int, client_id: str, secret: str, seen: Seen) -> None:
        self.number, self.seen = number, seen
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        self._bearer, self._renew_at, self._after = "", 0.0, ""

    def enter(self) -> None:
        """Open the mailbox and learn where it ends."""
        self._connection.connect()
        self._ask(wait=0)

    def wait(self, *, take: bool) -> None:
        """Wait for letters, again and again."""
        while True:
            for item in self._ask(WAIT_S):
                self.seen.offered(self.number, item["sha256"])
                if take:
                    self._take(item)

    def _ask(self, wait: int) -> list[dict[str, Any]]:
        after = f"&after={self._after}" if self._after else ""
        begun = time.monotonic()
        answer = self._call("inbox", "GET", f"/api/v1/inbox?wait={wait}{after}")
        if not answer:
            gevent.sleep(1)
            return []
        told = json.loads(answer)
        if not told["items"] and time.monotonic() - begun < wait - 1:
            self.seen.wrong(f"endpoint {self.number}: an empty answer after {time.monotonic() - begun:.1f} s")
        self._after = told["next"]
        items: list[dict[str, Any]] = told["items"]
        return items

    def _take(self, item: dict[str, Any]) -> None:
        path = f"/api/v1/inbox/{item['id']}"
        leased = self._call("lease", "POST", f"{path}/lease", b"{}")
        data = self._call("envelope", "GET", f"{path}/envelope")
        if leased and data:
            if hashlib.sha256(data).hexdigest() != item["sha256"]:
                self.seen.wrong(f"endpoint {self.number}: other bytes than announced")
            token = json.dumps({"token": json.loads(leased)["token"]}).encode()
            self._call("ack", "POST", f"{path}/ack", token)

    def _call(self, kind: str, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of the answer; empty, and an error noted, when it is no success."""
        if time.monotonic() >= self._renew_at:
            self._renew()
        headers = {"Authorization": self._bearer, "Content-Type": "application/json"}
        begun = time.monotonic()
        status, said = self._exchange(method, path, body, headers)
        if status != 200:
            self.seen.wrong(f"{kind}: {status} {said[:200]!r}")
            return b""
        self.seen.calls_ms[kind].append((time.monotonic() - begun) * 1000)
        return said

    def _renew(self) -> None:
        headers = {"Authorization": f"Basic {self._basic}", "Content-Type": "application/x-www-form-urlencoded"}
        status, said = self._exchange("POST", "/api/v1/oauth/token", b"grant_type=client_credentials", headers)
        if status == 200:
            self._bearer, self._renew_at = f"Bearer {json.loads(said)['access_token']}", time.monotonic() + RENEW_S
        else:
            self.seen.wrong(f"token: {status} {said[:200]!r}")

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return 0, repr(error).encode()


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    seen = Seen()
    endpoints = [Endpoint(n, plan["port"], name, secret, seen) for n, (name, secret) in enumerate(plan["endpoints"])]
    entering = Pool(AT_ONCE)
    for endpoint in endpoints:
        entering.spawn(endpoint.enter)
    entering.join(raise_error=True)
    waiting = [gevent.spawn(endpoint.wait, take=plan["take"]) for endpoint in endpoints]
    say("ready")
    gevent.get_hub().threadpool.apply(sys.stdin.readline)
    gevent.killall(waiting)
    say({"calls_ms": seen.calls_ms, "errors": seen.errors})


def say(what: object) -> None:
    sys.stdout.write((what if isinstance(what, str) else json.dumps(what)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
