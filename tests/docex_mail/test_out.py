"""Documents to partners: signed letters over real SMTP, their receipts and bounces."""

import json
import subprocess
from email.message import EmailMessage
from pathlib import Path

from docex.mail.models import LetterState
from kernel.blobs import read_all
from tests.docex_mail.partner import ADDRESS, CODE, Abroad


def files_of(mail: EmailMessage) -> dict[str, bytes]:
    found = {}
    for part in mail.walk():
        name, data = part.get_filename(), part.get_payload(decode=True)
        if name and isinstance(data, bytes):
            found[name] = data
    return found


def test_a_document_leaves_as_a_signed_letter_that_openssl_calls_valid(abroad: Abroad, tmp_path: Path) -> None:
    number = abroad.document()
    [mail] = abroad.inbox()
    assert mail.get_content_type() == "multipart/signed"
    assert mail.get_param("protocol") == "application/pkcs7-signature"
    assert mail["From"].addresses[0].addr_spec == f"{abroad.cast.city.code.lower()}@vanban.example"
    assert mail["To"].addresses[0].addr_spec == ADDRESS
    letter, root, content = tmp_path / "letter.eml", tmp_path / "root.pem", tmp_path / "content"
    letter.write_bytes(abroad.raw_inbox()[0])
    root.write_text(authority_pem(abroad))
    verify = ["openssl", "smime", "-verify", "-in", letter, "-CAfile", root, "-purpose", "any", "-out", content]
    done = subprocess.run(verify, capture_output=True, text=True)
    assert "Verification successful" in done.stderr, done.stderr
    [dispatch] = abroad.dispatches()
    assert dispatch.id == number
    files = files_of(mail)
    envelope = next(data for name, data in files.items() if name.endswith(".edxml"))
    assert envelope == read_all(abroad.blobs, dispatch.sha256)
    manifest = json.loads(files["manifest.json"])
    assert manifest["receiver"]["code"] == CODE
    assert manifest["envelope"]["sha256"] == dispatch.sha256
    text = next(p for p in mail.walk() if p.get_content_type() == "text/plain").get_content()
    assert "Kính gửi: Sở Giao thông tỉnh Bạn" in text
    assert "125/SGT-VP" in text
    [row] = abroad.letters()
    assert row.state == LetterState.HANDED
    assert row.message_id == mail["Message-ID"]


def authority_pem(abroad: Abroad) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from signing.testpki import TestAuthority

    authority = TestAuthority(abroad.config.pki_dir)
    return x509.load_der_x509_certificate(authority.root_certificate).public_bytes(Encoding.PEM).decode()
