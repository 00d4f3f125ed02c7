"""This room's self-checks: the fonts and libraries with which official papers are made."""

from docex.official import fonts

__all__ = ["fonts"]
