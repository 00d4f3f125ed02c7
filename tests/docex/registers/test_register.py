"""Registers in the decree's columns: on the page, as PDF and as XLSX."""

import io
import re
from datetime import datetime

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from docex.documents import numbering
from docex.documents.models import Delivery, Dispatch, Document, Incoming
from docex.documents.registers import register
from docex.documents.registers.list_rows import outbox_rows
from docex.documents.registers.printing import page, xlsx
from docex.documents.registers.register import FORMS, Ask
from docex.documents.registers.table import Head, Table
from docex.edxml.progress import LOST, Progress
from kernel import clock
from kernel.refs import Ref
from tests.docex.office import Office
from tests.web.people import sign_in

pytestmark = pytest.mark.both_databases


def registered(rooms: Office, count: int = 1, **changes: str) -> None:
    """Letters of the city office that Lan has taken in."""
    for number in range(count):
        rooms.on_its_way(subject=changes.get("subject", f"Báo cáo số {number}"))
        rooms.register(rooms.cast.lan, rooms.incoming(rooms.cast.lan)[0].id)


def printed(rooms: Office, client: FlaskClient, **asked: object) -> bytes:
    """The printed file, after a print is asked for and the worker has worked."""
    answer = client.post("/documents/registers/print", data=asked)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    rooms.work()
    fragment = client.get("/documents/registers?fragment=1").get_data(as_text=True)
    found = re.search(r'href="(/documents/registers/prints/\d+)"', fragment)
    assert found is not None, fragment
    return bytes(client.get(found[1]).data)


def test_the_incoming_register_has_the_decrees_ten_columns_and_a_line_a_number(rooms: Office, lan: FlaskClient) -> None:
    registered(rooms, 2)
    text = lan.get("/documents/registers?book=in").get_data(as_text=True)
    assert len(FORMS["in"].columns) == 10
    assert all(column.title.vi in text for column in FORMS["in"].columns)
    assert text.index("Báo cáo số 1") < text.index("Báo cáo số 0")
    assert "(10)" in text


def test_the_outgoing_register_says_at_how_many_places_a_document_was_taken_in(rooms: Office, ha: FlaskClient) -> None:
    document_id = rooms.sent()
    rooms.register(rooms.cast.lan, rooms.incoming(rooms.cast.lan)[0].id)
    text = ha.get("/documents/registers?book=out").get_data(as_text=True)
    assert rooms.document(document_id).code in text
    assert "1/1" in text
    assert "VT, HCTC" in text


def test_what_expired_or_found_no_way_was_taken_in_nowhere(rooms: Office, ha: FlaskClient) -> None:
    """And of a place that got it twice only the last delivery counts."""
    number = rooms.on_its_way(recipients=(rooms.cast.finance.id, rooms.cast.science.id))
    lost = dict(zip((rooms.cast.finance.id, rooms.cast.science.id), LOST, strict=True))
    with rooms.db.write() as tx:
        document = tx.session.get_one(Document, number)
        entry = numbering.reserve(
            tx, document.agency_id, numbering.OUTGOING, clock.today().year, Ref("document", number)
        )
        document.book_id, document.number = entry.book_id, entry.number
        for delivery in tx.session.query(Delivery):
            delivery.progress = lost[delivery.agency_id]
    assert counted(rooms, ha, number) == ("0/2", (0, 2))
    with rooms.db.write() as tx:
        first = tx.session.query(Dispatch).one()
        again = Dispatch(
            channel=first.channel,
            message_id="again",
            document_key=first.document_key,
            sender_id=first.sender_id,
            document_id=number,
            sha256=first.sha256,
            size=first.size,
            facts=first.facts,
            notes=[],
            answer={},
            submitted_at=clock.now(),
        )
        tx.session.add(again)
        tx.session.flush()
        anew = {"dispatch_id": again.id, "agency_id": rooms.cast.finance.id, "changed_at": clock.now()}
        tx.session.add(Delivery(**anew, progress=Progress.WORKING))
    assert counted(rooms, ha, number) == ("1/2", (1, 2))


def counted(rooms: Office, ha: FlaskClient, number: int) -> tuple[str, tuple[int, int]]:
    """The lines of a document in the register and in the list."""
    page = ha.get("/documents/registers?book=out").get_data(as_text=True)
    with rooms.db.read() as tx:
        (row,) = outbox_rows(tx, [tx.session.get_one(Document, number)])
    return re.findall(r"\b\d/\d\b", page)[-1], (row.taken, row.receivers)


def test_a_number_that_was_given_up_stands_in_the_register_with_the_reason(rooms: Office, ha: FlaskClient) -> None:
    with rooms.db.write() as tx:
        entry = numbering.reserve(tx, rooms.cast.city.id, numbering.OUTGOING, clock.today().year, Ref("document", 99))
        numbering.release(tx, entry.book_id, entry.number, "Ký nhầm")
    text = ha.get("/documents/registers?book=out").get_data(as_text=True)
    assert "Số không sử dụng." in text
    assert "Ký nhầm" in text


def test_pages_of_a_register_leave_nothing_out(
    rooms: Office, lan: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "PAGE", 2)
    registered(rooms, 5)
    seen: list[int] = []
    before = 0
    while True:
        with rooms.db.read() as tx:
            found = register.register_page(tx, rooms.cast.lan, Ask.read({"book": "in", "before": str(before)}))
        seen += [entry.number for entry in found.entries]
        before = found.older
        if not before:
            break
    assert seen == [5, 4, 3, 2, 1]
    assert lan.get("/documents/registers?book=in&before=x&year=abc&since=hôm-qua").status_code == 200


