"""The verification of the signature of an envelope: a system's, not a person's. What the bytes say was found elsewhere
(docex/edxml/xmldsig/verification.py); here is who signed, whether that may be trusted, and the verdict.

Never valid while anything is unknown, as with papers; called in a process of its own, for the certificate is a
stranger's. An envelope that nobody signed is common and no fault of the papers in it: unclear, and said so.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from asn1crypto import x509

from kernel import clock
from signing.pdf.pades import run
from signing.pdf.signed_file import BROKEN
from signing.trust.holders import Holder, read_holder
from signing.trust.revocation_info import describe_answer, proof_of, telling
from signing.trust.trust_store import Purpose, Trust
from signing.verdicts.policy import ENVELOPE as POLICY
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import HolderKind, Level, Reason, Signer, TimeSource, Value, Verdict
from signing.verification.certificate_chains import DOCUMENT_SIGNING, Chain, ChainState, chain_of
from signing.verification.file_verification import verdict_of
from signing.verification.report_facts import line_of
from signing.verification.signature_verification import chain_finding

FIELD = "Signature"


class Finding(StrEnum):
    """What the bytes of an envelope say about its signature."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    REFUSED = "refused"
    UNKNOWN_METHOD = "unknown_method"
    NO_CERTIFICATE = "no_certificate"
    BROKEN = "broken"
    CHANGED = "changed"
    INTACT = "intact"


_PLAIN = {
    Finding.UNSIGNED: Code.ENVELOPE_UNSIGNED,
    Finding.MALFORMED: Code.ENVELOPE_MALFORMED,
    Finding.REFUSED: Code.ENVELOPE_REFUSED,
    Finding.UNKNOWN_METHOD: Code.ENVELOPE_METHOD,
    Finding.NO_CERTIFICATE: Code.ENVELOPE_NO_CERTIFICATE,
}
_WRONG = {Finding.BROKEN: Code.SIGNATURE_BROKEN, Finding.CHANGED: Code.CONTENT_CHANGED}
_SYSTEMS = {*DOCUMENT_SIGNING, "client_auth"}
"""Extended uses of which one is enough: systems prove themselves by certificates for TLS clients, too."""


@dataclass(frozen=True)
class Sealed:
    """An envelope as `docex.edxml.xmldsig.verification` found it. `algorithm` is the hash that the key signed, `weak` a
    weak one, `added` names the relays that wrote a line of the trace after signing; certificates are in DER. `sha256`
    and `size` are of the file."""

    sha256: str
    size: int
    finding: Finding
    detail: str = ""
    weak: str = ""
    algorithm: str = ""
    whole: bool = False
    added: tuple[str, ...] = ()
    certificate: bytes = b""
    above: tuple[bytes, ...] = ()
    convention: str = ""

    @property
    def names_nobody(self) -> bool:
        """Whether no certificate is looked at: what is said of such an envelope is known without reading on."""
        return self.finding in _PLAIN


def verify_envelope(
    sealed: Sealed,
    trust: Trust,
    *,
    agency_names: tuple[str, ...] = (),
    known_since: datetime | None = None,
    at: datetime | None = None,
) -> Verdict:
    """The verdict, as of `at` (now); the certificate is verified as of `known_since`, when the envelope came."""
    moment = at or clock.now()
    reasons, signers, detail = _verified(sealed, trust, agency_names, known_since, moment)
    return verdict_of(
        reasons,
        signers,
        [{"field": FIELD, "finding": sealed.finding.value, "detail": sealed.detail, **detail}],
        policy=POLICY,
        trust=trust,
        sha256=sealed.sha256,
        size=sealed.size,
        at=moment,
    )


_Found = tuple[list[Reason], list[Signer], dict[str, Any]]


def _verified(
    sealed: Sealed, trust: Trust, names: tuple[str, ...], known_since: datetime | None, moment: datetime
) -> _Found:
    if sealed.finding in _PLAIN:
        return [reason(_PLAIN[sealed.finding])], [], {}
    try:
        certificate = x509.Certificate.load(sealed.certificate)
        embedded = [x509.Certificate.load(der) for der in sealed.above]
        holder = read_holder(certificate)
    except BROKEN:
        return [reason(Code.ENVELOPE_NO_CERTIFICATE)], [], {}
    since = known_since if known_since is not None and known_since <= moment else None
    chain = run(_chain(certificate, embedded, trust, since or moment))
    reasons = [*_of_bytes(sealed, holder), *_of_certificate(certificate, holder, names)]
    finding = chain_finding(chain, holder, FIELD, None)  # envelopes do not say when they were signed
    reasons += [finding] if finding is not None else []
    if chain.test or holder.test:
        reasons.append(reason(Code.TEST_CERTIFICATE, FIELD, who=holder.full_name))
    detail = {
        "subject": holder.full_name,
        "issuer": holder.issuer,
        "serial": holder.serial,
        "chain": chain.state.value,
        "convention": sealed.convention,
        "certificates": line_of(chain.path),
        "revocation": _answers(trust, chain),
    }
    return reasons, [_signer(sealed, holder, chain, reasons)], detail


