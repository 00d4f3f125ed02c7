"""What waits and what takes long in the green threads of the web process, in gevent's own ways."""

from functools import partial
from typing import TypeVar

import gevent
import psycopg
from gevent import get_hub
from gevent.hub import Waiter
from psycopg import waiting
from psycopg.abc import PQGen

from kernel import turns

LOOKED_AROUND = 2
"""gevent's highest priority of idleness: long work goes on after one look at all sockets. With less it would go on only
when nobody wants anything; to sleep for no time looks at the sockets at every hundredth piece."""

T = TypeVar("T")

_with_timeout = waiting.wait


def install() -> None:
    """From now on, for this whole process. A connection of psycopg's asks for `waiting.wait` by its name each time
    (tests/web/server/test_greenlets.py)."""
    waiting.wait = wait
    turns.give_way_by(partial(gevent.idle, LOOKED_AROUND))


def wait(gen: PQGen[T], fileno: int, interval: float = 0.0, timeout: float | None = None) -> T:
    """Run what psycopg does on a connection to its end. Other greenlets have the thread whenever it waits for the
    socket: 24 µs a trip to the database, where psycopg's own way under gevent, a `select.poll` that is built anew in
    Python for each wait, takes 60. Its numbers for reading and writing are gevent's (1 and 2)."""
    if timeout is not None:
        return _with_timeout(gen, fileno, interval=interval, timeout=timeout)
    try:
        wanted = next(gen)
        while True:
            wanted = gen.send(_ready(fileno, wanted))
    except StopIteration as end:
        done: T = end.value
        return done
    except OSError as error:
        raise psycopg.OperationalError("connection socket closed") from error


def _ready(fileno: int, wanted: int) -> int:
    hub = get_hub()
    watcher, waiter = hub.loop.io(fileno, wanted), Waiter(hub)
    watcher.start(waiter.switch, pass_events=True)
    try:
        events: int = waiter.get()
    finally:
        watcher.stop()
        watcher.close()
    return events & wanted
