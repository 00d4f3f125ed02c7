"""Self-checks of the parts: each says what is wrong and what to do, in both languages."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kernel.config import Config
from kernel.text import Phrase


class Health(StrEnum):
    """`off`: the part is not configured, and the service works without it."""

    GOOD = "good"
    OFF = "off"
    POOR = "poor"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """The state of one part; `hint` says what to do when it is not good."""

    check: str
    health: Health
    what: Phrase
    hint: Phrase | None = None


Check = Callable[[Config], Finding]
checks: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a self-check under a stable id such as `smtp`."""

    def keep(function: Check) -> Check:
        checks[name] = function
        return function

    return keep
