"""Who signed an envelope, and whether that may be trusted; what the bytes say is tried in tests/docex/edxml."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kernel import clock
from signing.testca.authority import TestSeal
from signing.testca.certificates import subject_named
from signing.trust.trust_store import Purpose, Trust
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import HolderKind, Value, Verdict
from signing.verification.envelope_verification import Finding, Sealed, verify_envelope
from signing.verification.safe_verification import verdict_on_envelope
from tests.signing.conftest import CITY as AGENCY
from tests.signing.conftest import DEPARTMENT, Office

DIGEST = "ab" * 32


def verify(
    office: Office, sealed: Sealed, *, agency: str = AGENCY, trust: Trust | None = None, **rest: object
) -> Verdict:
    return verify_envelope(sealed, trust or office.trust, agency_names=(agency,), **rest)  # type: ignore[arg-type]


def by(certificate: bytes, **changes: object) -> Sealed:
    plain = Sealed(DIGEST, 1000, Finding.INTACT, whole=True, certificate=certificate, convention="qcvn")
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def system(office: Office) -> bytes:
    return office.authority.issue_system(TestSeal("city", AGENCY)).describe().certificate


@pytest.mark.parametrize("finding", list(Finding))
def test_the_verdict_is_the_same_whether_a_child_is_needed_or_not(
    office: Office, system: bytes, finding: Finding
) -> None:
    at = clock.now()
    sealed = by(system, finding=finding, algorithm="sha256")
    told = verdict_on_envelope(sealed, office.trust, agency_names=(AGENCY,), known_since=at, at=at)
    assert told == verify(office, sealed, known_since=at, at=at)
    assert (told.value is Value.VALID) == (finding is Finding.INTACT)


def made(office: Office, **changes: object) -> bytes:
    """A certificate of the agency's system with something special about it."""
    subject = subject_named(f"Hệ thống {AGENCY}", [(NameOID.ORGANIZATION_NAME, AGENCY)])
    wanted = {"usages": (ExtendedKeyUsageOID.CLIENT_AUTH,), **changes}
    return office.authority.certify(subject, **wanted).certificate.public_bytes(Encoding.DER)  # type: ignore[arg-type]


def test_the_system_of_the_sender_is_valid_and_marked_as_a_trial(office: Office, system: bytes) -> None:
    verdict = verify(office, by(system, added=("001.TT",)), known_since=clock.now())
    assert verdict.value is Value.VALID, verdict.summary.vi
    assert (verdict.policy, verdict.sha256) == ("envelope-2", DIGEST)
    assert [one.kind for one in verdict.signers] == [HolderKind.SYSTEM]
    assert "CHỨNG THƯ THỬ NGHIỆM" in verdict.summary.vi
    added = next(one for one in verdict.reasons if one.code == Code.ENVELOPE_TRACES_ADDED)
    assert "001.TT" in added.phrase.vi
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert verdict.report["signatures"][0]["revocation"]


@pytest.mark.parametrize(
    ("finding", "code", "value"),
    [
        (Finding.UNSIGNED, Code.ENVELOPE_UNSIGNED, Value.UNCLEAR),
        (Finding.MALFORMED, Code.ENVELOPE_MALFORMED, Value.INVALID),
        (Finding.REFUSED, Code.ENVELOPE_REFUSED, Value.INVALID),
        (Finding.UNKNOWN_METHOD, Code.ENVELOPE_METHOD, Value.UNCLEAR),
        (Finding.NO_CERTIFICATE, Code.ENVELOPE_NO_CERTIFICATE, Value.UNCLEAR),
        (Finding.BROKEN, Code.SIGNATURE_BROKEN, Value.INVALID),
        (Finding.CHANGED, Code.CONTENT_CHANGED, Value.INVALID),
    ],
)
def test_what_the_bytes_say_decides(office: Office, system: bytes, finding: Finding, code: Code, value: Value) -> None:
    verdict = verify(office, by(system, finding=finding))
    assert (verdict.value, verdict.has(code)) == (value, True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"whole": False}, Code.ENVELOPE_PARTLY),
        ({"weak": "SHA-1"}, Code.WEAK_ALGORITHM),
        ({"certificate": b"no certificate"}, Code.ENVELOPE_NO_CERTIFICATE),
    ],
)
def test_what_is_signed_half_or_weakly_is_unclear(
    office: Office, system: bytes, changes: dict[str, object], code: Code
) -> None:
    verdict = verify(office, replace(by(system), **changes))  # type: ignore[arg-type]
    assert (verdict.value, verdict.has(code)) == (Value.UNCLEAR, True)


