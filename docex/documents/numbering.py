"""Registers and their numbers: one gap-free series per agency, year and series, also when many ask at once.

Decree 30/2020 arts. 15 and 22: numbers run from 1 on 1 January, without gaps, one series for paper and electronic.
A number is reserved when the leader presses "Ký số", because it must stand in the bytes that are signed
(docs/decisions/0007). A number that comes back is given to the next document of the same book.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from docex.documents.models import Book, BookNumber, Series
from docex.edxml.codes import KIND_BY_SLUG
from docex.official.paper import CopyForm
from kernel import clock
from kernel.db import Tx
from kernel.refs import Ref
from kernel.schema import insert_into
from kernel.text import Phrase, phrase

OUTGOING = "out"
INCOMING = "in"
COPIES = "copies"
"""One series for sao y, sao lục and trích sao together (Decree 30, Annex I)."""

RESERVED, USED, FREE, VOID = "reserved", "used", "free", "void"


@dataclass(frozen=True)
class Entry:
    """A place in a book."""

    book_id: int
    year: int
    number: int


def reserve(tx: Tx, agency_id: int, series: str, year: int, holder: Ref) -> Entry:
    """The number that `holder` has in this book, or the lowest that came back, or the next one.

    The book's row stays locked until the transaction ends: two that ask at once get two neighbours.
    """
    book = _locked(tx, agency_id, series, year)
    held = tx.session.scalar(
        sa.select(BookNumber).where(
            BookNumber.book_id == book.id, BookNumber.holder == str(holder), BookNumber.state == RESERVED
        )
    )
    if held is not None:
        return Entry(book.id, year, held.number)
    row = tx.session.scalar(
        sa.select(BookNumber)
        .where(BookNumber.book_id == book.id, BookNumber.state == FREE)
        .order_by(BookNumber.number)
        .limit(1)
    )
    if row is None:
        book.last_number += 1
        row = BookNumber(book_id=book.id, number=book.last_number)
        tx.session.add(row)
    row.state, row.holder, row.reason, row.changed_at = RESERVED, str(holder), "", clock.now()
    tx.session.flush()
    chain, detail = f"agency:{agency_id}", {"series": series, "year": year, "number": row.number}
    tx.audit(chain, "number.reserve", holder, detail)
    return Entry(book.id, year, row.number)


def use(tx: Tx, book_id: int, number: int) -> None:
    """The number is on an issued document for good."""
    row = tx.session.get_one(BookNumber, (book_id, number), with_for_update=True)
    row.state, row.changed_at = USED, clock.now()


def release(tx: Tx, book_id: int, number: int, reason: str) -> None:
    """Give a reserved number back. In the running year it is given out again; after that it stays void, on record."""
    book = tx.session.get_one(Book, book_id, with_for_update=True)
    row = tx.session.get_one(BookNumber, (book_id, number), with_for_update=True)
    if row.state != RESERVED:
        return
    holder = row.holder
    row.state = FREE if book.year == clock.today().year else VOID
    row.holder, row.reason, row.changed_at = "", reason, clock.now()
    detail = {"series": book.series, "year": book.year, "number": number, "state": row.state, "reason": reason}
    tx.audit(f"agency:{book.agency_id}", "number.release", holder, detail)


def release_elsewhere(tx: Tx, book_id: int, number: int, series: str, year: int) -> None:
    """Give a reserved number back when the year has ended or its type has moved to another series since."""
    book = tx.session.get_one(Book, book_id)
    if (book.series, book.year) != (series, year):
        release(tx, book_id, number, "the year or the series has changed")


def register(tx: Tx, agency_id: int, holder: Ref) -> Entry:
    """The next number of this year's incoming book, used at once."""
    entry = reserve(tx, agency_id, INCOMING, clock.today().year, holder)
    use(tx, entry.book_id, entry.number)
    return entry


def series_of(tx: Tx, agency_id: int, kind: str, copy_form: str = "") -> str:
    """The series that numbers a document: one for all copies, a type's own when the agency decided so (art. 15.1c),
    else the common."""
    if copy_form:
        return COPIES
    return f"{OUTGOING}:{kind}" if tx.session.get(Series, (agency_id, kind)) is not None else OUTGOING


def series_label(series: str) -> Phrase:
    """A series for people: the common one, copies, or a type of document."""
    if series == COPIES:
        return phrase("Bản sao")
    kind = KIND_BY_SLUG.get(series.removeprefix(f"{OUTGOING}:"))
    return kind.label if kind is not None else phrase("Chung")


def notation(kind: str, agency_mark: str, unit_mark: str, *, copy_form: str = "") -> str:
    """The notation after the number: `QĐ-UBND` for a named type, `UBND-VP` for a letter (Decree 30, Annex I.II.3),
    `SY-UBND` for a copy."""
    abbreviation = copy_form or KIND_BY_SLUG[kind].abbreviation
    if abbreviation:
        return f"{abbreviation}-{agency_mark}"
    return f"{agency_mark}-{unit_mark}" if unit_mark else agency_mark


def is_copy(code: str) -> bool:
    """Whether number and notation are those of a copy, ours or another agency's: `03/SY-UBND`."""
    return code.partition("/")[2].partition("-")[0] in tuple(CopyForm)


def code(number: int, mark: str) -> str:
    """Number and notation as printed; numbers below 10 get a leading zero."""
    return f"{number:02d}/{mark}"


def gaps(tx: Tx, book_id: int) -> list[int]:
    """Numbers up to the last one that stand on no document: free, void or missing."""
    book = tx.session.get_one(Book, book_id)
    held = sa.select(BookNumber.number).where(BookNumber.book_id == book_id, BookNumber.state.in_([RESERVED, USED]))
    taken = set(tx.session.scalars(held))
    return [n for n in range(1, book.last_number + 1) if n not in taken]


def _locked(tx: Tx, agency_id: int, series: str, year: int) -> Book:
    wanted = sa.select(Book).where(Book.agency_id == agency_id, Book.year == year, Book.series == series)
    lock = wanted.with_for_update().execution_options(populate_existing=True)
    book = tx.session.scalar(lock)
    if book is None:
        tx.session.execute(
            insert_into(tx.session, Book)
            .values(agency_id=agency_id, year=year, series=series, last_number=0)
            .on_conflict_do_nothing(index_elements=["agency_id", "year", "series"])
        )
        book = tx.session.scalars(lock).one()
    return book
