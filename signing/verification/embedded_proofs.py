"""What a file proves by itself: its time-stamps, newest first, and the validation data that it carries (DSS).

A time-stamp counts as of now, or as of the moment that a newer one over it proves: so a chain of them outlives the
certificates of each (RFC 4998 §5, ETSI EN 319 142-1 §5.5). What a file carries is asked only when the store
does not know, and only for what authorities of the store have signed.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from asn1crypto import cms, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.sign.general import extract_certificate_info
from pyhanko.sign.validation import generic_cms
from pyhanko.sign.validation.status import TimestampSignatureStatus

from signing.pdf.signed_file import BROKEN, Found, Signatures, integrity_of
from signing.trust.trust_store import Purpose, Trust
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import Level, Reason
from signing.verification.certificate_chains import CLOCK_SKEW, Chain, ChainState, chain_of, validation_context

log = logging.getLogger(__name__)

MAX_CARRIED = 500
"""Items of validation data that are read from one file: a paper needs a dozen, a bomb has thousands."""

NOT_KNOWN = (ChainState.NO_PATH, ChainState.REVOCATION_UNKNOWN, ChainState.REVOCATION_STALE)


@dataclass(frozen=True)
class Carried:
    """Validation data inside a file. It proves nothing by itself: authorities' signatures on it are checked."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.certificates or self.crls or self.ocsps)

    def added_to(self, trust: Trust) -> Trust:
        """The store's knowledge and this."""
        return replace(
            trust,
            intermediates=(*trust.intermediates, *map(x509.Certificate.load, self.certificates)),
            crls=(*trust.crls, *self.crls),
            ocsps=(*trust.ocsps, *self.ocsps),
        )

    def instead_of(self, trust: Trust) -> Trust:
        """Only this, and the store's roots: what somebody has who holds nothing but the file."""
        between = tuple(x509.Certificate.load(der) for der in self.certificates)
        return replace(trust, intermediates=between, crls=self.crls, ocsps=self.ocsps)


@dataclass(frozen=True)
class Stamp:
    """A time-stamp that was checked: the moment that it proves for everything before byte `end`.

    `revision` is the one that it is in, -1 for one in a signature's token; `verified_as_of` the moment as of which its
    own certificate was verified, `path` the way of that to a trusted root, root first.
    """

    name: str
    end: int
    revision: int
    at: datetime
    verified_as_of: datetime
    certificate: x509.Certificate = field(compare=False, repr=False)
    embedded: tuple[x509.Certificate, ...] = field(compare=False, repr=False)
    path: tuple[x509.Certificate, ...] = field(compare=False, repr=False)

    @property
    def not_after(self) -> datetime:
        """When its certificate ends; a newer time-stamp has to be over it by then."""
        ends: datetime = self.certificate.not_valid_after
        return ends


@dataclass(frozen=True)
class Doubt:
    """A time-stamp that proves nothing, and why; `path` leads to a trusted root when only revocation is unknown."""

    reason: Reason
    path: tuple[x509.Certificate, ...] = field(default=(), compare=False, repr=False)


def carried_in(file: Signatures, revision: int | None = None) -> Carried:
    """The validation data of the file as it stands, or as of an earlier revision. Nothing when it cannot be read."""
    try:
        handler = file.reader if revision is None else file.reader.get_historical_resolver(revision)
        store = handler.root.get("/DSS")
        if store is None:
            return Carried()
        certificates, crls, ocsps = (_streams(store.get_object(), key) for key in _PURPOSES)
        return Carried(tuple(one for one in certificates if _is_certificate(one)), crls, ocsps)
    except BROKEN as error:
        log.info("validation data in a file cannot be read: %s", error)
        return Carried()


_PURPOSES = {
    "/Certs": DecodePurpose.CERTIFICATE,
    "/CRLs": DecodePurpose.CRL,
    "/OCSPs": DecodePurpose.OCSP_RESPONSE,
}


def _streams(store: generic.DictionaryObject, key: str) -> tuple[bytes, ...]:
    found = store.get(key)
    refs = list(found.get_object()) if found is not None else []
    return tuple(bytes(ref.get_object().read_data(_PURPOSES[key])) for ref in refs[:MAX_CARRIED])


def _is_certificate(der: bytes) -> bool:
    """What is none shall not keep the rest of the file from being verified; `signing.updates` objects to it."""
    try:
        found = x509.Certificate.load(der, strict=True)
        return bool(found.subject.hashable and found.issuer.hashable and found.public_key.algorithm)
    except BROKEN:
        return False


async def verify_timestamps(
    file: Signatures, trust: Trust, moment: datetime, known_since: datetime | None, carried: Carried
) -> tuple[list[Stamp], list[Doubt]]:
    """Check the document time-stamps (ETSI.RFC3161). Those that count and those that do not, oldest first."""
    stamps: list[Stamp] = []
    doubts: list[Doubt] = []
    for found in reversed([one for one in file.found if one.is_timestamp]):
        verified = await _verify_timestamp(file, found, trust, as_of(stamps, found.end, moment, known_since), carried)
        if isinstance(verified, Stamp):
            stamps.append(verified)
        else:
            doubts.append(verified)
    return stamps[::-1], doubts[::-1]


