"""Whether an envelope's own signature fits the envelope: XML signature (XMLDSig 1.1) in the narrow form of edXML.

SignedInfo is checked first, with the key of the certificate inside; then each digest, over the document as the reader
sees it. Only the whole document (`URI=""`, without the signature itself) and papers (`cid:`) can be referred to, only
the algorithms below are known, and the file is read in pieces. Who the certificate belongs to, and whether it may be
trusted, is verified elsewhere (signing/verification/envelope_verification.py).
"""

import base64
import binascii
import hmac
import io
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import IO

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from docex.edxml.limits import DEFAULT, Limits
from docex.edxml.model import EnvelopeSignature, SignedReference
from docex.edxml.xmldsig.canonical import EXCLUSIVE, INCLUSIVE, UndeclaredError
from docex.edxml.xmldsig.digests import Digester, Removal, digest_file
from docex.edxml.xmldsig.signature import (
    DSIG,
    ENVELOPED,
    MalformedError,
    certificates_above,
    checked,
    signed_info_forms,
)
from docex.edxml.xmldsig.signed_parts import Found, look

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"
DIGESTS = {
    f"{_ENC}sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    f"{_ENC}sha512": "sha512",
    f"{DSIG}sha1": "sha1",
}
METHODS: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    f"{_MORE}rsa-sha256": ("rsa", hashes.SHA256()),
    f"{_MORE}rsa-sha384": ("rsa", hashes.SHA384()),
    f"{_MORE}rsa-sha512": ("rsa", hashes.SHA512()),
    f"{_MORE}ecdsa-sha256": ("ec", hashes.SHA256()),
    f"{_MORE}ecdsa-sha384": ("ec", hashes.SHA384()),
    f"{_MORE}ecdsa-sha512": ("ec", hashes.SHA512()),
    f"{DSIG}rsa-sha1": ("rsa", hashes.SHA1()),  # noqa: S303 - recognised, so that it can be called weak
}
MAX_REFERENCES = 200
MAX_RELAYS = 8
"""So many lines of the trace may have been added after signing; real ways have one or two."""
MAX_RELAYS_OF_LARGE = 2
LARGE = 200_000_000
"""Bytes beyond which fewer are tried: each takes seconds for a gigabyte."""


