"""A websocket client that shows every frame: what it sends and reads is decided by the test."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
WAIT_S = 60.0


@dataclass(frozen=True)
class Frame:
    """One unfragmented websocket frame."""

    opcode: int
    payload: bytes

    @property
    def text(self) -> str:
        return self.payload.decode()


class Browser:
    """Speaks Engine.IO 4 and Socket.IO 5 by hand over one plain socket."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(("127.0.0.1", port))
        self.sid = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def open(self, query: str = "") -> Self:
        """Do the HTTP upgrade."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(1)
        assert head.startswith(b"HTTP/1.1 101"), head
        return self

    def join(self, room: str) -> Self:
        """Open, connect to the namespace, enter the room; returns when the server has acknowledged."""
        self.open()
        self.send_text("40")
        self.send_text("420" + json.dumps(["join", room]))
        for frame in self.frames():
            if frame.text.startswith("430"):
                self.sid = json.loads(frame.text[3:])[0]
                return self
        raise AssertionError("the connection ended before the room was entered")

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("end of file")
            data += more
        return data

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, announced: int | None = None) -> None:
        """Send one masked frame; `announced` puts another length into its header."""
        size = len(payload) if announced is None else announced
        mask = os.urandom(4)
        head = bytes([(0x80 if fin else 0) | opcode])
        head += bytes([0x80 | size]) if size < 126 else b"\xff" + struct.pack("!Q", size)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def send_text(self, text: str) -> None:
        self.send_frame(TEXT, text.encode())

    def frame(self) -> Frame:
        first, size = self.read(2)
        # Any torn frame shows here: the next byte would not be the head of a frame.
        assert first & 0xF0 == 0x80, hex(first)
        assert first & 0x0F in (TEXT, BINARY, CLOSE, PING, PONG), hex(first)
        assert not size & 0x80
        if size == 126:
            (size,) = struct.unpack("!H", self.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.read(8))
        return Frame(first & 0x0F, self.read(size))

    def frames(self) -> Iterator[Frame]:
        """Every frame until the server closes; answers Engine.IO pings as a browser does."""
        while True:
            frame = self.frame()
            if frame.opcode == TEXT and frame.text == "2":
                self.send_text("3")
            yield frame
            if frame.opcode == CLOSE:
                return

    def events(self, count: int) -> list[Any]:
        """The data of the next `count` events, whichever way they were framed; acknowledges asked ones."""
        found: list[Any] = []
        for frame in self.frames():
            if frame.opcode == TEXT and frame.text.startswith("42"):
                number, body = frame.text[2:].split("[", 1)
                if number:
                    self.send_text(f'43{number}["yes"]')
                found.append(json.loads("[" + body)[1])
            if len(found) == count:
                return found
        raise AssertionError(f"closed after {len(found)} events")
