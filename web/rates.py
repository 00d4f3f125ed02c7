"""How often a foreign system may call: a sliding window for each client, counted in the memory of this process.

A count in the database would cost a write for every read. A server of n processes lets through up to n times the rate.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil
from time import monotonic, time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


def seconds_to_wait(rate: str, client: str) -> int | None:
    """Count one call of `client` against `rate` (such as `600/minute`); the seconds to wait when it is one too many."""
    if not rate:
        return None
    item, window = counter(rate)
    if window.hit(item, client):
        return None
    return max(1, ceil(window.get_window_stats(item, client).reset_time - time()))


@cache
def counter(rate: str) -> tuple[RateLimitItem, SlidingWindowCounterRateLimiter]:
    """The rate, and what counts against it in this process. Made at the first call: it starts a thread."""
    return parse(rate), SlidingWindowCounterRateLimiter(MemoryStorage())


@dataclass(frozen=True)
class Pace:
    """`per_s` in the long run, `burst` at once."""

    per_s: float
    burst: float


class Purses:
    """Token buckets by name, in the memory of this process; full ones are forgotten."""

    MOST = 10_000

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float, Pace]] = {}  # name -> what is left, since when, how it fills

    def has(self, name: str, pace: Pace) -> bool:
        """Whether `take` would let one more through."""
        return self._now(name, pace) >= 1

    def take(self, name: str, pace: Pace) -> bool:
        """Count one use of `name`; False when it is one too many."""
        left = self._now(name, pace)
        if left < 1:
            return False
        if len(self._left) >= self.MOST:
            self._left = {n: kept for n, kept in self._left.items() if self._now(n, kept[2]) < kept[2].burst}
        self._left[name] = (left - 1, monotonic(), pace)
        return True

    def give_back(self, name: str, pace: Pace) -> None:
        """Undo one `take`, of a use that is not to be counted."""
        self._left[name] = (min(pace.burst, self._now(name, pace) + 1), monotonic(), pace)

    def _now(self, name: str, pace: Pace) -> float:
        left, since, _ = self._left.get(name, (pace.burst, 0.0, pace))
        return min(pace.burst, left + (monotonic() - since) * pace.per_s)
