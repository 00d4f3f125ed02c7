"""Where people meet, in words."""

from meetings.models import Meeting
from meetings.states import MeetingKind


def place_words(meeting: Meeting) -> str:
    """Where to go: the room, the address of the online room, or both."""
    return place_of(meeting.kind, meeting.place, meeting.online_url)


def place_of(kind: str, place: str, online_url: str) -> str:
    """The place of a meeting of `kind` in one line."""
    if kind == MeetingKind.ONLINE:
        return online_url
    return f"{place}; {online_url}" if kind == MeetingKind.HYBRID else place
