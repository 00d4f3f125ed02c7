"""How many must be here for a meeting to decide. Pure: counts in, an answer out; store.js counts the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class QuorumRule(StrEnum):
    """What the regulations of those who meet ask for."""

    NONE = "none"
    HALF = "half"  # more than half
    TWO_THIRDS = "two_thirds"  # at least
    NUMBER = "number"  # at least so many


#: Roles whose presence counts: who leads and who was invited to decide.
COUNTED_ROLES = frozenset({"chair", "delegate"})


@dataclass(frozen=True)
class Quorum:
    """How many are here of those who count, and by which rule."""

    rule: QuorumRule
    number: int
    present: int
    invited: int

    @property
    def needed(self) -> int:
        """So many must be here; 0 where nobody asks."""
        match self.rule:
            case QuorumRule.NONE:
                return 0
            case QuorumRule.HALF:
                return self.invited // 2 + 1
            case QuorumRule.TWO_THIRDS:
                return -(-2 * self.invited // 3)
            case QuorumRule.NUMBER:
                return self.number

    @property
    def reached(self) -> bool:
        """Whether enough are here."""
        return self.present >= self.needed


def count(rule: str, number: int, people: Iterable[tuple[str, bool]]) -> Quorum:
    """The quorum of people, each given by role and whether they are here."""
    counted = [here for role, here in people if role in COUNTED_ROLES]
    return Quorum(QuorumRule(rule), number, sum(counted), len(counted))
