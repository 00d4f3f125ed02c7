"""The demo city's meetings: one that was held, one in progress, and one of tomorrow that people still answer."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.demo import email_of
from kernel import clock, worktime
from kernel.db import Tx
from kernel.storage.blobs import BlobStore
from meetings import answering, attending, concluding, convening, holding, planning, speaking
from meetings.answering import Reply
from meetings.concluding import ConclusionWords
from meetings.models import Meeting
from meetings.planning import ItemFacts, MeetingFacts, PaperFile
from meetings.states import Answer, MeetingKind, Role
from meetings.voting import deciding, preparing
from meetings.voting.preparing import VoteFacts
from tasks import receiving

PAPER = Path(__file__).parent / "demo_paper.pdf"
DELEGATES = ("lan", "dung", "phuc")
GUESTS = ("long",)

_LAST = (
    ItemFacts("Công tác chuẩn bị đón Tết Nguyên đán", "Sở Nội vụ", 20),
    ItemFacts("Tình hình giải quyết kiến nghị của công dân", "Văn phòng UBND thành phố", 20),
)
_TODAY = (
    ItemFacts("Tiến độ giải ngân vốn đầu tư công", "Sở Tài chính", 20),
    ItemFacts("Phương án chống ngập các tuyến đường trung tâm trong mùa mưa", "Văn phòng UBND thành phố", 30),
    ItemFacts("Việc khác", "", 10),
)
_TOMORROW = (
    ItemFacts("Kế hoạch chuyển đổi số năm tới", "Sở Khoa học và Công nghệ", 25),
    ItemFacts("Sắp xếp cán bộ các phường sau hợp nhất", "Sở Nội vụ", 25),
    ItemFacts("Chương trình công tác quý sau", "Văn phòng UBND thành phố", 15),
)


@dataclass(frozen=True)
class _Plan:
    """A meeting of the demo city and the points it has."""

    title: str
    place: str
    starts_at: datetime
    items: tuple[ItemFacts, ...]


def seed(tx: Tx, blobs: BlobStore) -> None:
    """A meeting that was held, one in progress and one of tomorrow, unless there are meetings already.

    What happened before happens at its time (the clock is held there), so that letters, journal and pages agree.
    """
    if tx.session.scalar(sa.select(sa.exists().where(Meeting.id.is_not(None)))):
        return
    by, now = tx.by, clock.now()
    file = PaperFile("Báo cáo tiến độ giải ngân", blobs.put(io.BytesIO(PAPER.read_bytes())), pages=2)
    _hold_last(tx, now)
    _begin_today(tx, now, file)
    morning = _at(clock.today() + timedelta(days=1), 8)
    _convene(tx, _Plan("Họp chuẩn bị kế hoạch năm tới", "Hội trường A", morning, _TOMORROW), file)
    tx.by = by


def _hold_last(tx: Tx, now: datetime) -> None:
    """The meeting of the last working day: everybody came, a vote was taken, two conclusions became tasks."""
    day = worktime.calendar(tx).add_working_days(clock.today(), -1)
    begins = _at(day, 8)
    with clock.frozen(begins - timedelta(days=4)):
        plan = _Plan("Họp giao ban tuần", "Phòng họp số 1, tầng 2", begins, _LAST)
        meeting, items = _convene(tx, plan, None)
    with clock.frozen(begins + timedelta(minutes=2)):
        binh, given = _open(tx, meeting, DELEGATES), []
        for item, words in zip(items, _last_conclusions(tx), strict=True):
            holding.take_item(tx, binh, meeting, item)
            clock.advance(timedelta(minutes=12))
            if item == items[-1]:
                _vote(tx, binh, meeting, item)
            clock.advance(timedelta(minutes=6))
            given.append(concluding.conclude(tx, binh, meeting, words, assign=True)["task"])
        holding.close(tx, binh, meeting)
        for name, task in zip(("yen", "nam"), given, strict=True):
            receiving.receive(tx, _acting(tx, name), task)


def _last_conclusions(tx: Tx) -> tuple[ConclusionWords, ConclusionWords]:
    lan, nam, yen = (_person(tx, name).person_id for name in ("lan", "nam", "yen"))
    return (
        ConclusionWords(
            "Hoàn thành phương án trực và bảo đảm an toàn dịp Tết", lead_id=yen, co_ids=(lan,), due=_due(tx, 7)
        ),
        ConclusionWords("Rà soát, trả lời các kiến nghị tồn đọng của công dân", lead_id=nam, due=_due(tx, 10)),
    )


def _vote(tx: Tx, binh: Actor, meeting: int, item: int) -> None:
    facts = VoteFacts("Thông qua phương án giải quyết các kiến nghị tồn đọng", item_id=item)
    vote = preparing.prepare(tx, binh, meeting, facts)["vote"]
    deciding.open_vote(tx, binh, meeting, vote)
    for name, choice in zip((*DELEGATES, "binh"), (0, 0, 2, 0), strict=True):
        deciding.cast(tx, _acting(tx, name), meeting, vote, [choice])
    tx.by = binh.by
    deciding.close_vote(tx, binh, meeting, vote)
    deciding.announce(tx, binh, meeting, vote)


def _due(tx: Tx, working_days: int) -> str:
    return f"{worktime.calendar(tx).add_working_days(clock.today(), working_days):%d/%m/%Y}"


def _begin_today(tx: Tx, now: datetime, file: PaperFile) -> None:
    """The meeting in progress: its first point is done, the second is discussed, and somebody asks to speak."""
    begins = now - timedelta(minutes=40 + now.minute % 5, seconds=now.second, microseconds=now.microsecond)
    with clock.frozen(begins - timedelta(days=4)):
        plan = _Plan("Họp giao ban Ủy ban nhân dân thành phố", "Phòng họp số 1, tầng 2", begins, _TODAY)
        meeting, items = _convene(tx, plan, file)
    with clock.frozen(begins + timedelta(minutes=1)):
        binh = _open(tx, meeting, DELEGATES[:2])
        holding.take_item(tx, binh, meeting, items[0])
        clock.advance(timedelta(minutes=17))
        nam = _person(tx, "nam").person_id
        words = ConclusionWords("Đôn đốc các chủ đầu tư giải ngân chậm", lead_id=nam, due=_due(tx, 5))
        concluding.conclude(tx, binh, meeting, words, assign=True)
        holding.take_item(tx, binh, meeting, items[1])
        _discuss(tx, binh, meeting)


def _discuss(tx: Tx, binh: Actor, meeting: int) -> None:
    """Each speaker has five minutes; Dũng has spoken, Lan asks to."""
    speaking.set_rules(tx, binh, meeting, 300, quiet_first=False)
    turn = speaking.ask_to_speak(tx, _acting(tx, "dung"), meeting)
    clock.advance(timedelta(minutes=2))
    tx.by = binh.by
    speaking.give_floor(tx, binh, meeting, turn.id)
    clock.advance(timedelta(minutes=4))
    speaking.withdraw(tx, _acting(tx, "dung"), meeting)
    clock.advance(timedelta(minutes=3))
    speaking.ask_to_speak(tx, _acting(tx, "lan"), meeting)


def _convene(tx: Tx, plan: _Plan, file: PaperFile | None) -> tuple[int, list[int]]:
    thu, binh = _acting(tx, "thu"), _person(tx, "binh")
    ends_at = plan.starts_at + timedelta(hours=2)
    facts = MeetingFacts(MeetingKind.ROOM, plan.title, plan.place, "", plan.starts_at, ends_at, binh.person_id)
    meeting = planning.plan(tx, thu, facts)
    items = [planning.add_item(tx, thu, meeting.id, item).id for item in plan.items]
    if file is not None:
        planning.add_paper(tx, thu, meeting.id, items[0], file)
    planning.add_people(tx, thu, meeting.id, [_person(tx, name).person_id for name in DELEGATES])
    planning.add_people(tx, thu, meeting.id, [_person(tx, name).person_id for name in GUESTS], Role.GUEST)
    convening.convene(tx, thu, meeting.id)
    return meeting.id, items


def _open(tx: Tx, meeting: int, come: Iterable[str]) -> Actor:
    """Who comes has said so before, and checks in; then Bình opens. Answers Bình, who acts from here on."""
    for name in (*come, "thu", "binh"):
        answering.answer(tx, _acting(tx, name), meeting, Reply(Answer.YES))
        attending.check_in(tx, _acting(tx, name), meeting)
    binh = _acting(tx, "binh")
    holding.open_meeting(tx, binh, meeting)
    return binh


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), clock.VN)


def _acting(tx: Tx, mailbox: str) -> Actor:
    """Somebody of the demo city, as whom the next writes are told."""
    actor = _person(tx, mailbox)
    tx.by = actor.by
    return actor


def _person(tx: Tx, mailbox: str) -> Actor:
    card = directory.person_by_email(tx, email_of(mailbox))
    assert card is not None
    actor = directory.actor_of(tx, card.id)
    assert actor is not None
    return actor
