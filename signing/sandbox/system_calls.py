"""What a process that reads strangers' files may ask of the kernel: this list, and nothing else (seccomp).

A list of what is forbidden would forget what the next kernel brings, and had forgotten much of what there is: shared
memory that outlives its process, other files' modes, signals by way of a socket's owner, datagrams to any socket that
has a name. What is here is memory, time, reading, waiting, and the process's own end. Numbers that are younger than
this list are answered as an old kernel would, so that the C library tries what it did before.

Sources: seccomp(2), syscalls(2); <asm/unistd.h>, <linux/seccomp.h>, <linux/filter.h>.
"""

import ctypes
import errno
import os
import platform
import struct

_SET_SECCOMP, _FILTER = 22, 2

_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_OF, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT, _ARGUMENT_BYTES = 0, 4, 16, 8
_OTHER_NUMBERING = 0x40000000  # x32
_YOUNGER = 452

# Name, number on x86-64, number on aarch64; the most frequent ones first.
_ALLOWED = """
read 0 63, lseek 8 62, futex 202 98, mmap 9 222, munmap 11 215, brk 12 214, mprotect 10 226, mremap 25 216,
madvise 28 233, fstat 5 80, newfstatat 262 79, stat 4 -, lstat 6 -, statx 332 291, close 3 57, write 1 64,
pread64 17 67, readv 19 65, writev 20 66, preadv 295 69, getdents64 217 61, statfs 137 43, fstatfs 138 44,
access 21 -, faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78, getcwd 79 17,
dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -, pipe2 293 59, eventfd2 290 19, close_range 436 436,
poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -,
epoll_pwait 281 22, epoll_pwait2 441 441,
sendto 44 206, recvfrom 45 207, shutdown 48 210, getsockname 51 204, getpeername 52 205, getsockopt 55 209,
clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169, time 201 -,
times 100 153, getrandom 318 278, sched_yield 24 124, sched_getaffinity 204 123, getcpu 309 168, membarrier 324 283,
rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136, sigaltstack 131 132,
restart_syscall 219 128, set_robust_list 273 99, rseq 334 293,
getpid 39 172, gettid 186 178, getppid 110 173, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177,
uname 63 160, sysinfo 99 179, getrusage 98 165, getrlimit 97 163, exit 60 93, exit_group 231 94
"""

# Allowed with certain arguments only: see `_conditions`.
_CONDITIONAL = "open 2 -, openat 257 56, socketpair 53 199, fcntl 72 25, ioctl 16 29, tgkill 234 131"

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_OWN_HANDLES = (0, 1, 2, 3, 4, 1030)  # duplicate; flags of the handle and of the file; duplicate and close on exec
_OWN_STATES = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # terminal? window? how much? blocking; close on exec
_UNIX, _STREAM, _KIND_BITS = 1, 1, 0xF

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_OPENAT2 = 437  # hides its flags from us: as if there were none


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(libc: ctypes.CDLL) -> bool:
    """From here on only these calls; False where the kernel or the machine offers no such filter."""
    if platform.machine() not in _MACHINES:
        return False
    steps = _steps(platform.machine())
    program = _Program(len(steps), b"".join(steps))
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def numbers(machine: str, listed: str) -> dict[str, int]:
    """The calls of a list that there are on this machine."""
    column = 1 + _MACHINES[machine][1]
    rows = (row.split() for row in listed.replace("\n", " ").split(","))
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def _steps(machine: str) -> list[bytes]:
    """The filter (BPF): who calls by another numbering is ended, who calls what is not listed is refused."""
    refused, unknown = (_return(_REFUSE | error) for error in (errno.EPERM, errno.ENOSYS))
    steps = [_step(_LOAD, _ARCHITECTURE_AT), _step(_EQUAL, _MACHINES[machine][0], 1, 0), _return(_KILL)]
    steps += [_step(_LOAD, _NUMBER_AT), _step(_AT_LEAST, _OTHER_NUMBERING, 0, 1), _return(_KILL)]
    for number in numbers(machine, _ALLOWED).values():
        steps += [_step(_EQUAL, number, 0, 1), _return(_ALLOW)]
    conditional = numbers(machine, _CONDITIONAL)
    for name, condition in _conditions().items():
        if name in conditional:
            rest = [*condition, refused]
            steps += [_step(_EQUAL, conditional[name], 0, len(rest)), *rest]
    steps += [_step(_EQUAL, _OPENAT2, 0, 1), unknown]
    return [*steps, _step(_AT_LEAST, _YOUNGER, 0, 1), unknown, refused]


def _conditions() -> dict[str, list[bytes]]:
    """What is looked at before a call is allowed; whoever comes to the end is refused."""
    return {
        "open": [_argument(1), _step(_ANY_OF, _WRITING, 1, 0), _return(_ALLOW)],
        "openat": [_argument(2), _step(_ANY_OF, _WRITING, 1, 0), _return(_ALLOW)],
        # A pair of datagram sockets could be sent from to any socket with a name.
        "socketpair": [
            *(_argument(0), _step(_EQUAL, _UNIX, 0, 4)),
            *(_argument(1), _step(_AND, _KIND_BITS), _step(_EQUAL, _STREAM, 0, 1), _return(_ALLOW)),
        ],
        # Not to say who shall get a signal when something can be read.
        "fcntl": _one_of(1, _OWN_HANDLES),
        "ioctl": _one_of(1, _OWN_STATES),
        # A process may end itself, as `abort` does.
        "tgkill": _one_of(0, (os.getpid(),)),
    }


def _one_of(place: int, values: tuple[int, ...]) -> list[bytes]:
    steps = [_argument(place)]
    for value in values:
        steps += [_step(_EQUAL, value, 0, 1), _return(_ALLOW)]
    return steps


def _argument(place: int) -> bytes:
    """The lower half of an argument: the kernel takes these as numbers of 32 bits."""
    return _step(_LOAD, _ARGUMENTS_AT + _ARGUMENT_BYTES * place)


def _return(action: int) -> bytes:
    return _step(_RETURN, action)


def _step(code: int, value: int, if_so: int = 0, else_: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, else_, value)
