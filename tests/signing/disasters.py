"""What a hostile file may do to the process that reads it. Each is work for a child, and ends it."""

import ctypes
import os
import time
import zlib
from dataclasses import dataclass

from signing.keys import KeyStore
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


def environment() -> dict[str, str]:
    """What a child knows of its surroundings."""
    return dict(os.environ)


@dataclass
class Trap:
    """An answer that would run code where it is read."""

    command: str = "true"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def set_a_trap() -> Trap:
    """Answers with a trap."""
    return Trap()


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
