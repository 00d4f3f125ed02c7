"""S/MIME (RFC 8551): a detached signature around a MIME entity, an envelope for one reader, and the check of both.

Signing goes through a `KeyStore`, whose key cannot be seen. Checking trusts one certificate only, the one that was
pinned for the partner; what else a message brings along is not looked at.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.keys.keystore import KeyStore

CRLF = b"\r\n"
SIGNATURE_TYPES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
ENVELOPE_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


class WrongSignature(Exception):
    """A signature that is not the partner's, or not over these bytes. `reason_phrase` is the sentence for people."""

    def __init__(self, reason_phrase: Phrase) -> None:
        super().__init__(reason_phrase.vi)
        self.reason_phrase = reason_phrase


@dataclass(frozen=True)
class Signed:
    """The content that a signature covers, and when its signer says to have signed."""

    content: bytes | memoryview
    at: datetime | None


def sign(entity: bytes, key: KeyStore, at: datetime, boundary: str) -> bytes:
    """`multipart/signed` around a MIME entity with CRLF line ends; headers of the letter come before it."""
    signature = base64.encodebytes(_cms(entity, key, at)).replace(b"\n", CRLF)
    mark = b"--" + boundary.encode()
    head = (
        'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256;\r\n'
        f' boundary="{boundary}"\r\n\r\n'
        "This is an S/MIME signed message.\r\n\r\n"
    )
    signature_head = (
        'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
    )
    parts = [head.encode(), mark, CRLF, entity, CRLF, mark, CRLF, signature_head.encode(), signature]
    return b"".join([*parts, mark, b"--", CRLF])


def envelop(entity: bytes, reader: x509.Certificate) -> bytes:
    """`application/pkcs7-mime` that only the holder of this certificate can open (AES-256)."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(entity).add_recipient(reader)
    builder = builder.set_content_encryption_algorithm(algorithms.AES256)
    closed = builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    head = (
        'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(closed).replace(b"\n", CRLF)


def read_certificate(pem: str) -> x509.Certificate:
    """A partner's certificate; Invalid(certificate) when it is none, or of a key that cannot be used for mail."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except ValueError as error:
        raise Invalid({"certificate": phrase("Đây không phải là chứng thư dạng PEM.")}) from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise Invalid({"certificate": phrase("Chứng thư dùng loại khoá không hỗ trợ; xin dùng RSA hoặc ECDSA.")})
    return certificate


def inside(der: bytes) -> bytes:
    """The content of an opaque signature, believed by nobody; WrongSignature when nothing can be read."""
    try:
        info = cms.ContentInfo.load(der, strict=True)
        found = info["content"]["encap_content_info"]["content"].native if _is_signed_data(info) else None
    except (ValueError, TypeError, KeyError):
        found = None
    if not isinstance(found, bytes):
        raise WrongSignature(phrase("Phần chữ ký của thư không đọc được."))
    return found


def _is_signed_data(info: cms.ContentInfo) -> bool:
    return bool(info["content_type"].native == "signed_data")


def check(der: bytes, content: bytes | memoryview | None, pinned: x509.Certificate, now: datetime) -> Signed:
    """The content that the partner signed; WrongSignature with the reason. `content` is None when it is inside
    (opaque)."""
    try:
        info = cms.ContentInfo.load(der, strict=True)
        if not _is_signed_data(info):
            raise WrongSignature(phrase("Phần chữ ký của thư không đọc được."))
        signed = info["content"]
        inside = signed["encap_content_info"]["content"].native if content is None else content
        signers = [s for s in signed["signer_infos"] if _is_of(s, pinned)]
    except (ValueError, TypeError, KeyError) as error:
        raise WrongSignature(phrase("Phần chữ ký của thư không đọc được.")) from error
    if inside is None:
        raise WrongSignature(phrase("Phần chữ ký của thư không đọc được."))
    if not signers:
        raise WrongSignature(phrase("Thư được ký bằng chứng thư khác với chứng thư đã đăng ký của nơi gửi."))
    if not pinned.not_valid_before_utc <= now <= pinned.not_valid_after_utc:
        raise WrongSignature(phrase("Chứng thư đã đăng ký của nơi gửi không còn hiệu lực."))
    try:
        return Signed(inside, _check_signer(signers[0], inside, pinned))
    except (ValueError, TypeError, KeyError) as error:
        raise WrongSignature(phrase("Phần chữ ký của thư không đọc được.")) from error


