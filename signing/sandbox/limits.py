"""What a sandboxed piece of work may use, and how it may end without an answer."""

from dataclasses import dataclass
from enum import StrEnum

from kernel.config import Config

_MAX_DETAIL = 200


class ExitReason(StrEnum):
    """How a piece of work ended that brought no answer."""

    CRASHED = "crashed"
    TOO_LONG = "too_long"
    TOO_MUCH = "too_much"
    FAILED = "failed"


class SandboxError(Exception):
    """There is no answer, and trying again would bring none: the child crashed, or reached a limit.

    `detail` goes to the log and may come from a child that was taken over: one short line.
    """

    def __init__(self, ending: ExitReason, detail: str = "") -> None:
        self.ending = ending
        self.detail = "".join(letter if letter.isprintable() else "?" for letter in detail[:_MAX_DETAIL])
        super().__init__(f"{ending}: {self.detail}" if detail else str(ending))


@dataclass(frozen=True)
class Limits:
    """What children may use. `seconds` of the processor are for one piece of work, `verification_seconds` of them for
    one verification of signatures: what costs more is said to be too complicated. By the clock it may be
    `ipc.WALL_CLOCK_FACTOR` times as long."""

    processes: int = 2
    memory_bytes: int = 1 << 30
    seconds: float = 45.0
    verification_seconds: float = 10.0

    @classmethod
    def of(cls, config: Config) -> "Limits":
        """As the settings say."""
        processes, memory = max(1, config.isolated_processes), config.isolated_memory_mb << 20
        return cls(processes, memory, config.isolated_seconds, config.judging_seconds)
