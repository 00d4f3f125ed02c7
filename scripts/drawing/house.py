"""The picture of the house: a band for each package, floors inside, arrows from whoever imports to what is imported."""

import re

from scripts.drawing import code
from scripts.drawing.code import Package, Part
from scripts.drawing.svg import FAINT, FLOOR, ROOM, WIDTH, Sheet

LEFT, RIGHT = 130, 830
HEAD, ROW, GAP = 30, 30, 14
CELLS = 4
TOLERANCE = 0.4
"""A size that was drawn stays while the true one differs by less: not each changed line makes a new picture."""


def drawn(before: str) -> str:
    """The picture as SVG. `before` is the picture that is there: its sizes stay where they are still about right."""
    sizes = {name: int(size.replace(",", "")) for name, size in re.findall(r"<!-- (\S+) ([\d,]+) -->", before)}
    sheet = Sheet("The packages of Liên Thông: each imports only what stands below it")
    sheet.text(LEFT, 24, "Each package imports only what stands below it; so do the floors inside a package.", size=15)
    y = 44.0
    middles: list[float] = []
    packages = code.house()
    for package in packages:
        middles.append(y + HEAD / 2)
        y = _band(sheet, package, y, sizes) + GAP
    for one, other in code.arrows([package.whole for package in packages]):
        span = abs(middles[other] - middles[one])
        shift = 4 if middles[other] > middles[one] else -4
        sheet.arc(RIGHT, middles[one] + shift, middles[other] - shift, 24 + span * 0.19)
    sheet.text(LEFT, y + 10, "Arrows: imports, at the right of packages, at the left of floors.", size=13, colour=FAINT)
    sheet.text(LEFT, y + 28, "Sizes: lines of Python, rounded. Drawn by scripts/map.", size=13, colour=FAINT)
    return sheet.written(y + 44)


def _band(sheet: Sheet, package: Package, y: float, sizes: dict[str, int]) -> float:
    """Draw one package from height `y` on. Answers where it ends."""
    rows = [floor[start : start + CELLS] for floor in package.floors for start in range(0, len(floor), CELLS)]
    height = HEAD + ROW * len(rows) + (8 if rows else 0)
    sheet.box(LEFT, y, RIGHT - LEFT, height, ROOM)
    sheet.text(LEFT + 12, y + 20, f"{package.whole.name}/", size=16, bold=True)
    sheet.text(RIGHT - 16, y + 20, _size(sheet, package.whole, sizes), size=13, colour=FAINT, anchor="end")
    middle: dict[str, float] = {}
    for number, row in enumerate(rows):
        top = y + HEAD + ROW * number
        for place, part in enumerate(row):
            middle[part.name] = top + ROW / 2
            _cell(sheet, package, part, (LEFT + 10 + place * _cell_width(len(row)), top, _cell_width(len(row))), sizes)
    _floor_arrows(sheet, package, middle)
    return y + height


def _cell_width(count: int) -> float:
    return (RIGHT - LEFT - 20) / count


def _cell(sheet: Sheet, package: Package, part: Part, place: tuple[float, float, float], sizes: dict[str, int]) -> None:
    x, y, width = place
    sheet.box(x + 2, y + 2, width - 4, ROW - 4, FLOOR)
    own = part.name.endswith("*")
    sheet.text(x + 10, y + 20, "routes, jobs, …" if own else part.name.removeprefix(f"{package.whole.name}."))
    sheet.text(x + width - 10, y + 20, _size(sheet, part, sizes), size=12, colour=FAINT, anchor="end")


def _floor_arrows(sheet: Sheet, package: Package, middle: dict[str, float]) -> None:
    """Arrows between rows of one package; a row's are drawn once, whichever of its parts imports."""
    parts = list(package.parts)
    pairs = {(middle[parts[one].name], middle[parts[other].name]) for one, other in code.arrows(parts)}
    for start, end in sorted(pair for pair in pairs if pair[0] != pair[1]):
        shift = 3 if end > start else -3
        sheet.arc(LEFT, start + shift, end - shift, -min(14 + abs(end - start) * 0.36, WIDTH * 0.16))


def _size(sheet: Sheet, part: Part, sizes: dict[str, int]) -> str:
    """The lines of a part in words, and for the next drawing as a comment."""
    lines = max(part.lines, 1)
    before = sizes.get(part.name, 0)
    step = 10 ** max(len(str(lines)) - 2, 1)
    shown = before if abs(before - lines) <= TOLERANCE * lines else max(round(lines / step) * step, 10)
    sheet.parts.append(f"<!-- {part.name} {shown:,} -->")
    return f"{shown:,}"
