"""What a process takes from itself before it reads a stranger's file: the network, other processes, other files.

Landlock (Linux 5.13) leaves it the code and the fonts of the machine to read, and nothing to write; `system_calls` (a
seccomp filter) leaves it no call that it does not need. Each covers what the other cannot or, in an older kernel, could
not yet: Landlock knows paths but no modes and owners of files, and truncating only since Linux 6.2, signals only since
6.12. Each is set where the kernel offers it, and `in_force` says what was; a kernel without them verifies files all the
same, with the limits of `runner` only.

Sources: landlock(7); <linux/landlock.h>.
"""

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from signing.sandbox import system_calls

LANDLOCK, SECCOMP = "landlock", "seccomp"

_ROOT = Path(__file__).resolve().parent.parent.parent
_ROOMS = ("kernel", "directory", "signing", "notify", "tasks", "docex", "meetings", "templates", "translations")
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/share",
    "/usr/local/share",
    "/etc/fonts",
    "/etc/ssl/openssl.cnf",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/var/cache/fontconfig",
    "/dev/null",
    "/dev/urandom",
)

_in_force: list[str] = []


def in_force() -> tuple[str, ...]:
    """Which of the two hold this process: work for a child, so that a self-check can ask."""
    return tuple(_in_force)


def confine() -> None:
    """From here on this process reads code and fonts only, and reaches nobody but the other end of its connection."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0) or libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return
    _drop_capabilities(libc)
    if _set_landlock(libc):
        _in_force.append(LANDLOCK)
    if system_calls.restrict(libc):
        _in_force.append(SECCOMP)


def end_with(parent: int) -> None:
    """Let the kernel end this process when the one that made it ends."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


_SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 1, 4, 38


# ---- what root may do ----

_CAPABILITIES_HEAD = struct.pack("=Ii", 0x20080522, 0)  # version 3, this process
_CAPABILITIES = struct.Struct("=6I")  # effective, permitted, inheritable: lower and then upper halves
_READ_ANYTHING = 1 << 2  # CAP_DAC_READ_SEARCH, within what Landlock leaves: the code may be another user's


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """A service that runs as root, as in many containers, reads strangers' files without what that would allow."""
    held = ctypes.create_string_buffer(_CAPABILITIES.size)
    if libc.capget(_CAPABILITIES_HEAD, held) == 0:
        left = _CAPABILITIES.unpack(held.raw)[1] & _READ_ANYTHING
        libc.capset(_CAPABILITIES_HEAD, _CAPABILITIES.pack(left, left, 0, 0, 0, 0))


# ---- files ----

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_GIVE_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # since which version there are so many
_TCP, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals


def prepare() -> None:
    """Open what children of this process may read: each of them then only has to say that it wants no more."""
    _rules()


def _set_landlock(libc: ctypes.CDLL) -> bool:
    rules = _rules()
    if rules < 0:
        return False
    try:
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


@cache
def _rules() -> int:
    """A handle of the rules; less than 0 where the kernel has none. They hold nobody yet."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _GIVE_VERSION)
    if version < 1:
        return -1
    rights = max(count for since, count in _FILE_RIGHTS.items() if since <= version)
    told = struct.pack("=Q", (1 << rights) - 1)
    if version >= 4:
        told += struct.pack("=Q", _TCP)
    if version >= 6:
        told += struct.pack("=Q", _SCOPES)
    rules = int(libc.syscall(_CREATE_RULESET, told, len(told), 0))
    if rules >= 0:
        for path in _readable():
            _let_read(libc, rules, path)
    return rules


def _let_read(libc: ctypes.CDLL, rules: int, path: Path) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    right = _READ_FILE | _READ_FOLDER if path.is_dir() else _READ_FILE
    libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", right, place), 0)
    os.close(place)


def _readable() -> Iterator[Path]:
    """Where code, words and fonts lie; never the folder of the checkout itself, in which `var` may lie."""
    yield from map(Path, _SYSTEM)
    yield from (_ROOT / room for room in _ROOMS)
    for entry in sys.path:
        path = Path(entry or ".").resolve()
        if path.name == "site-packages" or not _ROOT.is_relative_to(path):
            yield path
