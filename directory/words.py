"""Text that people type into one-line fields."""

import unicodedata

from kernel.text import nfc


def one_line(text: str) -> str:
    """The text as it is kept: NFC, control characters out (PostgreSQL takes no NUL), single blanks."""
    plain = "".join(" " if unicodedata.category(char) == "Cc" else char for char in nfc(text))
    return " ".join(plain.split())
