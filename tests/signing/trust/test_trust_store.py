"""The trust store, the test authority, the key files and what certificates say."""

import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.x509.oid import NameOID

import signing.doctor  # noqa: F401  # registers the self-checks
from kernel import clock
from kernel.config import Config
from kernel.doctor import Health, checks
from kernel.errors import Invalid, Unavailable
from signing.keys.keystore import FileKeyStore, file_key
from signing.testca.authority import TestAuthority, TestPerson, TestSeal, make_test_authority, person_file, seal_file
from signing.testca.certificates import subject_named
from signing.trust.holders import TEST_MARK, read_holder
from signing.trust.known_authorities import KNOWN_AUTHORITIES
from signing.trust.trust_store import Purpose, TrustStore
from signing.verdicts.verdict import HolderKind
from tests.signing.conftest import CITY, Office

OddKey = Callable[..., FileKeyStore]


def test_a_new_store_trusts_nobody(tmp_path: Path) -> None:
    assert TrustStore(tmp_path / "trust").trust().empty


def test_a_root_is_trusted_for_its_purposes_only(office: Office, tmp_path: Path) -> None:
    store = TrustStore(tmp_path)
    store.add_anchor(office.authority.root_certificate, [Purpose.TSA], by="person:1", label="TSA")
    trust = store.trust()
    assert len(trust.roots(Purpose.TSA)) == 1
    assert trust.roots(Purpose.PERSON) == []
    assert trust.anchors[0].added_by == "person:1"


def test_a_root_that_was_changed_on_disk_is_not_used(office: Office, tmp_path: Path) -> None:
    store = TrustStore(tmp_path)
    fingerprint = store.add_anchor(office.authority.root_certificate, [Purpose.PERSON], by="person:1")
    other = TestAuthority(tmp_path / "other").root_certificate
    (tmp_path / "anchors" / f"{fingerprint}.der").write_bytes(other)
    assert store.trust().anchors == ()
    assert store.trust().broken == (f"{fingerprint}.der",)


def test_a_root_can_be_taken_away_again(office: Office, tmp_path: Path) -> None:
    store = TrustStore(tmp_path)
    fingerprint = store.add_anchor(office.authority.root_certificate, [Purpose.PERSON], by="person:1")
    store.remove_anchor(fingerprint)
    assert store.trust().empty


def test_only_authorities_can_be_roots(office: Office, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        TrustStore(tmp_path).add_anchor(office.binh.describe().certificate, [Purpose.PERSON], by="person:1")
    with pytest.raises(Invalid):
        TrustStore(tmp_path).add_anchor(b"not a certificate", [Purpose.PERSON], by="person:1")


def test_an_older_revocation_list_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    with clock.frozen(clock.now() - timedelta(days=200)):
        authority = TestAuthority(tmp_path / "pki")
        old = authority.crls()
    new = TestAuthority(tmp_path / "pki").crls()
    assert new != old
    store = TrustStore(tmp_path / "trust")
    for revocation_list in [*new, *old]:
        store.add_crl(revocation_list)
    assert set(store.trust().crls) == set(new)


def test_the_known_fingerprints_are_those_of_six_authorities() -> None:
    assert len({known.sha256 for known in KNOWN_AUTHORITIES}) == 6
    assert all(len(bytes.fromhex(known.sha256)) == 32 for known in KNOWN_AUTHORITIES)


def test_the_test_authority_gives_the_same_certificate_twice(tmp_path: Path) -> None:
    people, seals = [TestPerson("lan", "Trần Thị Lan", CITY)], [TestSeal("city", CITY)]
    first = make_test_authority(tmp_path, people, seals)
    second = make_test_authority(tmp_path, people, seals)
    assert first.root_certificate == second.root_certificate
    for one, two in (
        (first.person_key("lan"), second.person_key("lan")),
        (first.seal_key("city"), second.seal_key("city")),
    ):
        assert one is not None
        assert two is not None
        assert one.describe() == two.describe()
    assert second.person_key("nobody") is None


def test_keys_are_for_the_owner_only_and_encrypted(tmp_path: Path) -> None:
    authority = make_test_authority(tmp_path / "pki", [TestPerson("lan", "Trần Thị Lan", CITY)])
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    for path in [*(tmp_path / "pki").rglob("*.p12"), tmp_path / "pki" / "passphrase"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Unavailable):
        FileKeyStore(authority.person_path("lan"), b"wrong")


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    assert person_file(tmp_path, "../../authority/root").resolve().parent == (tmp_path / "people").resolve()
    assert seal_file(tmp_path, "..").name == "x.p12"


def test_a_missing_or_broken_key_file_is_unavailable_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "bad.p12").write_bytes(b"secret bytes")
    for name in ("bad.p12", "none.p12"):
        with pytest.raises(Unavailable) as caught:
            file_key(tmp_path / name, b"x")
        assert "secret" not in str(caught.value)


def test_a_key_file_is_parsed_once(tmp_path: Path) -> None:
    authority = make_test_authority(tmp_path, [TestPerson("lan", "Trần Thị Lan", CITY)])
    path = authority.person_path("lan")
    assert file_key(path, authority.passphrase) is file_key(path, authority.passphrase)
    assert "private" not in repr(file_key(path, authority.passphrase)).lower()


def test_every_subject_of_the_test_authority_is_marked(office: Office) -> None:
    authority = office.authority
    keys = [office.binh, office.seal, authority.time_stamp_key()]
    ders = [authority.root_certificate, authority.issuing_certificate, *(k.describe().certificate for k in keys)]
    for der in ders:
        certificate = x509.Certificate.load(der)
        assert TEST_MARK in certificate.subject.human_friendly
        assert read_holder(certificate).test


