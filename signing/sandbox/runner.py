"""Work on strangers' bytes in processes of their own, with little memory and time.

A hostile file can loop, eat memory or break the interpreter; here that ends a child and is reported as `SandboxError`.
It can also take the child over and make it lie: so each file has a child of its own, that ends with it. Its parent is a
program started anew (no fork of ours), so this works in a worker's threads and in the web process under gevent alike.
They get no settings, no secrets and no database; keys stay on this side, which signs the few bytes that a child asks to
have signed. What a child answers is read as what the work is declared to answer, and as nothing else (`result_codec`).
"""

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from kernel.config import Config
from kernel.text import Phrase, phrase
from signing.sandbox.limits import ExitReason, Limits, SandboxError
from signing.sandbox.zygote import Program, SandboxTask, Zygote

__all__ = [
    "ExitReason",
    "Limits",
    "Pool",
    "SandboxBusy",
    "SandboxError",
    "SandboxTask",
    "error_phrase",
    "pool",
    "run_rendering",
    "run_sandboxed",
    "run_sequence",
    "run_with_key",
]  # fmt: skip

log = logging.getLogger(__name__)

MAX_TASKS = 500
"""After so many pieces of work a program is replaced: what libraries keep does not pile up."""

T = TypeVar("T")


_WORDS = {
    ExitReason.CRASHED: phrase(
        "Phần mềm dừng đột ngột khi xử lý tệp này. Tệp có thể bị hỏng hoặc được tạo ra để gây lỗi."
    ),
    ExitReason.TOO_LONG: phrase("Xử lý tệp này vượt quá thời gian cho phép."),
    ExitReason.TOO_MUCH: phrase("Xử lý tệp này cần nhiều bộ nhớ hơn mức cho phép."),
    ExitReason.FAILED: phrase("Máy chủ gặp lỗi kỹ thuật, xin thử lại hoặc báo quản trị hệ thống."),
}


def error_phrase(broken: SandboxError) -> Phrase:
    """What happened, in a sentence for the page."""
    return _WORDS[broken.ending]


class SandboxBusy(Exception):
    """All children were at work for as long as the caller was willing to wait."""


class Pool:
    """Programs that are started when they are needed. Safe in threads and under gevent.

    Each piece of work gets a child of its own; `kept` programs do one after the other, for work on what is ours.
    """

    def __init__(self, limits: Limits, *, kept: bool = False) -> None:
        self.limits = limits
        self._kept = kept
        self._free = threading.Semaphore(limits.processes)
        self._idle: list[Program] = []
        self._guard = threading.Lock()

    def run(
        self,
        work: Callable[..., T],
        *given: Any,
        timeout_s: float | None = None,
        within_s: float | None = None,
        **named: Any,
    ) -> T:
        """What `work(*given, **named)` answers; refusals of the house are raised here as there.

        `work` is a function of a module. SandboxError when it came to no end within `within_s` seconds of the
        processor; SandboxBusy when no child was free within `timeout_s` seconds (None waits as long as it takes).
        """
        task = SandboxTask(work, given, named, within_s)
        with self._program(timeout_s) as program:
            try:
                answer: T = program.work(task)
                return answer
            except SandboxError as broken:
                _note(task, broken)
                raise

    def run_sequence(self, tasks: Sequence[SandboxTask]) -> list[Any]:
        """Several pieces of work on one file by one child (`Zygote.run_sequence`): what each answers, or
        SandboxError."""
        with self._program(None) as program:
            assert isinstance(program, Zygote)
            answers = program.run_sequence(tasks)
        for task, answer in zip(tasks, answers, strict=True):
            if isinstance(answer, SandboxError):
                _note(task, answer)
                break
        return answers

    @contextmanager
    def _program(self, timeout_s: float | None) -> Iterator[Program]:
        if not self._free.acquire(timeout=timeout_s):
            raise SandboxBusy
        try:
            with self._guard:
                program = self._idle.pop() if self._idle else None
            program = program or (Program if self._kept else Zygote)(self.limits)
            try:
                yield program
            finally:
                if program.is_reusable and program.tasks < MAX_TASKS:
                    with self._guard:
                        self._idle.append(program)
                else:
                    program.end()
        finally:
            self._free.release()

    def close(self) -> None:
        """End the children that have nothing to do."""
        with self._guard:
            idle, self._idle = self._idle, []
        for program in idle:
            program.end()


def _note(task: SandboxTask, broken: SandboxError) -> None:
    log.warning("%s in a process of its own: %s", task.work.__name__, broken)


_shared: dict[str, Pool] = {}
_limits = [Limits()]
_inside = [False]


def configure(config: Config) -> None:
    """Let the pool of this process keep to the settings."""
    limits = Limits.of(config)
    if limits != _limits[0]:
        _limits[0] = limits
        close()


def become_child() -> None:
    """This process is a child itself: what it is to run sandboxed, it does within its own limits."""
    _inside[0] = True


def run_sandboxed(
    work: Callable[..., T], *given: Any, timeout_s: float | None = None, within_s: float | None = None, **named: Any
) -> T:
    """Do this in a child of this process; see `Pool.run`. A child that does it itself keeps to its own limits."""
    if _inside[0]:
        return work(*given, **named)
    return pool("papers").run(work, *given, timeout_s=timeout_s, within_s=within_s, **named)


def verification_seconds() -> float:
    """How many seconds of the processor one verification of signatures may take in this process's children."""
    return _limits[0].verification_seconds


def run_sequence(*tasks: SandboxTask) -> list[Any]:
    """Do several things with one file in one child of this process, what must not be a lie first: what each answers, or
    SandboxError; see `Pool.run_sequence`."""
    if _inside[0]:
        return [task.work(*task.given, **task.named) for task in tasks]
    return pool("papers").run_sequence(tasks)


def run_with_key(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """Sign what we drew ourselves, in a program that reads nobody else's files; those are for `safe_signing`."""
    return pool("keys", kept=True).run(work, *given, **named)


def run_rendering(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """Draw a paper of ours in a program that keeps fonts and libraries for the next one."""
    return work(*given, **named) if _inside[0] else pool("drawing", kept=True).run(work, *given, **named)


def pool(kind: str, *, kept: bool = False) -> Pool:
    """The children of this process for one kind of work: kinds keep no child from each other."""
    return _shared.setdefault(kind, Pool(_limits[0], kept=kept))


def _forget() -> None:
    """After a fork: the connections lead to children of another process, which still talks with them."""
    _shared.clear()


os.register_at_fork(after_in_child=_forget)


@atexit.register
def close() -> None:
    """End the children of this process; later work gets new ones."""
    while _shared:
        _shared.popitem()[1].close()
