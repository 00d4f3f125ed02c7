"""Who hears of a meeting, and the verbs that tell them.

`meeting:<id>` is for every participant and wall, `meeting:<id>/desk` for the chair and the secretaries,
`meeting:<id>/item:<item>` for who reads a confidential point (audiences.py). What is told are the values of
`meetings/live.py`.
"""

import sqlalchemy as sa

from kernel.db import Tx
from kernel.streams import StreamName, StreamPrefix
from meetings.live import Gone, LiveAnswer, LiveConclusion, LiveMeeting, LivePerson, Reset
from meetings.models import AgendaItem, Conclusion, ItemClearance, Meeting, Participant
from meetings.states import Audience

MEETING = StreamPrefix("meeting")


def room(meeting_id: int) -> StreamName:
    """The stream of everybody in the meeting."""
    return MEETING.of(meeting_id)


def desk(meeting_id: int) -> StreamName:
    """The stream of the chair and the secretaries."""
    return MEETING.of(meeting_id, "desk")


def of_item(meeting_id: int, item_id: int) -> StreamName:
    """The stream of who reads a confidential point."""
    return MEETING.of(meeting_id, f"item:{item_id}")


def about(tx: Tx, meeting_id: int, item_id: int | None) -> StreamName:
    """Where something that belongs to a point is told: in the room, unless the point is confidential. Votes, minutes
    and whatever else hangs on a point ask here."""
    item = tx.session.get(AgendaItem, item_id) if item_id is not None else None
    is_open = item is None or item.audience == Audience.EVERYONE
    return room(meeting_id) if item is None or is_open else of_item(meeting_id, item.id)


def hidden_items(tx: Tx, meeting_id: int) -> frozenset[int]:
    """The points of which the room knows nothing."""
    query = sa.select(AgendaItem.id).where(AgendaItem.meeting_id == meeting_id, AgendaItem.audience == Audience.HIDDEN)
    return frozenset(tx.session.scalars(query))


def tell_meeting(tx: Tx, meeting: Meeting) -> None:
    """The meeting changed; all of its fields are few."""
    tx.publish(room(meeting.id), "meeting", LiveMeeting.of(meeting, hidden_items(tx, meeting.id)))


def tell_person(tx: Tx, participant: Participant) -> None:
    """A participant was added, answered or came in."""
    tx.publish(room(participant.meeting_id), "person", LivePerson.of(participant))


def tell_answer(tx: Tx, participant: Participant) -> None:
    """A participant answered: the fact for everybody, the words for the desk."""
    tell_person(tx, participant)
    tx.publish(desk(participant.meeting_id), "answer", LiveAnswer.of(participant))


def tell_left(tx: Tx, participant: Participant) -> None:
    """A participant was taken off the list. `reset` makes every screen of the meeting join anew, so that theirs is
    not let in again."""
    meeting_id, gone = participant.meeting_id, Gone(participant.id, participant.rev + 1)
    tx.publish(room(meeting_id), "person", gone)
    if participant.answered_at is not None:
        tx.publish(desk(meeting_id), "answer", gone)
    query = sa.select(ItemClearance.item_id).where(ItemClearance.participant_id == participant.id)
    for item_id in tx.session.scalars(query):
        tx.publish(of_item(meeting_id, item_id), "reset", Reset())
    tx.publish(room(meeting_id), "reset", Reset())


def tell_conclusion(tx: Tx, conclusion: Conclusion) -> None:
    """A conclusion was written, changed or became a task."""
    stream = about(tx, conclusion.meeting_id, conclusion.item_id)
    tx.publish(stream, "conclusion", LiveConclusion.of(conclusion))


def tell_conclusion_gone(tx: Tx, conclusion: Conclusion) -> None:
    """A conclusion was taken back."""
    stream = about(tx, conclusion.meeting_id, conclusion.item_id)
    tx.publish(stream, "conclusion", Gone(conclusion.id, conclusion.rev + 1))
