"""The pages as browsers of the cast see them."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from docex.documents.models import Document
from docex.documents.pages.refused_forms import Form, refusal_of, shown_again
from docex.documents.states import DocumentState, IncomingState
from docex.edxml import Envelope, read
from kernel import audit
from kernel.errors import WrongState
from kernel.storage.blobs import DiskBlobs, Draft
from kernel.text import phrase
from tests.docex.office import BODY, Office, a_pdf
from tests.signing.hazardous import SHOWING
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services
from web.tour.reading import hidden


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.config, Services(office.config, office.db, office.blobs))


@pytest.fixture
def ha(app: Flask) -> FlaskClient:
    return sign_in(app, "ha")


@pytest.fixture
def lan(app: Flask) -> FlaskClient:
    return sign_in(app, "lan")


def typed(office: Office, **changes: object) -> dict[str, object]:
    """The letter that Hà types into the form."""
    return {
        "kind": "letter",
        "urgency": "1",
        "subject": "Báo cáo tiến độ quý IV",
        "recipients": [str(office.cast.finance.id)],
        "body": BODY,
        "signer_id": str(office.cast.binh.person_id),
        "unit_mark": "TH",
        **changes,
    }


def test_a_letter_goes_its_whole_way_through_the_pages(app: Flask, office: Office, ha: FlaskClient) -> None:
    binh, lan = sign_in(app, "binh"), sign_in(app, "lan")
    answer = ha.post("/documents/out/new", data=typed(office))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    page = answer.headers["Location"]
    office.work()
    assert "Trình ký" in ha.get(page).get_data(as_text=True)
    assert ha.post(f"{page}/submit").status_code == 303
    shown = binh.get(page).get_data(as_text=True)
    assert "Ký số" in shown
    assert "Chờ tôi ký" in binh.get("/").get_data(as_text=True)
    for unseen in ("", "0"):  # the paper was not on the screen: it is not signed
        assert binh.post(f"{page}/sign", data={"seen": unseen}).status_code == 409
    assert binh.post(f"{page}/sign", data={"seen": hidden(shown, "seen")}).status_code == 303
    office.work()
    assert "Đóng dấu và gửi" in ha.get(page).get_data(as_text=True)
    assert ha.post(f"{page}/seal").status_code == 303
    office.work()
    assert "Đã đến, chờ văn thư" in ha.get(page).get_data(as_text=True)

    inbox = lan.get("/documents/in").get_data(as_text=True)
    assert "01/VP-TH" in inbox
    received = re.search(r'href="(/documents/in/\d+)"', inbox)
    assert received is not None
    sheet = lan.get(received[1]).get_data(as_text=True)
    assert "Tiếp nhận" in sheet
    assert "verdict-good" in sheet
    envelope = read(lan.get(f"{received[1]}/envelope").data)
    assert isinstance(envelope, Envelope)
    assert envelope.code == "01/VP-TH"
    assert ha.get(f"{received[1]}/envelope").status_code == 404
    assert lan.post(f"{received[1]}/register").status_code == 303
    assert "Đã tiếp nhận, vào sổ" in ha.get(f"{page}?fragment=sheet").get_data(as_text=True)
    assert "<html" not in ha.get(f"{page}?fragment=sheet").get_data(as_text=True)


def test_a_refusal_needs_a_reason_and_the_dialog_opens_again(office: Office, lan: FlaskClient) -> None:
    office.on_its_way()
    copy = office.incoming(office.cast.lan)[0]
    answer = lan.post(f"/documents/in/{copy.id}/refuse", data={"reason": "  "})
    assert answer.status_code == 422
    assert "Cần nêu lý do." in answer.get_data(as_text=True)
    assert office.incoming(office.cast.lan)[0].state == IncomingState.ARRIVED
    assert lan.post(f"/documents/in/{copy.id}/refuse", data={"reason": "Sai nơi nhận"}).status_code == 303
    assert lan.post(f"/documents/in/{copy.id}/register").status_code == 409


def test_what_was_typed_is_kept_when_the_form_is_refused(office: Office, ha: FlaskClient) -> None:
    answer = ha.post("/documents/out/new", data=typed(office, subject="x" * 501, signer_id="0"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "nhiều nhất 500 ký tự" in page
    assert "Cần chọn người ký" in page
    assert "x" * 501 in page
    assert BODY.splitlines()[0] in page
    assert "Soạn văn bản" in page


def test_all_that_is_wrong_is_told_at_once_and_right_files_are_not_asked_for_again(
    app: Flask, office: Office, ha: FlaskClient
) -> None:
    bad, good = (io.BytesIO(b"MZ program"), "thu.exe"), (io.BytesIO(a_pdf()), "phu-luc.pdf")
    main = (io.BytesIO(a_pdf()), "van-ban.pdf")
    data = typed(office, subject="", signer_id="", file=main, attachments=[bad, good])
    answer = ha.post("/documents/out/upload", data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for words in ("Cần nhập trích yếu", "Cần chọn người ký", "“thu.exe” thuộc loại không nhận", "phu-luc.pdf"):
        assert words in page
    (main_word,) = re.findall(r'name="kept_main" value="([^"]+)"', page)
    (word,) = re.findall(r'name="kept" value="([^"]+)"', page)
    again = {"kept_main": main_word, "kept": [word, "made up"]}
    made = ha.post("/documents/out/upload", data=typed(office, **again)).headers["Location"]
    shown = ha.get(made).get_data(as_text=True)
    assert "phu-luc.pdf" in shown
    assert "thu.exe" not in shown
    thu = sign_in(app, "thu")
    refused = thu.post("/documents/out/upload", data=typed(office, **again))
    assert refused.status_code == 422, "the words of another person count for nothing"
    assert "Cần chọn tệp PDF" in refused.get_data(as_text=True)


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"not a pdf", "thu.pdf", "không phải là PDF"),
        (b"", "thu.pdf", "trống"),
        (b"MZ\x90\x00 program", "thu.exe", "không phải là PDF"),
    ],
)
def test_a_file_that_is_no_pdf_is_refused_at_the_field(
    office: Office, ha: FlaskClient, data: bytes, name: str, says: str
) -> None:
    answer = ha.post("/documents/out/upload", data=typed(office, file=(io.BytesIO(data), name)))
    assert answer.status_code == 422
    assert says in answer.get_data(as_text=True)
    assert "Báo cáo tiến độ quý IV" in answer.get_data(as_text=True)


def test_a_pdf_with_a_hazard_is_refused_at_the_field_and_the_rest_is_kept(office: Office, ha: FlaskClient) -> None:
    file = (io.BytesIO(SHOWING["layers"]()), "lop.pdf")
    answer = ha.post("/documents/out/upload", data=typed(office, file=file))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Tệp này không ký được vì có lớp nội dung bật, tắt được" in page
    assert "Báo cáo tiến độ quý IV" in page
    assert 'name="kept_main"' not in page


def test_a_broken_pdf_is_named_on_the_page_and_can_be_replaced(office: Office, ha: FlaskClient) -> None:
    broken = a_pdf()[:900]
    answer = ha.post("/documents/out/upload", data=typed(office, file=(io.BytesIO(broken), "hong.pdf")))
    page = answer.headers["Location"]
    office.work()
    assert "Tệp PDF bị hỏng" in ha.get(page).get_data(as_text=True)
    refused = ha.post(f"{page}/submit")
    assert refused.status_code == 409
    form = ha.get(f"{page}/edit").get_data(as_text=True)
    rev = re.search(r'name="rev" value="(\d+)"', form)
    assert rev is not None
    again = typed(office, rev=rev[1], file=(io.BytesIO(a_pdf()), "lanh.pdf"))
    assert ha.post(f"{page}/edit", data=again).status_code == 303
    office.work()
    assert ha.post(f"{page}/submit").status_code == 303


def test_papers_are_read_in_the_page_and_downloaded_as_they_came(app: Flask, office: Office, ha: FlaskClient) -> None:
    number = office.uploaded(a_pdf(), subject="Về việc Đề án")
    office.work()
    sheet = office.sheet(office.cast.ha, number)
    assert sheet.paper is not None
    url = f"/documents/papers/{sheet.paper.id}"
    whole = ha.get(url)
    assert whole.data == a_pdf()
    assert whole.headers["Content-Disposition"].startswith("inline")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in whole.headers["Content-Security-Policy"]
    part = ha.get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.data) == (206, a_pdf()[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(a_pdf())}"
    assert ha.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert ha.get(f"{url}?download=1").headers["Content-Disposition"].startswith("attachment")
    with office.db.read() as tx:
        opened = audit.history(tx, f"paper:{sheet.paper.id}")
    assert [(e.action, e.by) for e in opened] == [("paper.open", office.cast.ha.by)]
    assert sign_in(app, "lan").get(url).status_code == 404


def test_names_of_files_keep_their_vietnamese_letters(office: Office, ha: FlaskClient) -> None:
    note = (io.BytesIO("ghi chú".encode()), "Phụ lục đính kèm.txt")
    page = ha.post("/documents/out/new", data=typed(office, attachments=[note])).headers["Location"]
    sheet = office.sheet(office.cast.ha, int(page.rpartition("/")[2]))
    answer = ha.get(f"/documents/papers/{sheet.attachments[0].id}")
    assert "filename*=UTF-8''Ph%E1%BB%A5%20l%E1%BB%A5c" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    detached = ha.post(f"{page}/papers/{sheet.attachments[0].id}/detach")
    assert detached.status_code == 303
    assert office.sheet(office.cast.ha, sheet.id).attachments == ()


def test_another_agency_and_impossible_ids_find_nothing(app: Flask, office: Office, lan: FlaskClient) -> None:
    number = office.written()
    for path in (f"/documents/out/{number}", f"/documents/out/{2**70}", f"/documents/in/{2**70}", "/documents/in/999"):
        assert lan.get(path).status_code == 404, path
    assert lan.post(f"/documents/out/{number}/sign").status_code == 404
    assert app.test_client().get(f"/documents/out/{number}").status_code == 302


def test_empty_lists_say_what_will_appear(ha: FlaskClient, lan: FlaskClient) -> None:
    assert "Chưa có văn bản đi" in ha.get("/documents/out").get_data(as_text=True)
    assert "Chưa có văn bản đến" in lan.get("/documents/in").get_data(as_text=True)
    assert "Tìm trong mọi văn bản" in lan.get("/search").get_data(as_text=True)
    assert "Không tìm thấy" in lan.get("/search?q=khôngcó").get_data(as_text=True)


def test_the_search_finds_with_and_without_accents(office: Office, ha: FlaskClient) -> None:
    office.written(subject="Về việc phòng chống ngập")
    for q in ("phong chong ngap", "phòng chống", "NGẬP", "Tài chính"):
        page = ha.get("/search", query_string={"q": q}).get_data(as_text=True)
        assert "Về việc phòng chống ngập" in re.sub("</?mark>", "", page), q
        assert "Về việc phòng chống ngập" in ha.get("/documents/out", query_string={"q": q}).get_data(as_text=True), q
    assert "Về việc phòng chống ngập" not in ha.get("/search?q=ngáp").get_data(as_text=True)
    assert ha.get("/documents/out?page=99999999999999999999&state=nothing").status_code == 200


def test_two_who_edit_the_same_draft_do_not_overwrite_each_other(office: Office, ha: FlaskClient) -> None:
    number = office.written()
    office.work()
    rev = str(office.document(number).text_rev)
    first = ha.post(f"/documents/out/{number}/edit", data=typed(office, rev=rev, subject="Bản thứ nhất"))
    assert first.status_code == 303
    second = ha.post(f"/documents/out/{number}/edit", data=typed(office, rev=rev, subject="Bản thứ hai"))
    assert second.status_code == 409
    assert office.document(number).subject == "Bản thứ nhất"
    assert office.document(number).state == DocumentState.DRAFT
    page = second.get_data(as_text=True)
    assert "đã được người khác sửa" in page
    assert "Bản thứ hai" in page, "what was typed stays"
    assert f'href="/documents/out/{number}"' in page
    shown = re.search(r'name="rev" value="(\d+)"', page)
    assert shown
    knowing = ha.post(f"/documents/out/{number}/edit", data=typed(office, rev=shown[1], subject="Bản thứ hai"))
    assert knowing.status_code == 303
    assert office.document(number).subject == "Bản thứ hai"


class Watched(DiskBlobs):
    """The store on disk, which notes how many connections the house holds when a file begins to come in."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.config.blobs_dir)
        self.office = office
        self.held: list[str] = []

    def draft(self) -> Draft:
        self.held.append(self.office.db.engine.pool.status())
        return super().draft()


