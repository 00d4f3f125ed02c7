"""The only clock of the house. Times are aware UTC; dates of people are dates in Vietnam."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

VN = ZoneInfo("Asia/Ho_Chi_Minh")

_frozen: list[datetime] = []
_ahead = [timedelta()]


def now() -> datetime:
    """This instant in UTC."""
    return _frozen[-1] if _frozen else datetime.now(UTC) + _ahead[0]


def of_shared(at: datetime) -> datetime:
    """What it is now by a clock that all machines share and that says `at`: a trial that lives in the future, or a test
    that froze the clock, does so by that one, too."""
    return _frozen[-1] if _frozen else at + _ahead[0]


def in_order(at: datetime, last: datetime) -> datetime:
    """`at`, or the instant after `last` where that is not earlier: what follows is told as later also when the clock of
    another machine or process, which told `last`, is ahead of ours."""
    return max(at, last + timedelta.resolution)


def of_files() -> datetime:
    """The clock that the times of files are told by, also while this process lives in another time."""
    return datetime.now(UTC)


def run_ahead(by: timedelta) -> None:
    """Let this process live in the future, so that a trial need not wait days for a reminder to be due."""
    _ahead[0] = by


def today() -> date:
    """The date in Vietnam."""
    return now().astimezone(VN).date()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock at `at` (aware) for the length of a test, or while the demo city is told what happened before."""
    if at.tzinfo is None:
        raise ValueError("the frozen instant must be aware")
    _frozen.append(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.pop()


def advance(by: timedelta) -> None:
    """Move a frozen clock on; an error when it is not frozen."""
    _frozen[-1] += by
