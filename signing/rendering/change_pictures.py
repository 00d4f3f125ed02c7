"""What the eye sees of a change after a signature, drawn where strangers' files are read: in a process of its own."""

from signing.rendering.showing import ChangedPage, Changes, changes_since
from signing.sandbox.runner import SandboxError, run_sandboxed
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Verdict

__all__ = ["SHOWN", "ChangedPage", "Changes", "signed_part", "visible_changes"]

SHOWN = frozenset({Code.LOOKS_DIFFERENT.value, Code.COVERS_CONTENT.value, Code.EDITED_AFTER_SIGNING.value})
"""The findings that a picture explains."""
MAX_COMPARED = 4
"""Signed states of a file that are compared with the present one, until something is seen."""


def signed_part(verdict: Verdict, size: int) -> int:
    """How many bytes of a file were signed before what the verdict on it objects to came.

    It is the earliest of the revisions that these findings name; 0 when a picture would explain nothing.
    """
    return min(_signed_parts(verdict, size), default=0)


def _signed_parts(verdict: Verdict, size: int) -> list[int]:
    concerned = [one for one in verdict.reasons if one.code in SHOWN]
    named = {one.signature for one in concerned}
    ends = {one.covers for one in verdict.signers if 0 < one.covers < size}
    own = {one.covers for one in verdict.signers if one.field in named and 0 < one.covers < size}
    return sorted(own or ends) if concerned else []


def visible_changes(data: bytes, verdict: Verdict, *, timeout_s: float | None = None) -> Changes | None:
    """The changes that the verdict on these bytes speaks of, in pictures.

    None when it speaks of none, or when they could not be drawn. SandboxBusy when no process was free within
    `timeout_s` seconds.
    """
    ends = _signed_parts(verdict, len(data))[:MAX_COMPARED]
    if not ends:
        return None
    try:
        return run_sandboxed(changes_since, data, ends, _covering(verdict), timeout_s=timeout_s)
    except SandboxError:
        return None


def _covering(verdict: Verdict) -> tuple[str, ...]:
    """The fields whose pictures the verdict objects to."""
    details = verdict.report.get("signatures", [])
    return tuple(dict.fromkeys(str(one["field"]) for one in details if "covering" in one))
