"""Independent programs agree with us on what is well signed: poppler's pdfsig and OpenSSL."""

import re
import subprocess
from pathlib import Path

import pytest
from asn1crypto import parser

from signing.pdf.pades import add_timestamp
from signing.pdf.timestamps import LocalTimeStamps
from tests.signing.attacks import contents_at
from tests.signing.conftest import Office


def test_pdfsig_calls_both_signatures_valid(sealed: bytes, tmp_path: Path) -> None:
    said = _pdfsig(sealed, tmp_path)
    assert said.count("Signature is Valid.") == 2
    assert said.count("ETSI.CAdES.detached") == 2
    assert said.count("Total document signed") == 1
    assert "CHỨNG THƯ THỬ NGHIỆM" in said


def test_pdfsig_sees_a_changed_letter(sealed: bytes, tmp_path: Path) -> None:
    said = _pdfsig(sealed.replace(b"15/UBND", b"16/UBND", 1), tmp_path)
    assert said.count("Signature Validation: Digest Mismatch.") == 2
    assert "Signature is Valid" not in said


@pytest.mark.parametrize("which", [0, 1])
def test_openssl_verifies_the_token_over_the_signed_bytes(
    office: Office, sealed: bytes, tmp_path: Path, which: int
) -> None:
    token, content = _token_and_content(sealed, which)
    command = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any", "-in", "token.der"]
    command += ["-content", "content", "-CAfile", _root(office, tmp_path), "-out", "out"]
    code, said = _openssl(command, token, content, tmp_path)
    assert (code, "Verification successful" in said) == (0, True), said
    code, said = _openssl(command, token, content.replace(b"15/UBND", b"16/UBND", 1), tmp_path)
    assert (code, "Verification failure" in said, "content verify error" in said) == (4, True, True), said


def test_openssl_verifies_the_document_time_stamp(office: Office, sealed: bytes, tmp_path: Path) -> None:
    stamped = add_timestamp(sealed, LocalTimeStamps(office.authority.time_stamp_key()))
    token, content = _token_and_content(stamped, 2)
    command = ["ts", "-verify", "-token_in", "-in", "token.der", "-data", "content"]
    command += ["-CAfile", _root(office, tmp_path)]
    code, said = _openssl(command, token, content, tmp_path)
    assert (code, "Verification: OK" in said) == (0, True), said
    code, said = _openssl(command, token, content[:-1], tmp_path)
    assert (code, "Verification: FAILED" in said, "message imprint mismatch" in said) == (1, True, True), said


def _openssl(command: list[str], token: bytes, content: bytes, folder: Path) -> tuple[int, str]:
    (folder / "token.der").write_bytes(token)
    (folder / "content").write_bytes(content)
    done = subprocess.run(["openssl", *command], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def _pdfsig(data: bytes, folder: Path) -> str:
    path = folder / "letter.pdf"
    path.write_bytes(data)
    return subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=True).stdout


def _root(office: Office, folder: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    certificate = x509.load_der_x509_certificate(office.authority.root_certificate)
    (folder / "root.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return "root.pem"


def _token_and_content(data: bytes, which: int) -> tuple[bytes, bytes]:
    start, end = contents_at(data, which)
    padded = bytes.fromhex(data[start:end].decode())
    ranges = re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", data)[which]
    a, b, c, d = (int(number) for number in ranges)
    return padded[: parser.peek(padded)], data[a : a + b] + data[c : c + d]
