"""One test authority for the whole session, and letters in the stages of signing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from signing.keys.keystore import FileKeyStore
from signing.pdf.pades import sign_person, sign_seal
from signing.pdf.stamps import Box
from signing.testca.authority import TestAuthority, TestPerson, TestSeal, make_test_authority
from signing.testca.services import TestServices, served
from signing.testca.specimens import handwriting, seal
from signing.trust.trust_store import Purpose, Trust, TrustStore
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Verdict
from signing.verification.file_verification import Expected, verify
from tests.signing.papers import minimal_pdf
from tests.signing.programs import Programs

CITY = "Văn phòng Ủy ban nhân dân thành phố Sông Hồng"
DEPARTMENT = "Sở Tài chính"
ANCHOR = Box(page=0, x=320, y=180, width=180, height=75)


@dataclass
class Office:
    """The city's office with its keys, and a judge who knows the office."""

    authority: TestAuthority
    store: TrustStore
    keys: dict[str, FileKeyStore] = field(default_factory=dict)

    @property
    def binh(self) -> FileKeyStore:
        return self.keys["binh"]

    @property
    def seal(self) -> FileKeyStore:
        return self.keys["city"]

    @property
    def trust(self) -> Trust:
        return self.store.trust()

    def verify(
        self,
        data: bytes,
        kind: DocumentKind = DocumentKind.OFFICIAL,
        *,
        agency: str = CITY,
        signer: str = "",
        trust: Trust | None = None,
        known_since: datetime | None = None,
        at: datetime | None = None,
    ) -> Verdict:
        return verify(
            data,
            trust if trust is not None else self.trust,
            policy_for(kind),
            expected=Expected((agency,), signer) if agency else None,
            known_since=known_since,
            at=at,
        )


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder: Path = tmp_path_factory.mktemp("pki")
    store = TrustStore(folder / "trust", allow_test=True)
    authority = make_test_authority(
        folder / "pki",
        [
            TestPerson("binh", "Nguyễn Thanh Bình", CITY, "Chánh Văn phòng", "binh@example.vn"),
            TestPerson("thu", "Lê Minh Thu", CITY, "Thư ký"),
        ],
        [TestSeal("city", CITY), TestSeal("finance", DEPARTMENT)],
        trust=store,
    )
    made = Office(authority, store)
    for key in ("binh", "thu"):
        made.keys[key] = authority.issue_person(TestPerson(key, "", ""))
    for key in ("city", "finance"):
        made.keys[key] = authority.issue_seal(TestSeal(key, ""))
    return made


@pytest.fixture(scope="session")
def letter() -> bytes:
    """An unsigned official letter of one page."""
    return minimal_pdf("So: 15/UBND-VP. Moi hop giao ban thang 3.")


@pytest.fixture(scope="session")
def signed(office: Office, letter: bytes) -> bytes:
    """The letter with Bình's visible signature."""
    return sign_person(letter, office.binh, anchor=ANCHOR, image=handwriting("Nguyễn Thanh Bình"))


@pytest.fixture(scope="session")
def sealed(office: Office, signed: bytes) -> bytes:
    """The letter with Bình's signature and the city's seal."""
    return sign_seal(signed, office.seal, image=seal(CITY))


@pytest.fixture
def services(office: Office) -> Iterator[TestServices]:
    """The authority's time-stamps, OCSP and revocation lists over HTTP, all well. They are this test's own: what a test
    before asked and did not wait for may still come in."""
    with served(office.authority) as running:
        yield running
        running.well()


@pytest.fixture(scope="module")
def programs(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Other programs that sign, with the office's keys."""
    return Programs(office.authority, tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def kept_trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Trusts the authority of the files in `legitimate`."""
    kept = Path(__file__).parent / "legitimate"
    store = TrustStore(tmp_path_factory.mktemp("kept"), allow_test=True)
    store.add_anchor((kept / "root.pem").read_bytes(), list(Purpose), by="tests", test=True)
    store.add_intermediate((kept / "issuing.pem").read_bytes())
    for name in ("root.crl", "issuing.crl"):
        store.add_crl((kept / name).read_bytes())
    return store.trust()


@pytest.fixture(scope="session")
def odd_key(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., FileKeyStore]:
    """Certificates of our authority that nobody should sign letters with."""
    folder = tmp_path_factory.mktemp("odd")

    def make(name: str, **certify: object) -> FileKeyStore:
        pair = office.authority.certify(**certify)  # type: ignore[arg-type]
        return office.authority.write_pair(folder / f"{name}.p12", pair)

    return make
