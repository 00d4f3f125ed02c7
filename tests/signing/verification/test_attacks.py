"""Every forgery is refused with its reason, and nothing makes the judge fall over."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pypdf import PdfReader, PdfWriter

from kernel import clock
from kernel.errors import Invalid
from signing.keys.keystore import FileKeyStore
from signing.pdf.pades import FIELD_PERSON, FIELD_SEAL, add_timestamp, sign_field, sign_person, sign_seal
from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.authority import EMAIL_PROTECTION, TestAuthority, TestPerson, TestSeal
from signing.testca.certificates import Pair, subject_named
from signing.verdicts.policy import DocumentKind
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import HolderKind, Value, Verdict
from signing.verification.file_verification import signed_revision
from tests.signing import attacks
from tests.signing.conftest import CITY, DEPARTMENT, Office
from tests.signing.papers import minimal_pdf

Forge = Callable[[bytes], bytes]
OddKey = Callable[..., FileKeyStore]
A_PERSON = subject_named("Trần Văn Khách", [(NameOID.ORGANIZATION_NAME, CITY), (NameOID.TITLE, "Phó")])


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (attacks.flip_a_letter, Code.CONTENT_CHANGED),
        (attacks.replace_the_content, Code.EDITED_AFTER_SIGNING),
        (attacks.cover_with_an_annotation, Code.EDITED_AFTER_SIGNING),
        (attacks.append_a_page, Code.EDITED_AFTER_SIGNING),
        (attacks.swap_the_font, Code.EDITED_AFTER_SIGNING),
        (lambda data: attacks.remove_a_signature(data, FIELD_SEAL), Code.EDITED_AFTER_SIGNING),
        (lambda data: attacks.remove_a_signature(data, FIELD_PERSON), Code.PERSON_MISSING),
        (lambda data: attacks.zero_the_contents(data, 0), Code.SIGNATURE_UNREADABLE),
        (lambda data: attacks.zero_the_contents(data, 1), Code.SIGNATURE_UNREADABLE),
        (lambda data: attacks.damage_the_signature_value(data, 1), Code.SIGNATURE_BROKEN),
        (lambda data: attacks.shift_the_byte_range(data, 0), Code.COVERAGE),
        (lambda data: attacks.shift_the_byte_range(data, 1), Code.COVERAGE),
        (lambda data: data[: len(data) // 2], None),
    ],
)
def test_a_changed_letter_is_invalid_and_says_why(
    office: Office, sealed: bytes, forge: Forge, code: Code | None
) -> None:
    verdict = office.verify(forge(sealed))
    assert verdict.value is Value.INVALID
    assert verdict.summary.vi.startswith("Không hợp lệ: ")
    if code is not None:
        assert verdict.has(code)


@pytest.mark.parametrize(
    "forge",
    [
        attacks.replace_the_content,
        attacks.cover_with_an_annotation,
        attacks.append_a_page,
        attacks.swap_the_font,
    ],
)
def test_an_edit_between_person_and_seal_is_found_though_the_seal_covers_it(
    office: Office, signed: bytes, forge: Forge
) -> None:
    verdict = office.verify(sign_seal(forge(signed), office.seal))
    assert verdict.value is Value.INVALID
    person, seal = verdict.signers
    assert person.value is Value.INVALID
    assert seal.value is Value.VALID


def test_bytes_after_the_end_are_unclear(office: Office, sealed: bytes) -> None:
    verdict = office.verify(attacks.append_bytes(sealed))
    assert verdict.value is Value.UNCLEAR
    assert verdict.has(Code.TRAILING_BYTES)


def test_blank_lines_after_the_end_are_nothing(office: Office, sealed: bytes) -> None:
    assert office.verify(sealed + b"\r\n\n").value is Value.VALID


def test_a_stripped_seal_is_found(office: Office, sealed: bytes) -> None:
    person = office.verify(sealed).signers[0]
    verdict = office.verify(sealed[: person.covers])
    assert verdict.value is Value.INVALID
    assert verdict.reasons[0].code == Code.SEAL_MISSING


def test_a_letter_without_signatures_is_invalid(office: Office, letter: bytes) -> None:
    assert office.verify(letter).has(Code.NO_SIGNATURE)
    assert office.verify(letter).value is Value.INVALID


def test_one_ruined_signature_does_not_hide_the_other(office: Office, sealed: bytes) -> None:
    verdict = office.verify(attacks.zero_the_contents(sealed, 1))
    assert {signer.field: signer.kind for signer in verdict.signers} == {
        FIELD_PERSON: HolderKind.PERSON,
        FIELD_SEAL: HolderKind.UNKNOWN,
    }


def test_a_seal_before_the_person_is_refused(office: Office, letter: bytes) -> None:
    early = sign_field(letter, office.seal, FIELD_SEAL)
    verdict = office.verify(sign_person(early, office.binh))
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.SEAL_BEFORE_PERSON)


def test_a_colleague_before_the_seal_does_not_stand_for_who_is_competent(office: Office, letter: bytes) -> None:
    """The clerk has a colleague sign, applies the seal, and gets the leader's signature under a sealed paper."""
    forged = attacks.let_a_colleague_sign_first(letter, office.keys["thu"], office.seal, office.binh)
    for signer in ("Nguyễn Thanh Bình", "Không Có Ai"):
        verdict = office.verify(forged, signer=signer)
        assert verdict.value is Value.INVALID
        assert verdict.has(Code.SEAL_BEFORE_PERSON)


