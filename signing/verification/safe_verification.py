"""Verification in a process of its own: whatever the file does there, a verdict comes back."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from signing.sandbox.runner import (
    ExitReason,
    SandboxError,
    SandboxTask,
    run_sandboxed,
    run_sequence,
    verification_seconds,
)
from signing.trust.trust_store import Trust
from signing.verdicts.policy import ENVELOPE, Policy
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Verdict
from signing.verification.envelope_verification import Sealed, verify_envelope
from signing.verification.file_verification import Expected, not_verified, verify

_CODES = {
    ExitReason.CRASHED: Code.JUDGING_CRASHED,
    ExitReason.TOO_LONG: Code.JUDGING_TOO_LONG,
    ExitReason.TOO_MUCH: Code.JUDGING_TOO_MUCH,
    ExitReason.FAILED: Code.CANNOT_JUDGE,
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
    """`file_verification.verify`, done in a child within `Limits.verification_seconds` of the processor.

    `timeout_s` is how long to wait for a free one (SandboxBusy).
    """
    asked = {"expected": expected, "known_since": known_since, "at": at}
    try:
        return run_sandboxed(verify, data, trust, policy, timeout_s=timeout_s, within_s=verification_seconds(), **asked)
    except SandboxError as broken:
        return not_verified(_CODES[broken.ending], sha256(data).hexdigest(), len(data), policy, at=at)


def verdict_and(
    data: bytes,
    trust: Trust,
    policy: Policy,
    then: SandboxTask,
    *,
    expected: Expected | None = None,
    known_since: datetime | None = None,
    at: datetime | None = None,
) -> tuple[Verdict, Any]:
    """The same verdict, and what `then` answers about the same file, or SandboxError: the child that has verified it
    does both, because making one costs more than either. The verdict is here before the rest begins, which cannot
    change it."""
    asked = {"expected": expected, "known_since": known_since, "at": at}
    verdict, rest = run_sequence(SandboxTask(verify, (data, trust, policy), asked, verification_seconds()), then)
    if isinstance(verdict, SandboxError):
        verdict = not_verified(_CODES[verdict.ending], sha256(data).hexdigest(), len(data), policy, at=at)
    return verdict, rest


def verdict_on_envelope(
    sealed: Sealed,
    trust: Trust,
    *,
    agency_names: tuple[str, ...] = (),
    known_since: datetime | None = None,
    at: datetime | None = None,
) -> Verdict:
    """`envelopes.verify_envelope`, in a child where there is a stranger's certificate to read."""
    if sealed.names_nobody:
        return verify_envelope(sealed, trust, agency_names=agency_names, known_since=known_since, at=at)
    try:
        asked: dict[str, Any] = {"agency_names": agency_names, "known_since": known_since, "at": at}
        return run_sandboxed(verify_envelope, sealed, trust, within_s=verification_seconds(), **asked)
    except SandboxError:
        return not_verified(Code.CANNOT_JUDGE, sealed.sha256, sealed.size, ENVELOPE, at=at)
