"""Documents that wait for a person, for the page "Hôm nay"."""

from docex.dashboard import documents, workflow

__all__ = ["documents", "workflow"]
