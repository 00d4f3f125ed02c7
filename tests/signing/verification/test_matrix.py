"""The legitimate corpus: levels, kinds of keys, signers, certified or not. We accept every file, and so do others.

Each chain of signatures is made once and grown through its levels, as the archive's jobs do it: the file of one level
begins with that of the one before.
"""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner

from signing.keys.keystore import FileKeyStore, StoreSigner
from signing.pdf.pades import FIELD_PERSON, add_timestamp, sign_copy, sign_field, sign_person, sign_seal
from signing.pdf.signed_file import embedded_signatures
from signing.pdf.stamps import TEXT_MARK_SIZE, Box, text_mark
from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.authority import EMAIL_PROTECTION
from signing.testca.certificates import PrivateKey, subject_named
from signing.verdicts.policy import DocumentKind
from signing.verdicts.verdict import Level, Value
from signing.verification.long_term import look_into
from tests.sampling import sampled
from tests.signing.conftest import CITY, Office
from tests.signing.papers import minimal_pdf

KEYS: dict[str, Callable[[], PrivateKey]] = {
    "rsa-2048": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "rsa-3072": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
    "rsa-4096": lambda: rsa.generate_private_key(public_exponent=65537, key_size=4096),
    "p-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p-521": lambda: ec.generate_private_key(ec.SECP521R1()),
}
LEVELS = (Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA)


@dataclass(frozen=True)
class Chain:
    """Who signs, with which kinds of keys, and whether the first signature certifies the file (DocMDP)."""

    kind: DocumentKind
    person: str
    seal: str
    certified: bool = False
    stamps: str = "rsa-2048"

    def __str__(self) -> str:
        return f"{self.kind}, {self.person}, {self.seal}, {self.stamps}{', certified' if self.certified else ''}"


# Every kind of signing with and without certification, every kind of key in every role, each pair of those once.
CHAINS = (
    Chain(DocumentKind.OFFICIAL, "rsa-2048", "rsa-2048"),
    Chain(DocumentKind.OFFICIAL, "rsa-2048", "p-256", certified=True),
    Chain(DocumentKind.OFFICIAL, "rsa-3072", "rsa-4096", stamps="rsa-3072"),
    Chain(DocumentKind.OFFICIAL, "rsa-4096", "rsa-3072", certified=True),
    Chain(DocumentKind.OFFICIAL, "p-256", "rsa-2048", stamps="p-256"),
    Chain(DocumentKind.OFFICIAL, "p-384", "p-521", stamps="p-384"),
    Chain(DocumentKind.OFFICIAL, "p-521", "p-384", certified=True),
    Chain(DocumentKind.PERSON_ONLY, "p-256", "rsa-2048"),
    Chain(DocumentKind.PERSON_ONLY, "rsa-3072", "rsa-2048", certified=True),
    Chain(DocumentKind.COPY, "rsa-2048", "p-384", stamps="rsa-4096"),
    Chain(DocumentKind.MINUTES, "p-384", "p-256"),
    Chain(DocumentKind.MINUTES, "rsa-2048", "rsa-4096", certified=True),
)


@pytest.fixture(scope="module")
def keys(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], FileKeyStore]:
    """One private key a kind, certified for a person, another person, a seal or time-stamps, when first asked for."""
    folder = tmp_path_factory.mktemp("matrix")
    made: dict[tuple[str, str], FileKeyStore] = {}
    private: dict[str, PrivateKey] = {}
    names = {
        "person": ("Nguyễn Thanh Bình", [(NameOID.ORGANIZATION_NAME, CITY), (NameOID.TITLE, "Chánh Văn phòng")]),
        "second": ("Lê Minh Thu", [(NameOID.ORGANIZATION_NAME, CITY), (NameOID.TITLE, "Thư ký")]),
        "seal": (CITY, [(NameOID.ORGANIZATION_NAME, CITY)]),
        "stamps": ("Dấu thời gian thử nghiệm", [(NameOID.ORGANIZATION_NAME, "Liên Thông")]),
    }

    def key(role: str, kind: str) -> FileKeyStore:
        if (role, kind) not in made:
            private.setdefault(kind, KEYS[kind]())
            usage = ExtendedKeyUsageOID.TIME_STAMPING if role == "stamps" else EMAIL_PROTECTION
            pair = office.authority.certify(subject_named(*names[role]), usages=(usage,), key=private[kind])
            made[role, kind] = office.authority.write_pair(folder / f"{role}-{kind}.p12", pair)
        return made[role, kind]

    return key


