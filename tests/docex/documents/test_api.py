"""An agency's system hands in envelopes: real ones of the official builder when they lie beside the repository."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from directory import clients, demo, queries
from directory.attempts import Limits
from directory.models import Agency, ApiClient
from docex.documents.checking.check_page import verdict_sheet
from docex.documents.incoming import handling
from docex.documents.models import Dispatch, Incoming
from docex.documents.pages import workflow_panel
from docex.documents.papers.files import papers_of
from docex.documents.states import IncomingState
from docex.edxml import Envelope, read, write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Attachment, Business, DocumentType, Organ, ResponseFor, Signer, StatusMessage, Trace
from kernel import clock, outbox
from kernel.db import Database
from kernel.queue import attempts, claiming
from kernel.storage.blobs import Blob, DiskBlobs, Draft, read_all
from tests.docex.edxml.forgery import sealed
from tests.docex.edxml.keys import key
from tests.docex.office import Office, a_pdf
from tests.web.application import create_app
from web import entry
from web.services import Services

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "edxml" / "built-by-official-sdk"
ENVELOPES = sorted(SAMPLES.glob("new-*.edxml"))
ABROAD = "H98.07"


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.config, Services(office.config, office.db, office.blobs))


class System:
    """The system of an agency, with an access token."""

    def __init__(self, app: Flask, office: Office, agency_id: int) -> None:
        self.http: FlaskClient = app.test_client()
        with office.db.write(office.cast.admin.by) as tx:
            made = clients.register(tx, office.cast.admin, agency_id, "Phần mềm QLVB", frozenset({"docex.submit"}))
            granted = clients.grant(tx, made.client_id, made.secret, "", "127.0.0.1", Limits(tries=10))
        assert isinstance(granted, clients.Granted)
        self.headers = {"Authorization": f"Bearer {granted.token}", "Content-Type": "application/octet-stream"}

    def hand_in(self, data: bytes, **headers: str) -> Any:
        return self.http.post("/api/v1/edxml", data=data, headers={**self.headers, **headers})

    def status(self, number: int) -> Any:
        return self.http.get(f"/api/v1/documents/{number}", headers=self.headers)


def an_agency(office: Office, code: str, name: str, *, is_local: bool = False) -> int:
    with office.db.write() as tx:
        old = code if code.startswith("000") else ""
        row = Agency(code=f"X.{code}" if old else code, old_code=old, name=name, is_local=is_local, parent_id=None)
        tx.session.add(row)
        tx.session.flush()
        return row.id


@pytest.fixture
def system(app: Flask, office: Office) -> System:
    return System(app, office, an_agency(office, ABROAD, "Sở Giao thông tỉnh Bạn"))


class SlowBlobs(DiskBlobs):
    """Files on disk, while the storing of which somebody else wants to write; and how many connections are held."""

    def __init__(self, office: Office) -> None:
        assert isinstance(office.blobs, DiskBlobs)
        super().__init__(office.blobs.folder)
        self.office = office
        self.held: list[int] = []

    def draft(self) -> Draft:
        other = Database(self.office.config.sql_url, pool_size=2)
        with other.write() as tx:  # refused after a while where the storing one holds the database
            tx.audit("system", "test.written", "", {})
        other.close()
        pool = self.office.db.engine.pool
        assert isinstance(pool, sa.QueuePool)
        self.held.append(pool.checkedout())
        return super().draft()


def test_files_are_stored_while_others_write_and_no_connection_is_held(office: Office) -> None:
    blobs = SlowBlobs(office)
    system = System(create_app(office.config, Services(office.config, office.db, blobs)), office, office.cast.city.id)
    sent = replace(an_envelope(office), sender=Organ(office.cast.city.code, office.cast.city.name))
    assert system.hand_in(write(sent)).status_code == 202
    assert blobs.held == [0, 0]


class ShutOut(DiskBlobs):
    """Files on disk; who hands one in is shut out while it is stored."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.config.blobs_dir)
        self.office = office

    def keep(self, drafts: Sequence[Draft]) -> list[Blob]:
        with self.office.db.write() as tx:
            client_id = tx.session.scalars(sa.select(ApiClient.id)).one()
            clients.revoke(tx, self.office.cast.admin, client_id)
        return super().keep(drafts)


