"""How often a foreign system may call: a sliding window for each client, counted in the memory of this process.

A count in the database would cost a write for every read. A server of n processes lets through up to n times the rate.
"""

from functools import cache
from math import ceil
from time import time

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
