"""The web process: gevent's WSGI server with websockets.

The caller patches the standard library (`gevent.monkey.patch_all()`) before it imports anything
else, then builds the app, then calls `serve`, which returns when the process was told to stop.
"""

from __future__ import annotations

import logging
import signal
import socket as plain_socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import gevent
from flask import Flask
from flask_socketio import SocketIO
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import Input, WSGIServer
from geventwebsocket.handler import WebSocketHandler
from werkzeug.exceptions import RequestTimeout

from kernel import garbage
from kernel.netaddresses import network_of
from web.server.broadcast import GOODBYE_S, CompactJson, DirectManager, Limits, LiveWebSocket, Wire

log = logging.getLogger("lienthong.web")

#: Connections of one process; more wait in the listen queue.
MAX_CONNECTIONS = 10_000
#: A thousand browsers come back at once after a restart.
LISTEN_QUEUE = 4_096
#: What is left of a body that was refused is read and forgotten for so long, in bytes and in seconds, also between two
#: pieces: a connection that is closed on what was sent is reset, and the sender never sees why it was refused.
LEFT_BYTES, LEFT_S, LEFT_PIECE_S = 64 << 20, 60.0, 5.0
#: A connection with more than that left is closed after the answer.
LEFT_AND_KEPT = 1 << 20
#: A body that comes more slowly than so many bytes a second, in the long run, is not waited for.
SLOWEST_BODY = 8_000
#: A connection may be silent between two requests for so many times the time of a request's head.
IDLE_TIMES = 4


def make_socketio(limits: Limits | None = None, **options: Any) -> SocketIO:
    """The Socket.IO side, not bound to an app yet: call `init_app(app)` on it.

    Options go to Flask-SocketIO (`ping_interval`, `cors_allowed_origins`, `transports`, ...).
    """
    limits = limits or Limits()
    return SocketIO(
        async_mode="gevent",
        client_manager=DirectManager(limits),
        json=CompactJson,
        manage_session=False,
        max_http_buffer_size=limits.incoming,
        **options,
    )


class _Body(Input):  # type: ignore[misc]
    """The body of a request, of which much may never be asked for; a sender that is too slow gets 408."""

    wait_s = 0.0
    waited_s = 0.0
    too_slow = False

    def _do_read(self, length: int | None = None, use_readline: bool = False) -> bytes:
        return self._in_time(super()._do_read, length, use_readline)

    def _chunked_read(self, length: int | None = None, use_readline: bool = False) -> bytes:
        return self._in_time(super()._chunked_read, length, use_readline)

    def _in_time(self, read: Callable[..., bytes], length: int | None, use_readline: bool) -> bytes:
        if not self.wait_s:
            return read(length, use_readline)
        wanted = self.position + (length or int(self.content_length or 0))
        begun = time.monotonic()
        limit = gevent.Timeout(max(0.01, self.wait_s + wanted / SLOWEST_BODY - self.waited_s))
        limit.start()
        try:
            return read(length, use_readline)
        except gevent.Timeout as over:
            if over is not limit:
                raise
            self.too_slow = True
            raise RequestTimeout from None
        finally:
            limit.close()
            self.waited_s += time.monotonic() - begun

    @property
    def left(self) -> float:
        """Bytes that were not read; without end where nobody said how many come."""
        if self.chunked_input:
            return 0 if self.chunk_length == 0 else float("inf")
        return int(self.content_length or 0) - int(self.position)

    @property
    def held_back(self) -> bool:
        """Whether the sender waits to be told to send (RFC 9110 §10.1.1), which they never are once refused."""
        return self.socket is not None

    def forget(self) -> bool:
        """Read what is left, within limits; whether that was all."""
        if self.too_slow:
            return False
        self.send_100_continue_enabled = False
        most = LEFT_BYTES
        with gevent.Timeout(LEFT_S, False):
            while self.left and most > 0:
                piece = self.read(1 << 16)
                if not piece:
                    break
                most -= len(piece)
        return not self.left

    def _discard(self) -> None:
        """The handler forgets what is left by itself."""


