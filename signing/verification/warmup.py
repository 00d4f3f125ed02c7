"""A letter of nobody's, signed by an authority that lives for a moment: what libraries prepare for the first file that
they see, a zygote has them prepare for this one, so that none of its children has to (`signing.sandbox`).

Nobody trusts that authority but the rehearsal itself, and its keys are gone when it is over.
"""

# mypy: allow-untyped-calls
# (asn1crypto and parts of pyHanko are untyped)

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from kernel import clock
from signing.keys.keystore import KeyAlgorithm, KeyDescription
from signing.pdf.pades import FIELD_PERSON, sign_field
from signing.trust.trust_store import Anchor, Purpose, Trust

A4 = (0, 0, 595, 842)
NAME = "Tập dượt"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rehearsal:
    """A signed letter, and a trust under which it is valid."""

    letter: bytes
    trust: Trust


def rehearsal() -> Rehearsal:
    """Made anew each time. Takes about a tenth of a second, most of it for the RSA key."""
    now = clock.now()
    authority = ec.generate_private_key(ec.SECP256R1())
    root = _certificate(authority, authority, now, ca=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = _Signer(key, _certificate(key, authority, now, ca=False), root)
    return Rehearsal(sign_field(_blank(), signer, FIELD_PERSON), _trusted(root, _revoked(authority, now), now))


@dataclass(frozen=True)
class _Signer:
    """The signer's key, as a `KeyStore`."""

    key: rsa.RSAPrivateKey
    certificate: bytes
    root: bytes

    def describe(self) -> KeyDescription:
        """Certificate and chain."""
        return KeyDescription(self.certificate, (self.root,), KeyAlgorithm.RSA_SHA256)

    def sign(self, tbs: bytes) -> bytes:
        """The signature."""
        return self.key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    authority: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    ca: bool,
) -> bytes:
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(f"{NAME} CA" if ca else NAME))
        .issuer_name(_named(f"{NAME} CA"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, content_commitment=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    return builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.DER)


def _revoked(authority: ec.EllipticCurvePrivateKey, now: datetime) -> bytes:
    """A list with nobody on it."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(_named(f"{NAME} CA"))
    builder = builder.last_update(now - _DAY).next_update(now + _DAY)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
    )
    return builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.DER)


def _trusted(root: bytes, revoked: bytes, now: datetime) -> Trust:
    anchor = Anchor(
        certificate=asn1_x509.Certificate.load(root),
        sha256=hashlib.sha256(root).hexdigest(),
        purposes=frozenset({Purpose.PERSON}),
        label=NAME,
        test=True,
        added_by="rehearsal",
        added_at=now,
    )
    return Trust(anchors=(anchor,), crls=(revoked,))


def _blank() -> bytes:
    """A page with nothing on it."""
    writer = PdfFileWriter()
    writer.insert_page(PageObject(contents=writer.add_object(StreamObject(stream_data=b"")), media_box=A4))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
