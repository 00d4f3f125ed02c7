"""Bringing what waits in the mailbox into inbox/.

It may be killed between any two lines; the order of the notes tells what was done:

1. parts/N grows, is checked against the hub's hash and moves to ready/N;
2. marks/N is written: from now on this delivery is never downloaded again;
3. ready/N moves into inbox/, the hub is told, and its receipt is kept.

With a mark and without ready/N the file was delivered, wherever the office has put it since; what is missing is the
hub's receipt, for which the mark holds all that is needed. N is the delivery's id with the beginning of its hash, so
that the notes mean nothing to another hub.
"""

import errno
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from docex.agent.errors import Gone, TransientError
from docex.agent.folders import Folders, bring, move, odd_answer, only_about, plain, sha256_of
from docex.agent.hub import Hub, Waiting
from docex.agent.log_watch import Watch
from docex.agent.status_file import INBOX, Board
from kernel import clock, faults
from kernel.text import phrase

log = logging.getLogger("lienthong.agent")
AGAIN_S = 30.0
"""How soon what did not work is looked at again; what is new comes at once all the same."""
HELD_S = 30.0
RENEW_S = 120.0
"""How old a lease may become while a long download goes on; the hub gives five minutes."""
SPARE_BYTES = 64 << 20
KEPT = timedelta(days=400)


class Fetcher:
    """Fetches one office's deliveries. `stop` ends a long download between two pieces."""

    def __init__(self, folders: Folders, hub: Hub, board: Board, stop: threading.Event) -> None:
        self.folders, self.hub, self.board, self.stop = folders, hub, board, stop
        self._after = ""
        self._again_at = 0.0
        self._has_settled = False
        self._watch = Watch(folders, hub, board)
        self._forget_old()

    def fetch(self, wait_s: int) -> int:
        """Bring what waits, urgent things first, and tell the hub. Waits up to `wait_s` seconds for the first. Answers
        how many came. One that does not work keeps no other waiting."""
        if not self._has_settled:
            self._settle()
        if self._after and time.monotonic() >= self._again_at:
            self._after = ""
        begun, from_the_beginning = time.monotonic(), not self._after
        page = self.hub.waiting(wait_s, self._after)
        if page.held:
            self.stop.wait(min(HELD_S, wait_s))
        elif wait_s and not page.items and time.monotonic() < begun + 1.0:
            self.stop.wait(1.0)  # a hub that does not wait for us
        if from_the_beginning:
            self.board.keep_only(INBOX, [INBOX + _name(one) for one in page.items])
        for name in page.odd:
            self.board.is_wrong(INBOX + name, odd_answer())
        brought = [self._try(one) for one in sorted(page.items, key=lambda one: (-one.urgency, one.id))]
        if page.odd or not all(brought):
            # Go on behind it: asked from the beginning, the hub would answer with it at once, again and again.
            self._again_at = self._again_at if self._after else time.monotonic() + AGAIN_S
            self._after = page.next
        self._watch.look(page.head)
        return sum(brought)

    def _try(self, one: Waiting) -> bool:
        if self.stop.is_set():
            return False
        try:
            with only_about(_name(one)):
                self._bring(one)
        except Gone as gone:
            log.info("delivery %d is not ours now: %s", one.id, gone)
            self.board.is_fine(INBOX + _name(one))
            return False
        except TransientError as failed:
            self.board.is_wrong(INBOX + _name(one), failed.words)
            log.warning("delivery %d is tried again: %s", one.id, failed)
            return False
        self.board.is_fine(INBOX + _name(one))
        return True

    def _bring(self, one: Waiting) -> None:
        mark, ready = self.folders.marks / _note(one), self.folders.ready / _note(one)
        if not mark.exists() and not ready.exists():
            self._need_room_for(one)
        token = self.hub.lease(one.id)
        if not mark.exists():
            if not ready.exists():
                token = self._download(one, ready, token)
            faults.point("agent.ready")
        self.folders.write_json(mark, {"id": one.id, "code": one.code, "sha256": one.sha256, "token": token})
        faults.point("agent.marked")
        if ready.exists():
            bring(ready, self.folders.inbox, f"{_name(one)}.edxml")
        faults.point("agent.delivered")
        self._acknowledge(mark)

    def _acknowledge(self, mark: Path) -> None:
        """Tell the hub that a delivery is here; it may be told again, and answers with the same receipt."""
        about = json.loads(mark.read_text(encoding="utf-8"))
        receipt = self.hub.acknowledge(about["id"], about["token"], about["sha256"])
        faults.point("agent.acknowledged")
        name = f"{about['id']}-{plain(about['code'])}.retrieved.jws"
        self.folders.keep(self.folders.receipts / name, receipt.encode())
        faults.point("agent.retrieval_kept")
        mark.unlink()
        log.info("received delivery %d", about["id"])

    def _settle(self) -> None:
        """Finish the deliveries that an agent which died had put into inbox/: the hub may know or not, and its receipt
        is missing."""
        for mark in sorted(self.folders.marks.iterdir()):
            if (self.folders.ready / mark.name).exists():
                continue
            try:
                with only_about(mark.name):
                    self._acknowledge(mark)
            except (Gone, TransientError) as error:
                # Its term ended, or another lease overtook ours. Should it come again, the mark is there.
                log.info("delivery %s cannot be acknowledged: %s", mark.name, error)
        self._has_settled = True

    def _download(self, one: Waiting, ready: Path, token: int) -> int:
        """Answers the lease's newest token: a long download renews it, and ends when another system has taken over."""
        part, leased_at = self.folders.parts / _note(one), time.monotonic()
        with _dropped_when_too_large(part):
            for _ in self.hub.download(one, part):
                if time.monotonic() >= leased_at + RENEW_S:
                    token, leased_at = self.hub.lease(one.id), time.monotonic()
                faults.point("agent.piece_kept")
                if self.stop.is_set():
                    raise TransientError(phrase("Việc tải về bị dừng; sẽ tải tiếp."))
        faults.point("agent.downloaded")
        if not part.exists() or sha256_of(part) != one.sha256:
            part.unlink(missing_ok=True)
            raise TransientError(phrase("Văn bản tải về bị hỏng; sẽ tải lại từ đầu."))
        with part.open("rb") as file:
            os.fsync(file.fileno())
        move(part, ready)
        return token

    def _need_room_for(self, one: Waiting) -> None:
        """Whoever cannot keep a delivery does not take it: another system of the agency may have the room."""
        part = self.folders.parts / _note(one)
        missing = one.size - (part.stat().st_size if part.exists() else 0)
        if self.folders.free_bytes() < missing + SPARE_BYTES:
            raise TransientError(phrase("Ổ đĩa không đủ chỗ cho một văn bản {size} MB.", size=round(one.size / 1e6, 1)))

    def _forget_old(self) -> None:
        """Remove leftovers that nobody will go on with: cut downloads of deliveries that went another way, marks of
        those that ended before they were acknowledged. An operator may lay such a one out again even months later."""
        before = (clock.now() - KEPT).timestamp()
        for path in (*self.folders.parts.iterdir(), *self.folders.marks.iterdir()):
            if path.stat().st_mtime < before:
                path.unlink()


@contextmanager
def _dropped_when_too_large(part: Path) -> Iterator[None]:
    """A file beyond a limit of the office's file system or its quota leaves the room to the others."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EFBIG, errno.EDQUOT):
            part.unlink(missing_ok=True)
        raise


def _note(one: Waiting) -> str:
    return f"{one.id}-{one.sha256[:16]}"


def _name(one: Waiting) -> str:
    return f"{one.id}-{plain(one.code)}"
