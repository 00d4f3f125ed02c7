"""The secretary builds a meeting."""

from datetime import UTC, datetime, timedelta

import pytest

from kernel import clock
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, Stale
from kernel.storage.blobs import Blob
from meetings import convening, planning, queries
from meetings.planning import ItemFacts, PaperFile
from meetings.states import MeetingKind, Role
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.papers import pdf

MOST = 5_000_000


def test_a_secretary_plans_and_the_chair_and_the_secretary_are_seated(db: Database, cast: Cast) -> None:
    with db.write(cast.thu.by) as tx:
        meeting = planning.plan(tx, cast.thu, at.facts(cast))
        seated = [(p.person_id, p.role) for p in convening.participants_of(tx, meeting.id)]
    assert seated == [(cast.binh.person_id, Role.CHAIR), (cast.thu.person_id, Role.SECRETARY)]


def test_who_is_no_secretary_cannot_plan(db: Database, cast: Cast) -> None:
    with pytest.raises(Forbidden), db.write() as tx:
        planning.plan(tx, cast.lan, at.facts(cast))


def test_a_draft_is_not_seen_by_its_participants_nor_by_strangers(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.read() as tx:
        for actor in (cast.lan, cast.oanh, None):
            with pytest.raises(NotFound):
                queries.page(tx, actor, stage.id)
        assert queries.page(tx, cast.binh, stage.id).desk


def test_wrong_facts_are_named(db: Database, cast: Cast) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({"title": "  "}, "title"),
        ({"title": "ữ" * 501}, "title"),
        ({"place": ""}, "place"),
        ({"place": "x" * 201}, "place"),
        ({"kind": MeetingKind.ONLINE}, "online_url"),
        ({"kind": MeetingKind.HYBRID, "online_url": "javascript:alert(1)"}, "online_url"),
        ({"kind": MeetingKind.HYBRID, "online_url": "https://[bad"}, "online_url"),
        ({"chair_id": None}, "chair_id"),
        ({"chair_id": 999_999}, "chair_id"),
        ({"starts_at": None}, "starts_at"),
        ({"ends_at": None}, "ends_at"),
    ]
    for changes, field in wrong:
        with pytest.raises(Invalid) as refusal, db.write() as tx:
            planning.plan(tx, cast.thu, at.facts(cast, **changes))
        assert set(refusal.value.fields) == {field}


def test_times_in_the_past_and_ends_before_starts_are_named(db: Database, cast: Cast) -> None:
    now = clock.now()
    past = at.facts(cast, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1))
    backwards = at.facts(cast, starts_at=now + timedelta(hours=2), ends_at=now + timedelta(hours=1))
    endless = at.facts(cast, starts_at=now + timedelta(hours=2), ends_at=now + timedelta(days=9))
    end_of_days = datetime(9999, 6, 1, tzinfo=UTC)
    far = at.facts(cast, starts_at=end_of_days, ends_at=end_of_days + timedelta(hours=1))
    for facts, field in ((past, "starts_at"), (far, "starts_at"), (backwards, "ends_at"), (endless, "ends_at")):
        with pytest.raises(Invalid) as refusal, db.write() as tx:
            planning.plan(tx, cast.thu, facts)
        assert list(refusal.value.fields) == [field]


