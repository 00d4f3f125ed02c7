"""The envelope's own signature: ours out, both conventions in, and what forgers do to it."""

import hashlib
import hmac
import io
import re
import subprocess
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from docex.edxml import Envelope, read, write, write_file
from docex.edxml.limits import DEFAULT
from docex.edxml.model import Attachment, Trace
from docex.edxml.relay import with_trace
from docex.edxml.xmldsig.canonical import Canonical
from docex.edxml.xmldsig.digests import Digester, Removal, digest_file
from docex.edxml.xmldsig.sealing import signed
from docex.edxml.xmldsig.verification import State, check, check_file
from tests.docex.edxml import forgery, letters
from tests.docex.edxml.forgery import DSIG, ENVELOPED, EXCLUSIVE, INCLUSIVE, RSA_SHA1, SHA1, SHA256, WHOLE, sealed
from tests.docex.edxml.keys import key, on_a_curve
from tests.docex.edxml.test_official_samples import FILES

PAPER = letters.attachment()
LETTER = letters.letter(attachments=(PAPER,))
PLAIN = write(LETTER)
CID = f"cid:{PAPER.content_id}"


def ours(envelope: Envelope = LETTER) -> bytes:
    return write(signed(envelope, key().certificate, key().sign))


OURS = ours()


def relayed(data: bytes, count: int) -> bytes:
    for number in range(count):
        data = with_trace(data, Trace(f"00{number + 1}.TT", letters.AT))
    return data


# ---- ours ----


def test_ours_is_laid_out_as_the_official_builder_does_and_read_back_as_it_was_written() -> None:
    message = read(OURS)
    assert isinstance(message, Envelope)
    assert message.signature is not None
    assert write(message) == OURS
    assert ours() == OURS
    assert check(OURS).whole
    assert (check(OURS).state, check(OURS).certificate) == (State.INTACT, key().certificate)


def test_a_key_on_a_curve_signs_too() -> None:
    curve = key("Trên đường cong", on_a_curve)
    data = write(signed(LETTER, curve.certificate, curve.sign))
    assert b"ecdsa-sha256" in data
    assert check(data).state is State.INTACT
    assert check(data.replace("Triển".encode(), b"Trien", 1)).state is State.CHANGED


@pytest.mark.parametrize("form", ["ours", "inclusive"])
def test_xmlsec1_agrees_once_the_namespace_of_the_element_is_that_of_xml_signatures(tmp_path: Path, form: str) -> None:
    path = tmp_path / "envelope.xml"
    data = OURS.replace(b"<Signature>", f'<Signature xmlns="{DSIG}">'.encode())
    if form == "inclusive":
        data = sealed(
            PLAIN, key(), form=INCLUSIVE, namespace=DSIG, references=[("", (ENVELOPED, INCLUSIVE), SHA256, None)]
        )
    for changed in (data, data.replace("Triển".encode(), b"Trien", 1)):
        path.write_bytes(changed)
        done = subprocess.run(["xmlsec1", "--verify", "--insecure", str(path)], capture_output=True, text=True)
        said = (0, "OK", "1/1") if changed == data else (1, "FAIL", "0/1")
        found = re.search(r"^(OK|FAIL)\nSignedInfo References \(ok/all\): (\S+)$", done.stderr, re.MULTILINE)
        assert found, done.stderr
        assert (done.returncode, *found.groups()) == said, done.stderr
        assert ("data and digest do not match" in done.stderr) == (changed != data)
        assert (check(changed).state is State.INTACT) == (changed == data)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_relays_add_lines_after_signing_and_that_is_said(count: int) -> None:
    found = check(relayed(OURS, count))
    assert (found.state, found.whole) == (State.INTACT, True)
    assert found.added == tuple(f"00{number + 1}.TT" for number in range(count))
    assert check(relayed(OURS, 9)).state is State.CHANGED


def test_a_relay_that_writes_its_line_without_a_line_end_is_understood() -> None:
    line = b"<edXML:TraceHeader><edXML:OrganId>X</edXML:OrganId></edXML:TraceHeader></edXML:TraceHeaderList>"
    assert check(OURS.replace(b"</edXML:TraceHeaderList>", line)).added == ("X",)


