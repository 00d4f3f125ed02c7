"""Numbers without gaps and without doubles, also when many ask at once."""

import threading
from datetime import UTC, datetime

import pytest

from docex.documents import numbering
from docex.documents.models import BookNumber, Series
from kernel import clock
from kernel.db import Database
from kernel.refs import Ref
from tests.cast import Cast


def test_many_who_ask_at_once_get_neighbours(db: Database, cast: Cast) -> None:
    taken: list[int] = []

    def ask(first: int) -> None:
        for holder in range(first, first + 5):
            with db.write("person:1") as tx:
                entry = numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2026, Ref("document", holder))
                numbering.use(tx, entry.book_id, entry.number)
            taken.append(entry.number)

    threads = [threading.Thread(target=ask, args=(n * 10 + 1,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 41))


def test_a_write_that_fails_leaves_no_gap(db: Database, cast: Cast) -> None:
    with pytest.raises(ZeroDivisionError), db.write("person:1") as tx:
        numbering.register(tx, cast.finance.id, Ref("incoming", 1))
        raise ZeroDivisionError
    with db.write("person:1") as tx:
        assert numbering.register(tx, cast.finance.id, Ref("incoming", 2)).number == 1


def test_the_same_holder_keeps_its_number(db: Database, cast: Cast) -> None:
    numbers = []
    for _ in range(2):
        with db.write("person:1") as tx:
            numbers.append(numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2026, Ref("document", 7)).number)
    assert numbers == [1, 1]


def test_a_number_that_comes_back_goes_to_the_next_one(db: Database, cast: Cast) -> None:
    with clock.frozen(datetime(2026, 11, 23, 3, tzinfo=UTC)), db.write("person:1") as tx:
        first = numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2026, Ref("document", 1))
        numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2026, Ref("document", 2))
        numbering.release(tx, first.book_id, first.number, "withdrawn")
        assert numbering.gaps(tx, first.book_id) == [1]
        again = numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2026, Ref("document", 3))
        assert again.number == 1
        assert numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2026, Ref("document", 4)).number == 3
        assert numbering.gaps(tx, first.book_id) == []


def test_a_number_of_last_year_that_comes_back_is_void_on_record(db: Database, cast: Cast) -> None:
    with clock.frozen(datetime(2026, 12, 31, 3, tzinfo=UTC)), db.write("person:1") as tx:
        entry = numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2026, Ref("document", 1))
    with clock.frozen(datetime(2027, 1, 4, 3, tzinfo=UTC)), db.write("person:1") as tx:
        numbering.release(tx, entry.book_id, entry.number, "the year has ended")
        row = tx.session.get_one(BookNumber, (entry.book_id, entry.number))
        assert (row.state, row.reason) == (numbering.VOID, "the year has ended")
        assert numbering.reserve(tx, cast.city.id, numbering.OUTGOING, 2027, Ref("document", 1)).number == 1


@pytest.mark.parametrize(
    ("kind", "unit", "number", "printed"),
    [
        ("letter", "VX", 5, "05/UBND-VX"),
        ("letter", "", 12, "12/UBND"),
        ("decision", "VX", 15, "15/QĐ-UBND"),
        ("rule", "", 105, "105/QyĐ-UBND"),
    ],
)
def test_number_and_notation_are_printed_as_the_decree_says(kind: str, unit: str, number: int, printed: str) -> None:
    assert numbering.code(number, numbering.notation(kind, "UBND", unit)) == printed


def test_copies_and_a_type_of_its_own_count_by_themselves_each_year(db: Database, cast: Cast) -> None:
    with db.write("person:1") as tx:
        tx.session.add(Series(agency_id=cast.city.id, kind="decision"))
        tx.session.flush()
        own = numbering.series_of(tx, cast.city.id, "decision")
        assert numbering.series_of(tx, cast.city.id, "letter") == numbering.OUTGOING
        assert numbering.series_of(tx, cast.finance.id, "decision") == numbering.OUTGOING
        for series in (own, numbering.OUTGOING):
            assert numbering.reserve(tx, cast.city.id, series, 2026, Ref("document", 1)).number == 1
        for n, form in enumerate(("SY", "SL", "TrS"), start=1):
            series = numbering.series_of(tx, cast.city.id, "decision", form)
            assert numbering.reserve(tx, cast.city.id, series, 2026, Ref("document", n + 10)).number == n
        assert numbering.reserve(tx, cast.city.id, numbering.COPIES, 2027, Ref("document", 20)).number == 1
        assert numbering.reserve(tx, cast.city.id, own, 2027, Ref("document", 2)).number == 1


def test_a_number_goes_back_when_its_type_moves_to_another_series(db: Database, cast: Cast) -> None:
    year = clock.today().year
    with db.write("person:1") as tx:
        entry = numbering.reserve(tx, cast.city.id, numbering.OUTGOING, year, Ref("document", 1))
        numbering.release_elsewhere(tx, entry.book_id, entry.number, numbering.OUTGOING, year)
        assert numbering.reserve(tx, cast.city.id, numbering.OUTGOING, year, Ref("document", 1)) == entry
        numbering.release_elsewhere(tx, entry.book_id, entry.number, "out:decision", year)
        assert numbering.reserve(tx, cast.city.id, numbering.OUTGOING, year, Ref("document", 2)) == entry


def test_the_new_year_begins_with_01_at_midnight_in_vietnam(db: Database, cast: Cast) -> None:
    last_moment, new_year = datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, 17, tzinfo=UTC)
    numbers = []
    for place, at in enumerate((last_moment, new_year, new_year)):
        with clock.frozen(at), db.write("person:1") as tx:
            entry = numbering.register(tx, cast.finance.id, Ref("incoming", place + 1))
            numbers.append((entry.year, entry.number))
    assert numbers == [(2026, 1), (2027, 1), (2027, 2)]


def test_numbers_below_ten_get_a_zero() -> None:
    assert [numbering.code(n, "VP") for n in (1, 9, 10, 100)] == ["01/VP", "09/VP", "10/VP", "100/VP"]
