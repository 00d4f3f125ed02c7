"""Conclusions and the one press that makes a task and its SMS."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from kernel.refs import Ref, describe
from meetings import concluding, holding, queries
from meetings.concluding import ConclusionWords
from meetings.models import Conclusion
from notify.models import Message
from tasks.models import Task
from tests.cast import Cast
from tests.meetings import stage as at


def test_one_press_makes_one_task_and_one_sms_to_its_lead(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    due = clock.now().astimezone(clock.VN) + timedelta(days=4)
    words = ConclusionWords(
        "Rà soát số liệu giải ngân", None, cast.nam.person_id, (cast.lan.person_id,), f"{due:%d/%m/%Y} 16:30"
    )
    answers = []
    for _ in range(2):
        with db.write(cast.thu.by) as tx:
            answers.append(concluding.conclude(tx, cast.thu, stage.id, words, assign=True, command_id="one"))
    assert answers[0] == answers[1]
    with db.read() as tx:
        (task,) = tx.session.scalars(sa.select(Task))
        texts = list(
            tx.session.scalars(sa.select(Message).where(Message.kind == "task.given", Message.channel == "sms"))
        )
        described = describe(tx, Ref.parse(task.origin))
    assert task.giver_id == cast.binh.person_id
    assert task.deadline_at == due.replace(hour=16, minute=30, second=0, microsecond=0)
    assert [m.person_id for m in texts] == [cast.nam.person_id]
    assert described is not None
    assert described.url == f"/meetings/{stage.id}#conclusion-{answers[0]['conclusion']}"


def test_a_press_whose_answer_was_lost_is_made_a_task_by_the_next_one(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    words = ConclusionWords("Rà soát số liệu", lead_id=cast.nam.person_id)
    made = []
    for give in (False, True, True, False):
        with db.write(cast.thu.by) as tx:
            made.append(concluding.conclude(tx, cast.thu, stage.id, words, assign=give, command_id="one"))
    with db.read() as tx:
        [conclusion] = tx.session.scalars(sa.select(Conclusion))
        [task] = tx.session.scalars(sa.select(Task))
    assert conclusion.task_id == task.id
    assert made[1] == made[2] == {"conclusion": conclusion.id, "task": task.id}
    assert [answer["conclusion"] for answer in made] == [conclusion.id] * 4


def test_who_wrote_on_after_a_lost_answer_loses_nothing(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    for text in ("Rà soát số liệu", "Rà soát số liệu quý IV", "Rà soát số liệu"):
        with db.write(cast.thu.by) as tx:
            concluding.conclude(tx, cast.thu, stage.id, ConclusionWords(text), command_id="one")
    with db.read() as tx:
        texts = list(tx.session.scalars(sa.select(Conclusion.text).order_by(Conclusion.id)))
    assert texts == ["Rà soát số liệu", "Rà soát số liệu quý IV"]


def test_a_conclusion_is_kept_now_and_given_later_once(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        kept = concluding.conclude(tx, cast.binh, stage.id, ConclusionWords("Báo cáo lại", lead_id=cast.nam.person_id))
    assert kept["task"] is None
    tasks = set()
    for _ in range(2):
        with db.write() as tx:
            tasks.add(concluding.assign(tx, cast.binh, stage.id, kept["conclusion"])["task"])
    assert len(tasks) == 1
    with pytest.raises(WrongState), db.write() as tx:
        concluding.drop(tx, cast.binh, stage.id, kept["conclusion"])


def test_the_current_point_is_the_one_that_is_concluded(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        holding.take_item(tx, cast.binh, stage.id, stage.items[1])
    with db.write() as tx:
        made = concluding.conclude(tx, cast.binh, stage.id, ConclusionWords("Thống nhất"))
    with db.read() as tx:
        assert tx.session.get_one(Conclusion, made["conclusion"]).item_id == stage.items[1]


def test_wrong_words_are_named(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    wrong = [
        (ConclusionWords("  "), False, {"text"}),
        (ConclusionWords("x" * 2001), False, {"text"}),
        (ConclusionWords("Giao việc"), True, {"lead_id"}),
        (ConclusionWords("Giao việc", lead_id=999_999), False, {"lead_id"}),
        (ConclusionWords("Giao việc", co_ids=(999_999,)), False, {"co_id"}),
        (ConclusionWords("Giao việc", due="ngày 31/02/2027"), False, {"due"}),
        (ConclusionWords("Giao việc", due="01/01/2020"), False, {"due"}),
    ]
    for words, assign, fields in wrong:
        with pytest.raises(Invalid) as refusal, db.write() as tx:
            concluding.conclude(tx, cast.binh, stage.id, words, assign=assign)
        assert set(refusal.value.fields) == fields


def test_delegates_strangers_and_other_meetings_are_refused(db: Database, cast: Cast) -> None:
    stage, other = at.opened(db, cast), at.opened(db, cast)
    with pytest.raises(Forbidden), db.write() as tx:
        concluding.conclude(tx, cast.lan, stage.id, ConclusionWords("Tự kết luận"))
    with pytest.raises(NotFound), db.write() as tx:
        concluding.conclude(tx, cast.oanh, stage.id, ConclusionWords("Người ngoài"))
    with pytest.raises(NotFound), db.write() as tx:
        concluding.conclude(tx, cast.binh, stage.id, ConclusionWords("Nhầm", item_id=other.items[0]))
    with db.write() as tx:
        made = concluding.conclude(tx, cast.binh, other.id, ConclusionWords("Ở cuộc họp kia"))
    with pytest.raises(NotFound), db.write() as tx:
        concluding.assign(tx, cast.binh, stage.id, made["conclusion"])


def test_a_long_conclusion_becomes_a_task_with_a_short_title(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    text = "Giao Sở Tài chính rà soát. " * 60
    with db.write() as tx:
        words = ConclusionWords(text, lead_id=cast.nam.person_id)
        made = concluding.conclude(tx, cast.binh, stage.id, words, assign=True)
    with db.read() as tx:
        task = tx.session.get_one(Task, made["task"])
        shown = queries.page(tx, cast.thu, stage.id)
    assert len(task.title) <= 500
    assert task.detail == text.strip()
    assert shown.task_words[task.id][0].vi == "Mới giao"


def test_before_the_opening_nothing_is_concluded(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with pytest.raises(WrongState), db.write() as tx:
        concluding.conclude(tx, cast.binh, stage.id, ConclusionWords("Sớm quá"))
