"""A task is given, received, reported, finished and accepted; each person may do their part and nothing more."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock, streams
from kernel.config import Config
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from kernel.outbox import OutboxRow
from kernel.queue.worker import drain
from kernel.storage.blobs import BlobStore
from notify import links
from notify.models import Link, Message
from tasks import access, demo, extending, finishing, giving, receiving
from tasks.giving import GiveTask, Lead
from tasks.models import ReminderState, Task, TaskReminder
from tasks.states import CLOSED, LEAD_VERBS, TABLE, TaskState, Verb
from tests.cast import Cast
from tests.tasks.moments import FRIDAY_17, MONDAY_9, at


def given(db: Database, cast: Cast, **changes: object) -> int:
    """Bình gives Nam a task until Friday, on Monday at nine."""
    command = GiveTask("Báo cáo giải ngân quý IV", Lead(person_id=cast.nam.person_id), FRIDAY_17)
    with db.write(cast.binh.by) as tx:
        return giving.give(tx, cast.binh, replace(command, **changes)).id  # type: ignore[arg-type]


def task(db: Database, task_id: int) -> Task:
    with db.read() as tx:
        return tx.session.get_one(Task, task_id)


def messages(db: Database, kind: str) -> list[Message]:
    with db.read() as tx:
        return list(tx.session.scalars(sa.select(Message).where(Message.kind == kind).order_by(Message.id)))


def planned(db: Database) -> set[tuple[str, int]]:
    with db.read() as tx:
        rows = tx.session.scalars(sa.select(TaskReminder).where(TaskReminder.state == ReminderState.PLANNED))
        return {(row.slot, row.person_id) for row in rows}


def test_the_lead_gets_mail_and_sms_with_a_link_and_the_co_worker_a_mail(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        given(db, cast, co_workers=(cast.yen.person_id,), followers=(cast.thu.person_id, cast.yen.person_id))
        drain(db)
    told = messages(db, "task.given")
    assert {(m.person_id, m.channel, m.state) for m in told} == {
        (cast.nam.person_id, "email", "shown"),
        (cast.nam.person_id, "sms", "shown"),
    }
    assert all("⟦link:" in m.text for m in told)
    assert {(m.person_id, m.channel) for m in messages(db, "task.shared")} == {
        (cast.yen.person_id, "email"),
        (cast.thu.person_id, "email"),
    }


@pytest.mark.usefixtures("on_monday")
def test_giving_the_same_act_again_gives_the_same_task(db: Database, cast: Cast) -> None:
    assert given(db, cast, once="conclusion:7") == given(db, cast, once="conclusion:7")
    assert len(messages(db, "task.given")) == 2


def test_the_receipt_by_link_is_shown_to_the_giver_and_stops_the_asking_at_once(
    db: Database, cast: Cast, config: Config
) -> None:
    with clock.frozen(MONDAY_9):
        task_id = given(db, cast)
        assert ("unreceived-1", cast.nam.person_id) in planned(db)
        with db.read() as tx:
            before = streams.heads(tx, [f"person:{cast.binh.person_id}", f"task:{task_id}"])
            secret = config.signing_secret()
            token = links.token(tx.session.scalars(sa.select(Link)).one(), secret)
        for _ in range(2):  # pressing twice changes nothing
            with db.write() as tx:
                found = links.find(tx, token, secret)
                assert found is not None
                links.act(tx, found.link, {})
        now = task(db, task_id)
        assert (now.state, now.received_by_id) == (TaskState.RECEIVED, cast.nam.person_id)
        assert not any(slot.startswith("unreceived") for slot, _ in planned(db))
        with db.read() as tx:
            after = streams.heads(tx, list(before))
            assert all(after[name] == before[name] + 1 for name in before)
            [event] = streams.between(tx, f"task:{task_id}", before[f"task:{task_id}"], after[f"task:{task_id}"])
            assert event.data["state"] == "received"
        with db.read() as tx:
            states = set(tx.session.scalars(sa.select(OutboxRow.state).where(OutboxRow.key.contains("unreceived"))))
        assert states == {"cancelled"}


@pytest.mark.usefixtures("on_monday")
def test_two_presses_at_the_same_moment_give_one_task(db: Database, cast: Cast) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: given(db, cast, once="form:1:x"), range(4)))
    assert len(found) == 1
    assert len(messages(db, "task.given")) == 2


@pytest.mark.usefixtures("on_monday")
def test_strangers_see_nothing_and_each_part_has_its_acts(db: Database, cast: Cast) -> None:
    task_id = given(db, cast, followers=(cast.yen.person_id,))
    rights = {
        cast.binh: {"see", "give"},
        cast.son: {"see", "give"},  # office chief of the giver's agency
        cast.nam: {"see", "lead"},
        cast.yen: {"see"},
        cast.lan: set(),
        cast.dung: set(),
        cast.oanh: set(),
        Actor(): set(),
    }
    with db.read() as tx:
        row = tx.session.get_one(Task, task_id)
        assert {actor.name: access.rights_on(tx, actor, row) for actor in rights} == {
            actor.name: frozenset(expected) for actor, expected in rights.items()
        }
        assert access.may_join_task(tx, cast.yen, f"task:{task_id}")
        assert not access.may_join_task(tx, cast.lan, f"task:{task_id}")
        assert not access.may_join_task(tx, None, f"task:{task_id}")
        assert not access.may_join_task(tx, cast.binh, "task:x")
    with pytest.raises(NotFound), db.write() as tx:
        receiving.receive(tx, cast.lan, task_id)
    with pytest.raises(Forbidden), db.write() as tx:
        receiving.receive(tx, cast.binh, task_id)
    with pytest.raises(Forbidden), db.write() as tx:
        finishing.accept(tx, cast.nam, task_id)


@pytest.mark.usefixtures("on_monday")
def test_an_agency_that_leads_is_told_through_its_leaders_and_any_of_them_receives(db: Database, cast: Cast) -> None:
    task_id = given(db, cast, lead=Lead(agency_id=cast.finance.id))
    assert {m.person_id for m in messages(db, "task.given")} == {cast.dung.person_id}
    with db.write() as tx:
        receiving.receive(tx, cast.dung, task_id)
    assert task(db, task_id).received_by_id == cast.dung.person_id


def test_a_specialist_gives_tasks_only_to_herself(db: Database, cast: Cast) -> None:
    with pytest.raises(Forbidden), db.write() as tx:
        giving.give(tx, cast.yen, GiveTask("Việc", Lead(person_id=cast.nam.person_id)))
    with pytest.raises(Invalid) as nobody, db.write() as tx:
        giving.give(tx, cast.yen, GiveTask("Việc", Lead()))
    assert list(nobody.value.fields) == ["lead"]
    with db.write() as tx:
        own = giving.give(tx, cast.yen, GiveTask("Việc", Lead(person_id=cast.yen.person_id))).id
    with db.write() as tx:
        finishing.finish(tx, cast.yen, own, "xong")
    assert task(db, own).state == TaskState.DONE
    assert messages(db, "task.given") == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"lead": Lead()}, "lead"),
        ({"lead": Lead(person_id=1, agency_id=1)}, "lead"),
        ({"lead": Lead(person_id=99_999)}, "lead"),
        ({"lead": Lead(agency_id=99_999)}, "lead"),
        ({"lead": Lead(unit_id=99_999)}, "lead"),
        ({"deadline_at": at(1, 9, month=1)}, "deadline"),
        ({"co_workers": (99_999,)}, "co_workers"),
    ],
)
def test_a_wrong_field_is_named(db: Database, cast: Cast, changes: dict[str, object], field: str) -> None:
    with clock.frozen(MONDAY_9), pytest.raises(Invalid) as refused:
        given(db, cast, **changes)
    assert set(refused.value.fields) == {field}


@pytest.mark.usefixtures("on_monday")
def test_a_task_that_is_finished_waits_for_its_giver_and_can_come_back(db: Database, cast: Cast) -> None:
    task_id = given(db, cast)
    with db.write() as tx:
        finishing.report(tx, cast.nam, task_id, 40, "Đã có số liệu")
        finishing.finish(tx, cast.nam, task_id, "Báo cáo kèm theo")
    assert task(db, task_id).state == TaskState.AWAITING
    assert planned(db) == {("accept", cast.binh.person_id)}
    with db.write() as tx:
        finishing.send_back(tx, cast.binh, task_id, "Thiếu phụ lục")
    with db.write() as tx:
        finishing.finish(tx, cast.nam, task_id, "Đã bổ sung")
        finishing.accept(tx, cast.binh, task_id)
    assert task(db, task_id).state == TaskState.DONE
    assert planned(db) == set()
    with pytest.raises(WrongState), db.write() as tx:
        finishing.report(tx, cast.nam, task_id, 50, "")


def test_an_extension_that_is_granted_moves_the_deadline_and_the_reminders(db: Database, cast: Cast) -> None:
    with clock.frozen(MONDAY_9):
        task_id = given(db, cast)
        with db.write() as tx:
            extending.ask_extension(tx, cast.nam, task_id, at(18, 17), "Chờ số liệu của các phường")
        with pytest.raises(WrongState), db.write() as tx:
            extending.ask_extension(tx, cast.nam, task_id, at(19, 17), "Nữa")
        with db.write() as tx:
            extending.decide_extension(tx, cast.binh, task_id, True)
        assert task(db, task_id).deadline_at == at(18, 17)
        with db.read() as tx:
            rows = tx.session.scalars(sa.select(TaskReminder).where(TaskReminder.state == ReminderState.PLANNED))
            assert {r.deadline_at for r in rows} == {at(18, 17)}
        with db.write() as tx:
            extending.ask_extension(tx, cast.nam, task_id, at(25, 17), "Nữa")
        with pytest.raises(Invalid), db.write() as tx:
            extending.decide_extension(tx, cast.binh, task_id, False)
        with db.write() as tx:
            extending.decide_extension(tx, cast.binh, task_id, False, "Không thể muộn hơn")
        assert task(db, task_id).deadline_at == at(18, 17)


@pytest.mark.usefixtures("on_monday")
def test_a_returned_task_goes_to_another_and_the_old_link_is_dead(db: Database, cast: Cast, config: Config) -> None:
    task_id = given(db, cast)
    with db.write() as tx:
        old = links.token(tx.session.scalars(sa.select(Link)).one(), config.signing_secret())
        receiving.return_task(tx, cast.nam, task_id, "Không thuộc phần việc của phòng")
    with db.write() as tx:
        giving.give_again(tx, cast.binh, task_id, Lead(person_id=cast.yen.person_id))
    with db.read() as tx:
        found = links.find(tx, old, config.signing_secret())
        assert found is not None
        assert not found.live
        assert access.rights_on(tx, cast.nam, tx.session.get_one(Task, task_id)) == frozenset()
    assert {m.person_id for m in messages(db, "task.given")} == {cast.nam.person_id, cast.yen.person_id}


def test_the_table_leads_everywhere_and_closed_is_closed() -> None:
    reached = {then for verbs in TABLE.values() for then in verbs.values()} | {TaskState.NEW}
    assert reached == set(TaskState)
    assert frozenset({TaskState.DONE, TaskState.CANCELLED}) == CLOSED
    assert set(Verb) >= LEAD_VERBS
    assert {verb for verbs in TABLE.values() for verb in verbs} == set(Verb)


def test_the_demo_city_has_something_to_do_and_is_seeded_once(db: Database, cast: Cast, blobs: BlobStore) -> None:
    for _ in range(2):
        with db.write() as tx:
            demo.seed(tx, blobs)
    with db.read() as tx:
        states = sorted(tx.session.scalars(sa.select(Task.state)))
    assert states == [TaskState.AWAITING, TaskState.NEW, TaskState.NEW]
