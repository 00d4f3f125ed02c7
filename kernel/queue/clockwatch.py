"""Holds the clock of this machine against that of the database server, which all machines share: a worker whose clock
is wrong would do what is not due, end what still has time and take over what others have in hand."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from kernel import clock
from kernel.db import Database

log = logging.getLogger(__name__)

MAX_SKEW_S = 5.0
EVERY_S = 10.0
_JUMP_S = 1.0
_TOLD_EVERY_S = 60.0


class ClockWatch:
    """Whether the clock of this process may be acted on. `own` tells it; that of a trial that lives in the future, or
    of a test that froze it, is not the one that is asked for."""

    def __init__(self, db: Database, own: Callable[[], datetime] = clock.of_files) -> None:
        self._db, self._own = db, own
        self._asked_at = float("-inf")
        self._told_at = float("-inf")
        self._ahead_of_steady = 0.0
        self._is_right = True

    def is_right(self) -> bool:
        """True when it differs by no more than five seconds; the embedded database has no clock of its own. The server
        is asked every ten seconds, and as soon as the clock has jumped."""
        if self._db.is_sqlite:
            return True
        steady = time.monotonic()
        has_jumped = abs(self._own().timestamp() - steady - self._ahead_of_steady) > _JUMP_S
        if steady - self._asked_at >= EVERY_S or has_jumped:
            self._ask()
        return self._is_right

    def _ask(self) -> None:
        skew = skew_s(self._db, self._own)
        was_right, self._is_right = self._is_right, abs(skew) <= MAX_SKEW_S
        self._asked_at = time.monotonic()
        self._ahead_of_steady = self._own().timestamp() - self._asked_at
        if not self._is_right and self._asked_at - self._told_at >= _TOLD_EVERY_S:
            self._told_at = self._asked_at
            log.error("the clock differs by %.1f s from the database's: no jobs are taken until it is right", skew)
        elif self._is_right and not was_right:
            self._told_at = float("-inf")
            log.info("the clock is right again: jobs are taken")


def skew_s(db: Database, own: Callable[[], datetime] = clock.of_files) -> float:
    """How many seconds a clock is ahead of the database server's."""
    with db.engine.connect() as connection:
        before = own()
        theirs: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        after = own()
    return (before + (after - before) / 2 - theirs).total_seconds()
