"""Stacked columns as inline SVG, drawn on the server. The table beside it holds the same numbers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 28
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Bar:
    """One piece of a column in the SVG's units; `kind` picks its colour and pattern."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    says: str


@dataclass(frozen=True)
class Line:
    """A line of the grid with its number."""

    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart for the template to draw: `labels` are (x, text) under the columns."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    labels: tuple[tuple[float, str], ...]


def columns(labels: Sequence[str], stacks: Sequence[Sequence[tuple[str, int, str]]]) -> Chart:
    """One column a label; a stack is (kind, number, what to say) from the bottom up."""
    top = _round_up(max((sum(n for _, n, _ in stack) for stack in stacks), default=0))
    room, floor = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(labels))
    wide = min(44.0, slot * 0.64)
    bars: list[Bar] = []
    for place, stack in enumerate(stacks):
        y = float(floor)
        for kind, number, says in stack:
            height = room * number / top
            if number:
                x = LEFT + slot * place + (slot - wide) / 2
                bars.append(Bar(round(x, 1), round(y - height, 1), round(wide, 1), round(height, 1), kind, says))
            y -= height
    lines = tuple(Line(round(floor - room * part / 4, 1), _number(top * part / 4)) for part in range(5))
    under = tuple((round(LEFT + slot * (place + 0.5), 1), label) for place, label in enumerate(labels))
    return Chart(WIDTH, HEIGHT, tuple(bars), lines, under)


def _round_up(most: int) -> int:
    """The first of 4, 8, 20, 40, 80, 200, … that is not below: its quarters are whole numbers."""
    power = 1
    while True:
        for step in _STEPS:
            if most <= 4 * step * power:
                return 4 * step * power
        power *= 10


def _number(value: float) -> str:
    return f"{value:.0f}"
