"""The one line that every bench prints, in the same shape for all of them.

`{"claim": …, "ours": {…}, "peer": {…}, "ratio": …, "must": …, "holds": true|false, …}`: what is claimed,
the figures of both sides from the same run, ours divided by the peer's (the worst of them if there are
several), the highest ratio at which the claim still holds, and whether it does. Times that are promised to people
stand under `bounds`, each beside a floor of the same run.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: The keys of the line, in their order. Others may follow; none of these may go or change its meaning.
KEYS = ("claim", "ours", "peer", "ratio", "must", "holds")

Figures = Mapping[str, float]


@dataclass(frozen=True)
class TimeBound:
    """A promised time, and how many times a floor of the same run it may take where the machine is slower.

    `value`, `most` and `floor` are milliseconds. `times` is what `most` was of the floor on the machine on which it
    was set, so that a machine half as fast, whose floor takes twice as long, fails nothing that the code does right.
    """

    name: str
    value: float
    most: float
    floor_name: str
    floor: float
    times: float

    @property
    def ratio(self) -> float:
        """The time divided by the floor's."""
        return round(self.value / self.floor, 3)

    @property
    def holds(self) -> bool:
        """Whether the time is within the promise, or within so many times the floor."""
        return self.value <= self.most or self.ratio <= self.times

    def figures(self) -> dict[str, Any]:
        """The fields of the JSON line."""
        return {
            "ms": round(self.value, 3),
            "most_ms": round(self.most, 3),
            "floor": self.floor_name,
            "floor_ms": round(self.floor, 4),
            "ratio": self.ratio,
            "must": self.times,
            "holds": self.holds,
        }


@dataclass(frozen=True)
class Result:
    """A claim and the figures that decide it: the same names on both sides, lower is better."""

    claim: str
    ours: Figures
    peer: Figures
    must: float
    extra: Mapping[str, Any] = field(default_factory=dict)
    further: Mapping[str, bool] = field(default_factory=dict)  # what must be true as well, in words
    bounds: Sequence[TimeBound] = ()

    def __post_init__(self) -> None:
        if not self.ours or set(self.ours) != set(self.peer):
            raise ValueError("both sides need the same figures, and at least one")
        if min([*self.peer.values(), *(one.floor for one in self.bounds)]) <= 0:
            raise ValueError("the figures of the peer and of the floors must be above zero")
        taken = set(self.extra) & {*KEYS, "bounds", "further", "ratios"}
        if taken:
            raise ValueError(f"taken keys: {', '.join(sorted(taken))}")

    @property
    def ratios(self) -> dict[str, float]:
        """Ours divided by the peer's, for every figure."""
        return {name: round(self.ours[name] / self.peer[name], 3) for name in self.ours}

    @property
    def ratio(self) -> float:
        """The worst of the ratios."""
        return max(self.ratios.values())

    @property
    def holds(self) -> bool:
        """Whether the claim is true of this run."""
        return self.ratio <= self.must and all(self.further.values()) and all(one.holds for one in self.bounds)

    def line(self) -> str:
        """The JSON line, without its line end."""
        values = (self.claim, self.ours, self.peer, self.ratio, self.must, self.holds)
        return json.dumps(
            {**dict(zip(KEYS, values, strict=True)), "ratios": self.ratios, **self._more()}, ensure_ascii=False
        )

    def _more(self) -> dict[str, Any]:
        bounds = {one.name: one.figures() for one in self.bounds}
        return {
            **({"further": dict(self.further)} if self.further else {}),
            **({"bounds": bounds} if bounds else {}),
            **self.extra,
        }


def median(values: Iterable[float]) -> float:
    """The middle value, rounded to a thousandth."""
    return round(statistics.median(values), 3)


def each_ms(work: Callable[[], object], turns: int) -> float:
    """How long one of so many turns takes; a first one, which is not counted, warms up."""
    work()
    begun = time.perf_counter()
    for _ in range(turns):
        work()
    return (time.perf_counter() - begun) * 1000 / turns


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of all values do not exceed (nearest rank)."""
    ranked = sorted(values)
    rank = max(1, -(-len(ranked) * percent // 100))
    return round(ranked[int(rank) - 1], 3)


def progress(text: str) -> None:
    """Tell the person who waits; standard output is for the result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
