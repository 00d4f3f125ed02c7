"""The envelope's `Signature` element: as a record that is only carried, and as a structure that may be checked.

What is inside the element is under no digest, so nothing but the parts of a signature may stand there, each where it
belongs: anything else could be taken for the content of the envelope.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from docex.edxml.codes import NAMESPACE
from docex.edxml.model import EnvelopeSignature, SignedReference
from docex.edxml.tree import Node
from docex.edxml.xmldsig.canonical import Canonical, Tag

DSIG = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED = f"{DSIG}enveloped-signature"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

_PARTS: Mapping[str, tuple[str, ...]] = {
    "Signature": ("SignedInfo", "SignatureValue", "KeyInfo"),
    "SignedInfo": ("CanonicalizationMethod", "SignatureMethod", "Reference"),
    "Reference": ("Transforms", "DigestMethod", "DigestValue"),
    "Transforms": ("Transform",),
    "KeyInfo": ("KeyName", "KeyValue", "X509Data"),
    "KeyValue": ("RSAKeyValue",),
    "RSAKeyValue": ("Modulus", "Exponent"),
    "X509Data": ("X509SubjectName", "X509IssuerSerial", "X509SKI", "X509Certificate"),
    "X509IssuerSerial": ("X509IssuerName", "X509SerialNumber"),
}
_IN_ANY_ORDER = ("KeyInfo", "X509Data")
_REPEATED = ("Reference", "Transform", "X509Certificate")
_OPTIONAL = (
    "Transforms",
    "Transform",
    "KeyName",
    "KeyValue",
    "X509Data",
    "X509SubjectName",
    "X509IssuerSerial",
    "X509SKI",
    "X509Certificate",
)
"""The elements that say whose key it is may be missing, or be said several times over; only certificates count."""
_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Signature": frozenset({"Id"}),
    "Reference": frozenset({"URI", "Id"}),
    **dict.fromkeys(
        ("CanonicalizationMethod", "SignatureMethod", "Transform", "DigestMethod"), frozenset({"Algorithm"})
    ),
}


class MalformedError(ValueError):
    """A signature with something in it that does not belong there; the text is for technicians."""


@dataclass
class Part:
    """An element of a signature as it stands in the file."""

    tag: Tag
    parts: list["Part"] = field(default_factory=list)
    content: list["Part | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its text without blanks."""
        return "".join("".join(piece for piece in self.content if isinstance(piece, str)).split())

    def all(self, local: str) -> list["Part"]:
        """Its parts of this name."""
        return [part for part in self.parts if part.tag.local == local]

    def one(self, local: str) -> "Part":
        """Its only part of this name; `checked` has seen to it that it is there."""
        (found,) = self.all(local)
        return found

    def algorithm(self, local: str) -> str:
        """The algorithm that the part of this name states."""
        return self.one(local).tag.attributes.get("Algorithm", "")


def checked(signature: Part) -> EnvelopeSignature:
    """The signature as a record, when it has exactly the parts of one; MalformedError names what is wrong."""
    namespace = signature.tag.namespace
    if namespace not in (NAMESPACE, DSIG):
        raise MalformedError("namespace")
    _check(signature, namespace)
    info = signature.one("SignedInfo")
    return EnvelopeSignature(
        canonicalization=info.algorithm("CanonicalizationMethod"),
        method=info.algorithm("SignatureMethod"),
        references=tuple(map(_signed_reference, info.all("Reference"))),
        value=signature.one("SignatureValue").text,
        certificate=next(iter(_certificates(signature)), ""),
    )


def certificates_above(signature: Part) -> tuple[str, ...]:
    """The other certificates that it brings."""
    return _certificates(signature)[1:]


def _certificates(signature: Part) -> tuple[str, ...]:
    found = signature.one("KeyInfo").all("X509Data")
    return tuple(part.text for data in found for part in data.all("X509Certificate"))


