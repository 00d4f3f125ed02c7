"""Work on strangers' bytes in processes of their own, with little memory and time.

A hostile file can loop, eat memory or break the interpreter; here that ends a child, is reported as `Broken`, and the
next piece of work gets a new child. Children are programs started anew (no fork), so this works in a worker's threads
and in the web process under gevent alike. They get no settings, no secrets and no database; keys stay on this side,
which signs the few bytes that a child asks to have signed. What a child answers is read as plain data of the house:
an answer cannot name code to be run.
"""

import atexit
import io
import logging
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, TypeVar

from asn1crypto import tsp
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from kernel import clock, errors
from kernel.config import Config, bare_environment
from kernel.outbox import SendError
from kernel.text import Phrase, phrase
from signing.pades import run as finished
from signing.timestamps import TimeStamps
from signing.trust import Trust

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ("kernel", "signing", "docex", "meetings")
READY, ANSWER, REFUSAL, FAILURE, REQUEST = b"H", b"A", b"R", b"F", b"K"
HEAD = struct.Struct(">cQ")
START_S = 60.0
TASKS = 500
"""After so many a child is replaced: what libraries keep does not pile up."""

T = TypeVar("T")


class Ending(StrEnum):
    """How a piece of work ended that brought no answer."""

    CRASHED = "crashed"
    TOO_LONG = "too_long"
    TOO_MUCH = "too_much"
    FAILED = "failed"


class Broken(Exception):
    """There is no answer, and trying again would bring none: the child crashed, or reached a limit."""

    def __init__(self, ending: Ending, detail: str = "") -> None:
        super().__init__(f"{ending}: {detail}" if detail else str(ending))
        self.ending = ending
        self.detail = detail


_WORDS = {
    Ending.CRASHED: phrase("Phần mềm dừng đột ngột khi xử lý tệp này. Tệp có thể bị hỏng hoặc được tạo ra để gây lỗi."),
    Ending.TOO_LONG: phrase("Xử lý tệp này vượt quá thời gian cho phép."),
    Ending.TOO_MUCH: phrase("Xử lý tệp này cần nhiều bộ nhớ hơn mức cho phép."),
    Ending.FAILED: phrase("Máy chủ gặp lỗi kỹ thuật, xin thử lại hoặc báo quản trị hệ thống."),
}


def words(broken: Broken) -> Phrase:
    """What happened, in a sentence for the page."""
    return _WORDS[broken.ending]


class Busy(Exception):
    """All children were at work for as long as the caller was willing to wait."""


@dataclass(frozen=True)
class Limits:
    """What children may use. `seconds` is for one piece of work, in wall and in CPU time."""

    processes: int = 2
    memory_bytes: int = 1 << 30
    seconds: float = 45.0

    @classmethod
    def of(cls, config: Config) -> "Limits":
        """As the settings say."""
        return cls(max(1, config.isolated_processes), config.isolated_memory_mb << 20, config.isolated_seconds)


