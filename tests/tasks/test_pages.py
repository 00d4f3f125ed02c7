"""The pages of tasks as a browser without scripts uses them."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from kernel.config import Config
from kernel.db import Database
from kernel.queue.worker import drain
from kernel.storage.blobs import BlobStore
from notify.models import Message
from tasks.models import Task, TaskExtension
from tests.cast import Cast
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services

LATER = "11/12/2036 17:00"
MUCH_LATER = "11/12/2037 17:00"


@pytest.fixture
def app(config: Config, db: Database, blobs: BlobStore, cast: Cast) -> Flask:
    return create_app(config, Services(config, db, blobs))


@pytest.fixture
def binh(app: Flask) -> FlaskClient:
    return sign_in(app, "binh")


@pytest.fixture
def nam(app: Flask) -> FlaskClient:
    return sign_in(app, "nam")


def give(browser: FlaskClient, lead: str, **fields: object) -> int:
    typed = {"title": "Báo cáo <b>giải ngân</b>", "lead": lead, "deadline": LATER, "priority": "urgent", **fields}
    answer = browser.post("/tasks", data=typed)
    assert answer.status_code == 303, answer.text
    return int(answer.location.rpartition("/")[2])


def test_the_form_gives_a_task_and_the_lead_finds_it(
    db: Database, cast: Cast, binh: FlaskClient, nam: FlaskClient
) -> None:
    page = binh.get("/tasks/new").text
    assert f'value="p{cast.nam.person_id}"' in page
    assert f'value="a{cast.finance.id}"' in page
    task_id = give(binh, f"p{cast.nam.person_id}", co_workers=[str(cast.yen.person_id)])
    assert "Báo cáo &lt;b&gt;giải ngân&lt;/b&gt;" in nam.get("/tasks").text
    page = nam.get(f"/tasks/{task_id}").text
    assert "Khẩn" in page
    assert f"/tasks/{task_id}/receive" in page
    assert f"/tasks/{task_id}/accept" not in page
    assert "Báo cáo &lt;b&gt;giải ngân&lt;/b&gt;" in nam.get("/").text
    fragment = nam.get(f"/tasks/{task_id}?fragment=1").text
    assert "<html" not in fragment
    assert "Báo nhận" in fragment


def test_from_receipt_to_acceptance_over_the_pages(
    db: Database, cast: Cast, binh: FlaskClient, nam: FlaskClient
) -> None:
    task_id = give(binh, f"p{cast.nam.person_id}")
    for browser, act, data, state in [
        (nam, "receive", {}, "received"),
        (nam, "receive", {}, "received"),
        (nam, "report", {"progress": "40", "note": "Có số liệu"}, "in_progress"),
        (nam, "extension", {"deadline": MUCH_LATER, "reason": "Chờ các phường"}, "in_progress"),
        (binh, "extension/grant", {}, "in_progress"),
        (binh, "pause", {"reason": "Chờ nghị quyết"}, "paused"),
        (binh, "resume", {}, "in_progress"),
        (nam, "finish", {"note": "Kèm báo cáo"}, "awaiting"),
        (binh, "send-back", {"reason": "Thiếu phụ lục"}, "in_progress"),
        (nam, "finish", {"note": "Đã bổ sung"}, "awaiting"),
        (binh, "accept", {}, "done"),
    ]:
        answer = browser.post(f"/tasks/{task_id}/{act}", data=data)
        assert answer.status_code == 303, (act, answer.text)
        assert browser.get(f"/tasks/{task_id}").status_code == 200
        with db.read() as tx:
            assert tx.session.get_one(Task, task_id).state == state, act
    late = nam.post(f"/tasks/{task_id}/report", data={"progress": "1", "note": "Còn thiếu phụ lục 2"})
    assert (late.status_code, "readonly>Còn thiếu phụ lục 2</textarea>" in late.text) == (409, True)
    assert "Đã xong gần đây" in nam.get("/tasks").text


def test_a_returned_task_is_given_again_over_the_page(
    db: Database, cast: Cast, binh: FlaskClient, nam: FlaskClient
) -> None:
    task_id = give(binh, f"p{cast.nam.person_id}")
    assert nam.post(f"/tasks/{task_id}/return", data={"reason": "Không đúng phần việc"}).status_code == 303
    assert "Việc đã giao chờ bạn quyết định" in binh.get("/").text
    answer = binh.post(f"/tasks/{task_id}/give-again", data={"lead": f"a{cast.finance.id}", "note": "Sở làm"})
    assert answer.status_code == 303
    assert nam.get(f"/tasks/{task_id}").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", " ", "Xin ghi việc cần làm."),
        ("lead", "", "Xin chọn một người hoặc một đơn vị chủ trì."),
        ("lead", "p99999999999999999999", "Xin chọn một người hoặc một đơn vị chủ trì."),
        ("deadline", "mai", "Không đọc được hạn này."),
        ("deadline", "1/1/2020", "Hạn này đã qua"),
        ("priority", "x", "Xin chọn độ khẩn."),
    ],
)
def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    db: Database, cast: Cast, binh: FlaskClient, field: str, value: str, words: str
) -> None:
    typed = {"title": "Việc dài đã gõ", "lead": f"p{cast.nam.person_id}", "deadline": LATER, "detail": "Đã gõ nhiều"}
    answer = binh.post("/tasks", data=typed | {"priority": "normal", field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert "Đã gõ nhiều" in answer.text
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count(Task.id))) == 0


@pytest.mark.parametrize(
    ("act", "data", "words"),
    [
        ("report", {"progress": "120"}, "Tiến độ từ 0 đến 100 phần trăm."),
        ("report", {"progress": "-1"}, "Tiến độ từ 0 đến 100 phần trăm."),
        ("report", {"progress": "nhiều"}, "Tiến độ từ 0 đến 100 phần trăm."),
        ("finish", {"note": ""}, "Xin ghi kết quả thực hiện."),
        ("return", {}, "Xin ghi lý do trả lại."),
        ("extension", {"deadline": "", "reason": "Vì"}, "Hạn mới phải sau hạn hiện nay"),
        ("extension", {"deadline": "hôm qua", "reason": "Vì"}, "Không đọc được hạn này."),
    ],
)
def test_a_refused_act_shows_the_page_with_the_reason(
    db: Database, cast: Cast, binh: FlaskClient, nam: FlaskClient, act: str, data: dict[str, str], words: str
) -> None:
    task_id = give(binh, f"p{cast.nam.person_id}")
    answer = nam.post(f"/tasks/{task_id}/{act}", data=data)
    assert answer.status_code == 422
    assert words in answer.text
    with db.read() as tx:
        assert tx.session.get_one(Task, task_id).state == "new"
        assert tx.session.scalar(sa.select(sa.func.count(TaskExtension.id))) == 0


def test_strangers_and_the_unsigned_get_no_task(app: Flask, cast: Cast, binh: FlaskClient) -> None:
    task_id = give(binh, f"p{cast.nam.person_id}")
    lan = sign_in(app, "lan")
    assert lan.get(f"/tasks/{task_id}").status_code == 404
    assert lan.post(f"/tasks/{task_id}/receive").status_code == 404
    assert app.test_client().get(f"/tasks/{task_id}").status_code == 302
    typed = {"title": "x", "lead": f"p{cast.nam.person_id}", "priority": "normal"}
    assert lan.post("/tasks", data=typed).status_code == 403


def test_one_tap_on_the_link_of_the_sms_says_received(
    app: Flask, db: Database, cast: Cast, config: Config, binh: FlaskClient
) -> None:
    task_id = give(binh, f"p{cast.nam.person_id}")
    drain(db)
    with db.read() as tx:
        message = tx.session.scalars(sa.select(Message.id).where(Message.channel == "sms")).one()
    shown = binh.get(f"/mailbox/{message}").text
    found = re.search(r"/l/[\w-]+", shown)
    assert found is not None
    path = found.group()
    phone = app.test_client()
    for _ in range(20):
        assert phone.get(path).status_code == 200
        assert phone.head(path).status_code == 200
        assert phone.options(path).status_code == 200
    with db.read() as tx:
        assert tx.session.get_one(Task, task_id).received_at is None
    page = phone.get(path)
    assert "Đã nhận" in page.text
    assert "<script src" not in page.text.partition("<main")[2].partition("</main>")[0]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for _ in range(2):
        answer = phone.post(path)
        assert answer.status_code == 303
    assert "đã nhận việc này" in phone.get(path).text
    with db.read() as tx:
        task = tx.session.get_one(Task, task_id)
        assert (task.state, task.received_by_id) == ("received", cast.nam.person_id)
    wrong = path[:-1] + ("A" if path[-1] != "A" else "B")
    for method in (phone.get, phone.post):
        assert method(wrong).status_code == 404
        assert "không còn dùng được" in method("/l/999-abc").text
        assert method("/l/x").status_code == 404


def number_in(page: str) -> str:
    """The number that a form carries, so that sending it again is the same act."""
    found = re.search(r'name="command_id"[^>]* value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_the_form_sent_again_leads_to_the_same_task_and_changed_words_give_another(
    db: Database, cast: Cast, binh: FlaskClient
) -> None:
    lead = f"p{cast.nam.person_id}"
    refused = binh.post("/tasks", data={"command_id": number_in(binh.get("/tasks/new").text), "title": "Lập báo cáo"})
    assert refused.status_code == 422
    number = number_in(refused.text)
    first = give(binh, lead, command_id=number)
    assert give(binh, lead, command_id=number) == first
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).where(Message.kind == "task.given")) == 2
    other = give(binh, f"p{cast.yen.person_id}", command_id=number)
    assert len({first, other, give(binh, lead), give(binh, lead)}) == 4


def test_the_number_of_a_form_is_kept_while_it_comes_back_with_errors(cast: Cast, binh: FlaskClient) -> None:
    number = number_in(binh.get("/tasks/new").text)
    assert number != number_in(binh.get("/tasks/new").text)
    assert number_in(binh.post("/tasks", data={"command_id": number}).text) == number
