"""Tables of meetings. Every object that browsers follow has a `rev` that grows with each change."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, JsonList
from kernel.storage.sweep import HOLDS
from meetings.quorum import QuorumRule
from meetings.states import Answer, Audience, MeetingKind, MeetingState, Role, Turn


class Meeting(Base):
    """One meeting. `uid` and `sequence` are those of its calendar object (RFC 5545 §3.8.4.7, §3.8.7.4)."""

    __tablename__ = "meeting"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    kind: Mapped[str] = mapped_column(default=MeetingKind.ROOM)
    title: Mapped[str]
    place: Mapped[str] = mapped_column(default="")
    online_url: Mapped[str] = mapped_column(default="")
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    chair_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    secretary_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(default=MeetingState.DRAFT)
    rev: Mapped[int] = mapped_column(default=1)
    item_order: Mapped[JsonList] = mapped_column(default=list)  # ids of agenda items, in order
    current_item_id: Mapped[int | None]
    current_at: Mapped[datetime | None]  # when it was taken up, moved on by the pauses since; stays after closing
    paused_at: Mapped[datetime | None]  # while it is paused: timers stand still at this instant
    visited: Mapped[JsonList] = mapped_column(default=list)  # ids of items that were taken up
    queue_rev: Mapped[int] = mapped_column(default=0)
    speech_seconds: Mapped[int] = mapped_column(default=0, server_default="0")  # for each speaker; 0: no limit
    quiet_first: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # who spoke less goes first
    quorum_rule: Mapped[str] = mapped_column(default=QuorumRule.HALF, server_default=QuorumRule.HALF)
    quorum_number: Mapped[int] = mapped_column(default=0, server_default="0")  # for a rule that names one
    convened_at: Mapped[datetime | None]
    at_entrance_only: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # where people check in
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    cancel_reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class AgendaItem(Base):
    """One point of the agenda. Its place is in `Meeting.item_order`."""

    __tablename__ = "agenda_item"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    title: Mapped[str]
    presenter: Mapped[str] = mapped_column(default="")
    minutes: Mapped[int] = mapped_column(default=15)  # planned
    started_at: Mapped[datetime | None]  # first taken up
    ended_at: Mapped[datetime | None]  # last left
    audience: Mapped[str] = mapped_column(default=Audience.EVERYONE, server_default=Audience.EVERYONE)
    rev: Mapped[int] = mapped_column(default=1)


class ItemClearance(Base):
    """A participant who reads a confidential point; the desk reads all of them anyway."""

    __tablename__ = "item_clearance"
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("agenda_item.id", ondelete="CASCADE"), primary_key=True)
    participant_id: Mapped[int] = mapped_column(
        sa.ForeignKey("participant.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class MeetingPaper(Base):
    """One version of a paper of an agenda item; versions are never overwritten, so the URL of one is immutable."""

    __tablename__ = "meeting_paper"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("agenda_item.id", ondelete="CASCADE"))
    title: Mapped[str]
    sha256: Mapped[str] = mapped_column(info=HOLDS)
    size: Mapped[int]
    pages: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    replaced_by_id: Mapped[int | None]
    uploaded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    uploaded_at: Mapped[datetime]


class Participant(Base):
    """A person in a meeting, under the name and position with which they were invited."""

    __tablename__ = "participant"
    __table_args__ = (sa.UniqueConstraint("meeting_id", "person_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(default=Role.DELEGATE)
    name: Mapped[str]
    position: Mapped[str] = mapped_column(default="")
    agency: Mapped[str] = mapped_column(default="")
    invited_sequence: Mapped[int | None]  # the last calendar version that was sent to this person
    answer: Mapped[str] = mapped_column(default=Answer.NONE)
    reason: Mapped[str] = mapped_column(default="")
    substitute_name: Mapped[str] = mapped_column(default="")
    substitute_position: Mapped[str] = mapped_column(default="")
    substitute_phone: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]  # here since then; not here now: none
    checked_in_by: Mapped[str] = mapped_column(default="")  # self, code, entrance, or `person:3` of the desk
    left_at: Mapped[datetime | None]  # left early then, and has not come back
    rev: Mapped[int] = mapped_column(default=1)


class SpeakTurn(Base):
    """A participant's place in the speakers' queue."""

    __tablename__ = "speak_turn"
    __table_args__ = (sa.Index("ix_speak_turn_meeting", "meeting_id", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id", ondelete="CASCADE"))
    item_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(default=Turn.WAITING)
    place: Mapped[int] = mapped_column(default=0, server_default="0")  # among those who wait
    seconds: Mapped[int] = mapped_column(default=0, server_default="0")  # given with the floor; 0: no limit
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class FollowedPlace(Base):
    """The place in a paper that is being presented. It moves up to ten times a second and its past is nobody's matter,
    so it is told as a hint and stored here for who comes later."""

    __tablename__ = "followed_place"
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), primary_key=True)
    rev: Mapped[int] = mapped_column(default=1)
    paper_id: Mapped[int | None] = mapped_column(sa.ForeignKey("meeting_paper.id", ondelete="SET NULL"))
    page: Mapped[int] = mapped_column(default=1)
    y: Mapped[int] = mapped_column(default=0)  # how far down the page, in thousandths
    by_person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    at: Mapped[datetime]


class Conclusion(Base):
    """One line of what was decided; with a lead and a deadline it becomes a task."""

    __tablename__ = "conclusion"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agenda_item.id"))
    text: Mapped[str]
    lead_person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    lead_name: Mapped[str] = mapped_column(default="")
    co_workers: Mapped[JsonList] = mapped_column(default=list)  # [{"id": 3, "name": "…"}]
    due_at: Mapped[datetime | None]
    due_words: Mapped[str] = mapped_column(default="")
    task_id: Mapped[int | None]
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    rev: Mapped[int] = mapped_column(default=1)


class RoomCommand(Base):
    """A command that was done, so that the same one sent twice is done once and gets the same answer."""

    __tablename__ = "room_command"
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), primary_key=True)
    command_id: Mapped[str] = mapped_column(primary_key=True)
    by: Mapped[str]
    result: Mapped[JsonList]
    at: Mapped[datetime]


class WallPairing(Base):
    """A screen on a wall or at the door. The desk enters its code once; its token is a cookie, kept here as a hash."""

    __tablename__ = "wall_pairing"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(unique=True)  # gone when paired
    token_hash: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(default="wall", server_default="wall")  # or entrance
    meeting_id: Mapped[int | None] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    code_until: Mapped[datetime]
    paired_at: Mapped[datetime | None]
    paired_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
