"""Tables of this room."""

from signing import archivemodels, logmodels, trustmodels

__all__ = ["archivemodels", "logmodels", "trustmodels"]
