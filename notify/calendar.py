"""Calendar requests (iTIP, RFC 5546) that mail clients show as an invitation with buttons."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from icalendar import Calendar, Event, vCalAddress, vText

from kernel.text import nfc

PRODUCT = "-//Lien Thong//Meetings//VI"


class Method(StrEnum):
    """What the object asks of a calendar. PUBLISH is a copy to keep, without attendees and without an answer."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class CalendarMeeting:
    """A meeting as one attendee's calendar gets it.

    `uid` stays the same for the life of the meeting; `sequence` goes up by one at each change of time, place or
    state. `organizer_email` is the address at which replies by calendar mail are read. `partstat` is what the attendee
    has said so far (RFC 5545 §3.2.12), `asks` whether an answer is wanted. Times are aware.
    """

    uid: str
    sequence: int
    stamp: datetime
    start: datetime
    end: datetime
    summary: str
    location: str
    description: str
    organizer_name: str
    organizer_email: str
    attendee_name: str
    attendee_email: str
    method: Method = Method.REQUEST
    url: str = ""
    required: bool = True
    partstat: str = "NEEDS-ACTION"
    asks: bool = True


def request(meeting: CalendarMeeting) -> str:
    """The iCalendar object: CRLF lines of at most 75 octets, times in UTC. ValueError for times that make no sense."""
    if meeting.end <= meeting.start:
        raise ValueError("a meeting ends after it starts")
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", meeting.method.value)
    calendar.add_component(_event(meeting))
    return str(calendar.to_ical().decode())


def unfolded(ics: str) -> str:
    """The object with each property on one line, however long."""
    return ics.replace("\r\n ", "")


def folded(ics: str) -> str:
    """The inverse: lines of at most 75 octets (RFC 5545 §3.1), no letter torn apart."""
    return "\r\n".join(piece for line in ics.split("\r\n") for piece in _pieces(line))


def _pieces(line: str) -> Iterator[str]:
    start, used = 0, 0
    for place, char in enumerate(line):
        size = len(char.encode())
        if used + size > 75:
            yield (" " if start else "") + line[start:place]
            start, used = place, 1  # the blank that marks a continuation counts
        used += size
    yield (" " if start else "") + line[start:]


def _event(meeting: CalendarMeeting) -> Event:
    cancelled = meeting.method is Method.CANCEL
    event = Event()
    event.add("uid", meeting.uid)
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", _utc(meeting.stamp))
    event.add("dtstart", _utc(meeting.start))
    event.add("dtend", _utc(meeting.end))
    event.add("summary", _text(meeting.summary))
    event.add("location", _text(meeting.location))
    event.add("description", _text(meeting.description))
    if meeting.url:
        event.add("url", meeting.url)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    event.add("organizer", _address(meeting.organizer_email, meeting.organizer_name))
    if meeting.method is not Method.PUBLISH:
        event.add("attendee", _attendee(meeting))
    return event


def _attendee(meeting: CalendarMeeting) -> vCalAddress:
    attendee = _address(meeting.attendee_email, meeting.attendee_name)
    attendee.params["CUTYPE"] = vText("INDIVIDUAL")
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT" if meeting.required else "OPT-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText(meeting.partstat)
    attendee.params["RSVP"] = vText("TRUE" if meeting.asks and meeting.method is Method.REQUEST else "FALSE")
    return attendee


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    # RFC 5545 §3.1: no double quote in a parameter; many readers do not know the ^' of RFC 6868.
    address.params["CN"] = vText(_text(name).replace('"', "'"))
    return address


def _text(text: str) -> str:
    """NFC without control characters, which no calendar may hold."""
    return "".join(c for c in nfc(text) if c == "\n" or c.isprintable())


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return at.astimezone(UTC).replace(microsecond=0)