def as_of(stamps: Iterable[Stamp], end: int, moment: datetime, known_since: datetime | None) -> datetime:
    """The earliest moment at which what ends at byte `end` demonstrably existed; `moment` when nothing proves one."""
    proven = [stamp.at for stamp in stamps if stamp.end > end]
    return min([known for known in (known_since, *proven) if known is not None and known <= moment] or [moment])


async def _verify_timestamp(
    file: Signatures, found: Found, trust: Trust, moment: datetime, carried: Carried
) -> Stamp | Doubt:
    signature = found.signature
    if signature is None:
        return Doubt(reason(Code.SIGNATURE_UNREADABLE, found.field, who=found.field))
    sound = integrity_of(file, found)
    if not sound.covered or sound.later is None:
        return Doubt(reason(Code.EDITED_AFTER_SIGNING, found.field, who=found.field))
    verified = await verify_token(signature.signed_data, signature.compute_digest, found.field, trust, moment, carried)
    return replace(verified, end=found.end, revision=found.revision) if isinstance(verified, Stamp) else verified


async def verify_token(
    token: cms.SignedData, imprint: Any, name: str, trust: Trust, moment: datetime, carried: Carried
) -> Stamp | Doubt:
    """What an RFC 3161 token proves about what `imprint` answers the digest of, as of `moment`."""
    try:
        held = extract_certificate_info(token)
        embedded = tuple(held.other_certs)
        chain = await chain_with(held.signer_cert, embedded, trust, Purpose.TSA, moment, carried)
        status = await _status(token, imprint, trust, moment, chain)
        if carried and chain.state is ChainState.GOOD and not status.trusted:
            status = await _status(token, imprint, carried.added_to(trust), moment, chain)
    except BROKEN as error:
        log.info("a time-stamp cannot be read: %s", error)
        return Doubt(reason(Code.TIMESTAMP_BROKEN, name, who=name))
    if not (status.intact and status.valid):
        return Doubt(reason(Code.TIMESTAMP_BROKEN, name, who=name))
    if not status.trusted or chain.state is not ChainState.GOOD:
        way = chain.path if chain.state in (ChainState.REVOCATION_UNKNOWN, ChainState.REVOCATION_STALE) else ()
        return Doubt(reason(Code.TIMESTAMP_UNTRUSTED, name, who=name), way)
    if status.timestamp > moment + CLOCK_SKEW:
        return Doubt(reason(Code.TIMESTAMP_ORDER, name, who=name))
    return Stamp(name, 0, -1, status.timestamp, moment, held.signer_cert, embedded, chain.path)


async def _status(
    token: cms.SignedData, imprint: Any, trust: Trust, moment: datetime, chain: Chain
) -> TimestampSignatureStatus:
    """What the token says, and whether its certificate may give time-stamps: trusted only when `chain` is good, too."""
    held = extract_certificate_info(token)
    context = validation_context(trust, Purpose.TSA, moment, list(held.other_certs), chain.path)
    return TimestampSignatureStatus(**await generic_cms.validate_tst_signed_data(token, context, imprint))


async def chain_with(
    certificate: x509.Certificate,
    embedded: Sequence[x509.Certificate],
    trust: Trust,
    purpose: Purpose,
    moment: datetime,
    carried: Carried,
) -> Chain:
    """The way to a root by what the store knows; what the file carries is asked only when the store does not know."""
    chain = await chain_of(certificate, list(embedded), trust, purpose, moment)
    if chain.state in NOT_KNOWN and carried:
        again = await chain_of(certificate, list(embedded), carried.added_to(trust), purpose, moment)
        if again.state in (ChainState.GOOD, ChainState.REVOKED, ChainState.AUTHORITY_REVOKED):
            return again
    return chain


@dataclass(frozen=True)
class Holding:
    """A signature, for the question whether the file alone will do to check it one day.

    `moment` is that as of which its chain is good; `stamps` are all time-stamps over it, oldest first.
    """

    certificate: x509.Certificate
    embedded: tuple[x509.Certificate, ...]
    purpose: Purpose
    moment: datetime
    stamps: tuple[Stamp, ...]


async def level_of(holding: Holding, file: Signatures, trust: Trust, carried: Carried) -> Level:
    """The PAdES level of a signature whose time is proven and whose chain is good (ETSI EN 319 142-1 §6).

    B-LT when the file carries everything that a check needs but the roots; B-LTA when a time-stamp lies over that.
    """
    stamps = [stamp for stamp in holding.stamps if stamp.revision >= 0]
    below = carried_in(file, stamps[-1].revision) if stamps else Carried()
    # What the newest time-stamp itself rests on can only come with the next update.
    if below and await _is_enough(below, holding, trust, [one for one in holding.stamps if one != stamps[-1]]):
        return Level.B_LTA
    if carried != below and await _is_enough(carried, holding, trust, holding.stamps):
        return Level.B_LT
    return Level.B_T


async def _is_enough(carried: Carried, holding: Holding, trust: Trust, stamps: Sequence[Stamp]) -> bool:
    alone = carried.instead_of(trust)
    questions = [(holding.certificate, holding.embedded, holding.purpose, holding.moment)]
    questions += [(stamp.certificate, stamp.embedded, Purpose.TSA, stamp.verified_as_of) for stamp in stamps]
    for certificate, embedded, purpose, moment in questions:
        chain = await chain_of(certificate, list(embedded), alone, purpose, moment)
        if chain.state is not ChainState.GOOD:
            return False
    return True
