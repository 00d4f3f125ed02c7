"""Who is in the room: people check themselves in, or the secretary does it for them; how many must be here."""

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import phrase
from meetings import streams
from meetings.access import Right, meeting_for, must_allow, own_place_for, participant_for
from meetings.models import Meeting, Participant
from meetings.planning import note
from meetings.quorum import QuorumRule
from meetings.states import Verb, after

MOST_NEEDED = 10_000


def check_in(tx: Tx, actor: Actor, meeting_id: int) -> Participant:
    """Say "I am here". Saying it twice keeps the first time."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    must_allow(meeting, Verb.CHECK_IN)
    _come_in(tx, meeting, participant, "self")
    return participant


def check_in_for(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> Participant:
    """The desk notes that somebody is here."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.CHECK_IN)
    participant = participant_for(tx, meeting, participant_id)
    _come_in(tx, meeting, participant, actor.by)
    return participant


def take_back(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> Participant:
    """The desk corrects a check-in that was a mistake."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.CHECK_IN)
    participant = participant_for(tx, meeting, participant_id)
    if participant.checked_in_at is not None:
        participant.checked_in_at, participant.checked_in_by = None, ""
        participant.rev += 1
        streams.tell_person(tx, participant)
        note(tx, meeting, "meeting.take_back_check_in", {"participant": participant.id})
    return participant


def set_quorum(tx: Tx, actor: Actor, meeting_id: int, rule: str, number: int | None = None) -> Meeting:
    """Say how many must be here for the meeting to decide; `number` for the rule that names one."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    if after(meeting.state, Verb.EDIT) is None:
        must_allow(meeting, Verb.CHECK_IN)
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


def _come_in(tx: Tx, meeting: Meeting, participant: Participant, by: str) -> None:
    if participant.checked_in_at is None:
        participant.checked_in_at, participant.checked_in_by = clock.now(), by
        participant.rev += 1
        streams.tell_person(tx, participant)
        note(tx, meeting, "meeting.check_in", {"participant": participant.id, "by": by})
