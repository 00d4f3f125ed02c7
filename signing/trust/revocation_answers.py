"""Reading what authorities say about revocation: is it signed by the right one, about what was asked, and how fresh?

What is kept must be signed by the issuer: over plain http anybody on the way could answer, and a worthless answer must
not take the place of a good one. Whether it is believed in a verdict is decided there, once more and completely.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from signing.trust.fetching import NotFetched, is_callable

CLOCK_SKEW = timedelta(minutes=5)
WITHOUT_END = timedelta(days=1)
"""An answer that names no next one is asked for again after this."""


@dataclass(frozen=True)
class Answer:
    """An answer that is signed by the right authority. `next_update` is when a newer one is promised."""

    data: bytes
    this_update: datetime
    next_update: datetime


def list_addresses(certificate: x509.Certificate) -> list[str]:
    """Where the lists that may name this certificate are (CRL distribution points with a full name)."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    names = [name.value for point in points for name in point.full_name or [] if _is_url(name)]
    return [url for url in names if is_callable(url)]


def responder_addresses(certificate: x509.Certificate) -> list[str]:
    """Which OCSP responders answer about this certificate (authority information access)."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    named = [one for one in access if one.access_method == AuthorityInformationAccessOID.OCSP]
    urls = [one.access_location.value for one in named if _is_url(one.access_location)]
    return [url for url in urls if is_callable(url)]


def question_about(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """The OCSP request (RFC 6960 §4.1). SHA-1 only names the certificate; it is what all responders know."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303
    return builder.build().public_bytes(Encoding.DER)


def read_list(data: bytes, issuer: x509.Certificate, now: datetime) -> Answer:
    """A revocation list (DER or PEM) that `issuer` has signed; NotFetched says what is wrong with it."""
    try:
        found = x509.load_pem_x509_crl(data) if data.startswith(b"-----") else x509.load_der_x509_crl(data)
        made, ends = found.last_update_utc, found.next_update_utc
        signed = found.issuer == issuer.subject and found.is_signature_valid(_public_key(issuer))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotFetched("unreadable") from error
    if not signed:
        raise NotFetched("wrong_signature")
    return _timely(found.public_bytes(Encoding.DER), made, ends, now)


def read_response(data: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Answer:
    """An OCSP answer about `certificate`, signed by its issuer or by a responder that the issuer certified."""
    try:
        found = ocsp.load_der_ocsp_response(data)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise NotFetched("unreadable")
        about = found.serial_number == certificate.serial_number and found.issuer_name_hash == _hash_of(
            issuer.subject.public_bytes(), found.hash_algorithm
        )
        made, ends = found.this_update_utc, found.next_update_utc
        signed = _is_signed(found, issuer)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotFetched("unreadable") from error
    if not about:
        raise NotFetched("not_about")
    if not signed:
        raise NotFetched("wrong_signature")
    return _timely(data, made, ends, now)


def _timely(data: bytes, made: datetime, ends: datetime | None, now: datetime) -> Answer:
    if made > now + CLOCK_SKEW:
        raise NotFetched("from_the_future")
    return Answer(data, made, ends or made + WITHOUT_END)


def _is_signed(found: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    """RFC 6960 §4.2.2.2: by the issuer itself, or by one that it certified for just this."""
    for signer in (issuer, *found.certificates):
        if signer is not issuer and not _may_answer_for(signer, issuer):
            continue
        try:
            _check(signer, found.signature, found.tbs_response_bytes, found.signature_hash_algorithm)
        except InvalidSignature:
            continue
        return True
    return False


def _may_answer_for(signer: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        signer.verify_directly_issued_by(issuer)
        uses = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in uses


def _check(signer: x509.Certificate, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None) -> None:
    key = _public_key(signer)
    if algorithm is None:
        raise InvalidSignature
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, signed, padding.PKCS1v15(), algorithm)
    else:
        key.verify(signature, signed, ec.ECDSA(algorithm))


def _public_key(certificate: x509.Certificate) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise UnsupportedAlgorithm("only RSA and elliptic keys sign lists")
    return key


def _hash_of(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _is_url(name: x509.GeneralName) -> bool:
    return isinstance(name, x509.UniformResourceIdentifier)
