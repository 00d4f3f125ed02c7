"""What an invitation says on each face, and where its link leads before and after the answer."""

from datetime import timedelta
from typing import Any

import icalendar
import sqlalchemy as sa
from flask import Flask

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.storage.blobs import Blob
from meetings import audiences, convening, planning
from meetings.audiences import AudienceFacts
from meetings.letters import Letters
from meetings.models import Participant
from meetings.planning import PaperFile
from meetings.states import Audience
from notify import links
from notify.models import Link, Message
from tests.cast import Cast
from tests.meetings import stage as at
from tests.web.people import sign_in


def mail_to(db: Database, person_id: int) -> Message:
    with db.read() as tx:
        query = sa.select(Message).where(
            Message.person_id == person_id, Message.kind == "meeting.invitation", Message.channel == "email"
        )
        return tx.session.scalars(query).one()


def event_of(ics: str) -> Any:
    (event,) = icalendar.Calendar.from_ical(ics).walk("VEVENT")
    return event


def address_of(db: Database, config: Config, person_id: int) -> str:
    with db.read() as tx:
        link = tx.session.scalars(sa.select(Link).where(Link.person_id == person_id)).one()
        return f"/l/{links.token(link, config.signing_secret())}"


def test_mail_and_calendar_tell_position_agenda_papers_and_where_to_answer(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.write(cast.thu.by) as tx:
        file = PaperFile("Báo cáo quý", Blob("ab" * 32, 4096), 3)
        planning.add_paper(tx, cast.thu, stage.id, stage.items[0], file)
        convening.convene(tx, cast.thu, stage.id)
    mail = mail_to(db, cast.lan.person_id)
    with db.read() as tx:
        lan = tx.session.get_one(Participant, stage.people["lan"])
        link = tx.session.scalars(sa.select(Link).where(Link.person_id == cast.lan.person_id)).one()
    description = str(event_of(mail.calendar)["description"])
    for face in (mail.text, mail.html, description):
        assert all(title in face for title in at.TITLES)
        assert "09:20 Phương án chống ngập" in face
        assert "Báo cáo quý" in face
        assert links.place(link) in face
    assert f"{lan.name}, {lan.position}, {lan.agency}" in mail.text
    assert "xin không trả lời" not in mail.text + mail.html
    assert "nút trả lời của lịch" in mail.text


def test_nobody_asks_who_leads_the_meeting(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    for leading in (cast.binh, cast.thu):
        mail = mail_to(db, leading.person_id)
        attendee = event_of(mail.calendar)["attendee"]
        assert (attendee.params["PARTSTAT"], attendee.params["RSVP"]) == ("ACCEPTED", "FALSE")
        assert not mail.link_ids
        assert "Trả lời dự họp" not in mail.text
    attendee = event_of(mail_to(db, cast.lan.person_id).calendar)["attendee"]
    assert (attendee.params["PARTSTAT"], attendee.params["RSVP"]) == ("NEEDS-ACTION", "TRUE")
    assert "Câu trả lời của tôi" not in sign_in(app, "binh").get(f"/meetings/{stage.id}").text
    assert "Câu trả lời của tôi" in sign_in(app, "lan").get(f"/meetings/{stage.id}").text


def test_letters_and_calendars_name_no_confidential_point(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.write(cast.thu.by) as tx:
        chosen = frozenset({stage.people["lan"]})
        for item, kind in zip(stage.items, (Audience.CLOSED, Audience.HIDDEN), strict=False):
            audiences.change_audience(tx, cast.thu, stage.id, item, AudienceFacts(kind, chosen))
        convening.convene(tx, cast.thu, stage.id)
    mail = mail_to(db, cast.lan.person_id)
    for face in (mail.text, mail.html, str(event_of(mail.calendar)["description"])):
        assert "Nội dung kín" in face
        assert at.TITLES[0] not in face
        assert at.TITLES[1] not in face
        assert at.TITLES[2] in face


def test_the_page_of_the_link_leads_on_and_still_shows_no_agenda(
    app: Flask, db: Database, cast: Cast, config: Config
) -> None:
    stage = at.convened(db, cast)
    address = address_of(db, config, cast.lan.person_id)
    guest = app.test_client()
    assert guest.post(address, data={"answer": "yes"}).status_code == 303
    page = guest.get(address).text
    assert "Đã ghi nhận: dự họp." in page
    for way in (f"/meetings/{stage.id}", f"/meetings/{stage.id}/room", f"{address}/calendar.ics"):
        assert f'href="{way}"' in page
    file = guest.get(f"{address}/calendar.ics")
    event = event_of(file.text)
    meeting = at.meeting(db, stage)
    assert (event["UID"], event["DTSTART"].dt, event["LOCATION"]) == (meeting.uid, meeting.starts_at, meeting.place)
    assert file.headers["Cache-Control"] == "no-store"
    for shown in (page, file.text):
        assert not any(title in shown for title in at.TITLES)


def test_the_file_for_a_calendar_has_the_agenda_for_who_signed_in(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    file = sign_in(app, "lan").get(f"/meetings/{stage.id}/calendar.ics")
    assert file.mimetype == "text/calendar"
    event = event_of(file.text)
    assert at.TITLES[0] in event["description"]
    assert event["url"].endswith(f"/meetings/{stage.id}")
    assert "⟦" not in file.text
    assert sign_in(app, "oanh").get(f"/meetings/{stage.id}/calendar.ics").status_code == 404


def test_the_link_of_a_cancelled_meeting_says_cancelled_also_after_its_time(
    app: Flask, db: Database, cast: Cast, config: Config
) -> None:
    stage = at.convened(db, cast)
    address = address_of(db, config, cast.lan.person_id)
    with db.write(cast.thu.by) as tx:
        convening.cancel(tx, cast.thu, stage.id, "Chủ trì đi công tác")
    guest = app.test_client()
    live = guest.get(address)
    with clock.frozen(clock.now() + timedelta(days=4)):
        dead = guest.get(address)
    assert (live.status_code, dead.status_code) == (200, 410)
    for page in (live.text, dead.text):
        assert "<h1>Cuộc họp đã hủy</h1>" in page
        assert "Chủ trì đi công tác" in page
    assert "Thêm vào lịch" not in live.text
    assert guest.get(f"{address}/calendar.ics").status_code == 404


def test_the_link_after_the_meeting_and_of_who_was_taken_off_say_why(
    app: Flask, db: Database, cast: Cast, config: Config
) -> None:
    stage = at.convened(db, cast)
    guest = app.test_client()
    with db.write(cast.thu.by) as tx:
        convening.drop_person(tx, cast.thu, stage.id, stage.people["nam"])
    assert "Danh sách dự họp đã thay đổi" in guest.get(address_of(db, config, cast.nam.person_id)).text
    with clock.frozen(clock.now() + timedelta(days=4)):
        page = guest.get(address_of(db, config, cast.lan.person_id)).text
    assert "Cuộc họp đã qua" in page
    assert at.meeting(db, stage).title not in page


def test_who_became_the_chair_is_not_asked_by_the_link_they_have(
    app: Flask, db: Database, cast: Cast, config: Config
) -> None:
    stage = at.convened(db, cast)
    before = at.meeting(db, stage)
    same = {"starts_at": before.starts_at, "ends_at": before.ends_at}
    with db.write(cast.thu.by) as tx:
        convening.change(tx, cast.thu, stage.id, at.facts(cast, chair_id=cast.lan.person_id, **same), before.rev)
    page = app.test_client().get(address_of(db, config, cast.lan.person_id)).text
    assert "không cần trả lời" in page
    assert "<form" not in page


def test_what_a_person_will_get_can_be_seen_while_the_meeting_is_a_draft(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.read() as tx:
        letters = Letters(tx, at.meeting(db, stage))
        seen = {n: letters.preview(tx.session.get_one(Participant, stage.people[n])) for n in ("lan", "phuc", "binh")}
    assert all(at.TITLES[0] in one.mail.text for one in seen.values())
    assert "khách mời" in seen["phuc"].mail.text
    assert "do đồng chí chủ trì" in seen["binh"].mail.text
    assert seen["lan"].segments <= 2
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Link)) == 0
