"""What a signed file needs so that it can be checked in twenty years: its authorities' certificates and revocation
data inside it (DSS and VRI: B-LT), and time-stamps over that, renewed before the newest one's certificate ends (B-LTA).

ETSI EN 319 142-1 §5.4 and §6; ISO 32000-2 §12.8.4. CPU work on bytes, for workers.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError

from kernel import clock
from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.pdf.complexity import TooComplicated
from signing.pdf.pades import declare_extension, run, writer_for
from signing.pdf.signed_file import Found, NotReadable, embedded_signatures
from signing.trust.revocation_info import proof_of, read_list, telling
from signing.trust.trust_store import Purpose, Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import Level, TimeSource, Value
from signing.verification.certificate_chains import ChainState, chain_of
from signing.verification.embedded_proofs import Carried, Doubt, Stamp, verify_token
from signing.verification.signature_verification import Case, Expected, verify_signatures, worst

ORDER = (Level.OTHER, Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA)

NOT_TRUSTED = phrase("Đơn vị cấp dấu thời gian trả lời nhưng không được tin cậy ở đây, nên dấu không được đưa vào tệp.")
SLOW_CLOCK = phrase("Đồng hồ máy chủ chậm hơn đơn vị cấp dấu thời gian, nên dấu không được đưa vào tệp.")


@dataclass(frozen=True)
class Reached:
    """How far a file has come. `level` is the lowest of its signatures, OTHER when it has none.

    `proven_at` is the moment at which all of them demonstrably existed; `not_after` when the certificate of the newest
    time-stamp ends. `obstacle` is what keeps it from B-LT, None when nothing does; `final` that waiting cannot help;
    `doubted` that its newest time-stamp proves nothing so far (its authority is not trusted, a clock is wrong).
    """

    level: Level
    proven_at: datetime | None
    not_after: datetime | None
    obstacle: Phrase | None
    final: bool
    doubted: bool

    def at_least(self, level: Level) -> bool:
        """Whether the file has come to `level` or further."""
        return ORDER.index(self.level) >= ORDER.index(level)


@dataclass(frozen=True)
class Examined:
    """A file with all that was found in it, so that it need not be verified again to be upgraded."""

    data: bytes
    case: Case

    @property
    def reached(self) -> Reached:
        """How far it has come."""
        case = self.case
        levels = [signer.level for signer in case.signers]
        times = [s.signed_at for s in case.signers if s.time_source is TimeSource.TSA and s.signed_at is not None]
        proven = len(times) == len(levels) and bool(times)
        bad = [one for one in case.reasons if one.weight is not Value.VALID]
        gravest = max(bad, key=lambda one: one.weight.gravity, default=None)
        tokens = [found for found in case.file.found if found.is_timestamp]
        return Reached(
            level=min(levels, key=ORDER.index, default=Level.OTHER),
            proven_at=max(times) if proven else None,
            not_after=case.stamps[-1].not_after if case.stamps else None,
            obstacle=gravest.phrase if gravest else None,
            final=worst(one.weight for one in bad) is Value.INVALID,
            doubted=bool(tokens) and tokens[-1].field not in {stamp.name for stamp in case.stamps},
        )


@dataclass(frozen=True)
class Look:
    """How far a file has come, and what could be added to it: plain data, for the archive's jobs.

    `added` are bytes to be appended, which bring it further, `b""` when nothing does; `level` and the rest are of the
    file with them. `lines` are the chains that its signatures and time-stamps rest on, DER, the signer's first.
    """

    level: Level
    proven_at: datetime | None
    not_after: datetime | None
    obstacle: Phrase | None
    final: bool
    signed: bool
    doubted: bool = False
    added: bytes = field(default=b"", repr=False)
    lines: tuple[tuple[bytes, ...], ...] = field(default=(), repr=False)


def look_into(data: bytes, trust: Trust, *, renewing: bool = False) -> Look:
    """See how far a file has come now, and bring it to B-LT when that is possible.

    `renewing` also adds what the newest time-stamp rests on, so that the next one lies over it. Invalid(file) when it
    is no readable PDF.
    """
    examined = examine(data, trust)
    reached, added = examined.reached, b""
    # Under a time-stamp of ours that does not count, newer answers would be added day after day.
    waits = reached.doubted and bool(examined.case.carried)
    if reached.proven_at is not None and (renewing or (reached.level is Level.B_T and not waits)):
        grown = examine(with_validation_data(examined), trust)
        if renewing or grown.reached.at_least(Level.B_LT):  # what brings it no further would only make it longer
            reached, added = grown.reached, grown.data[len(data) :]
    lines = (detail.get("certificates", ()) for detail in examined.case.details)
    return Look(
        level=reached.level,
        proven_at=reached.proven_at,
        not_after=reached.not_after,
        obstacle=reached.obstacle,
        final=reached.final,
        signed=bool(examined.case.papers),
        doubted=reached.doubted,
        added=added,
        lines=tuple(tuple(base64.b64decode(der) for der in line) for line in lines),
    )


def no_use_of(token: bytes, digest: bytes, trust: Trust) -> Phrase | None:
    """Why a time-stamp token over this SHA-256 that has just come proves nothing, and will not when authorities have
    answered; None when it does, or may when they have."""
    signed = cms.ContentInfo.load(token)["content"]
    verified = run(verify_token(signed, lambda _: digest, "", trust, clock.now(), Carried()))
    if not isinstance(verified, Doubt) or verified.path:
        return None
    return SLOW_CLOCK if verified.reason.code == Code.TIMESTAMP_ORDER else NOT_TRUSTED


def examine(data: bytes, trust: Trust, at: datetime | None = None) -> Examined:
    """Verify every signature of the file for itself, as of `at` (now). Invalid(file) when it is no readable PDF."""
    try:
        file = embedded_signatures(data)
        case = Case(policy_for(DocumentKind.FOREIGN), trust, Expected(), at or clock.now(), None, file)
        run(verify_signatures(case))
    except (NotReadable, TooComplicated) as error:
        code = Code.UNREADABLE if isinstance(error, NotReadable) else Code.TOO_COMPLICATED
        found = reason(code).phrase
        raise Invalid({"file": found}, found) from error
    return Examined(data, case)


def with_validation_data(examined: Examined) -> bytes:
    """The file with what a check of each of its signatures and time-stamps needs; unchanged when it carries that.

    Only signatures whose chain is good are served: what cannot be proven now cannot be kept for later.
    """
    needs = run(_needs_of(examined.case))
    if not needs:
        return examined.data
    writer = writer_for(examined.data)
    try:
        store = DocumentSecurityStore.read_dss(writer)
    except NoDSSFoundError:
        store = DocumentSecurityStore(writer=writer)
        writer.root[generic.pdf_name("/DSS")] = writer.add_object(store.backing_pdf_object)
        writer.update_root()
    for need in needs:
        store.register_vri(need.identifier(examined.data), **need.for_the_store())
    store.as_pdf_object()
    declare_extension(writer)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


@dataclass(frozen=True)
class _Need:
    """What the check of one signature or time-stamp rests on: the certificates below the root, and their proofs."""

    found: Found
    path: tuple[x509.Certificate, ...]
    proof: tuple[bytes, ...]

    def identifier(self, data: bytes) -> generic.NameObject:
        """The key of its VRI entry: over the whole hexadecimal string in /Contents, padding included."""
        assert self.found.signature is not None
        _, start, end, _ = (int(number) for number in self.found.signature.byte_range)
        return DocumentSecurityStore.sig_content_identifier(data[start + 1 : end - 1])

    def for_the_store(self) -> dict[str, Sequence[Any]]:
        lists = [one for one in self.proof if read_list(one) is not None]
        return {
            "certs": self.path[1:],
            "crls": [crl.CertificateList.load(one) for one in lists],
            "ocsps": [ocsp.OCSPResponse.load(one) for one in self.proof if one not in lists],
        }


async def _needs_of(case: Case) -> list[_Need]:
    """What the file does not carry yet, for each signature and time-stamp whose chain is good."""
    stamps = {stamp.name: stamp for stamp in case.stamps}
    levels = {signer.field: signer.level for signer in case.signers}
    needs = []
    for found in case.file.found:
        if found.is_timestamp and found.field in stamps:
            path = await _path_of(case, stamps[found.field])
        elif found.signature is not None and levels.get(found.field) is Level.B_T and _is_good(case, found):
            path = case.chains[found.field].path
        else:
            continue
        if path:
            crls, ocsps = telling(case.trust.crls, case.trust.ocsps, path)
            needs.append(_Need(found, path, proof_of(path, crls, ocsps)))
    return needs


def _is_good(case: Case, found: Found) -> bool:
    return case.chains[found.field].state is ChainState.GOOD


async def _path_of(case: Case, stamp: Stamp) -> tuple[x509.Certificate, ...]:
    """The chain of a time-stamp, root first; nothing when the file itself holds what its check needs."""
    alone = case.carried.instead_of(case.trust)
    chain = await chain_of(stamp.certificate, list(stamp.embedded), alone, Purpose.TSA, stamp.verified_as_of)
    return () if chain.state is ChainState.GOOD else stamp.path
