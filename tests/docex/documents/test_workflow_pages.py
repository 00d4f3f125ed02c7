"""The desk through the pages: a clerk and a leader do all of it in the browser."""

import io
import re

import docx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from docex.documents.drafting import outgoing
from docex.documents.models import Incoming
from docex.documents.states import DocumentState, IncomingState
from kernel import clock
from tests.docex.documents.test_pages import typed
from tests.docex.office import Office
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.config, Services(office.config, office.db, office.blobs))


@pytest.fixture
def ha(app: Flask) -> FlaskClient:
    return sign_in(app, "ha")


def received(office: Office) -> tuple[int, str]:
    number = office.on_its_way()
    copy = office.incoming(office.cast.lan)[0].id
    office.register(office.cast.lan, copy)
    return number, f"/documents/in/{copy}"


def test_a_sheet_goes_to_the_leader_and_becomes_work(app: Flask, office: Office, ha: FlaskClient) -> None:
    cast = office.cast
    lan, dung, nam = sign_in(app, "lan"), sign_in(app, "dung"), sign_in(app, "nam")
    number, page = received(office)
    assert 'id="submit-sheet"' in lan.get(page).get_data(as_text=True)
    refused = lan.post(f"{page}/submit", data={"leader_id": "0", "proposal": "Giao Phòng Ngân sách"})
    assert refused.status_code == 422
    assert "Cần chọn lãnh đạo để trình." in refused.get_data(as_text=True)
    assert "Giao Phòng Ngân sách" in refused.get_data(as_text=True)
    sheet = {"leader_id": str(cast.dung.person_id), "proposal": "Giao Phòng Ngân sách\nBáo cáo thứ Sáu"}
    assert lan.post(f"{page}/submit", data=sheet).status_code == 303
    assert "Chờ tôi phân công" in dung.get("/").get_data(as_text=True)
    shown = dung.get(page).get_data(as_text=True)
    assert 'id="decide-sheet"' in shown
    assert shown.count('<span class="as-typed">Giao Phòng Ngân sách\nBáo cáo thứ Sáu</span>') == 2
    acts = dung.get(f"{page}?fragment=acts").get_data(as_text=True)
    assert re.search(r'(?s)href="#decide-sheet">.*Tới phân công</a>', acts)  # a way, which must not read like the act
    assert "btn btn-primary" not in acts
    assert nam.get(page).status_code == 404
    answer = dung.post(f"{page}/decide", data={"lead": "", "due": "mai"})
    assert answer.status_code == 422
    assert "Cần chọn người hoặc đơn vị chủ trì" in answer.get_data(as_text=True)
    work = {"lead": f"p{cast.nam.person_id}", "opinion": "Xử lý sớm", "due": f"31/12/{clock.today().year + 5}"}
    assert dung.post(f"{page}/decide", data={**work, "co_ids": str(cast.lan.person_id)}).status_code == 303
    office.work()
    assert "Đã phân công xử lý" in ha.get(f"/documents/out/{number}").get_data(as_text=True)
    mine = nam.get(page).get_data(as_text=True)
    assert "Mở công việc" in mine
    assert "Soạn trả lời" in mine
    assert page in nam.get("/documents/in").get_data(as_text=True)


def test_what_needs_no_work_is_closed_on_the_page(app: Flask, office: Office) -> None:
    lan = sign_in(app, "lan")
    _, page = received(office)
    assert lan.post(f"{page}/close", data={"remark": "Lưu"}).status_code == 303
    assert office.incoming(office.cast.lan)[0].state == IncomingState.DONE


def test_who_helps_is_still_chosen_after_a_refused_assignment(app: Flask, office: Office) -> None:
    dung, (_, page) = sign_in(app, "dung"), received(office)
    helper = office.cast.lan.person_id
    work = {"lead": f"p{office.cast.nam.person_id}", "due": "mai", "co_ids": str(helper)}
    shown = dung.post(f"{page}/decide", data=work).get_data(as_text=True)
    assert f'name="co_ids" value="{helper}" checked' in shown
    assert shown.count('name="co_ids" value="') > shown.count(" checked")
    assert "<details open><summary>Người phối hợp" in shown
    assert "<details><summary>Người phối hợp" in dung.get(page).get_data(as_text=True)


