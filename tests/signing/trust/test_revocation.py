"""Authorities are asked by jobs at half the life of their answers; a silent one makes nothing green, nor stops it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.errors import Forbidden, Invalid
from kernel.outbox import OutboxRow
from signing.pdf.pades import sign_person, sign_seal
from signing.testca.authority import TestAuthority, TestPerson
from signing.testca.services import CRL, OCSP, Fault
from signing.trust import admin_pages, anchors, fetching, revocation
from signing.trust.fetching import NotFetched, fetched
from signing.trust.models import RevocationSource
from signing.trust.trust_store import Trust
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Value, Verdict
from signing.verification.file_verification import verify
from tests.signing.papers import minimal_pdf
from tests.signing.trust.conftest import Instance, Public

pytestmark = pytest.mark.one_database("sqlite")

OFFICIAL = policy_for(DocumentKind.OFFICIAL)


@pytest.fixture
def letter(public: Public) -> bytes:
    return sign_seal(sign_person(minimal_pdf("So: 15/UBND-VP"), public.person), public.seal)


@pytest.fixture
def trusting(instance: Instance, public: Public) -> Instance:
    instance.trusts(public.authority.root_certificate)
    return instance


def verified(instance: Instance, letter: bytes) -> Verdict:
    """A verdict, and what it does not know is asked for, as after every verification."""
    trust = instance.trust
    verdict = verify(letter, trust, OFFICIAL)
    with instance.db.write() as tx:
        revocation.want(tx, revocation.pairs_of(verdict, trust))
    return verdict


def sources(instance: Instance) -> list[RevocationSource]:
    with instance.db.read() as tx:
        return list(tx.session.scalars(sa.select(RevocationSource).order_by(RevocationSource.id)))


def words(instance: Instance, soft_hours: int = 24) -> list[tuple[str, str]]:
    shown = [admin_pages.freshness(row, timedelta(hours=soft_hours)) for row in sources(instance)]
    return [(one.word.vi, one.tone) for one in shown]


def test_what_a_verdict_does_not_know_is_asked_for_and_then_it_is_valid(
    trusting: Instance, letter: bytes, public: Public
) -> None:
    first = verified(trusting, letter)
    assert first.value is Value.UNCLEAR
    assert first.has(Code.REVOCATION_UNKNOWN)
    assert public.services.counts[CRL] == 0  # never in the verification itself
    trusting.work()
    assert verified(trusting, letter).value is Value.VALID
    assert {row.kind for row in sources(trusting)} == {"crl"}
    assert public.services.counts[OCSP] == 0  # one list tells about all certificates of its issuer


def test_the_lists_of_authorities_in_the_store_are_there_before_the_first_signature(
    trusting: Instance, public: Public
) -> None:
    trusting.act(trusting.admin, anchors.add_intermediate, public.authority.issuing_certificate)
    with trusting.db.write() as tx:
        revocation.want_for_store(tx)
    trusting.work()
    assert len(trusting.trust.crls) == 1


@pytest.mark.repeats("signing.revocation")
def test_an_answer_is_asked_for_again_at_half_its_life_and_not_before(
    trusting: Instance, letter: bytes, public: Public
) -> None:
    verified(trusting, letter)
    trusting.work()
    asked = public.services.counts[CRL]
    due = [row.due_at for row in sources(trusting) if row.due_at is not None]
    assert len(due) == asked
    for one in due:
        assert timedelta(hours=23) < one - clock.now() <= timedelta(hours=24)  # lists for a year: daily
    trusting.work()
    with trusting.db.write() as tx:  # the same promise once more does no harm
        tx.session.execute(sa.update(OutboxRow).where(OutboxRow.state == "done").values(state="waiting"))
    trusting.work()
    assert public.services.counts[CRL] == asked
    with clock.frozen(max(due)):  # one authority was asked after the other
        trusting.work()
    assert public.services.counts[CRL] == 2 * asked


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.BUSY, Fault.GARBAGE])
def test_a_sick_authority_is_said_so_and_tried_again(
    trusting: Instance, letter: bytes, public: Public, fault: Fault
) -> None:
    public.services.moods[CRL].fault = fault
    verified(trusting, letter)
    trusting.work()
    assert {tone for _, tone in words(trusting)} == {"bad"}
    assert all(row.failures == 1 and fetching.words(row.problem).en for row in sources(trusting))
    assert verified(trusting, letter).value is Value.UNCLEAR
    public.services.well()
    with clock.frozen(clock.now() + timedelta(minutes=3)):
        trusting.work()
        assert verified(trusting, letter).value is Value.VALID


@pytest.mark.parametrize("fault", [Fault.ENDLESS, Fault.NO_HEAD])
def test_an_answer_without_end_is_cut(public: Public, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    public.services.moods[CRL].fault = fault
    with pytest.raises(NotFetched) as caught:
        fetched(f"{public.services.url}/crl/root.crl", ("127.0.0.1",))
    assert caught.value.reason == "too_long"


def test_where_no_list_can_be_had_the_responder_is_asked(trusting: Instance, letter: bytes, public: Public) -> None:
    public.services.moods[CRL].fault = Fault.DOWN
    at = clock.now()
    for hour in range(5):
        with clock.frozen(at + timedelta(hours=hour)):
            verified(trusting, letter)
            trusting.work()
    assert public.services.counts[OCSP] > 0
    assert {row.kind for row in sources(trusting) if row.answer} == {"ocsp"}


@pytest.mark.long_proof
@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.REFUSES, Fault.OTHER])
def test_a_wrong_answer_of_a_responder_is_not_kept(
    trusting: Instance, letter: bytes, public: Public, fault: Fault
) -> None:
    public.services.moods[CRL].fault = Fault.DOWN
    public.services.moods[OCSP].fault = fault
    at = clock.now()
    for hour in range(5):
        with clock.frozen(at + timedelta(hours=hour)):
            verified(trusting, letter)
            trusting.work()
    assert public.services.counts[OCSP] > 0
    assert not any(row.answer for row in sources(trusting))


def test_within_the_soft_window_it_is_unclear_until_when_it_was_good_and_red(
    trusting: Instance, letter: bytes, public: Public
) -> None:
    verified(trusting, letter)
    trusting.work()
    assert verified(trusting, letter).value is Value.VALID
    public.services.moods[CRL].fault = Fault.DOWN
    ends = min(row.next_update for row in sources(trusting) if row.next_update)
    with clock.frozen(ends + timedelta(hours=5)):
        verdict = verified(trusting, letter)
        assert verdict.value is Value.UNCLEAR
        assert verdict.only(Code.REVOCATION_STALE)
        assert ends.astimezone(clock.VN).strftime("%d/%m/%Y %H:%M") in verdict.summary.vi
        assert {tone for _, tone in words(trusting)} == {"bad"}
        assert words(trusting)[0][0] == "Quá hạn"
    with clock.frozen(ends + timedelta(hours=25)):
        assert verified(trusting, letter).has(Code.REVOCATION_UNKNOWN)
        assert words(trusting)[0][0] == "Hết hạn"


def test_what_was_revoked_stays_revoked_in_an_old_list(instance: Instance, public: Public) -> None:
    hoa = public.authority.issue_person(TestPerson("hoa", "Phạm Thị Hoa", "Sở Tài chính", "Phó Giám đốc"))
    signed = sign_person(minimal_pdf("x"), hoa)
    public.authority.revoke(hoa.describe().certificate)
    trust = trust_with_lists(instance, public)
    ends = clock.now() + timedelta(days=365, hours=5)
    verdict = verify(signed, trust, policy_for(DocumentKind.PERSON_ONLY), at=ends)
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.REVOKED)


def trust_with_lists(instance: Instance, public: Public) -> Trust:
    instance.trusts(public.authority.root_certificate)
    trust = instance.trust
    return trust.joined(Trust(crls=tuple(public.authority.crls())))


def test_a_list_of_somebody_else_does_not_replace_ours(
    trusting: Instance, letter: bytes, public: Public, tmp_path_factory: pytest.TempPathFactory
) -> None:
    verified(trusting, letter)
    trusting.work()
    before = {row.sha256 for row in sources(trusting)}
    forger = TestAuthority(tmp_path_factory.mktemp("forger"))
    genuine = public.authority.crls
    public.services.authority.crls = forger.crls  # type: ignore[method-assign]
    try:
        with clock.frozen(clock.now() + timedelta(hours=25)):
            trusting.work()
    finally:
        public.services.authority.crls = genuine  # type: ignore[method-assign]
    assert {row.problem for row in sources(trusting)} == {"wrong_signature"}
    assert {row.sha256 for row in sources(trusting)} == before


def test_a_list_can_be_brought_by_hand(trusting: Instance, letter: bytes, public: Public) -> None:
    trusting.act(trusting.admin, anchors.add_intermediate, public.authority.issuing_certificate)
    for data in public.authority.crls():
        trusting.act(trusting.admin, revocation.add_list, data)
    assert verify(letter, trusting.trust, OFFICIAL).value is Value.VALID
    for wrong in (b"", b"garbage", public.authority.root_certificate):
        with pytest.raises(Invalid):
            trusting.act(trusting.admin, revocation.add_list, wrong)
    with pytest.raises(Forbidden):
        trusting.act(trusting.cast.ha, revocation.add_list, public.authority.crls()[0])


def test_a_list_that_nobody_of_the_store_signed_is_refused(
    trusting: Instance, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = TestAuthority(tmp_path_factory.mktemp("stranger"))
    with pytest.raises(Invalid) as caught:
        trusting.act(trusting.admin, revocation.add_list, stranger.crls()[0])
    assert set(caught.value.fields) == {"list"}


def test_strangers_certificates_make_nobody_knock_at_an_address(
    trusting: Instance, tmp_path_factory: pytest.TempPathFactory, public: Public
) -> None:
    stranger = TestAuthority(tmp_path_factory.mktemp("spy"), served_at=public.services.url)
    key = stranger.issue_person(TestPerson("x", "Trần Văn Khách", "Sở Tài chính", "Phó"))
    verified(trusting, sign_person(minimal_pdf("x"), key))
    trusting.work()
    assert sources(trusting) == []
    assert public.services.counts[CRL] == 0


@pytest.mark.parametrize(
    ("url", "hosts", "reason"),
    [
        ("http://127.0.0.1/x.crl", (), "not_public"),
        ("http://localhost/x.crl", (), "not_public"),
        ("http://10.0.0.1/x.crl", (), "not_public"),
        ("http://169.254.169.254/latest/meta-data", (), "not_public"),
        ("http://[::1]/x.crl", (), "not_public"),
        ("http://example.vn/x.crl", ("ca.gov.vn", "*.ca.gov.vn"), "not_allowed"),
        ("http://ca.gov.vn.example.vn/x.crl", ("ca.gov.vn", "*.ca.gov.vn"), "not_allowed"),
        ("ldap://ca.gov.vn/cn=x", (), "not_allowed"),
        ("file:///etc/passwd", (), "not_allowed"),
        ("http://user:secret@ca.gov.vn/x.crl", (), "not_allowed"),
        ("http://ca.gov.vn:port/", (), "not_allowed"),
        ("http://ca.gov.vn/\r\nX: y", (), "not_allowed"),
    ],
)
def test_addresses_in_certificates_lead_nowhere_inside(url: str, hosts: tuple[str, ...], reason: str) -> None:
    with pytest.raises(NotFetched) as caught:
        fetched(url, hosts)
    assert caught.value.reason == reason


def test_an_administrator_has_an_authority_asked_at_once(trusting: Instance, letter: bytes, public: Public) -> None:
    verified(trusting, letter)
    trusting.work()
    asked = public.services.counts[CRL]
    trusting.act(trusting.admin, revocation.ask_now, sources(trusting)[0].id)
    trusting.work()
    assert public.services.counts[CRL] == asked + 1
    with pytest.raises(Forbidden):
        trusting.act(trusting.cast.lan, revocation.ask_now, sources(trusting)[0].id)


def test_what_nobody_wants_to_know_any_more_is_forgotten(trusting: Instance, letter: bytes) -> None:
    verified(trusting, letter)
    trusting.work()
    with clock.frozen(clock.now() + timedelta(days=100)):
        trusting.work()
    assert [row.issuer for row in sources(trusting)] == [trusting.trust.anchors[0].certificate.dump()]


def test_the_answers_that_a_verdict_rests_on_stand_in_it(trusting: Instance, letter: bytes) -> None:
    verified(trusting, letter)
    trusting.work()
    verdict = verified(trusting, letter)
    assert verdict.value is Value.VALID, verdict.summary.vi
    named = {answer["sha256"] for detail in verdict.report["signatures"] for answer in detail["revocation"]}
    assert named == {row.sha256 for row in sources(trusting)}
