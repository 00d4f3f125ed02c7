"""Run as a program of its own by `isolation`: takes pieces of work from a socket, one after the other.

It limits itself before it reads anything: memory, CPU time for each piece of work, no files written, no core dumps.
"""

import gc
import io
import pickle
import resource
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any

from asn1crypto import tsp
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from kernel import clock
from kernel.errors import DomainError
from kernel.outbox import SendError
from signing import isolation, pades, verify
from signing.keys import KeyDescription
from signing.timestamps import TimeStamps
from signing.trust import Trust

HEAD = struct.Struct(">cQ")
MOST_FILES = 128

__all__ = ["pades", "verify"]  # loaded before the first work comes


class Line:
    """The socket to the parent. Its end is the end of this process."""

    def __init__(self, number: int) -> None:
        self._socket = socket.socket(fileno=number)

    def send(self, kind: bytes, body: bytes) -> None:
        """One message."""
        self._socket.sendall(HEAD.pack(kind, len(body)) + body)

    def receive(self) -> tuple[bytes, bytes]:
        """The next message, its kind first; SystemExit when the parent has gone."""
        kind, length = HEAD.unpack(self._read(HEAD.size))
        return kind, self._read(length)

    def ask(self, number: int, question: bytes) -> bytes:
        """Have the parent sign, or ask for a time-stamp; TimestampRequestError when it got none."""
        self.send(b"K", number.to_bytes(4, "big") + question)
        kind, answer = self.receive()
        if kind == b"F":
            raise TimestampRequestError(answer.decode())
        return answer

    def _read(self, length: int) -> bytes:
        body = bytearray()
        while len(body) < length:
            piece = self._socket.recv(min(1 << 20, length - len(body)))
            if not piece:
                raise SystemExit
            body += piece
        return bytes(body)


class KeyOutside:
    """A key that the parent holds: the same two functions as any `KeyStore`."""

    def __init__(self, line: Line, number: int, description: KeyDescription) -> None:
        self._line, self._number, self._description = line, number, description

    def describe(self) -> KeyDescription:
        """Certificate, chain and algorithm."""
        return self._description

    def sign(self, tbs: bytes) -> bytes:
        """The parent's signature over `tbs`."""
        return self._line.ask(self._number, tbs)


class StampsOutside(TimeStamps):
    """A time-stamp authority that the parent asks: this process has no business on the network."""

    def __init__(self, line: Line, number: int, room: int) -> None:
        super().__init__()
        self._line, self._number, self._room = line, number, room

    @property
    def room(self) -> int:
        """Hex digits to leave for a token, as the parent knows."""
        return self._room

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """What the authority answered to the parent."""
        return tsp.TimeStampResp.load(self._line.ask(self._number, req.dump()))


class TaskReader(pickle.Unpickler):
    """Reads a task; the trust store is kept from one to the next."""

    trust = Trust()

    def __init__(self, body: bytes, line: Line) -> None:
        super().__init__(io.BytesIO(body))
        self._line = line

    def persistent_load(self, pid: Any) -> Any:
        """What stayed with the parent, or came before."""
        match pid:
            case ("trust", b""):
                return TaskReader.trust
            case ("trust", body):
                TaskReader.trust = pickle.loads(body)  # noqa: S301 - from our own parent
                return TaskReader.trust
            case ("key", number, description):
                return KeyOutside(self._line, number, description)
            case ("stamps", number, room):
                return StampsOutside(self._line, number, room)
        raise pickle.UnpicklingError(pid)


def limit(memory_bytes: int) -> None:
    """Take from this process what it does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FILES, MOST_FILES))


def more_time(seconds: int) -> None:
    """So much CPU time for the next piece of work; beyond it the kernel ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def done(line: Line, body: bytes) -> None:
    """One piece of work, and how it ended."""
    now, work, given, named = TaskReader(body, line).load()
    try:
        with clock.frozen(now):
            answer = pickle.dumps(work(*given, **named), protocol=5)
    except DomainError as refused:
        fields = dict(getattr(refused, "fields", {}))
        line.send(b"R", _said((type(refused).__name__, refused.message, fields, refused.detail)))
    except SendError as refused:
        line.send(b"R", _said(("SendError", str(refused), {}, {"permanent": refused.permanent})))
    except MemoryError:
        line.send(b"F", _said(("too_much", "memory")))
    except Exception as error:
        line.send(b"F", _said(("failed", _where(work, error))))
    else:
        line.send(b"A", answer)


def _said(told: object) -> bytes:
    return pickle.dumps(told, protocol=5)


def _where(work: Callable[..., object], error: Exception) -> str:
    """The kind of error and the place: its text may quote a stranger's file, which is nobody's business."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename.rpartition('/')[2]}:{last.lineno} in {work.__name__}"


def main(number: int, memory_bytes: int, seconds: int) -> None:
    """Work until the parent has gone."""
    limit(memory_bytes)
    isolation.become_child()
    line = Line(number)
    gc.freeze()
    line.send(b"H", b"")
    while True:
        _, body = line.receive()
        more_time(seconds)
        done(line, body)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
