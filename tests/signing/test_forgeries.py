"""The rest of the attack corpus: fields, structure, certificates and the proofs that a file carries."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from kernel import clock
from signing.keys import FileKeyStore
from signing.longterm import look_into
from signing.pades import add_timestamp, sign_person, sign_seal
from signing.policy import DocumentKind
from signing.reasons import Code
from signing.testpki import EMAIL_PROTECTION, TestAuthority, _crl
from signing.timestamps import LocalTimeStamps
from signing.trust import Trust, TrustStore
from signing.verdicts import Value
from tests.signing import attacks, forgeries
from tests.signing.conftest import Office
from tests.signing.test_attacks import A_PERSON

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
    assert office.judge(numbered).value is Value.VALID


@pytest.mark.parametrize("forge", [forgeries.change_the_number, forgeries.change_the_date])
def test_a_number_that_changes_after_the_seal_is_refused(office: Office, numbered: bytes, forge: Forge) -> None:
    verdict = office.judge(forge(numbered))
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.EDITED_AFTER_SIGNING)


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
    verdict = office.judge(forge(sealed))
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
    assert office.judge(archived).value is Value.VALID
    assert office.judge(forge(archived)).value is Value.INVALID


def test_a_certificate_that_begins_later_is_never_green(office: Office, letter: bytes, odd_key: OddKey) -> None:
    with clock.frozen(clock.now() + timedelta(days=900)):  # test certificates begin 800 days before they are made
        key = odd_key("not-yet", subject=A_PERSON, usages=(EMAIL_PROTECTION,))
    verdict = office.judge(sign_person(letter, key), DocumentKind.PERSON_ONLY)
    assert verdict.value is Value.UNCLEAR  # ETSI EN 319 102-1: INDETERMINATE, NOT_YET_VALID
    assert verdict.has(Code.NOT_YET_VALID)


def test_a_time_stamp_by_a_certificate_for_letters_proves_nothing(office: Office, sealed: bytes) -> None:
    verdict = office.judge(add_timestamp(sealed, LocalTimeStamps(office.seal)))
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
        forged = forgeries.carry_a_list(signed, revocation_list)
        for known in (trust, replace(trust, crls=())):
            verdict = office.judge(forged, DocumentKind.PERSON_ONLY, agency="", trust=known)
            assert verdict.value is not Value.VALID
        assert office.judge(forged, DocumentKind.PERSON_ONLY, agency="", trust=trust).has(Code.REVOKED)


def test_an_old_list_inside_the_file_is_not_believed_against_a_newer_one(
    office: Office, lost: tuple[TestAuthority, Trust, bytes]
) -> None:
    """A list from before the loss is genuine, and on it nobody stands."""
    authority, trust, signed = lost
    with clock.frozen(clock.now() - timedelta(days=60)):
        before = TestAuthority(authority.folder)
        genuine = _list_without_entries(before)
    verdict = office.judge(forgeries.carry_a_list(signed, genuine), DocumentKind.PERSON_ONLY, agency="", trust=trust)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.REVOKED)


def _list_without_entries(authority: TestAuthority) -> bytes:
    return _crl(authority._issuing, {})


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
    gone = _crl(authority._root, {format(serial, "x"): at})
    trust = store.trust()
    trust = replace(trust, crls=(gone, authority.crls()[1]))
    verdict = office.judge(sign_person(letter, key), DocumentKind.PERSON_ONLY, agency="", trust=trust)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.AUTHORITY_REVOKED)
