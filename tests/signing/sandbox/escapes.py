"""What somebody tries whose file has taken its process over. Each is work for a child."""

import ctypes
import fcntl
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Any

from signing.keys.keystore import KeyStore
from signing.pdf.pades import sign_copy
from signing.pdf.stamps import Box
from signing.sandbox import ipc
from signing.verdicts.verdict import Value, Verdict

IPC_CREATE, F_SETSIG, PARENT_DEATH, OWNER_OF = 0o1000, 10, 1, 0x8901
IO_URING, OPENAT2, YOUNGEST = 425, 437, 500  # the same numbers on every machine


def say(kind: bytes, body: bytes) -> Verdict:
    """Says this in place of an answer, and ends."""
    _connection_of_frame().send(kind, body)
    os._exit(0)


def announce(length: int) -> Verdict:
    """Announces an answer of this length and keeps sending."""
    connection: socket.socket = _connection_of_frame()._socket
    connection.sendall(ipc.HEAD.pack(ipc.ANSWER, length))
    while True:
        connection.sendall(bytes(1 << 20))


def _connection_of_frame() -> Any:
    """The connection to the parent lies in a frame below, as it does for any code in this process."""
    frame = sys._getframe()
    while "connection" not in frame.f_locals or frame.f_code.co_name != "run_child":
        assert frame.f_back is not None
        frame = frame.f_back
    return frame.f_locals["connection"]


class Poison:
    """Pickled: the reader's own members of enumerations get other values."""

    def __init__(self, member: Enum, state: dict[str, object]) -> None:
        self._told = (type(member), (member.value,), state)

    def __reduce__(self) -> Any:
        return self._told


def poison() -> bytes:
    """After this was unpickled, whoever writes INVALID down writes "valid"."""
    return pickle.dumps(Poison(Value.INVALID, {"_value_": "valid"}), protocol=5)


def hash_without_end() -> bytes:
    """A pickle of some hundred bytes, whose reading takes longer than the world is old."""
    grown: tuple[Any, ...] = ()
    for _ in range(64):
        grown = (grown, grown)
    return pickle.dumps(_OneKey(grown), protocol=5)


class _OneKey:
    """Pickled without being hashed here: reads as a dictionary with this key."""

    def __init__(self, key: object) -> None:
        self._key = key

    def __reduce__(self) -> Any:
        return set, ([self._key],)


def sign_another(pdf: bytes, key: KeyStore, *, other: bytes, mark: bytes) -> bytes:
    """Uses the one signature for a paper of its own and hides that behind the one that was given."""
    return pdf + sign_copy(other, key, mark=mark, box=Box(0, 100, 100, 200, 50))


def sign_and_change(pdf: bytes, key: KeyStore, *, mark: bytes) -> bytes:
    """Adds something behind what was signed."""
    return sign_copy(pdf, key, mark=mark, box=Box(0, 100, 100, 200, 50)) + b"\n% and more\n"


def sign_no_paper(pdf: bytes, key: KeyStore) -> bytes:
    """Has a statement signed that would be good elsewhere."""
    return pdf + key.sign(b"eyJhbGciOiJSUzI1NiJ9.e30")


def is_refused(path: str, owner: int, port: str) -> dict[str, str]:
    """Calls that Landlock does not know, or that older kernels' does not; answers what came of each."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = socket.socketpair()
    how = ctypes.create_string_buffer(24)

    def call(function: Callable[..., int], *given: Any) -> None:
        if function(*given) < 0:
            raise OSError(ctypes.get_errno(), "refused")

    attempts: dict[str, Callable[[], Any]] = {
        "keep shared memory": lambda: call(libc.shmget, 0, 4096, IPC_CREATE | 0o600),
        "keep messages": lambda: call(libc.msgget, 0, IPC_CREATE | 0o600),
        "keep semaphores": lambda: call(libc.semget, 0, 1, IPC_CREATE | 0o600),
        "keep a queue": lambda: call(libc.mq_open, b"/lienthong", os.O_RDWR | os.O_CREAT, 0o600, None),
        "make a file in memory": lambda: call(libc.memfd_create, b"x", 0),
        "watch": lambda: call(libc.inotify_init1, 0),
        "set a timer": lambda: call(libc.timer_create, 0, None, ctypes.byref(ctypes.c_int())),
        "use io_uring": lambda: call(libc.syscall, IO_URING, 1, ctypes.create_string_buffer(120)),
        "open with hidden flags": lambda: call(libc.syscall, OPENAT2, -100, path.encode(), how, ctypes.sizeof(how)),
        "call what is younger": lambda: call(libc.syscall, YOUNGEST),
        "change a mode": lambda: os.chmod(path, 0o600),
        "change an owner": lambda: os.chown(path, -1, -1),
        "change a time": lambda: os.utime(path, (0, 0)),
        "cut a file": lambda: os.truncate(path, 0),
        "cut a file by opening": lambda: os.open(path, os.O_RDONLY | os.O_TRUNC),
        "write a file": lambda: os.open(path, os.O_WRONLY),
        "make a file": lambda: os.open(path + ".new", os.O_RDONLY | os.O_CREAT),
        "make a folder": lambda: os.mkdir(path + ".d"),
        "link": lambda: os.symlink(path, path + ".l"),
        "remove": lambda: os.unlink(path),
        "rename": lambda: os.rename(path, path + ".r"),
        "start a thread": lambda: threading.Thread(target=int).start(),
        "outlive the zygote": lambda: call(libc.prctl, PARENT_DEATH, 0, 0, 0, 0),
        "signal by a socket": lambda: fcntl.fcntl(here, fcntl.F_SETOWN, owner),
        "signal by a socket, otherwise": lambda: fcntl.ioctl(here, OWNER_OF, owner.to_bytes(4, "little")),
        "choose a signal": lambda: fcntl.fcntl(here, F_SETSIG, signal.SIGTERM),
        "send to a name": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", port),
        "send to a name in order": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET),
        "signal": lambda: os.kill(owner, 0),
    }
    told = {name: outcome_of(attempt) for name, attempt in attempts.items()}
    here.close()
    there.close()
    return told


def outcome_of(attempt: Callable[[], Any]) -> str:
    """`refused` or what else came of it."""
    try:
        attempt()
    except (OSError, RuntimeError) as error:
        refused = isinstance(error, PermissionError) or getattr(error, "errno", None) == 38
        return "refused" if refused or "new thread" in str(error) else repr(error)
    return "done"


def other_numbering() -> str:
    """Calls by the numbers of x32."""
    return str(ctypes.CDLL(None).syscall(0x40000000 + 39))


def other_architecture() -> str:
    """Calls as a program of 32 bits does: mov eax, 20 (getpid); int 0x80; ret."""
    import mmap

    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    return str(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())


def handles() -> list[int]:
    """The open files that came with the process."""
    found = []
    for number in range(1024):
        with suppress(OSError):
            os.fstat(number)
            found.append(number)
    return found
