"""Judging in a process of its own: whatever the file does there, a verdict comes back."""

from datetime import datetime
from hashlib import sha256

from signing.isolation import Broken, Ending, apart
from signing.policy import Policy
from signing.reasons import Code
from signing.trust import Trust
from signing.verdicts import Verdict
from signing.verify import Expected, not_judged, verify

_CODES = {
    Ending.CRASHED: Code.JUDGING_CRASHED,
    Ending.TOO_LONG: Code.JUDGING_TOO_LONG,
    Ending.TOO_MUCH: Code.JUDGING_TOO_MUCH,
    Ending.FAILED: Code.CANNOT_JUDGE,
}


def verdict_on(
    data: bytes,
    trust: Trust,
    policy: Policy,
    *,
    expected: Expected | None = None,
    known_since: datetime | None = None,
    at: datetime | None = None,
    patience_s: float | None = None,
) -> Verdict:
    """`verify.verify`, done in a child. `patience_s` is how long to wait for a free one (isolation.Busy)."""
    asked = {"expected": expected, "known_since": known_since, "at": at}
    try:
        return apart(verify, data, trust, policy, patience_s=patience_s, **asked)
    except Broken as broken:
        return not_judged(_CODES[broken.ending], sha256(data).hexdigest(), len(data), policy, at=at)
