"""A vendor's webhook receiver, and those of vendors who made a mistake."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "bí mật của trục"

FLAWS = {
    "redirects": "W01",
    "checks nothing": "W02",
    "tidies before it checks": "W03",
    "ignores age": "W04",
    "refuses repeats": "W05",
    "breaks at repeats": "W06",
    "knows one kind only": "W07",
    "breaks at junk": "W08",
    "takes one at a time": "W09",
}


class Receiver:
    """Checks what comes as docs/exchange-protocol.md says, but for its `flaw`."""

    def __init__(self, flaw: str = "") -> None:
        self.flaw = flaw
        self.seen: set[str] = set()
        self.calls: set[bytes] = set()
        self.busy = threading.Lock()

    def answer(self, timestamp: str, signature: str, body: bytes) -> int:
        """The status for a call."""
        if self.flaw == "redirects":
            return 302
        if self.flaw != "checks nothing" and not self._is_signed(timestamp, signature, body):
            return 401
        call = timestamp.encode() + body
        if self.flaw == "breaks at repeats" and call in self.calls:
            return 500
        self.calls.add(call)
        try:
            told = json.loads(body)
        except ValueError:
            return 500 if self.flaw == "breaks at junk" else 400
        return self._take(told) if isinstance(told, dict) else 400

    def _take(self, told: dict[str, Any]) -> int:
        if self.flaw == "knows one kind only" and told.get("type") not in ("inbox.available", "delivery.changed"):
            return 400
        event = str(told.get("event"))
        if self.flaw == "refuses repeats" and event in self.seen:
            return 409
        self.seen.add(event)
        if self.flaw == "takes one at a time":
            if not self.busy.acquire(blocking=False):
                return 503
            time.sleep(0.2)
            self.busy.release()
        return 204

    def _is_signed(self, timestamp: str, signature: str, body: bytes) -> bool:
        signed = body.strip() if self.flaw == "tidies before it checks" else body
        made = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + signed, hashlib.sha256).hexdigest()
        young = timestamp.isdigit() and (self.flaw == "ignores age" or abs(time.time() - int(timestamp)) <= 300)
        return young and hmac.compare_digest(f"v1={made}", signature)


@contextmanager
def listening(flaw: str = "") -> Iterator[str]:
    """Its address, for the length of the block."""
    receiver = Receiver(flaw)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = self.headers
            status = receiver.answer(
                headers.get("Lienthong-Timestamp", ""), headers.get("Lienthong-Signature", ""), body
            )
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        request_queue_size = 50

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()
    thread.join()
