"""From the incoming book to the work and back: sheets, tasks, statuses, replies, recalls, replacements, alarms."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from directory.actor import Actor
from docex.dashboard import workflow
from docex.documents import deadline_alarms
from docex.documents.access import incoming_for
from docex.documents.delivery import statuses
from docex.documents.drafting import outgoing, recipient_groups
from docex.documents.incoming import handling, submission_sheets
from docex.documents.incoming.submission_sheets import Decision
from docex.documents.models import Answer, Delivery, Dispatch, Document, Incoming, Referral, StatusLog
from docex.documents.pages import workflow_panel
from docex.documents.states import DocumentState, IncomingState
from docex.edxml import Envelope, read
from docex.edxml.codes import BusinessKind
from docex.edxml.progress import Progress, Recall
from docex.exchange.recalls import withdrawal
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from notify.models import Message
from tasks import finishing, giving, receiving
from tasks.giving import Lead
from tests.docex.office import Office, a_pdf


def arrived(office: Office, **changes: object) -> tuple[int, int]:
    """A letter of the city office in Lan's inbox. Answers the ids of the document and of the copy."""
    number = office.on_its_way(**changes)
    return number, office.incoming(office.cast.lan)[0].id


def registered(office: Office, **changes: object) -> tuple[int, int]:
    number, copy = arrived(office, **changes)
    office.register(office.cast.lan, copy)
    return number, copy


def decide(office: Office, copy: int, lead: Lead, by: Actor | None = None, **words: object) -> int:
    actor = by or office.cast.dung
    with office.db.write(actor.by) as tx:
        task = submission_sheets.decide(tx, actor, copy, Decision(lead, **words)).task_id  # type: ignore[arg-type]
    office.work()
    assert task is not None
    return task


def progress(office: Office, number: int) -> tuple[str, list[str]]:
    """How far the sender sees it, and every status that was said."""
    with office.db.read() as tx:
        delivery = tx.session.scalars(
            sa.select(Delivery).join(Dispatch).where(Dispatch.document_id == number).order_by(Delivery.id)
        ).first()
        assert delivery is not None
        said = tx.session.scalars(
            sa.select(StatusLog.code).where(StatusLog.delivery_id == delivery.id).order_by(StatusLog.id)
        ).all()
        return delivery.progress, [code for code in said if code[0] in "01"]


def copy_of(office: Office, incoming_id: int) -> Incoming:
    with office.db.read() as tx:
        return tx.session.get_one(Incoming, incoming_id)


def test_a_document_goes_from_the_clerk_over_the_leader_to_the_work_and_the_sender_sees_each_step(
    office: Office,
) -> None:
    cast = office.cast
    number, copy = registered(office)
    with office.db.write(cast.lan.by) as tx:
        submission_sheets.submit(tx, cast.lan, copy, cast.dung.person_id, "Đề xuất giao Phòng Ngân sách")
    office.work()
    with office.db.read() as tx:
        assert [item.url for item in workflow.to_decide(tx, cast.dung) or []] == [f"/documents/in/{copy}"]
        assert workflow.to_forward(tx, cast.lan) == []
    assert progress(office, number)[0] == Progress.REGISTERED
    task = decide(
        office, copy, Lead(person_id=cast.nam.person_id), opinion="Xử lý sớm", due=f"31/12/{clock.today().year + 5}"
    )
    assert progress(office, number)[0] == Progress.ASSIGNED
    with office.db.write(cast.nam.by) as tx:
        receiving.receive(tx, cast.nam, task)
        finishing.report(tx, cast.nam, task, 50, "Đang làm")
    office.work()
    assert progress(office, number)[0] == Progress.WORKING
    with office.db.write(cast.nam.by) as tx:
        finishing.finish(tx, cast.nam, task, "Đã xong")
    with office.db.write(cast.dung.by) as tx:
        finishing.accept(tx, cast.dung, task)
    office.work()
    assert progress(office, number) == (Progress.DONE, ["01", "03", "04", "05", "06"])
    assert copy_of(office, copy).state == IncomingState.DONE
    assert office.document(number).state == DocumentState.FINISHED
    with office.db.read() as tx:
        desk = workflow_panel.incoming_desk(tx, cast.nam, copy)
        assert desk.referrals[0].lead == cast.nam.name
        assert desk.referrals[0].proposal == "Đề xuất giao Phòng Ngân sách"
        assert desk.referrals[0].task_url == f"/tasks/{task}"


