"""The entry: errors have one shape, refusals change nothing, strangers learn nothing."""

import io
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, render_template_string, request
from flask.testing import FlaskClient

from directory import demo
from directory.actor import Actor
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid, NotFound, Stale, Unavailable
from kernel.streams import Stream
from kernel.text import phrase
from tests.web.people import sign_in
from web import entry, rates
from web.app import create_app
from web.services import Services

routes = Routes("probe")


class Unread(io.RawIOBase):
    """The body of somebody who has not been asked to send it yet."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        raise AssertionError("the body was read")


@routes.post("/probe/refuses")
def refuses(tx: Tx, actor: Actor) -> tuple[str, int]:
    tx.session.add(Stream(name="left over", head=1, tail=0))
    return "typed again", 422


@routes.post("/probe/raises/<kind>")
def raises(tx: Tx, actor: Actor, kind: str) -> str:
    if kind == "invalid":
        raise Invalid({"subject": phrase("Cần nhập trích yếu.")})
    if kind == "stale":
        raise Stale({"rev": 7})
    if kind == "conflict":
        for _ in range(2):  # as two requests do that both looked before either had written
            tx.session.execute(sa.insert(Stream).values(name="twice", head=0, tail=0))
    if kind == "full":  # every connection is in use and stays so
        raise sa.exc.TimeoutError("QueuePool limit")
    if kind == "unavailable":
        raise Unavailable(phrase("Máy chủ bận."))
    raise ZeroDivisionError(kind)


@routes.open_post("/probe/echo", reason="a probe of the test suite")
def echo(tx: Tx, actor: Actor | None) -> str:
    return render_template_string("{{ request.form['text'] }}")


@routes.post("/probe/takes", max_bytes="upload_max_bytes")
def takes(tx: Tx, actor: Actor) -> str:
    return str(len(request.stream.read()))


def _awaited(tx: Tx, token: str) -> int:
    if token != "awaited":
        raise NotFound()
    return 3_000_000


@routes.open_post("/probe/brings/<token>", reason="a probe of the test suite", csrf=False, proof=_awaited)
def brings(tx: Tx, actor: Actor | None, token: str) -> str:
    return str(len(request.files["file"].read()))


@pytest.fixture
def app(config: Config, db: Database) -> Flask:
    with db.write() as tx:
        demo.seed(tx)
    app = create_app(config, Services(config, db, Services.from_config(config).blobs))
    entry.mount(app, routes.endpoints)
    return app


@pytest.fixture
def ha(app: Flask) -> FlaskClient:
    return sign_in(app, "ha")


def problem(answer: Any) -> dict[str, Any]:
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert set(body) == {"type", "title", "status", "detail", "code", "message", "fields", "info", "request_id"}
    assert body["status"] == answer.status_code
    assert body["detail"] == body["message"]["vi"]
    assert set(body["message"]) == {"vi", "en"}
    return dict(body)


JSON = {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("invalid", 422, "invalid"),
        ("stale", 409, "stale"),
        ("conflict", 409, "conflict"),
        ("unavailable", 503, "unavailable"),
        ("full", 503, "unavailable"),
        ("x", 500, "internal"),
    ],
)
def test_every_failure_has_the_same_json_shape(ha: FlaskClient, kind: str, status: int, code: str) -> None:
    answer = ha.post(f"/probe/raises/{kind}", headers=JSON)
    assert answer.status_code == status
    found = problem(answer)
    assert found["code"] == code
    if kind == "invalid":
        assert found["fields"]["subject"]["vi"] == "Cần nhập trích yếu."
    if kind == "stale":
        assert found["info"]["current"] == {"rev": 7}


@pytest.mark.parametrize("kind", ["invalid", "stale", "conflict", "unavailable", "x"])
def test_every_failure_has_a_page_in_both_languages(ha: FlaskClient, kind: str) -> None:
    vietnamese = ha.post(f"/probe/raises/{kind}").get_data(as_text=True)
    assert '<html lang="vi"' in vietnamese
    ha.set_cookie("lt_locale", "en")
    assert '<html lang="en"' in ha.post(f"/probe/raises/{kind}").get_data(as_text=True)


def test_a_refusal_changes_nothing(ha: FlaskClient, db: Database) -> None:
    assert ha.post("/probe/refuses").status_code == 422
    with db.read() as tx:
        assert tx.session.get(Stream, "left over") is None


def test_a_stranger_is_asked_to_sign_in_and_comes_back(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    khach = app.test_client()
    answer = khach.get("/?a=b")
    assert answer.status_code == 302
    assert "next=/?a%3Db" in answer.headers["Location"] or "next=%2F%3Fa%3Db" in answer.headers["Location"]
    assert khach.post("/probe/refuses", headers=JSON).status_code == 401
    assert khach.get("/api/v1/nothing").status_code == 404
    assert problem(khach.get("/api/v1/nothing"))["code"] == "not_found"


def test_a_write_without_the_pages_token_is_refused(app: Flask) -> None:
    client = app.test_client()
    answer = client.post("/language", data={"locale": "en"}, headers=JSON)
    assert answer.status_code == 400
    assert problem(answer)["code"] == "stale_page"


def test_a_body_over_the_cap_is_refused(app: Flask, config: Config) -> None:
    big = {"text": "x" * (config.request_max_bytes + 1)}
    answer = app.test_client().post("/probe/echo", data=big, headers=JSON)
    assert answer.status_code == 413
    assert problem(answer)["code"] == "too_large"


LARGE = 30_000_000


def offered(client: FlaskClient, path: str, *, chunked: bool = False, **headers: str) -> Any:
    """What is said to somebody who announces a body and has sent none of it."""
    length = {"HTTP_TRANSFER_ENCODING": "chunked"} if chunked else {"CONTENT_LENGTH": str(LARGE)}
    body = {"wsgi.input": io.BufferedReader(Unread()), "wsgi.input_terminated": chunked}
    headers = {"Content-Type": "multipart/form-data; boundary=x", **JSON, **headers}
    return client.post(path, environ_overrides=length | body, headers=headers)


def test_nothing_large_is_read_before_it_is_known_who_sends_it(app: Flask) -> None:
    client = app.test_client()
    for chunked in (False, True):
        for path, status in (
            ("/probe/refuses", 401),
            ("/probe/takes", 401),
            ("/documents/out/upload", 401),
            ("/api/v1/edxml", 401),
            ("/api/v1/uploads/x/finish", 401),
            ("/agent/sign/nobodys", 404),
            ("/probe/brings/nobodys", 404),
        ):
            answer = offered(client, path, chunked=chunked, Authorization="Bearer made-up")
            assert answer.status_code == status, path
    assert offered(client, "/vxp/sendEdoc").status_code == 401


def test_a_stranger_may_not_send_large_forms(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    for path in ("/sign-in", "/language", "/wall", "/l/x", "/api/v1/oauth/token", "/check"):
        assert offered(app.test_client(), path).status_code == 413, path


def test_an_address_may_try_so_many_tokens_and_each_rate_counts_for_itself(
    app: Flask, config: Config, db: Database
) -> None:
    rates.counter.cache_clear()  # the same test on another database counted in this process, too
    hurried = replace(config, device_rate="2/hour", check_rate="2/hour")
    app.extensions["lienthong"] = Services(hurried, db, app.extensions["lienthong"].blobs)
    client = app.test_client()
    assert [client.post("/agent/sign/nobodys").status_code for _ in range(3)] == [404, 404, 429]
    assert client.get("/agent/sign/nobodys/a.pdf").status_code == 429
    assert client.post("/check").status_code == 422


def test_who_is_known_may_send_what_is_large(app: Flask, ha: FlaskClient) -> None:
    assert ha.post("/probe/takes", data=bytes(LARGE)).get_data() == b"%d" % LARGE
    fitting, too_large = (io.BytesIO(bytes(size)) for size in (3_500_000, 4_500_000))
    client = app.test_client()
    assert client.post("/probe/brings/awaited", data={"file": (fitting, "a.pdf")}).get_data() == b"3500000"
    assert client.post("/probe/brings/awaited", data={"file": (too_large, "a.pdf")}).status_code == 413


def test_other_methods_are_refused_in_the_same_shape(ha: FlaskClient) -> None:
    answer = ha.delete("/", headers=JSON)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert problem(answer)["code"] == "method_not_allowed"


def test_the_language_switch_never_leads_away(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    for target in (
        "https://example.org/",
        "//example.org",
        "/\\example.org",
        "/%09/evil.example",
        "/\t/evil.example",
        "/%5cx",
    ):
        answer = app.test_client().post("/language", data={"locale": "en", "next": target})
        assert answer.headers["Location"] == "/"


def test_pages_may_not_be_framed_or_sniffed(ha: FlaskClient) -> None:
    headers = ha.get("/").headers
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_numbers_that_no_column_holds_are_not_found(ha: FlaskClient) -> None:
    for path in ("/documents/in", "/meetings", "/tasks", "/documents/papers"):
        assert ha.get(f"{path}/{2**63 - 1}").status_code == 404
        assert ha.get(f"{path}/99999999999999999999").status_code == 404


def test_a_character_that_no_column_holds_is_named(ha: FlaskClient) -> None:
    answer = ha.post("/probe/echo", data={"text": "a\x00b"}, headers=JSON)
    assert answer.status_code == 422
    assert "text" in problem(answer)["fields"]
    assert ha.get("/search?q=%00").status_code == 422


def test_a_page_keeps_to_itself(ha: FlaskClient) -> None:
    assert ha.get("/").headers["Cache-Control"] == "private, no-cache"
