"""Instants of the tests, Vietnam time. The week of Monday 7 December 2026 has no holiday."""

from datetime import datetime

from kernel.clock import VN


def at(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    """A moment in December 2026 (Tuesday the 1st) unless another month is said."""
    return datetime(2026, month, day, hour, minute, tzinfo=VN)


MONDAY_9 = at(7, 9)
FRIDAY_17 = at(11, 17)