def test_nobody_holds_the_database_while_a_file_goes_to_the_store(office: Office) -> None:
    store = Watched(office)
    ha = sign_in(create_app(office.config, Services(office.config, office.db, store)), "ha")
    form = typed(office, file=(io.BytesIO(a_pdf()), "van-ban.pdf"), attachments=(io.BytesIO(b"a,b"), "phu-luc.csv"))
    assert ha.post("/documents/out/upload", data=form).status_code == 303
    assert len(store.held) == 2
    assert all("Current Checked out connections: 0" in status for status in store.held), store.held


WORDS = "Văn bản gửi nhầm cơ quan; đề nghị gửi lại đúng nơi nhận"


@pytest.mark.long_proof
def test_a_reason_for_an_act_that_came_too_late_is_there_to_be_copied(
    app: Flask, office: Office, lan: FlaskClient
) -> None:
    """Somebody else was quicker, and the dialog is gone with its act."""
    number = office.sent()
    (incoming,) = office.incoming(office.cast.lan)
    office.register(office.cast.lan, incoming.id)
    office.work()
    for http, path in (
        (lan, f"/documents/in/{incoming.id}/refuse"),
        (lan, f"/documents/in/{incoming.id}/recall/refuse"),
        (sign_in(app, "binh"), f"/documents/out/{number}/return"),
    ):
        answer = http.post(path, data={"reason": WORDS})
        assert answer.status_code == 409, path
        assert f"readonly>{WORDS}</textarea>" in answer.text
        assert "data-open" not in answer.text
        assert "fault-code" not in answer.text


