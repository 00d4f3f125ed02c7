"""Our end of the socket to a process of ours: messages of a kind and a body, with an end to our patience."""

import socket
import struct
import time
from collections.abc import Callable

from signing.endings import Broken, Ending

READY, CONFINED, ANSWER, REFUSAL, FAILURE, REQUEST = b"H", b"C", b"A", b"R", b"F", b"K"
MODULE, TRUST, BEGIN, END = b"M", b"T", b"B", b"E"
HEAD = struct.Struct(">cQ")

ROOM_BYTES = 32 << 20
"""By so much a message from there may be longer than what was sent: who was taken over would fill our memory."""


class Line:
    """A socket to a process of ours, with an end to our patience. `ended` says how that process ended."""

    def __init__(self, ours: socket.socket, ended: Callable[[], Broken]) -> None:
        self._socket = ours
        self._ended = ended
        self._sent = 0
        self.deadline = 0.0

    def patience(self, seconds: float) -> None:
        """So long from now on."""
        self.deadline = time.monotonic() + seconds

    def send(self, kind: bytes, body: bytes) -> None:
        """One message; Broken when it cannot be brought."""
        self._sent += len(body)
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(HEAD.pack(kind, len(body)) + body)
        except TimeoutError:
            raise Broken(Ending.TOO_LONG) from None
        except OSError:
            raise self._ended() from None

    def send_line(self, theirs: socket.socket) -> None:
        """Hand over a socket."""
        try:
            socket.send_fds(self._socket, [b" "], [theirs.fileno()])
        except OSError:
            raise self._ended() from None

    def receive(self) -> tuple[bytes, bytes]:
        """The next message, its kind first; Broken when there is none in time."""
        kind, length = HEAD.unpack(self._read(HEAD.size))
        if length > self._sent + ROOM_BYTES:
            raise Broken(Ending.FAILED, "an answer without end")
        return kind, self._read(length)

    def close(self) -> None:
        """Nothing more is said."""
        self._socket.close()

    def _read(self, length: int) -> bytes:
        body = bytearray()
        while len(body) < length:
            try:
                self._socket.settimeout(self._left())
                piece = self._socket.recv(min(1 << 20, length - len(body)))
            except TimeoutError:
                raise Broken(Ending.TOO_LONG) from None
            except OSError:
                raise self._ended() from None
            if not piece:
                raise self._ended()
            body += piece
        return bytes(body)

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
