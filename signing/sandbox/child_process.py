"""Run as a program of its own by `zygote`, in one of two ways.

As a zygote it loads what work needs and makes a process for each piece of work, which reads that one task, answers
and ends: a stranger's file meets nothing that an earlier file may have touched. It reads no such file itself, and has
no thread, so a fork of it is whole. As a kept process it takes one piece of work after the other.

It limits itself before it reads anything: memory, CPU time for each piece of work, no files written, no core dumps; a
process for one file is also confined (`confinement`).
"""

import gc
import io
import os
import pickle
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from kernel import clock, garbage
from kernel.errors import DomainError
from kernel.outbox import SendError
from signing.sandbox import confinement, runner
from signing.sandbox.ipc import ANSWER, BEGIN, CONFINED, END, FAILURE, HEAD, MODULE, READY, REFUSAL, REQUEST, SHARED
from signing.sandbox.ports import RemoteError, remote_named
from signing.sandbox.result_codec import written

MAX_FILES = 128


class Connection:
    """The socket to the parent. Its end is the end of this process."""

    def __init__(self, number: int) -> None:
        self._socket = socket.socket(fileno=number)
        self._socket.setblocking(True)  # a parent under gevent makes sockets that do not block

    def send(self, kind: bytes, body: bytes) -> None:
        """One message."""
        self._socket.sendall(HEAD.pack(kind, len(body)) + body)

    def receive(self) -> tuple[bytes, bytes]:
        """The next message, its kind first; SystemExit when the parent has gone."""
        kind, length = HEAD.unpack(self._read(HEAD.size))
        return kind, self._read(length)

    def receive_socket(self) -> int:
        """The socket that the parent hands over."""
        _, given, _, _ = socket.recv_fds(self._socket, 1, 1)
        return given[0]

    def close(self) -> None:
        """This process talks with the parent over another connection."""
        self._socket.close()

    def ask(self, number: int, question: bytes) -> bytes:
        """Have the parent answer for one of its objects; RemoteError when it cannot."""
        self.send(REQUEST, number.to_bytes(4, "big") + question)
        kind, answer = self.receive()
        if kind == FAILURE:
            raise RemoteError(answer.decode())
        return answer

    def _read(self, length: int) -> bytes:
        body = bytearray()
        while len(body) < length:
            piece = self._socket.recv(min(1 << 20, length - len(body)))
            if not piece:
                raise SystemExit
            body += piece
        return bytes(body)


class TaskReader(pickle.Unpickler):
    """Reads a task; the shared value came before it."""

    shared: Any = None

    def __init__(self, body: bytes, connection: Connection) -> None:
        super().__init__(io.BytesIO(body))
        self._connection = connection

    def persistent_load(self, pid: Any) -> Any:
        """What stayed with the parent, or came before."""
        match pid:
            case ("shared",):
                return TaskReader.shared
            case (name, number, description):
                return remote_named(name).proxy(partial(self._connection.ask, number), description)
        raise pickle.UnpicklingError(pid)


LESS_NEEDED, LEAST_NEEDED = 500, 1000
LESS_URGENT = 5
"""Where the processor is short, verification leaves most of it to pages and deliveries, which somebody waits for."""


def limit_resources(memory_bytes: int) -> None:
    """Take from this process what it does not need."""
    raise_oom_score(LESS_NEEDED)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))


def raise_oom_score(by: int) -> None:
    """When the machine is out of memory, the kernel shall end this process, and neither the database nor the web."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(by))


def limit_cpu_time(seconds: int, *, last: bool) -> None:
    """So much CPU time for the next piece of work; beyond it the kernel ends this process, and if it is the last one,
    ends it even when it does not listen."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + seconds + 1
    hard = until + 1 if last else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def run_task(connection: Connection, body: bytes) -> None:
    """One piece of work, and how it ended."""
    now, work, given, named = TaskReader(body, connection).load()
    try:
        with clock.frozen(now):
            answer = written(work(*given, **named))
    except DomainError as refused:
        fields = dict(getattr(refused, "fields", {}))
        connection.send(REFUSAL, written((type(refused).__name__, refused.message, fields, refused.detail)))
    except SendError as refused:
        connection.send(REFUSAL, written(("SendError", str(refused), {}, {"permanent": refused.permanent})))
    except MemoryError:
        connection.send(FAILURE, written(("too_much", "memory")))
    except Exception as error:
        connection.send(FAILURE, written(("failed", _where(work, error))))
    else:
        connection.send(ANSWER, answer)


def _where(work: Callable[..., object], error: Exception) -> str:
    """The kind of error and the place: its text may quote a stranger's file, which is nobody's business."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename.rpartition('/')[2]}:{last.lineno} in {work.__name__}"


def load_shared(kind: bytes, body: bytes) -> bool:
    """What the parent lets this process know before there is work: a module that work needs, the shared value."""
    if kind not in (MODULE, SHARED):
        return False
    garbage.pause()
    if kind == MODULE:
        getattr(import_module(body.decode()), "warm_up", bool)()
    else:
        TaskReader.shared = pickle.loads(body)  # noqa: S301 - from our own parent
    garbage.resume()
    return True


def run_worker(connection: Connection, seconds: int) -> None:
    """Work until the parent has gone."""
    while True:
        kind, body = connection.receive()
        if not load_shared(kind, body):
            limit_cpu_time(seconds, last=False)
            run_task(connection, body)


def run_zygote(connection: Connection, seconds: int) -> None:
    """Make a process for each piece of work, and end it when the parent says so; it ends with us in any case."""
    confinement.prepare()
    child = 0
    try:
        while True:
            kind, body = connection.receive()
            if load_shared(kind, body):
                continue
            if kind == BEGIN:
                child = fork_child(connection, connection.receive_socket(), seconds, int(body))
                connection.send(BEGIN, str(child).encode())
            else:
                connection.send(END, str(end_child(child)).encode())
                child = 0
    finally:
        if child:
            end_child(child)


def fork_child(connection: Connection, number: int, seconds: int, tasks: int) -> int:
    """A process that does so many pieces of work for whoever holds the other end of the socket `number`."""
    parent = os.getpid()
    child = os.fork()
    if child:
        os.close(number)
        return child
    with suppress(BaseException):
        os.setsid()
        confinement.end_with(parent)
        connection.close()
        run_child(Connection(number), seconds, tasks)
    os._exit(1)


def run_child(connection: Connection, seconds: int, tasks: int) -> NoReturn:
    """Read each task and answer it, all in `seconds` of CPU time; end."""
    raise_oom_score(LEAST_NEEDED)
    os.nice(LESS_URGENT)
    limit_cpu_time(seconds, last=True)
    confinement.confine()
    connection.send(CONFINED, " ".join(confinement.in_force()).encode())
    for _ in range(tasks):
        _, body = connection.receive()
        run_task(connection, body)
    os._exit(0)


def end_child(child: int) -> int:
    """End it and all that it started, and say how it ended: its exit code, or less than 0 the signal.

    Its number is nobody else's before it was waited for.
    """
    for end in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            end(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(number: int, memory_bytes: int, seconds: int, mode: str) -> None:
    """Serve until the parent has gone."""
    limit_resources(memory_bytes)
    runner.become_child()
    connection = Connection(number)
    gc.freeze()
    connection.send(READY, b"")
    {"zygote": run_zygote, "worker": run_worker}[mode](connection, seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
