"""Keys and certificates of systems that sign envelopes, made once in a process."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Key:
    """A private key, and a certificate that it has signed itself."""

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: bytes

    def sign(self, data: bytes, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
        """PKCS#1 v1.5 for RSA, DER for ECDSA."""
        algorithm = algorithm or hashes.SHA256()
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), algorithm)
        return self.private.sign(data, ec.ECDSA(algorithm))


@cache
def key(name: str = "Hệ thống", make: Callable[[], object] | None = None) -> Key:
    """An RSA key of this name, or what `make` makes."""
    private = make() if make else rsa.generate_private_key(65537, 2048)
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    builder = builder.serial_number(7).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    certificate = builder.not_valid_after(datetime(2030, 1, 1, tzinfo=UTC)).sign(private, hashes.SHA256())
    return Key(private, certificate.public_bytes(Encoding.DER))


def on_a_curve() -> ec.EllipticCurvePrivateKey:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())