def test_who_works_on_it_may_open_it_and_nobody_else(office: Office) -> None:
    cast = office.cast
    _, copy = registered(office)
    with office.db.read() as tx, pytest.raises(NotFound):
        incoming_for(tx, cast.nam, copy)
    decide(office, copy, Lead(person_id=cast.nam.person_id))
    with office.db.read() as tx:
        assert incoming_for(tx, cast.nam, copy).id == copy
        with pytest.raises(NotFound):
            incoming_for(tx, cast.ha, copy)


def test_a_unit_can_lead(office: Office) -> None:
    _, copy = registered(office)
    with office.db.read() as tx:
        unit = next(u for u in submission_sheets.units_of(tx, office.cast.finance.id) if u.name == "Phòng Ngân sách")
    decide(office, copy, Lead(unit_id=unit.id))
    with office.db.read() as tx:
        assert tx.session.scalars(sa.select(Referral.lead_name)).all() == ["Phòng Ngân sách"]
        assert incoming_for(tx, office.cast.nam, copy).id == copy


def test_only_leaders_decide_and_only_within_their_agency(office: Office) -> None:
    cast = office.cast
    _, copy = registered(office)
    with office.db.write(cast.lan.by) as tx, pytest.raises(Forbidden):
        submission_sheets.decide(tx, cast.lan, copy, Decision(Lead(person_id=cast.nam.person_id)))
    with office.db.write(cast.dung.by) as tx, pytest.raises(Invalid) as refused:
        submission_sheets.decide(
            tx, cast.dung, copy, Decision(Lead(person_id=cast.ha.person_id), (cast.ha.person_id,), due="mai")
        )
    assert set(refused.value.fields) == {"lead", "co_ids", "due"}
    with office.db.write(cast.lan.by) as tx, pytest.raises(Invalid):
        submission_sheets.submit(tx, cast.lan, copy, cast.nam.person_id, "")
    with office.db.write(cast.binh.by) as tx, pytest.raises(NotFound):
        submission_sheets.decide(tx, cast.binh, copy, Decision(Lead(person_id=cast.nam.person_id)))


def test_what_needs_no_work_is_filed_at_once(office: Office) -> None:
    cast = office.cast
    number, copy = registered(office)
    with office.db.write(cast.lan.by) as tx:
        submission_sheets.submit(tx, cast.lan, copy, cast.dung.person_id, "")
    with office.db.write(cast.lan.by) as tx:
        submission_sheets.withdraw(tx, cast.lan, copy)
    with office.db.write(cast.lan.by) as tx:
        submission_sheets.close(tx, cast.lan, copy, "Lưu, để biết")
    assert progress(office, number) == (Progress.DONE, ["01", "03", "06"])
    with office.db.write(cast.lan.by) as tx, pytest.raises(WrongState):
        submission_sheets.close(tx, cast.lan, copy)


def test_a_cancelled_task_lets_the_leader_decide_again_and_no_status_is_said_twice(office: Office) -> None:
    cast = office.cast
    number, copy = registered(office)
    first = decide(office, copy, Lead(person_id=cast.nam.person_id))
    with office.db.write(cast.dung.by) as tx:
        giving.cancel(tx, cast.dung, first, "Giao nhầm")
    office.work()
    assert copy_of(office, copy).state == IncomingState.REGISTERED
    second = decide(office, copy, Lead(person_id=cast.lan.person_id))
    assert second != first
    assert progress(office, number)[1] == ["01", "03", "04"]


