"""Draws the pictures of docs/architecture.md."""

import sys
from pathlib import Path

from scripts.drawing import house
from scripts.drawing.code import ROOT

PICTURES = ROOT / "docs" / "pictures"


def main(names: list[str]) -> int:
    """Draw the named pictures, or all, and say which have changed."""
    path: Path = PICTURES / "house.svg"
    path.write_text(house.drawn(path.read_text() if path.exists() else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
