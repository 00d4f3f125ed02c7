"""The hub's answers, read as what they have to be; anything else is TransientError.

Files are named after its numbers and hashes: a hub that somebody has taken over must not choose where its bytes go.
"""

import re
from typing import Any

from docex.agent.errors import TransientError
from docex.agent.folders import odd_answer

Told = dict[str, Any]
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")
_MAX_NUMBER = 1 << 63


def number(told: Told, name: str, least: int = 1) -> int:
    """A whole number, such as an id."""
    value = told.get(name)
    if type(value) is not int or not least <= value < _MAX_NUMBER:  # True is an int, too
        raise _odd(name)
    return value


def text(told: Told, name: str) -> str:
    """Words, as they were sent."""
    value = told.get(name)
    if not isinstance(value, str):
        raise _odd(name)
    return value


def sha256(told: Told) -> str:
    """A fingerprint in hex."""
    return _fitting(told, "sha256", _SHA256)


def token(told: Told, name: str) -> str:
    """An id of letters and digits, as part of an address."""
    return _fitting(told, name, _ID)


def part(told: Told, name: str) -> Told:
    """The object inside an answer under this name."""
    value = told.get(name)
    if not isinstance(value, dict):
        raise _odd(name)
    return value


def items(told: Told, name: str = "items") -> list[Told]:
    """A list; what is no object in it has nothing that is asked for, and is odd where it is read."""
    value = told.get(name)
    if not isinstance(value, list):
        raise _odd(name)
    return [one if isinstance(one, dict) else {} for one in value]


def _fitting(told: Told, name: str, pattern: re.Pattern[str]) -> str:
    value = text(told, name)
    if not pattern.fullmatch(value):
        raise _odd(name)
    return value


def _odd(name: str) -> TransientError:
    return TransientError(odd_answer(), name)
