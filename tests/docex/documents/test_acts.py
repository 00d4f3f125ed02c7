"""Each role may do its own acts at their time; a failure of the worker is shown."""

import io
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pypdf import PdfReader, PdfWriter

from docex.dashboard import documents
from docex.documents.access import document_for, incoming_for, may_watch_document, may_watch_incoming
from docex.documents.drafting import outgoing
from docex.documents.incoming import handling
from docex.documents.issuing import issuance
from docex.documents.models import BookNumber, Delivery, Incoming, Paper, StatusLog
from docex.documents.states import DocumentState, IncomingState
from docex.exchange import dispatch
from docex.jobs.delivery import register_jobs
from kernel import clock, outbox
from kernel.config import Config
from kernel.errors import Forbidden, Invalid, NotFound, Stale, WrongState
from kernel.queue import attempts, claiming
from kernel.refs import Ref, describe
from kernel.text import Phrase
from notify.models import Message
from tests.docex.office import Office, a_pdf


def test_a_clerk_of_another_agency_finds_nothing(office: Office) -> None:
    number = office.written()
    for somebody in (office.cast.lan, office.cast.admin, office.cast.yen):
        with office.db.read() as tx, pytest.raises(NotFound):
            document_for(tx, somebody, number)
    with office.db.read() as tx:
        assert document_for(tx, office.cast.son, number).id == number


def test_only_the_named_leader_signs_and_only_a_clerk_seals(office: Office) -> None:
    number = office.written()
    office.work()
    office.submit(number)
    for somebody in (office.cast.ha, office.cast.son):
        with office.db.write(somebody.by) as tx, pytest.raises(Forbidden):
            issuance.sign(tx, somebody, number)
    office.sign(number)
    office.work()
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(Forbidden):
        issuance.seal(tx, office.cast.binh, number)
    with office.db.write(office.cast.ha.by) as tx, pytest.raises(WrongState):
        outgoing.submit(tx, office.cast.ha, number)


def test_a_job_for_somebody_else_uses_no_key(office: Office) -> None:
    number = office.written()
    office.work()
    office.submit(number)
    office.sign(number)
    with office.db.write("system") as tx:
        row = tx.session.scalars(sa.select(outbox.OutboxRow).where(outbox.OutboxRow.topic == "docex.sign")).one()
        row.payload = {**row.payload, "person_id": office.cast.son.person_id}
    office.work()
    assert office.document(number).state == DocumentState.SIGNING


def test_a_failed_signature_keeps_its_number_for_the_next_try(office: Office) -> None:
    number = office.written()
    office.work()
    office.submit(number)
    register_jobs(Config(mode="production", secret_key="x", data_dir=office.config.data_dir), office.blobs)
    office.sign(number)
    office.work()
    sheet = office.sheet(office.cast.binh, number)
    assert sheet.state_key == DocumentState.REVIEW
    assert sheet.problem is not None
    assert "không giữ khoá ký số" in sheet.problem.vi
    assert "holds no signing key" in sheet.problem.en
    told = next(moment.detail for moment in sheet.timeline if moment.title.vi == "Ký số không thành công")
    assert isinstance(told, Phrase)
    assert told.en == sheet.problem.en
    register_jobs(office.config, office.blobs)
    office.sign(number)
    office.work()
    assert office.document(number).state == DocumentState.SIGNED
    assert office.document(number).code == "01/VP-HCTC"
    with office.db.read() as tx:
        assert tx.session.scalars(sa.select(BookNumber.state)).all() == ["reserved"]


def test_what_is_returned_gives_its_number_back_and_keeps_the_reason(office: Office) -> None:
    number = office.written()
    office.work()
    office.submit(number)
    office.sign(number)
    office.work()
    with office.db.write(office.cast.ha.by) as tx:
        outgoing.return_(tx, office.cast.ha, number, "Sai thể thức")
    assert office.document(number).code == ""
    assert "Sai thể thức" in [m.detail for m in office.sheet(office.cast.ha, number).timeline]
    assert office.document(office.sent(subject="Công văn sau")).code == "01/VP-HCTC"


def test_an_edit_while_the_preview_is_drawn_shows_the_newest_text(office: Office) -> None:
    number = office.written()
    with office.db.write(office.cast.ha.by) as tx:
        outgoing.edit(tx, office.cast.ha, number, 1, office.draft(subject="Trích yếu sau khi sửa"))
    office.work()
    sheet = office.sheet(office.cast.ha, number)
    assert sheet.paper is not None
    data = office.blobs.open(_sha(office, sheet.paper.id)).read()
    assert "Trích yếu sau khi sửa" in PdfReader(io.BytesIO(data)).pages[0].extract_text().replace("\n", " ")


