"""The pictures of docs/architecture.md show the code as it is."""

from scripts.drawing import house
from scripts.drawing.__main__ import PICTURES


def test_the_picture_of_the_house_is_fresh() -> None:
    """When this fails, run scripts/map."""
    kept = (PICTURES / "house.svg").read_text()
    assert house.drawn(kept) == kept
