"""The agent's folders. A file has its final name only when it is whole and on the disk; moves are renames.

outbox/    what the office wants sent; taken once it has stopped changing
sent/      what the hub took over
receipts/  the hub's signed receipts, and the states at the receivers
inbox/     what came, one file each; the office may move it away at once
error/     what cannot be sent, with the reason beside it
.agent/    the agent's own notes
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kernel.text import fold

PIECE = 1 << 20
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


class Busy(Exception):
    """Another agent works in this folder."""


class Folders:
    """One office's folder. Making it creates what is missing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outbox, self.sent, self.receipts = root / "outbox", root / "sent", root / "receipts"
        self.inbox, self.error = root / "inbox", root / "error"
        self.notes = root / ".agent"
        self.parts, self.ready, self.marks = self.notes / "parts", self.notes / "ready", self.notes / "marks"
        self.following = self.notes / "following"
        for folder in (self.outbox, self.sent, self.receipts, self.inbox, self.error):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.parts, self.ready, self.marks, self.following):
            folder.mkdir(parents=True, exist_ok=True)
        self._seen: dict[Path, tuple[int, int]] = {}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder; Busy when another agent does. A dead agent holds nothing."""
        with (self.notes / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Busy from error
            yield

    def waiting(self) -> list[Path]:
        """The files to send, oldest first: those that are as large and as old as at the look before.

        Who copies into the folder with a file manager writes for a while; what still grows is not taken.
        """
        now: dict[Path, tuple[int, int]] = {}
        for path in self.outbox.iterdir():
            if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED):
                continue
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # taken away while we looked
            if path.is_file():
                now[path] = (found.st_size, found.st_mtime_ns)
        settled = [path for path, state in now.items() if self._seen.get(path) == state]
        self._seen = now
        return sorted(settled, key=lambda path: now[path][1])

    def forget(self, path: Path) -> None:
        """A later file of the same name must be looked at twice again."""
        self._seen.pop(path, None)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` under `path` at once: whoever looks sees all of it or nothing, also after a power failure."""
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    move(draft, path)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """The same for a note or an answer, readable by people."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")


def move(source: Path, target: Path) -> None:
    """Rename, and make the new name last; both lie on one disk, since both lie in the agent's folder."""
    source.replace(target)
    for folder in {source.parent, target.parent}:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def free_name(folder: Path, name: str) -> Path:
    """A path in `folder` that nothing has yet: the second `giay-moi.edxml` becomes `giay-moi-2.edxml`."""
    path, number = folder / name, 2
    while path.exists():
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        number += 1
    return path


def plain(text: str) -> str:
    """`text` as part of a file name on any system: small letters without accents, digits and `-`; at most 60."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in fold(text))
    return "-".join(filter(None, kept.split("-")))[:60] or "van-ban"