class Pool:
    """Children that are started when they are needed. Safe in threads and under gevent."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._free = threading.Semaphore(limits.processes)
        self._idle: list[_Child] = []
        self._guard = threading.Lock()

    def run(
        self,
        work: Callable[..., T],
        *given: Any,
        patience_s: float | None = None,
        within_s: float | None = None,
        **named: Any,
    ) -> T:
        """What `work(*given, **named)` answers; refusals of the house are raised here as there.

        `work` is a function of a module. Broken when it came to no end, at the latest after `within_s` seconds; Busy
        when no child was free within `patience_s` seconds (None waits as long as it takes).
        """
        if not self._free.acquire(timeout=patience_s):
            raise Busy
        try:
            return self._with_child(work, given, named, within_s)
        finally:
            self._free.release()

    def _with_child(
        self, work: Callable[..., T], given: tuple[Any, ...], named: dict[str, Any], within_s: float | None
    ) -> T:
        with self._guard:
            child = self._idle.pop() if self._idle else None
        child = child or _Child(self.limits)
        kept = False
        try:
            answer: T = child.work(work, given, named, within_s)
            kept = True
            return answer
        except (errors.DomainError, SendError):
            kept = True  # a refusal is an answer
            raise
        except Broken as broken:
            log.warning("%s in a process of its own: %s", work.__name__, broken)
            raise
        finally:
            if kept and child.tasks < TASKS:
                with self._guard:
                    self._idle.append(child)
            else:
                child.end()

    def close(self) -> None:
        """End the children that have nothing to do."""
        with self._guard:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()


class _Child:
    """One process at the other end of a socket."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.tasks = 0
        self.trust: Trust | None = None  # the one that it knows already
        self._signed: set[int] = set()  # keys that have signed for the piece of work in hand: each signs once
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "signing.isolated", str(theirs.fileno()), str(limits.memory_bytes)]
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(int(limits.seconds))],
                cwd="/",
                env=bare_environment(PYTHONPATH=str(ROOT)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._deadline = time.monotonic() + START_S
        if self._receive()[0] != READY:
            raise Broken(Ending.CRASHED, "not ready")

    def work(
        self, work: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any], within_s: float | None
    ) -> Any:
        self.tasks += 1
        seconds = self.limits.seconds if within_s is None else min(within_s, self.limits.seconds)
        self._deadline = time.monotonic() + seconds
        written = io.BytesIO()
        task = _TaskWriter(written, self)
        self._signed.clear()
        task.dump((clock.now(), work, given, named))
        self._send(ANSWER, written.getvalue())
        while True:
            kind, body = self._receive()
            if kind == REQUEST:
                self._serve(task.outside, body)
                continue
            said = _read_answer(body)
            if kind == ANSWER:
                return said
            if kind == REFUSAL:
                raise _refusal(*said)
            ending, detail = said
            raise Broken(Ending(ending), str(detail))

    def _serve(self, outside: list[Any], body: bytes) -> None:
        """Do for the child what it may not do itself: sign with a key, or ask for a time-stamp."""
        begun = time.monotonic()
        number, question = int.from_bytes(body[:4], "big"), body[4:]
        if number >= len(outside):
            raise Broken(Ending.FAILED, "asked for a key that it was not given")
        thing, kind = outside[number], ANSWER
        if not isinstance(thing, TimeStamps):
            if number in self._signed:
                raise Broken(Ending.FAILED, "asked a key for a second signature")
            self._signed.add(number)
        try:
            answer = _stamped(thing, question) if isinstance(thing, TimeStamps) else thing.sign(question)
        except TimestampRequestError as error:
            kind, answer = FAILURE, str(error).encode()
        except errors.DomainError:
            self.tasks = TASKS  # it still waits for an answer, so it is no good for other work
            raise
        self._deadline += time.monotonic() - begun
        self._send(kind, answer)

    def _send(self, kind: bytes, body: bytes) -> None:
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(HEAD.pack(kind, len(body)) + body)
        except TimeoutError:
            raise Broken(Ending.TOO_LONG) from None
        except OSError:
            raise self._how_it_ended() from None

    def _receive(self) -> tuple[bytes, bytes]:
        kind, length = HEAD.unpack(self._read(HEAD.size))
        if length > self.limits.memory_bytes:
            raise Broken(Ending.FAILED, "an answer without end")
        return kind, self._read(length)

    def _read(self, length: int) -> bytes:
        body = bytearray()
        while len(body) < length:
            try:
                self._socket.settimeout(self._left())
                piece = self._socket.recv(min(1 << 20, length - len(body)))
            except TimeoutError:
                raise Broken(Ending.TOO_LONG) from None
            except OSError:
                raise self._how_it_ended() from None
            if not piece:
                raise self._how_it_ended()
            body += piece
        return bytes(body)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _how_it_ended(self) -> Broken:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            return Broken(Ending.TOO_LONG, "CPU time")
        if code == -signal.SIGKILL:
            return Broken(Ending.TOO_MUCH, "killed")
        return Broken(Ending.CRASHED, signal.Signals(-code).name if code and code < 0 else f"exit {code}")

    def end(self) -> None:
        self._socket.close()
        with suppress(OSError):
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)


