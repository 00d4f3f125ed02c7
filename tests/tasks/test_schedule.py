"""Reminders as they really go out: once, together, and not after an answer."""

from datetime import timedelta

import sqlalchemy as sa

from kernel import clock
from kernel.db import Database
from kernel.worker import drain
from notify.models import Message
from tasks import finishing, receiving
from tasks.giving import Lead
from tasks.models import ReminderState, TaskEntry, TaskReminder
from tests.cast import Cast
from tests.tasks.moments import FRIDAY_17, MONDAY_9, at
from tests.tasks.test_giving import given, messages


def received(db: Database, cast: Cast, **changes: object) -> int:
    task_id = given(db, cast, **changes)
    with db.write() as tx:
        receiving.receive(tx, cast.nam, task_id)
    return task_id


def sms_to(db: Database, person_id: int, *kinds: str) -> list[Message]:
    return [m for kind in kinds for m in messages(db, kind) if m.person_id == person_id and m.channel == "sms"]


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
