"""The rest of the attack corpus: fields, structure, certificates and the proofs that a file carries."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from kernel import clock
from signing.keys.keystore import FileKeyStore
from signing.pdf.pades import FIELD_SEAL, add_timestamp, sign_field, sign_person, sign_seal
from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.authority import EMAIL_PROTECTION, TestAuthority
from signing.testca.certificates import Pair, build_crl
from signing.trust.trust_store import Trust, TrustStore
from signing.verdicts.policy import DocumentKind
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Value
from signing.verification.long_term import look_into
from tests.signing import attacks, forgeries
from tests.signing.authorities import Beside, authority_called, der_of, plain_list
from tests.signing.conftest import Office
from tests.signing.verification.test_attacks import A_PERSON

OddKey = Callable[..., FileKeyStore]
Forge = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def numbered(office: Office) -> bytes:
    """Signed, then numbered, then sealed, as where the clerk gives the number."""
    signed = sign_person(forgeries.numbered_pdf("So: ....../UBND-VP"), office.binh)
    filled = forgeries.fill(forgeries.fill(signed, forgeries.NUMBER, "15"), forgeries.DAY, "02/03/2026")
    return sign_seal(filled, office.seal)


@pytest.fixture(scope="module")
def archived(office: Office, sealed: bytes) -> bytes:
    """A letter at level B-LTA."""
    stamps = LocalTimeStamps(office.authority.time_stamp_key())
    stamped = add_timestamp(sealed, stamps)
    return add_timestamp(stamped + look_into(stamped, office.trust).added, stamps)


def test_a_number_that_is_filled_in_before_the_seal_is_fine(office: Office, numbered: bytes) -> None:
    assert office.verify(numbered).value is Value.VALID


@pytest.mark.parametrize("forge", [forgeries.change_the_number, forgeries.change_the_date])
def test_a_number_that_changes_after_the_seal_is_refused(office: Office, numbered: bytes, forge: Forge) -> None:
    verdict = office.verify(forge(numbered))
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.EDITED_AFTER_SIGNING)


def _numbered(data: bytes, number: str = "15") -> bytes:
    return forgeries.fill(forgeries.fill(data, forgeries.NUMBER, number), forgeries.DAY, "02/03/2026")


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "drawn"])
def to_number(request: pytest.FixtureRequest, office: Office) -> bytes:
    """Signed by the leader, with the number to come."""
    return sign_person(forgeries.numbered_pdf("So: ....../UBND-VP", drawn=request.param), office.binh)


def test_others_may_sign_around_the_number_before_and_after_the_seal(office: Office, to_number: bytes) -> None:
    thu = office.keys["thu"]
    both = sign_seal(_numbered(sign_field(to_number, thu, "Khac")), office.seal)
    between = sign_seal(sign_field(_numbered(to_number), thu, "Khac"), office.seal)
    afterwards = sign_field(sign_seal(_numbered(to_number), office.seal), thu, "Khac")
    corrected = sign_seal(_numbered(_numbered(to_number, "14"), "15"), office.seal)
    for letter in (both, between, afterwards, corrected):
        verdict = office.verify(letter)
        assert verdict.value is Value.VALID, verdict.summary


@pytest.mark.parametrize("forge", [forgeries.change_the_number, forgeries.change_the_date])
def test_a_number_that_changes_after_the_seal_is_refused_whoever_signs_next(
    office: Office, to_number: bytes, forge: Forge
) -> None:
    """The seal covers what stands there, also when nothing does."""
    for sealed in (sign_seal(_numbered(to_number), office.seal), sign_seal(to_number, office.seal)):
        for key in (office.keys["thu"], office.keys["finance"]):
            verdict = office.verify(sign_field(forge(sealed), key, "Khac"), agency="")
            assert (verdict.value, verdict.has(Code.EDITED_AFTER_SIGNING)) == (Value.INVALID, True)
            assert next(one for one in verdict.signers if one.field == FIELD_SEAL).value is Value.INVALID


@pytest.mark.parametrize("number", ["99", ""])
def test_a_number_that_somebody_signed_is_not_changed_before_the_seal(
    office: Office, to_number: bytes, number: str
) -> None:
    second = sign_field(_numbered(to_number), office.keys["thu"], "Khac")
    verdict = office.verify(sign_seal(forgeries.fill(second, forgeries.NUMBER, number), office.seal))
    assert (verdict.value, verdict.has(Code.EDITED_AFTER_SIGNING)) == (Value.INVALID, True)
    assert [one.value for one in verdict.signers] == [Value.VALID, Value.INVALID, Value.VALID]


def test_no_other_field_may_be_filled_in(office: Office) -> None:
    signed = sign_person(forgeries.numbered_pdf("So: ..../UBND-VP", drawn=True), office.binh)
    assert office.verify(sign_seal(signed, office.seal)).value is Value.VALID
    verdict = office.verify(sign_seal(forgeries.fill(signed, "GhiChu", "khong so"), office.seal))
    assert (verdict.value, verdict.has(Code.EDITED_AFTER_SIGNING)) == (Value.INVALID, True)


STRUCTURE: list[tuple[Forge, Code | None]] = [
    (forgeries.swap_the_pages, Code.EDITED_AFTER_SIGNING),
    (forgeries.run_a_script, Code.EDITED_AFTER_SIGNING),
    (forgeries.change_the_picture, Code.EDITED_AFTER_SIGNING),
    (forgeries.wrap_the_byte_range, None),
    (forgeries.drop_the_byte_range, None),
    (forgeries.empty_the_byte_range, None),
]


@pytest.mark.parametrize(("forge", "code"), STRUCTURE)
def test_a_forged_structure_is_refused(office: Office, sealed: bytes, forge: Forge, code: Code | None) -> None:
    verdict = office.verify(forge(sealed))
    assert verdict.value is Value.INVALID
    assert verdict.reasons
    assert code is None or verdict.has(code)


@pytest.mark.parametrize(
    "forge",
    [
        attacks.flip_a_letter,
        attacks.replace_the_content,
        attacks.cover_with_an_annotation,
        attacks.append_a_page,
        attacks.swap_the_font,
        forgeries.swap_the_pages,
        forgeries.run_a_script,
        lambda data: attacks.zero_the_contents(data, 2),
        lambda data: attacks.damage_the_signature_value(data, 0),
    ],
)
def test_an_archived_letter_is_as_hard_to_forge(office: Office, archived: bytes, forge: Forge) -> None:
    assert office.verify(archived).value is Value.VALID
    assert office.verify(forge(archived)).value is Value.INVALID


def test_a_certificate_that_begins_later_is_never_green(office: Office, letter: bytes, odd_key: OddKey) -> None:
    with clock.frozen(clock.now() + timedelta(days=900)):  # test certificates begin 800 days before they are made
        key = odd_key("not-yet", subject=A_PERSON, usages=(EMAIL_PROTECTION,))
    verdict = office.verify(sign_person(letter, key), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.UNCLEAR  # ETSI EN 319 102-1: INDETERMINATE, NOT_YET_VALID
    assert verdict.has(Code.NOT_YET_VALID)


def test_a_time_stamp_by_a_certificate_for_letters_proves_nothing(office: Office, sealed: bytes) -> None:
    verdict = office.verify(add_timestamp(sealed, LocalTimeStamps(office.seal)))
    assert verdict.value is not Value.VALID
    assert verdict.has(Code.TIMESTAMP_UNTRUSTED)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory, letter: bytes) -> tuple[TestAuthority, Trust, bytes]:
    """An authority of its own, one of whose people lost the key, and a letter that the finder signed."""
    folder = tmp_path_factory.mktemp("lost")
    authority = TestAuthority(folder / "pki")
    pair = authority.certify(A_PERSON, usages=(EMAIL_PROTECTION,))
    key = authority.write_pair(folder / "lost.p12", pair)
    authority.revoke(key.describe().certificate, at=clock.now() - timedelta(days=30))
    store = TrustStore(folder / "trust", allow_test=True)
    authority.enter_into(store)
    return authority, store.trust(), sign_person(letter, key)


def test_a_forged_list_inside_the_file_whitewashes_nobody(
    office: Office, lost: tuple[TestAuthority, Trust, bytes], tmp_path: Path
) -> None:
    """The finder of a key brings a list of the same name, that a key of his own has signed, on which nobody stands."""
    _, trust, signed = lost
    forger = TestAuthority(tmp_path / "forger")  # the same names as the real one
    for revocation_list in forger.crls():
        forged = forgeries.carry_lists(signed, revocation_list)
        for known in (trust, replace(trust, crls=())):
            verdict = office.verify(forged, DocumentKind.PERSON_ONLY, agency="", trust=known)
            assert verdict.value is not Value.VALID
        assert office.verify(forged, DocumentKind.PERSON_ONLY, agency="", trust=trust).has(Code.REVOKED)


def test_an_old_list_inside_the_file_is_not_believed_against_a_newer_one(
    office: Office, lost: tuple[TestAuthority, Trust, bytes]
) -> None:
    """A list from before the loss is genuine, and on it nobody stands."""
    authority, trust, signed = lost
    with clock.frozen(clock.now() - timedelta(days=60)):
        before = TestAuthority(authority.folder)
        genuine = _list_without_entries(before)
    verdict = office.verify(forgeries.carry_lists(signed, genuine), DocumentKind.PERSON_ONLY, agency="", trust=trust)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.REVOKED)


def _list_without_entries(authority: TestAuthority) -> bytes:
    return build_crl(authority._issuing, {})


def test_an_issuing_authority_that_was_revoked_takes_its_people_with_it(
    office: Office, tmp_path: Path, letter: bytes
) -> None:
    authority = TestAuthority(tmp_path / "pki")
    pair = authority.certify(A_PERSON, usages=(EMAIL_PROTECTION,))
    key = authority.write_pair(tmp_path / "person.p12", pair)
    store = TrustStore(tmp_path / "trust", allow_test=True)
    authority.enter_into(store)
    serial = x509.load_der_x509_certificate(authority.issuing_certificate).serial_number
    at = (clock.now() - timedelta(days=1)).isoformat()
    gone = build_crl(authority._root, {format(serial, "x"): at})
    trust = store.trust()
    trust = replace(trust, crls=(gone, authority.crls()[1]))
    verdict = office.verify(sign_person(letter, key), DocumentKind.PERSON_ONLY, agency="", trust=trust)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.AUTHORITY_REVOKED)


@dataclass(frozen=True)
class Theft:
    """A key was stolen and its certificate revoked; the store has the list that says so. `before` are the lists of
    issuing authority and root from before, genuine and in force still."""

    authority: TestAuthority
    key: FileKeyStore
    trust: Trust
    before: tuple[bytes, bytes]

    def forged(self, letter: bytes, *beside: bytes) -> bytes:
        """Signed by the thief, who embeds these certificates and the lists from before."""
        return forgeries.carry_lists(sign_person(letter, Beside(self.key, *beside)), *self.before)


@pytest.fixture(scope="module")
def theft(tmp_path_factory: pytest.TempPathFactory) -> Theft:
    folder, now = tmp_path_factory.mktemp("theft"), clock.now()
    authority = TestAuthority(folder / "pki")
    pair = authority.certify(A_PERSON, usages=(EMAIL_PROTECTION,))
    store = TrustStore(folder / "trust", allow_test=True)
    authority.enter_into(store)
    then, ends = now - timedelta(days=20), now + timedelta(days=20)
    before = (plain_list(authority._issuing, then, ends), plain_list(authority._root, then, ends))
    stolen = {pair.certificate.serial_number: now - timedelta(days=5)}
    after = plain_list(authority._issuing, now - timedelta(days=1), ends, stolen)
    trust = replace(store.trust(), crls=(before[1], after))
    return Theft(authority, authority.write_pair(folder / "stolen.p12", pair), trust, before)


@pytest.mark.parametrize("borrowed", [False, True], ids=["own key", "the authority's public key"])
def test_a_made_up_authority_beside_a_revoked_signer_silences_no_list(
    office: Office, letter: bytes, theft: Theft, borrowed: bool
) -> None:
    """It bears the name of the real one and ended before the list was made, which cannot tell of it; nobody asks."""
    own, real = rsa.generate_private_key(public_exponent=65537, key_size=2048), theft.authority._issuing
    name, ended = real.certificate.subject, clock.now() - timedelta(days=10)
    genuine = real.key.public_key()
    assert isinstance(genuine, rsa.RSAPublicKey)
    key, above = (genuine, own.public_key()) if borrowed else (own.public_key(), genuine)
    made_up = authority_called(name, key, Pair(own, real.certificate), ended, above)
    verdict = office.verify(theft.forged(letter, made_up), DocumentKind.PERSON_ONLY, agency="", trust=theft.trust)
    assert (verdict.value, verdict.has(Code.REVOKED)) == (Value.INVALID, True)


def test_a_made_up_authority_beside_a_revoked_one_silences_no_list(office: Office, letter: bytes, theft: Theft) -> None:
    """The issuing authority itself was revoked; its likeness has its public key and claims to be of the same root."""
    own, real, now = rsa.generate_private_key(65537, 2048), theft.authority._issuing, clock.now()
    root, ended = theft.authority._root, now - timedelta(days=10)
    key, above = real.key.public_key(), root.key.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert isinstance(above, rsa.RSAPublicKey)
    likeness = authority_called(real.certificate.subject, key, Pair(own, root.certificate), ended, above)
    gone = {real.certificate.serial_number: now - timedelta(days=5)}
    after = plain_list(root, now - timedelta(days=1), now + timedelta(days=20), gone)
    trust = replace(theft.trust, crls=(after, theft.before[0]))
    verdict = office.verify(theft.forged(letter, likeness), DocumentKind.PERSON_ONLY, agency="", trust=trust)
    assert (verdict.value, verdict.has(Code.AUTHORITY_REVOKED)) == (Value.INVALID, True)


def test_a_list_that_names_who_was_revoked_counts_after_the_certificate_has_ended(
    office: Office, tmp_path: Path, letter: bytes
) -> None:
    authority, now = TestAuthority(tmp_path / "pki"), clock.now()
    pair = authority.certify(A_PERSON, usages=(EMAIL_PROTECTION,), not_after=now - timedelta(days=10))
    key = authority.write_pair(tmp_path / "ended.p12", pair)
    store = TrustStore(tmp_path / "trust", allow_test=True)
    authority.enter_into(store)
    gone = {pair.certificate.serial_number: now - timedelta(days=30)}
    made, ends = now - timedelta(days=1), now + timedelta(days=20)
    lists = (plain_list(authority._root, made, ends), plain_list(authority._issuing, made, ends, gone))
    signed = sign_person(letter, key, at=now - timedelta(days=21))
    trust, arrived = replace(store.trust(), crls=lists), now - timedelta(days=20)
    verdict = office.verify(signed, DocumentKind.PERSON_ONLY, agency="", trust=trust, known_since=arrived)
    assert (verdict.value, verdict.has(Code.REVOKED)) == (Value.INVALID, True)
    silent = replace(trust, crls=(lists[0], plain_list(authority._issuing, made, ends)))
    verdict = office.verify(signed, DocumentKind.PERSON_ONLY, agency="", trust=silent, known_since=arrived)
    assert verdict.has(Code.REVOCATION_UNKNOWN)


def _sister(root: Pair, name: x509.Name) -> Pair:
    """Another authority of the same root, in force."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = authority_called(name, key.public_key(), root, clock.now() + timedelta(days=300))
    return Pair(key, x509.load_der_x509_certificate(made))


