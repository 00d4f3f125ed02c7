"""The agent's life: sending, fetching, following and recalls, each in a thread with a line of its own to the hub, until
it is told to stop. What does not work is tried less and less often."""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from docex.agent.errors import Unreachable
from docex.agent.fetching import Fetcher
from docex.agent.folders import Folders, shown, stopped
from docex.agent.following import Follower
from docex.agent.http_client import Reach
from docex.agent.hub import LONG_POLL_S, Hub
from docex.agent.outbox import CUT_S, EMPTY_S
from docex.agent.recalls import AskedBack
from docex.agent.sending import Sender
from docex.agent.status_file import FETCHING, FOLLOWING, RECALLS, SENDING, Board
from kernel.text import phrase

log = logging.getLogger("lienthong.agent")
LOOK_S = 0.2
MAX_BACKOFF_S = 300.0
ENDS_IN_S = 2.0
MAX_NAMED = 10


def run(reach: Reach, folder: Path, *, once: bool = False) -> None:
    """Serve `folder` until SIGTERM or SIGINT; with `once` until there is nothing to do. Busy when another agent does.

    Each kind of work has a thread: neither a long poll nor a large file keeps anything else waiting.
    """
    folders = Folders(folder)
    with folders.alone():
        board, stop = Board(folders, reach.url), threading.Event()
        hubs = [Hub(reach) for _ in range(4)]
        sender = Sender(folders, hubs[0], board, stop)
        fetcher = Fetcher(folders, hubs[1], board, stop)
        follower, asked_back = Follower(folders, hubs[2], board), AskedBack(folders, hubs[3])
        if once:
            _once(sender, fetcher, follower, asked_back)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        work: list[tuple[str, Hub, Callable[[], object], float]] = [
            (SENDING, hubs[0], sender.send, LOOK_S),
            (FETCHING, hubs[1], lambda: fetcher.fetch(LONG_POLL_S), 0.0),
            (FOLLOWING, hubs[2], follower.follow, LOOK_S),
            (RECALLS, hubs[3], asked_back.look, 1.0),
        ]
        threads = [threading.Thread(target=_forever, args=(stop, board, *one), daemon=True) for one in work]
        for thread in threads:
            thread.start()
        while not stop.wait(1.0):
            board.show()
        end = time.monotonic() + ENDS_IN_S
        for thread in threads:  # a long poll may stay behind: it may be cut off at any point
            thread.join(max(0.0, end - time.monotonic()))


def _once(sender: Sender, fetcher: Fetcher, follower: Follower, asked_back: AskedBack) -> None:
    """Each kind of work until there is nothing to do, whatever becomes of the others. Unreachable, with the first
    reason, when something could not be done."""
    tries = _Tries(sender.board)
    end = time.monotonic() + EMPTY_S + 1.0
    while True:
        done = tries.of(SENDING, sender.send) + tries.of(FETCHING, lambda: fetcher.fetch(0))
        waits = sender.outbox.is_waiting(CUT_S) and SENDING not in tries.failed
        if not done and (not waits or time.monotonic() > end):
            break
        if not done:
            time.sleep(LOOK_S)
    tries.of(FOLLOWING, lambda: follower.follow(all_of_them=True))
    tries.of(RECALLS, lambda: asked_back.look(now=True))
    sender.board.note_skew(sender.hub.skew or fetcher.hub.skew)
    sender.board.show()
    for error in tries.failed.values():
        raise error
    if not sender.board.is_clean:
        raise Unreachable(phrase("Có văn bản chưa gửi hoặc chưa nhận được; lý do ở status.txt."))
    if laid_aside := sender.board.laid_aside:
        names = ", ".join(shown(name) for name in laid_aside[:MAX_NAMED])
        raise Unreachable(
            phrase(
                "Trục không nhận {count} tệp, đã chuyển vào error kèm lý do: {names}.",
                count=len(laid_aside),
                names=names,
            )
        )


class _Tries:
    """The attempts of one run. A kind of work that failed is not tried again in it."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.failed: dict[str, Unreachable] = {}

    def of(self, name: str, work: Callable[[], int | None]) -> int:
        """Do it; the board says when it cannot be done. Answers how much was done."""
        if name in self.failed:
            return 0
        try:
            return work() or 0
        except Exception as error:  # whatever it is, the other kinds are tried, and the office is told
            self.failed[name] = found = _as_unreachable(error)
            self.board.is_wrong(name, found.words)
            log.warning("%s: %s", name, found)
            return 0


def _forever(
    stop: threading.Event, board: Board, name: str, hub: Hub, work: Callable[[], object], rest_s: float
) -> None:
    timeout_s = 1.0
    while not stop.is_set():
        pause_s = rest_s
        try:
            work()
            board.is_fine(name)
            timeout_s = 1.0
        except Exception as error:  # whatever it is, the letters of tomorrow must still go
            found = _as_unreachable(error)
            timeout_s = min(timeout_s * 2, MAX_BACKOFF_S)
            # Full jitter: after a failure of the hub its agents must not come back all at once.
            pause_s = max(random.SystemRandom().uniform(0, timeout_s), found.wait_s, LOOK_S)
            board.is_wrong(name, found.words)
            log.warning("%s: %s; next try in %.1f s", name, found, pause_s)
        board.note_skew(hub.skew)
        stop.wait(pause_s)


def _as_unreachable(error: Exception) -> Unreachable:
    if isinstance(error, Unreachable):
        return error
    if isinstance(error, OSError):
        return stopped(error)
    log.error("not foreseen", exc_info=error)
    return Unreachable(phrase("Lỗi ngoài dự kiến; xin gửi nhật ký của tác tử cho quản trị."), type(error).__name__)
