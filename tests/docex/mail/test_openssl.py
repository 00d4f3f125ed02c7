"""A second opinion on our S/MIME: letters that openssl signs are taken, letters of ours openssl calls valid."""

import base64
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from docex.edxml import write
from docex.exchange.mail.models import Outcome, Signature
from kernel import clock
from signing.testca.authority import EMAIL_PROTECTION, TestAuthority
from signing.testca.certificates import PrivateKey, subject_named
from tests.docex.mail.partner import ADDRESS, NAME, PDF, Abroad
from tests.docex.mail.test_in import incoming, receipts
from tests.docex.mail.test_out import authority_pem, openssl
from tests.sampling import sampled

pytestmark = pytest.mark.long_proof

FAR = timedelta(days=3650)


class Signer:
    """A partner whose letters openssl signs."""

    def __init__(self, abroad: Abroad, folder: Path, key: PrivateKey, *, ends: timedelta = FAR) -> None:
        self.abroad, self.folder = abroad, folder
        authority = TestAuthority(abroad.config.pki_dir)
        pair = authority.certify(
            subject_named(NAME, []), usages=[EMAIL_PROTECTION], not_after=clock.now() + ends, key=key
        )
        self.pem = pair.certificate.public_bytes(Encoding.PEM).decode()
        (folder / "signer.pem").write_text(self.pem)
        (folder / "signer.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        abroad.agree(certificate=self.pem)

    def letter(self, *how: str, files: dict[str, bytes] | None = None, message_id: str = "<1@ban.example>") -> bytes:
        """A letter with these files, signed by `openssl cms -sign` with these options."""
        entity, signed = self.folder / "entity", self.folder / "signed"
        entity.write_bytes(_entity(files or {"125.edxml": write(self.abroad.envelope())}))
        keys = ("-signer", self.folder / "signer.pem", "-inkey", self.folder / "signer.key")
        openssl("cms", "-sign", "-in", entity, "-out", signed, *keys, *how)
        head = (
            f"From: {ADDRESS}\r\nTo: {self.abroad.address()}\r\nSubject: Gui van ban 77/SGT-KH\r\n"
            f"Message-ID: {message_id}\r\nDate: Mon, 02 Mar 2026 09:00:00 +0700\r\n"
        )
        return head.encode() + signed.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _entity(files: dict[str, bytes]) -> bytes:
    parts = [b"Content-Type: text/plain\r\n\r\nKinh gui.\r\n"]
    for name, data in files.items():
        head = (
            "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
        )
        parts.append(head.encode() + base64.encodebytes(data).replace(b"\n", b"\r\n"))
    body = b"".join(b"--m\r\n" + part for part in parts)
    return b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n' + body + b"--m--\r\n"


def a_key(kind: str) -> PrivateKey:
    curves = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1}
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    return rsa.generate_private_key(65537, 2048)


TAKEN = {
    "detached": ("RSA", ()),
    "opaque": ("RSA", ("-nodetach",)),
    "sha512": ("RSA", ("-md", "sha512")),
    "pss": ("RSA", ("-keyopt", "rsa_padding_mode:pss")),
    "named by key id": ("RSA", ("-keyid",)),
    "without attributes": ("RSA", ("-noattr",)),
    "without certificates": ("RSA", ("-nocerts",)),
    "P-256": ("P-256", ("-md", "sha256")),
    "P-384": ("P-384", ("-md", "sha384", "-nodetach")),
}


@pytest.mark.parametrize(("kind", "how"), sampled(TAKEN.values(), one_in=4), ids=TAKEN.keys())
def test_a_letter_that_openssl_signed_is_taken(abroad: Abroad, tmp_path: Path, kind: str, how: tuple[str, ...]) -> None:
    signer = Signer(abroad, tmp_path, a_key(kind))
    abroad.post(signer.letter(*how))
    abroad.work()
    [arrival] = abroad.arrivals()
    assert (arrival.outcome, arrival.signature) == (Outcome.ACCEPTED, Signature.SIGNED)
    assert len(incoming(abroad)) == 1


