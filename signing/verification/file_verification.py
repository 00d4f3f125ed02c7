"""The verification of a file: the only maker of a `Verdict`.

Never valid while anything is unknown. Whatever bytes come in, a verdict comes out: "could not be verified" is one too.
Call it in workers, in a thread without an event loop; it needs no network, no database and no files.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from kernel import clock
from kernel.text import Phrase, phrase
from signing.pdf.complexity import TooComplicated
from signing.pdf.pades import run
from signing.pdf.signed_file import NotReadable, embedded_signatures
from signing.rendering.pages import FINE, Pages
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, Policy, policy_for
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import Reason, Signer, Value, Verdict
from signing.verification.context import Case, Expected, worst
from signing.verification.signature_verification import verify_signatures
from signing.verification.warmup import rehearsal

__all__ = ["Expected", "alone", "not_verified", "signed_revision", "too_large", "verdict_of", "verify"]

log = logging.getLogger(__name__)


def warm_up() -> None:
    """Verify and draw a letter of nobody's, so that libraries are ready before a file comes (in
    `signing.sandbox.child_process`): each child would load PDFium for itself, which takes as long as a verification."""
    own = rehearsal()
    verify(own.letter, own.trust, policy_for(DocumentKind.PERSON_ONLY))
    with Pages(own.letter) as pages:
        pages.picture(0, FINE)


def verify(
    data: bytes,
    trust: Trust,
    policy: Policy,
    *,
    expected: Expected | None = None,
    known_since: datetime | None = None,
    at: datetime | None = None,
) -> Verdict:
    """Verify a PDF under `policy`, as of `at` (now).

    `known_since` is when these exact bytes demonstrably existed (our own log of the arrival): certificates are then
    verified as of that moment, as with a time-stamp. Never raises on any bytes.
    """
    moment = at or clock.now()
    digest = sha256(data).hexdigest()
    try:
        file = embedded_signatures(data)
        case = Case(policy, trust, expected or Expected(), moment, known_since, file)
        run(verify_signatures(case))
        reasons, signers, details = tuple(case.reasons), tuple(case.signers), case.details
    except NotReadable as error:
        pdf = b"%PDF-" in data[:1024]
        found = reason(Code.UNREADABLE if pdf else Code.NOT_PDF, weight=policy.unsigned)
        reasons, signers, details = (found,), (), [{"error": str(error)}]
    except TooComplicated as error:
        reasons, signers, details = (reason(Code.TOO_COMPLICATED),), (), [{"error": error.what}]
    except MemoryError:  # the process is at its limit: it is for the sandbox to say so
        raise
    except Exception as error:  # whatever a hostile file makes a library do, the answer is a verdict
        log.exception("a file could not be verified")
        reasons, signers, details = (reason(Code.CANNOT_JUDGE),), (), [{"error": type(error).__name__}]
    return verdict_of(reasons, signers, details, policy=policy, trust=trust, sha256=digest, size=len(data), at=moment)


def verdict_of(
    reasons: Iterable[Reason],
    signers: Iterable[Signer],
    details: list[dict[str, Any]],
    *,
    policy: Policy,
    trust: Trust,
    sha256: str,
    size: int,
    at: datetime,
) -> Verdict:
    """What the findings make together: the gravest decides. For those who verify, here and in
    `envelope_verification`."""
    found, signed = tuple(reasons), tuple(signers)
    value = worst(one.weight for one in found)
    return Verdict(
        value=value,
        summary=_summary(value, found, signed),
        reasons=tuple(sorted(found, key=lambda one: -one.weight.gravity)),
        signers=signed,
        policy=policy.name,
        sha256=sha256,
        checked_at=at,
        report={"size": size, "signatures": details, "anchors": [a.sha256 for a in trust.anchors]},
    )


def alone(verdict: Verdict, field: str) -> Verdict:
    """What the verdict says of this signature only, for a file that may hold what others signed."""
    found = tuple(one for one in verdict.reasons if one.signature == field)
    signed = tuple(one for one in verdict.signers if one.field == field)
    if not signed:
        return verdict
    value = worst(one.weight for one in found)
    return replace(verdict, value=value, summary=_summary(value, found, signed), reasons=found, signers=signed)


def not_verified(code: Code, digest: str, size: int, policy: Policy, *, at: datetime | None = None) -> Verdict:
    """The verdict on a file that could not be verified, which is never valid; `digest` is its SHA-256."""
    found = (reason(code),)
    value = worst(one.weight for one in found)
    return Verdict(
        value=value,
        summary=_summary(value, found, ()),
        reasons=found,
        signers=(),
        policy=policy.name,
        sha256=digest,
        checked_at=at or clock.now(),
        report={"size": size, "signatures": [], "anchors": []},
    )


def too_large(digest: str, size: int, policy: Policy, *, at: datetime | None = None) -> Verdict:
    """The verdict on a file that nobody takes into memory to verify it."""
    return not_verified(Code.TOO_LARGE, digest, size, policy, at=at)


def signed_revision(data: bytes, signer: Signer) -> bytes:
    """The file as this signer saw and signed it, for showing what was signed when it was edited later."""
    return data[: signer.covers]


def _summary(value: Value, reasons: tuple[Reason, ...], signers: tuple[Signer, ...]) -> Phrase:
    if value is not Value.VALID:
        gravest = next(one for one in reasons if one.weight is value)
        if value is Value.INVALID:
            return phrase("Không hợp lệ: {reason}", reason=gravest.phrase)
        return phrase("Chưa rõ: {reason}", reason=gravest.phrase)
    names = ", ".join(one.name for one in signers)
    if any(one.test for one in signers):
        return phrase(
            "Hợp lệ: {names} đã ký, nội dung không thay đổi sau khi ký. "
            "CHỨNG THƯ THỬ NGHIỆM, không có giá trị pháp lý.",
            names=names,
        )
    return phrase("Hợp lệ: {names} đã ký, nội dung không thay đổi sau khi ký.", names=names)