def signed_info_forms(signature: Part, within: Mapping[str, str]) -> dict[str, bytes]:
    """The canonical forms of SignedInfo that may have been signed, by the name of the convention.

    The standard puts the element into its own namespace. Some sign it as it stands there (`qcvn`), others with a tool
    for XML signatures, which knows only the namespace of those, and rename it afterwards (`dsig`).
    """
    info = signature.one("SignedInfo")
    method = info.algorithm("CanonicalizationMethod")
    forms = {"dsig" if signature.tag.namespace == DSIG else "qcvn": _canonical(info, method, within, None)}
    if signature.tag.namespace == NAMESPACE:
        forms["dsig"] = _canonical(info, method, within, signature.tag.spelt.rpartition(":")[0])
    return forms


def _canonical(info: Part, method: str, within: Mapping[str, str], renamed: str | None) -> bytes:
    pieces: list[bytes] = []
    _walk(info, Canonical(method, pieces.append, within), renamed)
    return b"".join(pieces)


def _walk(part: Part, form: Canonical, renamed: str | None) -> None:
    one = part.tag
    if renamed is not None:
        one = Tag(one.spelt, one.attributes, {**one.scope, renamed: DSIG})
    form.start(one)
    for piece in part.content:
        if isinstance(piece, str):
            form.text(piece)
        else:
            _walk(piece, form, renamed)
    form.end(one.spelt)


def _check(part: Part, namespace: str) -> None:
    """Exactly the parts that belong there, in their order, with no other attribute and no stray text."""
    local = part.tag.local
    if part.tag.namespace != namespace:
        raise MalformedError(f"namespace of {local}")
    if not part.tag.attributes.keys() <= _ATTRIBUTES.get(local, frozenset()):
        raise MalformedError(f"attribute of {local}")
    order = _PARTS.get(local, ())
    if order and part.text:
        raise MalformedError(f"text in {local}")
    names = [child.tag.local for child in part.parts]
    if not {*names} <= {*order}:
        raise MalformedError(f"parts of {local}")
    if local not in _IN_ANY_ORDER and names != sorted(names, key=order.index):
        raise MalformedError(f"order in {local}")
    for name in order:
        count = names.count(name)
        if (count == 0 and name not in _OPTIONAL) or (count > 1 and name not in _REPEATED):
            raise MalformedError(f"{count} {name}")
    for child in part.parts:
        _check(child, namespace)


def _signed_reference(part: Part) -> SignedReference:
    if "URI" not in part.tag.attributes:  # which would leave it to the receiver what was signed
        raise MalformedError("no URI")
    transforms = part.all("Transforms")
    return SignedReference(
        uri=part.tag.attributes["URI"],
        digest_method=part.algorithm("DigestMethod"),
        digest_value=part.one("DigestValue").text,
        transforms=tuple(t.tag.attributes.get("Algorithm", "") for t in (transforms[0].parts if transforms else ())),
    )


# As a record


def read_signature(node: Node) -> EnvelopeSignature | None:
    """The signature that is written there; None for the empty element that some systems put in place of a signature."""
    info = node.one("signedinfo")
    value = "".join(node.text_of("signaturevalue").split())
    if info is None or not value:
        return None
    certificate = node.find("x509certificate")
    subject = node.find("x509subjectname")
    return EnvelopeSignature(
        canonicalization=_algorithm(info.one("canonicalizationmethod")),
        method=_algorithm(info.one("signaturemethod")),
        references=tuple(map(_reference, info.all("reference"))),
        value=value,
        certificate="".join(certificate.text.split()) if certificate else "",
        subject_name=subject.text if subject else "",
    )


def _reference(node: Node) -> SignedReference:
    return SignedReference(
        uri=node.attributes.get("URI", ""),
        digest_method=_algorithm(node.one("digestmethod")),
        digest_value="".join(node.text_of("digestvalue").split()),
        transforms=tuple(_algorithm(t) for group in node.all("transforms") for t in group.all("transform")),
    )


def _algorithm(node: Node | None) -> str:
    return node.attributes.get("Algorithm", node.text) if node else ""
