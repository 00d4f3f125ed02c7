"""Tables of this room."""

from signing import logmodels, trustmodels

__all__ = ["logmodels", "trustmodels"]
