"""Real worker processes that can be told where to die. Started from a server process that has everything imported, so
that one costs a fork and not two seconds."""

import importlib.util
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from multiprocessing.context import ForkServerContext

import sqlalchemy as sa
from sqlalchemy.orm import configure_mappers

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OutboxRow, State
from web import rooms, worker

for _room in rooms.ROOMS:  # imported before the fork, not after it
    for _name in (f"{_room}.models", f"{_room}.jobs"):
        if importlib.util.find_spec(_name):
            importlib.import_module(_name)
configure_mappers()

CLEAN_S = 180.0


def context() -> ForkServerContext:
    """The process that forks workers; it has no threads, so a fork of it is clean."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.faults.workers"])
    return found


def serve(config: Config) -> None:
    """The body of `lienthong worker`, in a process of its own."""
    worker.run(config)


def run_until(config: Config, done: Callable[[], bool], *, within_s: float = CLEAN_S) -> int | None:
    """Run a worker until `done` or until it dies. Answers its exit code: -9 when it killed itself, 0 when it was
    done and stopped; None when neither happened in time."""
    process = context().Process(target=serve, args=(config,))
    process.start()
    end = time.monotonic() + within_s
    while process.is_alive() and not done():
        if time.monotonic() > end:
            process.kill()
            process.join()
            return None
        time.sleep(0.1)
    if process.is_alive():
        assert process.pid is not None
        process.terminate()
        process.join(within_s)
        if process.is_alive():
            process.kill()
            process.join()
    return process.exitcode


def shorten_leases(db: Database, seconds: float) -> None:
    """What a worker that died had in hand is free after so many seconds, in which its receivers take what is still on
    its way. The lease itself can be as long as in real life: one so short that a test waits for its end is lost by a
    living worker, too, when the machine stands still for a moment."""
    with db.write() as tx:
        held = sa.update(OutboxRow).where(OutboxRow.state == State.LEASED)
        tx.session.execute(held.values(leased_until=clock.now() + timedelta(seconds=seconds)))


def armed(config: Config, point: str) -> Config:
    """The same settings with a marked point at which the process kills itself."""
    return replace(config, fault_point=point)


KILLED = -signal.SIGKILL