@pytest.fixture(scope="module", params=sampled(CHAINS, one_in=5), ids=str)
def corpus(request: Any, office: Office, keys: Callable[[str, str], FileKeyStore]) -> tuple[Chain, dict[Level, bytes]]:
    """The files of one chain, by level."""
    chain: Chain = request.param
    stamps = LocalTimeStamps(keys("stamps", chain.stamps))
    files = {Level.B_B: _signed(chain, keys)}
    files[Level.B_T] = add_timestamp(files[Level.B_B], stamps)
    files[Level.B_LT] = files[Level.B_T] + look_into(files[Level.B_T], office.trust).added
    files[Level.B_LTA] = add_timestamp(files[Level.B_LT], stamps)
    return chain, files


def _signed(chain: Chain, keys: Callable[[str, str], FileKeyStore]) -> bytes:
    pdf, person, seal = minimal_pdf("So: 15/UBND-VP"), keys("person", chain.person), keys("seal", chain.seal)
    if chain.kind is DocumentKind.COPY:
        mark = text_mark(["Sao y " + CITY], *TEXT_MARK_SIZE)
        return sign_copy(pdf, seal, mark=mark, box=Box(0, 380, 790, *TEXT_MARK_SIZE))
    if chain.kind is DocumentKind.MINUTES:
        second = keys("second", chain.seal)
        first = _certified(pdf, second, "ThuKy") if chain.certified else sign_field(pdf, second, "ThuKy")
        return sign_field(first, person, "ChuToa")
    signed = _certified(pdf, person, FIELD_PERSON) if chain.certified else sign_person(pdf, person)
    return signed if chain.kind is DocumentKind.PERSON_ONLY else sign_seal(signed, seal)


def _certified(pdf: bytes, key: FileKeyStore, field: str) -> bytes:
    """A first signature that certifies the file and allows only further signatures and filled fields."""
    meta = PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )
    return bytes(PdfSigner(meta, StoreSigner(key)).sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf))).getvalue())


def test_every_level_is_valid_and_known_as_what_it_is(office: Office, corpus: tuple[Chain, dict[Level, bytes]]) -> None:
    chain, files = corpus
    earlier = b""
    for level in LEVELS:
        verdict = office.verify(files[level], chain.kind)
        assert verdict.value is Value.VALID, verdict.summary
        assert {signer.level for signer in verdict.signers} == {level}
        assert files[level].startswith(earlier)
        assert len(files[level]) > len(earlier)
        earlier = files[level]


def test_pdfsig_agrees(corpus: tuple[Chain, dict[Level, bytes]], tmp_path: Path) -> None:
    chain, files = corpus
    signers = 1 if chain.kind in (DocumentKind.PERSON_ONLY, DocumentKind.COPY) else 2
    for level in (Level.B_B, Level.B_T, Level.B_LT):
        (tmp_path / "paper.pdf").write_bytes(files[level])
        command = ["pdfsig", "-nocert", "paper.pdf"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        assert said.count("Signature is Valid.") >= signers, (level, said)
        assert "Digest Mismatch" not in said
        assert said.count("ETSI.CAdES.detached") == signers


def test_openssl_agrees_on_each_token(office: Office, corpus: tuple[Chain, dict[Level, bytes]], tmp_path: Path) -> None:
    """The tokens are the same at every level: the highest file holds them all, and both time-stamps."""
    pdf = corpus[1][Level.B_LTA]
    pem = ["openssl", "x509", "-inform", "DER", "-out", "root.pem"]
    subprocess.run(pem, cwd=tmp_path, input=office.authority.root_certificate, check=True)
    found = embedded_signatures(pdf).found
    assert sum(one.is_timestamp for one in found) == 2
    for one in found:
        assert one.signature is not None
        start, length, second, rest = (int(number) for number in one.signature.byte_range)
        (tmp_path / "content").write_bytes(pdf[start : start + length] + pdf[second : second + rest])
        (tmp_path / "token").write_bytes(one.signature.pkcs7_content)
        command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "content", "-CAfile", "root.pem"]
        if not one.is_timestamp:
            command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any"]
            command += ["-in", "token", "-content", "content", "-CAfile", "root.pem", "-out", "out"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (one.field, done.stderr)


def test_the_corpus_has_every_kind_of_key_in_every_role() -> None:
    official = [chain for chain in CHAINS if chain.kind is DocumentKind.OFFICIAL]
    assert {chain.person for chain in official} == {chain.seal for chain in official} == set(KEYS)
    assert {chain.certified for chain in official} == {True, False}
    assert len(CHAINS) * len(LEVELS) >= 48
