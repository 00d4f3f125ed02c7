"""The registers of outgoing and incoming documents and the follow-up register, in the columns of Decree 30/2020,
Annex IV. One row a number of the book, also the numbers that were given up."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Self

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, require
from docex.documents import numbering
from docex.documents.access import OVERSEERS
from docex.documents.labels import COPY_FORMS, DOCUMENT, INCOMING, URGENCY
from docex.documents.models import Book, BookNumber, Delivery, Dispatch, Document, Incoming, Referral, Reply
from docex.documents.registers.list_query import backwards, begins, day, ends
from docex.documents.states import DocumentState, IncomingState
from docex.edxml.codes import KIND_BY_SLUG
from docex.edxml.progress import TAKEN_IN
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.forms import whole_number
from kernel.text import Phrase, phrase

PAGE = 50
MAX_PLACES = 8


@dataclass(frozen=True)
class Column:
    """One column of the decree: its head and its share of the paper's width in per cent."""

    title: Phrase
    share: int


@dataclass(frozen=True)
class Form:
    """One form of Annex IV."""

    title: Phrase
    columns: tuple[Column, ...]


FORMS: dict[str, Form] = {
    "out": Form(
        phrase("Sổ đăng ký văn bản đi"),
        (
            Column(phrase("Số, ký hiệu văn bản"), 12),
            Column(phrase("Ngày tháng văn bản"), 8),
            Column(phrase("Tên loại và trích yếu nội dung văn bản"), 23),
            Column(phrase("Người ký"), 10),
            Column(phrase("Nơi nhận văn bản"), 15),
            Column(phrase("Đơn vị, người nhận bản lưu"), 8),
            Column(phrase("Số lượng bản"), 5),
            Column(phrase("Ngày chuyển"), 8),
            Column(phrase("Ký nhận"), 6),
            Column(phrase("Ghi chú"), 5),
        ),
    ),
    "in": Form(
        phrase("Sổ đăng ký văn bản đến"),
        (
            Column(phrase("Ngày đến"), 8),
            Column(phrase("Số đến"), 5),
            Column(phrase("Tác giả"), 13),
            Column(phrase("Số, ký hiệu văn bản"), 12),
            Column(phrase("Ngày tháng văn bản"), 8),
            Column(phrase("Tên loại và trích yếu nội dung văn bản"), 24),
            Column(phrase("Đơn vị hoặc người nhận"), 10),
            Column(phrase("Ngày chuyển"), 8),
            Column(phrase("Ký nhận"), 6),
            Column(phrase("Ghi chú"), 6),
        ),
    ),
    "follow": Form(
        phrase("Sổ theo dõi giải quyết văn bản đến"),
        (
            Column(phrase("Số đến"), 6),
            Column(phrase("Tên loại, số và ký hiệu, ngày tháng và tác giả văn bản"), 40),
            Column(phrase("Đơn vị hoặc người nhận"), 14),
            Column(phrase("Thời hạn giải quyết"), 10),
            Column(phrase("Tiến độ giải quyết"), 12),
            Column(phrase("Số, ký hiệu văn bản trả lời"), 10),
            Column(phrase("Ghi chú"), 8),
        ),
    ),
}


@dataclass(frozen=True)
class Ask:
    """Which part of which register. `series` is empty for the incoming book; `before` is a number of the book."""

    book: str = "in"
    year: int = 0
    series: str = ""
    since: str = ""
    until: str = ""
    before: int = 0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """From an address or from a kept query; this year's incoming book unless it says otherwise."""
        book, year = str(given.get("book", "")), whole_number(str(given.get("year", "")))
        found = {name: str(given.get(name) or "").strip()[:40] for name in ("series", "since", "until")}
        return cls(
            book=book if book in FORMS else "in",
            year=year if 2000 <= year <= 9999 else clock.today().year,
            before=whole_number(str(given.get("before", ""))),
            **found,
        )

    def address(self, **changes: Any) -> dict[str, Any]:
        """The parameters that say this; the cursor only when `changes` name it."""
        return {name: value for name, value in (asdict(replace(self, before=0)) | changes).items() if value}

    @property
    def backwards(self) -> bool:
        """Whether its days are the wrong way round."""
        return backwards(self.since, self.until)


