"""Where private keys live. Everything else sees a `KeyStore`: a certificate, and a way to have bytes signed.

The signer's own token stays the default for people (the server never holds that key); the file store is for
system keys and trials. A PKCS#11 store or a remote service has the same two functions.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import logging
import resource
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from pyhanko.sign.signers.pdf_cms import Signer as PdfCmsSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from kernel.errors import Unavailable
from kernel.text import phrase
from signing.sandbox import ports

log = logging.getLogger(__name__)


class KeyAlgorithm(StrEnum):
    """How a store signs; the digest is SHA-256 always."""

    RSA_SHA256 = "sha256_rsa"
    ECDSA_SHA256 = "sha256_ecdsa"


@dataclass(frozen=True)
class KeyDescription:
    """The public half: DER of the certificate, DER of the certificates above it (issuer first), the algorithm."""

    certificate: bytes
    chain: tuple[bytes, ...]
    algorithm: KeyAlgorithm


class KeyStore(Protocol):
    """A private key that can be used and not seen."""

    def describe(self) -> KeyDescription:
        """The certificate that belongs to the key, and its chain. Must not ask for a PIN."""
        ...

    def sign(self, tbs: bytes) -> bytes:
        """The signature over `tbs` (hashed here with SHA-256): PKCS#1 v1.5 for RSA, DER for ECDSA."""
        ...


def _is_key(thing: object) -> bool:
    return hasattr(thing, "describe") and hasattr(thing, "sign")


class SandboxKey:
    """A key as a task in the sandbox sees it: the parent holds the key, and signs once."""

    def __init__(self, ask: ports.Ask, description: KeyDescription) -> None:
        self._ask, self._description = ask, description

    def describe(self) -> KeyDescription:
        """Certificate, chain and algorithm."""
        return self._description

    def sign(self, tbs: bytes) -> bytes:
        """The parent's signature over `tbs`."""
        return self._ask(tbs)


ports.register(
    ports.Remote(
        name="key",
        module=__name__,
        matches=_is_key,
        describe=lambda key: key.describe(),
        answer=lambda key, tbs: bytes(key.sign(tbs)),
        proxy=SandboxKey,
    )
)


class Passphrase(bytes):
    """Opens a key file; shown to nobody, whatever prints it."""

    def __repr__(self) -> str:
        return "<passphrase>"


def keep_keys_out_of_core_dumps() -> None:
    """This process holds a private key or a PIN from now on: when it dies, its memory is not written to a file."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


class FileKeyStore:
    """A key in an encrypted PKCS#12 file, opened and parsed once.

    pyHanko's own signer parses the RSA key again for each signature, which costs four fifths of the time.
    """

    def __init__(self, path: Path, passphrase: bytes) -> None:
        keep_keys_out_of_core_dumps()
        passphrase = Passphrase(passphrase)
        key, certificate, others = _open(path, passphrase)
        self._key = key
        self._description = KeyDescription(
            certificate=certificate.public_bytes(Encoding.DER),
            chain=tuple(other.public_bytes(Encoding.DER) for other in others),
            algorithm=KeyAlgorithm.RSA_SHA256 if isinstance(key, rsa.RSAPrivateKey) else KeyAlgorithm.ECDSA_SHA256,
        )

    def describe(self) -> KeyDescription:
        """Certificate and chain as they stand in the file."""
        return self._description

    def sign(self, tbs: bytes) -> bytes:
        """Sign with the key in memory."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(tbs, ec.ECDSA(hashes.SHA256()))

    def __repr__(self) -> str:
        return "<FileKeyStore>"


def file_key(path: Path, passphrase: bytes) -> FileKeyStore:
    """The key in this file, parsed once per process and again when the file has changed."""
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0
    return _kept(path, Passphrase(passphrase), stamp)


@lru_cache(maxsize=256)
def _kept(path: Path, passphrase: bytes, stamp: int) -> FileKeyStore:
    return FileKeyStore(path, passphrase)


def _open(
    path: Path, passphrase: bytes
) -> tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, x509.Certificate, list[x509.Certificate]]:
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(path.read_bytes(), passphrase)
    except (OSError, ValueError) as error:
        # The library's message may quote the file; the name is enough to find it.
        log.warning("key file %s cannot be opened: %s", path.name, type(error).__name__)
        raise Unavailable(phrase("Không mở được kho khoá ký số, xin báo quản trị hệ thống.")) from None
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Unavailable(phrase("Kho khoá ký số thiếu khoá hoặc chứng thư, xin báo quản trị hệ thống."))
    return key, certificate, list(others)


class StoreSigner(PdfCmsSigner):
    """pyHanko's signer port over a `KeyStore`."""

    def __init__(self, store: KeyStore) -> None:
        description = store.describe()
        registry = SimpleCertificateStore()
        registry.register_multiple(asn1_x509.Certificate.load(der) for der in description.chain)
        super().__init__(
            signing_cert=asn1_x509.Certificate.load(description.certificate),
            cert_registry=registry,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": description.algorithm.value}),
            embed_roots=False,
        )
        self._store = store

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """Hand the bytes to the store; a dry run must not touch the key, so it answers with the longest length."""
        return bytes(512) if dry_run else self._store.sign(data)