async def _chain(
    certificate: x509.Certificate, embedded: list[x509.Certificate], trust: Trust, moment: datetime
) -> Chain:
    """By a root that is trusted for systems, else by one for seals: the same authorities certify both."""
    chain = await chain_of(certificate, embedded, trust, Purpose.SYSTEM, moment)
    if chain.state in (ChainState.NO_PATH, ChainState.SELF_SIGNED):
        return await chain_of(certificate, embedded, trust, Purpose.SEAL, moment)
    return chain


def _of_bytes(sealed: Sealed, holder: Holder) -> list[Reason]:
    who = holder.full_name
    if sealed.finding in _WRONG:
        return [reason(_WRONG[sealed.finding], FIELD, who=who)]
    found = []
    if not sealed.whole:
        found.append(reason(Code.ENVELOPE_PARTLY, FIELD))
    if sealed.weak:
        found.append(reason(Code.WEAK_ALGORITHM, FIELD, who=who, algorithm=sealed.weak))
    if sealed.added:
        nodes = ", ".join(code or "?" for code in sealed.added)
        found.append(reason(Code.ENVELOPE_TRACES_ADDED, FIELD, count=len(sealed.added), nodes=nodes))
    return found


def _of_certificate(certificate: x509.Certificate, holder: Holder, names: tuple[str, ...]) -> list[Reason]:
    who, found = holder.full_name, []
    key = certificate.public_key
    least = {"rsa": POLICY.least_rsa_bits, "ec": POLICY.least_ec_bits}.get(key.algorithm, 0)
    if key.bit_size < least:
        weak = f"{key.algorithm.upper()}-{key.bit_size}"
        found.append(reason(Code.WEAK_ALGORITHM, FIELD, who=who, algorithm=weak))
    if not _may_sign(certificate):
        found.append(reason(Code.WRONG_PURPOSE, FIELD, who=who))
    if names and not (holder.belongs_to(names) or _within(holder, names)):
        found.append(reason(Code.ENVELOPE_OTHER_SENDER, FIELD, who=who, expected=names[0]))
    return found


def _within(holder: Holder, names: tuple[str, ...]) -> bool:
    """Whether it is a system of the agency: the agency stands in O, the system in CN. The seal of a subordinate names
    its parent there, too; that is not asked of a person's certificate."""
    organisations = {" ".join(one.split()).casefold() for one in holder.organisations}
    return holder.kind is not HolderKind.PERSON and any(
        " ".join(one.split()).casefold() in organisations for one in names
    )


def _may_sign(certificate: x509.Certificate) -> bool:
    """Not an authority's own, made for signatures, and not only for servers of the web."""
    if certificate.ca:
        return False
    usage, extended = certificate.key_usage_value, certificate.extended_key_usage_value
    uses = set(usage.native) if usage is not None else {"digital_signature"}
    if not uses & {"digital_signature", "non_repudiation"}:
        return False
    return extended is None or bool(set(extended.native) & _SYSTEMS)


def _answers(trust: Trust, chain: Chain) -> list[dict[str, str]]:
    if not chain.path:
        return []
    crls, ocsps = telling(trust.crls, trust.ocsps, chain.path)
    return [describe_answer(data) for data in proof_of(chain.path, crls, ocsps)]


def _signer(sealed: Sealed, holder: Holder, chain: Chain, reasons: list[Reason]) -> Signer:
    return Signer(
        field=FIELD,
        kind=HolderKind.SYSTEM,
        value=max((one.weight for one in reasons), key=lambda value: value.gravity, default=Value.VALID),
        name=holder.full_name,
        agency=holder.organisations[0] if holder.organisations else "",
        title="",
        serial=holder.serial,
        issuer=holder.issuer,
        certificate=holder.certificate,
        not_after=holder.not_after,
        signed_at=None,
        time_source=TimeSource.NONE,
        level=Level.OTHER,
        algorithm=sealed.weak or sealed.algorithm,
        covers=sealed.size,
        test=chain.test or holder.test,
    )
