"""The cast, for the directory's own tests."""

from tests.cast import cast, city

__all__ = ["cast", "city"]
