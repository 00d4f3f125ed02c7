"""Broadcast of one event to a whole room, encoded once.

Flask-SocketIO puts every event into a queue of every client and wakes a greenlet for each, which
frames the same text again: about 50 µs a client. Here the websocket frame is built once and offered
to each client's socket with one non-blocking send; whoever cannot take it at once gets it through
its ordinary queue (docs/decisions/0006-direct-broadcast.md).

What a client may rely on: everything sent to it arrives in the order it was sent, frames are never
torn, and a client that does not read is dropped; it reconnects and replays.
"""

from __future__ import annotations

import json
import logging
import socket as plain_socket
import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import gevent
from engineio import json as engineio_json
from engineio import packet as eio_packet
from engineio.async_drivers.gevent import WebSocketWSGI
from gevent.lock import BoundedSemaphore
from geventwebsocket.exceptions import FrameTooLargeException, ProtocolError, WebSocketError
from geventwebsocket.websocket import Header, WebSocket
from socketio import packet as sio_packet
from socketio.manager import Manager

log = logging.getLogger("lienthong.web")

#: The versions whose internals this module reaches into. A test compares them with what is installed.
#: How long a browser may take to answer the close of its websocket, in seconds.
GOODBYE_S = 1.0
PINS = {"python-engineio": "4.15.1", "python-socketio": "5.18.1", "gevent-websocket": "0.10.1"}


@dataclass(frozen=True)
class Limits:
    """How much one client may cost. Sizes in bytes."""

    #: The largest message a browser may send; browsers only join and say hello.
    incoming: int = 64 * 1024
    #: What may wait for one client in this process before it is dropped.
    backlog: int = 1_000_000
    #: How long one frame may wait for a client that takes nothing, in seconds.
    stall_s: float = 10.0
    #: What the operating system may hold for one client; without a cap it grows to megabytes.
    send_buffer: int = 256 * 1024
    #: Packets that may wait for a long-polling client that does not come back.
    polling_packets: int = 1_000
    #: How long a connection may be in no namespace, in seconds: such a one is no browser of ours; 0 is no limit.
    join_s: float = 20.0
    #: Sends in a row before other greenlets get a turn.
    turn: int = 200


class CompactJson:
    """JSON for Socket.IO packets: Vietnamese letters stay letters, a third of the escaped size."""

    @staticmethod
    def dumps(value: object, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=False, **options)

    @staticmethod
    def loads(text: str, **options: Any) -> Any:
        return engineio_json.loads(text, **options)