REFUSED = {
    "sha1": ("RSA", ("-md", "sha1"), FAR),
    "expired": ("RSA", (), timedelta(hours=1)),
    "another key of the same name": ("other", (), FAR),
}


@pytest.mark.parametrize(("kind", "how", "ends"), REFUSED.values(), ids=REFUSED.keys())
def test_a_letter_that_openssl_signed_wrongly_is_not(
    abroad: Abroad, tmp_path: Path, kind: str, how: tuple[str, ...], ends: timedelta
) -> None:
    signer = Signer(abroad, tmp_path, a_key(kind), ends=ends)
    raw = signer.letter(*how)
    if kind == "other":
        abroad.agree(certificate=_twin(signer.pem, tmp_path))
    with clock.frozen(clock.now() + timedelta(hours=2)):
        abroad.post(raw)
        abroad.work()
        [arrival] = abroad.arrivals()
    assert (arrival.outcome, arrival.signature) == (Outcome.REFUSED, Signature.WRONG)
    assert receipts(abroad)[0]["reason"]["code"] == "wrong_signature"
    assert abroad.dispatches() == []


def _twin(pem: str, folder: Path) -> str:
    """A certificate with the names and the serial number of another, and a key of its own."""
    one = x509.load_pem_x509_certificate(pem.encode())
    key = rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateBuilder(one.issuer, one.subject, key.public_key(), one.serial_number)
    builder = builder.not_valid_before(one.not_valid_before_utc).not_valid_after(one.not_valid_after_utc)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_content_that_was_exchanged_under_a_good_signature_is_refused(abroad: Abroad, tmp_path: Path) -> None:
    signer = Signer(abroad, tmp_path, a_key("RSA"))
    one = signer.letter(files={"a.pdf": PDF})
    other = signer.letter(files={"b.pdf": PDF + b"khac"})
    mark = b"\r\nContent-Type: application/pkcs7-signature"
    mixed = one[: one.index(mark)] + other[other.index(mark) :]
    boundary_of_one = one.split(b'boundary="----')[1].split(b'"')[0]
    boundary_of_other = other.split(b'boundary="----')[1].split(b'"')[0]
    abroad.post(mixed.replace(boundary_of_other, boundary_of_one))
    abroad.work()
    assert [a.signature for a in abroad.arrivals()] == [Signature.WRONG]
    assert abroad.dispatches() == []


@pytest.mark.parametrize("how", ["-nodetach", "-indef"])
def test_without_a_pinned_certificate_a_signed_letter_is_an_unsigned_one(
    abroad: Abroad, tmp_path: Path, how: str
) -> None:
    raw = Signer(abroad, tmp_path, a_key("RSA")).letter(how)
    abroad.agree(certificate="")
    abroad.post(raw)
    abroad.work()
    assert [(a.outcome, a.signature) for a in abroad.arrivals()] == [(Outcome.ACCEPTED, Signature.UNSIGNED)]
    assert [copy.code for copy in incoming(abroad)] == ["125/SGT-VP"]
    assert [n["code"] for n in abroad.dispatches()[0].notes] == ["mail_unsigned"]


def test_openssl_cms_calls_our_letters_valid_and_changed_ones_not(abroad: Abroad, tmp_path: Path) -> None:
    abroad.document()
    letter, root, content = tmp_path / "letter.eml", tmp_path / "root.pem", tmp_path / "content"
    root.write_text(authority_pem(abroad))
    raw = abroad.raw_inbox()[0]
    letter.write_bytes(raw)
    openssl("cms", "-verify", "-in", letter, "-CAfile", root, "-purpose", "smimesign", "-out", content)
    assert content.read_bytes() in raw
    at = raw.index(b"PD94") + 200
    letter.write_bytes(raw[:at] + (b"B" if raw[at : at + 1] == b"A" else b"A") + raw[at + 1 :])
    said = _openssl_says("cms", "-verify", "-in", letter, "-CAfile", root, "-purpose", "any", "-out", content)
    assert "digest failure" in said or "Verification failure" in said


def _openssl_says(*words: Any) -> str:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    assert done.returncode != 0
    return done.stderr