@pytest.mark.parametrize(
    ("name", "fields", "kind"),
    [
        ("Nguyễn Văn A", {"O": "Sở Tài chính", "TITLE": "Giám đốc"}, HolderKind.PERSON),
        ("Vũ Văn Hùng", {"O": "UBND thành phố Sông Hồng"}, HolderKind.PERSON),
        ("Đoàn Thị Hương", {}, HolderKind.PERSON),
        ("Sở Tài chính", {"O": "Sở Tài chính"}, HolderKind.SEAL),
        ("Sở Tài chính", {"O": "UBND thành phố Sông Hồng"}, HolderKind.SEAL),
        ("Ủy ban nhân dân phường Bến Sông", {}, HolderKind.SEAL),
        ("Lê Văn B", {"UID": "MST:0312345678"}, HolderKind.SEAL),
        ("Sở Tài chính", {"UID": "CCCD:001122334455"}, HolderKind.PERSON),
        ("Vu To chuc", {}, HolderKind.UNKNOWN),
        ("server01.example.vn", {}, HolderKind.UNKNOWN),
    ],
)
def test_a_certificate_tells_a_person_from_an_agency(
    office: Office, name: str, fields: dict[str, str], kind: HolderKind
) -> None:
    oids = {"O": NameOID.ORGANIZATION_NAME, "TITLE": NameOID.TITLE, "UID": NameOID.USER_ID}
    subject = subject_named(name, [(oids[key], value) for key, value in fields.items()])
    built = x509.Name.load(subject.public_bytes())
    template = x509.Certificate.load(office.binh.describe().certificate).copy()
    template["tbs_certificate"]["subject"] = built
    assert read_holder(template).kind is kind


def test_a_subordinate_seal_is_not_the_agencys_own(office: Office) -> None:
    subject = subject_named("Sở Tài chính", [(NameOID.ORGANIZATION_NAME, "UBND thành phố Sông Hồng")])
    template = x509.Certificate.load(office.seal.describe().certificate).copy()
    template["tbs_certificate"]["subject"] = x509.Name.load(subject.public_bytes())
    holder = read_holder(template)
    assert holder.belongs_to(("Sở  tài chính",))
    assert not holder.belongs_to(("UBND thành phố Sông Hồng",))


def test_a_long_agency_name_may_be_cut_in_its_certificate(tmp_path: Path) -> None:
    agency = "Ban Quản lý dự án đầu tư xây dựng các công trình giao thông và nông nghiệp thành phố Sông Hồng"
    authority = make_test_authority(tmp_path, seals=[TestSeal("long", agency)])
    key = authority.seal_key("long")
    assert key is not None
    holder = read_holder(x509.Certificate.load(key.describe().certificate))
    assert holder.kind is HolderKind.SEAL
    assert agency.startswith(holder.agency)
    assert holder.belongs_to((agency,))
    assert not holder.belongs_to((agency.replace("Ban", "Sở"),))


@pytest.mark.usefixtures("db")
def test_the_doctor_says_what_to_do_about_an_empty_store(config: Config) -> None:
    config = replace(config, mode="production", secret_key="x")
    finding = checks["trust"](config)
    assert finding.health is Health.BAD
    assert finding.hint is not None
    assert checks["tsa"](config).health is Health.OFF
    assert checks["revocation"](config).health is Health.OFF


@pytest.mark.usefixtures("db")
def test_the_doctor_is_content_with_a_trial(config: Config) -> None:
    make_test_authority(config.pki_dir, trust=TrustStore(config.trust_folder, allow_test=True))
    assert checks["trust"](config).health is Health.GOOD
    assert checks["revocation"](config).health is Health.GOOD
    with clock.frozen(clock.now() + timedelta(days=500)):
        later = checks["revocation"](config)
    # A trial makes new lists when a signature is judged, and says so.
    assert later.health is Health.GOOD
    assert "tự cấp lại khi kiểm tra chữ ký" in later.what.vi


@pytest.mark.usefixtures("db")
def test_the_doctor_says_who_is_asked_about_revocation_in_a_trial(config: Config) -> None:
    """Test certificates name nobody to ask, unless the test authority has services at an address."""
    store = TrustStore(config.trust_folder, allow_test=True)
    authority = make_test_authority(config.pki_dir, trust=store)
    assert "không hỏi CRL hay OCSP của đơn vị chứng thực nào" in checks["revocation"](config).what.vi
    seal = TestSeal("H99", "Ủy ban nhân dân Thành phố Mẫu")
    certificate = x509.Certificate.load(authority.issue_seal(seal).describe().certificate)
    assert (certificate.ocsp_urls, certificate.crl_distribution_points) == ([], [])

    served = TestAuthority(config.pki_dir, "http://127.0.0.1:9/")
    later = TestSeal("H99.01", "Sở Mẫu")
    assert x509.Certificate.load(served.issue_seal(later).describe().certificate).ocsp_urls
    assert "CRL và OCSP chỉ được hỏi ở dịch vụ thử nghiệm" in checks["revocation"](config).what.vi


def test_the_doctor_waits_for_no_dead_time_stamp_authority(tmp_path: Path) -> None:
    assert checks["tsa"](Config(data_dir=tmp_path, tsa_url="http://127.0.0.1:9148/")).health is Health.POOR
