"""From the incoming book to the work and back: sheets, tasks, statuses, replies, recalls, replacements, alarms."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from docex.dashboard import workflow
from docex.documents import deadline_alarms
from docex.documents.access import incoming_for
from docex.documents.delivery import statuses
from docex.documents.drafting import outgoing, recipient_groups
from docex.documents.incoming import submission_sheets
from docex.documents.incoming.submission_sheets import Decision
from docex.documents.models import Delivery, Incoming, Referral, StatusLog
from docex.documents.pages import workflow_panel
from docex.documents.states import DocumentState, IncomingState
from docex.edxml.progress import Progress
from kernel import clock
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from notify.models import Message
from tasks import finishing, giving, receiving
from tasks.giving import Lead
from tests.docex.documents.workflow import arrived, copy_of, decide, progress, registered
from tests.docex.office import Office


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
