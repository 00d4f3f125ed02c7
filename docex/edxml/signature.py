"""The envelope's `Signature` element as a record. It is only carried here, never believed."""

from docex.edxml.model import EnvelopeSignature, SignedReference
from docex.edxml.tree import Node


def read_signature(node: Node) -> EnvelopeSignature | None:
    """What is written there; None for the empty element that some systems put in place of a signature."""
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