def _sha(office: Office, paper_id: int) -> str:
    with office.db.read() as tx:
        return tx.session.get_one(Paper, paper_id).sha256


def test_delivering_twice_makes_one_copy(office: Office) -> None:
    office.on_its_way()
    with office.db.write("system") as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        dispatch.deliver(tx, delivery.id)
    with office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(Incoming.id))) == 1
        codes = tx.session.scalars(sa.select(StatusLog.code).order_by(StatusLog.id)).all()
    assert codes == ["available", "01"]


def test_registering_needs_a_clerk_and_happens_once(office: Office) -> None:
    office.on_its_way()
    copy = office.incoming(office.cast.lan)[0]
    with office.db.write(office.cast.dung.by) as tx, pytest.raises(Forbidden):
        handling.register(tx, office.cast.dung, copy.id)
    with office.db.write(office.cast.nam.by) as tx, pytest.raises(NotFound):
        handling.register(tx, office.cast.nam, copy.id)
    with office.db.read() as tx, pytest.raises(NotFound):
        incoming_for(tx, office.cast.oanh, copy.id)
    office.register(office.cast.lan, copy.id)
    with office.db.write(office.cast.lan.by) as tx, pytest.raises(WrongState):
        handling.register(tx, office.cast.lan, copy.id)
    assert office.incoming(office.cast.lan)[0].state == IncomingState.REGISTERED


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"subject": "  "}, "subject"),
    ({"subject": "ă" * 501}, "subject"),
    ({"body": "\x00\x07"}, "body"),
    ({"kind": "poem"}, "kind"),
    ({"urgency": 9}, "urgency"),
    ({"signer_id": 999_999}, "signer_id"),
    ({"recipients": ()}, "recipients"),
    ({"recipients": (999_999,)}, "recipients"),
    ({"due_on": date(2020, 1, 1)}, "due_on"),
    ({"unit_mark": "A/B"}, "unit_mark"),
    ({"places": ("x" * 1001,)}, "places"),
]


def test_what_is_wrong_in_a_draft_is_named(office: Office) -> None:
    for changes, field in WRONG:
        with office.db.write(office.cast.ha.by) as tx, pytest.raises(Invalid) as refused:
            outgoing.write(tx, office.cast.ha, office.draft(**changes))
        assert list(refused.value.fields) == [field], changes


def test_a_letter_cannot_go_to_its_own_agency(office: Office) -> None:
    with office.db.write(office.cast.ha.by) as tx, pytest.raises(Invalid):
        outgoing.write(tx, office.cast.ha, office.draft(recipients=(office.cast.city.id,)))


def test_five_hundred_letters_and_decomposed_text_are_taken(office: Office) -> None:
    number = office.written(subject=unicodedata.normalize("NFD", "ế" * 500))
    assert office.document(number).subject == "ế" * 500


