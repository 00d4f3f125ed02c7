"""A `Ref` names a thing of any room without knowing that room."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernel.db import Tx


MAX_ID = 2**63 - 1
"""The largest id that a column holds, in PostgreSQL (bigint) and in SQLite."""


def row_id(text: str) -> int | None:
    """The id that `text` writes in ASCII digits, or None for anything else and for a number that no column holds: a
    look-up with such a number would be an error of the database or of its driver."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    number = int(text)
    return number if number <= MAX_ID else None


@dataclass(frozen=True, order=True)
class Ref:
    """A thing by kind and id, written `document:12`."""

    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """The inverse of `str`; ValueError when `text` is not one."""
        kind, _, number = text.partition(":")
        return cls(kind, int(number))


@dataclass(frozen=True)
class Described:
    """How a thing is shown elsewhere: one line and where it is opened (a path without host)."""

    title: str
    url: str


_describers: dict[str, Callable[["Tx", int], Described | None]] = {}


def describes(
    kind: str,
) -> Callable[[Callable[["Tx", int], Described | None]], Callable[["Tx", int], Described | None]]:
    """Register the function that says title and URL for things of `kind`."""

    def keep(
        function: Callable[["Tx", int], Described | None],
    ) -> Callable[["Tx", int], Described | None]:
        _describers[kind] = function
        return function

    return keep


def describe(tx: "Tx", ref: Ref | None) -> Described | None:
    """Title and URL of what `ref` names, or None when it is gone or of an unknown kind."""
    if ref is None or ref.kind not in _describers:
        return None
    return _describers[ref.kind](tx, ref.id)
