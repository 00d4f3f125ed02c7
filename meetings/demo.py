"""The demo city's meetings: one of today and one of tomorrow, both convened, with agenda, people and a small paper."""

import io
from datetime import datetime, time, timedelta
from pathlib import Path

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.demo import email_of
from kernel import clock
from kernel.db import Tx
from kernel.storage.blobs import BlobStore
from meetings import convening, planning
from meetings.models import Meeting
from meetings.planning import ItemFacts, MeetingFacts, PaperFile
from meetings.states import MeetingKind, Role

PAPER = Path(__file__).parent / "demo_paper.pdf"
DELEGATES = ("lan", "dung", "phuc")
GUESTS = ("long",)

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


def seed(tx: Tx, blobs: BlobStore) -> None:
    """Two convened meetings, unless there are meetings already."""
    if tx.session.scalar(sa.select(sa.exists().where(Meeting.id.is_not(None)))):
        return
    thu, binh = _person(tx, "thu"), _person(tx, "binh")
    soon = clock.now() + timedelta(hours=1)
    today = soon - timedelta(minutes=soon.minute % 15, seconds=soon.second, microseconds=soon.microsecond)
    morning = datetime.combine(clock.today() + timedelta(days=1), time(8), clock.VN)
    file = PaperFile("Báo cáo tiến độ giải ngân", blobs.put(io.BytesIO(PAPER.read_bytes())), pages=2)
    first = _facts("Họp giao ban Ủy ban nhân dân thành phố", "Phòng họp số 1, tầng 2", today, binh)
    second = _facts("Họp chuẩn bị kế hoạch năm tới", "Hội trường A", morning, binh)
    _convened(tx, thu, first, _TODAY, file)
    _convened(tx, thu, second, _TOMORROW, None)


def _facts(title: str, place: str, starts_at: datetime, chair: Actor) -> MeetingFacts:
    ends_at = starts_at + timedelta(hours=2)
    return MeetingFacts(MeetingKind.ROOM, title, place, "", starts_at, ends_at, chair.person_id)


def _convened(tx: Tx, thu: Actor, facts: MeetingFacts, items: tuple[ItemFacts, ...], file: PaperFile | None) -> None:
    meeting = planning.plan(tx, thu, facts)
    made = [planning.add_item(tx, thu, meeting.id, item) for item in items]
    if file is not None:
        planning.add_paper(tx, thu, meeting.id, made[0].id, file)
    planning.add_people(tx, thu, meeting.id, [_person(tx, name).person_id for name in DELEGATES])
    planning.add_people(tx, thu, meeting.id, [_person(tx, name).person_id for name in GUESTS], Role.GUEST)
    convening.convene(tx, thu, meeting.id)


def _person(tx: Tx, mailbox: str) -> Actor:
    card = directory.person_by_email(tx, email_of(mailbox))
    assert card is not None
    actor = directory.actor_of(tx, card.id)
    assert actor is not None
    return actor
