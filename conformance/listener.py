"""A small web server to which the hub may send its hints."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SIGNATURE, TIMESTAMP = "Lienthong-Signature", "Lienthong-Timestamp"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What `Lienthong-Signature` must be: HMAC-SHA256 over `timestamp.body`, in hex, with its version."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Call:
    """One call that came."""

    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """Its JSON; AssertionError when it is none."""
        found = json.loads(self.body)
        assert isinstance(found, dict), "a hint is no JSON object"
        return found


@dataclass
class Listener:
    """Keeps what comes; answers with `status`."""

    calls: list[Call] = field(default_factory=list)
    status: int = 204
    port: int = 0

    @classmethod
    @contextmanager
    def at(cls, place: str) -> Iterator["Listener"]:
        """Listen at `HOST:PORT` for the length of the block."""
        found = cls()

        class Handler(BaseHTTPRequestHandler):
            """Notes the call."""

            def do_POST(self) -> None:
                """A hint."""
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                found.calls.append(Call({name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(found.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """The report is elsewhere."""

        host, _, port = place.rpartition(":")
        server = ThreadingHTTPServer((host or "127.0.0.1", int(port)), Handler)
        found.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def wait_for(self, kind: str, number: int, within_s: float, skip: int = 0) -> list[Call]:
        """All hints of this kind about this id, as soon as there are more than `skip`; AssertionError otherwise."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            found = [one for one in self.calls if (one.told.get("type"), one.told.get("id")) == (kind, number)]
            if len(found) > skip:
                return found
            time.sleep(0.1)
        raise AssertionError(f"no hint “{kind}” about {number} in {within_s:.0f} s")
