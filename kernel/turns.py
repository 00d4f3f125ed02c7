"""Long work lets others of the same process go on between its pieces."""

import time
from collections.abc import Callable
from functools import partial

_way: Callable[[], object] = partial(time.sleep, 0)


def give_way() -> None:
    """Let others go on, who wait for a socket too, and come back as soon as each of them had a turn."""
    _way()


def give_way_by(way: Callable[[], object]) -> None:
    """A process of green threads says here what that is: to sleep for no time lets those go on whom nothing holds up,
    and looks at no socket (docs/decisions/0019)."""
    global _way
    _way = way
