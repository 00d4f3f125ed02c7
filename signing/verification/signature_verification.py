"""Verifies the signatures of a file one by one, and then the file as a whole; `file_verification` makes the verdict."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import generic_cms

from kernel import clock
from signing.pdf.field_locks import forbids
from signing.pdf.form_fields import has_changed, was_blank
from signing.pdf.signed_file import BROKEN, Found, Integrity, integrity_of
from signing.trust.holders import Holder, read_holder
from signing.trust.trust_store import Purpose
from signing.updates.review import Later, review
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import HolderKind, Level, Reason, Signer, TimeSource, Value
from signing.verification.appearance import verify_appearance
from signing.verification.certificate_chains import (
    CLOCK_SKEW,
    Chain,
    ChainState,
    Usage,
    binds_certificate,
    usage_of,
)
from signing.verification.completeness import verify_completeness
from signing.verification.context import Case, Expected, worst
from signing.verification.embedded_proofs import (
    Doubt,
    Holding,
    Stamp,
    as_of,
    carried_in,
    chain_with,
    level_of,
    verify_timestamps,
    verify_token,
)
from signing.verification.hazards import finding_unsigned
from signing.verification.report_facts import signature_facts, stamp_facts
from signing.verification.signature_formats import found_in_the_file

log = logging.getLogger(__name__)

__all__ = ["Case", "Expected", "verify_signatures", "worst"]

SEVEN_HOURS = timedelta(hours=7)


async def verify_signatures(case: Case) -> None:
    """Fill `reasons`, `signers` and `details` of the case."""
    if case.file.lenient:
        case.reasons.append(reason(Code.LENIENT_READING))
    if not case.papers:  # a time-stamp alone says when, and nobody's name
        case.reasons.append(reason(Code.NO_SIGNATURE, weight=case.policy.unsigned))
    if not case.file.found:
        named = finding_unsigned(case.file.reader)
        case.reasons += [named] if named is not None else []
        return
    case.reasons += found_in_the_file(case.file, case.policy)
    case.carried = carried_in(case.file)
    case.stamps, case.doubts = await verify_timestamps(
        case.file, case.trust, case.moment, case.known_since, case.carried
    )
    case.later = _later_updates(case)
    last = max(found.end for found in case.file.found if not found.is_timestamp) if case.papers else 0
    for found in case.papers:
        await _verify_signature(case, found, is_last=found.end == last)
    verify_appearance(case)
    verify_completeness(case)
    # A changed letter breaks its time-stamps, too; people shall read first that it was changed.
    case.reasons += [doubt.reason for doubt in case.doubts]
    case.details += [stamp_facts(stamp) for stamp in case.stamps]
    case.details += [stamp_facts(doubt) for doubt in case.doubts]


async def _verify_signature(case: Case, found: Found, *, is_last: bool) -> None:
    signature = found.signature
    if signature is None:
        code = Code.NO_CERTIFICATE if found.without_certificate else Code.SIGNATURE_UNREADABLE
        code = Code.CONTENT_CHANGED if found.content_changed else code
        found_wrong = reason(code, found.field, who=found.field)
        case.reasons.append(found_wrong)
        case.signers.append(_nobody(found, found_wrong.weight))
        return
    holder = read_holder(signature.signer_cert)
    who = holder.full_name
    before = len(case.reasons)
    _verify_bytes(case, found, who, is_last=is_last)
    _verify_strength(case, found, holder)
    proofs = await _proofs_of(case, found)
    proven = min((stamp.at for stamp in proofs), default=None)
    declared = _declared_time(found)
    chain = await _verify_chain(case, found, holder, proven, declared)
    level = await _level_of(case, found, holder, chain, proofs)
    case.chains[found.field] = chain
    if proven is None:
        _verify_declared_time(case, found, who, declared)
    _verify_level(case, found, who, level)
    test = chain.test or holder.test
    if test:
        case.reasons.append(reason(Code.TEST_CERTIFICATE, found.field, who=who))
    own = case.reasons[before:]
    case.signers.append(
        Signer(
            field=found.field,
            kind=holder.kind,
            value=worst(one.weight for one in own),
            name=who,
            agency=holder.agency,
            title=holder.title,
            serial=holder.serial,
            issuer=holder.issuer,
            certificate=holder.certificate,
            not_after=holder.not_after,
            signed_at=_utc(proven or declared),
            time_source=_source(proven, declared),
            level=level,
            algorithm=signature.md_algorithm,
            covers=found.end,
            test=test,
        )
    )
    case.details.append(signature_facts(case, found, holder, chain))


def _verify_bytes(case: Case, found: Found, who: str, *, is_last: bool) -> None:
    """Digest, signature value, coverage, and what was added later."""
    signature = found.signature
    if signature is None:
        return
    sound = integrity_of(case.file, found)
    if not sound.covered:
        case.reasons.append(reason(Code.COVERAGE, found.field, who=who))
        return
    try:
        intact, valid = generic_cms.validate_sig_integrity(
            signature.signer_info, signature.signer_cert, "data", signature.compute_digest()
        )
    except BROKEN as error:
        log.info("a signature cannot be checked: %s", error)
        intact, valid = True, False
    if not intact:
        case.reasons.append(reason(Code.CONTENT_CHANGED, found.field, who=who))
    if not valid:
        case.reasons.append(reason(Code.SIGNATURE_BROKEN, found.field, who=who))
    problem = next((update.problem for update in case.later.after(found.end) if update.problem), "")
    if case.later.unreadable and not problem and case.file.data[found.end :].rstrip():
        case.reasons.append(reason(Code.STRUCTURE_UNCLEAR, found.field, who=who))
    if problem:
        case.details.append({"field": found.field, "forbidden_update": problem})
    if problem or _breaks_a_lock(case, found) or not _later_is_allowed(case, found, sound, is_last=is_last):
        code = Code.EDITED_AFTER_SIGNING if case.policy.edited_later is Value.INVALID else Code.ADDED_AFTER_SIGNING
        case.reasons.append(reason(code, found.field, who=who))


def _breaks_a_lock(case: Case, found: Found) -> bool:
    """Whether later signatures, or filled fields, are what this signature forbids, in its references or in its field's
    lock: signers that say two things mean the stricter one. Time-stamps and validation data are never forbidden."""
    later = {one.field for one in case.file.found if one.end > found.end and not one.is_timestamp}
    later |= {name for update in case.later.after(found.end) for name in update.filled}
    try:
        return bool(later) and found.signature is not None and forbids(found.signature, tuple(later))
    except BROKEN:
        return True


def _later_updates(case: Case) -> Later:
    """What was added after the first signature, verified by our own rule (docs/decisions/0024)."""
    first = min((found.end for found in case.papers if found.signature is not None), default=0)
    data = case.file.data
    if not first or not data[first:].rstrip():
        return Later()
    return review(data, first, case.policy.fields_filled_later)


def _later_is_allowed(case: Case, found: Found, sound: Integrity, *, is_last: bool) -> bool:
    """After the last signature only proofs may follow; between signatures also signatures, and what fills the number's
    fields in."""
    seals = [one.end for one in case.papers if _is_seal(one)]
    for update in case.later.after(found.end):
        if update.filled and (is_last or min(seals, default=len(case.file.data)) <= update.begin):
            return False
    level = sound.later
    if level is None or level.value > ModificationLevel.FORM_FILLING.value:
        return False
    if level.value <= ModificationLevel.LTA_UPDATES.value:
        return True
    allowed = {one.field for one in case.file.found if one.is_timestamp or not is_last}
    filled = {name for name in sound.changed_fields - allowed if has_changed(case.file, found, name)}
    return not filled or (not is_last and _may_be_filled(case, found, filled))


def _may_be_filled(case: Case, found: Found, names: set[str]) -> bool:
    """The number's fields that were blank when a person signed, until the first seal: what a seal covers, or a
    signature after it was filled in, nobody changes any more, whoever signs after that."""
    seals = [one.end for one in case.papers if _is_seal(one)]
    return (
        names <= case.policy.fields_filled_later
        and found.end < min(seals, default=found.end + 1)
        and all(was_blank(case.file, found, name) for name in names)
    )


def _is_seal(found: Found) -> bool:
    return found.signature is not None and read_holder(found.signature.signer_cert).kind is HolderKind.SEAL


def _verify_strength(case: Case, found: Found, holder: Holder) -> None:
    """Algorithms, key lengths and the purpose of the certificate."""
    signature = found.signature
    if signature is None:
        return
    who, policy = holder.full_name, case.policy
    weak = ""
    if signature.md_algorithm not in policy.digests:
        weak = signature.md_algorithm.upper()
    key = signature.signer_cert.public_key
    least = {"rsa": policy.least_rsa_bits, "ec": policy.least_ec_bits}.get(key.algorithm)
    if least is None and key.algorithm not in {"ed25519", "ed448", "rsassa_pss"}:
        weak = weak or key.algorithm
    elif least is not None and key.bit_size < least:
        weak = weak or f"{key.algorithm.upper()}-{key.bit_size}"
    if weak:
        case.reasons.append(
            reason(Code.WEAK_ALGORITHM, found.field, weight=policy.weak_algorithm, who=who, algorithm=weak)
        )
    pades = signature.sig_object.get("/SubFilter") == "/ETSI.CAdES.detached"
    if pades and not binds_certificate(signature.signer_info):
        case.reasons.append(reason(Code.LOOSE_CERTIFICATE, found.field, who=who))
    usage = usage_of(signature.signer_cert)
    if usage is Usage.WRONG:
        case.reasons.append(reason(Code.WRONG_PURPOSE, found.field, who=who))
    elif usage is Usage.UNCLEAR:
        case.reasons.append(reason(Code.PURPOSE_UNCLEAR, found.field, who=who))


async def _proofs_of(case: Case, found: Found) -> list[Stamp]:
    """The time-stamps that prove when the signature existed: those over it in the file, and those in its token."""
    signature = found.signature
    if signature is None:
        return []
    proofs = [stamp for stamp in case.stamps if stamp.end > found.end]
    try:
        tokens = list(generic_cms.extract_tst_data_iter(signature.signer_info, signed=False))
        imprint = generic_cms.message_imprint_checker(signature.signer_info)
    except BROKEN:
        return proofs
    moment = as_of(case.stamps, found.end, case.moment, case.known_since)
    for token in tokens:
        verified = await verify_token(token, imprint, found.field, case.trust, moment, case.carried)
        if isinstance(verified, Doubt):
            case.reasons.append(_of_the_stamp_only(verified.reason))
            case.details.append(stamp_facts(verified))
        else:
            proofs.append(verified)
    return proofs


def _of_the_stamp_only(found: Reason) -> Reason:
    """What a time-stamp inside a token lacks is no fault of the signature: it is not signed, and who cannot use it does
    without it (ETSI EN 319 102-1, 5.5.4). LibreOffice puts one there that is over something else."""
    return replace(found, weight=Value.UNCLEAR) if found.weight is Value.INVALID else found


async def _level_of(case: Case, found: Found, holder: Holder, chain: Chain, proofs: list[Stamp]) -> Level:
    """The level that the signature has reached (ETSI EN 319 142-1 §6); only PAdES signatures have one."""
    signature = found.signature
    if signature is None or signature.sig_object.get("/SubFilter") != "/ETSI.CAdES.detached":
        return Level.OTHER
    if not proofs or chain.state is not ChainState.GOOD:
        return Level.B_T if proofs else Level.B_B
    moment = min(stamp.at for stamp in proofs)
    embedded = tuple(signature.other_embedded_certs)
    holding = Holding(signature.signer_cert, embedded, _purpose(holder), moment, tuple(proofs))
    return await level_of(holding, case.file, case.trust, case.carried)


def _purpose(holder: Holder) -> Purpose:
    return Purpose.SEAL if holder.kind is HolderKind.SEAL else Purpose.PERSON


async def _verify_chain(
    case: Case, found: Found, holder: Holder, proven: datetime | None, declared: datetime | None
) -> Chain:
    signature = found.signature
    if signature is None:
        return Chain(ChainState.BROKEN)
    moment = _there_by(case, proven)
    embedded = list(signature.other_embedded_certs)
    chain = await chain_with(signature.signer_cert, embedded, case.trust, _purpose(holder), moment, case.carried)
    finding = chain_finding(chain, holder, found.field, _claimed(declared, moment))
    if finding is not None:
        case.reasons.append(finding)
    return chain


def _there_by(case: Case, proven: datetime | None) -> datetime:
    """When the signature existed at the latest. When it was made nobody knows: only that it was not later."""
    known = (proven, case.known_since, case.moment)
    return min(moment for moment in known if moment is not None and moment <= case.moment)


def _claimed(declared: datetime | None, there_by: datetime) -> datetime | None:
    """When the signer says to have signed; None for a time that cannot be true."""
    if declared is None or declared - there_by <= CLOCK_SKEW:
        return declared
    return declared - SEVEN_HOURS if _is_seven_hours_fast(declared, there_by) else None


def _is_seven_hours_fast(declared: datetime, there_by: datetime) -> bool:
    """Whether Vietnamese time written as universal time explains a declared time that was still to come. By how much
    it was to come depends on how long the paper was on its way."""
    return CLOCK_SKEW < declared - there_by <= SEVEN_HOURS + CLOCK_SKEW


def chain_finding(chain: Chain, holder: Holder, name: str, claimed: datetime | None) -> Reason | None:
    """What the outcome of a chain says about the signature `name`; None when all is well. `claimed` is when the signer
    says to have signed: that a certificate had ended before is not proven by when the signature came or was stamped."""
    who, on = holder.full_name, _day(chain.at)
    too_late = claimed is not None and chain.at is not None and claimed > chain.at + CLOCK_SKEW
    match chain.state:
        case ChainState.GOOD:
            return None
        case ChainState.NO_PATH:
            return reason(Code.UNKNOWN_AUTHORITY, name, who=who, issuer=holder.issuer)
        case ChainState.SELF_SIGNED:
            return reason(Code.SELF_SIGNED, name, who=who)
        case ChainState.REVOKED:
            return reason(Code.REVOKED, name, etsi="REVOKED" if too_late else None, who=who, on=on)
        case ChainState.AUTHORITY_REVOKED:
            return reason(Code.AUTHORITY_REVOKED, name, who=who, issuer=holder.issuer, on=on)
        case ChainState.REVOCATION_STALE:
            return reason(Code.REVOCATION_STALE, name, who=who, at=_minute(chain.at) if chain.at else "")
        case ChainState.REVOCATION_UNKNOWN:
            return reason(Code.REVOCATION_UNKNOWN, name, who=who)
        case ChainState.EXPIRED:
            code = Code.EXPIRED_WHEN_SIGNED if too_late else Code.EXPIRED_NO_PROOF
            return reason(code, name, who=who, on=on)
        case ChainState.NOT_YET_VALID:
            return reason(Code.NOT_YET_VALID, name, who=who, on=on)
        case _:
            return reason(Code.CHAIN_BROKEN, name, who=who)


def _declared_time(found: Found) -> datetime | None:
    """The signing time in the attributes or in /M; None when it cannot be read or has no time zone."""
    try:
        at: datetime | None = found.signature.self_reported_timestamp if found.signature else None
    except BROKEN:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _verify_declared_time(case: Case, found: Found, who: str, declared: datetime | None) -> None:
    """A time that only the signer's computer vouches for: said so, and compared with what can be known."""
    case.reasons.append(reason(Code.SELF_DECLARED_TIME, found.field, who=who))
    if declared is None or found.signature is None:
        return
    claimed = _claimed(declared, _there_by(case, None))
    begins = found.signature.signer_cert["tbs_certificate"]["validity"]["not_before"].native
    too_early = claimed is not None and claimed < begins - CLOCK_SKEW
    if claimed is None or (too_early and claimed != declared):  # seven hours would not explain it either
        case.reasons.append(reason(Code.TIME_IN_FUTURE, found.field, who=who, at=_minute(declared)))
    elif too_early:
        case.reasons.append(reason(Code.NOT_YET_VALID, found.field, who=who, on=_day(begins)))
    elif claimed != declared:
        case.reasons.append(reason(Code.CLOCK_SEVEN_HOURS_FAST, found.field, who=who))


def _verify_level(case: Case, found: Found, who: str, level: Level) -> None:
    order = [Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA]
    least = case.policy.least_level
    reached = order.index(level) if level in order else 0
    if reached < order.index(least):
        case.reasons.append(reason(Code.LEVEL_TOO_LOW, found.field, who=who, level=level.value, least=least.value))


def _nobody(found: Found, value: Value) -> Signer:
    return Signer(
        field=found.field,
        kind=HolderKind.UNKNOWN,
        value=value,
        name="",
        agency="",
        title="",
        serial="",
        issuer="",
        certificate="",
        not_after=None,
        signed_at=None,
        time_source=TimeSource.NONE,
        level=Level.OTHER,
        algorithm="",
        covers=found.end,
        test=False,
    )


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at is not None else None


def _source(proven: datetime | None, declared: datetime | None) -> TimeSource:
    if proven is not None:
        return TimeSource.TSA
    return TimeSource.SELF_DECLARED if declared is not None else TimeSource.NONE


def _day(at: datetime | None) -> str:
    return at.astimezone(clock.VN).strftime("%d/%m/%Y") if at is not None else ""


def _minute(at: datetime) -> str:
    return at.astimezone(clock.VN).strftime("%d/%m/%Y %H:%M")