class _TaskWriter(pickle.Pickler):
    """Writes a task. Keys and time-stamp authorities stay here; the trust store is sent once and known from then on."""

    def __init__(self, file: io.BytesIO, child: _Child) -> None:
        super().__init__(file, protocol=5)
        self._child = child
        self.outside: list[Any] = []

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Trust):
            if obj is self._child.trust:
                return ("trust", b"")
            self._child.trust = obj
            return ("trust", pickle.dumps(obj, protocol=5))
        if isinstance(obj, TimeStamps):
            return ("stamps", self._keep(obj), obj.room)
        if not isinstance(obj, type) and hasattr(obj, "describe") and hasattr(obj, "sign"):
            return ("key", self._keep(obj), obj.describe())
        return None

    def _keep(self, thing: Any) -> int:
        self.outside.append(thing)
        return len(self.outside) - 1


class _AnswerReader(pickle.Unpickler):
    """Reads what a child says: only plain data, and dataclasses and enumerations of the house."""

    _PLAIN = frozenset({("datetime", n) for n in ("datetime", "date", "timedelta", "timezone")} | {("builtins", "set")})

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self._PLAIN:
            return super().find_class(module, name)
        if module.partition(".")[0] in HOUSE and module in sys.modules:
            found = getattr(sys.modules[module], name, None)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no data")


def _read_answer(body: bytes) -> Any:
    try:
        return _AnswerReader(io.BytesIO(body)).load()
    except Exception as error:  # whatever bytes a broken child sends
        raise Broken(Ending.FAILED, f"an answer that cannot be read: {type(error).__name__}") from error


def _refusal(kind: str, message: Any, fields: dict[str, Any], detail: dict[str, Any]) -> Exception:
    """The refusal of the house that was raised there."""
    if kind == "SendError":
        return SendError(str(message), permanent=bool(detail.get("permanent")))
    found = getattr(errors, kind, None)
    if not (isinstance(found, type) and issubclass(found, errors.DomainError)) or found is errors.Stale:
        return Broken(Ending.FAILED, kind)
    return errors.Invalid(fields, message, **detail) if found is errors.Invalid else found(message, **detail)


def _stamped(source: TimeStamps, question: bytes) -> bytes:
    return bytes(finished(source.async_request_tsa_response(tsp.TimeStampReq.load(question))).dump())


_shared: dict[str, Pool] = {}
_limits = [Limits()]
_inside = [False]


def use(config: Config) -> None:
    """Let the pool of this process keep to the settings."""
    limits = Limits.of(config)
    if limits != _limits[0]:
        _limits[0] = limits
        close()


def become_child() -> None:
    """This process is a child itself: what it is to do apart, it does within its own limits."""
    _inside[0] = True


def apart(work: Callable[..., T], *given: Any, patience_s: float | None = None, **named: Any) -> T:
    """Do this in a child of this process; see `Pool.run`."""
    if _inside[0]:
        return work(*given, **named)
    return pool("papers").run(work, *given, patience_s=patience_s, **named)


def with_key(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """Do work that signs in a child that judges no strangers' files, so that none of them comes near a key."""
    return pool("keys").run(work, *given, **named)


def pool(kind: str) -> Pool:
    """The children of this process for one kind of work: kinds keep no child from each other."""
    return _shared.setdefault(kind, Pool(_limits[0]))


@atexit.register
def close() -> None:
    """End the children of this process; later work gets new ones."""
    while _shared:
        _shared.popitem()[1].close()
