"""A meeting of the demo city, brought to where a test needs it by the verbs themselves."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from kernel import clock
from kernel.db import Database
from meetings import convening, holding, planning
from meetings.models import Meeting
from meetings.planning import ItemFacts, MeetingFacts
from meetings.states import MeetingKind, Role
from tests.cast import Cast

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam
TITLES = ("Báo cáo tiến độ giải ngân", "Phương án chống ngập", "Việc khác")


@dataclass(frozen=True)
class Stage:
    """A meeting and what a test needs to know of it."""

    id: int
    items: tuple[int, ...]
    people: dict[str, int]  # participant ids by name of the cast


def facts(cast: Cast, **changes: object) -> MeetingFacts:
    """Proper facts of a meeting that Bình chairs in three days at nine (never over midnight), with changes."""
    starts = datetime.combine(clock.now().astimezone(clock.VN).date() + timedelta(days=3), time(9), clock.VN)
    given: dict[str, object] = {
        "kind": MeetingKind.ROOM,
        "title": "Họp giao ban tháng 11",
        "place": "Phòng họp số 1",
        "online_url": "",
        "starts_at": starts,
        "ends_at": starts + timedelta(hours=2),
        "chair_id": cast.binh.person_id,
        **changes,
    }
    return MeetingFacts(**given)  # type: ignore[arg-type]


def planned(db: Database, cast: Cast) -> Stage:
    """Thư planned a meeting: three items, six people."""
    with db.write(cast.thu.by) as tx:
        meeting = planning.plan(tx, cast.thu, facts(cast))
        items = [planning.add_item(tx, cast.thu, meeting.id, ItemFacts(t, "Sở Tài chính", 20)).id for t in TITLES]
        people = [cast.lan.person_id, cast.nam.person_id, cast.dung.person_id]
        planning.add_people(tx, cast.thu, meeting.id, people)
        planning.add_people(tx, cast.thu, meeting.id, [cast.phuc.person_id], Role.GUEST)
        meeting_id = meeting.id
    with db.read() as tx:
        by_person = {p.person_id: p.id for p in convening.participants_of(tx, meeting_id)}
    names = ("binh", "thu", "lan", "nam", "dung", "phuc")
    return Stage(meeting_id, tuple(items), {n: by_person[getattr(cast, n).person_id] for n in names})


def convened(db: Database, cast: Cast) -> Stage:
    """… and sent the invitations."""
    stage = planned(db, cast)
    with db.write(cast.thu.by) as tx:
        convening.convene(tx, cast.thu, stage.id)
    return stage


def opened(db: Database, cast: Cast) -> Stage:
    """… and Bình opened it."""
    stage = convened(db, cast)
    with db.write(cast.binh.by) as tx:
        holding.open_meeting(tx, cast.binh, stage.id)
    return stage


def meeting(db: Database, stage: Stage) -> Meeting:
    """The meeting's row as it stands."""
    with db.read() as tx:
        return tx.session.get_one(Meeting, stage.id)
