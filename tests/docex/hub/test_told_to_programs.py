"""Messages to programs speak of calls, not of pages; addresses hold no line ends; uses are noted in time."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from directory.models import ApiClient
from docex.exchange.hub.webhooks import http_client
from kernel import clock
from kernel.errors import Invalid
from tests.docex.hub.systems import System
from tests.docex.office import Office
from web import errors


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n", "\t", " ", "\x00", "\x7f", "\u2028"])
@pytest.mark.parametrize(
    "place", ["https://a.example/x{}y", "{}https://a.example/", "https://a.ex{}ample/", "https://a.example/{}"]
)
def test_an_address_with_a_line_end_is_refused(place: str, mark: str) -> None:
    with pytest.raises(Invalid):
        http_client.check_address(place.format(mark), anywhere=True)


def test_an_address_with_a_line_end_is_refused_by_the_operation(near: System, far: System) -> None:
    answer = far.http.put("/api/v1/webhook", json={"url": "https://a.example/\r\nX: y"}, headers=far.headers)
    assert answer.status_code == 422
    assert "url" in answer.get_json()["fields"]


def refusals(app: Flask, near: System) -> list[Any]:
    """One refusal of each kind that an operation has no words of its own for."""
    kind = {"Content-Type": "application/json"}
    http = app.test_client()
    return [
        near.http.post("/api/v1/uploads", data=b"{", headers={**near.headers, **kind}),
        http.get("/api/v1/inbox"),
        near.get("/api/v1/documents/999999"),
        near.get("/api/v1/nothing-there"),
        near.http.delete("/api/v1/inbox", headers=near.headers),
        near.http.post("/api/v1/uploads", data=b"x", headers={**near.headers, "Content-Type": "text/plain"}),
    ]


def test_no_refusal_of_the_api_speaks_of_a_page(app: Flask, near: System) -> None:
    answers = refusals(app, near)
    assert [one.status_code for one in answers] == [400, 401, 404, 404, 405, 415]
    for one in answers:
        told = one.get_json()
        for said in (told["message"]["vi"], told["message"]["en"], told["detail"]):
            of_people = ("tải lại", "trang", "page", "reload", "đăng nhập", "sign in")
            assert not any(word in said.lower() for word in of_people)


def test_the_usual_words_of_the_api_speak_of_calls() -> None:
    said = json.dumps([[words.vi, words.en] for _code, words in errors.usual_codes().values()], ensure_ascii=False)
    assert not any(word in said.lower() for word in ("tải lại trang", "reload", "vai trò", "đăng nhập"))


def test_people_are_still_told_to_load_the_page(app: Flask) -> None:
    from werkzeug.exceptions import BadRequest

    with app.test_request_context("/documents"):
        answer = app.ensure_sync(app.handle_user_exception)(BadRequest())
    assert "tải lại trang" in answer.get_data(as_text=True)


def test_the_last_use_is_true_within_a_minute(app: Flask, hub: Office, far: System, monkeypatch: Any) -> None:
    def used() -> Any:
        with hub.db.read() as tx:
            return tx.session.get_one(ApiClient, far.client_id).used_at

    far.get("/api/v1/inbox")
    first, now = used(), clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=20))
    far.get("/api/v1/inbox")
    assert used() == first
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=59))
    far.get("/api/v1/inbox")
    assert used() == now + timedelta(seconds=59)