def test_repeated_and_late_statuses_are_logged_and_keep_the_greatest_progress(office: Office) -> None:
    number, _ = arrived(office)
    with office.db.write("client:1") as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        said = [statuses.report_status(tx, delivery, code) for code in ("05", "03", "05", "04", "06", "02")]
    assert said == [True, False, False, False, True, False]
    assert progress(office, number)[0] == Progress.DONE
    with office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(StatusLog.id))) == 8


# ---- replies ----


def test_a_reply_is_linked_on_both_sides_and_ends_the_matter_when_it_is_sent(office: Office) -> None:
    cast = office.cast
    asked = office.sent()
    copy = office.incoming(cast.lan)[0].id
    office.register(cast.lan, copy)
    draft = office.draft(
        signer_id=cast.dung.person_id, recipients=(cast.city.id,), unit_mark="NS", answers_id=copy, finishes=True
    )
    with office.db.write(cast.lan.by) as tx:
        reply = outgoing.write(tx, cast.lan, draft).id
    office.issue(reply, cast.lan, cast.dung)
    assert copy_of(office, copy).state == IncomingState.DONE
    assert progress(office, asked)[0] == Progress.DONE
    back = office.incoming(cast.ha)[0]
    with office.db.read() as tx:
        envelope = envelope_of(office, tx.session.get_one(Dispatch, back.dispatch_id).sha256)
        assert envelope.responses[0].code == "01/VP-HCTC"
        assert envelope.responses[0].organ_code == cast.city.code
        assert tx.session.scalars(sa.select(Answer.document_key)).all() == [envelope.responses[0].document_id]
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.ha, back.id).answers] == [
            f"/documents/out/{asked}"
        ]
        assert [r.url for r in workflow_panel.document_desk(tx, cast.ha, asked).answered_by] == [
            f"/documents/in/{back.id}"
        ]
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, copy).replies] == [f"/documents/out/{reply}"]
        link = workflow_panel.document_desk(tx, cast.lan, reply).answers
        assert link is not None
        assert link.url == f"/documents/in/{copy}"


def test_nobody_answers_what_they_may_not_open(office: Office) -> None:
    _, copy = registered(office)
    with office.db.write(office.cast.ha.by) as tx, pytest.raises(NotFound):
        outgoing.write(tx, office.cast.ha, office.draft(answers_id=copy))


def envelope_of(office: Office, sha256: str) -> Envelope:
    with office.blobs.open(sha256) as file:
        message = read(file.read())
    assert isinstance(message, Envelope)
    return message


# ---- recall, update, replacement ----


def recall(office: Office, number: int, reason: str = "Sai nội dung") -> None:
    with office.db.write(office.cast.ha.by) as tx:
        withdrawal.recall(tx, office.cast.ha, number, reason)
    office.work()


def test_a_recall_asks_each_recipient_and_freezes_the_document(office: Office) -> None:
    cast = office.cast
    number = office.on_its_way(recipients=(cast.finance.id, cast.science.id))
    copy, other = office.incoming(cast.lan)[0].id, office.incoming(cast.quynh)[0].id
    task = _working(office, copy)
    recall(office, number)
    assert office.document(number).state == DocumentState.RECALLING
    acts: tuple[Callable[[Tx], object], ...] = (
        lambda tx: outgoing.edit(tx, cast.ha, number, 1, office.draft()),
        lambda tx: withdrawal.resend(tx, cast.ha, number, (cast.finance.id,), "x"),
        lambda tx: withdrawal.recall(tx, cast.ha, number, "again"),
    )
    for act in acts:
        with office.db.write(cast.ha.by) as tx, pytest.raises(WrongState):
            act(tx)
    with office.db.read() as tx:
        assert [i.url for i in workflow.recalls_to_answer(tx, cast.lan) or []] == [f"/documents/in/{copy}"]
    with office.db.write(cast.lan.by) as tx:
        handling.agree_recall(tx, cast.lan, copy)
    office.work()
    assert office.document(number).state == DocumentState.RECALLING
    with office.db.write(cast.quynh.by) as tx:
        handling.refuse_recall(tx, cast.quynh, other, "Đã thực hiện xong")
    office.work()
    assert office.document(number).state == DocumentState.SENT
    assert copy_of(office, copy).state == IncomingState.CANCELLED
    assert [d.recall.text.vi for d in office.sheet(cast.ha, number).deliveries if d.recall] == [
        "Đồng ý lấy lại, cập nhật",
        "Không đồng ý lấy lại, cập nhật",
    ]
    with office.db.read() as tx:
        from tasks.models import Task

        assert tx.session.get_one(Task, task).state == "cancelled"
    recall(office, number, "Yêu cầu lần nữa")
    with office.db.write(cast.quynh.by) as tx:
        handling.agree_recall(tx, cast.quynh, other)
    office.work()
    assert office.document(number).state == DocumentState.RECALLED


