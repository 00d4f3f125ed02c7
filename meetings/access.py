"""Who may see and do what in a meeting. Loading is authorising; strangers get NotFound."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from directory.actor import Actor, Role
from kernel.db import Tx
from kernel.errors import Forbidden, NotFound, WrongState
from kernel.refs import Described, describes, row_id
from kernel.streams import guard, snapshot
from kernel.text import Phrase, phrase
from meetings.models import AgendaItem, Conclusion, ItemClearance, Meeting, MeetingPaper, Participant
from meetings.states import ROOM_STATES, Audience, MeetingState, Verb, after


class Right(StrEnum):
    """FOLLOW: what is shown in the room, for participants once it is convened and for walls. SEE: the pages of
    participants. DESK: the chair and the secretaries, always."""

    FOLLOW = "follow"
    SEE = "see"
    DESK = "desk"


def may_plan(actor: Actor | None) -> bool:
    """Whether somebody may start a meeting of their agency."""
    return actor is not None and actor.has(Role.SECRETARY, Role.OFFICE_CHIEF)


def at_desk(actor: Actor | None, meeting: Any) -> bool:
    """Whether somebody leads this meeting: its chair, its secretary, or a meeting secretary of its agency."""
    if actor is None or actor.kind != "person":
        return False
    if actor.person_id in (meeting.chair_id, meeting.secretary_id):
        return True
    return actor.agency_id == meeting.agency_id and actor.has(Role.SECRETARY)


def seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Which meetings `meeting_for` gives to a person, as a condition for lists: both change together."""
    led = [Meeting.chair_id == actor.person_id, Meeting.secretary_id == actor.person_id]
    if actor.has(Role.SECRETARY):
        led.append(Meeting.agency_id == actor.agency_id)
    places = sa.select(Participant.meeting_id).where(Participant.person_id == actor.person_id)
    return sa.or_(*led, sa.and_(Meeting.id.in_(places), Meeting.convened_at.is_not(None)))


def meeting_for(
    tx: Tx, actor: Actor | None, meeting_id: int, right: Right = Right.SEE, *, lock: bool = False
) -> Meeting:
    """The meeting, if `actor` has `right` to it. `lock` holds its row until the transaction ends, so that two
    commands of one room come one after the other."""
    meeting = tx.session.get(Meeting, meeting_id, with_for_update=lock or None)
    if meeting is None or actor is None:
        raise NotFound()
    if at_desk(actor, meeting):
        return meeting
    if not _belongs(tx, actor, meeting) or (actor.kind == "wall" and right is not Right.FOLLOW):
        raise NotFound()
    if right is Right.DESK:
        raise Forbidden(phrase("Chỉ chủ trì và thư ký cuộc họp được làm việc này."))
    return meeting


def _belongs(tx: Tx, actor: Actor, meeting: Meeting) -> bool:
    if meeting.convened_at is None:  # a draft, or one that was dropped
        return False
    if actor.kind == "wall":
        return meeting.state in ROOM_STATES and wall_scope(meeting.id) in actor.scopes
    return actor.kind == "person" and participant_of(tx, actor, meeting.id) is not None


def participant_of(tx: Tx, actor: Actor | None, meeting_id: int) -> Participant | None:
    """The actor's own place in the meeting."""
    if actor is None or actor.kind != "person":
        return None
    return tx.session.scalar(
        sa.select(Participant).where(Participant.meeting_id == meeting_id, Participant.person_id == actor.person_id)
    )


def own_place_for(tx: Tx, actor: Actor | None, meeting_id: int) -> tuple[Meeting, Participant]:
    """The meeting, locked, and the actor's own place in it; NotFound for who has none."""
    meeting = meeting_for(tx, actor, meeting_id, lock=True)
    participant = participant_of(tx, actor, meeting_id)
    if participant is None:
        raise Forbidden(phrase("Bạn không có tên trong danh sách dự họp."))
    return meeting, participant


@dataclass(frozen=True)
class Clearance:
    """Which confidential points of one meeting somebody reads. Walls and participants who were not chosen: none."""

    desk: bool
    items: frozenset[int]

    def reads(self, item: AgendaItem) -> bool:
        """Whether the point, its papers and what is decided on it are for them."""
        return item.audience == Audience.EVERYONE or self.desk or item.id in self.items

    def knows(self, item: AgendaItem) -> bool:
        """Whether they may see that the point is there."""
        return item.audience != Audience.HIDDEN or self.reads(item)


def clearance_of(tx: Tx, actor: Actor | None, meeting: Meeting) -> Clearance:
    """What `actor`, who was let into the meeting, reads of it."""
    if at_desk(actor, meeting):
        return Clearance(desk=True, items=frozenset())
    own = participant_of(tx, actor, meeting.id)
    if own is None:
        return Clearance(desk=False, items=frozenset())
    query = sa.select(ItemClearance.item_id).where(ItemClearance.participant_id == own.id)
    return Clearance(desk=False, items=frozenset(tx.session.scalars(query)))


