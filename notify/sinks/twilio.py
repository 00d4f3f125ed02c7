"""An HTTP server of the shape of Twilio's message API that logs what it accepts and reports on it with signed
callbacks. `python -m notify.sinks.twilio --port N --log F`.

It keeps the parts that a sender can see: basic authentication, `Messages.json` to send and to list (To, From and
DateSent filters, pages), the account, Twilio's error shape. Numbers that end in 404 are refused with 21211.
"""

import argparse
import base64
import json
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import requests
from twilio.request_validator import RequestValidator

from kernel import clock
from notify.sinks.journal import Journal

SID = "AC" + "0" * 31 + "1"
TOKEN = "sink-token"  # noqa: S105 - the sink's own, opens nothing
API = "/2010-04-01/Accounts/"


class _Handler(BaseHTTPRequestHandler):
    """One request. Faults: `429`, `500`, `503`, `drop` (accepts, closes without an answer), `500-accepted`,
    `201-garbled` (accepts, and answers what is no answer), `delay:0.5`, `patience:0.5` (waits, and drops the message of
    a client that went away). Until `TwilioSink.catch_up`: `hold` neither accepts nor answers, `lose` closes at once
    and accepts then, `unlisted` accepts, closes, and does not list it. The list: `500`, `405`."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two small ones wait 40 ms for each other
    disable_nagle_algorithm = True
    server: "_Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if not self._is_at("/Messages.json"):
            return
        fault = self.server.journal.fault()
        if fault in {"429", "500", "503"}:
            self._refuse(int(fault), 20429 if fault == "429" else 20500, "the sink was told to say so")
            return
        if fault in {"hold", "lose"}:
            self._wait(dict(parse_qsl(body)), fault)
            return
        if fault.startswith(("delay:", "patience:")):
            time.sleep(float(fault.partition(":")[2]))
        if fault.startswith("patience:") and self._is_alone():
            self.close_connection = True
            return
        fields = dict(parse_qsl(body))
        if not fields.get("Body"):
            self._refuse(400, 21602, "Message body is required")
        elif fields.get("To", "").endswith("404"):
            self._refuse(400, 21211, f"Invalid 'To' Phone Number: {fields.get('To')}")
        else:
            self._take(fields, fault)

    def do_GET(self) -> None:
        if not self._is_at("/Messages.json", f"{API}{self.server.sid}.json"):
            return
        if (fault := self.server.journal.fault()) in {"405", "500"}:
            self._refuse(int(fault), int(f"20{fault}"), "the sink was told to say so")
            return
        parts = urlsplit(self.path)
        if parts.path == f"{API}{self.server.sid}.json":
            self._answer(200, {"sid": self.server.sid, "status": "active", "friendly_name": "sink"})
        else:
            self._answer(200, self._page(parts.path, parse_qs(parts.query)))

    def _is_alone(self) -> bool:
        """Whether the client went away while it waited; many gateways then drop what it had asked for."""
        self.connection.setblocking(False)
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK) == b"")
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.connection.setblocking(True)

    def _is_at(self, *paths: str) -> bool:
        expected = base64.b64encode(f"{self.server.sid}:{self.server.token}".encode()).decode()
        path = urlsplit(self.path).path
        if self.headers.get("Authorization") != f"Basic {expected}":
            self._refuse(401, 20003, "Authenticate")
        elif path not in {f"{API}{self.server.sid}{p}" if p.startswith("/M") else p for p in paths}:
            self._refuse(404, 20404, f"The requested resource {path} was not found")
        else:
            return True
        return False

    def _wait(self, fields: dict[str, str], fault: str) -> None:
        accepted = self.server.later(lambda: self._take(fields, "drop"))
        if fault == "lose":
            self._hang_up()
        else:
            accepted.wait()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _take(self, fields: dict[str, str], fault: str) -> None:
        message = _message(self.server.sid, fields)
        self.server.keep(message, fields.get("StatusCallback", ""), is_listed=fault != "unlisted")
        if fault in {"drop", "unlisted"}:
            self._hang_up()
        elif fault == "201-garbled":
            self._answer(201, [])
        elif fault == "500-accepted":
            self._refuse(500, 20500, "accepted, and then something broke")
        else:
            self._answer(201, message)

    def _page(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        size, number = int(query.get("PageSize", ["50"])[0]), int(query.get("Page", ["0"])[0])
        found = [m for m in self.server.messages() if _matches(m, query)]
        found.reverse()
        rest = {k: v[0] for k, v in query.items() if k not in {"Page", "PageSize"}}
        more = len(found) > (number + 1) * size
        following = f"{path}?{urlencode({**rest, 'PageSize': size, 'Page': number + 1})}" if more else None
        return {
            "messages": found[number * size : (number + 1) * size],
            "page": number,
            "page_size": size,
            "uri": self.path,
            "first_page_uri": f"{path}?{urlencode({**rest, 'PageSize': size, 'Page': 0})}",
            "next_page_uri": following,
            "previous_page_uri": None,
            "start": number * size,
            "end": min(len(found), (number + 1) * size) - 1,
        }

    def _refuse(self, status: int, code: int, message: str) -> None:
        more = f"https://www.twilio.com/docs/errors/{code}"
        self._answer(status, {"code": code, "message": message, "more_info": more, "status": status})

    def _answer(self, status: int, content: dict[str, Any] | list[Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the journal is the log."""


