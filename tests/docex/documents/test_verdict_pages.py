"""Why a paper counts as valid: the page of its verdicts, verifying again, as of an earlier moment, what was signed."""

import hashlib
import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from docex.documents.models import Dispatch, Paper, PaperVerdict
from docex.documents.verification import verdict_store
from kernel import clock, outbox, streams
from kernel.outbox import OutboxRow, State
from kernel.storage.blobs import read_all
from signing.log.models import LogLeaf
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Verdict
from signing.verification.file_verification import not_verified
from tests.docex.documents.test_public_check import the_picture
from tests.docex.office import Office
from tests.signing import attacks
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.config, Services(office.config, office.db, office.blobs))


@pytest.fixture
def paper(office: Office) -> Paper:
    """The sealed paper of a letter that has arrived at Lan's."""
    office.sent()
    with office.db.read() as tx:
        return tx.session.scalars(sa.select(Paper).where(Paper.dispatch_id.is_not(None))).one()


def page_of(client: FlaskClient, paper: Paper, query: str = "") -> str:
    answer = client.get(f"/documents/papers/{paper.id}/verdict{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def verdicts_of_papers(office: Office) -> list[PaperVerdict]:
    with office.db.read() as tx:
        return list(tx.session.scalars(sa.select(PaperVerdict).order_by(PaperVerdict.id)))


def moved(office: Office, incoming_id: int) -> int:
    with office.db.read() as tx:
        return streams.heads(tx, [f"incoming:{incoming_id}"])[f"incoming:{incoming_id}"]


def test_reasons_history_and_what_each_signed_are_shown_and_it_is_verified_again(
    app: Flask, office: Office, paper: Paper
) -> None:
    lan, ha = sign_in(app, "lan"), sign_in(app, "ha")
    link = f'href="/documents/papers/{paper.id}/verdict"'
    received = office.incoming(office.cast.lan)[0]
    assert link in lan.get(f"/documents/in/{received.id}").get_data(as_text=True)
    shown = page_of(lan, paper)
    for words in (
        policy_for(DocumentKind.OFFICIAL).name,
        "TOTAL-PASSED",
        "TEST_CERTIFICATE",
        "SELF_DECLARED_TIME",
        "CHỨNG THƯ THỬ NGHIỆM",
        office.cast.binh.name,
        office.cast.city.name,
        paper.sha256,
        "hệ thống tự kiểm tra",
    ):
        assert words in shown
    assert "Valid" in page_of(_in_english(lan), paper)

    lan.set_cookie("lt_locale", "vi")
    assert lan.post(f"/documents/papers/{paper.id}/verdict").status_code == 303
    assert "Đang kiểm tra lại" in page_of(lan, paper, "?fragment=1")
    assert lan.post(f"/documents/papers/{paper.id}/verdict").status_code == 303  # is asking once
    before = moved(office, received.id)
    office.work()
    assert moved(office, received.id) > before  # open pages fetch the new verdict
    first, second = verdicts_of_papers(office)
    assert (second.value, second.as_of, second.asked_by) == ("valid", None, office.cast.lan.person_id)
    again = page_of(lan, paper, "?fragment=1")
    assert f"{office.cast.lan.name} yêu cầu" in again
    assert "Đang kiểm tra lại" not in again
    assert f"of={first.id}" in again
    assert f"{office.cast.lan.name} yêu cầu" in page_of(ha, paper, f"?of={first.id}")  # the sender sees the same

    report = lan.get(f"/documents/papers/{paper.id}/verdicts/{second.id}")
    assert Verdict.from_json(report.get_json()).policy == policy_for(DocumentKind.OFFICIAL).name
    with office.db.read() as tx:
        leaf = (
            sa.select(sa.func.count())
            .select_from(LogLeaf)
            .where(LogLeaf.sha256 == hashlib.sha256(report.data).hexdigest())
        )
        assert tx.session.scalar(leaf) == 1


def _in_english(client: FlaskClient) -> FlaskClient:
    client.set_cookie("lt_locale", "en")
    return client


@pytest.mark.long_proof
def test_what_a_signer_signed_is_the_beginning_of_the_file(app: Flask, office: Office, paper: Paper) -> None:
    lan = sign_in(app, "lan")
    whole = read_all(office.blobs, paper.sha256)
    person, seal = Verdict.from_json(verdicts_of_papers(office)[0].report).signers
    links = re.findall(r'href="(/documents/papers/\d+/signed/\d+)"', page_of(lan, paper))
    assert links == [f"/documents/papers/{paper.id}/signed/1"]  # the seal covers the whole file
    signed = lan.get(links[0])
    assert signed.data == whole[: person.covers]
    assert signed.data.rstrip().endswith(b"%%EOF")
    assert signed.mimetype == "application/pdf"
    part = lan.get(links[0], headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.data) == (206, whole[5:10])
    assert lan.get(f"/documents/papers/{paper.id}/signed/2").data == whole[: seal.covers] == whole
    for place in (0, 3, 2**62):
        assert lan.get(f"/documents/papers/{paper.id}/signed/{place}").status_code == 404


@pytest.mark.long_proof
def test_a_past_moment_is_verified_with_what_held_then_and_changes_nothing_else(
    app: Flask, office: Office, paper: Paper
) -> None:
    lan, past = sign_in(app, "lan"), f"/documents/papers/{paper.id}/verdict/past"
    came = clock.now()
    before = came - timedelta(days=2)
    for typed, said in (
        ("", "Nhập ngày và giờ"),
        ("hôm qua", "Nhập ngày và giờ"),
        ("0001-01-01T00:00", "Nhập ngày và giờ"),
        ("2026-13-45T99:99", "Nhập ngày và giờ"),
        (f"{before.astimezone(clock.VN):%d/%m/%Y %H:%M}", "Chọn một thời điểm từ khi văn bản đến"),
        ("9999-12-31T23:59", "Chọn một thời điểm từ khi văn bản đến"),
    ):
        answer = lan.post(past, data={"as_of": typed})
        assert answer.status_code == 422, typed
        assert said in answer.get_data(as_text=True)
        assert typed in answer.get_data(as_text=True)
    assert len(verdicts_of_papers(office)) == 1

    with clock.frozen(came + timedelta(days=400)):  # answers about revocation have ended; what they said is kept
        lan, soon = (
            sign_in(app, "lan"),
            came.astimezone(clock.VN).replace(second=0, microsecond=0) + timedelta(minutes=2),
        )
        assert lan.post(past, data={"as_of": f"{soon:%d/%m/%Y %H:%M}"}).status_code == 303
        office.work()
        newest, then = page_of(lan, paper), verdicts_of_papers(office)[1]
        assert f"of={then.id}" in newest
        assert "tính theo thời điểm" in newest
        assert "Kết quả này tính theo thời điểm" in page_of(lan, paper, f"?of={then.id}")
        assert "Kết quả này tính theo thời điểm" not in newest
    verdict = Verdict.from_json(then.report)
    assert (then.as_of, verdict.checked_at, verdict.value) == (soon, soon, "valid")

    unclear = not_verified(Code.TOO_LARGE, paper.sha256, paper.size, policy_for(DocumentKind.OFFICIAL))
    with office.db.write() as tx:
        verdict_store.conclude(tx, verdict_store.EnvelopeVerified(paper.dispatch_id or 0, ((paper.id, unclear),), came))
    with office.db.read() as tx:
        assert tx.session.get_one(Dispatch, paper.dispatch_id).verdict == "valid"
    assert "verdict-good" in page_of(lan, paper)


def test_what_was_changed_after_signing_is_shown_beside_what_was_signed(
    app: Flask, office: Office, paper: Paper
) -> None:
    lan, link = sign_in(app, "lan"), f"/documents/papers/{paper.id}/changes"
    assert link not in page_of(lan, paper)
    assert lan.get(link).status_code == 404  # nothing was changed
    forged = attacks.cover_with_an_annotation(read_all(office.blobs, paper.sha256))
    blob = office.blobs.put(io.BytesIO(forged))
    with office.db.write("test") as tx:
        tx.session.execute(sa.update(Paper).where(Paper.id == paper.id).values(sha256=blob.sha256, size=blob.size))
    lan.post(f"/documents/papers/{paper.id}/verdict")
    office.work()
    assert link in page_of(lan, paper)
    shown = lan.get(link)
    assert shown.headers["Cache-Control"] == "private, no-store"
    page = shown.get_data(as_text=True)
    assert f"So với bản mà {office.cast.binh.name} đã ký, tệp này hiện khác ở trang 1." in page
    picture = the_picture(page)
    assert picture.width <= 1600
    assert re.search(r'alt="Trang 1: bên trái là bản [^"]*; chỗ khác: [^"]*trên cùng', page)
    assert "Page 1" in _in_english(lan).get(link).get_data(as_text=True)
    assert sign_in(app, "quynh").get(link).status_code == 404


def test_strangers_find_nothing_and_drafts_have_no_verdict(app: Flask, office: Office, paper: Paper) -> None:
    quynh, ha = sign_in(app, "quynh"), sign_in(app, "ha")
    with office.db.read() as tx:
        draft = tx.session.scalars(sa.select(Paper).where(Paper.stage == "sealed")).one()
    number = verdicts_of_papers(office)[0].id
    endpoints = ("verdict", "signed/1", f"verdicts/{number}", "changes")
    for client, other in ((quynh, paper), (ha, draft)):
        assert [client.get(f"/documents/papers/{other.id}/{endpoint}").status_code for endpoint in endpoints] == [
            404
        ] * 4
        assert client.post(f"/documents/papers/{other.id}/verdict").status_code == 404
    lan = sign_in(app, "lan")
    assert lan.get(f"/documents/papers/{paper.id}/verdict?of={number + 99}").status_code == 404
    assert lan.get(f"/documents/papers/{paper.id}/verdicts/{number + 99}").status_code == 404
    assert page_of(lan, paper, "?of=x")


@pytest.mark.long_proof
def test_a_check_that_fails_for_good_says_so_and_leaves_the_earlier_verdict(
    app: Flask, office: Office, paper: Paper
) -> None:
    lan = sign_in(app, "lan")
    lan.post(f"/documents/papers/{paper.id}/verdict")
    with office.db.write() as tx:
        row = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.key.contains(":asked:"))).one()
        row.state = State.FAILED
        outbox.handlers[verdict_store.TOPIC].give_up(tx, _job(row), "out of memory")
    shown = page_of(lan, paper)
    assert "không làm được vì lỗi kỹ thuật" in shown
    assert "verdict-good" in shown
    with office.db.read() as tx:
        assert tx.session.get_one(Dispatch, paper.dispatch_id).verdict == "valid"
    lan.post(f"/documents/papers/{paper.id}/verdict")
    office.work()
    assert "lỗi kỹ thuật" not in page_of(lan, paper)
    assert len(verdicts_of_papers(office)) == 2


def _job(row: OutboxRow) -> outbox.Job:
    return outbox.Job(row.id, row.topic, row.key, row.payload, 1, 1, row.due_at, None, None)