def test_who_is_shut_out_while_a_slow_upload_is_stored_hands_nothing_in(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "_FRESH_S", 0.0)  # every upload is a slow one
    app = create_app(office.config, Services(office.config, office.db, ShutOut(office)))
    system = System(app, office, office.cast.city.id)
    sent = replace(an_envelope(office), sender=Organ(office.cast.city.code, office.cast.city.name))
    assert system.hand_in(write(sent)).status_code == 401
    with office.db.read() as tx:
        assert tx.session.scalar(sa.select(Dispatch.id)) is None


def an_envelope(office: Office, **changes: Any) -> Envelope:
    plain = Envelope(
        sender=Organ(ABROAD, "Sở Giao thông tỉnh Bạn"),
        receivers=(Organ(office.cast.finance.code, office.cast.finance.name),),
        document_id=f"{ABROAD},2026/03/02,125/SGT-VP",
        number="125",
        notation="SGT-VP",
        place="Tỉnh Bạn",
        promulgated_on=clock.today(),
        type=DocumentType("Công văn", 2, 18),
        subject="Phối hợp phân luồng giao thông",
        content="Phối hợp phân luồng giao thông",
        signer=Signer("Nguyễn Văn Giả Định", "Phó Giám đốc", "KT. GIÁM ĐỐC"),
        traces=(Trace(ABROAD, clock.now()),),
        business=Business(reason="Văn bản điện tử mới"),
        attachments=(Attachment("11111111-1111-4111-8111-111111111111", "125.pdf", a_pdf()),),
    )
    return replace(plain, **changes)