def _message(sid: str, fields: dict[str, str]) -> dict[str, Any]:
    now = format_datetime(clock.now().replace(microsecond=0))
    own = "SM" + secrets.token_hex(16)
    return {
        "sid": own,
        "account_sid": sid,
        "to": fields["To"],
        "from": fields.get("From"),
        "body": fields["Body"],
        "status": "queued",
        "direction": "outbound-api",
        "date_created": now,
        "date_updated": now,
        "date_sent": now,
        "num_segments": "1",
        "num_media": "0",
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "error_message": None,
        "messaging_service_sid": None,
        "api_version": "2010-04-01",
        "uri": f"{API}{sid}/Messages/{own}.json",
        "subresource_uris": {},
    }


def _matches(message: dict[str, Any], query: dict[str, list[str]]) -> bool:
    sent = datetime.strptime(message["date_sent"], "%a, %d %b %Y %H:%M:%S %z").date().isoformat()
    wanted: dict[str, Callable[[str], bool]] = {
        "To": lambda v: message["to"] == v,
        "From": lambda v: message["from"] == v,
        "DateSent": lambda v: sent == v[:10],
        "DateSent>": lambda v: sent >= v[:10],
        "DateSent<": lambda v: sent <= v[:10],
    }
    return all(test(query[name][0]) for name, test in wanted.items() if name in query)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], journal: Journal, sid: str, token: str, callbacks: bool) -> None:
        super().__init__(address, _Handler)
        self.journal, self.sid, self.token, self.callbacks = journal, sid, token, callbacks
        self._messages: list[dict[str, Any]] = []
        self._waiting: list[tuple[Callable[[], None], threading.Event]] = []
        self._lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that dies in the middle of a request is what the sink is for."""

    def messages(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._messages)

    def later(self, act: Callable[[], None]) -> threading.Event:
        """Do it when the provider catches up; the event tells that it is done."""
        done = threading.Event()
        with self._lock:
            self._waiting.append((act, done))
        return done

    def catch_up(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for act, done in waiting:
            act()
            done.set()

    def _list(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._messages.append(message)

    def keep(self, message: dict[str, Any], callback: str, *, is_listed: bool = True) -> None:
        if is_listed:
            self._list(message)
        else:
            self.later(lambda: self._list(message))
        at = clock.now().isoformat()
        self.journal.add(
            {"at": at, "sid": message["sid"], "to": message["to"], "from": message["from"], "body": message["body"]}
        )
        if self.callbacks and callback:
            threading.Thread(target=self._report, args=(message, callback), daemon=True).start()

    def _report(self, message: dict[str, Any], callback: str) -> None:
        for status in ("sent", "delivered"):
            message["status"] = status
            fields = {"MessageSid": message["sid"], "SmsSid": message["sid"], "MessageStatus": status}
            fields |= {"To": message["to"], "From": message["from"] or "", "AccountSid": self.sid}
            signature = RequestValidator(self.token).compute_signature(callback, fields)
            try:
                requests.post(callback, data=fields, headers={"X-Twilio-Signature": signature}, timeout=30)
            except requests.RequestException:
                return  # as at Twilio: a receiver that is not there misses the report


class TwilioSink:
    """The server in threads of this process; a context manager. `url` is the value of twilio_base_url."""

    def __init__(
        self,
        log: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        sid: str = SID,
        token: str = TOKEN,
        callbacks: bool = True,
    ) -> None:
        self.journal = Journal(log)
        self.sid, self.token = sid, token
        self._server = _Server((host, port), self.journal, sid, token, callbacks)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.catch_up()
        self._server.shutdown()
        self._server.server_close()

    def catch_up(self) -> None:
        """Accept, and list, what it has been told to keep waiting."""
        self._server.catch_up()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:N`."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m notify.sinks.twilio", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2580)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--sid", default=SID)
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    with TwilioSink(options.log, host=options.host, port=options.port, sid=options.sid, token=options.token):
        ended.wait()


if __name__ == "__main__":
    main()
