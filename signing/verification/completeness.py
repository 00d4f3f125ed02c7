"""What no single signature shows: who is missing, the order, whose seal it is, who should have signed by the text."""

from collections import Counter
from dataclasses import replace

from kernel.text import fold
from signing.pdf.signed_file import trailing_bytes
from signing.trust.holders import read_holder, same
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import HolderKind, Signer, Value
from signing.verification.context import Case, worst

_MISSING = {HolderKind.PERSON: Code.PERSON_MISSING, HolderKind.SEAL: Code.SEAL_MISSING}


def verify_completeness(case: Case) -> None:
    """Add what the file as a whole lacks to the reasons, and lower the signers that this concerns."""
    extra = trailing_bytes(case.file)
    if extra > 0:
        case.reasons.append(reason(Code.TRAILING_BYTES, count=extra))
    for one in _unknown(case):
        case.reasons.append(reason(Code.HOLDER_UNKNOWN, one.field, who=one.name))
    _verify_required(case)
    _verify_order(case)
    _verify_agency(case)
    _verify_person(case)
    case.signers[:] = [
        replace(one, value=worst([one.value, *(r.weight for r in case.reasons if r.signature == one.field)]))
        for one in case.signers
    ]


def _unknown(case: Case) -> list[Signer]:
    return [one for one in case.signers if one.kind is HolderKind.UNKNOWN and one.certificate]


def _verify_required(case: Case) -> None:
    """Every kind of signer as often as the policy wants it, each with a certificate of its own."""
    # Somebody signed whose certificate does not tell what it is: that may be the missing one.
    weight = Value.UNCLEAR if _unknown(case) else case.policy.missing
    for kind, count in Counter(case.policy.required).items():
        there = {one.certificate for one in case.signers if one.kind is kind}
        if not there:
            case.reasons.append(reason(_MISSING[kind], weight=weight))
        elif len(there) < count:
            case.reasons.append(reason(Code.SIGNERS_TOO_FEW, weight=weight, count=len(there), needed=count))


def _verify_order(case: Case) -> None:
    """The seal stands after the person whom the paper names, after every person when none of them bears that name, and
    after one of them when nobody is named: agencies that issue a paper together sign and seal in turn."""
    if HolderKind.SEAL not in case.policy.required[1:]:
        return
    # What is no signature at all spoils the file by itself, and puts no seal in the wrong place.
    persons = [one for one in case.signers if one.kind is HolderKind.PERSON and one.value is not Value.INVALID]
    # A colleague's signature before the seal does not stand for that of who is competent.
    named = [one.covers for one in persons if same(one.name) == same(case.expected.signer_name)]
    every = named or [one.covers for one in persons]
    least = (min if named or not case.expected.signer_name else max)(every, default=0)
    for seal in (one for one in case.signers if one.kind is HolderKind.SEAL):
        if seal.covers < least:
            case.reasons.append(reason(Code.SEAL_BEFORE_PERSON, seal.field, who=seal.name))


def _verify_agency(case: Case) -> None:
    names = case.expected.agency_names
    if not names:
        return
    for found in case.papers:
        if found.signature is None:
            continue
        holder = read_holder(found.signature.signer_cert)
        if holder.kind is HolderKind.UNKNOWN or holder.belongs_to(names):
            continue
        who, expected = holder.full_name, names[0]
        if holder.kind is HolderKind.SEAL:
            case.reasons.append(reason(Code.OTHER_AGENCY_SEAL, found.field, who=who, expected=expected))
        else:
            wrong = reason(Code.OTHER_AGENCY_PERSON, found.field, who=who, agency=holder.agency, expected=expected)
            case.reasons.append(wrong)


def _verify_person(case: Case) -> None:
    """Whether one of the persons is who the paper says, and what the certificate says of the position.

    Positions in certificates outlive promotions, and who signs for another (KT., TL., TUQ.) has a position of their
    own: a difference is a remark.
    """
    expected = case.expected
    persons = [one for one in case.signers if one.kind is HolderKind.PERSON]
    if not expected.signer_name or not persons:
        return
    named = [one for one in persons if same(one.name) == same(expected.signer_name)]
    if not named:
        first = persons[0]
        case.reasons.append(reason(Code.SIGNER_OTHER, first.field, who=first.name, expected=expected.signer_name))
        return
    if not expected.delegated:
        told = {"who": expected.signer_name, "authority": expected.authority or expected.signer_title}
        case.reasons.append(reason(Code.NOT_DELEGATED, named[0].field, weight=case.policy.undelegated, **told))
    position = " ".join(part for part in (expected.authority, expected.signer_title) if part)
    for one in named:
        if one.title and position and not _is_within(one.title, position):
            found = reason(Code.TITLE_DIFFERS, one.field, who=one.name, title=one.title, expected=position)
            case.reasons.append(found)


def _is_within(title: str, position: str) -> bool:
    """Whether the certificate's title stands in the printed position, or the other way round."""
    one, other = fold(title), fold(position)
    return one in other or other in one
