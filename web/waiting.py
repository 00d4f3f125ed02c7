"""psycopg waits for PostgreSQL by a watcher of gevent's.

Under gevent it waits with `select.poll`, which gevent builds anew in Python for each wait: 60 µs a trip to the database
where a watcher takes 24. A page makes some ten trips, a letter that is handed in some thirty.
"""

from typing import TypeVar

import psycopg
from gevent import get_hub
from gevent.hub import Waiter
from psycopg import waiting
from psycopg.abc import PQGen

T = TypeVar("T")

_with_timeout = waiting.wait


def install() -> None:
    """Have all connections of this process wait so. Their method `wait` asks for the function by its name each time
    (tests/web/test_waiting.py)."""
    waiting.wait = wait


def wait(gen: PQGen[T], fileno: int, interval: float = 0.0, timeout: float | None = None) -> T:
    """Run what psycopg does on a connection to its end. Other greenlets have the thread whenever it waits for the
    socket. psycopg's numbers for reading and writing are gevent's (1 and 2)."""
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