@dataclass(frozen=True)
class Entry:
    """One line: its number, the cells in the form's columns, the page of the document ("" when there is none)."""

    number: int
    cells: tuple[str, ...]
    kind: str
    id: int


@dataclass(frozen=True)
class Choice:
    """A book that there is: year, series and how many numbers it has given."""

    year: int
    series: str
    last_number: int

    @property
    def label(self) -> Phrase:
        """The series for people."""
        return numbering.series_label(self.series)


@dataclass(frozen=True)
class RegisterPage:
    """One page of a register, newest number first. `older` is the cursor of the next page, 0 at the end."""

    ask: Ask
    form: Form
    entries: tuple[Entry, ...]
    choices: tuple[Choice, ...]
    total: int
    older: int


def register_page(tx: Tx, actor: Actor, ask: Ask) -> RegisterPage:
    """The register as a clerk, a leader or the office's chief of the agency sees it."""
    require(actor, *OVERSEERS)
    choices = _choices(tx, actor.agency_id, ask.book)
    series = sorted({c.series for c in choices if c.year == ask.year})
    if ask.series not in series:
        ask = replace(ask, series=series[0] if series else "")
    book = _book(tx, actor.agency_id, ask)
    found = _entries(tx, book, ask, newest_first=True, limit=PAGE + 1) if book else []
    older = found[PAGE - 1].number if len(found) > PAGE else 0
    total = _total(tx, book, ask) if book else 0
    return RegisterPage(ask, FORMS[ask.book], tuple(found[:PAGE]), choices, total, older)


def register_count(tx: Tx, agency_id: int, ask: Ask) -> int:
    """How many lines a print of it would have."""
    book = _book(tx, agency_id, ask)
    return _total(tx, book, ask) if book else 0


def register_lines(tx: Tx, agency_id: int, ask: Ask, most: int) -> list[tuple[str, ...]]:
    """The cells of a print, oldest number first; a few hundred at a time are read. NotFound without such a book."""
    book = _book(tx, agency_id, ask)
    if book is None:
        raise NotFound()
    lines: list[tuple[str, ...]] = []
    last = 0
    while len(lines) < most:
        piece = _entries(tx, book, replace(ask, before=last), newest_first=False, limit=min(500, most - len(lines)))
        if not piece:
            break
        lines += [entry.cells for entry in piece]
        last = piece[-1].number
    return lines


def _choices(tx: Tx, agency_id: int, book: str) -> tuple[Choice, ...]:
    """The books of one side, newest year first. The follow-up register follows the incoming book."""
    incoming = Book.series == numbering.INCOMING
    query = sa.select(Book).where(Book.agency_id == agency_id, ~incoming if book == "out" else incoming)
    rows = tx.session.scalars(query.order_by(Book.year.desc(), Book.series))
    return tuple(Choice(row.year, row.series, row.last_number) for row in rows)


def _book(tx: Tx, agency_id: int, ask: Ask) -> Book | None:
    series = (ask.series or numbering.OUTGOING) if ask.book == "out" else numbering.INCOMING
    if ask.book == "out" and series == numbering.INCOMING:
        return None
    wanted = sa.select(Book).where(Book.agency_id == agency_id, Book.year == ask.year, Book.series == series)
    return tx.session.scalar(wanted)


def _total(tx: Tx, book: Book, ask: Ask) -> int:
    return tx.session.scalar(sa.select(sa.func.count()).where(*_conditions(book, ask))) or 0