class LiveHandler(WebSocketHandler):  # type: ignore[misc]
    """One connection: no delay for small answers, websockets on a `Wire`, no access log; bodies that were refused are
    read for a while, so that the answer arrives."""

    websocket: Any
    wsgi_input: Any

    def __init__(self, sock: Any, address: Any, server: Any, rfile: Any = None) -> None:
        super().__init__(sock, address, server, rfile)
        if sock.family in (plain_socket.AF_INET, plain_socket.AF_INET6):
            # pywsgi never sets it, and every keep-alive answer then waits 40 ms for the other side.
            sock.setsockopt(plain_socket.IPPROTO_TCP, plain_socket.TCP_NODELAY, 1)

    _answered_before = False

    def read_requestline(self) -> str:
        """The first line of a request; empty, as at the end of the connection, when it does not come in time."""
        wait_s = self.server.wait_s * (IDLE_TIMES if self._answered_before else 1)
        with gevent.Timeout(wait_s or None, False):
            return str(super().read_requestline())
        return ""

    def read_request(self, raw_requestline: str) -> bool:
        """The head of a request; a sender that does not bring it in time is not answered any more. What two servers in
        a row could understand differently is refused (RFC 9112 §3.2, §6.3)."""
        self._answered_before = True
        with gevent.Timeout(self.server.wait_s or None, False):
            read = bool(super().read_request(raw_requestline))
            self._refuse_two_meanings()
            return read
        return False

    def _refuse_two_meanings(self) -> None:
        lengths = {one.strip() for one in self.headers.get_all("Content-Length", [])}
        if len(lengths) > 1 or not all(one.isascii() and one.isdigit() for one in lengths):
            raise ValueError(f"Content-Length is said in {len(lengths)} ways, or is no number")
        if self.request_version == "HTTP/1.1" and len(self.headers.get_all("Host", [])) != 1:
            raise ValueError("HTTP/1.1 with no Host, or several")

    def upgrade_connection(self) -> Any:
        refusal = super().upgrade_connection()
        if refusal is None:
            # The stock websocket writes a close frame when it is collected, unless it is closed.
            self.websocket.closed = True
            wire = Wire(self.socket, self.rfile.read, self.server.limits)
            self.websocket = LiveWebSocket(self.environ, wire, self)
            self.environ["wsgi.websocket"] = self.websocket
        return refusal

    def get_environ(self) -> Any:
        environ = super().get_environ()
        plain = self.wsgi_input
        self.wsgi_input = _Body(self.rfile, plain.content_length, plain.socket, plain.chunked_input)
        self.wsgi_input.wait_s = self.server.wait_s
        environ["wsgi.input"] = self.wsgi_input
        return environ

    def finalize_headers(self) -> None:
        if self.wsgi_input.too_slow or self.wsgi_input.held_back or self.wsgi_input.left > LEFT_AND_KEPT:
            self.close_connection = True
            self.response_headers.append((b"Connection", b"close"))
        super().finalize_headers()

    def handle_one_response(self) -> None:
        self.server.answering.add(self)
        try:
            super().handle_one_response()
        finally:
            self.server.answering.discard(self)
        if self.wsgi_input.left:
            self._forget_the_rest()

    def _forget_the_rest(self) -> None:
        """The answer is out; what of the body was not wanted is still coming."""
        self.socket.settimeout(LEFT_PIECE_S)
        try:
            whole = self.wsgi_input.forget()
        except OSError:  # too slow, gone, or no body at all
            whole = False
        if whole and not self.close_connection:
            self.socket.settimeout(None)
        else:
            self.close_connection = True

    def log_request(self) -> None:
        """Nothing: nginx keeps the access log, and the audit says who did what."""


class LiveServer(WSGIServer):  # type: ignore[misc]
    """Listens, and knows which requests are being answered, so that a stop can wait for them."""

    def __init__(
        self, listener: Any, application: Any, limits: Limits, wait_s: float = 0, per_address: int = 0
    ) -> None:
        super().__init__(
            listener,
            application,
            backlog=LISTEN_QUEUE,
            spawn=Pool(MAX_CONNECTIONS),
            log=None,
            error_log=log,
            handler_class=LiveHandler,
        )
        self.limits = limits
        self.logger = log
        self.answering: set[LiveHandler] = set()
        self.wait_s, self.per_address = wait_s, per_address
        self.connections: Counter[str] = Counter()

    def handle(self, sock: Any, address: Any) -> None:
        """Answer one connection, or close it when its address has as many as it may."""
        network = network_of(address[0]) if self.per_address and isinstance(address, tuple) else ""
        if network and self.connections[network] >= self.per_address:
            sock.close()
            return
        self.connections[network] += 1
        try:
            super().handle(sock, address)
        finally:
            self.connections[network] -= 1
            if not self.connections[network]:
                del self.connections[network]


def serve(
    app: Flask,
    socketio: SocketIO,
    host: str,
    port: int,
    on_stop: Callable[[], None] | None = None,
    *,
    on_start: Callable[[int], None] | None = None,
    grace_s: float = 10.0,
    wait_s: float = 0,
    per_address: int = 0,
) -> None:
    """Answer requests until SIGTERM or SIGINT; returns when the last answer is out.

    `on_start` gets the port that was bound (useful with port 0). `on_stop` is called when no new
    connection is taken any more, before the open sockets are closed. Requests that take longer than
    `grace_s` after that are cut. Heads and bodies must come in about `wait_s` seconds, and one address may have
    `per_address` connections; 0 is no limit.
    """
    server = LiveServer((host, port), app, socketio.server.manager.limits, wait_s, per_address)
    told_to_stop = Event()
    watchers = [gevent.signal_handler(number, told_to_stop.set) for number in (signal.SIGTERM, signal.SIGINT)]
    server.start()
    try:
        garbage.resume()
        if on_start is not None:
            on_start(server.server_port)
        told_to_stop.wait()
    finally:
        for watcher in watchers:
            watcher.cancel()
        server.close()
        if on_stop is not None:
            on_stop()
        _close_sockets(socketio)
        _wait_for_answers(server, socketio, grace_s)
        server.stop(timeout=0)


def _close_sockets(socketio: SocketIO) -> None:
    """Tell every browser that the connection ends, in the way after which it reconnects by itself."""
    engine = socketio.server.eio
    for member in list(engine.sockets.values()):
        if not member.closed:
            member.close(wait=False, reason=engine.reason.SERVER_DISCONNECT)
    socketio.server.shutdown()


def _wait_for_answers(server: LiveServer, socketio: SocketIO, grace_s: float) -> None:
    """Let browsers say goodbye for a moment, then wait only for requests that are being answered."""
    for timeout_s in (min(GOODBYE_S, grace_s), grace_s):
        with gevent.Timeout(timeout_s, False):
            while server.answering:
                gevent.sleep(0.02)
            return
        for wire in socketio.server.manager.wires():
            wire.abandon()
    log.warning("stopped with %d requests unanswered", len(server.answering))
