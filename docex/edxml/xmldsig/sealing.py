"""Putting an envelope's own signature on it, as the official builder lays it out: rsa-sha256, the whole document.

SignedInfo is signed in the namespace of XML signatures, so that any tool for those can check it once the namespace of
the one element `Signature` is set right (`signature.signed_info_forms`).
"""

import base64
import io
from collections.abc import Callable
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from docex.edxml.limits import DEFAULT
from docex.edxml.model import Envelope, EnvelopeSignature, SignedReference
from docex.edxml.writer import write, written
from docex.edxml.xmldsig.canonical import EXCLUSIVE
from docex.edxml.xmldsig.digests import Digester, Removal, digest_pieces
from docex.edxml.xmldsig.signature import ECDSA_SHA256, ENVELOPED, RSA_SHA256, SHA256, signed_info_forms
from docex.edxml.xmldsig.signed_parts import look


def signed(envelope: Envelope, certificate: bytes, sign: Callable[[bytes], bytes]) -> Envelope:
    """The envelope with the signature that belongs into it. Its papers are read once, piece by piece.

    `certificate` is in DER; `sign` answers with what its key says to these bytes (`KeyStore.sign`). The
    envelope must be written as it is, in the bytes of `writer`.
    """
    subject = x509.load_der_x509_certificate(certificate)
    is_ec = isinstance(subject.public_key(), ec.EllipticCurvePublicKey)
    blank = EnvelopeSignature(
        canonicalization=EXCLUSIVE,
        method=ECDSA_SHA256 if is_ec else RSA_SHA256,
        references=(SignedReference("", SHA256, _text(bytes(32)), (ENVELOPED, EXCLUSIVE)),),
        value=_text(bytes(32)),
        certificate=_text(certificate),
        subject_name=subject.subject.rfc4514_string(),
    )
    digester = Digester(EXCLUSIVE, "sha256", [Removal()], {})
    digest_pieces(written(replace(envelope, signature=blank)), DEFAULT, digester)
    (reference,) = blank.references
    digested = replace(blank, references=(replace(reference, digest_value=_text(digester.whole[0])),))
    value = sign(_signed_info(envelope, digested))
    return replace(envelope, signature=replace(digested, value=_text(_raw(value) if is_ec else value)))


def _signed_info(envelope: Envelope, signature: EnvelopeSignature) -> bytes:
    """The signed part; it stands in the header, so the papers are left out."""
    header = write(replace(envelope, signature=signature, attachments=()))
    found = look(io.BytesIO(header), DEFAULT)
    assert found.signature is not None
    return signed_info_forms(found.signature, found.within)["dsig"]


def _raw(der: bytes) -> bytes:
    """The two numbers of an ECDSA signature one after the other, as XML signatures have them (P-256)."""
    return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