class Wire:
    """The one place where bytes go out on one client's socket, frame after frame.

    The writer greenlet, the reader (pong, close) and the broadcast all write here. A frame that was
    sent in part leaves a tail, and the next write, whoever makes it, sends the tail first.
    """

    __slots__ = ("_lock", "_pong", "_raw", "_socket", "_writers", "dead", "limits", "owed", "read", "tail")

    def __init__(self, socket: Any, read: Any, limits: Limits) -> None:
        self._socket = socket
        # gevent's own send() and sendall() cost twice the system call; this is the real socket.
        self._raw = socket._sock
        self._raw.setsockopt(plain_socket.SOL_SOCKET, plain_socket.SO_SNDBUF, limits.send_buffer)
        self._lock = BoundedSemaphore(1)
        self._writers = 0
        self._pong = b""
        self.read = read
        self.limits = limits
        self.tail = b""
        self.owed = 0
        self.dead = False

    def offer(self, frame: bytes) -> bool:
        """Send the frame now if that needs no waiting; False: it must go through the queue.

        True with a `tail` left means: sent in part, and somebody must `write` to finish it.
        """
        if self.dead:
            return True
        # A greenlet that waits for the lock holds a packet that is no longer in the queue, so the
        # count of writers matters, not the lock.
        if self._writers or self.tail:
            return False
        try:
            sent = self._raw.send(frame)
        except BlockingIOError:
            return False
        except OSError:
            self.abandon()
            return True
        if sent < len(frame):
            self.tail = frame[sent:]
            self.owed += len(self.tail)
        return True

    def write(self, data: bytes | bytearray) -> None:
        """Send all of it, after the tail; waits for the client, but no longer than the limit."""
        self._writers += 1
        try:
            with self._lock:
                if self.dead:
                    raise BrokenPipeError("the client was dropped")
                if self.tail:
                    data, self.tail = self.tail + data, b""
                self._send_all(data)
                self.owed = max(0, self.owed - len(data))
                while self._pong:
                    pong, self._pong = self._pong, b""
                    self._send_all(pong)
        finally:
            self._writers -= 1

    def answer_ping(self, pong: bytes) -> None:
        """Send the pong, or leave it to whoever is writing: the reader must not wait for its turn.

        Only the latest is kept, as RFC 6455 §5.5.3 allows.
        """
        if self._writers or self.tail:
            self._pong = pong
        else:
            self.write(pong)

    def _send_all(self, data: bytes | bytearray) -> None:
        try:
            try:
                sent = self._raw.send(data)
            except BlockingIOError:
                sent = 0
            if sent < len(data):
                with gevent.Timeout(self.limits.stall_s, TimeoutError("the client takes nothing")):
                    self._socket.sendall(memoryview(data)[sent:])
        except BaseException:
            # Half a frame may be out: nothing that follows could be understood.
            self.abandon()
            raise

    def owe(self, size: int) -> bool:
        """Count what was put into the client's queue; False when that is more than it may owe."""
        self.owed += size
        return self.owed <= self.limits.backlog

    def abandon(self) -> None:
        """Drop the client: its reader wakes with an end of file and cleans up as for any other."""
        if self.dead:
            return
        self.dead = True
        self.tail = b""
        try:
            # Without the linger the system would keep trying to send what the client never reads.
            self._raw.setsockopt(plain_socket.SOL_SOCKET, plain_socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._raw.shutdown(plain_socket.SHUT_RDWR)
        except OSError:
            # Already gone, which is what was wanted.
            return


class LiveWebSocket(WebSocket):  # type: ignore[misc]
    """A websocket that writes through a `Wire` and refuses oversize messages before reading them."""

    closed: bool
    stream: Any
    raw_read: Any
    raw_write: Any
    environ: Any

    def __init__(self, environ: dict[str, Any], wire: Wire, handler: Any) -> None:
        super().__init__(environ, wire, handler)
        self.wire = wire
        self._message_bytes = 0

    def read_frame(self) -> tuple[Any, bytes]:
        """One frame. Closes with 1009 when the message so far is too big (RFC 6455 §7.4.1)."""
        header = Header.decode_header(self.stream)
        if header.flags:
            raise ProtocolError("compressed frames were not agreed on")
        if header.opcode < self.OPCODE_CLOSE:
            # Fragments add up: the cap is on the message, not on the frame.
            self._message_bytes += header.length
        if max(self._message_bytes, header.length) > self.wire.limits.incoming:
            self.close(1009)
            raise FrameTooLargeException(f"{header.length} bytes announced")
        if header.opcode < self.OPCODE_CLOSE and header.fin:
            self._message_bytes = 0
        payload = self.raw_read(header.length) if header.length else b""
        if len(payload) != header.length:
            raise WebSocketError("the connection ended inside a frame")
        return header, _unmasked(payload, header.mask) if header.mask else payload

    def validate_utf8(self, payload: bytes) -> None:
        """Leave it to the decoding of the whole message, which is as strict and a hundred times faster."""

    def handle_ping(self, header: Any, payload: bytes) -> None:
        self.wire.answer_ping(_framed(self.OPCODE_PONG, payload))

    def close(self, code: int = 1000, message: object = b"") -> None:
        """Say why and be closed; the stock websocket leaves the code out."""
        if self.closed:
            return
        self.closed = True
        try:
            self.wire.write(_framed(self.OPCODE_CLOSE, struct.pack("!H", code)))
        except OSError:
            log.debug("a client was gone before it could be told")
        finally:
            self.stream = self.raw_write = self.raw_read = self.environ = None
            # Who is silent does not answer a close either, and its reader would wait for it for ever.
            gevent.spawn_later(GOODBYE_S, self.wire.abandon)

    def send(self, message: object, binary: bool | None = None) -> None:
        """Frame and send the message; the flush mark sends only what is still owed."""
        if message is not FLUSH:
            super().send(message, binary)
            return
        if self.closed:
            raise WebSocketError("the connection is closed")
        self.wire.write(b"")


def _framed(opcode: int, payload: bytes) -> bytes:
    return bytes(Header.encode_header(True, opcode, b"", len(payload), 0)) + payload


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


class LiveTransport(WebSocketWSGI):  # type: ignore[misc]
    """Tells the Engine.IO socket which wire its frames go out on, for a first connection and an upgrade."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        self._member = handler.__self__

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        websocket = environ.get("wsgi.websocket")
        if isinstance(websocket, LiveWebSocket):
            self._member.wire = websocket.wire
        return super().__call__(environ, start_response)


#: What the flush packet becomes on its way through the writer greenlet.
FLUSH = object()


class _FlushPacket(eio_packet.Packet):  # type: ignore[misc]
    """Travels through a client's queue so that its writer finishes a frame that was sent in part."""

    def encode(self, b64: bool = False) -> object:
        return FLUSH


@dataclass
class _Broadcast:
    """One event on its way; `due` are the Engine.IO ids that have not been given it yet."""

    packet: Any
    frame: bytes
    due: dict[str, None] = field(default_factory=dict)


class DirectManager(Manager):  # type: ignore[misc]
    """Keeps the rooms as python-socketio does, and writes their events straight to the sockets.

    Events with a callback or with binary parts, and long-polling clients, go the ordinary way.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__()
        self.limits = limits or Limits()
        self._under_way: deque[_Broadcast] = deque()
        self._sending = False
        self._queue_packet: Any = None

    def set_server(self, server: Any) -> None:
        """Called by python-socketio once, when the server is made."""
        super().set_server(server)
        engine = server.eio
        engine._async = {**engine._async, "websocket": LiveTransport}
        self._queue_packet = engine.send_packet
        engine.send_packet = self._send_after_broadcasts
        let_in = engine.handlers["connect"]

        def connected(eio_sid: str, environ: dict[str, Any]) -> Any:
            self._end_unless_joined(eio_sid)
            return let_in(eio_sid, environ)

        engine.on("connect", connected)

    def disconnect(self, sid: str, namespace: str, **options: Any) -> Any:
        """Called by python-socketio when a client leaves a namespace; its connection may stay open."""
        eio_sid = self.eio_sid_from_sid(sid, namespace)
        done = super().disconnect(sid, namespace, **options)
        if eio_sid is not None:
            self._end_unless_joined(eio_sid)
        return done

    def _end_unless_joined(self, eio_sid: str) -> None:
        """Close the connection if it is in no namespace when the time for that is over."""

        def end() -> None:
            member = self.server.eio.sockets.get(eio_sid)
            joined = any(self.sid_from_eio_sid(eio_sid, name) for name in list(self.rooms))
            if member is None or member.closed or joined:
                return
            log.info("closed a connection that joined no namespace")
            member.close(wait=False, reason=self.server.eio.reason.SERVER_DISCONNECT)
            if not member.upgraded:  # nobody's reader ends with it
                self.server.eio.sockets.pop(eio_sid, None)

        member = self.server.eio.sockets.get(eio_sid)
        if self.limits.join_s and member is not None and not (member.closing or member.closed):
            gevent.spawn_later(self.limits.join_s, end)

    def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **options: Any,
    ) -> None:
        """Send the event to everyone in the room. Returns at once if another emit is being sent."""
        room = to or room
        if namespace not in self.rooms:
            return
        broadcast = None if callback else self._encoded(event, data, namespace)
        if broadcast is None:
            super().emit(event, data, namespace, room, skip_sid, callback, **options)
            return
        skipped = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        members = self.get_participants(namespace, room)
        broadcast.due = {eio_sid: None for sid, eio_sid in members if sid not in skipped}
        self._under_way.append(broadcast)
        self._send_due()

    def _encoded(self, event: str, data: Any, namespace: str) -> _Broadcast | None:
        """The event as queue packet and as websocket frame; None when it has binary parts."""
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        packet = self.server.packet_class(sio_packet.EVENT, namespace=namespace, data=[event, *arguments])
        text = packet.encode()
        if not isinstance(text, str):
            return None
        queued = eio_packet.Packet(eio_packet.MESSAGE, text)
        return _Broadcast(queued, _framed(WebSocket.OPCODE_TEXT, queued.encode().encode()))

    def _send_due(self) -> None:
        """Work off the broadcasts one after another, giving way to the hub in between."""
        if self._sending:
            return
        self._sending = True
        try:
            while self._under_way:
                self._send_one_broadcast(self._under_way[0])
                self._under_way.popleft()
        finally:
            self._sending = False
            if self._under_way:
                # This greenlet was killed in its pause; the rest of the room must not wait for the
                # next event.
                gevent.spawn(self._send_due)

    def _send_one_broadcast(self, broadcast: _Broadcast) -> None:
        turn, due, give = self.limits.turn, broadcast.due, self._give
        while due:
            for _ in range(min(turn, len(due))):
                give(due.popitem()[0], broadcast)
            if due:
                gevent.sleep(0)

    def _send_after_broadcasts(self, eio_sid: str, packet: Any) -> None:
        """Queue an acknowledgement or the like, but first what the client should have got by now.

        Between two turns of a broadcast any greenlet may send; without this it would overtake.
        """
        for broadcast in self._under_way:
            if eio_sid in broadcast.due:
                del broadcast.due[eio_sid]
                self._give(eio_sid, broadcast)
        self._queue_packet(eio_sid, packet)

    def _give(self, eio_sid: str, broadcast: _Broadcast) -> None:
        """Hand the event to one client: on its wire if that is free, else in its queue. Never waits."""
        member = self.server.eio.sockets.get(eio_sid)
        if member is None or member.closed:
            return
        wire: Wire | None = getattr(member, "wire", None)
        if wire is None or not member.upgraded:
            self._queue_for_polling(eio_sid, member, broadcast)
        elif not member.queue.empty() or not wire.offer(broadcast.frame):
            if wire.owe(len(broadcast.frame)):
                self._queue_packet(eio_sid, broadcast.packet)
            else:
                log.info("dropped a client that is %d bytes behind", wire.owed)
                wire.abandon()
        elif wire.tail:
            member.queue.put(_FlushPacket())

    def _queue_for_polling(self, eio_sid: str, member: Any, broadcast: _Broadcast) -> None:
        if member.queue.qsize() < self.limits.polling_packets:
            self._queue_packet(eio_sid, broadcast.packet)
            return
        log.info("dropped a long-polling client that does not come back")
        member.close(wait=False, abort=True, reason=self.server.eio.reason.TRANSPORT_ERROR)

    def wires(self) -> Iterable[Wire]:
        """The wires of every websocket that is open now."""
        members = list(self.server.eio.sockets.values())
        return [member.wire for member in members if getattr(member, "wire", None) is not None]