def test_who_signs_after_the_seal_does_no_harm_when_the_one_who_is_named_signed_before(
    office: Office, sealed: bytes
) -> None:
    later = sign_field(sealed, office.keys["thu"], "Khac")
    assert not office.verify(later, signer="Nguyễn Thanh Bình").has(Code.SEAL_BEFORE_PERSON)
    assert not office.verify(later).has(Code.SEAL_BEFORE_PERSON)


def test_the_seal_of_another_agency_is_refused(office: Office, signed: bytes) -> None:
    verdict = office.verify(sign_seal(signed, office.keys["finance"]))
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.OTHER_AGENCY_SEAL)
    assert DEPARTMENT in verdict.summary.vi


def test_a_second_person_is_no_seal(office: Office, signed: bytes) -> None:
    assert office.verify(sign_field(signed, office.keys["thu"], FIELD_SEAL)).has(Code.SEAL_MISSING)


def test_a_leader_of_another_agency_is_unclear(office: Office, sealed: bytes) -> None:
    verdict = office.verify(sealed, agency=DEPARTMENT)
    assert verdict.has(Code.OTHER_AGENCY_PERSON)
    assert verdict.has(Code.OTHER_AGENCY_SEAL)


def test_the_signature_of_another_letter_does_not_fit(office: Office, signed: bytes) -> None:
    other = sign_person(minimal_pdf("So: 77/UBND-VP"), office.binh)
    verdict = office.verify(attacks.transplant_the_signature(signed, other, 0), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.CONTENT_CHANGED)


def test_a_file_saved_by_another_program_is_refused(office: Office, sealed: bytes) -> None:
    assert office.verify(attacks.save_again(sealed)).value is Value.INVALID


def test_an_expired_certificate_is_refused(office: Office, letter: bytes, odd_key: OddKey) -> None:
    ended = clock.now() - timedelta(days=300)
    key = odd_key("expired", subject=A_PERSON, usages=(EMAIL_PROTECTION,), not_after=ended)
    verdict = office.verify(sign_person(letter, key), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.EXPIRED_WHEN_SIGNED)


