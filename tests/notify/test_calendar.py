"""The calendar request: read back by the library, and strictly by its octets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_string, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from kernel.config import Config
from kernel.db import Database
from kernel.queue.worker import drain
from kernel.refs import Ref
from notify import links
from notify.calendar import CalendarMeeting, Method, folded, request, unfolded
from notify.kinds import MeetingInvitation
from notify.messages import Invite, Recipient, tell
from notify.sinks.smtp import SmtpSink

MEETING = CalendarMeeting(
    uid="meeting-42@lienthong.mau.example",
    sequence=3,
    stamp=datetime(2026, 11, 20, 3, 0, tzinfo=UTC),
    start=datetime(2026, 11, 27, 14, 30, tzinfo=timezone(timedelta(hours=7))),
    end=datetime(2026, 11, 27, 16, 0, tzinfo=timezone(timedelta(hours=7))),
    summary="Họp giao ban; tình hình kinh tế, xã hội\\ tháng 11 của Thành phố Mẫu và nhiệm vụ trọng tâm tháng 12",
    location="Phòng họp số 2, trụ sở Ủy ban nhân dân",
    description="Nội dung:\n1. Báo cáo\n2. Thảo luận",
    organizer_name="Văn phòng Ủy ban nhân dân",
    organizer_email="hop-8f3a@mau.example",
    attendee_name='Nguyễn "Sáu" Thị; Bình',
    attendee_email="binh@mau.example",
)


def check_octets(ics: str, method: str) -> list[str]:
    """RFC 5545 §3.1: CRLF, 75 octets, no letter torn apart; answers the unfolded lines."""
    raw = ics.encode()
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    for line in raw.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # a torn letter is no UTF-8
    lines = raw.replace(b"\r\n ", b"").decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert f"METHOD:{method}" in lines
    return lines


def test_a_request_reads_back_as_it_was_meant() -> None:
    ics = request(MEETING)
    lines = check_octets(ics, "REQUEST")
    assert "DTSTART:20261127T073000Z" in lines
    assert "DTEND:20261127T090000Z" in lines
    calendar = Calendar.from_ical(ics)
    assert calendar["method"] == "REQUEST"
    [event] = calendar.walk("VEVENT")
    assert event["uid"] == MEETING.uid
    assert event["sequence"] == 3
    assert event["summary"] == MEETING.summary
    assert event["location"] == MEETING.location
    assert event["description"] == MEETING.description
    assert event.decoded("dtstart") == MEETING.start
    assert event["organizer"] == f"mailto:{MEETING.organizer_email}"
    assert event["attendee"] == f"mailto:{MEETING.attendee_email}"
    assert event["attendee"].params["CN"] == "Nguyễn 'Sáu' Thị; Bình"
    assert event["attendee"].params["RSVP"] == "TRUE"
    assert event["attendee"].params["PARTSTAT"] == "NEEDS-ACTION"
    assert event["status"] == "CONFIRMED"


def test_a_cancellation_has_the_same_uid_and_says_cancelled() -> None:
    ics = request(replace(MEETING, method=Method.CANCEL, sequence=4))
    check_octets(ics, "CANCEL")
    [event] = Calendar.from_ical(ics).walk("VEVENT")
    assert event["uid"] == MEETING.uid
    assert event["status"] == "CANCELLED"
    assert event["sequence"] == 4


def test_times_without_a_zone_or_an_end_before_the_start_are_refused() -> None:
    with pytest.raises(ValueError, match="ends after"):
        request(replace(MEETING, end=MEETING.start))
    with pytest.raises(ValueError, match="zone"):
        request(replace(MEETING, stamp=datetime(2026, 11, 20)))  # noqa: DTZ001 - the naive time is the case


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_text_makes_a_request_that_is_whole(text: str) -> None:
    ics = request(replace(MEETING, summary=text, attendee_name=text, location=text))
    check_octets(ics, "REQUEST")
    assert len(Calendar.from_ical(ics).walk("VEVENT")) == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_folding_is_undone_by_unfolding(text: str) -> None:
    ics = request(replace(MEETING, description=text))
    assert folded(unfolded(ics)).replace("\r\n ", "") == unfolded(ics)
    check_octets(folded(unfolded(ics)), "REQUEST")


def test_an_address_in_a_description_is_whole_when_the_request_leaves(
    db: Database, sending: Config, mail_sink: SmtpSink
) -> None:
    with db.write() as tx:
        link = links.make(tx, "meeting.answer", Ref("meeting", 1), person_id=None, expires_at=MEETING.end)
        words = MeetingInvitation("Họp", MEETING.start, MEETING.end, "P1", "", "VP", "", "", links.place(link))
        ics = request(
            replace(MEETING, description=f"Nội dung cuộc họp giao ban tháng này. Trả lời: {links.place(link)}")
        )
        to = Recipient("Bình", "binh@mau.example")
        tell(tx, words, to, ref=Ref("meeting", 1), invite=Invite("REQUEST", ics))
    drain(db)
    mail = message_from_string(mail_sink.journal.entries()[0]["raw"], policy=policy.default)
    [part] = [p for p in mail.walk() if p.get_content_type() == "text/calendar"]
    sent = part.get_payload(decode=True)
    assert isinstance(sent, bytes)
    check_octets(sent.decode(), "REQUEST")
    [event] = Calendar.from_ical(sent.decode()).walk("VEVENT")
    assert links.address(link, sending.signing_secret(), sending.base_url) in str(event["description"])
