"""Printing a register: asked for on its page, made by the worker, fetched by whoever asked."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, require
from directory.streams import person_stream
from docex import topics
from docex.documents import numbering
from docex.documents.access import OVERSEERS
from docex.documents.papers.files import file_name
from docex.documents.registers.list_query import day
from docex.documents.registers.models import Printout
from docex.documents.registers.register import FORMS, Ask, register_count, register_lines
from docex.documents.registers.table import Head, Table
from docex.streams import FileChange
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from signing.verdicts.verdict import phrase_from_json

MAX_ROWS = {"pdf": 1_000, "xlsx": 10_000}
"""A line costs 14 ms of CPU as PDF, and a job must end within its lease (60 s) also on a busy machine. A register of
1,000 lines is some 110 pages; a year of a large agency is printed month by month, as it is bound."""

MEDIA = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SHOWN = 5


@dataclass(frozen=True)
class PrintoutCard:
    """A print as its owner sees it. `state` is waiting, done or failed."""

    id: int
    name: str
    format: str
    state: str
    problem: Phrase | None
    size: int
    rows: int
    made_at: datetime


def ask_for(tx: Tx, actor: Actor, ask: Ask, format_: str) -> Printout:
    """Have a register printed. Invalid when it is empty or too long for one file."""
    require(actor, *OVERSEERS)
    if format_ not in MAX_ROWS:
        raise Invalid({"format": phrase("Chỉ in được ra PDF hoặc XLSX.")})
    rows = register_count(tx, actor.agency_id, ask)
    if not rows:
        raise Invalid({"since": phrase("Sổ chưa có dòng nào trong khoảng đã chọn.")})
    if rows > MAX_ROWS[format_]:
        reason = phrase(
            "Sổ có {rows} dòng, mỗi tệp {format} nhiều nhất {most} dòng. Hãy chọn khoảng ngày ngắn hơn.",
            rows=rows,
            format=format_.upper(),
            most=MAX_ROWS[format_],
        )
        raise Invalid({"since": reason})
    row = Printout(
        person_id=actor.person_id,
        agency_id=actor.agency_id,
        format=format_,
        asked=ask.address(),
        name=file_name(
            "", " ".join(part for part in (FORMS[ask.book].title.vi, str(ask.year), _series(ask)) if part), format_
        ),
        state="waiting",
        problem={},
        sha256="",
        size=0,
        rows=rows,
        made_at=clock.now(),
    )
    tx.session.add(row)
    tx.session.flush()
    tx.outbox(topics.PRINT, str(row.id), {"printout_id": row.id})
    detail = {"book": ask.book, "year": ask.year, "series": ask.series, "rows": rows, "format": format_}
    tx.audit(f"agency:{actor.agency_id}", "register.print", Ref("printout", row.id), detail)
    tell(tx, row)
    return row


def printout_for(tx: Tx, actor: Actor, printout_id: int) -> Printout:
    """A finished print of the actor's own; NotFound for anybody else, also in another agency."""
    row = tx.session.get(Printout, printout_id) if 0 < printout_id < 2**63 else None
    if row is None or row.person_id != actor.person_id or row.agency_id != actor.agency_id:
        raise NotFound()
    require(actor, *OVERSEERS)
    if row.state != "done":
        raise WrongState(phrase("Tệp chưa in xong."))
    return row


def printouts(tx: Tx, actor: Actor) -> tuple[PrintoutCard, ...]:
    """The actor's last few prints, newest first."""
    mine = sa.and_(Printout.person_id == actor.person_id, Printout.agency_id == actor.agency_id)
    rows = tx.session.scalars(sa.select(Printout).where(mine).order_by(Printout.id.desc()).limit(SHOWN))
    return tuple(PrintoutCard(r.id, r.name, r.format, r.state, _problem(r), r.size, r.rows, r.made_at) for r in rows)


def table_of(tx: Tx, row: Printout) -> Table:
    """The table to print, as it stands now."""
    ask = Ask.read(row.asked)
    form = FORMS[ask.book]
    agency = directory.agency(tx, row.agency_id)
    parent = directory.agency(tx, agency.parent_id).name if agency.parent_id else ""
    return Table(
        title=form.title.vi,
        span=_span(ask),
        parent=parent,
        agency=agency.name,
        made=f"In từ hệ thống lúc {clock.now().astimezone(clock.VN):%H:%M, %d/%m/%Y}.",
        heads=tuple(Head(c.title.vi, c.share) for c in form.columns),
        lines=tuple(register_lines(tx, row.agency_id, ask, MAX_ROWS[row.format])),
    )


def tell(tx: Tx, row: Printout) -> None:
    """Let the page of whoever asked know how it stands."""
    tx.publish(person_stream(row.person_id), "printout", FileChange(row.id, row.state))


def _span(ask: Ask) -> str:
    since, until = day(ask.since), day(ask.until)
    series = _series(ask)
    year = f"Năm {ask.year}, {series.lower()}" if series else f"Năm {ask.year}"
    if since is None and until is None:
        return year
    return f"{year}, từ ngày {_of(since or date(ask.year, 1, 1))} đến ngày {_of(until or clock.today())}"


def _series(ask: Ask) -> str:
    """The words of a series of its own; "" for the common one."""
    return "" if ask.series in ("", numbering.INCOMING, numbering.OUTGOING) else numbering.series_label(ask.series).vi


def _of(on: date) -> str:
    return f"{on:%d/%m/%Y}"


def _problem(row: Printout) -> Phrase | None:
    found: dict[str, Any] = row.problem
    return phrase_from_json(found) if found else None
