"""The one line that every bench prints, in the same shape for all of them.

`{"claim": …, "ours": {…}, "peer": {…}, "ratio": …, "must": …, "holds": true|false, …}`: what is claimed,
the figures of both sides from the same run, ours divided by the peer's (the worst of them if there are
several), the highest ratio at which the claim still holds, and whether it does.
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
class Result:
    """A claim and the figures that decide it: the same names on both sides, lower is better."""

    claim: str
    ours: Figures
    peer: Figures
    must: float
    extra: Mapping[str, Any] = field(default_factory=dict)
    further: Mapping[str, bool] = field(default_factory=dict)  # what must be true as well, in words

    def __post_init__(self) -> None:
        if not self.ours or set(self.ours) != set(self.peer):
            raise ValueError("both sides need the same figures, and at least one")
        if min(self.peer.values()) <= 0:
            raise ValueError("the peer's figures must be above zero")
        taken = set(self.extra) & set(KEYS)
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
        return self.ratio <= self.must and all(self.further.values())

    def line(self) -> str:
        """The JSON line, without its line end."""
        values = (self.claim, self.ours, self.peer, self.ratio, self.must, self.holds)
        return json.dumps(
            {**dict(zip(KEYS, values, strict=True)), "ratios": self.ratios, **self._more()}, ensure_ascii=False
        )

    def _more(self) -> dict[str, Any]:
        return {**({"further": dict(self.further)} if self.further else {}), **self.extra}


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
