"""The directory over HTTP: every page of every role, coming in, and forms that keep what was typed."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from directory import clients, demo, signin
from directory.models import Person
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.text import phrase
from tests.cast import Cast
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


@pytest.fixture
def app(config: Config, db: Database, cast: Cast) -> Flask:
    app = create_app(config, Services(config, db, Services.from_config(config).blobs))
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def khach(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return sign_in(app, "quantri")


ADMIN_PAGES = [
    "/admin/agencies",
    "/admin/agencies?q=so&state=all&page=2",
    "/admin/agencies?q=khong-co-dau",
    "/admin/agencies/new",
    "/admin/agencies/1",
    "/admin/units/1",
    "/admin/people",
    "/admin/people?q=ha&agency=1&state=all",
    "/admin/people?q=khong-co-ai",
    "/admin/people/new",
    "/admin/people/1",
    "/admin/people/1/places/1",
    "/admin/people/1/places/2",
    "/admin/import/agencies",
    "/admin/import/people",
    "/admin/export/agencies.csv",
    "/admin/export/people.csv",
    "/admin/clients",
    "/admin/clients/new",
    "/admin/calendar",
    "/admin/calendar?year=2027",
    "/admin/audit",
    "/admin/audit?chain=system&check=1",
]


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_an_administrator_sees_the_page_and_a_clerk_does_not(app: Flask, admin: FlaskClient, path: str) -> None:
    shown = admin.get(path)
    assert shown.status_code == 200, shown.text[:2000]
    assert sign_in(app, "ha").get(path).status_code in {403, 404}
    assert app.test_client().get(path).status_code == 302


@pytest.mark.parametrize("path", ["/account", "/account/second-step"])
def test_everybody_has_an_account_page(app: Flask, path: str) -> None:
    assert sign_in(app, "ha").get(path).status_code == 200


def test_pages_speak_english_to_those_who_chose_it(app: Flask, admin: FlaskClient) -> None:
    admin.set_cookie("lt_locale", "en")
    for path in [*ADMIN_PAGES, "/account", "/account/second-step"]:
        assert admin.get(path).status_code == 200


def test_signing_in_leads_to_the_page_that_was_wanted(app: Flask, khach: FlaskClient) -> None:
    asked = khach.get("/account")
    assert asked.status_code == 302
    assert "next=/account" in asked.location
    page = khach.get(asked.location)
    assert 'value="/account"' in page.text
    typed = {"name": demo.email_of("ha"), "password": demo.PASSWORD, "next": "/account"}
    entered = khach.post("/sign-in", data=typed)
    assert (entered.status_code, entered.location) == (302, "/account")
    cookie = entered.headers["Set-Cookie"]
    assert cookie.startswith(f"{signin.COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Nguyễn Thu Hà" in khach.get("/account").text


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "", "/a\r\nX: y"])
def test_signing_in_never_leads_to_another_site(khach: FlaskClient, target: str) -> None:
    typed = {"name": demo.email_of("ha"), "password": demo.PASSWORD, "next": target}
    assert khach.post("/sign-in", data=typed).location == "/"


def test_a_wrong_password_keeps_the_name_and_is_counted(app: Flask, khach: FlaskClient) -> None:
    typed = {"name": demo.email_of("ha"), "password": "sai mật khẩu"}
    answer = khach.post("/sign-in", data=typed)
    assert answer.status_code == 422
    assert f'value="{demo.email_of("ha")}"' in answer.text
    assert "sai mật khẩu" not in answer.text
    for _ in range(9):
        khach.post("/sign-in", data=typed)
    locked = khach.post("/sign-in", data={**typed, "password": demo.PASSWORD})
    assert locked.status_code == 422
    assert "quá nhiều lần" in locked.text


def test_the_demo_introduces_its_people_and_production_does_not(db: Database, cast: Cast, config: Config) -> None:
    production = replace(config, mode="production", secret_key="k" * 32)
    for chosen, shown in ((config, True), (production, False)):
        app = create_app(chosen, Services(chosen, db, Services.from_config(chosen).blobs))
        page = app.test_client().get("/sign-in")
        assert page.status_code == 200
        assert (demo.PASSWORD in page.text) == shown
        assert ("Nguyễn Thu Hà" in page.text) == shown


def test_the_second_step_over_http(app: Flask) -> None:
    with clock.frozen(datetime(2026, 11, 23, 2, 0, tzinfo=UTC)):
        ha = sign_in(app, "ha")
        secret = re.search(r'name="secret"[^>]*value="([A-Z2-7]{32})"', ha.get("/account/second-step").text)
        assert secret
        wrong = ha.post("/account/second-step", data={"secret": secret[1], "code": "000000"})
        assert wrong.status_code == 422
        assert secret[1] in wrong.text
        code = pyotp.TOTP(secret[1]).at(clock.now())
        codes = ha.post("/account/second-step", data={"secret": secret[1], "code": code})
        assert codes.status_code == 200
        assert codes.headers["Cache-Control"] == "no-store"
        recovery = re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{5})</code>", codes.text)
        assert len(recovery) == 10
        khach = app.test_client()
        half = khach.post("/sign-in", data={"name": demo.email_of("ha"), "password": demo.PASSWORD, "next": "/account"})
        assert half.location.startswith("/sign-in/code")
        assert khach.get("/account").status_code == 302
        assert khach.get(half.location).status_code == 200
        assert khach.post("/sign-in/code", data={"code": "123456"}).status_code == 422
        done = khach.post("/sign-in/code", data={"code": recovery[0], "next": "/account"})
        assert done.location == "/account"
        assert khach.get("/account").status_code == 200


def test_signing_out_ends_the_session(app: Flask) -> None:
    ha = sign_in(app, "ha")
    assert ha.post("/sign-out").location == "/sign-in"
    assert ha.get("/account").status_code == 302


def test_one_ends_a_session_elsewhere_from_the_account_page(app: Flask) -> None:
    here, there = sign_in(app, "ha"), sign_in(app, "ha")
    assert "Phiên này" in here.get("/account").text
    assert here.post("/account/sessions/end-others").status_code == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302


def test_a_refused_form_keeps_what_was_typed_and_changes_nothing(app: Flask, admin: FlaskClient, db: Database) -> None:
    typed = {"name": "Sở Thử Nghiệm", "code": "H99.01", "email": "không phải thư", "valid_from_on": "31/31/2025"}
    answer = admin.post("/admin/agencies/new", data=typed)
    assert answer.status_code == 422
    assert 'value="Sở Thử Nghiệm"' in answer.text
    assert "Ngày chưa đúng" in answer.text
    answer = admin.post("/admin/agencies/new", data={**typed, "valid_from_on": ""})
    assert answer.status_code == 422
    assert "đang thuộc về" in answer.text
    assert "Địa chỉ thư điện tử chưa đúng" in answer.text


def test_an_agency_is_entered_changed_and_merged_over_http(app: Flask, admin: FlaskClient) -> None:
    made = admin.post("/admin/agencies/new", data={"name": "Sở Thử Nghiệm", "code": "h99.77", "is_local": "y"})
    assert made.status_code == 302
    page = admin.get(made.location)
    assert "H99.77" in page.text
    rev = re.search(r'name="rev"[^>]*value="(\d+)"', page.text)
    assert rev
    changed = {"name": "Sở Thử Nghiệm Mới", "code": "H99.77", "rev": rev[1]}
    assert admin.post(made.location, data=changed).status_code == 302
    assert admin.post(made.location, data={**changed, "name": "Muộn"}).status_code == 409
    unit = admin.post(f"{made.location}/units", data={"unit-name": "Phòng Một", "unit-short_name": "P1"})
    assert unit.status_code == 302
    assert "Phòng Một" in admin.get(made.location).text
    assert admin.post(f"{made.location}/units", data={"unit-name": ""}).status_code == 422
    assert admin.post(f"{made.location}/aliases", data={"alias": "28.22.H17"}).status_code == 302
    assert admin.post(f"{made.location}/aliases", data={"alias": "H99.01"}).status_code == 422
    assert admin.post(f"{made.location}/merge", data={"into_id": "1", "last_on": "2026-12-31"}).status_code == 302
    assert "sáp nhập vào" in admin.get(made.location).text
    assert admin.post(f"{made.location}/merge", data={"into_id": "1", "last_on": ""}).status_code == 422
    assert admin.post(f"{made.location}/unmerge").status_code == 302


def test_a_person_is_entered_gets_a_password_and_comes_in(app: Flask, admin: FlaskClient) -> None:
    typed = {"name": "Nguyễn Văn Mới", "email": "MOI@mau.example", "phone": "0912 345 678", "agency_id": "1"}
    made = admin.post(
        "/admin/people/new", data={**typed, "title": "Chuyên viên", "roles": ["specialist"], "is_active": "y"}
    )
    assert made.status_code == 302
    assert "+84912345678" in admin.get(made.location).text
    again = admin.post("/admin/people/new", data={**typed, "phone": "123"})
    assert again.status_code == 422
    assert "đã thuộc về một người khác" in again.text
    given = admin.post(f"{made.location}/password")
    password = re.search(r"<code>([a-z0-9-]{19})</code>", given.text)
    assert password
    khach = app.test_client()
    half = khach.post("/sign-in", data={"name": "moi@mau.example", "password": password[1], "next": "/account"})
    assert half.location.startswith("/sign-in/new-password")
    assert khach.get(half.location).status_code == 200
    two = {"new": "câu của riêng tôi", "again": "câu khác hẳn đi"}
    assert khach.post("/sign-in/new-password", data=two).status_code == 422
    done = khach.post("/sign-in/new-password", data={**two, "again": two["new"], "next": "/account"})
    assert done.location == "/account"
    assert "Nguyễn Văn Mới" in khach.get("/account").text


def test_who_was_overtaken_keeps_what_was_typed_and_sees_what_stands(admin: FlaskClient) -> None:
    person, agency = "/admin/people/1", "/admin/agencies/2"
    rev = re.compile(r'name="rev"[^>]* value="(\d+)"')
    read = {path: rev.search(admin.get(path).text) for path in (person, agency)}
    typed = {
        person: {"name": "Nguyễn Thu Hà", "email": "ha@mau.example", "is_active": "y"},
        agency: {"code": "H99.02", "name": "Sở Tài chính", "is_local": "y", "parent_id": "1"},
    }
    for path, fields in typed.items():
        known = read[path]
        assert known
        assert admin.post(path, data={**fields, "name": "Tên thứ nhất", "rev": known[1]}).status_code == 302
        late = admin.post(path, data={**fields, "name": "Tên thứ hai", "rev": known[1]})
        assert late.status_code == 409
        assert 'value="Tên thứ hai"' in late.text
        assert "Đang lưu: Tên thứ nhất" in late.text
        shown = rev.search(late.text)
        assert shown
        assert admin.post(path, data={**fields, "name": "Tên thứ hai", "rev": shown[1]}).status_code == 302
        assert "Tên thứ hai" in admin.get(path).text


def test_roles_are_given_and_taken_on_the_place_page(app: Flask, admin: FlaskClient, cast: Cast, db: Database) -> None:
    path = f"/admin/people/{cast.yen.person_id}/places/{cast.city.id}"
    assert (
        admin.post(
            path, data={"title": "Trưởng phòng", "roles": ["leader", "secretary"], "is_primary": "y"}
        ).status_code
        == 302
    )
    assert "Trưởng phòng" in admin.get(path).text
    yen = sign_in(app, "yen")
    assert "Lãnh đạo, Thư ký họp" in yen.get("/account").text
    assert yen.get("/admin/people").status_code == 403


def test_a_list_is_previewed_and_then_entered(app: Flask, admin: FlaskClient, db: Database) -> None:
    content = "Mã định danh;Tên cơ quan\nH99.88;Sở Từ Tệp\n;Không mã\n".encode("utf-8-sig")
    preview = admin.post("/admin/import/agencies", data={"file": (io.BytesIO(content), "so.csv")})
    assert preview.status_code == 200
    assert "Sở Từ Tệp" in preview.text
    assert "Cần nhập mã định danh" in preview.text
    assert "H99.88" not in admin.get("/admin/agencies").text
    applied = admin.post("/admin/import/agencies/apply", data={"text": content.decode("utf-8-sig")})
    assert "bị bỏ qua" in applied.text
    assert "H99.88" in admin.get("/admin/agencies").text
    broken = admin.post("/admin/import/agencies", data={"file": (io.BytesIO(b"\xff\x00\x81"), "so.csv")})
    assert broken.status_code == 422
    assert admin.post("/admin/import/agencies").status_code == 422
    assert admin.post("/admin/import/strange").status_code == 404


def test_a_client_is_registered_used_and_revoked_over_http(app: Flask, admin: FlaskClient) -> None:
    clients.scope("probe.read", phrase("Đọc"))
    empty = admin.post("/admin/clients/new", data={"agency_id": "2", "name": "", "scopes": []})
    assert empty.status_code == 422
    made = admin.post("/admin/clients/new", data={"agency_id": "2", "name": "Phần mềm Sở", "scopes": ["probe.read"]})
    codes = re.findall(r"<code>([^<]+)</code>", made.text)
    client_id, secret = codes[0], codes[1]
    machine = app.test_client()
    form = {"grant_type": "client_credentials"}
    given = machine.post("/api/v1/oauth/token", data=form, auth=(client_id, secret))
    assert given.status_code == 200
    assert given.json is not None
    assert given.json["scope"] == "probe.read"
    assert given.headers["Cache-Control"] == "no-store"
    assert machine.post("/api/v1/oauth/token", data=form, auth=(client_id, "sai")).status_code == 401
    body = {**form, "client_id": client_id, "client_secret": secret, "scope": "probe.write"}
    assert machine.post("/api/v1/oauth/token", data=body).status_code == 400
    assert machine.post("/api/v1/oauth/token", data={"grant_type": "password"}).status_code == 400
    assert "khóa bí mật" in admin.get("/admin/clients").text
    pasted = {"key": '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'}
    assert admin.get("/admin/clients/1/key").status_code == 200
    assert admin.post("/admin/clients/1/key", data={"key": "x"}).status_code == 422
    assert admin.post("/admin/clients/1/key", data=pasted).status_code == 302
    assert "xác thực bằng khóa công khai" in admin.get("/admin/clients").text
    assert machine.post("/api/v1/oauth/token", data=form, auth=(client_id, secret)).status_code == 401
    assert admin.post("/admin/clients/1/revoke").status_code == 302
    assert admin.get("/admin/clients/1/key").status_code == 404
    assert admin.post("/admin/clients/1/key", data=pasted).status_code == 409
    assert "Đã thu hồi" in admin.get("/admin/clients").text


def test_a_day_is_swapped_and_swapped_back(app: Flask, admin: FlaskClient) -> None:
    set_day = admin.post("/admin/calendar", data={"on": "2026-12-05", "working": "1", "note": "làm bù"})
    assert set_day.location == "/admin/calendar?year=2026"
    assert "làm bù" in admin.get("/admin/calendar?year=2026").text
    assert admin.post("/admin/calendar", data={"on": "", "working": "1"}).status_code == 422
    assert admin.post("/admin/calendar/2026-12-05/clear").status_code == 302
    assert admin.post("/admin/calendar/2026-12-05/clear").status_code == 404
    assert admin.post("/admin/calendar/không/clear").status_code == 404


def test_numbers_that_are_none_are_no_fault_of_the_server(admin: FlaskClient) -> None:
    assert admin.post("/account/agency", data={"agency_id": "không"}).status_code == 404
    assert admin.get("/admin/agencies?page=-1").status_code == 200
    assert admin.get("/admin/people?agency=99999999999999999999").status_code == 200
    assert admin.get("/admin/calendar?year=1").status_code == 404
    assert admin.get("/admin/audit?chain=agency:99").status_code == 404
    assert admin.post("/admin/people/new", data={"name": "X"}).status_code in {404, 422}


def test_a_language_is_kept_for_the_person_and_the_browser(app: Flask, cast: Cast, db: Database) -> None:
    ha = sign_in(app, "ha")
    assert ha.post("/account/language", data={"locale": "en"}).status_code == 302
    assert 'lang="en"' in ha.get("/account").text
    assert ha.post("/account/language", data={"locale": "xx"}).status_code == 422
    with db.read() as tx:
        assert tx.session.get_one(Person, cast.ha.person_id).locale == "en"


def test_control_characters_in_what_is_typed_are_no_fault_of_the_server(app: Flask, admin: FlaskClient) -> None:
    khach = app.test_client()
    assert khach.post("/sign-in", data={"name": "a\x00b", "password": "\x00"}).status_code == 422
    typed = {"name": "Nguyễn\x00Thu Hà", "email": "ha@mau.example", "is_active": "y", "rev": "1"}
    assert admin.post("/admin/people/1", data=typed).status_code == 422
    typed["name"] = "Nguyễn\x07Thu Hà"
    assert admin.post("/admin/people/1", data=typed).status_code == 302
    assert "Nguyễn Thu Hà" in admin.get("/admin/people/1").text
    form = {"grant_type": "client_credentials", "client_id": "a\x00", "client_secret": "\x00"}
    assert khach.post("/api/v1/oauth/token", data=form).status_code == 422
    assert admin.get("/admin/people?q=%00").status_code == 422
