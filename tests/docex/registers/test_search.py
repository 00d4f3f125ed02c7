"""The search over subject, number, agency and the text of papers, with and without accents, for one's own agency."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from directory.actor import Actor
from docex.documents.models import Dispatch
from docex.documents.registers import document_search, lists
from docex.documents.registers.highlighting import pieces, snippet, words_of
from docex.documents.registers.list_query import ListQuery
from docex.documents.search import text_probe
from docex.documents.search.text_extraction import PaperFile, text_of
from kernel import clock, outbox
from kernel.outbox import OutboxRow, State
from kernel.queue import claiming
from tests.docex.office import Office
from tests.docex.registers.papers import bomb, pdf, word
from tests.web.people import sign_in

pytestmark = pytest.mark.both_databases

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def hits(rooms: Office, actor: Actor, q: str, where: str = "", **asked: str) -> list[str]:
    """The subjects that the search finds."""
    with rooms.db.read() as tx:
        sides = lists.search_sides(actor, ListQuery.read(asked), where)
        found = document_search.found(tx, actor, q, sides)
        return ["".join(p.text for p in row.subject) for row in found.rows]


def test_words_of_a_pdf_and_of_a_word_file_are_found_with_and_without_accents(rooms: Office) -> None:
    rooms.handed_in(rooms.file(pdf("Xử lý điểm ngập tại đường Hoa Sứ.")), subject="Chống ngập", key="a")
    rooms.handed_in(
        rooms.file(word("Mua sắm máy chủ", cell="Đấu thầu rộng rãi"), "du-toan.docx", WORD),
        subject="Dự toán",
        key="b",
    )
    lan = rooms.cast.lan
    assert hits(rooms, lan, "hoa su") == ["Chống ngập"]
    assert hits(rooms, lan, "đường Hoa Sứ") == ["Chống ngập"]
    assert hits(rooms, lan, "đương hoa sứ") == []
    assert hits(rooms, lan, "dau thau") == ["Dự toán"]
    assert hits(rooms, lan, "Đấu thầu Nội vụ 12/SNV") == ["Dự toán"]
    assert hits(rooms, lan, "du-toan.docx") == ["Dự toán"]
    assert hits(rooms, lan, "noi vu") == ["Dự toán", "Chống ngập"]


def test_what_a_nursery_reads_beforehand_is_read_as_any_paper() -> None:
    assert [text_probe.read(own, 100).strip() for own in text_probe.own_papers()] == ["Cong van", "Công văn"]


def test_an_agency_finds_only_what_it_sent_or_received(rooms: Office) -> None:
    rooms.handed_in(rooms.file(pdf("Chữ hiếm gặp: lưu ly.")), subject="Gửi hai nơi")
    cast = rooms.cast
    assert hits(rooms, cast.lan, "lưu ly") == ["Gửi hai nơi"]
    assert hits(rooms, cast.ha, "lưu ly") == ["Gửi hai nơi"]
    assert hits(rooms, cast.quynh, "lưu ly") == []
    assert hits(rooms, cast.nam, "lưu ly") == []  # a specialist sees what was given to them


def test_the_text_of_a_sent_document_is_found_by_its_sender(rooms: Office) -> None:
    rooms.sent(subject="Thư đi")
    assert hits(rooms, rooms.cast.ha, "trân trọng", "out") == ["Thư đi"]
    assert hits(rooms, rooms.cast.ha, "trân trọng", "in") == []
    assert hits(rooms, rooms.cast.lan, "trân trọng", "in") == ["Thư đi"]
    assert hits(rooms, rooms.cast.lan, "trân trọng", "out") == []


def test_a_search_is_narrowed_and_goes_on_by_cursor(rooms: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        rooms.handed_in(subject=f"Kế hoạch {number}", key=str(number))
    lan = rooms.cast.lan
    assert hits(rooms, lan, "ke hoach", agency=str(rooms.cast.home_affairs.id)) == [
        "Kế hoạch 2",
        "Kế hoạch 1",
        "Kế hoạch 0",
    ]
    assert hits(rooms, lan, "ke hoach", agency=str(rooms.cast.city.id)) == []
    assert hits(rooms, lan, "ke hoach", until="2020-01-01") == []
    assert hits(rooms, lan, "ke hoach", "in", state="done") == []
    monkeypatch.setattr(document_search, "PAGE", 2)
    with rooms.db.read() as tx:
        sides = lists.search_sides(lan, ListQuery(), "")
        first = document_search.found(tx, lan, "kế hoạch", sides)
        assert first.older is not None
        second = document_search.found(tx, lan, "kế hoạch", sides, first.older)
    assert [r.incoming.subject for r in (*first.rows, *second.rows) if r.incoming] == [
        "Kế hoạch 2",
        "Kế hoạch 1",
        "Kế hoạch 0",
    ]
    assert second.older is None


def test_the_search_in_the_frame_shows_its_own_words_and_no_lists(app: Flask) -> None:
    lan = sign_in(app, "lan")
    field = re.compile(r'<input id="find"[^>]* value="([^"]*)"')
    shown = {
        path: field.findall(lan.get(path).get_data(as_text=True)) for path in ("/search?q=ngap", "/documents/in?q=ngap")
    }
    assert shown == {"/search?q=ngap": ["ngap"], "/documents/in?q=ngap": [""]}


def test_the_page_marks_the_words_and_shows_a_line_of_the_paper(app: Flask, rooms: Office) -> None:
    rooms.handed_in(rooms.file(pdf("Một câu dài trước đó. Điểm ngập <b> ở ngã tư.")), subject="Điểm tin")
    text = sign_in(app, "lan").get("/search?q=diem+ngap").get_data(as_text=True)
    assert "<mark>Điểm</mark> tin" in text
    assert re.search(r"<mark>Điểm</mark> <mark>ngập</mark> &lt;b&gt; ở ngã tư", text)
    for query in ("q=", "q=!!!", "q=a&before=x&where=y&since=z", "q=" + "x" * 500, "where=in&state=done&q=a"):
        assert sign_in(app, "lan").get(f"/search?{query}").status_code == 200


@pytest.mark.parametrize("data", [b"%PDF-1.7 broken", b"PK\x03\x04 broken", b"", b"\x00" * 100, b"%PDF-1.4\n%%EOF"])
def test_a_broken_paper_costs_its_own_text_only(rooms: Office, data: bytes) -> None:
    rooms.handed_in(rooms.file(data, "hong.pdf"), rooms.file(word("Vẫn tìm thấy"), "lanh.docx", WORD))
    assert hits(rooms, rooms.cast.lan, "vẫn tìm thấy") == ["Về việc báo cáo"]
    assert hits(rooms, rooms.cast.lan, "hong.pdf") == ["Về việc báo cáo"]


@pytest.mark.long_proof
def test_a_bomb_is_not_unpacked(rooms: Office) -> None:
    file = rooms.file(bomb(), "bom.docx", WORD)
    assert text_of(rooms.blobs, (PaperFile(file.sha256, file.size),)) == ""


def test_a_paper_that_takes_too_long_is_left_unread(rooms: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docex.documents.search.text_extraction.TIMEOUT_S", 0.0)
    file = rooms.file(pdf("Chậm"))
    assert text_of(rooms.blobs, (PaperFile(file.sha256, file.size),)) == ""


def jobs(rooms: Office) -> dict[str, str]:
    """The state of each job that reads or verifies."""
    with rooms.db.read() as tx:
        rows = tx.session.execute(sa.select(OutboxRow.topic, OutboxRow.state))
        return {topic: state for topic, state in rows if topic in ("docex.read_text", "docex.verify")}


def test_short_papers_are_read_by_the_job_that_verifies_them(rooms: Office) -> None:
    papers = rooms.file(pdf("Chữ trong tệp chính.")), rooms.file(pdf("Chữ trong phụ lục."), "phu-luc.pdf")
    rooms.handed_in(*papers, rooms.file(word("Chữ trong bảng"), "bang.docx", WORD))
    assert jobs(rooms) == {"docex.verify": State.DONE}
    for words in ("trong tệp chính", "trong phụ lục", "trong bảng"):
        assert hits(rooms, rooms.cast.lan, words) == ["Về việc báo cáo"]


@pytest.mark.long_proof
@pytest.mark.parametrize(("limit", "to"), [("SHORT_BYTES", 100), ("FEW_PAPERS", 0), ("AT_ONCE_S", 0.0)])
def test_long_papers_are_verified_at_once_and_read_by_a_job(
    rooms: Office, monkeypatch: pytest.MonkeyPatch, limit: str, to: float
) -> None:
    monkeypatch.setattr(f"docex.documents.search.text_extraction.{limit}", to)
    rooms.handed_in(rooms.file(pdf("Điểm ngập ở ngã tư.")), key="dài")
    assert jobs(rooms) == {"docex.verify": State.DONE, "docex.read_text": State.DONE}
    assert hits(rooms, rooms.cast.lan, "điểm ngập") == ["Về việc báo cáo"]


def test_a_worker_that_cannot_verify_leaves_the_reading_to_a_job(rooms: Office) -> None:
    number = rooms.hand_in(rooms.file(pdf("Nội dung")))
    with rooms.db.write() as tx:
        job = claiming.claim(tx, ["docex.verify"], limit=1, lease_s=60)[0]
        outbox.handlers["docex.verify"].give_up(tx, job, "the store is gone")
    rooms.work()
    with rooms.db.read() as tx:
        assert tx.session.get_one(Dispatch, number).verdict == "unclear"
    assert jobs(rooms)["docex.read_text"] == State.DONE


@pytest.mark.repeats("docex.read_text", "docex.print")
def test_reading_and_printing_again_changes_nothing(
    rooms: Office, lan: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docex.documents.search.text_extraction.FEW_PAPERS", 0)
    number = rooms.handed_in(rooms.file(pdf("Đọc một lần.")))
    rooms.register(rooms.cast.lan, rooms.incoming(rooms.cast.lan)[0].id)
    assert lan.post("/documents/registers/print", data={"book": "in", "format": "xlsx"}).status_code == 303
    rooms.work()
    before = lan.get("/documents/registers/prints/1").data
    with rooms.db.write() as tx:
        ours = OutboxRow.topic.in_(["docex.read_text", "docex.print"])
        assert list(tx.session.scalars(sa.select(OutboxRow.state).where(ours))) == [State.DONE] * 2
        again = {"state": State.WAITING, "due_at": clock.now(), "finished_at": None}
        tx.session.execute(sa.update(OutboxRow).where(ours).values(again))
    rooms.work()
    assert lan.get("/documents/registers/prints/1").data == before
    assert hits(rooms, rooms.cast.lan, "đọc một lần") == ["Về việc báo cáo"]
    with rooms.db.read() as tx:
        rows = tx.session.execute(sa.text("SELECT count(*) FROM search_text WHERE kind = 'dispatch'")).scalar()
        assert rows == 1
        assert tx.session.get(Dispatch, number) is not None


def test_marks_stand_on_whole_words_and_keep_every_letter() -> None:
    words = words_of("đường ha")
    text = "Đường Hạ và duong ha, thượng hạ; đường."
    cut = pieces(text, words)
    assert "".join(p.text for p in cut) == text
    assert [p.text for p in cut if p.marked] == ["Đường", "Hạ", "ha", "hạ", "đường"]
    assert pieces("không có gì", words_of("")) == pieces("không có gì", words_of("xyz"))
    long = "đầu " * 200 + "từ khóa ở giữa " + "cuối " * 200
    line = snippet(long, words_of("tu khoa"))
    assert [p.text for p in line if p.marked] == ["từ", "khóa"]
    assert line[0].text == "… "
    assert line[-1].text == " …"
    assert sum(len(p.text) for p in line) < 260
    assert snippet("không có gì", words) == ()
    paper = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM " + "lời " * 30 + "tại đường Hoa Sứ."
    assert [p.text for p in snippet(paper, words_of("hoa su")) if p.marked] == ["Hoa", "Sứ"]