def test_what_may_be_a_double_asks_before_it_is_registered(app: Flask, office: Office) -> None:
    lan = sign_in(app, "lan")
    office.on_its_way()
    office.on_its_way(subject="Văn bản khác")
    first, second = office.incoming(office.cast.lan)
    with office.db.write() as tx:
        tx.session.get_one(Incoming, second.id).code = first.code
    page = f"/documents/in/{second.id}"
    shown = lan.get(page).get_data(as_text=True)
    assert shown.index("Có thể trùng: ") < shown.index('class="document-paper"')
    assert 'data-dialog="register-double"' in lan.get(f"{page}?fragment=acts").get_data(as_text=True)
    asked = lan.post(f"{page}/register")
    assert asked.status_code == 409
    dialog = asked.get_data(as_text=True).partition('<dialog id="register-double"')[2].partition("</dialog>")[0]
    assert f"/documents/in/{first.id}" in dialog
    assert "data-open" in dialog
    assert office.incoming(office.cast.lan)[1].state == IncomingState.ARRIVED
    assert lan.post(f"{page}/register", data={"even_doubled": "yes"}).status_code == 303
    assert office.incoming(office.cast.lan)[1].state == IncomingState.REGISTERED
    assert "register-double" not in lan.get(page).get_data(as_text=True)
    assert lan.post(f"{page}/register").status_code == 409


def words_of_sheet(client: FlaskClient, page: str) -> str:
    elements = docx.Document(io.BytesIO(client.get(f"{page}/sheet").get_data())).element.iter()
    return "\n".join(element.text or "" for element in elements)


def test_a_leader_gave_no_opinion_on_what_the_clerk_filed(app: Flask, office: Office) -> None:
    lan = sign_in(app, "lan")
    _, page = received(office)
    lan.post(f"{page}/submit", data={"leader_id": str(office.cast.dung.person_id), "proposal": ""})
    assert lan.post(f"{page}/close", data={"remark": "Gửi nhầm, lưu"}).status_code == 303
    card = lan.get(page).get_data(as_text=True).partition("Phiếu giải quyết văn bản đến")[2].partition("</section>")[0]
    assert "Cho ý kiến lúc" not in card
    assert "Người kết thúc" in card
    assert "Gửi nhầm, lưu" in card
    assert office.cast.dung.name not in words_of_sheet(lan, page)


def test_what_a_leader_files_is_the_leaders_opinion(app: Flask, office: Office) -> None:
    lan, dung = sign_in(app, "lan"), sign_in(app, "dung")
    _, page = received(office)
    lan.post(f"{page}/submit", data={"leader_id": str(office.cast.dung.person_id), "proposal": "Xin ý kiến"})
    assert dung.post(f"{page}/close", data={"remark": "Đã đọc, lưu hồ sơ"}).status_code == 303
    card = lan.get(page).get_data(as_text=True).partition("Phiếu giải quyết văn bản đến")[2].partition("</section>")[0]
    assert "Ý kiến chỉ đạo" in card
    assert "Đã đọc, lưu hồ sơ" in card
    assert "Cho ý kiến lúc" in card
    assert "Người kết thúc" not in card
    words = words_of_sheet(lan, page)
    assert "Đã đọc, lưu hồ sơ" in words
    assert office.cast.dung.name in words


def test_a_reply_is_written_from_the_received_document(app: Flask, office: Office) -> None:
    cast = office.cast
    lan = sign_in(app, "lan")
    _, page = received(office)
    copy = page.rpartition("/")[2]
    form = lan.get(f"/documents/out/new?answers={copy}").get_data(as_text=True)
    assert f'name="answers" type="hidden" value="{copy}"' in form
    assert re.search(rf'value="{cast.city.id}" checked', form)
    assert "Trả lời văn bản số" in form
    data = typed(office, answers=copy, finishes="y", recipients=[str(cast.city.id)], signer_id=str(cast.dung.person_id))
    made = lan.post("/documents/out/new", data=data).headers["Location"]
    assert page in lan.get(made).get_data(as_text=True)
    assert made in lan.get(page).get_data(as_text=True)
    edit = lan.get(f"{made}/edit").get_data(as_text=True)
    assert f'name="answers" type="hidden" value="{copy}"' in edit
    assert sign_in(app, "ha").get(f"/documents/out/new?answers={copy}").status_code == 404


def test_recall_resend_and_replace_from_the_page(app: Flask, office: Office, ha: FlaskClient) -> None:
    number = office.on_its_way()
    page = f"/documents/out/{number}"
    for act in ("recall", "replace", "resend"):
        refused = ha.post(f"{page}/{act}", data={"reason": ""})
        assert refused.status_code == 422, act
        assert "Cần nêu lý do." in refused.get_data(as_text=True)
    draft = ha.post(f"{page}/replace", data={"reason": "Sai số liệu"})
    assert draft.headers["Location"].endswith("/edit")
    again = {"reason": "Bổ sung", "had": str(office.cast.finance.id)}
    assert ha.post(f"{page}/resend", data=again).status_code == 303
    assert ha.post(f"{page}/recall", data={"reason": "Sai nội dung"}).status_code == 303
    office.work()
    shown = ha.get(page).get_data(as_text=True)
    assert "Đang yêu cầu thu hồi" in shown
    assert "Sai nội dung" in shown
    lan = sign_in(app, "lan")
    assert "Yêu cầu lấy lại chờ trả lời" in lan.get("/").get_data(as_text=True)
    copy = office.incoming(office.cast.lan)[-1].id
    assert lan.post(f"/documents/in/{copy}/recall/agree").status_code == 303
    office.work()
    assert office.document(number).state == DocumentState.RECALLED