def test_a_system_of_another_agency_and_a_person_are_told_from_the_senders(office: Office, system: bytes) -> None:
    for certificate, agency in ((system, DEPARTMENT), (office.binh.describe().certificate, DEPARTMENT)):
        verdict = verify(office, by(certificate), agency=agency)
        assert verdict.value is Value.UNCLEAR
        assert verdict.has(Code.ENVELOPE_OTHER_SENDER)


def test_expired_revoked_and_unknown_certificates(office: Office) -> None:
    now = clock.now()
    old = made(office, not_after=now - timedelta(days=1))
    late = verify(office, by(old), known_since=now)  # it may have been on its way since before
    assert (late.value, late.has(Code.EXPIRED_NO_PROOF)) == (Value.UNCLEAR, True)
    assert verify(office, by(old), known_since=now - timedelta(days=2)).value is Value.VALID
    gone = made(office)
    office.authority.revoke(gone, now - timedelta(hours=1))
    revoked = replace(office.trust, crls=tuple(office.authority.crls()), ocsps=())
    verdict = verify(office, by(gone), trust=revoked, known_since=now)
    assert (verdict.value, verdict.has(Code.REVOKED)) == (Value.INVALID, True)
    silent = replace(office.trust, crls=(), ocsps=())
    assert verify(office, by(made(office)), trust=silent).has(Code.REVOCATION_UNKNOWN)
    stranger = verify(office, by(made(office)), trust=Trust())
    assert (stranger.value, stranger.has(Code.UNKNOWN_AUTHORITY)) == (Value.UNCLEAR, True)


def test_roots_count_for_what_they_are_trusted_for(office: Office, system: bytes) -> None:
    def only(*purposes: Purpose) -> Trust:
        return replace(
            office.trust, anchors=tuple(replace(one, purposes=frozenset(purposes)) for one in office.trust.anchors)
        )

    assert verify(office, by(system), trust=only(Purpose.SYSTEM)).value is Value.VALID
    assert verify(office, by(system), trust=only(Purpose.SEAL)).value is Value.VALID
    assert verify(office, by(system), trust=only(Purpose.TSA, Purpose.PERSON)).has(Code.UNKNOWN_AUTHORITY)


def test_a_certificate_for_web_servers_an_authoritys_own_and_a_short_key_do_not_sign(office: Office) -> None:
    tls = verify(office, by(made(office, usages=(ExtendedKeyUsageOID.SERVER_AUTH,))))
    authority = verify(office, by(office.authority.issuing_certificate))
    for verdict in (tls, authority):
        assert (verdict.value, verdict.has(Code.WRONG_PURPOSE)) == (Value.INVALID, True)
    short = verify(office, by(made(office, key=rsa.generate_private_key(65537, 1024))))  # noqa: S505
    assert short.value is not Value.VALID
    assert short.has(Code.WEAK_ALGORITHM)


def test_a_certificate_that_its_holder_signed_is_refused(office: Office, tmp_path: Path) -> None:
    from tests.docex.edxml.keys import key

    verdict = verify(office, by(key().certificate))
    assert x509.load_der_x509_certificate(key().certificate).issuer
    assert (verdict.value, verdict.has(Code.SELF_SIGNED)) == (Value.INVALID, True)
