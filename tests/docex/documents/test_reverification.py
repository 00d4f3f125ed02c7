"""Verdicts by earlier rules are made again; who holds what is no longer valid is told once, with the reason."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from docex.documents.links import SEEN_PATH
from docex.documents.models import Dispatch, Paper, PaperVerdict
from docex.documents.verification import lost_validity, reverification, verdict_store
from docex.documents.verification.models import FallenVerdict
from kernel import clock
from kernel.audit import AuditEntry
from kernel.outbox import OutboxRow, State
from kernel.queue import worker
from kernel.text import Phrase
from notify.models import Message
from signing.pdf.pades import sign_person, sign_seal
from signing.testca.authority import TestAuthority, TestPerson, TestSeal
from signing.trust import revocation
from signing.trust.trust_store import Purpose, Trust, TrustStore
from signing.verdicts.policy import IN_FORCE, DocumentKind, policy_for
from signing.verdicts.verdict import Value, Verdict
from signing.verification.file_verification import verify
from tests.docex.office import Office
from tests.signing.papers import minimal_pdf
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

pytestmark = pytest.mark.repeats("docex.judge_again", "docex.verify")


def dispatch_of(office: Office, document_id: int) -> int:
    with office.db.read() as tx:
        return tx.session.scalars(sa.select(Dispatch.id).where(Dispatch.document_id == document_id)).one()


def verified_before(office: Office, document_id: int, *, changed: bool) -> int:
    """The letter as an earlier release left it: valid by its rules; `changed` adds to it what is refused today."""
    number = dispatch_of(office, document_id)
    with office.db.write() as tx:
        row = tx.session.scalars(sa.select(PaperVerdict).where(PaperVerdict.dispatch_id == number)).one()
        assert row.value == Value.VALID
        row.report = {**row.report, "policy": "official-4"}
        if changed:
            paper = tx.session.get_one(Paper, row.paper_id)
            with office.blobs.open(paper.sha256) as stored:
                blob = office.blobs.put(io.BytesIO(stored.read() + b"\n<script>alert(1)</script>\n"))
            paper.sha256, paper.size = blob.sha256, blob.size
    return number


def go(office: Office) -> None:
    reverification.begin(office.db)
    office.work()


def verdicts(office: Office, dispatch_id: int) -> list[tuple[str, str]]:
    with office.db.read() as tx:
        rows = tx.session.scalars(sa.select(PaperVerdict).where(PaperVerdict.dispatch_id == dispatch_id))
        return [(row.report["policy"], row.value) for row in rows.all()]


def told(office: Office) -> list[FallenVerdict]:
    with office.db.read() as tx:
        return list(tx.session.scalars(sa.select(FallenVerdict).order_by(FallenVerdict.agency_id)))


def test_a_paper_that_is_refused_today_is_verified_again_and_its_holders_are_told(office: Office) -> None:
    number = verified_before(office, office.sent(), changed=True)
    go(office)
    old, new = verdicts(office, number)
    assert old == ("official-4", Value.VALID)  # the history stays
    assert new[0] in IN_FORCE
    assert new[1] != Value.VALID
    rows = told(office)
    assert {row.agency_id for row in rows} == {office.cast.city.id, office.cast.finance.id}
    with office.db.read() as tx:
        (now,) = verdict_store.latest(tx, number).values()
        assert {Phrase.from_json(row.said).vi for row in rows} == {now.summary.vi}
        assert tx.session.get_one(Dispatch, number).verdict == new[1]
        audited = sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.action == lost_validity.TOPIC)
        assert tx.session.scalar(audited) == 2


def test_the_clerks_find_it_on_their_page_and_in_their_mail(office: Office) -> None:
    verified_before(office, office.sent(), changed=True)
    go(office)
    for actor in (office.cast.ha, office.cast.lan):
        with office.db.read() as tx:
            found = lost_validity.no_longer_valid(tx, actor)
            assert found is not None
            assert "Báo cáo tiến độ" in found[0].title
            mails = tx.session.scalars(sa.select(Message).where(Message.person_id == actor.person_id)).all()
            assert any("nay kiểm tra lại" in mail.text for mail in mails)
    with office.db.read() as tx:
        assert lost_validity.no_longer_valid(tx, office.cast.binh) is None
    with office.db.read() as tx, clock.frozen(clock.now() + timedelta(days=31)):
        assert lost_validity.no_longer_valid(tx, office.cast.lan) is None


@pytest.mark.long_proof
def test_a_clerk_says_that_it_was_seen_and_it_leaves_the_list_of_her_agency(office: Office) -> None:
    number = verified_before(office, office.sent(), changed=True)
    go(office)
    app = create_app(office.config, Services(office.config, office.db, office.blobs))
    lan, ha = sign_in(app, "lan"), sign_in(app, "ha")
    rows = {row.agency_id: row.id for row in told(office)}
    finance, city = (SEEN_PATH.format(id=rows[one.id]) for one in (office.cast.finance, office.cast.city))
    page = lan.get("/").get_data(as_text=True)
    assert f'action="{finance}" method="post"' in page

    assert lan.post(city).status_code == 404  # another agency's
    assert sign_in(app, "binh").post(city).status_code == 403  # no clerk
    assert seen_by(office, number) == []
    for _ in range(2):
        answer = lan.post(finance)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert seen_by(office, number) == [(f"agency:{office.cast.finance.id}", office.cast.lan.by)]
    assert finance not in lan.get("/").get_data(as_text=True)
    assert city in ha.get("/").get_data(as_text=True)  # the other agency's clerks have still to see it
    with office.db.read() as tx:
        assert lost_validity.no_longer_valid(tx, office.cast.lan) is None


def seen_by(office: Office, dispatch_id: int) -> list[tuple[str, str]]:
    with office.db.read() as tx:
        entries = sa.select(AuditEntry.chain, AuditEntry.by).where(
            AuditEntry.action == lost_validity.SEEN, AuditEntry.ref == f"dispatch:{dispatch_id}"
        )
        return [(chain, by) for chain, by in tx.session.execute(entries)]


@pytest.mark.long_proof
def test_they_are_told_once_whatever_is_repeated(office: Office) -> None:
    number = verified_before(office, office.sent(), changed=True)
    for _ in range(2):
        go(office)
        reverification.by_hand(office.db)
        office.work()
    assert len(told(office)) == 2
    assert len(verdicts(office, number)) == 2
    with office.db.read() as tx:
        promised = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.topic == lost_validity.TOPIC)).all()
    assert len(promised) == 2


@pytest.mark.long_proof
def test_what_is_valid_still_gets_a_new_verdict_and_nobody_is_told(office: Office) -> None:
    number = verified_before(office, office.sent(), changed=False)
    go(office)
    assert [value for _, value in verdicts(office, number)] == [Value.VALID, Value.VALID]
    assert told(office) == []


@pytest.mark.long_proof
def test_verdicts_of_today_are_left_alone(office: Office) -> None:
    number = dispatch_of(office, office.sent())
    go(office)
    assert len(verdicts(office, number)) == 1
    assert reverification.progress(office.db) == reverification.Progress(1, 0, 0)


@pytest.mark.long_proof
def test_it_goes_a_stretch_at_a_time_and_on_from_where_it_stood(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverification, "BATCH_SIZE", 1)
    numbers = [verified_before(office, office.sent(), changed=False) for _ in range(3)]
    go(office)
    assert reverification.progress(office.db).earlier == 2
    with office.db.read() as tx:
        left = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.topic == reverification.TOPIC)).all()
    waiting = [row for row in left if row.state == State.WAITING]
    assert [row.payload["after"] for row in waiting] == [numbers[0]]
    for minute in (1, 2, 3):
        with clock.frozen(clock.now() + minute * reverification.PAUSE + timedelta(seconds=1)):
            worker.drain(office.db)
    assert reverification.progress(office.db).earlier == 0


@pytest.fixture(scope="module")
def unanswered(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, TestAuthority, Trust]:
    """A letter with certificates of an authority that is trusted, names where it answers, and was not asked yet."""
    folder = tmp_path_factory.mktemp("unanswered")
    authority = TestAuthority(folder / "pki", served_at="http://127.0.0.1:9")
    store = TrustStore(folder / "trust", allow_test=True)
    store.add_anchor(authority.root_certificate, (Purpose.PERSON, Purpose.SEAL), by="tests", test=True)
    person = authority.issue_person(TestPerson("binh", "Nguyễn Thanh Bình", "Văn phòng", "Chánh Văn phòng"))
    seal = authority.issue_seal(TestSeal("city", "Văn phòng"))
    return sign_seal(sign_person(minimal_pdf("So: 15/UBND-VP"), person), seal), authority, store.trust()


def concluded(office: Office, number: int, letter: bytes, trust: Trust, turn: int) -> Verdict:
    """The end of a verdict's job, at the first look (turn 0) or a later one."""
    verdict = verify(letter, trust, policy_for(DocumentKind.OFFICIAL))
    wanted = tuple(revocation.pairs_of(verdict, trust))
    with office.db.write() as tx:
        (paper_id,) = verdict_store.latest(tx, number)
        verdict_store.conclude(
            tx, verdict_store.EnvelopeVerified(number, ((paper_id, verdict),), wanted=wanted), turn=turn
        )
    office.work()
    return verdict