def problem(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = answer.get_json()
    assert body["message"]["vi"]
    assert body["message"]["en"]
    return body


def test_an_envelope_arrives_in_the_inbox_with_its_papers(office: Office, system: System) -> None:
    data = write(an_envelope(office))
    answer = system.hand_in(data)
    assert answer.status_code == 202, answer.get_json()
    body = answer.get_json()
    assert body["state"] == "submitted"
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert read_all(office.blobs, body["sha256"]) == data
    office.work()
    (copy,) = office.incoming(office.cast.lan)
    sheet = office.incoming_sheet(office.cast.lan, copy.id)
    assert sheet.facts.code == "125/SGT-VP"
    assert sheet.paper is not None
    assert sheet.verdict is not None
    assert sheet.verdict.tone == "bad"  # nobody signed it
    assert sheet.envelope is not None
    assert (sheet.envelope.text.vi, sheet.envelope.tone) == ("Không ký", "plain")
    with office.db.read() as tx:
        row = tx.session.get_one(Incoming, copy.id)
        assert row.sender_name == "Sở Giao thông tỉnh Bạn"
    office.register(office.cast.lan, copy.id)
    (delivery,) = system.status(body["id"]).get_json()["deliveries"]
    assert (delivery["state"], delivery["code"]) == ("03", office.cast.finance.code)


@pytest.mark.skipif(not ENVELOPES, reason="the samples of the official builder are not beside the repository")
def test_the_official_builders_envelopes_arrive_with_papers_that_open(app: Flask, office: Office) -> None:
    messages = [(path, read(path.read_bytes())) for path in ENVELOPES]
    organs = {o.code: o for _, m in messages if isinstance(m, Envelope) for o in (m.sender, *m.receivers)}
    ids = {code: an_agency(office, code, organ.name, is_local=True) for code, organ in organs.items()}
    systems: dict[str, System] = {}
    for path, message in messages:
        assert isinstance(message, Envelope)
        code = message.sender.code
        systems.setdefault(code, System(app, office, ids[code]))
        answer = systems[code].hand_in(path.read_bytes(), **{"Idempotency-Key": path.stem})
        assert answer.status_code == 202, (path.name, answer.get_json())
    office.work()
    with office.db.read() as tx:
        for path, message in messages:
            assert isinstance(message, Envelope)
            dispatch = tx.session.scalars(sa.select(Dispatch).where(Dispatch.message_id == path.stem)).one()
            assert read_all(office.blobs, dispatch.sha256) == path.read_bytes()
            copies = tx.session.scalars(sa.select(Incoming).where(Incoming.dispatch_id == dispatch.id)).all()
            assert {c.agency_id for c in copies} == {ids[o.code] for o in message.receivers}
            assert {c.subject for c in copies} == {message.subject}
            assert [read_all(office.blobs, p.sha256) for p in papers_of(tx, dispatch.id)] == [
                a.data for a in message.attachments
            ]


def test_the_same_again_gets_the_first_answer_and_other_content_a_conflict(office: Office, system: System) -> None:
    data, key = write(an_envelope(office)), {"Idempotency-Key": "1"}
    first = system.hand_in(data, **key)
    office.work()
    again = system.hand_in(data, **key)
    assert (again.status_code, again.get_data()) == (first.status_code, first.get_data())
    other = system.hand_in(write(an_envelope(office, subject="Nội dung khác")), **key)
    assert other.status_code == 409
    assert problem(other)["code"] == "conflict"
    assert len(office.incoming(office.cast.lan)) == 1


@pytest.mark.long_proof
def test_without_a_key_the_bytes_name_the_message(office: Office, system: System) -> None:
    """The same document to one more agency and its two updates are messages of their own, and each again is none."""
    letter, science = an_envelope(office), Organ(office.cast.science.code, office.cast.science.name)
    updates = [
        replace(letter, business=Business(BusinessKind.UPDATE, reason, letter.document_id))
        for reason in ("Bổ sung phụ lục", "Sửa phụ lục")
    ]
    messages = [write(one) for one in (letter, replace(letter, receivers=(science,)), *updates)]
    answers = [system.hand_in(data) for data in messages]
    assert [answer.status_code for answer in answers] == [202] * 4
    office.work()
    assert [system.hand_in(data).get_data() for data in messages] == [answer.get_data() for answer in answers]
    office.work()
    assert len(office.incoming(office.cast.lan)) == 3
    assert len(office.incoming(office.cast.quynh)) == 1


def test_one_recall_as_a_status_for_each_receiver_asks_all_of_them(office: Office, system: System) -> None:
    cast = office.cast
    cards = (cast.finance, cast.science)
    letter = an_envelope(office, receivers=tuple(Organ(card.code, card.name) for card in cards))
    number = system.hand_in(write(letter)).get_json()["id"]
    office.work()
    at = clock.now()
    for card in cards:
        about = ResponseFor(card.code, letter.code, letter.document_id, clock.today())
        asks = StatusMessage(letter.sender, about, StatusCode.RECALL_ASKED, "Gửi nhầm", at)
        answer = system.hand_in(write(asks))
        assert (answer.status_code, answer.get_json()["state"]) == (202, "counted")
    assert [one["recall"] for one in system.status(number).get_json()["deliveries"]] == ["13", "13"]


def test_the_same_document_in_other_bytes_is_taken_and_its_receiver_warned(office: Office, system: System) -> None:
    letter, lan = an_envelope(office), office.cast.lan
    others = (letter, replace(letter, subject="Nội dung khác"), replace(letter, document_id=f"{ABROAD},2026,9"))
    for one in others:  # the last has the same number, notation and agency only
        assert system.hand_in(write(one)).status_code == 202
        office.work()
    with office.db.read() as tx:
        for copy in office.incoming(lan):
            assert len(workflow_panel.incoming_desk(tx, lan, copy.id).duplicates) == 2


def test_the_same_handed_in_at_the_same_moment_arrives_once(app: Flask, office: Office, system: System) -> None:
    data = write(an_envelope(office))
    answers: list[Any] = []

    def hand_in() -> None:
        answers.append(app.test_client().post("/api/v1/edxml", data=data, headers=system.headers))

    threads = [threading.Thread(target=hand_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} == {202}
    assert len({a.get_data() for a in answers}) == 1
    office.work()
    assert len(office.incoming(office.cast.lan)) == 1


UNREADABLE = (
    b"",
    b"hello",
    b"<a><b></a>",
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    b"<edXML/>",
)


def test_what_cannot_be_read_is_refused_with_a_code_and_a_sentence(system: System) -> None:
    for data in UNREADABLE:
        answer = system.hand_in(data)
        assert answer.status_code == 422, data
        assert problem(answer)["code"] == "edxml_refused", data


def test_an_unknown_receiver_is_named(office: Office, system: System) -> None:
    lost = an_envelope(office, receivers=(Organ("H97.404", "Không có"),))
    answer = system.hand_in(write(lost))
    assert answer.status_code == 422
    assert problem(answer)["code"] == "unknown_receiver"
    assert "H97.404" in problem(answer)["message"]["vi"]
    # A refused first try never blocks the repeat.
    with office.db.write() as tx:
        tx.session.add(Agency(code="H97.404", name="Nay đã có", is_local=False))
    assert system.hand_in(write(lost)).status_code == 202


def test_a_system_speaks_for_its_own_agency_only(office: Office, system: System) -> None:
    stranger = an_envelope(office, sender=Organ(office.cast.city.code, office.cast.city.name))
    assert system.hand_in(write(stranger)).status_code == 403
    assert system.http.post("/api/v1/edxml", data=b"x").status_code == 401


def test_a_merged_agencys_successor_gets_the_envelope(office: Office, system: System) -> None:
    with office.db.write() as tx:
        tx.session.add(Agency(code="H99.99", name="Sở cũ", is_local=True, merged_into_id=office.cast.finance.id))
    answer = system.hand_in(write(an_envelope(office, receivers=(Organ("H99.99", "Sở cũ"),))))
    assert answer.get_json()["receivers"][0]["forwarded_to"] == office.cast.finance.code
    office.work()
    assert len(office.incoming(office.cast.lan)) == 1


def test_other_agencies_do_not_see_an_envelope(app: Flask, office: Office, system: System) -> None:
    number = system.hand_in(write(an_envelope(office))).get_json()["id"]
    assert System(app, office, office.cast.science.id).status(number).status_code == 404
    assert System(app, office, office.cast.finance.id).status(number).status_code == 200
    assert system.status(2**70).status_code == 404


@pytest.mark.long_proof
def test_a_status_from_a_foreign_system_moves_the_senders_page(app: Flask, office: Office) -> None:
    far = an_agency(office, ABROAD, "Sở Giao thông tỉnh Bạn")
    number = office.sent(recipients=(far,))
    (row,) = office.sheet(office.cast.ha, number).deliveries
    assert row.state.text.vi == "Đã nộp lên trục, chưa giao"
    with office.db.read() as tx:
        key = tx.session.scalars(sa.select(Dispatch)).one().document_key
    about = ResponseFor(office.cast.city.code, "01/VP-HCTC", key, clock.today())
    system = System(app, office, far)
    for code in (StatusCode.ARRIVED, StatusCode.WORKING, StatusCode.REGISTERED):
        said = StatusMessage(Organ(ABROAD, "Sở Giao thông tỉnh Bạn"), about, code, "", clock.now())
        assert system.hand_in(write(said)).status_code == 202
    (row,) = office.sheet(office.cast.ha, number).deliveries
    assert row.state.text.vi == "Đang xử lý"  # 03 came late and changes nothing
    lost = StatusMessage(
        Organ(ABROAD, "Sở"), replace(about, document_id="X,2026/01/01,9/Y"), StatusCode.ARRIVED, "", clock.now()
    )
    assert problem(system.hand_in(write(lost)))["code"] == "unknown_document"


def test_a_recall_asks_for_the_copy_back_and_an_answer_cancels_it(office: Office, system: System) -> None:
    letter = an_envelope(office)
    system.hand_in(write(letter))
    office.work()
    recall = replace(letter, business=Business(BusinessKind.RECALL, "Gửi nhầm", letter.document_id), attachments=())
    assert system.hand_in(write(recall)).status_code == 202
    office.work()
    (copy,) = office.incoming(office.cast.lan)
    sheet = office.incoming_sheet(office.cast.lan, copy.id)
    assert sheet.recall is not None
    assert sheet.recall_reason == "Gửi nhầm"
    assert "agree_recall" in sheet.acts
    with office.db.write(office.cast.lan.by) as tx:
        handling.agree_recall(tx, office.cast.lan, copy.id)
    assert office.incoming(office.cast.lan)[0].state == IncomingState.CANCELLED


def test_a_foreign_update_asks_for_the_earlier_copy_and_a_foreign_reply_is_linked(
    office: Office, system: System
) -> None:
    cast = office.cast
    asked = office.on_its_way()
    with office.db.read() as tx:
        key = tx.session.scalars(sa.select(Dispatch.document_key)).one()
    reply = ResponseFor(cast.city.code, office.document(asked).code, key)
    letter = an_envelope(office, receivers=(Organ(cast.city.code, cast.city.name),), responses=(reply,))
    system.hand_in(write(letter))
    office.work()
    (first,) = office.incoming(cast.ha)
    with office.db.read() as tx:
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.ha, first.id).answers] == [
            f"/documents/out/{asked}"
        ]
        assert [r.url for r in workflow_panel.document_desk(tx, cast.ha, asked).answered_by] == [
            f"/documents/in/{first.id}"
        ]
    business = Business(BusinessKind.UPDATE, "Bổ sung phụ lục", letter.document_id)
    assert system.hand_in(write(replace(letter, business=business))).status_code == 202
    office.work()
    new, old = office.incoming(cast.ha)
    assert office.incoming_sheet(cast.ha, old.id).recall_reason == "Bổ sung phụ lục"
    assert office.incoming_sheet(cast.ha, new.id).recall is None
    with office.db.read() as tx:
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.ha, new.id).earlier] == [f"/documents/in/{old.id}"]
        assert workflow_panel.incoming_desk(tx, cast.ha, new.id).duplicates == ()


