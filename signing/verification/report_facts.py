"""The technical facts of a verdict, as its report keeps them: what later verdicts and evidence are made from."""

import base64
from typing import Any

from asn1crypto import x509

from signing.pdf.signed_file import Found
from signing.trust.holders import Holder, read_holder
from signing.trust.revocation_info import describe_answer, proof_of, telling
from signing.verification.certificate_chains import Chain
from signing.verification.context import Case
from signing.verification.embedded_proofs import Doubt, Stamp


def signature_facts(case: Case, found: Found, holder: Holder, chain: Chain) -> dict[str, Any]:
    """Who signed up to where, with which chain, and which answers about revocation it rests on."""
    return {
        "field": found.field,
        "revision": found.revision,
        "end": found.end,
        "subject": holder.full_name,
        "organisations": list(holder.organisations),
        "issuer": holder.issuer,
        "serial": holder.serial,
        "not_before": holder.not_before.isoformat(),
        "not_after": holder.not_after.isoformat(),
        "chain": chain.state.value,
        "chain_detail": chain.detail,
        "root": chain.root,
        "key": _key_of(found),
        "certificates": line_of(chain.path),
        "revocation": _answers_used(case, chain),
    }


def _answers_used(case: Case, chain: Chain) -> list[dict[str, Any]]:
    """The answers about revocation that the chain rests on, by their SHA-256: evidence is kept under these names."""
    if not chain.path:
        return []
    known = case.carried.added_to(case.trust)
    crls, ocsps = telling(known.crls, known.ocsps, chain.path)
    return [describe_answer(data) for data in proof_of(chain.path, crls, ocsps)]


def stamp_facts(stamp: Stamp | Doubt) -> dict[str, Any]:
    """The moment that a time-stamp proves, by whom; of one that proves nothing only where it stands."""
    if isinstance(stamp, Doubt):
        return {"time_stamp": "", "field": stamp.reason.signature, "certificates": line_of(stamp.path)}
    return {
        "time_stamp": stamp.at.isoformat(),
        "field": stamp.name,
        "end": stamp.end,
        "authority": read_holder(stamp.certificate).full_name,
        "not_after": stamp.not_after.isoformat(),
        "certificates": line_of(stamp.path),
    }


def line_of(path: tuple[x509.Certificate, ...]) -> list[str]:
    """The certificates of a chain in base64, the signer's first: whose revocation a later verdict rests on."""
    return [base64.b64encode(one.dump()).decode() for one in reversed(path)]


def _key_of(found: Found) -> str:
    if found.signature is None:
        return ""
    certificate: x509.Certificate = found.signature.signer_cert
    return f"{certificate.public_key.algorithm}-{certificate.public_key.bit_size}"