def test_an_agency_that_got_an_update_counts_once(app: Flask, office: Office, ha: FlaskClient) -> None:
    cast = office.cast
    number = office.sent(recipients=(cast.finance.id, cast.science.id, cast.home_affairs.id))
    page = f"/documents/out/{number}"
    ha.post(f"{page}/resend", data={"reason": "Bổ sung", "had": str(cast.finance.id)})
    office.work()
    sheet = office.sheet(cast.ha, number)
    assert [row.updates for row in sheet.deliveries] == [False, False, False, True]
    assert sum(count for _, count in sheet.sums) == 3
    assert re.search(rf"{cast.finance.name} <span[^>]*>\(bản cập nhật\)", ha.get(page).get_data(as_text=True))


@pytest.mark.long_proof
def test_an_update_is_not_called_a_recall_where_it_came(app: Flask, office: Office, ha: FlaskClient) -> None:
    lan = sign_in(app, "lan")
    number = office.sent()
    page, old = f"/documents/out/{number}", f"/documents/in/{office.incoming(office.cast.lan)[0].id}"
    ha.post(f"{page}/resend", data={"reason": "Bổ sung", "had": str(office.cast.finance.id)})
    office.work()
    shown = lan.get(old).get_data(as_text=True)
    assert "Yêu cầu cập nhật" in shown
    assert "Đồng ý thay bằng bản cập nhật…" in shown
    assert "Yêu cầu lấy lại" not in shown
    assert "Đồng ý trả lại" not in shown
    assert "Yêu cầu cập nhật" in lan.get("/").get_data(as_text=True)
    assert lan.post(f"{old}/recall/refuse", data={"reason": "Đang xử lý"}).status_code == 303
    ha.post(f"{page}/recall", data={"reason": "Sai nội dung"})
    office.work()
    recalled = lan.get(old).get_data(as_text=True)
    assert "Đồng ý trả lại…" in recalled
    assert "Đồng ý thay" not in recalled


def test_groups_and_series_are_kept_on_their_page(app: Flask, office: Office, ha: FlaskClient) -> None:
    cast = office.cast
    refused = ha.post("/documents/groups", data={"name": "", "members": []})
    assert refused.status_code == 422
    members = [str(cast.finance.id), str(cast.science.id)]
    assert ha.post("/documents/groups", data={"name": "Các sở", "members": members}).status_code == 303
    page = ha.get("/documents/groups").get_data(as_text=True)
    group = re.search(r'href="/documents/groups/(\d+)"', page)
    assert group is not None
    assert "Các sở (2)" in page
    assert "Các sở" in ha.get(f"/documents/groups/{group[1]}").get_data(as_text=True)
    assert sign_in(app, "lan").get(f"/documents/groups/{group[1]}").status_code == 404
    assert "Các sở" in ha.get("/documents/out/new").get_data(as_text=True)
    made = ha.post("/documents/out/new", data=typed(office, recipients=[], groups=[group[1]])).headers["Location"]
    assert office.document(int(made.rpartition("/")[2])).recipients == [cast.finance.id, cast.science.id]
    assert ha.post("/documents/series", data={"kinds": ["decision"]}).status_code == 303
    assert 'value="decision" checked' in ha.get("/documents/groups").get_data(as_text=True)
    assert "Đã lưu nhóm “Các sở”." in page
    assert f'<dialog id="remove-{group[1]}"' in page  # it asks first
    removed = ha.post(f"/documents/groups/{group[1]}/remove", follow_redirects=True).get_data(as_text=True)
    assert "Đã xóa nhóm “Các sở”." in removed
    assert sign_in(app, "binh").post("/documents/series", data={}).status_code == 403


def test_the_office_chief_checks_on_the_page(app: Flask, office: Office, ha: FlaskClient) -> None:
    son = sign_in(app, "son")
    made = ha.post("/documents/out/new", data=typed(office, reviewer_id=str(office.cast.son.person_id)))
    page = made.headers["Location"]
    office.work()
    assert "Trình kiểm tra" in ha.get(page).get_data(as_text=True)
    assert ha.post(f"{page}/submit").status_code == 303
    assert "Chờ tôi kiểm tra" in son.get("/").get_data(as_text=True)
    assert "Trình lãnh đạo ký" in son.get(page).get_data(as_text=True)
    assert son.post(f"{page}/approve").status_code == 303
    assert office.document(int(page.rpartition("/")[2])).state == DocumentState.REVIEW


