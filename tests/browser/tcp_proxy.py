"""A wire between a browser and the house that a test can cut and mend: Playwright's own offline mode leaves
WebSockets alone."""

import socket
import threading
import time
from contextlib import suppress

HELD_S = 0.3
"""How long a buffering proxy keeps what it has."""


class TcpProxy:
    """Listens on a port of its own and carries bytes both ways until it is cut, stalls, or swallows them; as a
    buffering proxy it hands them on in lumps."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._is_cut = threading.Event()
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._swallows = False
        self._is_buffering = False
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection; new ones are closed at once."""
        self._is_cut.set()
        for end in list(self._open):
            _shut(end)

    def stall(self) -> None:
        """Hold everything back until it is mended: nobody sees an end, and nothing is lost."""
        self._may_pass.clear()

    def swallow(self) -> None:
        """Half-open: each end believes in the connection, and nothing arrives."""
        self._swallows = True

    def buffer(self) -> None:
        """Keep what comes for a while and hand it on in one piece, as a proxy with response buffering does."""
        self._is_buffering = True

    def mend(self) -> None:
        """Let connections through again. Those in which bytes were swallowed are beyond help."""
        if self._swallows:
            self.cut()
        self._swallows = self._is_buffering = False
        self._is_cut.clear()
        self._may_pass.set()

    def close(self) -> None:
        """End for good."""
        self.cut()
        self._may_pass.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._is_cut.is_set():
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target), timeout=30)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                self._open |= {near, far}
                if self._is_cut.is_set():  # while it was being opened
                    for end in (near, far):
                        _shut(end)
                    continue
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._is_buffering:
                    time.sleep(HELD_S)
                self._may_pass.wait()
                if not self._swallows:
                    target.sendall(data)
        for end in (source, target):
            _shut(end)
            self._open.discard(end)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
