"""Inviting, moving and calling off a meeting: what leaves, to whom, in which version."""

from collections import Counter
from datetime import timedelta
from typing import Any

import icalendar
import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, Stale, WrongState
from meetings import answering, convening, dashboard, planning, queries
from meetings.answering import AnswerLink, Reply
from meetings.models import Participant
from meetings.planning import ItemFacts
from meetings.states import Answer, MeetingState
from notify import links
from notify.models import Link, Message
from tests.cast import Cast
from tests.meetings import stage as at


def letters(db: Database, kind: str, channel: str = "email") -> list[Message]:
    with db.read() as tx:
        query = sa.select(Message).where(Message.kind == kind, Message.channel == channel).order_by(Message.id)
        return list(tx.session.scalars(query))


def event_of(message: Message) -> Any:
    (event,) = icalendar.Calendar.from_ical(message.calendar).walk("VEVENT")
    return event


def test_each_of_six_people_gets_one_mail_and_one_sms(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.read() as tx:
        sent = Counter(tx.session.scalars(sa.select(Message.person_id).where(Message.channel == "email")))
        texts = Counter(tx.session.scalars(sa.select(Message.person_id).where(Message.channel == "sms")))
    people = {getattr(cast, name).person_id for name in stage.people}
    assert sent == texts == dict.fromkeys(people, 1)


def test_the_calendar_request_says_what_the_meeting_says(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    meeting = at.meeting(db, stage)
    for message in letters(db, "meeting.invitation"):
        assert message.calendar_method == "REQUEST"
        assert "METHOD:REQUEST" in message.calendar
        event = event_of(message)
        assert event["UID"] == meeting.uid
        assert event["SEQUENCE"] == 0
        assert event["DTSTART"].dt == meeting.starts_at
        assert event["DTEND"].dt == meeting.ends_at
        assert event["SUMMARY"] == meeting.title
        assert event["LOCATION"] == meeting.place
        assert str(event["ATTENDEE"]) == f"mailto:{message.address}"


def test_pressing_twice_invites_nobody_twice(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        assert convening.convene(tx, cast.thu, stage.id) == []
    assert len(letters(db, "meeting.invitation")) == 6


def test_who_is_added_later_is_invited_later(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        planning.add_people(tx, cast.thu, stage.id, [cast.oanh.person_id])
    with db.write() as tx:
        assert [p.person_id for p in convening.convene(tx, cast.thu, stage.id)] == [cast.oanh.person_id]
    assert len(letters(db, "meeting.invitation")) == 7


def test_an_empty_agenda_or_nobody_invited_is_refused_with_words(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        meeting_id = planning.plan(tx, cast.thu, at.facts(cast)).id
    with pytest.raises(Invalid) as refusal, db.write() as tx:
        convening.convene(tx, cast.thu, meeting_id)
    assert set(refusal.value.fields) == {"agenda", "people"}
    assert letters(db, "meeting.invitation") == []


def test_a_meeting_whose_time_passed_while_it_was_a_draft_is_not_convened(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with clock.frozen(clock.now() + timedelta(days=4)), pytest.raises(Invalid) as refusal, db.write() as tx:
        convening.convene(tx, cast.thu, stage.id)
    assert list(refusal.value.fields) == ["starts_at"]


def test_a_new_time_is_the_next_sequence_of_the_same_uid_and_asks_again(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        answering.answer(tx, cast.lan, stage.id, Reply(Answer.YES))
    _delivered(db)
    before = at.meeting(db, stage)
    later = before.starts_at + timedelta(days=1)
    with db.write() as tx:
        changed = at.facts(cast, starts_at=later, ends_at=later + timedelta(hours=1))
        convening.change(tx, cast.thu, stage.id, changed, before.rev)
    mails = letters(db, "meeting.changed")
    assert len(mails) == 6
    assert {(e["UID"], e["SEQUENCE"], e["DTSTART"].dt) for e in map(event_of, mails)} == {(before.uid, 1, later)}
    with db.read() as tx:
        lan = tx.session.get_one(Participant, stage.people["lan"])
        expiries = set(tx.session.scalars(sa.select(Link.expires_at)))
    assert lan.answer == Answer.NONE
    assert expiries == {later + timedelta(hours=1)}


def test_a_new_place_keeps_the_answers(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        answering.answer(tx, cast.lan, stage.id, Reply(Answer.YES))
    before = at.meeting(db, stage)
    with db.write() as tx:
        same = {"starts_at": before.starts_at, "ends_at": before.ends_at}
        convening.change(tx, cast.thu, stage.id, at.facts(cast, place="Hội trường B", **same), before.rev)
    with db.read() as tx:
        assert tx.session.get_one(Participant, stage.people["lan"]).answer == Answer.YES


def test_an_invitation_that_had_not_left_is_replaced_by_one_of_the_new_version(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    before = at.meeting(db, stage)
    with db.write() as tx:
        convening.change(tx, cast.thu, stage.id, at.facts(cast, place="Hội trường B"), before.rev)
    invitations = letters(db, "meeting.invitation")
    assert Counter(m.state for m in invitations) == {"cancelled": 6, "waiting": 6}
    assert letters(db, "meeting.changed") == []
    assert {event_of(m)["SEQUENCE"] for m in invitations if m.state == "waiting"} == {1}


def test_saving_without_a_change_sends_nothing(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    before = at.meeting(db, stage)
    same = {"starts_at": before.starts_at, "ends_at": before.ends_at}
    with db.write() as tx:
        convening.change(tx, cast.thu, stage.id, at.facts(cast, **same), before.rev)
    assert at.meeting(db, stage).sequence == 0


def test_two_secretaries_who_change_at_once_do_not_overwrite_each_other(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with pytest.raises(Stale), db.write() as tx:
        convening.change(tx, cast.thu, stage.id, at.facts(cast, place="B"), rev=1)


def test_a_cancelled_meeting_leaves_the_calendars_and_its_links_say_so(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with pytest.raises(Invalid), db.write() as tx:
        convening.cancel(tx, cast.thu, stage.id, " ")
    with db.write() as tx:
        convening.cancel(tx, cast.thu, stage.id, "Chủ trì đi công tác đột xuất")
    mails = letters(db, "meeting.cancelled")
    assert len(mails) == 6
    for message in mails:
        event = event_of(message)
        assert (message.calendar_method, event["STATUS"], event["SEQUENCE"]) == ("CANCEL", "CANCELLED", 1)
        assert event["UID"] == at.meeting(db, stage).uid
    with db.read() as tx:
        for link in tx.session.scalars(sa.select(Link)):
            page = AnswerLink().page(tx, link)
            assert page.done is not None
            assert page.done.vi == "Cuộc họp đã hủy, không cần trả lời nữa. Lý do: Chủ trì đi công tác đột xuất"
    with pytest.raises(WrongState), db.write() as tx:
        AnswerLink().act(tx, link, {"answer": "yes"})
    with pytest.raises(WrongState), db.write() as tx:
        convening.convene(tx, cast.thu, stage.id)


def test_who_is_taken_off_the_list_is_told(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        convening.drop_person(tx, cast.thu, stage.id, stage.people["lan"])
    assert [m.person_id for m in letters(db, "meeting.cancelled")] == [cast.lan.person_id]
    with pytest.raises(Invalid), db.write() as tx:
        convening.drop_person(tx, cast.thu, stage.id, stage.people["binh"])


def test_a_new_chair_takes_the_chair_and_the_old_one_stays(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    before = at.meeting(db, stage)
    same = {"starts_at": before.starts_at, "ends_at": before.ends_at}
    with db.write() as tx:
        convening.change(tx, cast.thu, stage.id, at.facts(cast, chair_id=cast.son.person_id, **same), before.rev)
    with db.read() as tx:
        roles = {p.person_id: p.role for p in queries.page(tx, cast.thu, stage.id).people}
    assert roles[cast.son.person_id] == "chair"
    assert roles[cast.binh.person_id] == "delegate"


def test_the_desk_sees_each_message_and_delegates_do_not(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.read() as tx:
        desk = queries.page(tx, cast.thu, stage.id)
        delegate = queries.page(tx, cast.lan, stage.id)
    assert all([m.channel for m in p.messages] == ["email", "sms"] for p in desk.people)
    assert not any(p.messages for p in delegate.people)


def test_only_the_desk_convenes(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with pytest.raises(Forbidden), db.write() as tx:
        convening.convene(tx, cast.lan, stage.id)
    with db.write() as tx:
        planning.add_item(tx, cast.thu, stage.id, ItemFacts("Thêm"))
    assert at.meeting(db, stage).state == MeetingState.CONVENED


def _delivered(db: Database) -> None:
    with db.write() as tx:
        tx.session.execute(sa.update(Message).values(state="handed"))


def test_the_sms_of_an_invitation_is_short_and_its_link_is_filled_in_late(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.read() as tx:
        _text, segments = queries.sms_preview(tx, at.meeting(db, stage))
        (link,) = tx.session.scalars(sa.select(Link).where(Link.person_id == cast.lan.person_id))
    assert segments <= 2
    (sms,) = (m for m in letters(db, "meeting.invitation", "sms") if m.person_id == cast.lan.person_id)
    assert links.place(link) in sms.text


def test_a_meeting_that_was_called_off_stands_among_what_comes_until_its_time(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        convening.cancel(tx, cast.thu, stage.id, "Chủ trì đi công tác đột xuất")
    with db.read() as tx:
        lists = queries.my_meetings(tx, cast.lan)
    assert [(row.id, row.can_join) for row in lists.upcoming] == [(stage.id, False)]
    assert (lists.to_answer, lists.past) == ([], [])
    with clock.frozen(clock.now() + timedelta(days=4)), db.read() as tx:
        lists = queries.my_meetings(tx, cast.lan)
    assert [row.id for row in lists.past] == [stage.id]
    assert lists.upcoming == []


def test_a_draft_that_was_dropped_is_nobodys_but_the_desks(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.write() as tx:
        convening.cancel(tx, cast.thu, stage.id, "")
    with db.read() as tx:
        assert [row.id for row in queries.my_meetings(tx, cast.thu).past] == [stage.id]
        assert queries.my_meetings(tx, cast.lan).past == []
        with pytest.raises(NotFound):
            queries.page(tx, cast.lan, stage.id)


def test_nobody_asks_the_chair_and_the_secretary_whether_they_come(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    before = at.meeting(db, stage)
    later = before.starts_at + timedelta(days=1)
    with db.write() as tx:
        changed = at.facts(cast, starts_at=later, ends_at=later + timedelta(hours=1), chair_id=cast.lan.person_id)
        convening.change(tx, cast.thu, stage.id, changed, before.rev)
    with db.read() as tx:
        answers = {p.person_id: p.answer for p in convening.participants_of(tx, stage.id)}
        assert dashboard.to_answer(tx, cast.thu) is None
    assert {i for i, answer in answers.items() if answer == Answer.YES} == {cast.thu.person_id, cast.lan.person_id}