@pytest.mark.long_proof
def test_a_verdict_that_waits_for_an_authority_tells_nobody_yet(
    office: Office, unanswered: tuple[bytes, TestAuthority, Trust]
) -> None:
    letter, _, trust = unanswered
    number = verified_before(office, office.sent(), changed=False)
    for turn in range(len(verdict_store.AGAIN_AFTER)):
        verdict = concluded(office, number, letter, trust, turn)
        assert (verdict.value, verdict.has("REVOCATION_UNKNOWN")) == (Value.UNCLEAR, True)
        assert told(office) == []
    concluded(office, number, letter, trust, len(verdict_store.AGAIN_AFTER))  # nobody looks again
    assert len(told(office)) == 2


@pytest.mark.long_proof
def test_who_would_have_been_told_is_not_when_the_authority_answers_that_all_is_well(
    office: Office, unanswered: tuple[bytes, TestAuthority, Trust]
) -> None:
    letter, authority, trust = unanswered
    number = verified_before(office, office.sent(), changed=False)
    assert concluded(office, number, letter, trust, 0).value is Value.UNCLEAR
    answered = replace(trust, crls=tuple(authority.crls()))
    assert concluded(office, number, letter, answered, 1).value is Value.VALID
    assert told(office) == []


@pytest.mark.long_proof
@pytest.mark.repeats("docex.verdict_fell")
def test_telling_an_agency_again_tells_it_nothing_new(office: Office) -> None:
    verified_before(office, office.sent(), changed=True)
    go(office)
    with office.db.write() as tx:
        jobs = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.topic == lost_validity.TOPIC)).all()
        mails = tx.session.scalar(sa.select(sa.func.count()).select_from(Message))
        for job in jobs:
            job.state, job.due_at, job.finished_at = State.WAITING, clock.now(), None
    office.work()
    with office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Message)) == mails
    assert len(told(office)) == len(jobs) == 2