def _check_signer(signer: cms.SignerInfo, content: bytes | memoryview, pinned: x509.Certificate) -> datetime | None:
    digest = signer["digest_algorithm"]["algorithm"].native
    if digest not in _DIGESTS:
        raise WrongSignature(phrase("Chữ ký của thư dùng thuật toán băm quá yếu ({name}).", name=str(digest)))
    attributes = {a["type"].native: a["values"] for a in signer["signed_attrs"] or ()}
    at: datetime | None = None
    if attributes:
        claimed = attributes["message_digest"][0].native
        if not hmac.compare_digest(claimed, hashlib.new(digest, content).digest()):
            raise WrongSignature(phrase("Nội dung thư đã bị thay đổi sau khi ký."))
        covered = signer["signed_attrs"].untag().dump()
        at = attributes["signing_time"][0].native if "signing_time" in attributes else None
    else:
        covered = bytes(content)
    try:
        _check_bytes(signer, covered, digest, pinned)
    except InvalidSignature as error:
        raise WrongSignature(phrase("Nội dung thư đã bị thay đổi sau khi ký.")) from error
    return at


def _check_bytes(signer: cms.SignerInfo, covered: bytes, digest: str, pinned: x509.Certificate) -> None:
    key, signature, algorithm = pinned.public_key(), signer["signature"].native, signer["signature_algorithm"]
    if isinstance(key, rsa.RSAPublicKey):
        if algorithm["algorithm"].native == "rsassa_pss":
            named = algorithm["parameters"]["hash_algorithm"]["algorithm"].native
            if named not in _DIGESTS:
                raise InvalidSignature
            scheme: padding.AsymmetricPadding = padding.PSS(padding.MGF1(_DIGESTS[named]()), padding.PSS.AUTO)
            key.verify(signature, covered, scheme, _DIGESTS[named]())
        else:
            key.verify(signature, covered, padding.PKCS1v15(), _DIGESTS[digest]())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, covered, ec.ECDSA(_DIGESTS[digest]()))
    else:
        raise InvalidSignature


def _is_of(signer: cms.SignerInfo, pinned: x509.Certificate) -> bool:
    ours = asn1_x509.Certificate.load(pinned.public_bytes(Encoding.DER))
    named = signer["sid"]
    if named.name == "issuer_and_serial_number":
        same_issuer = named.chosen["issuer"].hashable == ours.issuer.hashable
        return bool(same_issuer and named.chosen["serial_number"].native == ours.serial_number)
    return bool(ours.key_identifier) and named.chosen.native == ours.key_identifier


def _cms(content: bytes, key: KeyStore, at: datetime) -> bytes:
    """SignedData without the content; the same content, key and time always give the same bytes with RSA."""
    description = key.describe()
    certificate = asn1_x509.Certificate.load(description.certificate)
    sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": core.UTCTime(at)})]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
        ]
    )
    algorithm = {"sha256_rsa": "rsassa_pkcs1v15"}.get(str(description.algorithm), str(description.algorithm))
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value=cms.IssuerAndSerialNumber(
                    {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                ),
            ),
            "digest_algorithm": sha256,
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
            "signature": key.sign(attributes.dump()),
        }
    )
    chain = [asn1_x509.Certificate.load(der) for der in description.chain]
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "data"},
            "certificates": [certificate, *chain],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())
