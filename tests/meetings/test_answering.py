"""Answers by the link of a message and on the page."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from kernel.streams import StreamEvent
from meetings import answering, convening, holding, queries, snapshots
from meetings.answering import Reply
from meetings.models import Participant
from meetings.states import Answer
from notify import links
from notify.models import Link
from tests.cast import Cast
from tests.meetings import stage as at

SECRET = "a secret of this test"


def link_of(db: Database, person_id: int) -> str:
    with db.read() as tx:
        link = tx.session.scalars(sa.select(Link).where(Link.person_id == person_id)).one()
        return links.token(link, SECRET)


def press(db: Database, token: str, **form: str) -> None:
    with db.write("link") as tx:
        found = links.find(tx, token, SECRET)
        assert found is not None
        links.act(tx, found.link, form)


def place(db: Database, participant_id: int) -> Participant:
    with db.read() as tx:
        return tx.session.get_one(Participant, participant_id)


def test_the_link_shows_title_time_and_place_and_nothing_else(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.read() as tx:
        found = links.find(tx, link_of(db, cast.lan.person_id), SECRET)
        assert found is not None
        page = links.purposes[found.link.purpose].page(tx, found.link)
    meeting = at.meeting(db, stage)
    assert page.title == meeting.title
    assert [label.vi for label, _ in page.facts] == ["Thời gian", "Địa điểm"]
    assert page.facts[1][1] == meeting.place


def test_an_answer_through_the_link_is_kept_once(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    token = link_of(db, cast.lan.person_id)
    for _ in range(2):
        press(db, token, answer="yes")
    assert place(db, stage.people["lan"]).answer == Answer.YES
    with db.read() as tx:
        told = tx.session.scalar(
            sa.select(sa.func.count()).where(
                StreamEvent.stream == f"meeting:{stage.id}/desk", StreamEvent.kind == "answer"
            )
        )
    assert told == 1


def test_looking_at_the_link_changes_nothing(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    token = link_of(db, cast.lan.person_id)
    for _ in range(3):
        with db.read() as tx:  # a read transaction that wrote would raise
            found = links.find(tx, token, SECRET)
            assert found is not None
            links.purposes[found.link.purpose].page(tx, found.link)
    assert place(db, stage.people["lan"]).answered_at is None


def test_a_no_needs_a_reason_and_a_substitute_a_name_and_a_true_phone(db: Database, cast: Cast) -> None:
    at.convened(db, cast)
    token = link_of(db, cast.lan.person_id)
    wrong = [
        ({}, {"answer"}),
        ({"answer": "maybe"}, {"answer"}),
        ({"answer": "no"}, {"reason"}),
        ({"answer": "no", "reason": "x" * 501}, {"reason"}),
        ({"answer": "substitute"}, {"substitute_name"}),
        ({"answer": "substitute", "substitute_name": "Trần Văn Ví", "substitute_phone": "12"}, {"substitute_phone"}),
    ]
    for form, fields in wrong:
        with pytest.raises(Invalid) as refusal:
            press(db, token, **form)
        assert set(refusal.value.fields) == fields


def test_a_changed_mind_replaces_the_answer_and_its_words(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    token = link_of(db, cast.lan.person_id)
    press(
        db,
        token,
        answer="substitute",
        substitute_name="Trần Văn Ví",
        substitute_position="Chuyên viên",
        substitute_phone="0912 345 678",
    )
    known = place(db, stage.people["lan"])
    assert (known.substitute_name, known.substitute_phone) == ("Trần Văn Ví", "+84912345678")
    press(db, token, answer="no", reason="Bận họp khác", substitute_name="Trần Văn Ví")
    known = place(db, stage.people["lan"])
    assert (known.answer, known.reason, known.substitute_name) == (Answer.NO, "Bận họp khác", "")


def test_what_somebody_wrote_is_for_the_desk_only(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    press(db, link_of(db, cast.lan.person_id), answer="no", reason="Lý do riêng")
    with db.read() as tx:
        desk = {p.id: p for p in queries.page(tx, cast.thu, stage.id).people}
        other = {p.id: p for p in queries.page(tx, cast.nam, stage.id).people}
        public = tx.session.scalars(sa.select(StreamEvent).where(StreamEvent.stream == f"meeting:{stage.id}"))
        assert "Lý do riêng" not in str([event.data for event in public])
        assert "Lý do riêng" not in str(snapshots.snapshot(tx, cast.nam, stage.id))
        assert "Lý do riêng" in str(snapshots.snapshot(tx, cast.thu, stage.id))
    assert desk[stage.people["lan"]].reason == "Lý do riêng"
    assert other[stage.people["lan"]].reason == ""
    assert other[stage.people["lan"]].answer == Answer.NO


def test_the_link_is_dead_after_the_meeting(db: Database, cast: Cast) -> None:
    at.convened(db, cast)
    token = link_of(db, cast.lan.person_id)
    with clock.frozen(clock.now() + timedelta(days=4)), db.read() as tx:
        found = links.find(tx, token, SECRET)
    assert found is not None
    assert not found.live


def test_a_closed_or_cancelled_meeting_takes_no_answer(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        holding.close(tx, cast.binh, stage.id)
    with pytest.raises(WrongState):
        press(db, link_of(db, cast.lan.person_id), answer="yes")
    with db.read() as tx:
        found = links.find(tx, link_of(db, cast.lan.person_id), SECRET)
        assert found is not None
        assert links.purposes["meeting.answer"].page(tx, found.link).done is not None


def test_the_link_of_who_was_taken_off_the_list_finds_nothing(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    token = link_of(db, cast.lan.person_id)
    with db.write() as tx:
        convening.drop_person(tx, cast.thu, stage.id, stage.people["lan"])
    with pytest.raises(NotFound):
        press(db, token, answer="yes")


def test_a_signed_in_participant_answers_on_the_page_and_others_cannot(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        answering.answer(tx, cast.nam, stage.id, Reply(Answer.YES))
    with pytest.raises(NotFound), db.write() as tx:
        answering.answer(tx, cast.oanh, stage.id, Reply(Answer.YES))
    assert place(db, stage.people["nam"]).answer == Answer.YES


def test_an_agency_secretary_without_a_place_cannot_answer(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    from dataclasses import replace

    from directory.actor import Role

    colleague = replace(cast.ha, roles=frozenset({Role.SECRETARY}))
    with pytest.raises(Forbidden), db.write() as tx:
        answering.answer(tx, colleague, stage.id, Reply(Answer.YES))
