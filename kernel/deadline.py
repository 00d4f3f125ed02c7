"""One limit for a whole call to somebody else's server, however slowly the answer drips."""

import contextlib
import socket
import threading
from typing import Any


class Deadline:
    """Hangs up on a call when its time is over, whatever the call is doing then: the handshake, the head, the body.

    The limits of urllib3 are for each read and begin anew with every byte.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._seconds = seconds
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "Deadline":
        self._timer = threading.Timer(self._seconds, self._hang_up)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()

    def watched(self, kind: type[Any]) -> type[Any]:
        """The kind of connection whose lines are hung up on."""
        deadline = self

        class Watched(kind):  # type: ignore[misc]
            def _new_conn(self) -> socket.socket:
                line: socket.socket = super()._new_conn()
                deadline._watch(line)
                return line

        return Watched

    def _watch(self, line: socket.socket) -> None:
        with self._lock:
            self._lines.append(line.dup())  # TLS takes the line itself out of our hands
        if self.is_over:
            self._hang_up()

    def _hang_up(self) -> None:
        with self._lock:
            self.is_over = True
            for line in self._lines:
                with contextlib.suppress(OSError):  # it has hung up itself
                    line.shutdown(socket.SHUT_RDWR)
