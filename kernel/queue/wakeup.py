"""Waits until somebody committed something. A hint only: who waits looks at the rows after every wake and after
every time-out."""

import sqlite3
import threading
import time
from contextlib import suppress
from typing import Any

from kernel.db import CHANNEL, Committed, Database

EVERYTHING = frozenset({"*"})


class Wakeup:
    """One waiter on a database.

    On PostgreSQL it listens; on SQLite it looks at `PRAGMA data_version`, which changes when another connection
    commits, and hears of commits of its own process at once. Names are `s <stream>`, `t <topic>`, or `*` for
    "something, anywhere".
    """

    def __init__(self, db: Database, *, poll_s: float = 0.05) -> None:
        self.db = db
        self.poll_s = poll_s
        self._heard: set[str] = set()
        self._woken = threading.Event()
        self._connection: Any = None
        self._version = -1
        if db.is_sqlite:
            db.after_commit.append(self._ring)

    def wait(self, timeout_s: float) -> frozenset[str]:
        """The names heard since the last call; empty after `timeout_s` seconds of silence."""
        return self._wait_sqlite(timeout_s) if self.db.is_sqlite else self._wait_postgres(timeout_s)

    def close(self) -> None:
        """Stop listening."""
        if self.db.is_sqlite:
            with suppress(ValueError):  # whoever closed the database may have emptied the list
                self.db.after_commit.remove(self._ring)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ring(self, done: Committed) -> None:
        self._heard |= {f"s {name}" for name in done.streams} | {f"t {topic}" for topic in done.topics}
        self._woken.set()

    def _wait_sqlite(self, timeout_s: float) -> frozenset[str]:
        end = time.monotonic() + timeout_s
        while True:
            if self._woken.wait(min(self.poll_s, timeout_s)):
                self._woken.clear()
                heard, self._heard = frozenset(self._heard), set()
                if heard:
                    return heard
            if self._changed_elsewhere():
                return EVERYTHING
            if time.monotonic() >= end:
                return frozenset()

    def _changed_elsewhere(self) -> bool:
        if self._connection is None:
            # A connection of our own: data_version tells of commits by every other one.
            self._connection = sqlite3.connect(self.db.url.database or "", check_same_thread=False)
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        changed, self._version = version != self._version, version
        return bool(changed)

    def _wait_postgres(self, timeout_s: float) -> frozenset[str]:
        import psycopg

        try:
            if self._connection is None:
                self._connection = _listen(self.db)
                return EVERYTHING  # what was committed before we listened was not heard
            heard = {n.payload for n in self._connection.notifies(timeout=timeout_s, stop_after=1)}
            heard |= {n.payload for n in self._connection.notifies(timeout=0)}
            return frozenset(heard)
        except psycopg.OperationalError:
            self._connection = None
            time.sleep(min(timeout_s, 1.0))
            return EVERYTHING


def _listen(db: Database) -> Any:
    import psycopg

    url = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(url, autocommit=True)
    connection.execute(f"LISTEN {CHANNEL}")
    return connection
