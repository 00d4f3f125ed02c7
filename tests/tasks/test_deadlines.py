"""A typed deadline is read, or refused in words: never guessed."""

from datetime import datetime

import pytest

from kernel.clock import VN
from kernel.errors import Invalid
from tasks.deadlines import read
from tests.tasks.moments import MONDAY_9, at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11/12/2026 17:00", at(11, 17)),
        ("11/12/2026", at(11, 17)),
        ("17h30 ngày 11/12/2026", at(11, 17, 30)),
        ("17h, 11-12-2026", at(11, 17)),
        (" 9:05   11.12.2026 ", at(11, 9, 5)),
        ("8h ngay 1/1/2027", datetime(2027, 1, 1, 8, tzinfo=VN)),
    ],
)
def test_a_clear_deadline_is_read(text: str, expected: datetime) -> None:
    found = read(text, MONDAY_9)
    assert found is not None
    assert found.at == expected
    assert found.rule == " ".join(text.split())


def test_nothing_is_no_deadline() -> None:
    assert read("  ", MONDAY_9) is None


@pytest.mark.parametrize(
    "text",
    [
        "mai",
        "31/02/2027",
        "25:00 11/12/2026",
        "11/12/2025",
        "11/12",
        "7h 11/12/2026 8h",
        "11/12/2026 17:00 hoặc 18:00",
        "11/12/2206",
        "31/12/9999 23:59",
    ],
)
def test_what_is_unclear_impossible_past_or_too_far_is_asked(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text, MONDAY_9)
    assert set(refused.value.fields) == {"deadline"}
