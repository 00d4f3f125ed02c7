"""What ends a bench before it has its figures, told by side: `scripts/bench` makes a JSON line of it."""

from __future__ import annotations


class MeasurementError(Exception):
    """Our side did not do what is measured: a service that did not start, a letter that never came."""

    side = "ours"


class PeerError(MeasurementError):
    """The peer failed, is missing or was too slow, so that there is nothing to compare with. It says nothing of ours.

    `peer` is its name, `message` what happened, in one line.
    """

    side = "peer"

    def __init__(self, peer: str, message: str) -> None:
        super().__init__(f"{peer}: {last_line(message)}")


def last_line(text: str) -> str:
    """The last line of what a program told before it ended, at most 300 characters: with Python the error itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "ended without a word"