def _conditions(book: Book, ask: Ask) -> list[sa.ColumnElement[bool]]:
    conditions = [BookNumber.book_id == book.id]
    since, until = day(ask.since), day(ask.until)
    if since is None and until is None:
        return conditions
    if ask.book == "out":
        numbers = sa.select(Document.number).where(Document.agency_id == book.agency_id, Document.book_id == book.id)
        numbers = numbers.where(Document.issued_on >= since) if since else numbers
        numbers = numbers.where(Document.issued_on <= until) if until else numbers
    else:
        numbers = sa.select(Incoming.number).where(Incoming.agency_id == book.agency_id, Incoming.book_id == book.id)
        numbers = numbers.where(Incoming.arrived_at >= begins(since)) if since else numbers
        numbers = numbers.where(Incoming.arrived_at < ends(until)) if until else numbers
    return [*conditions, BookNumber.number.in_(numbers)]


def _entries(tx: Tx, book: Book, ask: Ask, *, newest_first: bool, limit: int) -> list[Entry]:
    query = sa.select(BookNumber).where(*_conditions(book, ask))
    if ask.before:
        query = query.where(BookNumber.number < ask.before if newest_first else BookNumber.number > ask.before)
    query = query.order_by(BookNumber.number.desc() if newest_first else BookNumber.number).limit(limit)
    rows = list(tx.session.scalars(query))
    held: dict[str, Any] = _outgoing(tx, rows) if ask.book == "out" else _incoming(tx, rows, ask.book)
    width = len(FORMS[ask.book].columns)
    return [_entry(row, held.get(row.holder), ask.book, width) for row in rows]


def _entry(row: BookNumber, cells: tuple[str, ...] | None, book: str, width: int) -> Entry:
    """The line of a number; of one that stands on no document, the number and why."""
    kind, _, thing = row.holder.partition(":")
    if cells is not None:
        return Entry(row.number, cells, kind, whole_number(thing))
    line = [""] * width
    line[1 if book == "in" else 0] = f"{row.number:02d}"
    line[-1] = f"{_UNUSED.vi} {row.reason}".strip()
    return Entry(row.number, tuple(line), "", 0)


def _ids(rows: Iterable[BookNumber], kind: str) -> list[int]:
    return [whole_number(row.holder.partition(":")[2]) for row in rows if row.holder.startswith(f"{kind}:")]


def _outgoing(tx: Tx, rows: list[BookNumber]) -> dict[str, tuple[str, ...]]:
    documents = list(tx.session.scalars(sa.select(Document).where(Document.id.in_(_ids(rows, "document")))))
    agencies = directory.agencies(tx, {i for d in documents for i in d.recipients})
    taken = _taken(tx, [d.id for d in documents])
    numbers = {row.holder: row.number for row in rows}
    found: dict[str, tuple[str, ...]] = {}
    for d in documents:
        names = [agencies[i].name for i in d.recipients if i in agencies]
        receipts = taken.get(d.id)
        found[f"document:{d.id}"] = (
            d.code or f"{numbers[f'document:{d.id}']:02d}",
            _date(d.issued_on),
            _subject(_kind(d), d.subject),
            d.signer_name,
            _places(names),
            ", ".join(part for part in ("VT", d.unit_mark) if part),
            str(len(names)),
            _date(d.sent_at),
            _RECEIVED.format(taken=receipts[0], all=receipts[1]) if receipts else "",
            _note(d.urgency, DOCUMENT[DocumentState.RECALLED].text if d.state == DocumentState.RECALLED else None),
        )
    return found


def _taken(tx: Tx, ids: list[int]) -> dict[int, tuple[int, int]]:
    """Of each document, at how many places it was registered, and to how many it went. Of a place that got it again the
    last delivery counts."""
    last = (
        sa.select(Dispatch.document_id, sa.func.max(Delivery.id).label("delivery_id"))
        .join(Delivery, Delivery.dispatch_id == Dispatch.id)
        .where(Dispatch.document_id.in_(ids))
        .group_by(Dispatch.document_id, Delivery.agency_id)
        .subquery()
    )
    taken = sa.func.sum(sa.case((Delivery.progress.in_(TAKEN_IN), 1), else_=0))
    query = sa.select(last.c.document_id, taken, sa.func.count()).join(Delivery, Delivery.id == last.c.delivery_id)
    found = tx.session.execute(query.group_by(last.c.document_id))
    return {document_id or 0: (int(some or 0), int(all_)) for document_id, some, all_ in found}


