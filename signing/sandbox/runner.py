"""Work on strangers' bytes in processes of their own, with little memory and time.

A hostile file can loop, eat memory or break the interpreter; here that ends a child and is reported as `Broken`. It can
also take the child over and make it lie: so each file has a child of its own, that ends with it. Its parent is a
program started anew (no fork of ours), so this works in a worker's threads and in the web process under gevent alike.
They get no settings, no secrets and no database; keys stay on this side, which signs the few bytes that a child asks to
have signed. What a child answers is read as what the work is declared to answer, and as nothing else (`replies`).
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
from signing.sandbox.limits import Broken, Ending, Limits
from signing.sandbox.zygote import Nursery, Program, Task

__all__ = [
    "Broken", "Busy", "Ending", "Limits", "Pool", "Task", "apart", "drawn", "in_turn", "pool", "with_key", "words",
]  # fmt: skip

log = logging.getLogger(__name__)

TASKS = 500
"""After so many pieces of work a program is replaced: what libraries keep does not pile up."""

T = TypeVar("T")


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

        `work` is a function of a module. Broken when it came to no end within `within_s` seconds of the processor; Busy
        when no child was free within `timeout_s` seconds (None waits as long as it takes).
        """
        task = Task(work, given, named, within_s)
        with self._program(timeout_s) as program:
            try:
                answer: T = program.work(task)
                return answer
            except Broken as broken:
                _note(task, broken)
                raise

    def in_turn(self, tasks: Sequence[Task]) -> list[Any]:
        """Several pieces of work on one file by one child (`Nursery.in_turn`): what each answers, or Broken."""
        with self._program(None) as program:
            assert isinstance(program, Nursery)
            answers = program.in_turn(tasks)
        for task, answer in zip(tasks, answers, strict=True):
            if isinstance(answer, Broken):
                _note(task, answer)
                break
        return answers

    @contextmanager
    def _program(self, timeout_s: float | None) -> Iterator[Program]:
        if not self._free.acquire(timeout=timeout_s):
            raise Busy
        try:
            with self._guard:
                program = self._idle.pop() if self._idle else None
            program = program or (Program if self._kept else Nursery)(self.limits)
            try:
                yield program
            finally:
                if program.whole and program.tasks < TASKS:
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


def _note(task: Task, broken: Broken) -> None:
    log.warning("%s in a process of its own: %s", task.work.__name__, broken)


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


def apart(
    work: Callable[..., T], *given: Any, timeout_s: float | None = None, within_s: float | None = None, **named: Any
) -> T:
    """Do this in a child of this process; see `Pool.run`. A child that does it itself keeps to its own limits."""
    if _inside[0]:
        return work(*given, **named)
    return pool("papers").run(work, *given, timeout_s=timeout_s, within_s=within_s, **named)


def judging_seconds() -> float:
    """How many seconds of the processor one judgement of signatures may take in this process's children."""
    return _limits[0].judging_seconds


def in_turn(*tasks: Task) -> list[Any]:
    """Do several things with one file in one child of this process, what must not be a lie first: what each answers, or
    Broken; see `Pool.in_turn`."""
    if _inside[0]:
        return [task.work(*task.given, **task.named) for task in tasks]
    return pool("papers").in_turn(tasks)


def with_key(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """Sign what we drew ourselves, in a program that reads nobody else's files; those are for `foreign.signed`."""
    return pool("keys", kept=True).run(work, *given, **named)


def drawn(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """Draw a paper of ours in a program that keeps fonts and libraries for the next one."""
    return work(*given, **named) if _inside[0] else pool("drawing", kept=True).run(work, *given, **named)


def pool(kind: str, *, kept: bool = False) -> Pool:
    """The children of this process for one kind of work: kinds keep no child from each other."""
    return _shared.setdefault(kind, Pool(_limits[0], kept=kept))


def _forget() -> None:
    """After a fork: the lines lead to children of another process, which still talks with them."""
    _shared.clear()


os.register_at_fork(after_in_child=_forget)


@atexit.register
def close() -> None:
    """End the children of this process; later work gets new ones."""
    while _shared:
        _shared.popitem()[1].close()
