"""What the entry does for every operation: it reads models, names wrong fields, counts calls, carries cursors."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, Response, jsonify
from pydantic import BaseModel, Field

from directory.actor import Actor
from kernel import cursors
from kernel.config import BadSetting, Config
from kernel.db import Database, Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid
from kernel.text import phrase
from tests import counters
from tests.api.conftest import System
from web import entry
from web.services import Services

pytestmark = pytest.mark.both_databases


class Inner(BaseModel):
    count: int = Field(ge=0, le=9)


class Said(BaseModel, extra="forbid"):
    text: str = Field(max_length=5)
    inner: list[Inner] = []
    more: dict[str, str] = {}


class Asked(BaseModel):
    limit: int = Field(50, ge=1, le=200)
    state: list[str] = []


routes = Routes("probe")
SCOPE = "docex.submit"


def _before(tx: Tx, actor: Actor, given: Said) -> str:
    assert not tx.writable
    return given.text.upper()


@routes.api("POST", "/api/v1/probe", scope=SCOPE, takes=Said, before=_before, answers={200: Said}, title=phrase("Thử"))
def say(tx: Tx, actor: Actor, given: Said, brought: Any) -> Response:
    return jsonify({**given.model_dump(), "text": brought()})


@routes.api("GET", "/api/v1/probe/<word>", scope=SCOPE, query=Asked)
def ask(tx: Tx, actor: Actor, word: str, asked: Asked) -> Response:
    return jsonify(word=word, **asked.model_dump())


made: list[int] = []


def _pieces() -> Iterator[bytes]:
    for number in range(3):
        made.append(number)
        yield b"x"


@routes.api("GET", "/api/v1/probe-file", scope=SCOPE, answers={200: "application/octet-stream"})
def big_file(tx: Tx, actor: Actor) -> Response:
    return Response(_pieces(), mimetype="application/octet-stream")


@pytest.fixture
def probed(app: Flask, system: System) -> System:
    if "probe.say" not in app.view_functions:
        app._got_first_request = False
        entry.mount(app, routes.endpoints)
    return system


def said(system: System, json: Any = None, **rest: Any) -> Any:
    how = {"data": rest.pop("data")} if "data" in rest else {"json": json}
    return system.http.post("/api/v1/probe", headers={**system.headers, **rest.pop("headers", {})}, **how, **rest)


def test_a_body_and_a_query_come_as_models(probed: System) -> None:
    answer = said(probed, {"text": "ab", "inner": [{"count": 1}]})
    assert answer.get_json() == {"text": "AB", "inner": [{"count": 1}], "more": {}}
    asked = probed.get("/api/v1/probe/x?limit=7&state=a&state=b&other=1")
    assert asked.get_json() == {"word": "x", "limit": 7, "state": ["a", "b"]}


WRONG: list[tuple[Any, set[str]]] = [
    ({}, {"text"}),
    ({"text": "123456", "strange": 1}, {"text", "strange"}),
    ({"text": "a", "inner": [{"count": 1}, {"count": 10}]}, {"inner.1.count"}),
    ([], {"body"}),
    ("x", {"body"}),
    ({"text": "a\x00"}, {"text"}),
    ({"text": "a", "more": {"b": "\x00"}}, {"more"}),
]


@pytest.mark.parametrize(("body", "fields"), WRONG)
def test_wrong_fields_are_named_in_both_languages(probed: System, body: Any, fields: set[str]) -> None:
    answer = said(probed, body)
    assert answer.status_code == 422
    problem = answer.get_json()
    assert problem["code"] == "invalid"
    assert set(problem["fields"]) == fields
    assert all(text["vi"] and text["en"] for text in problem["fields"].values())


def test_what_is_no_json_is_told_apart_from_wrong_json(probed: System) -> None:
    as_json = {"Content-Type": "application/json"}
    assert said(probed, data=b"{", headers=as_json).status_code == 400
    assert said(probed, data=b"", headers=as_json).status_code == 400
    assert said(probed, data=b'{"text": "\xff"}', headers=as_json).status_code == 400
    assert said(probed, data=b'{"text": "\\ud800"}', headers=as_json).status_code in (400, 422)
    assert said(probed, data=b"text=a", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_stranger_learns_nothing_about_fields(probed: System) -> None:
    answer = probed.http.post("/api/v1/probe", json={})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.get_json()["fields"] == {}


def test_a_wrong_query_and_a_wrong_path_are_refused(probed: System) -> None:
    assert set(probed.get("/api/v1/probe/x?limit=0").get_json()["fields"]) == {"limit"}
    assert set(probed.get("/api/v1/probe/a%00b").get_json()["fields"]) == {"word"}


def test_one_call_too_many_waits(
    app: Flask, db: Database, config: Config, probed: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters.stand_still(monkeypatch)
    slow = replace(config, api_rate="3/minute")
    app.extensions["lienthong"] = Services(slow, db, Services.from_config(slow).blobs)
    assert [said(probed, {"text": "a"}).status_code for _ in range(3)] == [200, 200, 200]  # `before` counts nothing
    late = said(probed, {"text": "a"})
    assert late.status_code == 429
    assert 1 <= int(late.headers["Retry-After"]) <= 60
    assert late.get_json()["code"] == "too_many_requests"


def test_a_file_leaves_piece_by_piece(probed: System) -> None:
    made.clear()
    answer = probed.get("/api/v1/probe-file", buffered=False)
    assert len(made) <= 1
    assert answer.get_data() == b"xxx"


def test_a_rate_that_cannot_be_read_is_named() -> None:
    assert Config.from_env({"LIENTHONG_API_RATE": ""}).api_rate == ""
    for name, text in (("API_RATE", "many"), ("API_RATE", "0/minute"), ("MTLS_PROXIES", "proxy.example")):
        with pytest.raises(BadSetting, match=name):
            Config.from_env({f"LIENTHONG_{name}": text})


def test_a_cursor_leads_on_in_its_own_list_only() -> None:
    cursor = cursors.seal("secret", "inbox:7", 42, "2026-11-24")
    assert cursors.opened("secret", "inbox:7", cursor) == (42, "2026-11-24")
    for secret, of, text in (("other", "inbox:7", cursor), ("secret", "inbox:8", cursor), ("secret", "inbox:7", "x")):
        with pytest.raises(Invalid) as refusal:
            cursors.opened(secret, of, text)
        assert list(refusal.value.fields) == ["after"]