def test_demo_agencies_answer_to_both_code_forms(office: Office, system: System) -> None:
    with office.db.read() as tx:
        finance = queries.agency_by_code(tx, demo.FINANCE)
        assert finance is not None
        old = finance.old_code
    assert system.hand_in(write(an_envelope(office, receivers=(Organ(old, "Sở"),)))).status_code == 202
    office.work()
    assert len(office.incoming(office.cast.lan)) == 1


def test_a_forged_envelope_is_delivered_and_told(office: Office, system: System) -> None:
    """The legal weight lies in the papers, so nothing is kept from its recipients; they see what it is worth."""
    forged = sealed(write(an_envelope(office)), key()).replace(b"<edXML:Subject>", "<edXML:Subject>Giả: ".encode())
    assert system.hand_in(forged).status_code == 202
    office.work()
    (copy,) = office.incoming(office.cast.lan)
    sheet = office.incoming_sheet(office.cast.lan, copy.id)
    assert sheet.envelope is not None
    assert (sheet.envelope.text.vi, sheet.envelope.tone) == ("Không hợp lệ", "bad")
    assert sheet.paper is not None
    with office.db.read() as tx:
        found = verdict_sheet(tx, office.cast.lan, sheet.paper.id).envelope
    assert found is not None
    assert {"CONTENT_CHANGED", "SELF_SIGNED", "ENVELOPE_OTHER_SENDER"} <= {one.code for one in found.findings}
    assert found.policy == "envelope-2"


def test_a_verdict_that_nobody_could_make_is_said_and_never_green(office: Office, system: System) -> None:
    number = system.hand_in(write(an_envelope(office))).get_json()["id"]
    with office.db.write("system") as tx:
        dispatch_job = claiming.claim(tx, ["docex.verify"], limit=1, lease_s=60)[0]
        outbox.handlers["docex.verify"].give_up(tx, dispatch_job, "the store is gone")
        attempts.finish(tx, dispatch_job, outbox.State.FAILED)
    office.work()
    sheet = office.incoming_sheet(office.cast.lan, office.incoming(office.cast.lan)[0].id)
    assert sheet.verdict is None
    assert sheet.unverified is not None
    assert "Chưa kiểm tra được" in sheet.unverified.vi
    assert system.status(number).get_json()["verdict"] == "unclear"
