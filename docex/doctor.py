"""This room's self-checks: the fonts and libraries with which official papers are made; and what must be in the
evidence log."""

from docex import evidence_facts
from docex.official import fonts

__all__ = ["evidence_facts", "fonts"]