def test_junk_around_and_other_line_ends_do_not_matter() -> None:
    assert check(b"1212" + OURS + b"\n<!-- junk").state is State.INTACT
    assert check(OURS.replace(b"\r\n", b"\n")).state is State.INTACT
    assert check(OURS.replace(b'"UTF-8"', b'"windows-1258"')).state is State.INTACT


def test_a_large_paper_never_stands_in_memory(tmp_path: Path) -> None:
    class Large:
        def open(self) -> io.BufferedReader:
            return (tmp_path / "large").open("rb")

    with (tmp_path / "large").open("wb") as large:
        for _ in range(40):
            large.write(b"%PDF-1.7 " + bytes(1 << 20))
    envelope = replace(LETTER, attachments=(Attachment("x", "lon.pdf", b"", file=Large()),))
    tracemalloc.start()
    sealed_one = signed(envelope, key().certificate, key().sign)
    with (tmp_path / "envelope").open("w+b") as file:
        write_file(sealed_one, file)
        assert check_file(file).state is State.INTACT
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


# ---- foreign ones ----

LEGITIMATE: dict[str, Callable[[], bytes]] = {
    "as it stands, exclusive": lambda: sealed(PLAIN, key()),
    "as it stands, inclusive": lambda: sealed(
        PLAIN, key(), form=INCLUSIVE, references=[("", (ENVELOPED, INCLUSIVE), SHA256, None)]
    ),
    "no form named": lambda: sealed(PLAIN, key(), references=[("", (ENVELOPED,), SHA256, None)]),
    "in the namespace of XML signatures": lambda: sealed(PLAIN, key(), namespace=DSIG),
    "the same, inclusive": lambda: sealed(PLAIN, key(), namespace=DSIG, form=INCLUSIVE),
    "signed by a tool, renamed afterwards": lambda: sealed(PLAIN, key(), namespace=DSIG).replace(
        f' xmlns="{DSIG}"'.encode(), b""
    ),
    "envelope and paper, as the official builder writes it": lambda: sealed(
        PLAIN, key(), references=[WHOLE, (CID, (), SHA256, PAPER.data)], empty="<Transforms />"
    ),
    "envelope and paper": lambda: sealed(PLAIN, key(), references=[WHOLE, (CID, (), SHA256, PAPER.data)]),
}


@pytest.mark.parametrize("make", LEGITIMATE.values(), ids=LEGITIMATE.keys())
def test_both_conventions_are_understood_also_behind_a_relay(make: Callable[[], bytes]) -> None:
    found = check(make())
    assert (found.state, found.whole, found.weak) == (State.INTACT, True, "")
    assert check(relayed(make(), 1)).added == ("001.TT",)
    assert check(make().replace("Triển".encode(), b"Trien", 1)).state is State.CHANGED


def test_other_words_about_the_key_are_overlooked_and_without_a_certificate_nobody_is_known() -> None:
    plenty = (
        "<KeyInfo><KeyName>x</KeyName><KeyValue><RSAKeyValue><Modulus>AA</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>"
        "</KeyValue><X509Data>"
    )
    serial = (
        "</X509Certificate><X509IssuerSerial><X509IssuerName>CN=x</X509IssuerName><X509SerialNumber>7</X509SerialNumber>"
        "</X509IssuerSerial><X509SKI>AA</X509SKI>"
    )
    data = sealed(PLAIN, key()).replace(b"<KeyInfo><X509Data>", plenty.encode())
    assert check(data.replace(b"</X509Certificate>", serial.encode())).state is State.INTACT
    bare = re.sub(rb"<X509Data>.*</X509Data>", b"", data, flags=re.DOTALL)
    assert check(bare).state is State.NO_CERTIFICATE


def test_a_signature_over_papers_alone_leaves_the_envelope_open() -> None:
    found = check(sealed(PLAIN, key(), references=[(CID, (), SHA256, PAPER.data)]))
    assert (found.state, found.whole) == (State.INTACT, False)


@pytest.mark.skipif(not FILES, reason="the samples are not beside the repository")
def test_the_official_samples_are_read_and_hold_dummies_or_none() -> None:
    states = {check(path.read_bytes()).state for path in FILES}
    assert states == {State.UNSIGNED, State.NO_CERTIFICATE}


@pytest.mark.parametrize("element", ["", "<Signature />", "<edXML:DigitalSignature />", "<Signature> </Signature>"])
def test_an_absent_or_empty_signature_is_none(element: str) -> None:
    data = PLAIN.replace(b"</edXML:edXMLHeader>", f"{element}</edXML:edXMLHeader>".encode())
    assert check(data).state is State.UNSIGNED


