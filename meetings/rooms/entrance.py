"""The screen at the door: it shows the code, people find themselves by name and press."""

from dataclasses import dataclass
from datetime import datetime

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Forbidden
from kernel.text import fold, phrase
from meetings.access import Right, at_desk, entrance_scope, meeting_for, must_allow, participant_for
from meetings.attending import record_arrival
from meetings.convening import participants_of
from meetings.models import Meeting, Participant
from meetings.places import place_words
from meetings.queries import quorum_of
from meetings.quorum import Quorum
from meetings.states import Verb, after

MOST_FOUND = 8
"""More people than that are not shown for a few letters: who stands at the door types one more."""


@dataclass(frozen=True)
class EntrancePerson:
    """Somebody of the list, as the door shows them."""

    id: int
    name: str
    position: str
    agency: str
    present_at: datetime | None


@dataclass(frozen=True)
class EntrancePage:
    """What stands at the door. `found`: whose name, position or agency holds the words that were typed."""

    id: int
    title: str
    place: str
    starts_at: datetime
    quorum: Quorum
    takes_people: bool
    found: list[EntrancePerson]
    just_in: EntrancePerson | None


def entrance_for(tx: Tx, actor: Actor | None, meeting_id: int, *, lock: bool = False) -> Meeting:
    """The meeting for who may open its door: the desk, and a screen that the desk paired as a door."""
    meeting = meeting_for(tx, actor, meeting_id, Right.FOLLOW, lock=lock)
    is_entrance = actor is not None and actor.kind == "wall" and entrance_scope(meeting.id) in actor.scopes
    if not is_entrance and not at_desk(actor, meeting):
        raise Forbidden(phrase("Chỉ chủ trì và thư ký cuộc họp được làm việc này."))
    return meeting


def must_show_code(tx: Tx, actor: Actor | None, meeting_id: int) -> None:
    """Let through who may have the code of this minute: the desk, and every screen of the meeting. A participant who
    could fetch it would check in from anywhere, and send it on."""
    meeting = meeting_for(tx, actor, meeting_id, Right.FOLLOW)
    if actor is None or (actor.kind != "wall" and not at_desk(actor, meeting)):
        raise Forbidden(phrase("Chỉ chủ trì và thư ký cuộc họp được làm việc này."))


def entrance_page(
    tx: Tx, actor: Actor | None, meeting_id: int, words: str = "", just_in: int | None = None
) -> EntrancePage:
    """The door as it stands."""
    meeting = entrance_for(tx, actor, meeting_id)
    people, wanted = participants_of(tx, meeting.id), fold(words)
    found = [p for p in people if wanted and wanted in fold(f"{p.name} {p.position} {p.agency}")]
    return EntrancePage(
        id=meeting.id,
        title=meeting.title,
        place=place_words(meeting),
        starts_at=meeting.starts_at,
        quorum=quorum_of(meeting, people),
        takes_people=after(meeting.state, Verb.CHECK_IN) is not None,
        found=[_shown(p) for p in found[:MOST_FOUND]],
        just_in=next((_shown(p) for p in people if p.id == just_in and p.checked_in_at), None),
    )


def check_in_at_entrance(tx: Tx, actor: Actor | None, meeting_id: int, participant_id: int) -> Participant:
    """Somebody found themselves on the screen at the door."""
    meeting = entrance_for(tx, actor, meeting_id, lock=True)
    must_allow(meeting, Verb.CHECK_IN)
    participant = participant_for(tx, meeting, participant_id)
    record_arrival(tx, meeting, participant, "entrance")
    return participant


def _shown(person: Participant) -> EntrancePerson:
    return EntrancePerson(person.id, person.name, person.position, person.agency, person.checked_in_at)
