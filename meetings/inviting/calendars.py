"""A meeting as a calendar object: the request that goes with a letter, and the copy that somebody downloads."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel import clock
from kernel.text import phrase
from meetings.models import Meeting
from meetings.places import place_words
from meetings.states import Answer
from notify.calendar import CalendarMeeting, Method, request
from notify.kinds import AgendaLine
from notify.wording import hour

PARTSTAT = {
    Answer.NONE: "NEEDS-ACTION",
    Answer.YES: "ACCEPTED",
    Answer.NO: "DECLINED",
    Answer.SUBSTITUTE: "DELEGATED",
}
"""What an answer is called in a calendar (RFC 5545 §3.2.12)."""


@dataclass(frozen=True)
class Attendee:
    """Whose calendar it is for. `required` is false for guests; `asks` whether an answer is wanted."""

    name: str
    email: str
    answer: Answer
    required: bool
    asks: bool


@dataclass(frozen=True)
class Organizer:
    """Who invites, and the address at which calendar replies are read."""

    name: str
    email: str


def calendar_of(
    meeting: Meeting,
    method: Method,
    organizer: Organizer,
    attendee: Attendee | None,
    *,
    description: Sequence[str] = (),
    url: str = "",
) -> str:
    """The object of this version of the meeting. Without an attendee it is a copy to keep (PUBLISH)."""
    return request(
        CalendarMeeting(
            uid=meeting.uid,
            sequence=meeting.sequence,
            stamp=clock.now(),
            start=meeting.starts_at,
            end=meeting.ends_at,
            summary=meeting.title,
            location=place_words(meeting),
            description="\n".join(description),
            organizer_name=organizer.name,
            organizer_email=organizer.email,
            attendee_name=attendee.name if attendee else "",
            attendee_email=attendee.email if attendee else "",
            method=method,
            url=url,
            required=attendee.required if attendee else True,
            partstat=PARTSTAT[attendee.answer] if attendee else "NEEDS-ACTION",
            asks=attendee.asks if attendee else False,
        )
    )


def description_lines(
    locale: str, *, host: str, chair: str, letter: str, agenda: Sequence[AgendaLine], answer_link: str, path: str
) -> list[str]:
    """What stands in the calendar below time and place: who invites, the agenda with its papers, and the links."""
    head = [phrase("Cơ quan mời: {host}", host=host), phrase("Chủ trì họp: {name}", name=chair)]
    if letter:
        head.append(phrase("Giấy mời số: {letter}", letter=letter))
    lines = [one.in_locale(locale) for one in head]
    if agenda:
        lines += ["", phrase("Chương trình họp:").in_locale(locale)]
    for number, line in enumerate(agenda, start=1):
        presenter = f" ({line.presenter})" if line.presenter else ""
        lines.append(f"{number}. {hour(line.at)} {line.title}{presenter}")
        lines += [f"   - {phrase('Tài liệu: {title}', title=title).in_locale(locale)}" for title in line.papers]
    lines.append("")
    if answer_link:
        lines.append(phrase("Trả lời dự họp: {link}", link=answer_link).in_locale(locale))
    if path:
        lines.append(phrase("Tài liệu và phòng họp: {link}", link=path).in_locale(locale))
    return lines
