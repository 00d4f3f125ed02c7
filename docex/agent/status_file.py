"""status.txt: what the office should know, in both languages, without looking into a log.

It is written anew at least once a minute while the agent lives, so that its age tells whether it does.
"""

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from docex.agent.folders import Folders, shown
from docex.agent.http_client import version
from kernel import clock
from kernel.text import Phrase, phrase

ALIVE_S = 60.0
WRONG_CLOCK = timedelta(minutes=2)
MAX_LINES = 20
REASON = ".reason.txt"
"""The ending of the file in error/ that says why the file beside it is there: Vietnamese, English, code and time."""
OUTBOX, INBOX = "outbox/", "inbox/"
SENDING, FETCHING, FOLLOWING = "gửi / sending", "nhận / receiving", "theo dõi / following"
RECALLS = "thu hồi / recalls"


class Board:
    """Collects what is wrong from all threads. A board that cannot be written stops nothing."""

    def __init__(self, folders: Folders, url: str) -> None:
        self._path, self._folders, self._url = folders.root / "status.txt", folders, url
        self._lock = threading.Lock()
        self._wrong: dict[str, Phrase] = {}
        self._sub_folders: list[str] = []
        self._laid_aside: list[str] = []
        self._skew = timedelta()
        self._written = ("", 0.0)
        self._told_of_error: tuple[int, list[str]] = (0, [])

    def is_wrong(self, what: str, words: Phrase) -> None:
        """A piece of work or a file does not work for now."""
        with self._lock:
            self._wrong[what] = words

    def is_fine(self, what: str) -> None:
        """It works again, or is gone."""
        with self._lock:
            self._wrong.pop(what, None)

    def keep_only(self, begins: str, known: Iterable[str]) -> None:
        """Of what begins so only these are still there; the others are gone, and with them what was wrong."""
        with self._lock:
            gone = {what for what in self._wrong if what.startswith(begins)} - set(known)
            for what in gone:
                del self._wrong[what]

    def note_laid_aside(self, name: str) -> None:
        """A file went to error/: nothing is wrong with the agent, yet the office has something to mend."""
        with self._lock:
            self._laid_aside.append(name)

    @property
    def laid_aside(self) -> list[str]:
        """The files that went to error/ since the agent started."""
        with self._lock:
            return list(self._laid_aside)

    def note_sub_folders(self, sub_folders: list[str]) -> None:
        """Sub-folders of outbox/ are not sent, and nobody should believe they are."""
        with self._lock:
            self._sub_folders = list(sub_folders)

    def note_skew(self, skew: timedelta) -> None:
        """How far this machine's clock is ahead of the hub's."""
        with self._lock:
            self._skew = skew

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        with self._lock:
            return not self._wrong

    def show(self) -> None:
        """Write it when it has changed or is old."""
        with self._lock:
            text, (before, at) = self._text(), self._written
            if text == before and time.monotonic() < at + ALIVE_S:
                return
        now = clock.now().astimezone(clock.VN).strftime("%d/%m/%Y %H:%M:%S")
        with suppress(OSError):  # a full disk has its own line in the log
            self._folders.write(self._path, f"{now}\n{text}".encode())
            self._written = (text, time.monotonic())

    def _text(self) -> str:
        lines = [f"lienthong-agent {version()}  {self._url}"]
        if not self._wrong:
            lines.append(f"{_FINE.vi} / {_FINE.en}")
        for what, words in list(self._wrong.items())[:MAX_LINES]:
            lines.append(f"- {what}: {words.vi} / {words.en}")
        if len(self._wrong) > MAX_LINES:
            lines.append(f"- … {len(self._wrong) - MAX_LINES}")
        lines += self._lines_of_error()
        for name in self._sub_folders[:MAX_LINES]:
            lines.append(f"- outbox/{shown(name)}: {_SUB_FOLDER.vi} / {_SUB_FOLDER.en}")
        if abs(self._skew) > WRONG_CLOCK:
            words = phrase("Đồng hồ máy này lệch {minutes} phút so với trục.", minutes=round(self._skew / _MINUTE))
            lines.append(f"- {words.vi} / {words.en}")
        return "\n".join(lines) + "\n"

    def _lines_of_error(self) -> list[str]:
        """The files in error/ that the hub will never take, newest first: when, name and reason. They are told until
        the office has taken them away, also by an agent that was started since."""
        folder = self._folders.error
        with suppress(OSError):
            changed = folder.stat().st_mtime_ns
            if changed != self._told_of_error[0]:
                self._told_of_error = changed, _refused_in(folder)
        return self._told_of_error[1]


def _refused_in(folder: Path) -> list[str]:
    found = []
    for reason in folder.glob(f"*{REASON}"):
        file = folder / reason.name.removesuffix(REASON)
        with suppress(OSError):
            if os.path.lexists(file):
                found.append((reason.stat().st_mtime_ns, file.name, reason))
    newest = sorted(found, reverse=True)
    lines = [line for at, name, reason in newest[:MAX_LINES] for line in _refused_line(at, name, reason)]
    return lines + [f"- error/: … {len(newest) - MAX_LINES}"] * (len(newest) > MAX_LINES)


def _refused_line(at_ns: int, name: str, reason: Path) -> list[str]:
    try:
        lines = reason.read_text(encoding="utf-8", errors="replace").splitlines()[:2]
    except OSError:
        return []  # the office has just taken it away
    at = datetime.fromtimestamp(at_ns // 10**9, clock.VN)
    return [f"- {at:%d/%m/%Y %H:%M:%S} error/{shown(name)}: {' / '.join(shown(line) for line in lines)}"]


_MINUTE = timedelta(minutes=1)
_FINE = phrase("Đang hoạt động bình thường.")
_SUB_FOLDER = phrase("Thư mục con không được gửi; xin để tệp ngay trong outbox.")