def test_a_back_dated_signature_of_an_expired_certificate_is_never_valid(
    office: Office, letter: bytes, odd_key: OddKey
) -> None:
    ended = clock.now() - timedelta(days=300)
    key = odd_key("backdated", subject=A_PERSON, usages=(EMAIL_PROTECTION,), not_after=ended)
    verdict = office.verify(sign_person(letter, key, at=ended - timedelta(days=5)), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.UNCLEAR
    assert verdict.has(Code.EXPIRED_NO_PROOF)


@pytest.mark.parametrize("stamped", [False, True], ids=["arrived", "time-stamped"])
def test_only_who_says_to_have_signed_with_an_expired_certificate_did(
    office: Office, letter: bytes, odd_key: OddKey, stamped: bool
) -> None:
    """When a paper came or was stamped it was there at the latest; it may be older, from when the certificate held."""
    ended = clock.now() - timedelta(days=300)
    key = odd_key(f"ended-{stamped}", subject=A_PERSON, usages=(EMAIL_PROTECTION,), not_after=ended)
    arrived = ended + timedelta(days=5)

    def verified(at: timedelta) -> Verdict:
        signed = sign_person(letter, key, at=ended + at)
        if stamped:
            with clock.frozen(arrived):
                signed = add_timestamp(signed, LocalTimeStamps(office.authority.time_stamp_key()))
        return office.verify(signed, DocumentKind.PERSON_ONLY, known_since=None if stamped else arrived)

    before, after, impossible = (verified(timedelta(days=days)) for days in (-4, 1, 20))
    assert (before.value, before.has(Code.EXPIRED_NO_PROOF)) == (Value.UNCLEAR, True)
    assert (after.value, after.has(Code.EXPIRED_WHEN_SIGNED)) == (Value.INVALID, True)
    assert (impossible.value, impossible.has(Code.EXPIRED_NO_PROOF)) == (Value.UNCLEAR, True)


def test_that_somebody_signed_after_the_revocation_is_said_only_of_who_says_so(
    office: Office, letter: bytes, odd_key: OddKey
) -> None:
    key, now = odd_key("revoked-then", subject=A_PERSON, usages=(EMAIL_PROTECTION,)), clock.now()
    office.authority.revoke(key.describe().certificate, now - timedelta(days=5))
    office.authority.enter_into(office.store)
    for days, etsi in ((9, "REVOKED_NO_POE"), (3, "REVOKED")):
        signed = sign_person(letter, key, at=now - timedelta(days=days))
        verdict = office.verify(signed, DocumentKind.PERSON_ONLY, known_since=now - timedelta(days=1))
        assert verdict.value is Value.INVALID
        assert [one.etsi for one in verdict.reasons if one.code == Code.REVOKED] == [etsi]


def test_a_clock_seven_hours_fast_makes_no_expired_certificate_good(
    office: Office, letter: bytes, odd_key: OddKey
) -> None:
    """Read as seven hours earlier the signature would be older than the end; that is a guess, and proves nothing."""
    ended = clock.now() - timedelta(days=300)
    key = odd_key("fast-and-ended", subject=A_PERSON, usages=(EMAIL_PROTECTION,), not_after=ended)
    signed = sign_person(letter, key, at=ended + timedelta(hours=3))
    after = office.verify(signed, DocumentKind.PERSON_ONLY, known_since=ended + timedelta(hours=1))
    assert (after.value, after.has(Code.EXPIRED_NO_PROOF)) == (Value.UNCLEAR, True)
    later = office.verify(signed, DocumentKind.PERSON_ONLY, known_since=ended + timedelta(hours=4))
    assert (later.value, later.has(Code.EXPIRED_WHEN_SIGNED)) == (Value.INVALID, True)
    # It came before the end, and that is known: whatever the signer's clock says, it was not signed after it.
    before = office.verify(signed, DocumentKind.PERSON_ONLY, known_since=ended - timedelta(hours=1))
    assert (before.value, before.has(Code.CLOCK_SEVEN_HOURS_FAST)) == (Value.VALID, True)


def test_a_clock_seven_hours_fast_is_no_excuse_for_more(office: Office, letter: bytes, odd_key: OddKey) -> None:
    """More than seven hours ahead is no such clock, nor is what would then be older than the certificate."""
    now = clock.now()
    far = sign_person(letter, office.binh, at=now + timedelta(hours=8))
    with clock.frozen(now + timedelta(days=800) - timedelta(hours=1)):  # test certificates begin 800 days before
        young = odd_key("an-hour-old", subject=A_PERSON, usages=(EMAIL_PROTECTION,))
    for signed in (far, sign_person(letter, young, at=now + timedelta(hours=2))):
        for known_since in (None, now):
            verdict = office.verify(signed, DocumentKind.PERSON_ONLY, known_since=known_since)
            assert (verdict.value, verdict.has(Code.TIME_IN_FUTURE)) == (Value.UNCLEAR, True)


def test_a_tls_certificate_is_refused(office: Office, letter: bytes, odd_key: OddKey) -> None:
    usages = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    verdict = office.verify(
        sign_person(letter, odd_key("tls", subject=A_PERSON, usages=usages)), DocumentKind.PERSON_ONLY
    )
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.WRONG_PURPOSE)


def test_a_time_stamp_certificate_cannot_sign_a_letter(office: Office, letter: bytes) -> None:
    verdict = office.verify(sign_field(letter, office.authority.time_stamp_key(), FIELD_PERSON))
    assert verdict.has(Code.WRONG_PURPOSE)


def test_a_short_key_is_refused(office: Office, letter: bytes, odd_key: OddKey) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    key = odd_key("short", subject=A_PERSON, usages=(EMAIL_PROTECTION,), key=short)
    verdict = office.verify(sign_person(letter, key), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.WEAK_ALGORITHM)


def test_sha1_is_refused(office: Office, letter: bytes) -> None:
    path, passphrase = office.authority.person_path("binh"), office.authority.passphrase
    signer = SimpleSigner.load_pkcs12(path, passphrase=passphrase)  # type: ignore[no-untyped-call]
    meta = PdfSignatureMetadata(field_name=FIELD_PERSON, md_algorithm="sha1", subfilter=SigSeedSubFilter.PADES)
    out = PdfSigner(meta, signer).sign_pdf(IncrementalPdfFileWriter(BytesIO(letter)))
    verdict = office.verify(out.getvalue(), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.WEAK_ALGORITHM)
    assert office.verify(out.getvalue(), DocumentKind.FOREIGN).value is Value.UNCLEAR


