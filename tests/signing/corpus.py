"""The corpus of forged letters as files, for tests that bring them in as strangers do: every one must be flagged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kernel import clock
from signing.keys.keystore import FileKeyStore, KeyStore
from signing.pdf.pades import FIELD_PERSON, FIELD_SEAL, add_timestamp, sign_field, sign_person, sign_seal
from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.authority import EMAIL_PROTECTION, TestAuthority, TestPerson, TestSeal
from signing.testca.certificates import Pair, subject_named
from tests.signing import attacks, forgeries
from tests.signing.authorities import Beside, authority_called
from tests.signing.papers import minimal_pdf

Forge = Callable[[bytes], bytes]

EDITS: dict[str, Forge] = {
    "a letter flipped": attacks.flip_a_letter,
    "other content": attacks.replace_the_content,
    "a note over the text": attacks.cover_with_an_annotation,
    "a page more": attacks.append_a_page,
    "another font": attacks.swap_the_font,
    "other pages": forgeries.swap_the_pages,
    "a script": forgeries.run_a_script,
}
OF_SIGNATURES: dict[str, Forge] = {
    "bytes after the end": attacks.append_bytes,
    "half of it": lambda data: data[: len(data) // 2],
    "saved again": attacks.save_again,
    "seal emptied": lambda data: attacks.remove_a_signature(data, FIELD_SEAL),
    "person emptied": lambda data: attacks.remove_a_signature(data, FIELD_PERSON),
    "person zeroed": lambda data: attacks.zero_the_contents(data, 0),
    "seal zeroed": lambda data: attacks.zero_the_contents(data, 1),
    "person damaged": lambda data: attacks.damage_the_signature_value(data, 0),
    "seal damaged": lambda data: attacks.damage_the_signature_value(data, 1),
    "person's range shifted": lambda data: attacks.shift_the_byte_range(data, 0),
    "seal's range shifted": lambda data: attacks.shift_the_byte_range(data, 1),
    "another picture": forgeries.change_the_picture,
    "range wrapped": forgeries.wrap_the_byte_range,
    "range dropped": forgeries.drop_the_byte_range,
    "range empty": forgeries.empty_the_byte_range,
}
GARBAGE = {
    "only a head": b"%PDF-1.7\n",
    "noise": b"%PDF-1.7\n" + b"\xff" * 20_000,
    "a circle": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R /AcroForm 1 0 R /Fields [1 0 R] >>\nendobj\n"
    b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\nstartxref\n108\n%%EOF",
}


@dataclass(frozen=True)
class Forger:
    """What a forger needs of an agency: its people's and its seal's signatures, by an authority that is trusted."""

    authority: TestAuthority
    agency: str
    folder: Path

    def letter(self) -> bytes:
        """Signed and sealed as it should be."""
        return sign_seal(self._signed(), self._seal)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every forgery with its name."""
        good = self.letter()
        for name, forge in (EDITS | OF_SIGNATURES).items():
            yield name, forge(good)
        for name, forge in EDITS.items():
            yield f"{name}, before the seal", sign_seal(forge(self._signed()), self._seal)
        yield from self._wrong_order()
        yield from self._wrong_certificates()
        yield from GARBAGE.items()

    def _wrong_order(self) -> Iterator[tuple[str, bytes]]:
        letter, signed = minimal_pdf("So: 15/UBND-VP"), self._signed()
        other = sign_person(minimal_pdf("So: 77/UBND-VP"), self._person)
        yield "no signature", letter
        yield "no seal", signed
        yield "seal before the person", sign_person(sign_field(letter, self._seal, FIELD_SEAL), self._person)
        yield "another letter's signature", sign_seal(attacks.transplant_the_signature(signed, other, 0), self._seal)
        numbered = sign_person(forgeries.numbered_pdf("So: ....../UBND-VP"), self._person)
        numbered = sign_seal(forgeries.fill(numbered, forgeries.NUMBER, "15"), self._seal)
        changes = {"number changed": forgeries.change_the_number, "date filled in": forgeries.change_the_date}
        for what, change in changes.items():
            changed = change(numbered)
            yield f"{what} after the seal", changed
            yield f"{what} after the seal, before another signature", sign_field(changed, self._second, "Khac")
        yield "time-stamp by a seal", add_timestamp(self.letter(), LocalTimeStamps(self._seal))

    def _wrong_certificates(self) -> Iterator[tuple[str, bytes]]:
        for name, key in self._odd_keys():
            signed = sign_person(minimal_pdf("So: 15/UBND-VP"), key)
            yield f"signed with {name}", sign_field(signed, self._seal, FIELD_SEAL)
        yield "an extra signature of a stranger", sign_field(self.letter(), self._self_signed(), "Khach")

    def _odd_keys(self) -> Iterator[tuple[str, KeyStore]]:
        ended = clock.now() - timedelta(days=300)
        for_servers = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
        short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
        yield "an expired certificate", self._certified(usages=(EMAIL_PROTECTION,), not_after=ended)
        yield "a web server's certificate", self._certified(usages=for_servers)
        yield "a short key", self._certified(usages=(EMAIL_PROTECTION,), key=short)
        yield "a time-stamp certificate", self.authority.time_stamp_key()
        yield "an authority's certificate", self.authority.write_pair(self.folder / "ca.p12", self.authority._issuing)
        yield "a self-signed certificate", self._self_signed()
        forger = TestAuthority(self.folder / "forger")
        yield "a forged authority's certificate", forger.issue_person(self._somebody)
        lost = self._certified(usages=(EMAIL_PROTECTION,))
        self.authority.revoke(lost.describe().certificate, at=clock.now() - timedelta(days=30))
        yield "a revoked certificate", lost
        real, own = self.authority._issuing, rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name, ended = real.certificate.subject, clock.now() - timedelta(days=10)
        made_up = authority_called(name, own.public_key(), Pair(own, real.certificate), ended)
        yield "a revoked certificate beside a made-up authority", Beside(lost, made_up)

    @property
    def _somebody(self) -> TestPerson:
        return TestPerson("corpus", "Nguyễn Văn Giả Định", self.agency, "Phó Chánh Văn phòng")

    @property
    def _person(self) -> FileKeyStore:
        return self.authority.issue_person(self._somebody)

    @property
    def _second(self) -> FileKeyStore:
        return self.authority.issue_person(TestPerson("second", "Trần Thị Thử", self.agency, "Chuyên viên"))

    @property
    def _seal(self) -> FileKeyStore:
        return self.authority.issue_seal(TestSeal("corpus", self.agency))

    def _signed(self) -> bytes:
        return sign_person(minimal_pdf("So: 15/UBND-VP"), self._person)

    def _subject(self) -> x509.Name:
        return subject_named("Nguyễn Văn Giả Định", [(NameOID.ORGANIZATION_NAME, self.agency), (NameOID.TITLE, "Phó")])

    def _certified(self, **more: object) -> FileKeyStore:
        pair = self.authority.certify(self._subject(), **more)  # type: ignore[arg-type]
        return self.authority.write_pair(self.folder / f"{pair.certificate.serial_number}.p12", pair)

    def _self_signed(self) -> FileKeyStore:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        now = clock.now()
        builder = x509.CertificateBuilder(self._subject(), self._subject(), key.public_key(), 7)
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=100))
        pair = Pair(key, builder.sign(key, hashes.SHA256()))
        return self.authority.write_pair(self.folder / "self.p12", pair)
