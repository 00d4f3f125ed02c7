"""What a hostile file may do to the process that reads it. Each is work for a child, and ends it."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from asn1crypto import cms, crl, x509

from signing.keys.keystore import KeyStore
from signing.sandbox import confinement
from signing.trust.trust_store import Trust
from signing.verdicts.verdict import Value
from signing.verification import file_verification
from tests.signing.papers import written


def abort() -> None:
    """As a library in C does when it finds its memory spoiled."""
    os.abort()


def touch_nothing() -> None:
    """A real segmentation fault."""
    ctypes.string_at(0)


def eat() -> None:
    """Memory without end."""
    held = []
    while True:
        held.append(bytearray(64 << 20))


def sign_twice(key: KeyStore) -> None:
    """Uses a key for more than the piece of work needs."""
    key.sign(b"what was asked for")
    key.sign(b"something of its own")


def spin() -> None:
    """CPU time without end."""
    while True:
        pass


def sleep() -> None:
    """Waits for something that does not come."""
    time.sleep(1000)


def leave() -> None:
    """Ends without a word."""
    os._exit(0)


def write_a_file(path: str) -> str:
    """Leaves something behind; answers what the system said to it."""
    try:
        with open(path, "wb") as file:
            file.write(b"x")
    except OSError as error:
        return type(error).__name__
    return "written"


def take_over() -> None:
    """The process belongs to the file now: from here on it calls every file valid."""
    honest = file_verification.verify

    def lie(*given: Any, **named: Any) -> Any:
        return replace(honest(*given, **named), value=Value.VALID, reasons=())

    file_verification.verify = lie


def reach_out(port: int, file: str, folder: str, parents: list[int]) -> dict[str, str]:
    """What a file that took the process over may try; answers what came of each."""
    attempts: dict[str, Callable[[], Any]] = {
        "connect": lambda: socket.create_connection(("127.0.0.1", port), 5).close(),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "read a file": lambda: Path(file).read_bytes(),
        "list a folder": lambda: os.listdir(folder),
        "read the parent's settings": lambda: [Path(f"/proc/{one}/environ").read_bytes() for one in parents],
        "make a file": lambda: Path(folder, "left").touch(),
        "remove a file": lambda: os.unlink(file),
        "start a program": lambda: subprocess.run(["/bin/true"], check=False),
        "fork": lambda: os.fork() or os._exit(0),
        "signal the zygote": lambda: os.kill(os.getppid(), signal.SIGCONT),
        "signal the worker": lambda: os.kill(parents[0], signal.SIGCONT),
        "hold the zygote": lambda: _called(16, os.getppid()),  # PTRACE_ATTACH
    }
    return {name: _outcome(attempt) for name, attempt in attempts.items()}


def _called(request: int, process: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, process, None, None):
        raise PermissionError(ctypes.get_errno(), "ptrace")


def _outcome(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "done"


def process() -> int:
    """Which process it is."""
    return os.getpid()


def knows_trust(trust: Trust) -> tuple[int, tuple[str, ...]]:
    """Which process it is, and what confines it."""
    return os.getpid(), confinement.in_force()


def environment() -> dict[str, str]:
    """What a child knows of its surroundings."""
    return dict(os.environ)


def unpacking_bomb() -> bytes:
    """A PDF of 60 kB whose cross-reference stream unpacks to 60 MB, and that once more to 60 GB."""
    data = zlib.compress(zlib.compress(b"0" * (60 << 20), 9), 9)
    head = f"1 0 obj\n<< /Type /XRef /Size 2 /W [1 4 1] /Length {len(data)} /Filter [/FlateDecode /FlateDecode] "
    out = b"%PDF-1.7\n" + head.encode() + b"/Root 1 0 R >>\nstream\n" + data + b"\nendstream\nendobj\n"
    return out + b"startxref\n9\n%%EOF\n"


def field_bomb(levels: int = 40) -> bytes:
    """A PDF of 4 kB with a form in which each field has the next one twice as its child: 2^40 ways down."""
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ]
    bodies += [f"<< /T (f{n}) /Kids [{5 + n} 0 R {5 + n} 0 R] >>" for n in range(levels)]
    bodies += ["<< /T (end) /FT /Sig >>"]
    return written(bodies)


def prepared() -> list[str]:
    """The structures that asn1crypto has prepared in this process, which it does for the first object of each, and
    whether PDFium was loaded."""
    structures = [one.__name__ for one in (cms.SignedData, x509.Certificate, crl.CertificateList) if one._field_map]
    return structures + [name for name in ("pypdfium2",) if name in sys.modules]
