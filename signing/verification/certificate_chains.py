"""The certificate side of a verification: does this certificate lead to a trusted root, for this use, at this moment?

Revocation is always required: pyHanko's default calls a certificate with unknown (and even a revoked one without
distribution points) trusted. Not reachable is *unknown*, revoked is *revoked*; neither is ever good.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from asn1crypto import cms, x509
from pyhanko.sign.general import NonexistentAttributeError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import (
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    PathValidationError,
    RevokedError,
    StaleRevinfoError,
    ValidationError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import DisallowWeakAlgorithmsPolicy
from pyhanko_certvalidator.validate import async_validate_path

from signing.pdf.complexity import check_certificates
from signing.pdf.signed_file import BROKEN
from signing.trust.revocation_info import telling
from signing.trust.trust_store import Purpose, Trust

CLOCK_SKEW = timedelta(seconds=60)
MAX_PATHS = 64
"""Ways to a root that are tried: papers have one or two; certificates made up for a file lead round without end."""
DOCUMENT_SIGNING = {
    "email_protection",
    "any_extended_key_usage",
    "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning, RFC 9336
    "microsoft_document_signing",
    "1.3.6.1.4.1.311.10.3.12",
    "adobe_authentic_documents_trust",
    "1.2.840.113583.1.1.5",
}


class ChainState(StrEnum):
    """How the way from a certificate to a trusted root ends."""

    GOOD = "good"
    NO_PATH = "no_path"
    SELF_SIGNED = "self_signed"
    REVOKED = "revoked"
    AUTHORITY_REVOKED = "authority_revoked"
    REVOCATION_UNKNOWN = "revocation_unknown"
    REVOCATION_STALE = "revocation_stale"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    BROKEN = "broken"


@dataclass(frozen=True)
class Chain:
    """The outcome; `at` is when it was revoked, expired, begins to be valid, or until when its revocation was known;
    `test` when the root is a test root.

    `path` is the way to the root, root first, when there is one and only its revocation is in question.
    """

    state: ChainState
    at: datetime | None = None
    detail: str = ""
    root: str = ""
    test: bool = False
    path: tuple[x509.Certificate, ...] = field(default=(), compare=False, repr=False)


class Usage(StrEnum):
    """What a certificate may be used for, as far as signing documents goes."""

    FITTING = "fitting"
    UNCLEAR = "unclear"
    WRONG = "wrong"


def usage_of(certificate: x509.Certificate) -> Usage:
    """Whether key usage and extended key usage allow signing documents (RFC 5280 §§4.2.1.3, 4.2.1.12)."""
    if certificate.ca:
        return Usage.WRONG
    key_usage = certificate.key_usage_value
    uses = set(key_usage.native) if key_usage is not None else set()
    if key_usage is not None and not uses & {"non_repudiation", "digital_signature"}:
        return Usage.WRONG
    extended = certificate.extended_key_usage_value
    if extended is None:
        return Usage.FITTING if "non_repudiation" in uses else Usage.UNCLEAR
    purposes = set(extended.native)
    if purposes & DOCUMENT_SIGNING:
        return Usage.FITTING
    # Some authorities give signing certificates only "client authentication" beside non-repudiation.
    if "non_repudiation" in uses and "client_auth" in purposes and "server_auth" not in purposes:
        return Usage.UNCLEAR
    return Usage.WRONG


async def chain_of(
    certificate: x509.Certificate,
    embedded: list[x509.Certificate],
    trust: Trust,
    purpose: Purpose,
    moment: datetime,
) -> Chain:
    """Build and check the way from `certificate` to a root trusted for `purpose`, as of `moment`."""
    roots = trust.roots(purpose)
    if not roots:
        return Chain(_without_root(certificate))
    try:
        path = await _valid_path(certificate, embedded, trust, purpose, moment)
    except RevokedError as error:
        state = ChainState.REVOKED if error.is_ee_cert else ChainState.AUTHORITY_REVOKED
        return _in_question(state, error, trust, error.revocation_dt)
    except StaleRevinfoError as error:
        return await _by_old_answers(certificate, embedded, trust, purpose, moment, error)
    except InsufficientRevinfoError as error:
        return _in_question(ChainState.REVOCATION_UNKNOWN, error, trust)
    except ExpiredError as error:
        return Chain(ChainState.EXPIRED, at=error.expired_dt, detail=error.failure_msg)
    except NotYetValidError as error:
        return Chain(ChainState.NOT_YET_VALID, at=error.valid_from, detail=error.failure_msg)
    except (PathBuildingError, InvalidCertificateError):
        return Chain(_without_root(certificate))
    except ValidationError as error:
        return Chain(ChainState.BROKEN, detail=error.failure_msg)
    except BROKEN as error:
        return Chain(ChainState.BROKEN, detail=str(error))
    return _good(path, trust)


async def _valid_path(
    certificate: x509.Certificate,
    embedded: list[x509.Certificate],
    trust: Trust,
    purpose: Purpose,
    moment: datetime,
) -> ValidationPath:
    """The first way to a root that holds. What is known of revocation is chosen for each way by itself (`telling`).

    Raises what is wrong with the most telling of those that do not hold, as `find_valid_path` of the library does.
    """
    check_certificates(certificate, embedded)
    context = validation_context(trust, purpose, moment, embedded)
    paths = context.path_builder.async_build_paths_lazy(certificate)
    wrong: list[ValidationError] = []
    try:
        async for path in paths:
            context = validation_context(trust, purpose, moment, embedded, tuple(path))
            try:
                await async_validate_path(context, path)
                return path
            except ValidationError as error:
                wrong.append(error)
            if len(wrong) >= MAX_PATHS:
                break
    finally:
        await paths.cancel()
    raise max(wrong, key=_telling_most)


def _telling_most(error: ValidationError) -> int:
    """A signer who was revoked stays so on every way; a way of which only revocation is unknown may be the right one;
    one with a wrong signature is none."""
    match error:
        case RevokedError(is_ee_cert=True):
            return 4
        case StaleRevinfoError():
            return 3
        case InsufficientRevinfoError():
            return 2
        case _:
            return 0 if "signature" in str(error) else 1


async def _by_old_answers(
    certificate: x509.Certificate,
    embedded: list[x509.Certificate],
    trust: Trust,
    purpose: Purpose,
    moment: datetime,
    error: StaleRevinfoError,
) -> Chain:
    """The newest answer had ended before `moment`: within the soft window, what did it say while it held?"""
    until = error.time_cutoff
    left = trust.soft - (moment - until)
    if left < timedelta():
        return _in_question(ChainState.REVOCATION_UNKNOWN, error, trust)
    then = await chain_of(certificate, embedded, replace(trust, soft=left), purpose, until)
    if then.state is not ChainState.GOOD:
        return then  # revoked already, or stale in another link of the chain, too
    return replace(then, state=ChainState.REVOCATION_STALE, at=until - CLOCK_SKEW, detail=error.failure_msg)


def _in_question(state: ChainState, error: PathValidationError, trust: Trust, at: datetime | None = None) -> Chain:
    path = tuple(error.original_path)
    root = error.original_path.first
    return Chain(state, at, error.failure_msg, root.sha256.hex(), trust.is_test(root), path)


def _good(path: ValidationPath, trust: Trust) -> Chain:
    root = path.first
    if path.pkix_len == 0:
        # The root itself signed: trusted, but nothing tells whether it was meant to sign papers.
        return Chain(ChainState.BROKEN, detail="signed by a root certificate itself")
    return Chain(ChainState.GOOD, root=root.sha256.hex(), test=trust.is_test(root), path=tuple(path))


def _without_root(certificate: x509.Certificate) -> ChainState:
    return ChainState.SELF_SIGNED if certificate.self_signed != "no" else ChainState.NO_PATH


def validation_context(
    trust: Trust,
    purpose: Purpose,
    moment: datetime,
    embedded: list[x509.Certificate],
    path: tuple[x509.Certificate, ...] = (),
) -> ValidationContext:
    """pyHanko's context with our rules: pinned roots of this purpose, cached revocation only, nothing fetched.

    It knows what is at hand of revocation on `path` (root first), and nothing without one. Lists newer than `moment`
    count: what they say about an earlier day is later and better knowledge, unless they were made after what they
    do not name had ended (`revinfo`). Who only bears the name of an authority on the way is left out: pyHanko would
    let the list of one vouch for the other.
    """
    names = {one.subject.hashable for one in path}
    others = [one for one in (*trust.intermediates, *embedded) if one.subject.hashable not in names]
    crls, ocsps = telling(trust.crls, trust.ocsps, path) if path else ([], [])
    return ValidationContext(
        trust_roots=trust.roots(purpose),
        other_certs=[*path, *others],
        moment=moment,
        best_signature_time=moment,
        crls=crls,
        ocsps=ocsps,
        allow_fetching=False,
        revocation_mode="require",
        retroactive_revinfo=True,
        time_tolerance=CLOCK_SKEW,
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy(),
    )


def binds_certificate(signer_info: cms.SignerInfo) -> bool:
    """Whether the signed attributes name the signer's certificate (CAdES signing-certificate, v1 or v2)."""
    from pyhanko.sign.validation.generic_cms import get_signing_cert_attr

    attributes = signer_info["signed_attrs"]
    try:
        return bool(attributes) and get_signing_cert_attr(attributes) is not None
    except (NonexistentAttributeError, *BROKEN):
        return False