def test_what_was_begun_before_it_was_too_late_is_undone_and_the_form_opens_again_while_it_is_there(
    office: Office,
) -> None:
    number, form = office.written(), Form("recall_reason", frozenset({"recall"}), WORDS)
    with office.db.write(office.cast.ha.by) as tx:

        def act() -> None:
            tx.session.get_one(Document, number).subject = "Nửa chừng"
            raise WrongState(phrase("Người khác vừa sửa văn bản này."))

        refused = refusal_of(tx, form, act, {})
        assert refused is not None
        assert tx.session.get_one(Document, number).subject != "Nửa chừng"
    shown = shown_again(refused, frozenset({"recall"}), {"reason": WORDS})
    assert (shown["errors"], shown["typed"]) == ({"recall_reason": refused.message}, {"reason": WORDS})
    assert shown_again(refused, frozenset(), {})["lost"] == refused


@pytest.mark.parametrize(("path", "field", "status"), [("submit", "proposal", 422), ("close", "remark", 409)])
def test_what_stood_in_a_form_of_the_desk_is_there_too(
    office: Office, lan: FlaskClient, path: str, field: str, status: int
) -> None:
    office.handed_in(to=(office.cast.finance.id,))
    (incoming,) = office.incoming(office.cast.lan)
    office.refuse(office.cast.lan, incoming.id, "Sai nơi nhận")
    answer = lan.post(f"/documents/in/{incoming.id}/{path}", data={field: WORDS})
    assert (answer.status_code, f"readonly>{WORDS}</textarea>" in answer.text) == (status, True)
