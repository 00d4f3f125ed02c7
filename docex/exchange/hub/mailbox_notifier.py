"""Long polls without a database connection: one listener in a process wakes those whose mailbox changed.

A hint only. The notifier looks at the mailboxes of all who wait every few seconds, so that a lost ring costs seconds
and never a document; a thousand who wait cost one query then, and not one each.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from docex.exchange.hub.models import Mailbox
from kernel.db import Database
from kernel.queue.wakeup import EVERYTHING, Wakeup

log = logging.getLogger(__name__)

HEAR_S = 1.0
LOOK_S = 5.0
_STREAM = "s mailbox:"


class MailboxNotifier:
    """The listener of one process on one database; it runs while somebody waits."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._waiting: dict[int, set[threading.Event]] = defaultdict(set)
        self._seen: dict[int, int] = {}
        self._rung: dict[int, float] = {}
        self._running = False
        self._looked_at = 0.0

    @contextmanager
    def listening(self, agency_id: int, since: float) -> Iterator[threading.Event]:
        """An event that is set when the agency's mailbox may have changed since `since` (`time.monotonic`), which is
        when the transaction began that looks into it first."""
        ring = threading.Event()
        with self._lock:
            self._waiting[agency_id].add(ring)
            if self._rung.get(agency_id, 0.0) >= since:
                ring.set()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="mailbox-notifier", daemon=True).start()
        try:
            yield ring
        finally:
            with self._lock:
                self._waiting[agency_id].discard(ring)
                if not self._waiting[agency_id]:
                    del self._waiting[agency_id]

    def _run(self) -> None:
        wakeup = Wakeup(self._db)
        try:
            while not self._nobody_waits():
                try:
                    heard = wakeup.wait(HEAR_S)
                    self._ring(EVERYTHING if time.monotonic() - self._looked_at > LOOK_S else heard)
                except Exception:  # the database may be away for a moment; who waits looks for themselves
                    log.exception("the mailbox notifier failed and starts again")
        finally:
            wakeup.close()

    def _nobody_waits(self) -> bool:
        with self._lock:
            self._running = bool(self._waiting)
            return not self._running

    def _ring(self, heard: frozenset[str]) -> None:
        if heard == EVERYTHING:
            changed = self._changed()
        else:
            named = [name.removeprefix(_STREAM) for name in heard if name.startswith(_STREAM)]
            changed = {int(name) for name in named if name.isdigit()}
        with self._lock:
            self._rung.update(dict.fromkeys(changed, time.monotonic()))
            for agency_id in changed:
                for ring in self._waiting.get(agency_id, ()):
                    ring.set()

    def _changed(self) -> set[int]:
        """Which mailboxes got something since the last look at them."""
        self._looked_at = time.monotonic()
        with self._lock:
            wanted = list(self._waiting)
        with self._db.read() as tx:
            rows = tx.session.execute(
                sa.select(Mailbox.agency_id, Mailbox.last_seq).where(Mailbox.agency_id.in_(wanted))
            )
            found = {agency_id: last for agency_id, last in rows}
        changed = {agency_id for agency_id, last in found.items() if self._seen.get(agency_id) != last}
        self._seen.update(found)  # who is away between two polls has not changed for that
        return changed


_notifiers: WeakKeyDictionary[Database, MailboxNotifier] = WeakKeyDictionary()


def notifier_of(db: Database) -> MailboxNotifier:
    """The one notifier of this process on `db`."""
    return _notifiers.setdefault(db, MailboxNotifier(db))
