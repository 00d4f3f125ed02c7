"""How the certificates and the revocation lists of the TEST authority are built: subjects, extensions, lifetimes."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from kernel import clock
from kernel.text import nfc
from signing.trust.holders import COMMON_NAME_LIMIT, TEST_MARK
from signing.trust.revocation_info import EXPIRED_CERTS_ON_CRL

# Generous on both sides, so that tests may freeze the clock around the day on which the authority was made.
_BACKDATED = timedelta(days=800)
LIFETIME = timedelta(days=1000)
CRL_LIFETIME = timedelta(days=365)
_KEY_BITS = 2048

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Pair:
    """A private key and its certificate, before they go into a file."""

    key: PrivateKey
    certificate: x509.Certificate


def new_key() -> rsa.RSAPrivateKey:
    """A new RSA key of the length that this authority uses."""
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def subject_named(name: str, names: Sequence[tuple[x509.ObjectIdentifier, str]]) -> x509.Name:
    """A subject with the test mark in OU."""
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")]
    attributes += [_attribute(oid, text) for oid, text in names if text]
    attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, TEST_MARK))
    attributes.append(_attribute(NameOID.COMMON_NAME, name))
    return x509.Name(attributes)


def _attribute(oid: x509.ObjectIdentifier, text: str) -> x509.NameAttribute[str]:
    """One part of a name. X.520 caps it at 64 characters; cryptography counts bytes, which halves Vietnamese."""
    value = nfc(text)[:COMMON_NAME_LIMIT].rstrip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return x509.NameAttribute(oid, value, _validate=len(value.encode()) <= COMMON_NAME_LIMIT)


def certificate_builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, not_after: datetime
) -> x509.CertificateBuilder:
    """A certificate in the making: names, public key, serial number and validity, without a use."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(clock.now(), not_after) - _BACKDATED)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def ca_builder(subject: x509.Name, issuer: x509.Name, key: PrivateKey, path_length: int) -> x509.CertificateBuilder:
    """A certificate in the making for an authority, below which `path_length` more authorities may stand."""
    return (
        certificate_builder(subject, issuer, key, clock.now() + 4 * LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(signs=False), critical=True)
    )


def with_addresses(
    builder: x509.CertificateBuilder, address: str, issuer: str, *, answers: bool
) -> x509.CertificateBuilder:
    """Where to ask about the certificate: the list of its issuer, the issuer's certificate, and the OCSP responder."""
    described = [
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(f"{address}/ca/{issuer}.crt")
        )
    ]
    if answers:
        responder = x509.UniformResourceIdentifier(f"{address}/ocsp")
        described.append(x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder))
    revocation_list = x509.UniformResourceIdentifier(f"{address}/crl/{issuer}.crl")
    place = x509.DistributionPoint([revocation_list], relative_name=None, reasons=None, crl_issuer=None)
    return builder.add_extension(x509.AuthorityInformationAccess(described), critical=False).add_extension(
        x509.CRLDistributionPoints([place]), critical=False
    )


def key_usage(*, signs: bool) -> x509.KeyUsage:
    """What a key may do: sign data (`signs`), or sign certificates and revocation lists."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def sign_certificate(builder: x509.CertificateBuilder, key: PrivateKey, issuer: Pair | None) -> x509.Certificate:
    """The certificate, signed by `issuer`'s key; by its own `key` without an issuer."""
    signer = issuer.key if issuer else key
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )
    return builder.sign(signer, hashes.SHA256())


def build_crl(held: Pair, revoked: Mapping[str, str], now: datetime | None = None) -> bytes:
    """The revocation list (DER) of an authority: `revoked` maps serial numbers in hex to moments (ISO 8601)."""
    now = now or clock.now()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(held.certificate.subject)
        .last_update(now)
        .next_update(now + CRL_LIFETIME)
        .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(held.key.public_key()), critical=False)
        .add_extension(_keeps_ended(held.certificate), critical=False)
    )
    for serial, at in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
        entry = entry.revocation_date(datetime.fromisoformat(at))
        builder = builder.add_revoked_certificate(
            entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False).build()
        )
    return builder.sign(held.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _keeps_ended(authority: x509.Certificate) -> x509.UnrecognizedExtension:
    """This authority never drops a certificate from its list: said, so that old signatures can be checked."""
    since = core.GeneralizedTime(authority.not_valid_before_utc).dump()
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(EXPIRED_CERTS_ON_CRL), since)
