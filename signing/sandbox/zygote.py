"""The programs behind `runner`: how they are started, told what to do, listened to and ended.

`ipc` is the socket to one, `task_codec` a task as bytes, `result_codec` what comes back.
"""

import logging
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from inspect import isfunction
from pathlib import Path
from typing import Any

from kernel import clock, errors
from kernel.config import bare_environment
from kernel.outbox import SendError
from kernel.text import Phrase
from signing.sandbox import confinement, result_codec
from signing.sandbox.ipc import (
    ANSWER,
    BEGIN,
    CONFINED,
    END,
    MODULE,
    READY,
    REFUSAL,
    REQUEST,
    SHARED,
    Connection,
    spent_by,
)
from signing.sandbox.limits import ExitReason, Limits, SandboxError
from signing.sandbox.task_codec import EncodedTask

__all__ = ["Program", "SandboxTask", "Zygote"]

ROOT = Path(__file__).resolve().parent.parent.parent
START_S, END_S = 180.0, 60.0
"""Only the machine decides how long it takes to start a program or to end one: who does not wait that long gets no
answer about a file that did nothing wrong."""
_NO_CRASH = (signal.SIGKILL, signal.SIGXCPU)

log = logging.getLogger(__name__)
_told_lacking: set[str] = set()


@dataclass(frozen=True)
class SandboxTask:
    """A piece of work that the sandbox may run: `work(*given, **named)`, in at most `within_s` seconds of the
    processor."""

    work: Callable[..., Any]
    given: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)
    within_s: float | None = None


class Program:
    """A program started anew, which does one piece of work after the other."""

    mode = "worker"

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.tasks = 0
        self.is_reusable = True  # nothing went wrong that may have spoiled it
        self._shared: Any = None  # what it knows already
        self._modules: set[str] = set()
        ours, theirs = socket.socketpair()
        command = [
            sys.executable,
            "-P",
            "-m",
            "signing.sandbox.child_process",
            str(theirs.fileno()),
            str(limits.memory_bytes),
        ]
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(int(limits.seconds)), self.mode],
                cwd="/",
                env=bare_environment(PYTHONPATH=str(ROOT)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._connection = Connection(ours, self._how_it_ended)
        self._connection.set_timeout(START_S)
        try:
            if self._connection.receive()[0] != READY:
                raise SandboxError(ExitReason.CRASHED, "not ready")
        except BaseException:  # whoever gives up waiting leaves no program behind
            self.end()
            raise

    def work(self, task: SandboxTask) -> Any:
        """The answer of a piece of work, or its refusal."""
        self.tasks += 1
        encoded = self._encoded(task)
        self.is_reusable = False
        try:
            answer = self._done(encoded, self._seconds(task), result_codec.declared_by(task.work))
        except (errors.DomainError, SendError):
            self.is_reusable = self.is_reusable or not encoded.waits  # a refusal is an answer
            raise
        self.is_reusable = True
        return answer

    def _encoded(self, task: SandboxTask) -> EncodedTask:
        """What is told of a task, when the program knows all that is not a stranger's."""
        encoded = EncodedTask((clock.now(), task.work, task.given, task.named))
        # A child can load nothing any more: the module of a function that goes along is loaded before, too.
        functions = (task.work, *(one for one in task.given if isfunction(one)))
        for module in (*(function.__module__ for function in functions), *encoded.modules):
            self._prepare(module, encoded.shared)
        return encoded

    def _seconds(self, task: SandboxTask) -> float:
        return self.limits.seconds if task.within_s is None else min(task.within_s, self.limits.seconds)

    def _prepare(self, module: str, shared: Any) -> None:
        """Let it know what is not a stranger's."""
        self._connection.set_timeout(START_S)
        if module not in self._modules:
            self._connection.send(MODULE, module.encode())
            self._modules.add(module)
        if shared is not None and shared is not self._shared:
            self._connection.send(SHARED, pickle.dumps(shared, protocol=5))
            self._shared = shared

    def _done(self, encoded: EncodedTask, seconds: float, declared: Any) -> Any:
        self._connection.work_for(seconds, partial(spent_by, self._process.pid))
        return _exchange(self._connection, encoded, declared)

    def _how_it_ended(self) -> SandboxError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        return _ending_of(self._process.returncode)

    def end(self) -> None:
        """Stop it, whatever it does."""
        self._connection.close()
        with suppress(OSError):
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)