# ---- forgers ----


def put(where: str, what: str) -> Callable[[], bytes]:
    return lambda: OURS.replace(where.encode(), what.encode(), 1)


def moved(place: str) -> Callable[[], bytes]:
    element = forgery.signature_of(OURS)
    return lambda: OURS.replace(element.encode(), b"").replace(place.encode(), f"{element}{place}".encode(), 1)


def references(*found: forgery.Reference) -> Callable[[], bytes]:
    return lambda: sealed(PLAIN, key(), references=found)


def hmac_with_the_public_key() -> bytes:
    """A forger who knows the certificate uses it as the secret of an HMAC."""
    secret = key().certificate
    method = f"{DSIG}hmac-sha1"
    return sealed(PLAIN, key(), method=method, value=lambda data: hmac.digest(secret, data, "sha1"))


SECOND = "<edXML:MessageHeader><edXML:Subject>Giả</edXML:Subject></edXML:MessageHeader>"
BODY = re.search(r"<edXML:edXMLBody>.*</edXML:edXMLBody>", OURS.decode(), re.DOTALL)
assert BODY is not None
TRACE = "<edXML:TraceHeader><edXML:OrganId>X</edXML:OrganId>{}</edXML:TraceHeader></edXML:TraceHeaderList>"
END = "</edXML:TraceHeaderList>"