def test_an_encrypted_pdf_is_named(office: Office) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(a_pdf())))
    writer.encrypt("secret", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    number = office.uploaded(locked.getvalue())
    office.work()
    problem = office.sheet(office.cast.ha, number).problem
    assert problem is not None
    assert "mật khẩu" in problem.vi
    assert "password" in problem.en


def test_the_start_page_shows_what_waits(office: Office) -> None:
    with clock.frozen(datetime(2026, 11, 20, 3, tzinfo=UTC)):
        number = office.on_its_way()
    with clock.frozen(datetime(2026, 11, 20, 3, tzinfo=UTC) + timedelta(days=5)):
        with office.db.read() as tx:
            (item,) = documents.to_register(tx, office.cast.lan) or []
            assert item.late is not None
            assert documents.to_register(tx, office.cast.nam) is None
            assert documents.to_sign(tx, office.cast.ha) is None
            assert documents.to_sign(tx, office.cast.binh) == []
        office.refuse(office.cast.lan, office.incoming(office.cast.lan)[0].id, "Nhầm")
        with office.db.read() as tx:
            (refused,) = documents.refused(tx, office.cast.ha) or []
        assert refused.url == f"/documents/out/{number}"


def test_streams_are_for_those_who_may_open_the_page(office: Office) -> None:
    number = office.on_its_way()
    copy = office.incoming(office.cast.lan)[0]
    with office.db.read() as tx:
        assert may_watch_document(tx, office.cast.binh, f"document:{number}")
        assert not may_watch_document(tx, office.cast.lan, f"document:{number}")
        assert not may_watch_document(tx, office.cast.ha, "document:x")
        assert not may_watch_document(tx, office.cast.ha, f"document:{10**30}")
        assert may_watch_incoming(tx, office.cast.lan, f"incoming:{copy.id}")
        assert not may_watch_incoming(tx, office.cast.ha, f"incoming:{copy.id}")
        shown = describe(tx, Ref("incoming", copy.id))
    assert shown is not None
    assert shown.url == f"/documents/in/{copy.id}"


def test_an_urgent_document_is_told_to_the_clerks_and_others_wait_to_be_seen(office: Office) -> None:
    office.on_its_way(subject="Văn bản thường")
    office.on_its_way(subject="Văn bản khẩn", urgency=1)
    with office.db.read() as tx:
        told = tx.session.scalars(sa.select(Message).where(Message.kind == "document.arrived")).all()
    assert {(m.person_id, m.channel) for m in told} == {
        (office.cast.lan.person_id, "email"),
        (office.cast.lan.person_id, "sms"),
    }
    assert all("Văn bản khẩn" in m.text or "Van ban khan" in m.text for m in told)


def test_a_leader_signs_only_what_was_on_the_screen(office: Office) -> None:
    number = office.written()
    with office.db.write(office.cast.ha.by) as tx:
        outgoing.submit(tx, office.cast.ha, number)
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(WrongState):
        issuance.sign(tx, office.cast.binh, number)  # nothing is drawn yet
    office.work()
    seen = office.sheet(office.cast.binh, number).paper
    assert seen is not None
    with office.db.write(office.cast.ha.by) as tx:
        outgoing.withdraw(tx, office.cast.ha, number)
    with office.db.write(office.cast.ha.by) as tx:
        outgoing.edit(tx, office.cast.ha, number, 1, office.draft(subject="Nội dung đã đổi"))
        outgoing.submit(tx, office.cast.ha, number)
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(WrongState):
        issuance.sign(tx, office.cast.binh, number, seen.id)
    office.work()
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(Stale):
        issuance.sign(tx, office.cast.binh, number, seen.id)
    now = office.sheet(office.cast.binh, number).paper
    assert now is not None
    with office.db.write(office.cast.binh.by) as tx:
        issuance.sign(tx, office.cast.binh, number, now.id)


def test_a_returned_upload_shows_the_file_without_the_signature(office: Office) -> None:
    number = office.uploaded(a_pdf())
    office.work()
    office.submit(number)
    office.sign(number)
    office.work()
    with office.db.write(office.cast.ha.by) as tx:
        outgoing.return_(tx, office.cast.ha, number, "Thiếu phụ lục")
    paper = office.sheet(office.cast.ha, number).paper
    assert paper is not None
    assert paper.stage == "upload"
    assert office.blobs.open(_sha(office, paper.id)).read() == a_pdf()


@pytest.mark.long_proof
@pytest.mark.parametrize("topic", ["docex.render", "docex.inspect", "docex.sign", "docex.seal", "docex.dispatch"])
def test_a_worker_that_died_before_it_could_tell_is_repeated_without_harm(office: Office, topic: str) -> None:
    """The attempt stays open, as after a kill; the next worker reconciles and does the work once more."""
    number = office.uploaded(a_pdf()) if topic == "docex.inspect" else office.written()
    if topic not in ("docex.render", "docex.inspect"):
        office.work()
        office.submit(number)
        office.sign(number)
        if topic != "docex.sign":
            office.work()
            office.seal(number)
    if topic == "docex.dispatch":
        _do_only(office, "docex.seal")
    _die_after(office, topic)
    office.work()
    with office.db.read() as tx:
        failed = tx.session.scalars(
            sa.select(outbox.OutboxRow).where(outbox.OutboxRow.state.not_in(["done", "waiting"]))
        ).all()
        assert failed == []
        assert tx.session.scalar(sa.select(sa.func.count(Incoming.id))) in (0, 1)
    assert office.sheet(office.cast.ha, number).problem is None


def _do_only(office: Office, topic: str) -> None:
    with office.db.write("worker") as tx:
        (job,) = claiming.claim(tx, [topic], limit=1, lease_s=60)
        attempts.begin_attempt(tx, job)
        prepared = outbox.handlers[topic].prepare(tx, job)
    result = outbox.handlers[topic].perform(prepared)
    with office.db.write("worker") as tx:
        outbox.handlers[topic].conclude(tx, job, result)
        attempts.finish(tx, job, outbox.State.DONE)


def _die_after(office: Office, topic: str) -> None:
    with office.db.write("worker") as tx:
        (job,) = claiming.claim(tx, [topic], limit=1, lease_s=-1)
        attempts.begin_attempt(tx, job)
        prepared = outbox.handlers[topic].prepare(tx, job)
    outbox.handlers[topic].perform(prepared)
