"""Our end of the socket to a process of ours: messages of a kind and a body, with a time limit."""

import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from signing.sandbox.limits import ExitReason, SandboxError

READY, CONFINED, ANSWER, REFUSAL, FAILURE, REQUEST = b"H", b"C", b"A", b"R", b"F", b"K"
MODULE, SHARED, BEGIN, END = b"M", b"T", b"B", b"E"
HEAD = struct.Struct(">cQ")

T = TypeVar("T")

WALL_CLOCK_FACTOR = 20
"""By the clock so many times the processor's seconds may pass: how busy the machine is changes no verdict, and what
only waits ends nevertheless."""
_SHORTEST_S = 0.002
"""What has nearly spent its time is looked at so often."""
_OF_A_PROCESS, _BITS = 2, 3

ROOM_BYTES = 32 << 20
"""By so much a message from there may be longer than what was sent: who was taken over would fill our memory."""


def spent_by(process: int) -> float:
    """The seconds of the processor that a process, with all its threads, has taken; 0 when it has ended.

    Its clock has the number that clock_getcpuclockid(3) gives, which Python does not have.
    """
    try:
        return time.clock_gettime(~process << _BITS | _OF_A_PROCESS)
    except OSError:
        return 0.0


class Connection:
    """A socket to a process of ours, with a time limit. `ended` says how that process ended."""

    def __init__(self, ours: socket.socket, ended: Callable[[], SandboxError]) -> None:
        self._socket = ours
        self._ended = ended
        self._sent = 0
        self.deadline = 0.0
        self._spent: Callable[[], float] | None = None
        self._spent_until = 0.0

    def set_timeout(self, seconds: float) -> None:
        """So long by the clock from now on."""
        self.deadline = time.monotonic() + seconds
        self._spent = None

    def work_for(self, seconds: float, spent: Callable[[], float]) -> None:
        """So many seconds of the processor from now on, of which `spent` tells, and by the clock `WALL_CLOCK_FACTOR`
        times as many."""
        self.deadline = time.monotonic() + WALL_CLOCK_FACTOR * seconds
        self._spent, self._spent_until = spent, spent() + seconds

    def send(self, kind: bytes, body: bytes) -> None:
        """One message; SandboxError when it cannot be brought."""
        self._sent += len(body)
        left = memoryview(HEAD.pack(kind, len(body)) + body)
        while left:
            left = left[self._in_time(partial(self._socket.send, left)) :]

    def send_socket(self, theirs: socket.socket) -> None:
        """Hand over a socket."""
        try:
            socket.send_fds(self._socket, [b" "], [theirs.fileno()])
        except OSError:
            raise self._ended() from None

    def receive(self) -> tuple[bytes, bytes]:
        """The next message, its kind first; SandboxError when there is none in time."""
        kind, length = HEAD.unpack(self._read(HEAD.size))
        if length > self._sent + ROOM_BYTES:
            raise SandboxError(ExitReason.FAILED, "an answer without end")
        return kind, self._read(length)

    def close(self) -> None:
        """Nothing more is said."""
        self._socket.close()

    def _read(self, length: int) -> bytes:
        body = bytearray()
        while len(body) < length:
            piece = self._in_time(partial(self._socket.recv, min(1 << 20, length - len(body))))
            if not piece:
                raise self._ended()
            body += piece
        return bytes(body)

    def _in_time(self, act: Callable[[], T]) -> T:
        """What the socket answers; SandboxError when the time limit ends before, or the process."""
        while (left := self._left()) > 0:
            self._socket.settimeout(left)
            try:
                return act()
            except TimeoutError:
                continue  # by the clock: the processor may have been busy with others
            except OSError:
                raise self._ended() from None
        raise SandboxError(ExitReason.TOO_LONG)

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if self._spent is None or left <= 0:
            return left
        unspent = self._spent_until - self._spent()
        return min(left, max(unspent, _SHORTEST_S)) if unspent > 0 else 0.0
