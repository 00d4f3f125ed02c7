"""Search finds with and without accents, newest first, and only in one's own scope."""

from datetime import UTC, datetime, timedelta

import pytest

from kernel import search
from kernel.db import Database
from kernel.refs import Ref

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
        return [hit.ref.id for hit in search.find(tx, query, scopes=[scope], kinds=["document"])]


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


def test_nobody_finds_what_belongs_to_others(filled: Database) -> None:
    assert ids(filled, "đào tạo", "agency:2") == [9]


def test_a_changed_text_is_found_by_its_new_words_only(filled: Database) -> None:
    with filled.write() as tx:
        search.put(tx, "agency:1", Ref("document", 0), START, "Thông báo nghỉ lễ")
        search.remove(tx, Ref("document", 1))
    assert ids(filled, "dao") == []
    assert ids(filled, "nghi le") == [0]