def test_dates_narrow_a_register_by_the_day_in_vietnam(rooms: Office) -> None:
    registered(rooms, 2)
    with rooms.db.write() as tx:
        early, late = tx.session.query(Incoming).order_by(Incoming.id)
        # 17:30 UTC is already the next day in Vietnam.
        early.arrived_at = datetime(2026, 3, 1, 16, 59, tzinfo=clock.VN).astimezone(clock.VN)
        late.arrived_at = datetime(2026, 3, 2, 0, 30, tzinfo=clock.VN)
    with rooms.db.read() as tx:
        ask = Ask.read({"book": "in", "since": "2026-03-02", "until": "02/03/2026"})
        found = register.register_page(tx, rooms.cast.lan, ask)
    assert [entry.id for entry in found.entries] == [late.id]
    assert found.total == 1


@pytest.mark.parametrize("list_", ["in", "out", "registers?book=in", "/search?q=x"])
def test_days_the_wrong_way_round_are_called_that(rooms: Office, lan: FlaskClient, list_: str) -> None:
    registered(rooms)
    page = list_ if list_.startswith("/") else f"/documents/{list_}"
    page += ("&" if "?" in page else "?") + "since=2026-12-02&until=01/12/2026"
    assert "“Từ ngày” không được sau “Đến ngày”" in lan.get(page).get_data(as_text=True)


def test_a_register_between_empty_days_is_not_called_empty(rooms: Office, lan: FlaskClient) -> None:
    registered(rooms)
    text = lan.get("/documents/registers?book=in&since=2020-01-01&until=2020-01-02").get_data(as_text=True)
    assert "Không có dòng nào trong khoảng ngày này" in text
    assert "Sổ chưa có dòng nào" not in text
    assert "Sổ chưa có dòng nào" in lan.get("/documents/registers?book=in&year=2020").get_data(as_text=True)


def test_only_people_who_oversee_documents_see_registers_and_only_their_own(
    app: Flask, rooms: Office, lan: FlaskClient, ha: FlaskClient
) -> None:
    registered(rooms, 1, subject="Chỉ của Sở Tài chính")
    assert "Chỉ của Sở Tài chính" in lan.get("/documents/registers?book=in").get_data(as_text=True)
    assert "Chỉ của Sở Tài chính" not in ha.get("/documents/registers?book=in").get_data(as_text=True)
    assert sign_in(app, "nam").get("/documents/registers?book=in").status_code == 403
    assert sign_in(app, "nam").post("/documents/registers/print", data={"format": "pdf"}).status_code == 403
    answer = lan.post("/documents/registers/print", data={"book": "in", "format": "xlsx"})
    assert answer.status_code == 303
    rooms.work()
    assert lan.get("/documents/registers/prints/1").status_code == 200
    assert ha.get("/documents/registers/prints/1").status_code == 404
    assert sign_in(app, "dung").get("/documents/registers/prints/1").status_code == 404


def test_a_register_prints_as_pdf_on_a4_landscape_with_one_times_family(rooms: Office, lan: FlaskClient) -> None:
    registered(rooms, 3)
    data = printed(rooms, lan, book="in", format="pdf")
    pages = PdfReader(io.BytesIO(data)).pages
    assert (round(float(pages[0].mediabox.width)), round(float(pages[0].mediabox.height))) == (842, 595)
    text = re.sub(r"\s+", " ", pages[0].extract_text())
    assert "SỔ ĐĂNG KÝ VĂN BẢN ĐẾN" in text.upper()
    assert "Độc lập - Tự do - Hạnh phúc" in text
    assert all(f"({place})" in text for place in range(1, 11))
    assert text.index("Báo cáo số 0") < text.index("Báo cáo số 2")


def test_a_register_prints_as_a_spreadsheet_whose_cells_are_text(rooms: Office, lan: FlaskClient) -> None:
    registered(rooms, 1, subject="=1+1 \x0b và ký tự lạ")
    book = openpyxl.load_workbook(io.BytesIO(printed(rooms, lan, book="in", format="xlsx")))
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[5]]
    assert heads == [column.title.vi for column in FORMS["in"].columns]
    subject = sheet[6][5]
    assert subject.data_type == "s"
    assert "=1+1" in str(subject.value)


def test_a_print_of_nothing_or_of_too_much_is_refused_with_a_sentence(
    rooms: Office, lan: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = lan.post("/documents/registers/print", data={"book": "in", "format": "pdf"})
    assert answer.status_code == 422
    assert "Sổ chưa có dòng nào" in answer.get_data(as_text=True)
    registered(rooms, 2)
    monkeypatch.setattr("docex.documents.registers.register_prints.MAX_ROWS", {"pdf": 1, "xlsx": 1})
    answer = lan.post("/documents/registers/print", data={"book": "in", "format": "pdf"})
    assert "nhiều nhất 1 dòng" in answer.get_data(as_text=True)
    assert lan.post("/documents/registers/print", data={"book": "in", "format": "exe"}).status_code == 422


def test_a_machine_that_cannot_print_says_so_on_the_page(
    rooms: Office, lan: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(rooms, 1)
    monkeypatch.setattr("docex.documents.registers.printing._PRINTER", "/nowhere/pdf_print.py")
    assert lan.post("/documents/registers/print", data={"book": "in", "format": "pdf"}).status_code == 303
    rooms.work()
    assert "Chưa in được" in lan.get("/documents/registers?fragment=1").get_data(as_text=True)
    assert lan.get("/documents/registers/prints/1").status_code == 409


def test_what_was_typed_is_text_on_paper_too() -> None:
    table = Table("Sổ", "Năm 2026", "", "Sở <b>", "", (Head("A", 50), Head("B", 50)), (("<script>", "x" * 500),))
    html = page(table, "Tinos")
    assert "<script>" not in html
    assert "SỞ &lt;B&gt;" in html
    assert xlsx(table).read(2) == b"PK"