ATTACKS: dict[str, tuple[Callable[[], bytes], State]] = {
    "another subject": (put("<edXML:Subject>", "<edXML:Subject>Giả "), State.CHANGED),
    "another receiver": (put("</edXML:MessageHeader>", "<edXML:To/></edXML:MessageHeader>"), State.CHANGED),
    "another paper": (lambda: re.sub(rb"(ContentTransferEncoded [^>]*>).{8}", rb"\1AAAAAAAA", OURS), State.CHANGED),
    "a second header before the first": (put("<edXML:MessageHeader>", f"{SECOND}<edXML:MessageHeader>"), State.CHANGED),
    "a second body": (put("</edXML:edXMLBody>", f"</edXML:edXMLBody>{BODY[0]}"), State.CHANGED),
    "the signed header moved into a wrapper": (
        lambda: OURS.replace(b"<edXML:MessageHeader>", b"<edXML:Old><edXML:MessageHeader>").replace(
            b"</edXML:MessageHeader>", f"</edXML:MessageHeader></edXML:Old>{SECOND}".encode()
        ),
        State.CHANGED,
    ),
    "content inside the signature": (put("</Signature>", f"<Object>{SECOND}</Object></Signature>"), State.MALFORMED),
    "content inside KeyInfo": (put("</KeyInfo>", f"{SECOND}</KeyInfo>"), State.MALFORMED),
    "content inside SignatureValue": (put("</SignatureValue>", f"{SECOND}</SignatureValue>"), State.MALFORMED),
    "content in a line of the trace": (put(END, TRACE.format(SECOND)), State.CHANGED),
    "business in a line of the trace": (
        put(END, TRACE.format("<edXML:Bussiness><edXML:BussinessDocType>1</edXML:BussinessDocType></edXML:Bussiness>")),
        State.CHANGED,
    ),
    "content in the code of a line of the trace": (
        put(END, TRACE.format("").replace("X</edXML:OrganId>", f"X{SECOND}</edXML:OrganId>")),
        State.CHANGED,
    ),
    "the sender's own line of the trace gone": (
        lambda: re.sub(rb"<edXML:TraceHeader>.*?</edXML:TraceHeader>", b"", OURS, flags=re.DOTALL),
        State.CHANGED,
    ),
    "two signatures": (put("<Signature>", f"{forgery.signature_of(OURS)}<Signature>"), State.MALFORMED),
    "a second signature behind the papers": (
        put("</AttachmentEncoded>", f"{forgery.signature_of(OURS)}</AttachmentEncoded>"),
        State.MALFORMED,
    ),
    "a second signature of another spelling": (
        put("</edXML:edXMLBody>", "<signature/></edXML:edXMLBody>"),
        State.MALFORMED,
    ),
    "the signature moved into the body": (moved("</edXML:edXMLBody>"), State.MALFORMED),
    "the signature moved into the message header": (moved("</edXML:MessageHeader>"), State.MALFORMED),
    "a header of another name around the signature": (
        lambda: OURS.replace(b"edXMLHeader>", b"edXMLHead>"),
        State.MALFORMED,
    ),
    "two SignedInfo": (
        lambda: re.sub(rb"(<SignedInfo>.*?</SignedInfo>)", rb"\1\1", OURS, flags=re.DOTALL),
        State.MALFORMED,
    ),
    "two DigestValue": (
        lambda: re.sub(rb"(<DigestValue>.*?</DigestValue>)", rb"\1\1", OURS),
        State.MALFORMED,
    ),
    "a reference without an address": (put('<Reference URI="">', "<Reference>"), State.MALFORMED),
    "an HMAC length": (
        lambda: re.sub(
            rb"(<SignatureMethod [^>]*?) />", rb"\1><HMACOutputLength>8</HMACOutputLength></SignatureMethod>", OURS
        ),
        State.MALFORMED,
    ),
    "an inclusive list of prefixes": (
        lambda: re.sub(rb"(<Transform Algorithm=\"[^\"]*c14n#\") />", rb'\1><List PrefixList="a"/></Transform>', OURS),
        State.MALFORMED,
    ),
    "an instruction inside the signature": (put("<SignedInfo>", "<?x y?><SignedInfo>"), State.MALFORMED),
    "another namespace inside": (put("<SignedInfo>", '<SignedInfo xmlns="urn:x">'), State.MALFORMED),
    "a comment in the digest that hides the rest": (put("<DigestValue>", "<DigestValue>AAAA<!-- -->"), State.BROKEN),
    "another digest": (lambda: re.sub(rb"<DigestValue>....", b"<DigestValue>AAAA", OURS), State.BROKEN),
    "another certificate": (
        lambda: OURS.replace(forgery.text(key().certificate).encode(), forgery.text(key("Khác").certificate).encode()),
        State.BROKEN,
    ),
    "a key of another kind": (
        lambda: OURS.replace(
            forgery.text(key().certificate).encode(),
            forgery.text(key("Trên đường cong", on_a_curve).certificate).encode(),
        ),
        State.BROKEN,
    ),
    "no certificate": (
        lambda: OURS.replace(forgery.text(key().certificate).encode(), b"AAAA"),
        State.NO_CERTIFICATE,
    ),
    "an HMAC with the certificate as secret": (hmac_with_the_public_key, State.UNKNOWN_METHOD),
    "no algorithm": (lambda: sealed(PLAIN, key(), method=""), State.UNKNOWN_METHOD),
    "a form with comments": (lambda: sealed(PLAIN, key(), form=f"{EXCLUSIVE}WithComments"), State.UNKNOWN_METHOD),
    "MD5": (references(("", (ENVELOPED,), f"{DSIG}md5", b"")), State.UNKNOWN_METHOD),
    "an XPath transform": (
        references(("", (ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"), SHA256, b"")),
        State.REFUSED,
    ),
    "an XSLT transform": (
        references(("", ("http://www.w3.org/TR/1999/REC-xslt-19991116",), SHA256, b"")),
        State.REFUSED,
    ),
    "no transform, so that the signature would sign itself": (references(("", (), SHA256, b"")), State.REFUSED),
    "a reference to an element by its id": (references(("#body", (EXCLUSIVE,), SHA256, b"")), State.REFUSED),
    "a reference to a file": (references(("file:///etc/hostname", (), SHA256, b"")), State.REFUSED),
    "a reference to an address": (references(("http://127.0.0.1/x", (), SHA256, b"")), State.REFUSED),
    "an XPointer": (references(("#xpointer(/)", (ENVELOPED,), SHA256, b"")), State.REFUSED),
    "two references to the envelope": (references(WHOLE, WHOLE), State.REFUSED),
    "a paper that is not there": (references(WHOLE, ("cid:khong-co", (), SHA256, b"")), State.CHANGED),
    "a transform of a paper": (references(WHOLE, (CID, (EXCLUSIVE,), SHA256, PAPER.data)), State.REFUSED),
    "two papers of one id": (
        lambda: sealed(
            PLAIN.replace(
                b"</AttachmentEncoded>",
                b"".join(re.findall(rb"<Attachment>.*</Attachment>", PLAIN, re.DOTALL)) + b"</AttachmentEncoded>",
            ),
            key(),
            references=[WHOLE, (CID, (), SHA256, PAPER.data)],
        ),
        State.MALFORMED,
    ),
}


@pytest.mark.parametrize(("make", "state"), ATTACKS.values(), ids=ATTACKS.keys())
def test_a_forgery_is_found(make: Callable[[], bytes], state: State) -> None:
    data = make()
    assert data not in (OURS, PLAIN)
    found = check(data)
    assert (found.state, found.whole) == (state, False), found.detail


def test_comments_in_the_content_change_neither_what_is_read_nor_what_is_signed() -> None:
    split = OURS.replace("Triển".encode(), "Tri<!-- x -->ển".encode()).replace(
        b"<edXML:Subject>", b"<edXML:Subject><!-- x -->"
    )
    assert split != OURS
    message, original = read(split), read(OURS)
    assert isinstance(message, Envelope)
    assert isinstance(original, Envelope)
    assert (check(split).state, message.subject) == (State.INTACT, original.subject)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sealed(PLAIN, key(), method=RSA_SHA1),
        lambda: sealed(PLAIN, key(), references=[("", (ENVELOPED, EXCLUSIVE), SHA1, None)]),
    ],
    ids=["signature", "digest"],
)
def test_sha1_is_recognised_and_called_weak(make: Callable[[], bytes]) -> None:
    found = check(make())
    assert (found.state, found.weak) == (State.INTACT, "SHA-1")


# ---- the canonical form ----


def canonical(data: bytes, method: str) -> bytes:
    pieces: list[bytes] = []
    digester = Digester(method, "sha256", [Removal()], {})
    digester.forms = [Canonical(method, pieces.append)]
    digest_file(io.BytesIO(data), DEFAULT, digester)
    assert hashlib.sha256(b"".join(pieces)).digest()
    return b"".join(pieces)


NAMES = st.sampled_from(["a", "b:x", "c:y", "b:a"])
SPACES = st.dictionaries(
    st.sampled_from(["xmlns", "xmlns:b", "xmlns:c"]), st.sampled_from(["urn:1", "urn:2"]), max_size=3
)
TEXTS = st.text(st.sampled_from("ớ<>&\"'\t\n\r ]đ"), max_size=6)


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    escape = {"<": "&lt;", "&": "&amp;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}

    def quoted(text: str) -> str:
        return "".join(escape.get(c, c) for c in text)

    name, spaces = draw(NAMES), draw(SPACES)
    plain = draw(st.dictionaries(st.sampled_from(["z", "y", "b:k", "c:k", "xml:lang"]), TEXTS, max_size=3))
    if depth == 0:
        spaces = {"xmlns:b": "urn:b", "xmlns:c": "urn:c", **spaces}
    if {"b:k", "c:k"} <= plain.keys():
        del plain["c:k"]  # the two prefixes may stand for one namespace
    attributes = "".join(f' {k}="{quoted(v)}"' for k, v in {**spaces, **plain}.items())
    inside = "".join(
        draw(
            st.lists(
                st.one_of(TEXTS.map(quoted), st.just("<!-- x -->"), st.just("<?p q?>"), st.just("<![CDATA[<&]]>")),
                max_size=3,
            )
        )
    )
    if depth < 3:
        inside += "".join(draw(st.lists(elements(depth + 1), max_size=2)))
    return f"<{name}{attributes}>{inside}</{name}>"


@pytest.mark.long_proof
@settings(max_examples=150, deadline=None)
@given(elements(), st.sampled_from([INCLUSIVE, EXCLUSIVE]))
def test_the_canonical_form_is_the_one_that_lxml_makes(document: str, method: str) -> None:
    data = f"<?xml version='1.0'?><!-- x --><?before it?>{document}<?after?>".encode()
    tree = etree.fromstring(data).getroottree()
    expected = etree.tostring(tree, method="c14n", exclusive=method == EXCLUSIVE, with_comments=False)
    assert canonical(data, method) == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("method", [INCLUSIVE, EXCLUSIVE])
def test_the_same_of_the_official_samples(path: Path, method: str) -> None:
    data = path.read_bytes()
    tree = forgery.without_signature(data).getroottree()
    expected = etree.tostring(tree, method="c14n", exclusive=method == EXCLUSIVE, with_comments=False)
    assert canonical(data, method) == expected
