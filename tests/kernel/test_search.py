"""Search finds with and without accents, newest first, and only in one's own scope."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from kernel import clock, search, words
from kernel.db import Database
from kernel.refs import Ref
from kernel.search import Place

pytestmark = pytest.mark.both_databases

MINE = Place("agency:1", "document")
START = datetime(2026, 11, 1, tzinfo=UTC)
SUBJECTS = [
    "V/v đào tạo cán bộ công chức năm 2026",
    "Dao động giá nhà ở xã hội",
    "Kế hoạch tổ chức Tết Nguyên đán Đinh Mùi 2027",
    "Quyết định về ngân sách nhà nước quý IV",
]


@pytest.fixture
def filled(db: Database) -> Database:
    with db.write() as tx:
        for place, subject in enumerate(SUBJECTS):
            search.put(tx, "agency:1", Ref("document", place), START + timedelta(days=place), subject, f"Số {place}/VP")
        search.put(tx, "agency:2", Ref("document", 9), START, "đào tạo của cơ quan khác")
    return db


def ids(db: Database, query: str, scope: str = "agency:1") -> list[int]:
    with db.read() as tx:
        for beginning in (False, True):
            if hits := search.find(tx, query, [Place(scope, "document")], beginning=beginning):
                return [hit.ref.id for hit in hits]
    return []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("dao", [1, 0]),
        ("đào", [0]),
        ("ngan sach", [3]),
        ("NGÂN sách", [3]),
        ("ke hoach tet", [2]),
        ("nguy", [2]),
        ("2/VP", [2]),
        ("không có", []),
        ("", []),
        ("'; DROP TABLE search_text; --", []),
        ('"*" OR NEAR(', []),
    ],
)
def test_it_finds_what_was_meant(filled: Database, query: str, found: list[int]) -> None:
    assert ids(filled, query) == found


def test_a_word_with_accents_is_a_word_and_not_the_beginning_of_another(db: Database) -> None:
    with db.write() as tx:
        search.put(tx, "agency:1", Ref("document", 1), START, "Tú Anh có tưởng tượng")
        search.put(tx, "agency:1", Ref("document", 2), START, "đầu tư công")
    assert ids(db, "tư") == [2]
    assert ids(db, "tưở") == [1]


@pytest.mark.parametrize("most", [0, 500])
def test_the_beginning_of_the_last_word_is_enough_however_many_words_begin_so(
    filled: Database, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(words, "MOST", most)
    assert ids(filled, "can b") == [0]
    assert ids(filled, "cán b") == [0]
    assert ids(filled, "công chứ") == [0]
    assert ids(filled, "cong chứa") == []
    assert ids(filled, "không có mà ngâ") == []


def test_words_of_a_text_that_was_not_stored_are_learnt_with_the_next_one(db: Database) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), db.write() as tx:
            search.put(tx, "agency:1", Ref("document", 1), START, "khiếu nại")
            raise ZeroDivisionError
    assert ids(db, "khiế") == []
    with db.write() as tx:
        search.put(tx, "agency:1", Ref("document", 1), START, "khiếu nại " + "x" * 5000)
    assert ids(db, "khiế") == [1]
    assert ids(db, "khiếu nạ") == [1]


def test_hits_of_all_times_come_newest_first_page_by_page(db: Database) -> None:
    ages = [0, 1, 40, 70, 200, 250, 500, 900, 2500]
    with db.write() as tx:
        for place, days in enumerate(ages):
            search.put(tx, "agency:1", Ref("document", place), clock.now() - timedelta(days=days), "ngân sách")
        search.put(tx, "agency:1", Ref("document", 99), clock.now() + timedelta(hours=30), "ngân sách năm sau")
    assert ids(db, "ngân sách") == [99, *range(len(ages))]
    with db.read() as tx:
        pages, before = [], None
        while hits := search.find(tx, "ngan sach", [MINE], limit=2, before=before):
            pages.append([hit.ref.id for hit in hits])
            before = hits[-1].at
    assert pages == [[99, 0], [1, 2], [3, 4], [5, 6], [7, 8]]


def test_an_audience_finds_what_stands_in_a_scope_of_its_own(db: Database) -> None:
    with db.write() as tx:
        search.put(tx, "papers", Ref("dispatch", 5), START, "phụ lục", audience=["received:1", "received:12"])
    with db.read() as tx:
        found = {
            scope: [hit.ref.id for hit in search.find(tx, "phụ lục", [Place(scope, "dispatch")])]
            for scope in ("papers", "received:1", "received:12", "received:2", "sent:1")
        }
    assert found == {"papers": [5], "received:1": [5], "received:12": [5], "received:2": [], "sent:1": []}


def test_the_ids_that_count_narrow_the_hits(filled: Database) -> None:
    with filled.read() as tx:
        wanted = sa.select(sa.literal(0)).union_all(sa.select(sa.literal(3)))
        found = search.find(tx, "dao", [Place("agency:1", "document", sa.select(wanted.subquery()))])
    assert [hit.ref.id for hit in found] == [0]


def test_nobody_finds_what_belongs_to_others(filled: Database) -> None:
    assert ids(filled, "đào tạo", "agency:2") == [9]


def test_a_changed_text_is_found_by_its_new_words_only(filled: Database) -> None:
    with filled.write() as tx:
        search.put(tx, "agency:1", Ref("document", 0), START, "Thông báo nghỉ lễ")
        search.remove(tx, Ref("document", 1))
    assert ids(filled, "dao") == []
    assert ids(filled, "nghi le") == [0]
