"""Which files in outbox/ are whole, and how they are read and leave without anybody's change being lost.

Offices copy into the folder with file managers, scanners and programs that write slowly, and nothing tells when they
are done. A file that ends as an edXML file ends is whole, and so is what a program renames into place; it is taken at
once. Everything else has to lie still for a while. A file that is changed while it is being sent stays and is sent
again, as the other letter that it then is.
"""

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

from docex.agent.folders import PIECE, Folders, move
from kernel import faults

DOUBTFUL_S = 3.0
"""How long a file has to lie still before the hub's refusal of it is believed."""
EMPTY_S = 10.0
CUT_S = 60.0
"""A file that begins as XML and lacks its end: somebody is writing it, or it was cut for good."""
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
_LITTER = frozenset({"thumbs.db", "desktop.ini"})
_LOOKED_AT = 4096
_NAME = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_BOM = b"\xef\xbb\xbf"

_UNKNOWN = os.stat_result((0,) * 19)
State = tuple[int, int, int]  # inode, size, time of the last change


class Changed(Exception):
    """The file is no longer as it was when we began to read it."""


class NotAFile(Exception):
    """A symbolic link, a pipe or the like: only files are sent, and never what a link leads to."""


@dataclass
class Seen:
    """The facts of a file at our last look."""

    state: State
    since: float  # monotonic: when we first saw it so
    age_s: float  # how long ago it was changed, when we first saw it so
    needs_s: float
    not_before: float = 0.0
    tries: int = 0
    digest: str = ""

    @property
    def still_for_s(self) -> float:
        """How long nothing has changed; what was there before us need not wait for us."""
        return time.monotonic() - self.since + self.age_s


@dataclass(frozen=True)
class Letter:
    """A file that is open for reading, as it was when it was opened."""

    path: Path
    file: IO[bytes]
    state: State

    @property
    def size(self) -> int:
        """In bytes."""
        return self.state[1]

    def must_be_unchanged(self) -> None:
        """Changed when somebody has written to it since it was opened."""
        if _state(os.fstat(self.file.fileno())) != self.state:
            raise Changed


@dataclass
class Outbox:
    """The files of one office that wait to be sent."""

    folders: Folders
    sub_folders: list[str] = field(default_factory=list)
    _seen: dict[Path, Seen] = field(default_factory=dict)

    def ready(self) -> list[Path]:
        """The files that can be sent now, oldest first."""
        now, found = time.monotonic(), {}
        disk_now = cache(self.folders.disk_time)  # asked for once a look, and only when there is something new
        ready: list[tuple[int, Path]] = []
        self.sub_folders = []
        for path, told in self._entries():
            if stat.S_ISDIR(told.st_mode):
                self.sub_folders.append(path.name)
                continue
            known = self._seen.get(path)
            if known is None or known.state != _state(told):
                age_s = max(0.0, disk_now() - told.st_ctime)
                known = Seen(_state(told), now, age_s, _stillness_s(path, told))
            found[path] = known
            if now >= known.not_before and known.still_for_s >= known.needs_s:
                ready.append((told.st_mtime_ns, path))
        self._seen = found
        return [path for _, path in sorted(ready)]

    @property
    def names(self) -> list[str]:
        """The names of the files that lay there at the last look."""
        return [path.name for path in self._seen]

    def is_waiting(self, most_s: float) -> bool:
        """Whether some file only has to lie still for a while, less than `most_s` seconds in all."""
        return any(known.tries == 0 and known.needs_s < most_s for known in self._seen.values())

    def is_doubtful(self, path: Path) -> bool:
        """Whether the file is so young that a refusal may be about half of it; it is looked at again later."""
        known = self._seen.get(path)
        if known is None or known.still_for_s >= DOUBTFUL_S:
            return False
        known.needs_s = DOUBTFUL_S
        return True

    def later(self, path: Path) -> float:
        """This file did not work now: leave it alone, longer each time. Answers for how many seconds."""
        known = self._seen.get(path)
        if known is None:
            return 0.0
        known.tries += 1
        pause_s = min(2.0**known.tries, 300.0)
        known.not_before = time.monotonic() + pause_s
        return pause_s

    def forget(self, path: Path) -> None:
        """A later file of the same name is another one."""
        self._seen.pop(path, None)

    def digest_of(self, letter: Letter) -> str:
        """The SHA-256 of an open letter in hex, read in pieces; remembered while the file stays as it is."""
        known = self._seen.get(letter.path)
        if known is not None and known.state == letter.state and known.digest:
            return known.digest
        digest = hashlib.sha256()
        letter.file.seek(0)
        while piece := letter.file.read(PIECE):
            digest.update(piece)
        letter.must_be_unchanged()
        if known is not None:
            known.digest = digest.hexdigest()
        return digest.hexdigest()

    @contextmanager
    def opened(self, path: Path) -> Iterator[Letter]:
        """Open a file, and nothing that a link leads to."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise NotAFile from error
            raise
        with open(handle, "rb") as file:
            told = os.fstat(handle)
            if not stat.S_ISREG(told.st_mode):
                raise NotAFile
            yield Letter(path, file, _state(told))

    def take(self, path: Path, state: State | None) -> Path | None:
        """Move a file out of outbox/, if it is still the one that was read; another one that has taken its name
        meanwhile stays. Answers where it is now.

        It goes into a folder of ours first, where nobody replaces it: between a look and a rename somebody could.
        """
        staged = self.folders.leaving / path.name
        move(path, staged)
        faults.point("agent.leaving")
        self.forget(path)
        if state is not None and _state(os.lstat(staged)) != state:
            self.folders.put_back(staged)
            return None
        return staged

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        with os.scandir(self.folders.outbox) as entries:
            for entry in entries:
                name = entry.name.lower()
                if name.startswith((".", "~$")) or name.endswith(_UNFINISHED) or name in _LITTER:
                    continue
                try:
                    yield Path(entry.path), entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # taken away while we looked
                except OSError:
                    yield Path(entry.path), _UNKNOWN  # the reason is said when it is opened for sending


def _state(told: os.stat_result) -> State:
    return told.st_ino, told.st_size, told.st_mtime_ns


def _stillness_s(path: Path, told: os.stat_result) -> float:
    """How long a file has to lie still before it is taken, by how it begins and ends."""
    if not stat.S_ISREG(told.st_mode):
        return 0.0
    if told.st_size == 0:
        return EMPTY_S
    try:
        with path.open("rb") as file:
            begins = file.read(_LOOKED_AT)
            file.seek(max(0, told.st_size - _LOOKED_AT))
            ends = file.read(_LOOKED_AT).rstrip()
    except OSError:
        return DOUBTFUL_S  # the reason is said when it is opened for sending
    begins = begins.removeprefix(_BOM).lstrip()
    if not begins.startswith(b"<"):
        return DOUBTFUL_S
    root = _root_of(begins)
    return 0.0 if root and re.search(rb"</" + re.escape(root) + rb"\s*>\Z", ends) else CUT_S


def _root_of(begins: bytes) -> bytes:
    """The name of the first element as it is written; empty when it does not come soon, or behind a DOCTYPE."""
    while True:
        for opening, closing in ((b"<?", b"?>"), (b"<!--", b"-->")):
            if begins.startswith(opening):
                begins = begins.partition(closing)[2].lstrip()
                break
        else:
            found = _NAME.match(begins)
            return found[1] if found else b""
