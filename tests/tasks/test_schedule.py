"""Reminders as they really go out: once, together, and not after an answer."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.db import Database
from kernel.outbox import OutboxRow
from kernel.queue import claiming
from kernel.queue.worker import drain
from notify.models import Message
from tasks import finishing, giving, receiving, scheduling
from tasks.giving import Lead
from tasks.models import Priority, ReminderState, TaskEntry, TaskReminder
from tests.cast import Cast
from tests.tasks.moments import FRIDAY_17, MONDAY_9, at
from tests.tasks.test_giving import given, messages, planned


def received(db: Database, cast: Cast, **changes: object) -> int:
    task_id = given(db, cast, **changes)
    with db.write() as tx:
        receiving.receive(tx, cast.nam, task_id)
    return task_id


def sms_to(db: Database, person_id: int, *kinds: str) -> list[Message]:
    return [m for kind in kinds for m in messages(db, kind) if m.person_id == person_id and m.channel == "sms"]


@pytest.mark.both_databases
def test_a_due_reminder_goes_out_once_and_stands_in_the_timeline(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        task_id = received(db, cast)
        drain(db)
        clock.advance(at(9, 13, 45) - MONDAY_9)
        drain(db)
        drain(db)
        clock.advance(timedelta(hours=1))
        drain(db)
    [reminder] = sms_to(db, cast.nam.person_id, "task.reminder")
    assert "Còn 2 ngày làm việc" in reminder.text
    with db.read() as tx:
        entries = tx.session.scalars(sa.select(TaskEntry).where(TaskEntry.kind == "reminded"))
        assert [(e.task_id, e.detail["slot"]) for e in entries] == [(task_id, "half")]


def test_reminders_of_one_person_at_one_time_are_one_message(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        for title in ("Việc một", "Việc hai", "Việc ba"):
            received(db, cast, title=title)
        drain(db)
        clock.advance(at(10, 7, 30) - MONDAY_9)
        drain(db)
    assert sms_to(db, cast.nam.person_id, "task.reminder") == []
    [digest] = sms_to(db, cast.nam.person_id, "task.digest")
    assert "Nhắc 3 việc" in digest.text
    [mail] = [m for m in messages(db, "task.digest") if m.channel == "email"]
    assert all(title in mail.text for title in ("Việc một", "Việc hai", "Việc ba"))


def test_after_an_outage_each_person_gets_one_message_and_the_next_morning_follows(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        received(db, cast)
        received(db, cast, title="Việc hai")
        clock.advance(at(15, 10) - MONDAY_9)  # nothing ran for a week
        drain(db)
        assert len(sms_to(db, cast.nam.person_id, "task.reminder", "task.digest")) == 1
        clock.advance(at(16, 7, 30) - at(15, 10))
        drain(db)
    assert len(sms_to(db, cast.nam.person_id, "task.reminder", "task.digest")) == 2


def test_an_overdue_task_goes_up_step_by_step_and_stops_when_it_is_finished(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        task_id = received(db, cast)
        told = []
        clock.advance(FRIDAY_17 - MONDAY_9)
        drain(db)
        for day in (14, 15, 16, 17):
            clock.advance(at(day, 7, 31) - clock.now())
            before = {m.id for m in messages(db, "task.reminder")}
            drain(db)
            told.append({m.person_id for m in messages(db, "task.reminder") if m.id not in before})
        nam, binh, dung, son = (p.person_id for p in (cast.nam, cast.binh, cast.dung, cast.son))
        assert told == [{nam}, {nam, binh}, {nam, binh, dung}, {nam, binh, dung, son}]
        with db.write() as tx:
            finishing.finish(tx, cast.nam, task_id, "Xong")
        count = len(messages(db, "task.reminder"))
        clock.advance(timedelta(hours=1))
        drain(db)
        assert len(messages(db, "task.reminder")) == count
        with db.read() as tx:
            states = tx.session.scalars(sa.select(TaskReminder.state).where(TaskReminder.slot.startswith("overdue")))
            assert ReminderState.PLANNED not in set(states)


def test_an_unreceived_task_is_asked_for_with_the_same_link(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        given(db, cast)
        drain(db)
        clock.advance(timedelta(hours=2))
        drain(db)
    [first] = sms_to(db, cast.nam.person_id, "task.given")
    [asked] = sms_to(db, cast.nam.person_id, "task.reminder")
    assert first.link_ids == asked.link_ids != []


def test_both_leaders_of_an_agency_are_reminded(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        given(db, cast, lead=Lead(agency_id=cast.city.id))
        clock.advance(timedelta(hours=2))
        drain(db)
    assert {m.person_id for m in messages(db, "task.reminder")} == {cast.binh.person_id, cast.son.person_id}


def test_what_was_due_by_day_is_told_in_the_morning_when_the_worker_comes_back_at_night(
    db: Database, cast: Cast
) -> None:
    nam, binh = cast.nam.person_id, cast.binh.person_id
    with clock.frozen(MONDAY_9):
        given(db, cast)
        drain(db)
        clock.advance(at(7, 23) - MONDAY_9)  # nothing ran since the morning; twice it was time to ask for the receipt
        drain(db)
        clock.advance(at(8, 7, 29) - at(7, 23))
        drain(db)
        assert messages(db, "task.reminder") == []
        clock.advance(timedelta(minutes=1))
        drain(db)
        assert [len(sms_to(db, person, "task.reminder")) for person in (nam, binh)] == [1, 1]
        clock.advance(at(8, 9) - at(8, 7, 30))
        drain(db)
        assert [len(sms_to(db, person, "task.reminder")) for person in (nam, binh)] == [2, 2]
    with db.read() as tx:
        entries = tx.session.scalars(sa.select(TaskEntry).where(TaskEntry.kind == "reminded").order_by(TaskEntry.id))
        slots = [e.detail["slot"] for e in entries if e.detail["to"] == nam]
    assert slots == ["unreceived-1", "unreceived-2", "unreceived-3"]


def test_what_was_put_off_for_the_night_is_taken_back_when_the_answer_comes_first(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        task_id = given(db, cast)
        drain(db)
        clock.advance(at(7, 23) - MONDAY_9)
        drain(db)
        with db.write() as tx:
            receiving.receive(tx, cast.nam, task_id)
        clock.advance(at(8, 10) - at(7, 23))
        drain(db)
        assert messages(db, "task.reminder") == []
    with db.read() as tx:
        rows = tx.session.scalars(sa.select(OutboxRow).where(OutboxRow.key.contains(":unreceived-1:")))
        assert sorted(row.state for row in rows) == ["cancelled", "done"]


def test_that_a_task_is_due_today_is_not_told_when_the_day_is_over(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        received(db, cast)
        drain(db)
        clock.advance(at(10, 18) - MONDAY_9)
        drain(db)
        known = len(sms_to(db, cast.nam.person_id, "task.reminder"))
        clock.advance(at(11, 21) - at(10, 18))  # nothing ran on the day itself
        drain(db)
        clock.advance(at(14, 7, 30) - at(11, 21))
        drain(db)
        [overdue] = sms_to(db, cast.nam.person_id, "task.reminder")[known:]
    assert "quá hạn 3 ngày" in overdue.text


def test_at_night_only_what_is_flash_goes_out(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        given(db, cast, title="Việc thường")
        drain(db)
        clock.advance(at(7, 22) - MONDAY_9)
        given(db, cast, title="Việc hỏa tốc", priority=Priority.FLASH, deadline_at=None)
        clock.advance(timedelta(minutes=10))
        drain(db)
    [told] = sms_to(db, cast.nam.person_id, "task.reminder", "task.digest")
    assert "Việc hỏa tốc" in told.text
    assert told.useful_until is None


def test_a_reminder_that_could_not_leave_by_day_does_not_leave_at_night_or_on_another_day(
    db: Database, cast: Cast
) -> None:
    with clock.frozen(MONDAY_9):
        received(db, cast)
        drain(db)
        clock.advance(at(9, 13, 45) - MONDAY_9)
        with db.write() as tx:  # the reminder is told, and nobody takes mail or SMS
            for job in claiming.claim(tx, [scheduling.TOPIC], limit=10, lease_s=60):
                scheduling.remind(tx, job)
        assert {m.state for m in messages(db, "task.reminder")} == {"waiting"}
        clock.advance(at(9, 20) - at(9, 13, 45))
        drain(db)
        assert {m.state for m in messages(db, "task.reminder")} == {"expired"}
        clock.advance(at(10, 7, 30) - at(9, 20))
        drain(db)
    assert [m.state for m in sms_to(db, cast.nam.person_id, "task.reminder")] == ["expired", "shown"]


def test_another_deadline_does_not_ask_again_for_a_receipt_that_was_asked_for(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        task_id = given(db, cast)
        for moment in (at(7, 11), at(7, 14, 30)):
            drain(db)
            clock.advance(moment - clock.now())
        drain(db)
        known = [m.id for m in messages(db, "task.reminder")]
        assert known
        with db.write() as tx:
            giving.move_deadline(tx, cast.binh, task_id, at(18, 17), "18/12/2026")
        drain(db)
        assert [m.id for m in messages(db, "task.reminder")] == known
        assert ("unreceived-3", cast.nam.person_id) in planned(db)  # what was not asked yet still is
        assert not planned(db) & {(f"unreceived-{n}", cast.nam.person_id) for n in (1, 2)}


def test_work_that_was_sent_back_and_finished_again_is_waited_for_again(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        task_id = received(db, cast)
        with db.write() as tx:
            finishing.finish(tx, cast.nam, task_id, "Xong")
        clock.advance(timedelta(days=1, minutes=1))
        drain(db)
        assert len(sms_to(db, cast.binh.person_id, "task.reminder")) == 1
        with db.write() as tx:
            finishing.send_back(tx, cast.binh, task_id, "Thiếu phụ lục")
        clock.advance(timedelta(hours=1))
        with db.write() as tx:
            finishing.finish(tx, cast.nam, task_id, "Đã bổ sung")
    assert planned(db) == {("accept", cast.binh.person_id)}
