"""Judging in a process of its own: whatever the file does there, a verdict comes back."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from signing.sandbox.runner import Broken, Ending, Task, apart, in_turn, judging_seconds
from signing.trust.trust_store import Trust
from signing.verdicts.policy import ENVELOPE, Policy
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Verdict
from signing.verification.envelope_verification import Sealed, judge_envelope
from signing.verification.file_verification import Expected, not_judged, verify

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
    timeout_s: float | None = None,
) -> Verdict:
    """`verify.verify`, done in a child within `Limits.judging_seconds` of the processor.

    `timeout_s` is how long to wait for a free one (isolation.Busy).
    """
    asked = {"expected": expected, "known_since": known_since, "at": at}
    try:
        return apart(verify, data, trust, policy, timeout_s=timeout_s, within_s=judging_seconds(), **asked)
    except Broken as broken:
        return not_judged(_CODES[broken.ending], sha256(data).hexdigest(), len(data), policy, at=at)


def verdict_and(
    data: bytes,
    trust: Trust,
    policy: Policy,
    then: Task,
    *,
    expected: Expected | None = None,
    known_since: datetime | None = None,
    at: datetime | None = None,
) -> tuple[Verdict, Any]:
    """The same verdict, and what `then` answers about the same file, or Broken: the child that has judged it does both,
    because making one costs more than either. The verdict is here before the rest begins, which cannot change it."""
    asked = {"expected": expected, "known_since": known_since, "at": at}
    verdict, rest = in_turn(Task(verify, (data, trust, policy), asked, judging_seconds()), then)
    if isinstance(verdict, Broken):
        verdict = not_judged(_CODES[verdict.ending], sha256(data).hexdigest(), len(data), policy, at=at)
    return verdict, rest


def verdict_on_envelope(
    sealed: Sealed,
    trust: Trust,
    *,
    agency_names: tuple[str, ...] = (),
    known_since: datetime | None = None,
    at: datetime | None = None,
) -> Verdict:
    """`envelopes.judge_envelope`, in a child where there is a stranger's certificate to read."""
    if sealed.names_nobody:
        return judge_envelope(sealed, trust, agency_names=agency_names, known_since=known_since, at=at)
    try:
        asked: dict[str, Any] = {"agency_names": agency_names, "known_since": known_since, "at": at}
        return apart(judge_envelope, sealed, trust, within_s=judging_seconds(), **asked)
    except Broken:
        return not_judged(Code.CANNOT_JUDGE, sealed.sha256, sealed.size, ENVELOPE, at=at)