def _working(office: Office, copy: int) -> int:
    office.register(office.cast.lan, copy)
    return decide(office, copy, Lead(person_id=office.cast.nam.person_id))


def test_what_has_not_left_is_recalled_here_and_never_sent(office: Office) -> None:
    number = office.written()
    with office.db.write("system") as tx:
        tx.session.get_one(Document, number).state = DocumentState.SEALED
    recall(office, number)
    assert office.document(number).state == DocumentState.RECALLED
    assert office.incoming(office.cast.lan) == []


def test_what_was_not_delivered_yet_is_taken_back_without_asking(office: Office) -> None:
    number = office.on_its_way()
    with office.db.write("system") as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        delivery.progress = Progress.SUBMITTED
        tx.session.execute(sa.delete(Incoming))
    recall(office, number)
    assert office.document(number).state == DocumentState.RECALLED
    with office.db.read() as tx:
        assert tx.session.scalars(sa.select(Delivery.recall)).all() == [Recall.AGREED]


def test_only_a_clerk_recalls_and_with_a_reason(office: Office) -> None:
    number = office.on_its_way()
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(Forbidden):
        withdrawal.recall(tx, office.cast.binh, number, "Sai")
    with office.db.write(office.cast.ha.by) as tx, pytest.raises(Invalid):
        withdrawal.recall(tx, office.cast.ha, number, " ")


def test_sending_again_to_the_same_agency_is_an_update_and_to_another_one_new(office: Office) -> None:
    cast = office.cast
    number = office.sent()
    old = office.incoming(cast.lan)[0].id
    with office.db.write() as tx:  # sealed long before it is sent again
        sealed = tx.session.get_one(Document, number)
        assert sealed.sealed_at is not None
        sealed.sealed_at -= timedelta(days=1)
    with office.db.write(cast.ha.by) as tx:
        withdrawal.resend(tx, cast.ha, number, (cast.finance.id, cast.science.id), "Bổ sung phụ lục")
    office.work()
    (new, first), (other,) = office.incoming(cast.lan), office.incoming(cast.quynh)
    assert first.id == old
    with office.db.read() as tx:
        kinds = {d.id: d.business for d in tx.session.scalars(sa.select(Dispatch))}
        assert (kinds[first.dispatch_id], kinds[new.dispatch_id], kinds[other.dispatch_id]) == (0, 2, 0)
        update = envelope_of(office, tx.session.get_one(Dispatch, new.dispatch_id).sha256)
        assert update.business.kind is BusinessKind.UPDATE
        assert update.business.document_id == update.document_id
        sent, again = (tx.session.get_one(Dispatch, one.dispatch_id) for one in (first, new))
        earlier = envelope_of(office, sent.sha256)
        before, now = earlier.traces[0].at, update.traces[0].at
        assert before is not None
        assert now is not None
        assert before <= now <= again.submitted_at
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, new.id).earlier] == [f"/documents/in/{old}"]
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, old).later] == [f"/documents/in/{new.id}"]
        assert workflow_panel.incoming_desk(tx, cast.lan, new.id).duplicates == ()
    with office.db.write(cast.lan.by) as tx:
        handling.agree_recall(tx, cast.lan, old)
    assert copy_of(office, old).state == IncomingState.CANCELLED
    assert office.document(number).state == DocumentState.SENT


