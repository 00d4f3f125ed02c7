"""Rows with every column filled that a screen sees, and what stands in the live events of them (wire.json)."""

from datetime import UTC, datetime
from typing import Any

from meetings.models import AgendaItem, Conclusion, Meeting, MeetingPaper, Participant, SpeakTurn

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)

MEETING = Meeting(
    id=4,
    rev=5,
    title="Họp giao ban",
    kind="room",
    place="Phòng họp số 1",
    state="open",
    starts_at=AT,
    ends_at=AT,
    item_order=[12, 11],
    current_item_id=11,
    current_at=AT,
    paused_at=None,
    visited=[11],
    quorum_rule="two_thirds",
    quorum_number=0,
    opened_at=AT,
    closed_at=None,
    at_entrance_only=False,
)
ITEM = AgendaItem(id=11, rev=2, title="Phương án chống ngập", presenter="Ông Bình", minutes=15)
PAPER = MeetingPaper(id=21, title="Tờ trình", version=2, pages=9, size=4096)
PERSON = Participant(
    id=32,
    rev=3,
    name="Trần Thị Thu",
    position="Thư ký",
    agency="Sở Tài chính",
    role="delegate",
    answer="substitute",
    reason="Bận",
    substitute_name="Lê Nam",
    substitute_position="Phó phòng",
    substitute_phone="0900000000",
    answered_at=AT,
    checked_in_at=None,
    left_at=AT,
)
TURN = SpeakTurn(id=41, participant_id=32, state="waiting", started_at=None, seconds=180)
CONCLUSION = Conclusion(
    id=51,
    rev=2,
    item_id=None,
    text="Giao Sở Tài chính",
    lead_name="Trần Thị Thu",
    lead_person_id=9,
    co_workers=[{"id": 10, "name": "Lê Nam"}],
    due_at=AT,
    task_id=91,
)

#: The rows that each kind of object is drawn from.
ROWS: dict[str, tuple[Any, ...]] = {
    "meeting": (MEETING,),
    "item": (ITEM, [PAPER]),
    "person": (PERSON,),
    "answer": (PERSON,),
    "turn": (TURN,),
    "conclusion": (CONCLUSION,),
}