@pytest.mark.parametrize("same_name", [False, True], ids=["sister", "old and new"])
def test_one_authoritys_list_does_not_vouch_for_another(office: Office, letter: bytes, same_name: bool) -> None:
    """pyHanko takes the list of any authority that the root has certified for one about the root's certificates."""
    authority, now = office.authority, clock.now()
    issuing = authority._issuing
    sister = _sister(authority._root, issuing.certificate.subject if same_name else A_PERSON)
    between = (*office.trust.intermediates, asn1_x509.Certificate.load(der_of(sister.certificate)))
    made, ends = now - timedelta(days=1), now + timedelta(days=20)
    lists = tuple(plain_list(by, made, ends) for by in (issuing, sister))
    trust = replace(office.trust, intermediates=between, crls=lists)
    signed = sign_person(letter, office.binh)
    verdict = office.verify(signed, DocumentKind.PERSON_ONLY, trust=trust)
    assert (verdict.value, verdict.has(Code.REVOCATION_UNKNOWN)) == (Value.UNCLEAR, True)
    known = replace(trust, crls=(*lists, plain_list(authority._root, made, ends)))
    assert office.verify(signed, DocumentKind.PERSON_ONLY, trust=known).value is Value.VALID


@pytest.mark.parametrize("indirect", [False, True])
def test_a_customer_of_an_authority_makes_no_lists_for_it(
    office: Office, letter: bytes, theft: Theft, indirect: bool
) -> None:
    """The thief holds a certificate of the same authority that does not say what it may be used for."""
    key, now = rsa.generate_private_key(public_exponent=65537, key_size=2048), clock.now()
    issuing = theft.authority._issuing
    builder = x509.CertificateBuilder(issuing.certificate.subject, A_PERSON, key.public_key(), 4711)
    builder = builder.not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=9))
    customer = Pair(key, builder.sign(issuing.key, hashes.SHA256()))
    own = plain_list(customer, now - timedelta(days=1), now + timedelta(days=1), indirect=indirect)
    signed = sign_person(letter, Beside(theft.key, der_of(customer.certificate)))
    trust = replace(theft.trust, crls=(theft.before[1],))
    verdict = office.verify(forgeries.carry_lists(signed, own), DocumentKind.PERSON_ONLY, agency="", trust=trust)
    assert (verdict.value, verdict.has(Code.REVOCATION_UNKNOWN)) == (Value.UNCLEAR, True)
