"""The administrators' pages of the trust store, through the real application."""

import hashlib
import io
from typing import Any

import pytest
from flask import Flask

from kernel.storage.blobs import BlobStore
from signing.testca.services import CRL, Fault
from signing.trust import admin_pages, anchors, revocation
from signing.trust.known_authorities import KNOWN_AUTHORITIES
from tests.signing.trust.conftest import SIGNING, Instance, Public
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


@pytest.fixture
def app(instance: Instance, blobs: BlobStore) -> Flask:
    return create_app(instance.config, Services(instance.config, instance.db, blobs))


def a_file(data: bytes, name: str = "certificate", **more: Any) -> dict[str, Any]:
    return {name: (io.BytesIO(data), "tep.crt"), **more}


def fresh(form: dict[str, Any]) -> dict[str, Any]:
    """The same form with files at their beginning: sending closes them."""
    return {
        name: (io.BytesIO(value[0].getvalue()), value[1]) if isinstance(value, tuple) else value
        for name, value in form.items()
    }


def test_an_empty_store_says_so_and_lists_the_known_fingerprints(app: Flask) -> None:
    page = sign_in(app, "quantri").get("/admin/trust").get_data(as_text=True)
    assert "Chưa tin cậy chứng thư gốc nào" in page
    for one in KNOWN_AUTHORITIES:
        assert one.name in page
        assert one.sha256[:4] + " " + one.sha256[4:8] in page
    assert page.count("Chưa nạp</span>") == len(KNOWN_AUTHORITIES)


def test_the_whole_way_by_two_browsers(app: Flask, instance: Instance, public: Public) -> None:
    first, second = sign_in(app, "quantri"), sign_in(app, "son")
    root = public.authority.root_certificate
    form = a_file(root, purposes=["person", "seal"], reason="tải từ trang của CA")
    answer = first.post("/admin/trust/roots/new", data=form)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    mine = first.get(address).get_data(as_text=True)
    assert "chờ một quản trị viên khác" in mine
    assert "Xác nhận của người thứ hai" not in mine
    assert "Chờ bạn xác nhận" in second.get("/").get_data(as_text=True)
    theirs = second.get(address).get_data(as_text=True)
    assert "Xác nhận của người thứ hai" in theirs
    fingerprint = hashlib.sha256(root).hexdigest()
    assert admin_pages.spaced(fingerprint) in mine
    for seen in (theirs, second.get("/admin/trust").get_data(as_text=True), second.get("/").get_data(as_text=True)):
        assert fingerprint[-16:] not in seen  # the second person brings it along
        assert admin_pages.spaced(fingerprint)[-19:] not in seen
    for typed, said in (
        (fingerprint[-8:], "Cần nhập đủ 64 chữ số"),
        ("ab " * 32, "Không khớp với dấu vân tay"),
        ("oO" + fingerprint[2:], "xin xem lại “o”"),
    ):
        wrong = second.post(f"{address}/confirm", data={"fingerprint": typed})
        assert wrong.status_code == 422
        assert said in wrong.get_data(as_text=True)
        assert typed.strip() in wrong.get_data(as_text=True)
    assert instance.trust.empty
    assert second.post(f"{address}/confirm", data={"fingerprint": admin_pages.spaced(fingerprint)}).status_code == 303
    assert not instance.trust.empty
    page = first.get("/admin/trust").get_data(as_text=True)
    assert "Đỗ Quang Khải đề nghị, Hồ Thanh Sơn xác nhận" in page
    assert "Được tin cậy" in page or "CHỨNG THƯ THỬ NGHIỆM" in page
    removal = first.post(f"/admin/trust/roots/{fingerprint}/remove", data={"reason": ""})
    assert removal.status_code == 422
    assert first.post(f"/admin/trust/roots/{fingerprint}/remove", data={"reason": "thử"}).status_code == 303


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/admin/trust/roots/new", {}),
        ("/admin/trust/roots/new", a_file(b"not a certificate", reason="x", purposes="person")),
        ("/admin/trust/roots/new", a_file(b"\x00" * 200_000, reason="x", purposes="nothing known")),
        ("/admin/trust/intermediates/new", {}),
        ("/admin/trust/intermediates/new", a_file(b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----")),
        ("/admin/trust/lists/new", {}),
        ("/admin/trust/lists/new", a_file(b"\x30\x03\x02\x01\x01", "list")),
    ],
)
def test_what_cannot_be_read_is_shown_at_its_field(app: Flask, path: str, form: dict[str, Any]) -> None:
    admin = sign_in(app, "quantri")
    assert admin.get(path).status_code == 200
    answer = admin.post(path, data=fresh(form), content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "field-error" in answer.get_data(as_text=True)


def test_everything_that_is_wrong_with_a_proposal_is_told_at_once(app: Flask) -> None:
    told = sign_in(app, "quantri").post("/admin/trust/roots/new", data={"known": KNOWN_AUTHORITIES[0].sha256})
    page = told.get_data(as_text=True)
    assert told.status_code == 422
    for said in ("Cần chọn tệp chứng thư", "Chọn ít nhất một mục đích", "Cần nêu lý do"):
        assert said in page
    assert admin_pages.spaced(KNOWN_AUTHORITIES[0].sha256) in page


@pytest.mark.parametrize("who", ["ha", "binh", "lan"])
def test_others_see_nothing_of_it(app: Flask, who: str) -> None:
    client = sign_in(app, who)
    for path in ("/admin/trust", "/admin/trust/roots/new", "/admin/trust/changes/1", "/admin/trust/lists/new"):
        assert client.get(path).status_code == 403
    assert client.post("/admin/trust/changes/1/confirm", data={"fingerprint": "x"}).status_code == 403
    assert app.test_client().get("/admin/trust").status_code == 302


def test_unknown_things_are_not_found(app: Flask) -> None:
    admin = sign_in(app, "quantri")
    assert admin.get("/admin/trust/changes/999").status_code == 404
    for path in ("roots/abc/remove", "intermediates/abc/remove", "sources/999/ask", "changes/999/withdraw"):
        assert admin.post(f"/admin/trust/{path}", data={"reason": "x"}).status_code == 404


def test_the_page_shows_how_fresh_each_answer_is_in_words_and_colour(
    app: Flask, instance: Instance, public: Public
) -> None:
    instance.trusts(public.authority.root_certificate)
    instance.act(instance.admin, anchors.add_intermediate, public.authority.issuing_certificate)
    with instance.db.write() as tx:
        revocation.want_for_store(tx)
    admin = sign_in(app, "quantri")
    assert 'chip-waiting">' in admin.get("/admin/trust").get_data(as_text=True)
    public.services.moods[CRL].fault = Fault.DOWN
    instance.work()
    page = admin.get("/admin/trust").get_data(as_text=True)
    assert "Chưa lấy được" in page
    assert "Máy chủ không trả lời" in page
    public.services.well()
    number = page.split('id="source-')[1].split('"')[0]
    assert admin.post(f"/admin/trust/sources/{number}/ask").status_code == 303
    instance.work()
    assert "Còn hiệu lực" in admin.get("/admin/trust").get_data(as_text=True)


def test_the_audit_names_what_was_done(app: Flask, instance: Instance, public: Public) -> None:
    instance.act(instance.admin, anchors.propose, public.authority.root_certificate, SIGNING, "x", allow_test=True)
    page = sign_in(app, "quantri").get("/admin/audit?chain=system").get_data(as_text=True)
    assert "Đề nghị thay đổi kho tin cậy" in page
    assert "/admin/trust/changes/" in page
