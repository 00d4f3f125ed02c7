"""Codes that people compare by eye."""

import base64


def short(digest: bytes) -> str:
    """The first 160 bits of a digest in 32 letters and digits."""
    return base64.b32encode(digest[:20]).decode()


def grouped(code: str) -> str:
    """A code in groups of four."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