def test_what_is_finished_before_it_is_sent_again_goes_all_the_same(office: Office) -> None:
    cast = office.cast
    number = office.on_its_way()
    with office.db.write(cast.ha.by) as tx:
        withdrawal.resend(tx, cast.ha, number, (cast.science.id,), "Gửi thêm")
    with office.db.write() as tx:  # the last recipient says 06 before the worker comes to it
        statuses.report_status(tx, tx.session.scalars(sa.select(Delivery)).one(), Progress.DONE)
        statuses.settle(tx, number)
    assert office.document(number).state == DocumentState.FINISHED
    drawn(office, number)
    office.work()
    assert len(office.incoming(cast.quynh)) == 1
    assert office.document(number).state == DocumentState.SENT


def test_what_is_taken_back_before_it_is_sent_again_stays_here_and_the_clerk_reads_why(office: Office) -> None:
    cast = office.cast
    number = office.on_its_way()
    with office.db.write(cast.ha.by) as tx:
        withdrawal.resend(tx, cast.ha, number, (cast.science.id,), "Gửi thêm")
        withdrawal.recall(tx, cast.ha, number, "Sai số liệu")
    office.work()
    assert office.incoming(cast.quynh) == []
    problem = office.sheet(cast.ha, number).problem
    assert problem is not None
    assert "Đang yêu cầu thu hồi" in problem.vi


def drawn(office: Office, document_id: int) -> None:
    """The sealed paper that `on_its_way` spares."""
    with office.db.write() as tx:
        outgoing.add_paper(tx, tx.session.get_one(Document, document_id), office.file(a_pdf()), "sealed")


def test_a_replacement_lets_the_old_document_fall_when_it_is_sent(office: Office) -> None:
    cast = office.cast
    number = office.sent()
    old = office.incoming(cast.lan)[0].id
    with office.db.write(cast.ha.by) as tx:
        draft = withdrawal.replacement(tx, cast.ha, number, "Sai số liệu").id
    assert office.document(number).state == DocumentState.SENT
    office.issue(draft, cast.ha, cast.binh)
    assert office.document(number).state == DocumentState.REPLACED
    new = office.incoming(cast.lan)[0]
    with office.db.read() as tx:
        envelope = envelope_of(office, tx.session.get_one(Dispatch, new.dispatch_id).sha256)
        assert envelope.business.kind is BusinessKind.REPLACE
        assert envelope.business.replacements[0].organ_codes == (cast.finance.code,)
        asked = tx.session.get_one(Delivery, copy_of(office, old).delivery_id)
        assert asked.recall == Recall.ASKED
        assert "Sai số liệu" in asked.reason
        assert [r.url for r in workflow_panel.incoming_desk(tx, cast.lan, new.id).earlier] == [f"/documents/in/{old}"]
        assert [r.url for r in workflow_panel.document_desk(tx, cast.ha, number).replaced_by] == [
            f"/documents/out/{draft}"
        ]


# ---- duplicates, books, groups, checks, alarms ----


def test_a_second_document_with_the_same_number_is_warned_of(office: Office) -> None:
    office.on_its_way()
    office.on_its_way(subject="Văn bản khác")
    with office.db.write("system") as tx:
        rows = list(tx.session.scalars(sa.select(Incoming).order_by(Incoming.id)))
        rows[1].code = rows[0].code
    with office.db.read() as tx:
        found = workflow_panel.incoming_desk(tx, office.cast.lan, rows[1].id).duplicates
    assert [r.url for r in found] == [f"/documents/in/{rows[0].id}"]


def test_a_type_with_its_own_series_counts_by_itself(office: Office) -> None:
    with office.db.write(office.cast.ha.by) as tx:
        recipient_groups.keep_series(tx, office.cast.ha, ("decision",))
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(Forbidden):
        recipient_groups.keep_series(tx, office.cast.binh, ())
    codes = [office.document(office.sent(kind=kind)).code for kind in ("letter", "decision", "letter")]
    assert codes == ["01/VP-HCTC", "01/QĐ-VP", "02/VP-HCTC"]