def test_whoever_drafted_sees_at_once_why_it_came_back(app: Flask, office: Office, ha: FlaskClient) -> None:
    number = office.written()
    page, why = f"/documents/out/{number}", "Bị trả lại để sửa: Sai số liệu mục 2"
    office.work()
    office.submit(number)
    assert sign_in(app, "binh").post(f"{page}/return", data={"reason": "Sai số liệu mục 2"}).status_code == 303
    shown = ha.get(page).get_data(as_text=True)
    assert shown.index(why) < shown.index('class="document-paper"')
    assert why in ha.get(f"{page}/edit").get_data(as_text=True)
    assert "Bị trả lại" in ha.get("/documents/out").get_data(as_text=True)
    today = ha.get("/").get_data(as_text=True)
    assert "Bị trả lại để tôi sửa" in today
    assert "Sai số liệu mục 2" in today
    office.submit(number)
    with office.db.write(office.cast.ha.by) as tx:
        outgoing.withdraw(tx, office.cast.ha, number)
    assert why not in ha.get(page).get_data(as_text=True)
    assert "Bị trả lại" not in ha.get("/documents/out").get_data(as_text=True)
    assert "Sai số liệu mục 2" not in ha.get("/").get_data(as_text=True)


def test_each_act_says_on_the_next_page_what_was_done(app: Flask, office: Office, ha: FlaskClient) -> None:
    cast = office.cast
    binh, lan, dung = sign_in(app, "binh"), sign_in(app, "lan"), sign_in(app, "dung")

    def said(who: FlaskClient, path: str, **data: str) -> str:
        answer = who.post(path, data=data)
        assert answer.status_code == 303, path
        shown = who.get(answer.headers["Location"]).get_data(as_text=True).partition('class="flashes"')[2]
        note = re.search(r"<div>([^<]*)</div>", shown)
        return note[1] if note else ""

    number = office.written()
    own = f"/documents/out/{number}"
    office.work()
    assert said(ha, f"{own}/submit") == "Đã trình ký."
    assert said(binh, f"{own}/return", reason="Sai") == "Đã trả lại để sửa; người soạn thấy lý do ngay."
    office.work()
    office.submit(number)
    paper = office.sheet(cast.ha, number).paper
    assert paper is not None
    assert said(binh, f"{own}/sign", seen=str(paper.id)).startswith("Đang ký số")
    office.work()
    assert said(ha, f"{own}/seal") == "Đang đóng dấu và gửi."
    office.work()
    copy = office.incoming(cast.lan)[0].id
    office.register(cast.lan, copy)
    page = f"/documents/in/{copy}"
    assert said(lan, f"{page}/submit", leader_id=str(cast.dung.person_id)) == "Đã trình lãnh đạo."
    assert said(lan, f"{page}/withdraw") == "Đã rút phiếu trình."
    dung.post("/language", data={"locale": "en"})
    assert said(dung, f"{page}/decide", lead=f"p{cast.nam.person_id}") == "Assigned; the sender is told at once."
    assert said(ha, f"{own}/resend", reason="Bổ sung", had=str(cast.finance.id)).startswith("Đang gửi lại")
    office.work()
    assert said(lan, f"{page}/recall/agree").startswith("Đã đồng ý thay bằng bản cập nhật")
    assert said(ha, f"{own}/recall", reason="Sai") == "Đã yêu cầu các nơi nhận trả lại văn bản."


def test_papers_are_taken_away_for_word(app: Flask, office: Office, ha: FlaskClient) -> None:
    number, page = received(office)
    lan = sign_in(app, "lan")
    assert f"/documents/out/{number}/docx" in ha.get(f"/documents/out/{number}").get_data(as_text=True)
    assert f"{page}/sheet" in lan.get(page).get_data(as_text=True)
    for client, path, said in ((ha, f"/documents/out/{number}/docx", "Kính gửi"), (lan, f"{page}/sheet", "GIẢI QUYẾT")):
        answer = client.get(path)
        assert answer.status_code == 200
        text = "\n".join(element.text or "" for element in docx.Document(io.BytesIO(answer.get_data())).element.iter())
        assert said.casefold() in text.casefold()
        assert answer.headers["Content-Disposition"].endswith(".docx")
    assert lan.get(f"/documents/out/{number}/docx").status_code == 404
    assert ha.get(f"{page}/sheet").status_code == 404