class State(StrEnum):
    """The finding of the check of the envelope's own signature."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed"  # not the one element where it belongs, or something strange in it
    REFUSED = "refused"  # a reference or a transform that is not accepted
    UNKNOWN_METHOD = "unknown_method"  # an algorithm that is not accepted
    NO_CERTIFICATE = "no_certificate"
    BROKEN = "broken"  # the value was not made by the key of the certificate
    CHANGED = "changed"  # a digest does not fit
    INTACT = "intact"


@dataclass(frozen=True)
class Checked:
    """The outcome. `detail` is for technicians; `algorithm` is the hash that was signed, `weak` a weak one; `whole`
    says that all of the envelope is under the signature, apart from the lines of the trace that `added` names, which
    relays wrote after signing.

    `certificate` and `above` are in DER; `convention` is `qcvn` or `dsig` (signature.signed_info_forms).
    """

    state: State
    detail: str = ""
    weak: str = ""
    algorithm: str = ""
    whole: bool = False
    added: tuple[str, ...] = ()
    certificate: bytes = b""
    above: tuple[bytes, ...] = ()
    convention: str = ""


def check(data: bytes, limits: Limits = DEFAULT) -> Checked:
    """The same as `check_file`, of bytes."""
    return check_file(io.BytesIO(data), limits)


def check_file(file: IO[bytes], limits: Limits = DEFAULT) -> Checked:
    """Check the signature of an envelope in a file in which it is possible to go back.

    Raises EdxmlError for what cannot be read at all; whatever else the file holds, there is an outcome.
    """
    try:
        found = look(file, limits)
        if found.signature is None:
            return Checked(State.UNSIGNED)
        signature = checked(found.signature)
        return _checked(file, limits, found, signature)
    except MalformedError as error:
        return Checked(State.MALFORMED, str(error))
    except UndeclaredError as error:
        return Checked(State.MALFORMED, f"prefix {error}")


def _checked(file: IO[bytes], limits: Limits, found: Found, signature: EnvelopeSignature) -> Checked:
    assert found.signature is not None
    if (unknown := _unknown_method(signature)) is not None:
        return Checked(State.UNKNOWN_METHOD, unknown)
    if (refused := _refusal(signature)) is not None:
        return Checked(State.REFUSED, refused)
    try:
        leaf, *above = (_der(text) for text in (signature.certificate, *certificates_above(found.signature)))
        key = x509.load_der_x509_certificate(leaf).public_key()
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return Checked(State.NO_CERTIFICATE, "certificate")
    forms = signed_info_forms(found.signature, found.within)
    convention = next((name for name, form in forms.items() if _fits(key, signature, form)), "")
    outcome = Checked(
        State.INTACT,
        weak=_weak(signature),
        algorithm=_hash_signed(signature),
        certificate=leaf,
        above=tuple(above),
        convention=convention,
    )
    if not convention:
        return replace(outcome, state=State.BROKEN)
    return _digests(file, limits, found, signature, outcome)


def _digests(file: IO[bytes], limits: Limits, found: Found, signature: EnvelopeSignature, outcome: Checked) -> Checked:
    """Every reference against the file; when only the whole does not fit, once more without the newest traces."""
    whole = next((one for one in signature.references if not one.uri), None)
    papers = tuple(one for one in signature.references if one.uri)
    removals = [Removal()]
    digester = Digester(_form(whole), _hash(whole), removals, {one.uri: DIGESTS[one.digest_method] for one in papers})
    digest_file(file, limits, digester)
    for one in papers:
        if not _same(one, digester.papers.get(one.uri)):
            return replace(outcome, state=State.CHANGED, detail=one.uri)
    if whole is None or _same(whole, digester.whole[0]):
        return replace(outcome, whole=whole is not None)
    most = MAX_RELAYS if file.seek(0, io.SEEK_END) < LARGE else MAX_RELAYS_OF_LARGE
    added = found.traces[1:][-most:]
    for count, trace in enumerate(reversed(added), start=1):
        if not trace.plain:  # it holds more than a relay writes: nothing of that is to slip in unsigned
            break
        removals = [Removal(len(found.traces) - count, blanks=blanks) for blanks in (True, False)]
        retry = Digester(_form(whole), _hash(whole), removals, {})
        digest_file(file, limits, retry)
        if any(_same(whole, value) for value in retry.whole):
            return replace(outcome, whole=True, added=tuple(one.organ_code for one in added[-count:]))
    return replace(outcome, state=State.CHANGED, detail="envelope")


def _unknown_method(signature: EnvelopeSignature) -> str | None:
    """The first algorithm that is not known, or None. A key that both sides share proves nothing."""
    if signature.canonicalization not in (INCLUSIVE, EXCLUSIVE):
        return f"canonicalization {signature.canonicalization}"
    if signature.method not in METHODS:
        return f"method {signature.method}"
    unknown = (one.digest_method for one in signature.references if one.digest_method not in DIGESTS)
    return next((f"digest {name}" for name in unknown), None)


def _refusal(signature: EnvelopeSignature) -> str | None:
    """The first thing that is not accepted, or None."""
    if len(signature.references) > MAX_REFERENCES:
        return "too many references"
    for uri, count in Counter(one.uri for one in signature.references).items():
        if count > 1:
            return f"two references to {uri}"
    return next(filter(None, map(_refused_reference, signature.references)), None)


def _refused_reference(one: SignedReference) -> str | None:
    if one.uri.startswith("cid:") and len(one.uri) > 4:
        return "transforms of a paper" if one.transforms else None
    if one.uri:
        return f"reference {one.uri}"
    allowed = ((ENVELOPED,), (ENVELOPED, INCLUSIVE), (ENVELOPED, EXCLUSIVE))
    return None if one.transforms in allowed else f"transforms {' '.join(one.transforms)}"


def _hash_signed(signature: EnvelopeSignature) -> str:
    """The hash that the key signed, as people write it."""
    return METHODS[signature.method][1].name.upper().replace("SHA", "SHA-")


def _weak(signature: EnvelopeSignature) -> str:
    _, algorithm = METHODS[signature.method]
    used = {algorithm.name, *(DIGESTS[one.digest_method] for one in signature.references)}
    return "SHA-1" if "sha1" in used else ""


def _form(whole: SignedReference | None) -> str:
    """The canonical form that is digested; the inclusive one when no transform names another."""
    return EXCLUSIVE if whole is not None and EXCLUSIVE in whole.transforms else INCLUSIVE


def _hash(whole: SignedReference | None) -> str:
    return DIGESTS[whole.digest_method] if whole is not None else "sha256"


def _same(one: SignedReference, value: bytes | None) -> bool:
    try:
        return value is not None and hmac.compare_digest(base64.b64decode(one.digest_value, validate=True), value)
    except (binascii.Error, ValueError):
        return False


def _der(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _fits(key: object, signature: EnvelopeSignature, form: bytes) -> bool:
    """Whether the value was made over these bytes by the certificate's key, and by no other kind of key."""
    kind, algorithm = METHODS[signature.method]
    try:
        value = _der(signature.value)
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
            key.verify(value, form, padding.PKCS1v15(), algorithm)
            return True
        if kind == "ec" and isinstance(key, ec.EllipticCurvePublicKey):
            half = (key.curve.key_size + 7) // 8
            if len(value) != 2 * half:
                return False
            numbers = (int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
            key.verify(encode_dss_signature(*numbers), form, ec.ECDSA(algorithm))
            return True
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return False


__all__ = ["Checked", "State", "check", "check_file"]
