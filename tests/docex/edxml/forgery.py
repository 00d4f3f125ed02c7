"""Signatures as foreign tools and forgers write them: by hand, over what lxml makes canonical, not by our own code."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes
from lxml import etree

from docex.edxml.codes import NAMESPACE
from tests.docex.edxml.keys import Key

DSIG = "http://www.w3.org/2000/09/xmldsig#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DSIG}enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1 = f"{DSIG}sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA1 = f"{DSIG}rsa-sha1"

Reference = tuple[str, tuple[str, ...], str, bytes | None]
"""URI, transforms, digest method, and what is digested; None for the document itself."""
WHOLE: Reference = ("", (ENVELOPED, EXCLUSIVE), SHA256, None)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def canonical(root: etree._Element, exclusive: bool) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=exclusive, with_comments=False)


def without_signature(data: bytes) -> etree._Element:
    """The document, the element taken out and what stands around it left."""
    root = etree.fromstring(data)
    for one in list(root.iter("{*}Signature")):
        before, parent = one.getprevious(), one.getparent()
        assert before is not None
        assert parent is not None
        before.tail = (before.tail or "") + (one.tail or "")
        parent.remove(one)
    return root


def sealed(
    data: bytes,
    key: Key,
    *,
    references: Iterable[Reference] = (WHOLE,),
    form: str = EXCLUSIVE,
    method: str = RSA_SHA256,
    namespace: str = NAMESPACE,
    value: Callable[[bytes], bytes] | None = None,
    inside: str = "",
    place: str = "</edXML:edXMLHeader>",
    empty: str = "",
) -> bytes:
    """The document with a signature at the end of its header, in the namespace of the standard as it stands there."""
    weak = method == RSA_SHA1
    sign = value or (lambda octets: key.sign(octets, hashes.SHA1() if weak else None))  # noqa: S303
    declared = f' xmlns="{namespace}"' if namespace != NAMESPACE else ""

    def put(info: str, signed: str) -> bytes:
        element = (
            f"<Signature{declared}>{info}<SignatureValue>{signed}</SignatureValue><KeyInfo><X509Data>"
            f"<X509Certificate>{text(key.certificate)}</X509Certificate></X509Data></KeyInfo>{inside}</Signature>"
        )
        return data.replace(place.encode(), element.encode() + place.encode(), 1)

    pieces = []
    blank = put("<SignedInfo/>", "")
    for uri, transforms, digest_method, content in references:
        if content is None:
            exclusive = EXCLUSIVE in transforms
            content = canonical(without_signature(blank), exclusive)
        digest = hashlib.new("sha1" if digest_method == SHA1 else "sha256", content).digest()
        steps = "".join(f'<Transform Algorithm="{one}"/>' for one in transforms)
        pieces.append(
            f'<Reference URI="{uri}">'
            + (f"<Transforms>{steps}</Transforms>" if steps else empty)
            + f'<DigestMethod Algorithm="{digest_method}"/><DigestValue>{text(digest)}</DigestValue></Reference>'
        )
    info = (
        f'<SignedInfo><CanonicalizationMethod Algorithm="{form}"/><SignatureMethod Algorithm="{method}"/>'
        f"{''.join(pieces)}</SignedInfo>"
    )
    found: Any = etree.fromstring(put(info, "")).find(f".//{{{namespace}}}SignedInfo")
    # As a document of its own, with all that is in scope: canonical forms of parts are not what libxml2 is best at.
    alone = etree.fromstring(etree.tostring(found, with_tail=False))
    return put(info, text(sign(canonical(alone, form == EXCLUSIVE))))


def signature_of(data: bytes) -> str:
    """The element as it stands in the text."""
    found = re.search(r"<Signature.*?</Signature>", data.decode(), re.DOTALL)
    assert found is not None
    return found[0]
