"""The page that is presented: who leads moves, everybody's reader goes along until it is scrolled by hand."""

from datetime import timedelta

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid
from kernel.schema import insert_into
from kernel.text import phrase
from meetings import streams
from meetings.access import at_desk, clearance_of, meeting_for, must_allow, paper_for, participant_of
from meetings.live import LiveFollow
from meetings.models import AgendaItem, FollowedPlace, Meeting, MeetingPaper, SpeakTurn
from meetings.states import Turn, Verb

NEAREST = timedelta(milliseconds=50)
"""Two moves that come closer together than this: the second is asked to come again."""


def may_lead(tx: Tx, actor: Actor | None, meeting: Meeting) -> bool:
    """Whether somebody may turn everybody's page: the desk, and who has the floor."""
    if at_desk(actor, meeting):
        return True
    participant = participant_of(tx, actor, meeting.id)
    if participant is None:
        return False
    floor = sa.exists().where(SpeakTurn.participant_id == participant.id, SpeakTurn.state == Turn.SPEAKING)
    return bool(tx.session.scalar(sa.select(floor)))


def lead(tx: Tx, actor: Actor, meeting_id: int, paper_id: int | None, page: int = 1, y: int = 0) -> LiveFollow | None:
    """Bring every reader to a place of a paper, or (no paper) set them free. None: too soon after the last move, the
    sender comes again with its newest place."""
    meeting = meeting_for(tx, actor, meeting_id)
    must_allow(meeting, Verb.SPEAK)
    if not may_lead(tx, actor, meeting):
        raise Forbidden(phrase("Chỉ chủ trì, thư ký và người đang phát biểu được trình chiếu tài liệu."))
    if paper_id is not None:
        paper = paper_for(tx, actor, meeting_id, paper_id)
        if not 1 <= page <= max(paper.pages, 1) or not 0 <= y <= 1000:
            raise Invalid({"page": phrase("Tài liệu không có trang này.")})
    moved = _store(tx, actor, meeting.id, {"paper_id": paper_id, "page": page, "y": y})
    if moved is not None:
        item_id = paper.item_id if paper_id is not None else None
        tx.hint(streams.about(tx, meeting.id, item_id), "follow", moved)
    return moved


def _store(tx: Tx, actor: Actor, meeting_id: int, place: dict[str, int | None]) -> LiveFollow | None:
    """One statement below the unit of work: it comes up to ten times a second, and no row of the meeting is locked."""
    now = clock.now()
    first = insert_into(tx.session, FollowedPlace).values(
        meeting_id=meeting_id, rev=1, by_person_id=actor.person_id, at=now, **place
    )
    stored = first.on_conflict_do_update(
        index_elements=["meeting_id"],
        set_={"rev": FollowedPlace.rev + 1, "by_person_id": actor.person_id, "at": now, **place},
        where=FollowedPlace.at <= now - NEAREST,
    ).returning(FollowedPlace.rev)
    rev = tx.session.scalar(stored)
    return None if rev is None else LiveFollow(meeting_id, rev, place["paper_id"], place["page"] or 1, place["y"] or 0)


def place_of(tx: Tx, actor: Actor | None, meeting: Meeting) -> LiveFollow | None:
    """The place that is being presented now, for who comes late and may read the paper."""
    place = tx.session.get(FollowedPlace, meeting.id, populate_existing=True)
    if place is None:
        return None
    paper = tx.session.get(MeetingPaper, place.paper_id) if place.paper_id is not None else None
    if paper is None:
        return LiveFollow(meeting.id, place.rev, None, 1, 0)
    item = tx.session.get_one(AgendaItem, paper.item_id)
    return LiveFollow.of(place) if clearance_of(tx, actor, meeting).reads(item) else None
