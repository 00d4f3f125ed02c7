"""Who is in the room: people check in themselves, at the door or by the secretary, and leave; how many must be here."""

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, Invalid
from kernel.text import phrase
from meetings import streams
from meetings.access import Right, meeting_for, must_allow, own_place_for, participant_for
from meetings.models import Meeting, Participant
from meetings.planning import note
from meetings.quorum import QuorumRule
from meetings.rooms.models import Stay
from meetings.speaking import leave_queue
from meetings.states import Verb, after

MOST_NEEDED = 10_000


def check_in(tx: Tx, actor: Actor, meeting_id: int, *, at_entrance: bool = False) -> Participant:
    """Say "I am here". Saying it twice keeps the first time. `at_entrance`: with the code that stands there; a
    meeting may want it, and then Conflict without."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    must_allow(meeting, Verb.CHECK_IN)
    if meeting.at_entrance_only and not at_entrance and participant.checked_in_at is None:
        raise Conflict(phrase("Cuộc họp này điểm danh tại cửa phòng họp: xin quét mã ở cửa hoặc gặp thư ký."))
    record_arrival(tx, meeting, participant, "code" if at_entrance else "self")
    return participant


def check_in_for(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> Participant:
    """The desk notes that somebody is here."""
    meeting, participant = _somebody_else(tx, actor, meeting_id, participant_id)
    record_arrival(tx, meeting, participant, actor.by)
    return participant


def take_back(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> Participant:
    """The desk corrects a check-in that was a mistake: it leaves no trace in the list of who was there when."""
    meeting, participant = _somebody_else(tx, actor, meeting_id, participant_id)
    if participant.checked_in_at is not None:
        stays = stays_of(tx, participant)
        participant.checked_in_at, participant.checked_in_by = None, ""
        participant.left_at = stays[-2].left_at if len(stays) > 1 else None
        participant.rev += 1
        if stays:
            tx.session.delete(stays[-1])
        streams.tell_person(tx, participant)
        note(tx, meeting, "meeting.take_back_check_in", {"participant": participant.id})
    return participant


def leave(tx: Tx, actor: Actor, meeting_id: int) -> Participant:
    """Say "I am leaving" before the meeting is over."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    must_allow(meeting, Verb.CHECK_IN)
    _record_departure(tx, meeting, participant, "self")
    return participant


def leave_for(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> Participant:
    """The desk notes that somebody left."""
    meeting, participant = _somebody_else(tx, actor, meeting_id, participant_id)
    _record_departure(tx, meeting, participant, actor.by)
    return participant


def set_quorum(tx: Tx, actor: Actor, meeting_id: int, rule: str, number: int | None = None) -> Meeting:
    """Say how many must be here for the meeting to decide; `number` for the rule that names one."""
    meeting = _before_the_end(tx, actor, meeting_id)
    if rule not in set(QuorumRule):
        raise Invalid({"quorum_rule": phrase("Xin chọn quy định về số người phải có mặt.")})
    wanted = (number or 0) if rule == QuorumRule.NUMBER else 0
    if rule == QuorumRule.NUMBER and not 1 <= wanted <= MOST_NEEDED:
        raise Invalid({"quorum_number": phrase("Xin nhập số người phải có mặt, từ 1 đến 10.000.")})
    if (rule, wanted) != (meeting.quorum_rule, meeting.quorum_number):
        meeting.quorum_rule, meeting.quorum_number = rule, wanted
        meeting.rev += 1
        streams.tell_meeting(tx, meeting)
        note(tx, meeting, "meeting.set_quorum", {"rule": rule, "number": wanted})
    return meeting


def set_at_entrance(tx: Tx, actor: Actor, meeting_id: int, only: bool) -> Meeting:
    """Say whether people check in at the door only, or from wherever they are."""
    meeting = _before_the_end(tx, actor, meeting_id)
    if only != meeting.at_entrance_only:
        meeting.at_entrance_only = only
        meeting.rev += 1
        streams.tell_meeting(tx, meeting)
        note(tx, meeting, "meeting.set_at_entrance", {"only": only})
    return meeting


def record_arrival(tx: Tx, meeting: Meeting, participant: Participant, by: str) -> None:
    """Note that a participant is here, unless they are. The meeting is locked and allows it."""
    if participant.checked_in_at is None:
        now = clock.now()
        participant.checked_in_at, participant.checked_in_by, participant.left_at = now, by, None
        participant.rev += 1
        tx.session.add(Stay(meeting_id=meeting.id, participant_id=participant.id, came_at=now, came_by=by))
        streams.tell_person(tx, participant)
        note(tx, meeting, "meeting.check_in", {"participant": participant.id, "by": by})


def stays_of(tx: Tx, participant: Participant) -> list[Stay]:
    """The times that a participant was in the room, in their order."""
    query = sa.select(Stay).where(Stay.participant_id == participant.id).order_by(Stay.came_at, Stay.id)
    return list(tx.session.scalars(query))


def _record_departure(tx: Tx, meeting: Meeting, participant: Participant, by: str) -> None:
    if participant.checked_in_at is None:
        return
    now = clock.now()
    for stay in stays_of(tx, participant)[-1:]:
        stay.left_at, stay.left_by = now, by
    participant.checked_in_at, participant.checked_in_by, participant.left_at = None, "", now
    participant.rev += 1
    leave_queue(tx, meeting, participant)
    streams.tell_person(tx, participant)
    note(tx, meeting, "meeting.leave", {"participant": participant.id, "by": by})


def _somebody_else(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> tuple[Meeting, Participant]:
    """The meeting, locked, and the participant for whom its desk acts."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.CHECK_IN)
    return meeting, participant_for(tx, meeting, participant_id)


def _before_the_end(tx: Tx, actor: Actor, meeting_id: int) -> Meeting:
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    if after(meeting.state, Verb.EDIT) is None:
        must_allow(meeting, Verb.CHECK_IN)
    return meeting