@dataclass(frozen=True)
class _Way:
    """Whom a received document was given to and when, by when it is due, and what answered it."""

    to: str = ""
    on: datetime | None = None
    due: str = ""
    answer: str = ""


def _incoming(tx: Tx, rows: list[BookNumber], book: str) -> dict[str, tuple[str, ...]]:
    copies = list(tx.session.scalars(sa.select(Incoming).where(Incoming.id.in_(_ids(rows, "incoming")))))
    ways = _ways(tx, [c.id for c in copies])
    line = _followed if book == "follow" else _registered
    return {f"incoming:{c.id}": line(c, ways.get(c.id, _Way())) for c in copies}


def _ways(tx: Tx, ids: list[int]) -> dict[int, _Way]:
    """The last submission of each, and the own documents that answer it: two queries for all."""
    replies = sa.select(Reply.incoming_id, Document.code).join(Document, Document.id == Reply.document_id)
    answers: dict[int, list[str]] = {}
    for incoming_id, code in tx.session.execute(replies.where(Reply.incoming_id.in_(ids), Document.code != "")):
        answers.setdefault(incoming_id, []).append(code)
    found = {i: _Way(answer="; ".join(codes)) for i, codes in answers.items()}
    given = sa.select(Referral).where(Referral.incoming_id.in_(ids), Referral.state != "withdrawn")
    for row in tx.session.scalars(given.order_by(Referral.id)):
        names = "; ".join([row.lead_name, *row.co_names]) if row.lead_name else row.leader_name
        answer = "; ".join(answers.get(row.incoming_id, []))
        found[row.incoming_id] = _Way(names, row.submitted_at, row.due_words or _date(row.due_at), answer)
    return found


def _registered(copy: Incoming, way: _Way) -> tuple[str, ...]:
    ended = copy.state in (IncomingState.REFUSED, IncomingState.CANCELLED)
    return (
        _date(copy.arrived_at),
        f"{copy.number or 0:02d}",
        copy.sender_name,
        copy.code,
        _date(copy.issued_on),
        _subject(copy.kind_name, copy.subject),
        way.to,
        _date(way.on),
        _ELECTRONIC.vi if way.on else "",
        _note(copy.urgency, INCOMING[IncomingState(copy.state)].text if ended else None),
    )


def _followed(copy: Incoming, way: _Way) -> tuple[str, ...]:
    about = [_subject(copy.kind_name, copy.subject), copy.code, _date(copy.issued_on), copy.sender_name]
    return (
        f"{copy.number or 0:02d}",
        "; ".join(part for part in about if part),
        way.to,
        way.due or _date(copy.due_on),
        INCOMING[IncomingState(copy.state)].text.vi,
        way.answer,
        _note(copy.urgency, None),
    )


def _places(names: list[str]) -> str:
    """The recipients; of a broadcast the first ones, the document itself names them all."""
    if len(names) <= MAX_PLACES:
        return "; ".join(names)
    return phrase("{names} và {n} nơi khác", names="; ".join(names[:MAX_PLACES]), n=len(names) - MAX_PLACES).vi


def _kind(document: Document) -> str:
    """`Quyết định`, and of a copy of one `Sao y Quyết định`."""
    words = [COPY_FORMS.get(document.copy_form), KIND_BY_SLUG[document.kind].label]
    return " ".join(word.vi for word in words if word is not None)


def _subject(kind: str, subject: str) -> str:
    return f"{kind}: {subject}" if kind else subject


def _note(urgency: int, state: Phrase | None) -> str:
    words = [URGENCY[urgency].vi] if urgency in URGENCY and urgency else []
    return "; ".join([*words, state.vi] if state else words)


def _date(on: date | datetime | None) -> str:
    if on is None:
        return ""
    return f"{on.astimezone(clock.VN) if isinstance(on, datetime) else on:%d/%m/%Y}"


_UNUSED = phrase("Số không sử dụng.")
_ELECTRONIC = phrase("Điện tử")
_RECEIVED = "{taken}/{all}"
