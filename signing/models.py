"""Tables of this room."""

from signing import archivemodels, deskmodels, logmodels, trustmodels

__all__ = ["archivemodels", "deskmodels", "logmodels", "trustmodels"]
