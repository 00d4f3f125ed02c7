"""A sheet of paper for rectangles, words and arrows, written as SVG. The same calls write the same bytes."""

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

INK = "#1f2933"
FAINT = "#66727f"
PAPER = "#ffffff"
ROOM = "#f1f4f8"
FLOOR = "#dfe8f3"
ARROW = "#2c5f9e"
WIDTH = 1000
"""Units of a sheet's width; on A4 paper a unit is a fifth of a millimetre, so text of 14 units is 8 pt high."""


@dataclass
class Sheet:
    """What has been drawn so far. Lengths are units of the view box, y grows downward."""

    title: str
    parts: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """Draw a rectangle with a thin edge."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self.parts.append(f'<rect {place} rx="4" fill="{fill}" stroke="{FAINT}" stroke-width="0.8"/>')

    def text(
        self, x: float, y: float, words: str, *, size: int = 14, bold: bool = False, colour: str = INK, anchor: str = ""
    ) -> None:
        """Write one line; (x, y) is where its base line begins, or ends with `anchor="end"`."""
        look = f'font-size="{size}" fill="{colour}"' + (' font-weight="600"' if bold else "")
        look += f' text-anchor="{anchor}"' if anchor else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}" {look}>{escape(words)}</text>')

    def arc(self, x: float, y_from: float, y_to: float, reach: float) -> None:
        """Draw an arrow from one height to another that swings out by `reach`: to the left when that is negative."""
        path = f"M{x:g} {y_from:g} C{x + reach:g} {y_from:g} {x + reach:g} {y_to:g} {x:g} {y_to:g}"
        self._arrow(path)

    def down(self, x: float, y_from: float, y_to: float) -> None:
        """Draw a straight arrow downward."""
        self._arrow(f"M{x:g} {y_from:g} V{y_to:g}")

    def _arrow(self, path: str) -> None:
        line = f'fill="none" stroke="{ARROW}" stroke-width="1.1" stroke-opacity="0.75" marker-end="url(#tip)"'
        self.parts.append(f'<path d="{path}" {line}/>')

    def written(self, height: float) -> str:
        """The whole file."""
        tip = f'<path d="M0 0 L7 3.5 L0 7 z" fill="{ARROW}"/>'
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img"'
            ' font-family="system-ui, Segoe UI, Noto Sans, DejaVu Sans, sans-serif">',
            f"<title>{escape(self.title)}</title>",
            '<defs><marker id="tip" markerWidth="7" markerHeight="7" refX="6.5" refY="3.5" orient="auto"'
            f' markerUnits="userSpaceOnUse">{tip}</marker></defs>',
            f'<rect width="{WIDTH}" height="{height:g}" fill="{PAPER}"/>',
        ]
        return "\n".join([*head, *self.parts, "</svg>", ""])
