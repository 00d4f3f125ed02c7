"""What authorities publish, and what somebody makes up who would like to be one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.keys.keystore import FileKeyStore, KeyDescription
from signing.testca.certificates import Pair, key_usage

NOBODY: Mapping[int, datetime] = {}


def plain_list(
    by: Pair, made: datetime, ends: datetime, revoked: Mapping[int, datetime] = NOBODY, *, indirect: bool = False
) -> bytes:
    """A revocation list as most authorities make them: it does not say that it keeps what has ended. An `indirect` one
    claims to be about the certificates of others, too."""
    key = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
    builder = x509.CertificateRevocationListBuilder(by.certificate.subject, made, ends).add_extension(key, False)
    if indirect:
        about = x509.IssuingDistributionPoint(None, None, False, False, None, True, False)
        builder = builder.add_extension(about, critical=True)
    for serial, at in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)


def authority_called(
    subject: x509.Name, key: rsa.RSAPublicKey, by: Pair, not_after: datetime, above: rsa.RSAPublicKey | None = None
) -> bytes:
    """The certificate (DER) of an authority of this name, signed by `by`; `above` is the key that it says is its
    issuer's, when that is not true."""
    issuer_key = above or by.key.public_key()
    builder = (
        x509.CertificateBuilder(by.certificate.subject, subject, key, x509.random_serial_number())
        .not_valid_before(not_after - timedelta(days=700))
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)


def der_of(certificate: x509.Certificate) -> bytes:
    """DER."""
    return certificate.public_bytes(Encoding.DER)


class Beside:
    """A key whose signatures bring more certificates than its own chain."""

    def __init__(self, key: FileKeyStore, *more: bytes) -> None:
        self._key, self._more = key, more

    def describe(self) -> KeyDescription:
        """As the key's own, with the further certificates."""
        own = self._key.describe()
        return replace(own, chain=(*own.chain, *self._more))

    def sign(self, tbs: bytes) -> bytes:
        """As the key."""
        return self._key.sign(tbs)