def test_a_locked_file_gets_a_verdict_and_is_not_signed(office: Office, letter: bytes) -> None:
    writer = PdfWriter()
    writer.append(PdfReader(BytesIO(letter)))
    writer.encrypt("secret")
    out = BytesIO()
    writer.write(out)
    assert office.verify(out.getvalue()).value is Value.INVALID
    with pytest.raises(Invalid):
        sign_person(out.getvalue(), office.binh)


def test_a_revoked_certificate_is_refused(office: Office, letter: bytes, odd_key: OddKey) -> None:
    key = odd_key("revoked", subject=A_PERSON, usages=(EMAIL_PROTECTION,))
    signed = sign_person(letter, key)
    assert office.verify(signed, DocumentKind.PERSON_ONLY).value is Value.VALID
    office.authority.revoke(key.describe().certificate)
    office.authority.enter_into(office.store)
    verdict = office.verify(signed, DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.REVOKED)


def test_a_self_signed_stranger_is_refused(office: Office, letter: bytes, tmp_path: Path) -> None:
    verdict = office.verify(sign_person(letter, _self_signed(office, tmp_path)), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.SELF_SIGNED)


def test_an_authority_that_only_looks_like_ours_is_not_trusted(office: Office, letter: bytes, tmp_path: Path) -> None:
    forger = TestAuthority(tmp_path / "forger")
    person = forger.issue_person(TestPerson("binh", "Nguyễn Thanh Bình", CITY, "Chánh Văn phòng"))
    seal = forger.issue_seal(TestSeal("city", CITY))
    verdict = office.verify(sign_seal(sign_person(letter, person), seal))
    assert verdict.value is not Value.VALID
    assert [signer.value for signer in verdict.signers] == [verdict.value] * 2


def test_an_extra_signature_of_a_stranger_spoils_the_green(office: Office, sealed: bytes, tmp_path: Path) -> None:
    verdict = office.verify(sign_field(sealed, _self_signed(office, tmp_path), "Khach"))
    assert verdict.value is Value.INVALID
    assert [signer.value for signer in verdict.signers[:2]] == [Value.VALID, Value.VALID]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 5000,
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + b"\xff" * 20_000,
        b"PK\x03\x04 a zip file",
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R /AcroForm 1 0 R /Fields [1 0 R] >>\nendobj\n"
        b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\n"
        b"startxref\n108\n%%EOF",
    ],
)
def test_garbage_gets_a_verdict_and_no_crash(office: Office, data: bytes) -> None:
    assert office.verify(data).value is Value.INVALID


def test_changes_anywhere_in_the_file_are_never_valid(office: Office, sealed: bytes) -> None:
    step = len(sealed) // 60
    for place in range(7, len(sealed), step):
        changed = sealed[:place] + bytes([sealed[place] ^ 0x41]) + sealed[place + 1 :]
        assert office.verify(changed).value is not Value.VALID, place


def _self_signed(office: Office, folder: Path) -> FileKeyStore:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(A_PERSON)
        .issuer_name(A_PERSON)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=100))
        .sign(key, hashes.SHA256())
    )
    return office.authority.write_pair(folder / "self.p12", Pair(key, certificate))


@pytest.mark.parametrize(
    "forge", [attacks.append_a_page, attacks.cover_with_an_annotation, attacks.replace_the_content]
)
def test_a_foreign_file_that_grew_is_unclear_and_what_was_signed_can_be_seen(
    office: Office, signed: bytes, forge: Callable[[bytes], bytes]
) -> None:
    grown = forge(signed)
    verdict = office.verify(grown, DocumentKind.FOREIGN, agency="")
    assert (verdict.value, verdict.has(Code.ADDED_AFTER_SIGNING)) == (Value.UNCLEAR, True)
    assert signed_revision(grown, verdict.signers[0]) == signed
    ours = office.verify(grown, DocumentKind.PERSON_ONLY)
    assert (ours.value, ours.has(Code.EDITED_AFTER_SIGNING)) == (Value.INVALID, True)
    assert signed_revision(grown, ours.signers[0]) == signed


def test_minutes_with_one_signature_lack_one(office: Office, signed: bytes) -> None:
    verdict = office.verify(signed, DocumentKind.MINUTES)
    assert (verdict.value, verdict.has(Code.SIGNERS_TOO_FEW)) == (Value.INVALID, True)
