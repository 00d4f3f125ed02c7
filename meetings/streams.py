"""What is told live about a meeting, and to whom.

`meeting:<id>` is for every participant and wall, `meeting:<id>/desk` for the chair and the secretaries. The fields
of an object are the same in an event and in a snapshot.
"""

from typing import Any

from kernel.db import Tx
from meetings.models import AgendaItem, Conclusion, Meeting, MeetingPaper, Participant, SpeakTurn


def room(meeting_id: int) -> str:
    """The stream of everybody in the meeting."""
    return f"meeting:{meeting_id}"


def desk(meeting_id: int) -> str:
    """The stream of the chair and the secretaries."""
    return f"meeting:{meeting_id}/desk"


def _iso(at: Any) -> str | None:
    return at.isoformat(timespec="milliseconds") if at else None


def meeting_fields(meeting: Meeting) -> dict[str, Any]:
    """The meeting as screens see it."""
    return {
        "id": meeting.id,
        "rev": meeting.rev,
        "title": meeting.title,
        "kind": meeting.kind,
        "place": meeting.place,
        "state": meeting.state,
        "starts_at": _iso(meeting.starts_at),
        "ends_at": _iso(meeting.ends_at),
        "item_order": list(meeting.item_order),
        "current": meeting.current_item_id,
        "current_at": _iso(meeting.current_at),
        "visited": list(meeting.visited),
    }


def item_fields(item: AgendaItem, papers: list[MeetingPaper]) -> dict[str, Any]:
    """An agenda item with the newest version of each of its papers."""
    return {
        "id": item.id,
        "rev": item.rev,
        "title": item.title,
        "presenter": item.presenter,
        "minutes": item.minutes,
        "papers": [
            {"id": p.id, "title": p.title, "version": p.version, "pages": p.pages, "size": p.size} for p in papers
        ],
    }


def person_fields(participant: Participant) -> dict[str, Any]:
    """A participant as everybody in the meeting sees them; what was written in the answer is for the desk only."""
    return {
        "id": participant.id,
        "rev": participant.rev,
        "name": participant.name,
        "position": participant.position,
        "agency": participant.agency,
        "role": participant.role,
        "answer": participant.answer,
        "substitute": participant.substitute_name,
        "present_at": _iso(participant.checked_in_at),
    }


def answer_fields(participant: Participant) -> dict[str, Any]:
    """A participant's answer as the desk sees it."""
    return {
        "id": participant.id,
        "rev": participant.rev,
        "answer": participant.answer,
        "reason": participant.reason,
        "substitute_name": participant.substitute_name,
        "substitute_position": participant.substitute_position,
        "substitute_phone": participant.substitute_phone,
        "answered_at": _iso(participant.answered_at),
    }


def turn_fields(turn: SpeakTurn) -> dict[str, Any]:
    """A place in the speakers' queue."""
    return {
        "id": turn.id,
        "participant": turn.participant_id,
        "state": turn.state,
        "started_at": _iso(turn.started_at),
    }


def conclusion_fields(conclusion: Conclusion) -> dict[str, Any]:
    """A conclusion as everybody in the meeting sees it."""
    return {
        "id": conclusion.id,
        "rev": conclusion.rev,
        "item": conclusion.item_id,
        "text": conclusion.text,
        "lead": conclusion.lead_name,
        "lead_id": conclusion.lead_person_id,
        "co_workers": list(conclusion.co_workers),
        "due_at": _iso(conclusion.due_at),
        "task": conclusion.task_id,
    }


def tell_meeting(tx: Tx, meeting: Meeting) -> None:
    """The meeting changed; all of its fields are few."""
    tx.publish(room(meeting.id), "meeting", meeting_fields(meeting))


def tell_person(tx: Tx, participant: Participant) -> None:
    """A participant was added, answered or came in."""
    tx.publish(room(participant.meeting_id), "person", person_fields(participant))


def tell_answer(tx: Tx, participant: Participant) -> None:
    """A participant answered: the fact for everybody, the words for the desk."""
    tell_person(tx, participant)
    tx.publish(desk(participant.meeting_id), "answer", answer_fields(participant))


def tell_gone(tx: Tx, meeting_id: int, kind: str, object_id: int, rev: int) -> None:
    """An object was taken away."""
    tx.publish(room(meeting_id), kind, {"id": object_id, "rev": rev, "gone": True})


def tell_left(tx: Tx, participant: Participant) -> None:
    """A participant was taken off the list. `reset` makes every screen of the meeting join anew, so that theirs is
    not let in again."""
    meeting_id, gone = participant.meeting_id, {"id": participant.id, "rev": participant.rev + 1, "gone": True}
    tx.publish(room(meeting_id), "person", gone)
    if participant.answered_at is not None:
        tx.publish(desk(meeting_id), "answer", gone)
    tx.publish(room(meeting_id), "reset", {})


def tell_conclusion(tx: Tx, conclusion: Conclusion) -> None:
    """A conclusion was written, changed or became a task."""
    tx.publish(room(conclusion.meeting_id), "conclusion", conclusion_fields(conclusion))
