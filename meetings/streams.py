"""Who hears of a meeting, and the verbs that tell them.

`meeting:<id>` is for every participant and wall, `meeting:<id>/desk` for the chair and the secretaries. What is told
are the values of `meetings/live.py`.
"""

from kernel.db import Tx
from kernel.streams import StreamName, StreamPrefix
from meetings.live import Gone, LiveAnswer, LiveConclusion, LiveMeeting, LivePerson, Reset
from meetings.models import Conclusion, Meeting, Participant

MEETING = StreamPrefix("meeting")


def room(meeting_id: int) -> StreamName:
    """The stream of everybody in the meeting."""
    return MEETING.of(meeting_id)


def desk(meeting_id: int) -> StreamName:
    """The stream of the chair and the secretaries."""
    return MEETING.of(meeting_id, "desk")


def tell_meeting(tx: Tx, meeting: Meeting) -> None:
    """The meeting changed; all of its fields are few."""
    tx.publish(room(meeting.id), "meeting", LiveMeeting.of(meeting))


def tell_person(tx: Tx, participant: Participant) -> None:
    """A participant was added, answered or came in."""
    tx.publish(room(participant.meeting_id), "person", LivePerson.of(participant))


def tell_answer(tx: Tx, participant: Participant) -> None:
    """A participant answered: the fact for everybody, the words for the desk."""
    tell_person(tx, participant)
    tx.publish(desk(participant.meeting_id), "answer", LiveAnswer.of(participant))


def tell_gone(tx: Tx, meeting_id: int, kind: str, object_id: int, rev: int) -> None:
    """An object was taken away."""
    tx.publish(room(meeting_id), kind, Gone(object_id, rev))


def tell_left(tx: Tx, participant: Participant) -> None:
    """A participant was taken off the list. `reset` makes every screen of the meeting join anew, so that theirs is
    not let in again."""
    meeting_id, gone = participant.meeting_id, Gone(participant.id, participant.rev + 1)
    tx.publish(room(meeting_id), "person", gone)
    if participant.answered_at is not None:
        tx.publish(desk(meeting_id), "answer", gone)
    tx.publish(room(meeting_id), "reset", Reset())


def tell_conclusion(tx: Tx, conclusion: Conclusion) -> None:
    """A conclusion was written, changed or became a task."""
    tx.publish(room(conclusion.meeting_id), "conclusion", LiveConclusion.of(conclusion))
