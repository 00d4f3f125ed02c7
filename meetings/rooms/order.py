"""The order of those who wait to speak. Pure: `store.js` draws the order that stands here and makes none of its own."""

from collections.abc import Sequence
from typing import TypeVar

One = TypeVar("One")


def place_of_newcomer(spoke: int, waiting: Sequence[int], quiet_first: bool) -> int:
    """Where somebody who has spoken `spoke` times enters a queue of people who have spoken so often each.

    With `quiet_first` it is before the first one who has spoken more often; whoever the desk has put further up keeps
    their place.
    """
    if quiet_first:
        return next((place for place, times in enumerate(waiting) if times > spoke), len(waiting))
    return len(waiting)


def moved(queue: Sequence[One], one: One, place: int) -> list[One]:
    """The queue with `one` at `place`, or at the end nearest to it."""
    others = [other for other in queue if other != one]
    place = min(max(place, 0), len(others))
    return [*others[:place], one, *others[place:]]
