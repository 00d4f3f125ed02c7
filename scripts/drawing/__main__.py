"""Draws the picture of docs/architecture.md."""

import sys
from pathlib import Path

from scripts.drawing import house
from scripts.drawing.code import ROOT

PICTURES = ROOT / "docs" / "pictures"


def main() -> int:
    """Draw the house anew; sizes that are still about right stay."""
    path: Path = PICTURES / "house.svg"
    path.write_text(house.drawn(path.read_text() if path.exists() else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
