"""The on-time report: what counts as in time, whose numbers are shown, the same numbers in every form."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from directory.models import Agency
from docex.documents.incoming import handling, submission_sheets
from docex.documents.models import Document, Incoming
from docex.documents.registers import charts, reports
from docex.documents.registers.counts import Issued, Received
from docex.documents.registers.reports import Ask
from docex.documents.states import DocumentState, IncomingState
from docex.exchange.recalls import withdrawal
from kernel import clock
from tests.docex.office import Office
from tests.web.people import sign_in

pytestmark = pytest.mark.both_databases

MARCH = datetime(2026, 3, 3, 9, 0, tzinfo=clock.VN)


def lived(rooms: Office) -> None:
    """Four documents of March for Lan: one registered in time, one late, one refused in time, one still lying there;
    and one of April that nobody had to hurry with yet."""
    for _ in range(5):
        rooms.on_its_way()
    with rooms.db.write() as tx:
        good, late, refused, lying, april = tx.session.query(Incoming).order_by(Incoming.id)
        for row in (good, late, refused, lying):
            row.arrived_at, row.desk_due_at = MARCH, MARCH + timedelta(days=1)
        good.state, good.registered_at, good.handled_by = IncomingState.DONE, MARCH, rooms.cast.lan.person_id
        good.due_on, good.finished_at, good.forwarded_at = MARCH.date(), MARCH, MARCH + timedelta(hours=2)
        late.state, late.registered_at = IncomingState.WORKING, MARCH + timedelta(days=2)
        late.forwarded_at = MARCH + timedelta(days=3)
        late.handled_by, late.due_on = rooms.cast.lan.person_id, date(2026, 3, 4)
        refused.state, refused.changed_at = IncomingState.REFUSED, MARCH + timedelta(hours=1)
        april.arrived_at = datetime(2026, 3, 31, 17, 0, tzinfo=UTC)
        april.desk_due_at = clock.now() + timedelta(days=1)


def test_in_time_is_the_deadline_that_was_written_when_it_came(rooms: Office) -> None:
    lived(rooms)
    with rooms.db.read() as tx:
        found = reports.report(tx, rooms.cast.lan, Ask(2026))
    counts = [row.count for row in found.sections[0].rows if isinstance(row.count, Received)]
    months = {count.arrived: count for count in counts if count.arrived}
    assert months[4] == Received(
        arrived=4, in_time=2, late=2, refused=1, forwarded=1, forwarded_late=1, due=2, answered=1
    )
    assert months[4].rate == 50
    assert months[4].answer_rate == 50
    assert months[1].waiting == 1
    assert months[1].rate is None
    assert found.sections[0].total.all == 5


def test_an_answer_in_time_stays_in_time_when_the_document_is_asked_back_later(rooms: Office) -> None:
    lan = rooms.cast.lan
    with clock.frozen(MARCH):
        rooms.on_its_way()
        (copy,) = rooms.incoming(lan)
        with rooms.db.write(lan.by) as tx:
            tx.session.get_one(Incoming, copy.id).due_on = MARCH.date()
        rooms.register(lan, copy.id)
        with rooms.db.write(lan.by) as tx:
            submission_sheets.close(tx, lan, copy.id)
        clock.advance(timedelta(days=5))
        with rooms.db.write(rooms.cast.ha.by) as tx:
            withdrawal.ask_back(tx, [copy.delivery_id], "Gửi nhầm", withdraw=False)
        with rooms.db.write(lan.by) as tx:
            handling.refuse_recall(tx, lan, copy.id, "Đã giải quyết xong")
        with rooms.db.read() as tx:
            total = reports.report(tx, lan, Ask(2026)).sections[0].total
    assert isinstance(total, Received)
    assert (total.due, total.answered) == (1, 1)


@pytest.mark.long_proof
def test_a_month_is_that_of_vietnam_and_narrows_the_units(rooms: Office) -> None:
    lived(rooms)
    with rooms.db.read() as tx:
        march = reports.report(tx, rooms.cast.lan, Ask(2026, 3))
        none = reports.report(tx, rooms.cast.lan, Ask(2026, 2))
    assert march.sections[-2].total.all == 4
    assert none.sections[-2].rows == ()
    assert none.sections[0].total.all == 5


def test_signed_documents_are_issued_in_time_late_or_wait(rooms: Office) -> None:
    numbers = [rooms.written() for _ in range(6)]
    in_time, late, _lying, fresh, taken_back, _draft = numbers
    with rooms.db.write() as tx:
        for number in numbers[:5]:
            document = tx.session.get_one(Document, number)
            document.signed_at, document.issue_due_at = MARCH, MARCH + timedelta(days=1)
            document.state = DocumentState.SIGNED
        for number, hours in ((in_time, 3), (late, 30)):
            document = tx.session.get_one(Document, number)
            document.state, document.sent_at = DocumentState.SENT, MARCH + timedelta(hours=hours)
        tx.session.get_one(Document, fresh).issue_due_at = clock.now() + timedelta(hours=1)
        tx.session.get_one(Document, taken_back).state = DocumentState.RECALLED
    with rooms.db.read() as tx:
        section = reports.report(tx, rooms.cast.ha, Ask(2026)).sections[-1]
        elsewhere = reports.report(tx, rooms.cast.lan, Ask(2026)).sections[-1]
    assert section.total == Issued(signed=4, in_time=1, late=2)
    assert section.rows[2].count == section.total
    assert section.total.cells() == ("4", "1", "2", "1", "33 %")
    assert elsewhere.total == Issued()
    assert [bar.kind for bar in section.chart("vi").bars] == ["good", "bad", "waiting"]


@pytest.mark.long_proof
def test_a_higher_agency_sees_the_numbers_of_those_below_and_nobody_elses(rooms: Office) -> None:
    lived(rooms)
    with rooms.db.write() as tx:
        cast = rooms.cast
        tx.session.get_one(Agency, cast.finance.id).parent_id = cast.city.id
        tx.session.get_one(Agency, cast.science.id).parent_id = cast.finance.id
        tx.session.get_one(Agency, cast.home_affairs.id).parent_id = None
    with rooms.db.read() as tx:
        city = reports.report(tx, cast.ha, Ask(2026))
        science = reports.report(tx, cast.quynh, Ask(2026))
    below = next(s for s in city.sections if s.key == "agency")
    names = [str(row.name) for row in below.rows]
    assert names[0] == cast.city.name
    assert {cast.finance.name, cast.science.name} <= set(names)
    assert cast.home_affairs.name not in names
    assert below.total.all == 5
    assert [s.key for s in science.sections] == ["month", "unit", "issued"]


def test_only_people_who_oversee_documents_see_the_report(app: Flask, rooms: Office, lan: FlaskClient) -> None:
    assert sign_in(app, "nam").get("/documents/reports").status_code == 403
    assert sign_in(app, "nam").get("/documents/reports/month.csv").status_code == 403
    assert lan.get("/documents/reports?year=x&month=99").status_code == 200
    assert lan.get("/documents/reports/nothing.csv").status_code == 404
    assert lan.get("/documents/reports/month.exe").status_code == 404


@pytest.mark.long_proof
def test_page_csv_and_spreadsheet_tell_the_same_numbers(rooms: Office, lan: FlaskClient) -> None:
    lived(rooms)
    page = lan.get("/documents/reports?year=2026").get_data(as_text=True)
    assert "<svg" in page
    assert "50 %" in page
    text = lan.get("/documents/reports/month.csv?year=2026").get_data(as_text=True)
    assert text.startswith("\ufeff")
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    march = next(line for line in lines if line[1] == "4")
    assert march[:6] == ["Tháng 3", "4", "2", "2", "0", "1"]
    book = openpyxl.load_workbook(io.BytesIO(lan.get("/documents/reports/month.xlsx?year=2026").data))
    values = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    assert any(value[:4] == ["Tháng 3", 4, 2, 2] for value in values)
    assert lines[-1][0] == "Cộng"


def test_the_chart_is_as_high_as_its_numbers() -> None:
    chart = charts.columns(["1", "2"], [[("good", 30, "a"), ("bad", 10, "b")], [("good", 0, "c"), ("bad", 0, "d")]])
    assert [line.label for line in chart.lines] == ["0", "10", "20", "30", "40"]
    good, bad = chart.bars
    assert round(good.height / bad.height) == 3
    assert bad.y == charts.TOP
    assert charts.columns([], []).bars == ()
    assert [charts._round_up(n) for n in (0, 4, 5, 9, 21, 81, 4_000)] == [4, 4, 8, 20, 40, 200, 4_000]
