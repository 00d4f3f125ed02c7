"""What honest signers make is accepted, in all the shapes in which it comes."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner

from kernel import clock
from kernel.errors import Invalid, Unavailable, WrongState
from signing.keys.keystore import FileKeyStore, KeyAlgorithm, StoreSigner
from signing.pdf.pades import (
    FIELD_PERSON,
    FIELD_SEAL,
    add_timestamp,
    sign_copy,
    sign_field,
    sign_person,
    sign_seal,
    signed_fields,
)
from signing.pdf.stamps import TEXT_MARK_SIZE, Box, text_mark
from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.authority import EMAIL_PROTECTION, TestAuthority, TestPerson
from signing.testca.certificates import subject_named
from signing.testca.specimens import handwriting, seal
from signing.trust.holders import TEST_MARK
from signing.trust.trust_store import Trust, TrustStore
from signing.verdicts.policy import POLICIES, DocumentKind
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import HolderKind, Level, TimeSource, Value, Verdict
from signing.verification.file_verification import signed_revision, verify
from tests.signing import attacks
from tests.signing.authorities import authority_called, plain_list
from tests.signing.conftest import CITY, Office
from tests.signing.papers import hybrid_pdf, minimal_pdf

pytestmark = pytest.mark.long_proof

OddKey = Callable[..., FileKeyStore]


def test_a_letter_signed_and_sealed_is_valid_and_says_that_it_is_a_test(office: Office, sealed: bytes) -> None:
    verdict = office.verify(sealed)
    assert verdict.value is Value.VALID
    assert verdict.summary.vi.startswith("Hợp lệ: Nguyễn Thanh Bình, " + CITY)
    assert TEST_MARK in verdict.summary.vi
    assert verdict.test
    person, seal = verdict.signers
    assert (person.kind, person.name, person.title, person.agency) == (
        HolderKind.PERSON,
        "Nguyễn Thanh Bình",
        "Chánh Văn phòng",
        CITY,
    )
    assert (seal.kind, seal.agency, seal.level) == (HolderKind.SEAL, CITY, Level.B_B)
    assert seal.time_source is TimeSource.SELF_DECLARED
    assert verdict.has(Code.SELF_DECLARED_TIME)


def test_signatures_are_incremental_and_earlier_bytes_stay(letter: bytes, signed: bytes, sealed: bytes) -> None:
    assert signed.startswith(letter)
    assert sealed.startswith(signed)
    assert signed_fields(signed) == (FIELD_PERSON,)
    assert set(signed_fields(sealed)) == {FIELD_PERSON, FIELD_SEAL}
    assert sealed.count(b"/SubFilter /ETSI.CAdES.detached") == 2


def test_the_signing_time_is_that_of_the_clock_of_the_house(office: Office, letter: bytes) -> None:
    at = clock.now() - timedelta(days=20)
    with clock.frozen(at):
        signed = sign_person(letter, office.binh)
    signer = office.verify(signed, DocumentKind.PERSON_ONLY).signers[0]
    assert signer.signed_at == at.replace(microsecond=0)


def test_a_signed_letter_before_the_seal_is_valid_as_such(office: Office, signed: bytes) -> None:
    assert office.verify(signed, DocumentKind.PERSON_ONLY).value is Value.VALID


def test_a_letter_as_weasyprint_makes_it_is_valid(office: Office) -> None:
    from weasyprint import HTML

    page = HTML(string="<html lang=vi><title>Công văn</title><p>Kính gửi: Sở Tài chính</p>")
    pdf = page.write_pdf(pdf_variant="pdf/a-3b")
    made = sign_seal(sign_person(pdf, office.binh), office.seal)
    assert office.verify(made).value is Value.VALID


def test_a_file_as_word_writes_it_is_valid(office: Office) -> None:
    made = sign_seal(sign_person(hybrid_pdf("So: 15/UBND-VP"), office.binh), office.seal)
    assert office.verify(made).value is Value.VALID
    assert office.verify(attacks.flip_a_letter(made)).has(Code.CONTENT_CHANGED)
    assert office.verify(attacks.cover_with_an_annotation(made)).has(Code.EDITED_AFTER_SIGNING)


def test_a_time_stamp_raises_both_signatures_to_b_t(office: Office, sealed: bytes) -> None:
    stamped = add_timestamp(sealed, LocalTimeStamps(office.authority.time_stamp_key()))
    assert stamped.startswith(sealed)
    verdict = office.verify(stamped)
    assert verdict.value is Value.VALID
    assert [signer.level for signer in verdict.signers] == [Level.B_T, Level.B_T]
    assert {signer.time_source for signer in verdict.signers} == {TimeSource.TSA}
    assert not verdict.has(Code.SELF_DECLARED_TIME)


def test_a_second_time_stamp_can_follow_and_the_first_one_counts(office: Office, sealed: bytes) -> None:
    source = LocalTimeStamps(office.authority.time_stamp_key())
    first = clock.now() - timedelta(days=3)
    with clock.frozen(first):
        once = add_timestamp(sealed, source)
    verdict = office.verify(add_timestamp(once, source))
    assert verdict.value is Value.VALID
    assert verdict.signers[0].signed_at == first.replace(microsecond=0)


def test_a_time_stamp_of_a_stranger_is_unclear(office: Office, sealed: bytes) -> None:
    verdict = office.verify(add_timestamp(sealed, LocalTimeStamps(office.binh)))
    assert verdict.value is Value.UNCLEAR
    assert verdict.has(Code.TIMESTAMP_UNTRUSTED)


def test_a_silent_authority_is_unavailable_and_harms_nothing(sealed: bytes) -> None:
    from signing.pdf.timestamps import HttpTimeStamps

    with pytest.raises(Unavailable):
        add_timestamp(sealed, HttpTimeStamps("http://127.0.0.1:9149/", timeout_s=2))


def test_what_was_stamped_before_the_revocation_stays_valid(office: Office, letter: bytes, odd_key: OddKey) -> None:
    subject = subject_named("Phạm Thị Hoa", [(NameOID.ORGANIZATION_NAME, CITY), (NameOID.TITLE, "Phó")])
    key = odd_key("later-revoked", subject=subject, usages=(EMAIL_PROTECTION,))
    with clock.frozen(clock.now() - timedelta(days=10)):
        proven = add_timestamp(sign_person(letter, key), LocalTimeStamps(office.authority.time_stamp_key()))
        claimed = sign_person(letter, key)
    arrived = clock.now() - timedelta(days=5)
    office.authority.revoke(key.describe().certificate, at=clock.now() - timedelta(days=2))
    office.authority.enter_into(office.store)
    assert office.verify(proven, DocumentKind.PERSON_ONLY).value is Value.VALID
    assert office.verify(claimed, DocumentKind.PERSON_ONLY).has(Code.REVOKED)
    assert office.verify(claimed, DocumentKind.PERSON_ONLY, known_since=arrived).value is Value.VALID


def test_an_expired_certificate_is_fine_for_a_letter_that_we_had_before(
    office: Office, letter: bytes, odd_key: OddKey
) -> None:
    ended = clock.now() - timedelta(days=300)
    subject = subject_named("Võ Văn Nam", [(NameOID.ORGANIZATION_NAME, CITY), (NameOID.TITLE, "Phó")])
    key = odd_key("was-fine", subject=subject, usages=(EMAIL_PROTECTION,), not_after=ended)
    signed = sign_person(letter, key, at=ended - timedelta(days=9))
    verdict = office.verify(signed, DocumentKind.PERSON_ONLY, known_since=ended - timedelta(days=8))
    assert verdict.value is Value.VALID


def test_an_elliptic_key_signs_as_well(office: Office, letter: bytes, odd_key: OddKey) -> None:
    subject = subject_named("Đỗ Thị Mai", [(NameOID.ORGANIZATION_NAME, CITY), (NameOID.TITLE, "Phó")])
    key = odd_key("ec", subject=subject, usages=(EMAIL_PROTECTION,), key=ec.generate_private_key(ec.SECP256R1()))
    assert key.describe().algorithm is KeyAlgorithm.ECDSA_SHA256
    assert office.verify(sign_person(letter, key), DocumentKind.PERSON_ONLY).value is Value.VALID


def test_minutes_carry_the_signatures_of_secretary_and_chair(office: Office) -> None:
    pdf = minimal_pdf("Bien ban cuoc hop")
    first = sign_field(pdf, office.keys["thu"], "ThuKy", prepared={"ChuToa": None})
    verdict = office.verify(sign_field(first, office.binh, "ChuToa"), DocumentKind.MINUTES)
    assert verdict.value is Value.VALID
    assert [signer.name for signer in verdict.signed_by(HolderKind.PERSON)] == ["Lê Minh Thu", "Nguyễn Thanh Bình"]


def test_a_copy_carries_the_agency_and_a_text_instead_of_an_image(office: Office, letter: bytes) -> None:
    width, height = TEXT_MARK_SIZE
    mark = text_mark(["SAO Y; " + CITY, "2026-03-02T09:15:00+07:00"], width, height)
    copy = sign_copy(letter, office.seal, mark=mark, box=Box(0, 595 - width - 40, 842 - height - 30, width, height))
    assert office.verify(copy, DocumentKind.COPY).value is Value.VALID


def test_the_older_way_of_other_programs_is_accepted(office: Office, letter: bytes) -> None:
    meta = PdfSignatureMetadata(
        field_name="Signature1", md_algorithm="sha256", subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    )
    out = PdfSigner(meta, StoreSigner(office.binh)).sign_pdf(IncrementalPdfFileWriter(BytesIO(letter)))
    verdict = office.verify(out.getvalue(), DocumentKind.FOREIGN)
    assert verdict.value is Value.VALID
    assert verdict.signers[0].level is Level.OTHER


def test_a_certified_file_may_be_sealed_when_it_allows_signatures(office: Office, letter: bytes) -> None:
    meta = PdfSignatureMetadata(
        field_name=FIELD_PERSON,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )
    out = PdfSigner(meta, StoreSigner(office.binh)).sign_pdf(IncrementalPdfFileWriter(BytesIO(letter)))
    assert office.verify(sign_seal(out.getvalue(), office.seal)).value is Value.VALID


def test_a_clock_that_writes_vietnamese_time_as_utc_is_recognised(office: Office, letter: bytes) -> None:
    signed = sign_person(letter, office.binh, at=clock.now() + timedelta(hours=6, minutes=58))
    verdict = office.verify(signed, DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.VALID
    assert verdict.has(Code.CLOCK_SEVEN_HOURS_FAST)


@pytest.mark.parametrize("way", [timedelta(minutes=2), timedelta(hours=2), timedelta(hours=6, minutes=30)], ids=str)
def test_a_clock_that_writes_vietnamese_time_as_utc_is_recognised_however_long_the_paper_was_on_its_way(
    office: Office, letter: bytes, way: timedelta
) -> None:
    signed_at = clock.now() - timedelta(days=3)
    signed = sign_person(letter, office.binh, at=signed_at + timedelta(hours=7))
    verdict = office.verify(signed, DocumentKind.PERSON_ONLY, known_since=signed_at + way)
    assert (verdict.value, verdict.has(Code.CLOCK_SEVEN_HOURS_FAST)) == (Value.VALID, True)


def test_a_time_in_the_future_is_unclear(office: Office, letter: bytes) -> None:
    signed = sign_person(letter, office.binh, at=clock.now() + timedelta(days=2))
    assert office.verify(signed, DocumentKind.PERSON_ONLY).has(Code.TIME_IN_FUTURE)
    assert office.verify(signed, DocumentKind.PERSON_ONLY).value is Value.UNCLEAR


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda trust: Trust(), Code.UNKNOWN_AUTHORITY),
        (lambda trust: Trust(trust.anchors, trust.intermediates), Code.REVOCATION_UNKNOWN),
        (lambda trust: Trust(trust.anchors, trust.intermediates, trust.crls[:1]), Code.REVOCATION_UNKNOWN),
    ],
)
def test_what_is_unknown_is_never_green(
    office: Office, sealed: bytes, change: Callable[[Trust], Trust], code: Code
) -> None:
    verdict = office.verify(sealed, trust=change(office.trust))
    assert verdict.value is Value.UNCLEAR
    assert verdict.has(code)
    assert verdict.summary.vi.startswith("Chưa rõ: ")


def test_an_old_revocation_list_makes_a_verdict_unclear(office: Office, sealed: bytes) -> None:
    verdict = office.verify(sealed, at=clock.now() + timedelta(days=400))
    assert verdict.value is Value.UNCLEAR
    assert verdict.has(Code.REVOCATION_UNKNOWN)


def test_a_test_signature_is_not_trusted_outside_trials(office: Office, sealed: bytes) -> None:
    production = TrustStore(office.store.folder, allow_test=False)
    assert production.trust().empty
    assert office.verify(sealed, trust=production.trust()).value is Value.UNCLEAR


def test_an_unsigned_paper_from_elsewhere_is_unclear_and_a_word_file_too(office: Office, letter: bytes) -> None:
    assert office.verify(letter, DocumentKind.FOREIGN).value is Value.UNCLEAR
    assert office.verify(b"PK\x03\x04 docx", DocumentKind.FOREIGN).has(Code.NOT_PDF)
    assert office.verify(b"PK\x03\x04 docx", DocumentKind.FOREIGN).value is Value.UNCLEAR


def test_the_revision_that_was_signed_can_be_shown(office: Office, signed: bytes, sealed: bytes) -> None:
    person = office.verify(sealed).signers[0]
    assert signed_revision(sealed, person) == signed


def test_a_verdict_survives_the_database(office: Office, signed: bytes) -> None:
    verdict = office.verify(signed)
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_policies_are_named_by_version() -> None:
    names = [policy.name for policy in POLICIES.values()]
    assert len(set(names)) == len(names)
    assert all(name.rpartition("-")[2].isdigit() for name in names)


def test_verification_without_a_known_sender_compares_no_agency(office: Office, sealed: bytes) -> None:
    verdict = verify(sealed, office.trust, POLICIES[DocumentKind.OFFICIAL])
    assert verdict.value is Value.VALID


def test_threads_of_a_worker_sign_and_judge_at_the_same_time(office: Office, letter: bytes) -> None:
    def make(number: int) -> Value:
        image = handwriting("Nguyễn Thanh Bình")
        signed = sign_person(letter, office.binh, anchor=Box(0, 300, 100 + number, 180, 75), image=image)
        return office.verify(sign_seal(signed, office.seal, image=seal(CITY))).value

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(make, range(8))) == {Value.VALID}


def test_the_same_person_does_not_sign_twice(office: Office, signed: bytes) -> None:
    with pytest.raises(WrongState):
        sign_person(signed, office.binh)


def test_a_seal_waits_for_the_person_and_is_applied_once(office: Office, letter: bytes, sealed: bytes) -> None:
    with pytest.raises(WrongState):
        sign_seal(letter, office.seal)
    with pytest.raises(WrongState):
        sign_seal(sealed, office.seal)


def test_persons_and_seals_do_not_change_places(office: Office, letter: bytes, signed: bytes) -> None:
    with pytest.raises(Invalid):
        sign_person(letter, office.seal)
    with pytest.raises(Invalid):
        sign_seal(signed, office.binh)


@pytest.mark.parametrize("data", [b"", b"no pdf", b"%PDF-1.7\nbroken", b"%PDF-1.7\n" + b"\x00" * 3000])
def test_a_broken_file_is_refused_for_signing_with_the_field_named(office: Office, data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        sign_person(data, office.binh)
    assert set(caught.value.fields) == {"file"}


def test_a_signature_image_that_is_no_png_is_refused(office: Office, letter: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        sign_person(letter, office.binh, anchor=Box(0, 100, 100, 100, 50), image=b"GIF89a")
    assert set(caught.value.fields) == {"image"}


def test_a_box_on_a_page_that_does_not_exist_is_refused(office: Office, letter: bytes) -> None:
    with pytest.raises(Invalid):
        sign_person(letter, office.binh, anchor=Box(7, 100, 100, 100, 50), image=handwriting("Bình"))


@pytest.mark.parametrize("days_ago", [0, 60], ids=["today", "when both held"])
@pytest.mark.parametrize("same_key", [True, False], ids=["same key", "another key"])
def test_an_authority_that_was_renewed_is_not_doubted_for_its_old_certificate(
    office: Office, tmp_path: Path, letter: bytes, same_key: bool, days_ago: int
) -> None:
    """The store keeps the old certificate beside the new one; of the old one the root's list cannot tell any more."""
    authority, now = TestAuthority(tmp_path / "pki"), clock.now()
    key = authority.issue_person(TestPerson("binh", "Nguyễn Thanh Bình", CITY, "Chánh Văn phòng"))
    store = TrustStore(tmp_path / "trust", allow_test=True)
    authority.enter_into(store)
    own = authority._issuing.key if same_key else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = own.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    name, ended = authority._issuing.certificate.subject, now - timedelta(days=30)
    old = x509.Certificate.load(authority_called(name, public, authority._root, ended))
    made, ends = now - timedelta(days=1), now + timedelta(days=20)
    lists = (plain_list(authority._root, made, ends), plain_list(authority._issuing, made, ends))
    arrived = now - timedelta(days=days_ago)
    signed = sign_person(letter, key, at=arrived)
    for between in ((old, *store.trust().intermediates), (*store.trust().intermediates, old)):
        trust = replace(store.trust(), crls=lists, intermediates=between)
        verdict = office.verify(signed, DocumentKind.PERSON_ONLY, trust=trust, known_since=arrived)
        assert verdict.value is Value.VALID, verdict.summary
