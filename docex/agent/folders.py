"""The agent's folders. A file has its final name only when it is whole and on the disk; moves are renames.

outbox/    what the office wants sent
sent/      what the hub took over
receipts/  the hub's signed receipts, and how far each letter has come
inbox/     what came, one file each; the office may move it away at once
error/     what could not be sent or did not arrive, with the reason beside it
.agent/    the agent's own notes
"""

import ctypes
import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from docex.agent.errors import Busy, TransientError, Unreachable, Unusable
from kernel.text import Phrase, fold, nfc, phrase

log = logging.getLogger("lienthong.agent")

PIECE = 1 << 20
MAX_NAME_BYTES = 180
"""Bytes of a name that we make; a file system takes 255, and endings are added to it."""
_HERE, _NOREPLACE = -100, 1  # AT_FDCWD and RENAME_NOREPLACE
_rename_noreplace = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)  # Linux only
_WHOLE_DISK = (errno.ENOSPC, errno.EROFS)


class Folders:
    """One office's folder. Making it creates what is missing; Unusable when it cannot be worked in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outbox, self.sent, self.receipts = root / "outbox", root / "sent", root / "receipts"
        self.inbox, self.error = root / "inbox", root / "error"
        self.notes = root / ".agent"
        self.parts, self.ready, self.marks = self.notes / "parts", self.notes / "ready", self.notes / "marks"
        self.following, self.leaving, self.drafts = (self.notes / n for n in ("following", "leaving", "drafts"))
        self.asked, self.telling = self.notes / "asked", self.notes / "telling"
        self.shared = (self.outbox, self.sent, self.receipts, self.inbox, self.error)
        own = (self.parts, self.ready, self.marks, self.following, self.leaving, self.drafts, self.asked, self.telling)
        try:
            for folder in (*self.shared, *own):
                folder.mkdir(parents=True, exist_ok=True)
            disks = {folder.stat().st_dev for folder in (*self.shared, *own)}
            for folder in self.shared:
                _try_to_work_in(folder)
        except OSError as error:
            raise Unusable(trouble(error)) from error
        if len(disks) > 1:
            raise Unusable(phrase("Các thư mục con trong {root} phải nằm trên cùng một ổ đĩa.", root=str(root)))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder; Busy when another agent does. A dead agent holds nothing. What one left half done is
        cleared up."""
        with (self.notes / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Busy(phrase("Một tác tử khác đang phục vụ thư mục này.")) from error
            for draft in self.drafts.iterdir():
                draft.unlink()
            self.put_back_what_is_leaving()
            yield

    def put_back_what_is_leaving(self) -> None:
        """A file that got no further than that is sent again, or laid aside again: the hub gives the same answer."""
        for path in self.leaving.iterdir():
            self.put_back(path)

    def put_back(self, path: Path) -> None:
        """Into outbox/ again, under its own name when that is still free."""
        try:
            move(path, self.outbox / path.name)
        except FileExistsError:
            bring(path, self.outbox, path.name)

    def write(self, path: Path, data: bytes) -> None:
        """Put `data` under `path` at once: whoever looks sees all of it or nothing, also after a power failure."""
        draft = self.drafts / secrets.token_hex(8)
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            path.parent.mkdir(exist_ok=True)
            draft.replace(path)
            _make_names_last(draft, path)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    def write_json(self, path: Path, value: dict[str, Any]) -> None:
        """The same for a note or an answer, readable by people."""
        self.write(path, as_json(value))

    def keep(self, path: Path, data: bytes) -> None:
        """The same for evidence: what has this name already stays, and other evidence gets a name beside it."""
        if not path.exists():
            self.write(path, data)
        elif path.read_bytes() != data:
            self.write(free_name(path.parent, path.name), data)

    def free_bytes(self) -> int:
        """How much the disk still takes."""
        disk = os.statvfs(self.root)
        return disk.f_bavail * disk.f_frsize

    def disk_time(self) -> float:
        """The time where the times of files are told (Unix time): at a shared folder's server, whose clock need
        not be ours. The beginning of time when the disk does not say, so that nothing looks older than it is."""
        try:
            with tempfile.TemporaryFile(dir=self.drafts) as file:
                return os.fstat(file.fileno()).st_ctime
        except OSError:
            return 0.0


def as_json(value: dict[str, Any]) -> bytes:
    """A note or an answer as it lies in a file."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def move(source: Path, target: Path) -> None:
    """Rename, and make the new name last; both lie on one disk, since both lie in the agent's folder. FileExistsError
    when something has the name `target` already, and nothing has happened."""
    _rename_to_a_free_name(source, target)
    _make_names_last(source, target)


def bring(source: Path, folder: Path, name: str) -> Path:
    """Move into a folder that others write to, too: under this name, or the next one that is free when we come there.
    Answers where it is now."""
    while True:
        target = free_name(folder, name)
        with suppress(FileExistsError):
            move(source, target)
            return target


def _rename_to_a_free_name(source: Path, target: Path) -> None:
    # Not link and unlink: a kill in between would leave two, and who may only read a file may not link it.
    code = errno.ENOSYS
    if _rename_noreplace is not None:
        if not _rename_noreplace(_HERE, os.fsencode(source), _HERE, os.fsencode(target), _NOREPLACE):
            return
        code = ctypes.get_errno()
    if code not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        raise OSError(code, os.strerror(code), str(source), None, str(target))
    if os.path.lexists(target):  # a file system that cannot rename so, such as NFS
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _make_names_last(*paths: Path) -> None:
    for folder in {path.parent for path in paths}:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def free_name(folder: Path, name: str) -> Path:
    """A path in `folder` that nothing has yet: the second `giay-moi.edxml` becomes `giay-moi-2.edxml`. The name is
    composed (NFC), without control characters, and short enough for every ending."""
    stem, suffix = _fitting(name)
    path, number = folder / f"{stem}{suffix}", 2
    while os.path.lexists(path):
        path = folder / f"{stem}-{number}{suffix}"
        number += 1
    return path


def shown(name: str) -> str:
    """A name as it can be written into a text: composed, one line, only characters that have an encoding."""
    known = os.fsencode(name).decode(errors="replace")
    return "".join("-" if unicodedata.category(letter) in ("Cc", "Cf") else letter for letter in nfc(known))


def stem_of(name: str) -> str:
    """The name without its ending, as the name of what belongs to it."""
    return _fitting(name)[0]


def _fitting(name: str) -> tuple[str, str]:
    plain_name = Path(shown(name))
    suffix = plain_name.suffix if len(plain_name.suffix.encode()) <= 20 else ""
    stem = plain_name.stem if suffix else plain_name.name
    return stem.encode()[: MAX_NAME_BYTES - len(suffix.encode())].decode(errors="ignore"), suffix


def plain(text: str) -> str:
    """`text` as part of a file name on any system: small letters without accents, digits and `-`; at most 60."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in fold(text))
    return "-".join(filter(None, kept.split("-")))[:60] or "van-ban"


def code_name(code: str) -> str:
    """An agency's code as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", code)[:40].strip(".") or "-"


def trouble(error: OSError, name: str = "?") -> Phrase:
    """The disk's complaint, in a sentence for the office; it is about `name` where the disk names nothing."""
    where = shown(str(error.filename)) if error.filename is not None else name
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return phrase("Ổ đĩa của thư mục đã đầy. Xin dọn bớt; tác tử tự làm tiếp khi có chỗ.")
    if error.errno == errno.EROFS:
        return phrase("Ổ đĩa của thư mục đang ở chế độ chỉ đọc.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return phrase("Tác tử không có quyền đọc, ghi ở {path}.", path=where)
    return phrase("Không làm việc được với {path}: {why}.", path=where, why=error.strerror or "?")


def stopped(error: OSError) -> Unreachable:
    """The disk does not let us go on now."""
    return Unreachable(trouble(error), error.strerror or "")


@contextmanager
def only_about(name: str) -> Iterator[None]:
    """Whatever goes wrong inside is about the one file or delivery of this name, and TransientError says so to the
    office: others may work. A full or read-only disk and a hub that is away are about all of them, and stay what they
    are."""
    try:
        yield
    except OSError as error:
        if error.errno in _WHOLE_DISK:
            raise
        raise TransientError(trouble(error, name), error.strerror or "") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        log.error("not foreseen at %s", name, exc_info=error)
        raise TransientError(odd_answer(), type(error).__name__) from error


def odd_answer() -> Phrase:
    """For the office: what the hub said is not what it has to be."""
    return phrase("Trục trả lời không đúng dạng, hoặc ghi chép của tác tử bị hỏng. Xin báo quản trị trục.")


def _try_to_work_in(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder):  # without a name where the disk can, so that a kill leaves nothing
        pass