def test_a_title_of_500_letters_in_decomposed_form_is_kept_composed(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        meeting = planning.plan(tx, cast.thu, at.facts(cast, title="u\u031b\u0303" * 500))
        assert meeting.title == "ữ" * 500


def test_the_agenda_is_reordered_by_the_full_list(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    first, second, third = stage.items
    with db.write() as tx:
        planning.reorder(tx, cast.thu, stage.id, [third, first, second])
    with db.read() as tx:
        assert [item.id for item in queries.page(tx, cast.thu, stage.id).items] == [third, first, second]


def test_an_order_with_other_items_is_stale_and_says_what_stands(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    for broken in ([], [1], [stage.items[0]] * 3):
        with pytest.raises(Stale) as refusal, db.write() as tx:
            planning.reorder(tx, cast.thu, stage.id, broken)
        assert refusal.value.current["item_order"] == list(stage.items)


def test_an_item_is_rewritten_unless_somebody_else_did(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.write() as tx:
        planning.change_item(tx, cast.thu, stage.id, stage.items[0], ItemFacts("Mới", "Lan", 5), rev=1)
    with pytest.raises(Stale) as refusal, db.write() as tx:
        planning.change_item(tx, cast.binh, stage.id, stage.items[0], ItemFacts("Khác", "Lan", 5), rev=1)
    assert refusal.value.current["title"] == "Mới"


def test_an_item_takes_between_1_and_600_minutes(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    for minutes in (0, -3, 601, None):
        with pytest.raises(Invalid) as refusal, db.write() as tx:
            planning.add_item(tx, cast.thu, stage.id, ItemFacts("Một việc", "", minutes))
        assert list(refusal.value.fields) == ["minutes"]


def test_an_item_of_another_meeting_is_not_found(db: Database, cast: Cast) -> None:
    stage, other = at.planned(db, cast), at.planned(db, cast)
    with pytest.raises(NotFound), db.write() as tx:
        planning.drop_item(tx, cast.thu, stage.id, other.items[0])


def test_a_dropped_item_leaves_the_order(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.write() as tx:
        planning.drop_item(tx, cast.thu, stage.id, stage.items[1])
    with db.read() as tx:
        numbers = [(item.id, item.number) for item in queries.page(tx, cast.thu, stage.id).items]
    assert numbers == [(stage.items[0], 1), (stage.items[2], 2)]


def test_a_paper_gets_versions_and_old_ones_are_hidden(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.write() as tx:
        first = planning.add_paper(tx, cast.thu, stage.id, stage.items[0], _file("Báo cáo", "a"))
    with db.write() as tx:
        second = planning.add_paper(tx, cast.thu, stage.id, stage.items[0], _file("Báo cáo", "b"), replaces=first.id)
    with db.read() as tx:
        papers = queries.page(tx, cast.thu, stage.id).items[0].papers
    assert [(p.id, p.version) for p in papers] == [(second.id, 2)]
    with pytest.raises(Stale), db.write() as tx:
        planning.add_paper(tx, cast.thu, stage.id, stage.items[0], _file("Báo cáo", "c"), replaces=first.id)
    with db.write() as tx:
        planning.drop_paper(tx, cast.thu, stage.id, second.id)
    with db.read() as tx:
        assert queries.page(tx, cast.thu, stage.id).items[0].papers == []


def _file(title: str, letter: str) -> PaperFile:
    return PaperFile(title, Blob(letter * 64, 1000), 2)


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7\nbroken", b"PK\x03\x04docx", b"%PDF-1.4\n%%EOF"])
def test_what_is_no_readable_pdf_is_refused_with_words(data: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        planning.read_paper(data, MOST)
    assert list(refusal.value.fields) == ["file"]


def test_a_pdf_with_a_password_is_refused_and_a_plain_one_counted() -> None:
    with pytest.raises(Invalid):
        planning.read_paper(pdf(1, password="x"), MOST)
    assert planning.read_paper(pdf(3), MOST) == 3


def test_people_are_seated_once(db: Database, cast: Cast) -> None:
    stage = at.planned(db, cast)
    with db.write() as tx:
        added = planning.add_people(tx, cast.thu, stage.id, [cast.lan.person_id, cast.oanh.person_id])
        assert [p.name for p in added] == [cast.oanh.name]
    with pytest.raises(Invalid), db.write() as tx:
        planning.add_people(tx, cast.thu, stage.id, [999_999])
    with pytest.raises(Invalid), db.write() as tx:
        planning.add_people(tx, cast.thu, stage.id, [])


def test_a_delegate_cannot_build(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with pytest.raises(Forbidden), db.write() as tx:
        planning.reorder(tx, cast.lan, stage.id, list(stage.items))