class Zygote(Program):
    """A program that makes a child for each piece of work, and ends it after that."""

    mode = "zygote"
    _living = False

    def _done(self, encoded: EncodedTask, seconds: float, declared: Any) -> Any:
        with self._child() as (connection, spent):
            connection.work_for(seconds, spent)
            return _exchange(connection, encoded, declared)

    def run_sequence(self, tasks: Sequence[SandboxTask]) -> list[Any]:
        """Several pieces of work by one child, for one file: what each answers, or SandboxError.

        What an earlier one has read may have taken the child over, so an answer is worth no more than those before it:
        what must not be a lie comes first. When one comes to no end, those after it are not tried.
        """
        self.tasks += 1
        encoded_tasks = [self._encoded(task) for task in tasks]
        self.is_reusable = False
        answers: list[Any] = []
        try:
            with self._child(len(tasks)) as (connection, spent):
                for task, encoded in zip(tasks, encoded_tasks, strict=True):
                    connection.work_for(self._seconds(task), spent)
                    answers.append(_exchange(connection, encoded, result_codec.declared_by(task.work)))
            self.is_reusable = True
        except SandboxError as broken:
            answers += [broken] * (len(tasks) - len(answers))
        return answers

    @contextmanager
    def _child(self, tasks: int = 1) -> Iterator[tuple[Connection, Callable[[], float]]]:
        """A new child, which takes so many tasks, until the end of the block; and what tells its processor time."""
        ours, theirs = socket.socketpair()
        connection = Connection(ours, lambda: _ending_of(self._ended()))
        try:
            with theirs:
                self._connection.send(BEGIN, str(tasks).encode())
                self._connection.send_socket(theirs)
            spent = partial(spent_by, int(self._connection.receive()[1]))
            self._living = True
            connection.work_for(self.limits.seconds, spent)
            kind, body = connection.receive()
            if kind != CONFINED:
                raise SandboxError(ExitReason.CRASHED, "not ready")
            _tell_lacking(body.decode().split())
            yield connection, spent
        finally:
            connection.close()
            if self._living:
                self._ended()

    def _ended(self) -> int | None:
        """End the child, with all that it started; the zygote itself is as it was before."""
        if not self._living:
            return self._process.returncode
        self._living = False
        self._connection.set_timeout(END_S)
        self._connection.send(END, b"")
        code = int(self._connection.receive()[1])
        # Its children have their memory laid out alike: who crashes one may be guessing, and shall have to begin anew.
        self.is_reusable = code >= 0 or -code in _NO_CRASH
        return code


def _ending_of(code: int | None) -> SandboxError:
    if code == -signal.SIGXCPU:
        return SandboxError(ExitReason.TOO_LONG, "CPU time")
    if code == -signal.SIGKILL:
        return SandboxError(ExitReason.TOO_MUCH, "killed")
    return SandboxError(ExitReason.CRASHED, signal.Signals(-code).name if code and code < 0 else f"exit {code}")


def _exchange(connection: Connection, encoded: EncodedTask, declared: Any) -> Any:
    """Hand the work over, and do for the child what it may not do itself, until it answers what is declared."""
    connection.send(ANSWER, encoded.written)
    while True:
        kind, body = connection.receive()
        if kind != REQUEST:
            return _answer(kind, body, declared)
        begun = time.monotonic()
        kind, answer = encoded.serve(body)
        connection.deadline += time.monotonic() - begun
        connection.send(kind, answer)


def _answer(kind: bytes, body: bytes, declared: Any) -> Any:
    """What a child said at the end; its refusal is raised here. SandboxError when it is neither."""
    try:
        if kind == ANSWER:
            return result_codec.read(body, declared)
        if kind == REFUSAL:
            raise _refusal(*result_codec.read(body, _REFUSED))
        ending, detail = result_codec.read(body, tuple[str, str])
        raise SandboxError(ExitReason(ending), detail)
    except (result_codec.Unreadable, ValueError) as error:
        raise SandboxError(ExitReason.FAILED, f"an answer that cannot be read: {error}") from error


_REFUSED = tuple[str, Phrase | str, dict[str, Phrase], dict[str, Any]]


def _refusal(kind: str, message: Phrase | str, fields: dict[str, Phrase], detail: dict[str, Any]) -> Exception:
    """The refusal of the house that was raised there."""
    if kind == "SendError":
        return SendError(str(message), permanent=bool(detail.get("permanent")))
    found: Any = getattr(errors, kind, None)
    known = isinstance(found, type) and issubclass(found, errors.DomainError) and found is not errors.Stale
    if not known or isinstance(message, str) or {"self", "message", "fields"} & set(detail):
        return SandboxError(ExitReason.FAILED, kind)
    if found is errors.Invalid:
        return errors.Invalid(fields, message, **detail)
    refused: Exception = found(message, **detail)
    return refused


def _tell_lacking(in_force: list[str]) -> None:
    """Once for each thing that should confine a child here and does not: `lienthong doctor` says it, too."""
    for name in sorted({confinement.LANDLOCK, confinement.SECCOMP} - set(in_force) - _told_lacking):
        _told_lacking.add(name)
        log.warning("strangers' files are read without %s: this kernel does not offer it", name)