def item_for(tx: Tx, meeting: Meeting, item_id: int) -> AgendaItem:
    """An item of this meeting; one of another meeting is not found."""
    item = tx.session.get(AgendaItem, item_id)
    if item is None or item.meeting_id != meeting.id:
        raise NotFound(phrase("Nội dung này không có trong chương trình của cuộc họp."))
    return item


def participant_for(tx: Tx, meeting: Meeting, participant_id: int) -> Participant:
    """A participant of this meeting."""
    participant = tx.session.get(Participant, participant_id)
    if participant is None or participant.meeting_id != meeting.id:
        raise NotFound(phrase("Người này không có trong danh sách dự họp."))
    return participant


def conclusion_for(tx: Tx, meeting: Meeting, conclusion_id: int) -> Conclusion:
    """A conclusion of this meeting."""
    conclusion = tx.session.get(Conclusion, conclusion_id)
    if conclusion is None or conclusion.meeting_id != meeting.id:
        raise NotFound()
    return conclusion


def paper_for(tx: Tx, actor: Actor | None, meeting_id: int, paper_id: int) -> MeetingPaper:
    """A paper that `actor` may read; a wall reads what everybody in the room reads."""
    meeting = meeting_for(tx, actor, meeting_id, Right.FOLLOW)
    paper = tx.session.get(MeetingPaper, paper_id)
    if paper is None or paper.meeting_id != meeting.id:
        raise NotFound()
    if not clearance_of(tx, actor, meeting).reads(tx.session.get_one(AgendaItem, paper.item_id)):
        raise NotFound()
    return paper


def must_allow(meeting: Meeting, verb: Verb) -> MeetingState:
    """The state that `verb` leads to; WrongState says why not."""
    target = after(meeting.state, verb)
    if target is None:
        raise WrongState(_REFUSALS.get(MeetingState(meeting.state), _MOVED_ON))
    return target


_MOVED_ON = phrase("Cuộc họp đã chuyển sang bước khác, không làm được việc này nữa. Xin tải lại trang.")
_REFUSALS: dict[MeetingState, Phrase] = {
    MeetingState.DRAFT: phrase("Cuộc họp còn là dự thảo. Xin gửi giấy mời trước."),
    MeetingState.CONVENED: phrase("Cuộc họp chưa khai mạc, chưa làm được việc này."),
    MeetingState.PAUSED: phrase("Cuộc họp đang tạm nghỉ. Xin tiếp tục cuộc họp trước."),
    MeetingState.CLOSED: phrase("Cuộc họp đã kết thúc, không thay đổi được nữa."),
    MeetingState.RECORDED: phrase("Cuộc họp đã lập biên bản, không thay đổi được nữa."),
    MeetingState.CANCELLED: phrase("Cuộc họp đã hủy, không thay đổi được nữa."),
}


def wall_scope(meeting_id: int) -> str:
    """The scope of a wall that shows this meeting."""
    return f"meeting:{meeting_id}"


def entrance_scope(meeting_id: int) -> str:
    """The scope of a screen that stands at the door of this meeting."""
    return f"entrance:{meeting_id}"


# ---- streams and references ----


@guard("meeting")
def may_follow(tx: Tx, actor: Actor | None, name: str) -> bool:
    """`meeting:<id>` for everybody in it, `meeting:<id>/desk` for the chair and the secretaries,
    `meeting:<id>/item:<item>` for who reads that confidential point."""
    text, _, part = name.removeprefix("meeting:").partition("/")
    number = row_id(text)
    kind, _, item_text = part.partition(":")
    item_id = row_id(item_text) if kind == "item" else None
    if number is None or (part not in {"", "desk"} and item_id is None):
        return False
    try:
        meeting = meeting_for(tx, actor, number, Right.DESK if part == "desk" else Right.FOLLOW)
        item = item_for(tx, meeting, item_id) if item_id is not None else None
    except (NotFound, Forbidden):
        return False
    if item is None:
        return True
    return item.audience != Audience.EVERYONE and clearance_of(tx, actor, meeting).reads(item)


@snapshot("meeting")
def snapshot_of(name: str) -> str:
    """Where a screen of a meeting reads its whole state."""
    return f"/meetings/{name.removeprefix('meeting:').partition('/')[0]}/snapshot"


@describes("meeting")
def describe_meeting(tx: Tx, meeting_id: int) -> Described | None:
    """Title and page of a meeting."""
    meeting = tx.session.get(Meeting, meeting_id)
    return Described(meeting.title, f"/meetings/{meeting.id}") if meeting else None


@describes("conclusion")
def describe_conclusion(tx: Tx, conclusion_id: int) -> Described | None:
    """The meeting in which a conclusion was made, and its place on that page."""
    conclusion = tx.session.get(Conclusion, conclusion_id)
    if conclusion is None:
        return None
    meeting = tx.session.get_one(Meeting, conclusion.meeting_id)
    title = phrase("Kết luận cuộc họp: {title}", title=meeting.title).vi
    return Described(title, f"/meetings/{meeting.id}#conclusion-{conclusion.id}")
