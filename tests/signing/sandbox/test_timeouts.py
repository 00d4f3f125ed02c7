"""How long work apart may take: by the processor, not by the clock."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import process_time

import pytest

from signing.sandbox import ipc
from signing.sandbox.limits import ExitReason, SandboxError

ANSWERED = ipc.HEAD.pack(ipc.ANSWER, 5) + b"valid"
NEVER_S = 1e6


@contextmanager
def talking(seconds: float, spent: Callable[[socket.socket], float]) -> Iterator[ipc.Connection]:
    """A line to somebody who may work for so long, and has spent what is told when it is asked for."""
    ours, theirs = socket.socketpair()
    with theirs, closing(ipc.Connection(ours, lambda: SandboxError(ExitReason.CRASHED))) as line:
        line.work_for(seconds, lambda: spent(theirs))
        yield line


def test_who_gets_no_processor_loses_no_time() -> None:
    """Ten times what it may take has gone by the clock before it comes to anything."""
    asked = [0]

    def starved(theirs: socket.socket) -> float:
        asked[0] += 1
        if asked[0] == 10:
            theirs.sendall(ANSWERED)
        return 0.0

    with talking(0.001, starved) as line:
        line.deadline += NEVER_S
        assert line.receive() == (ipc.ANSWER, b"valid")


def test_who_has_spent_the_time_is_given_up_though_the_clock_has_hardly_moved() -> None:
    spent = iter((5.0, 14.9999, 15.0))  # what was spent before does not count
    with talking(10, lambda _: next(spent)) as line:
        line.deadline += NEVER_S
        with pytest.raises(SandboxError) as caught:
            line.receive()
        assert caught.value.ending is ExitReason.TOO_LONG
    assert list(spent) == []


def test_who_only_waits_is_given_up_by_the_clock() -> None:
    with talking(0.001, lambda _: 0.0) as line, pytest.raises(SandboxError) as caught:
        line.receive()
    assert caught.value.ending is ExitReason.TOO_LONG


def test_the_time_of_a_process_is_that_of_all_its_threads() -> None:
    before = process_time()
    told = ipc.spent_by(os.getpid())
    assert before <= told <= process_time()


def test_a_process_that_has_ended_spends_nothing() -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    assert ipc.spent_by(child) == 0.0