def test_groups_are_kept_by_their_agency_and_open_into_agencies_of_today(office: Office) -> None:
    cast = office.cast
    with office.db.write(cast.ha.by) as tx:
        made = recipient_groups.save(tx, cast.ha, "Các sở", (cast.finance.id, cast.science.id, cast.city.id)).id
    with office.db.read() as tx:
        assert recipient_groups.expand(tx, cast.city.id, (made,)) == (cast.finance.id, cast.science.id)
        assert recipient_groups.expand(tx, cast.finance.id, (made,)) == ()
        with pytest.raises(NotFound):
            recipient_groups.group_for(tx, cast.lan, made)
    with office.db.write(cast.ha.by) as tx, pytest.raises(Invalid) as refused:
        recipient_groups.save(tx, cast.ha, "các SỞ", ())
    assert set(refused.value.fields) == {"name", "members"}
    with office.db.write(cast.ha.by) as tx:
        recipient_groups.remove(tx, cast.ha, made)
        assert recipient_groups.groups_of(tx, cast.city.id) == []


def test_the_office_chief_checks_before_the_leader(office: Office) -> None:
    cast = office.cast
    number = office.written(reviewer_id=cast.son.person_id)
    office.work()
    office.submit(number)
    assert office.document(number).state == DocumentState.CHECK
    with office.db.read() as tx:
        assert [i.url for i in workflow.to_check(tx, cast.son) or []] == [f"/documents/out/{number}"]
    with office.db.write(cast.binh.by) as tx, pytest.raises(Forbidden):
        outgoing.approve(tx, cast.binh, number)
    with office.db.write(cast.son.by) as tx:
        outgoing.return_(tx, cast.son, number, "Thiếu căn cứ")
    assert office.document(number).state == DocumentState.DRAFT
    office.submit(number)
    with office.db.write(cast.son.by) as tx:
        outgoing.approve(tx, cast.son, number)
    office.work()
    office.sign(number)
    office.work()
    assert office.document(number).state == DocumentState.SIGNED


def waits(office: Office) -> list[tuple[str, int | None]]:
    with office.db.read() as tx:
        rows = tx.session.scalars(sa.select(Message).where(Message.kind == "document.waits").order_by(Message.id))
        return [(row.subject, row.person_id) for row in rows]


def test_deadlines_of_the_decree_ring_until_the_work_is_done(office: Office) -> None:
    cast = office.cast
    friday = datetime(2026, 11, 20, 3, tzinfo=UTC)  # 10:00 on a Friday
    with clock.frozen(friday):
        _, copy = arrived(office)
    monday = datetime(2026, 11, 23, 10, tzinfo=UTC)  # 17:00 on Monday
    assert copy_of(office, copy).desk_due_at == monday
    with clock.frozen(monday - timedelta(hours=1, minutes=59)):
        office.work()
        assert [person for _, person in waits(office)] == [cast.lan.person_id]
        assert "sắp hết hạn vào sổ" in waits(office)[0][0]
        office.register(cast.lan, copy)
    with clock.frozen(monday + timedelta(minutes=1)):
        office.work()
        assert "quá hạn trình lãnh đạo" in waits(office)[-1][0]
        with office.db.read() as tx:
            (item,) = workflow.to_forward(tx, cast.lan) or []
        assert item.late is not None
        with office.db.write(cast.lan.by) as tx:
            submission_sheets.close(tx, cast.lan, copy)
    told = len(waits(office))
    with clock.frozen(monday + timedelta(days=7)):
        office.work()
        assert len(waits(office)) == told


def test_urgent_documents_are_due_at_once(office: Office) -> None:
    with clock.frozen(datetime(2026, 11, 20, 3, tzinfo=UTC)):
        _, copy = arrived(office, urgency=2)
    due_at = copy_of(office, copy).desk_due_at
    assert due_at == datetime(2026, 11, 20, 3, tzinfo=UTC) + deadline_alarms.URGENT_WITHIN
