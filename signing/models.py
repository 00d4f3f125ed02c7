"""Tables of this room."""

from signing import trustmodels

__all__ = ["trustmodels"]
