"""What a signed PDF is taken apart into for an evidence pack: each signature by itself, the certificates up to the
root, and what authorities said about revocation. CPU work on strangers' bytes: call it through
`runner.run_sandboxed`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, parser, x509
from pyhanko.sign.validation import generic_cms

from signing.pdf.pades import run
from signing.pdf.signed_file import BROKEN, Found
from signing.trust.revocation_info import proof_of, read_list, telling
from signing.trust.trust_store import Purpose, Trust
from signing.verdicts.verdict import Level, TimeSource
from signing.verification.certificate_chains import chain_of
from signing.verification.context import Case
from signing.verification.embedded_proofs import Carried, verify_token
from signing.verification.long_term import ORDER, examine


@dataclass(frozen=True)
class Part:
    """One signature of a PDF, without the PDF.

    `ranges` are its two stretches of signed bytes as (start, length), `token` the CMS (DER), `path` the certificates up
    to a trusted root, root first, empty when there is no way to one; `at` the moment that a time-stamp proves.
    """

    field: str
    timestamp: bool
    pades: bool
    ranges: tuple[tuple[int, int], tuple[int, int]]
    token: bytes
    level: str
    name: str
    at: datetime | None
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Parts:
    """A PDF taken apart. `level` is the lowest PAdES level of its signatures, "" without one."""

    level: str
    signatures: tuple[Part, ...]
    embedded: tuple[bytes, ...]
    answers: tuple[bytes, ...]
    paths: tuple[tuple[bytes, ...], ...]


def parts_of(data: bytes, trust: Trust, at: datetime) -> Parts:
    """Take a PDF apart as of `at`. Invalid(file) when it is no readable PDF."""
    case = examine(data, trust, at).case
    made: list[Part] = []
    paths: list[tuple[x509.Certificate, ...]] = [stamp.path for stamp in case.stamps]
    embedded: dict[bytes, None] = {}
    for found in case.file.found:
        if found.signature is None:
            continue
        path = _path(case, found)
        paths += [path, *_token_paths(case, found)]
        for one in found.signature.other_embedded_certs:
            embedded[one.dump()] = None
        made.append(_part(case, found, path))
    levels = [Level(part.level) for part in made if not part.timestamp]
    return Parts(
        level=min(levels, key=ORDER.index).value if levels else "",
        signatures=tuple(made),
        embedded=tuple(embedded),
        answers=_answers(case.trust, case.carried, paths),
        paths=tuple(tuple(one.dump() for one in path) for path in dict.fromkeys(paths) if path),
    )


def _part(case: Case, found: Found, path: tuple[x509.Certificate, ...]) -> Part:
    signature = found.signature
    assert signature is not None
    a, b, c, d = (int(number) for number in signature.byte_range)
    token = bytes(signature.pkcs7_content)
    signer = next((one for one in case.signers if one.field == found.field), None)
    stamp = next((one for one in case.stamps if one.name == found.field), None)
    return Part(
        field=found.field,
        timestamp=found.is_timestamp,
        pades=signature.sig_object.get("/SubFilter") == "/ETSI.CAdES.detached",
        ranges=((a, b), (c, d)),
        token=token[: parser.peek(token)],
        level=signer.level.value if signer else Level.OTHER.value,
        name=signer.name if signer else "",
        at=stamp.at if stamp else (signer.signed_at if signer and signer.time_source is TimeSource.TSA else None),
        path=tuple(one.dump() for one in path),
    )


def _path(case: Case, found: Found) -> tuple[x509.Certificate, ...]:
    if found.is_timestamp:
        return next((stamp.path for stamp in case.stamps if stamp.name == found.field), ())
    chain = case.chains.get(found.field)
    return chain.path if chain is not None else ()


def _token_paths(case: Case, found: Found) -> list[tuple[x509.Certificate, ...]]:
    """The certificates behind the time-stamp that a signature carries in itself."""
    signature = found.signature
    assert signature is not None
    try:
        tokens = list(generic_cms.extract_tst_data_iter(signature.signer_info, signed=False))
        imprint = generic_cms.message_imprint_checker(signature.signer_info)
        verified = [
            run(verify_token(one, imprint, found.field, case.trust, case.moment, case.carried)) for one in tokens
        ]
    except BROKEN:
        return []
    return [one.path for one in verified]


def _answers(trust: Trust, carried: Carried, paths: Iterable[tuple[x509.Certificate, ...]]) -> tuple[bytes, ...]:
    known = carried.added_to(trust)
    kept: dict[bytes, None] = {}
    for path in paths:
        if path:
            crls, ocsps = telling(known.crls, known.ocsps, path)
            kept.update(dict.fromkeys(proof_of(path, crls, ocsps)))
    return tuple(kept)


@dataclass(frozen=True)
class TokenParts:
    """A time-stamp token taken apart: what it says, the certificates and the answers behind it."""

    at: datetime
    path: tuple[bytes, ...]
    answers: tuple[bytes, ...]


def token_parts(token: bytes, trust: Trust) -> TokenParts:
    """Take a token of our own log apart. Its certificate's way to a root may be missing; then `path` is empty."""
    signed = cms.ContentInfo.load(token)["content"]
    at: datetime = signed["encap_content_info"]["content"].parsed["gen_time"].native
    held = [one.chosen for one in signed["certificates"]]
    path: tuple[x509.Certificate, ...] = ()
    for certificate in held:
        if not certificate.ca:
            path = run(chain_of(certificate, held, trust, Purpose.TSA, at)).path
            break
    answers = _answers(trust, Carried(), [path])
    return TokenParts(at, tuple(one.dump() for one in path), answers)


def is_list(answer: bytes) -> bool:
    """Whether what an authority said is a revocation list; else it is an OCSP answer."""
    return read_list(answer) is not None
