"""A table to print: what a register and a report have in common. Its words are Vietnamese, as on official papers."""

from dataclasses import dataclass

Cell = str | int
"""A text, also one that looks like a number (`01`), or a number."""


@dataclass(frozen=True)
class Head:
    """One column: its words and its share of the width in per cent."""

    title: str
    share: int


@dataclass(frozen=True)
class Table:
    """A titled table of one agency. `numbered` puts the decree's line of column numbers under the heads."""

    title: str
    span: str
    parent: str
    agency: str
    made: str
    heads: tuple[Head, ...]
    lines: tuple[tuple[Cell, ...], ...]
    numbered: bool = True
