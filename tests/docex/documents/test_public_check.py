"""Anybody may ask without signing in: about a file, and about a paper by the code that is printed on it."""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from docex.documents.models import Document, Paper
from docex.documents.states import DocumentState
from docex.documents.verification.models import PublicCode
from kernel.schema import Base
from kernel.storage.blobs import read_all
from signing.evidence.pack_format import MIMETYPE
from signing.rendering.framing import FRAME
from signing.sandbox import runner
from tests import counters
from tests.docex.office import Office, a_pdf
from tests.signing import attacks
from tests.web.application import create_app
from tests.web.people import sign_in
from web.services import Services


@pytest.fixture
def app(office: Office) -> Flask:
    office.config = replace(office.config, check_rate="", check_max_bytes=2_000_000)
    return create_app(office.config, Services(office.config, office.db, office.blobs))


@pytest.fixture
def anybody(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = True
    return app.test_client()


def the_paper(office: Office, number: int) -> tuple[str, bytes]:
    """The code of a letter, and the file that was issued."""
    with office.db.read() as tx:
        code = tx.session.get_one(PublicCode, number).code
        sealed = sa.select(Paper).where(Paper.document_id == number, Paper.stage == "sealed")
        return code, read_all(office.blobs, tx.session.scalars(sealed).one().sha256)


def handed_in(client: FlaskClient, path: str, data: bytes, name: str = "van-ban.pdf") -> tuple[int, str]:
    answer = client.post(path, data={"file": (io.BytesIO(data), name)})
    return answer.status_code, answer.get_data(as_text=True)


def the_picture(page: str) -> Image.Image:
    """The only picture that stands in the page itself."""
    (data,) = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page)
    raw = base64.b64decode(data)
    assert len(raw) <= 400_000
    return Image.open(io.BytesIO(raw)).convert("RGB")


def everything(office: Office) -> dict[str, int]:
    with office.db.read() as tx:
        return {
            table.name: tx.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def files(*folders: Path) -> set[str]:
    return {str(path) for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_the_code_on_the_paper_leads_to_what_the_hub_says_and_to_nothing_else(
    office: Office, anybody: FlaskClient, app: Flask
) -> None:
    number = office.sent(subject="Về việc riêng của đơn vị", body="Nội dung không ai khác được biết.")
    code, issued = the_paper(office, number)
    assert len(code) >= 22
    page = anybody.get(f"/check/{code}")
    shown = page.get_data(as_text=True)
    with office.db.read() as tx:
        sealed = tx.session.scalars(sa.select(Paper).where(Paper.stage == "sealed")).one()
    for words in (
        "01/VP-HCTC",
        office.cast.city.name,
        office.cast.binh.name,
        sealed.sha256,
        "đã phát hành",
        "CHỨNG THƯ THỬ NGHIỆM",
        "TEST_CERTIFICATE",
    ):
        assert words in shown
    assert "riêng của đơn vị" not in shown
    assert "không ai khác" not in shown
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    for wrong in (code[:-1], code.swapcase(), "x", "%00"):
        assert anybody.get(f"/check/{wrong}").status_code in (404, 422)
        assert handed_in(anybody, f"/check/{wrong}", issued)[0] in (404, 422)

    status, same = handed_in(anybody, f"/check/{code}", issued)
    assert (status, "đúng là tệp mà cơ quan đã phát hành" in same) == (200, True)
    assert "có thêm dữ liệu" in handed_in(anybody, f"/check/{code}", issued + b"\n% more")[1]
    assert "KHÔNG phải là tệp" in handed_in(anybody, f"/check/{code}", a_pdf())[1]
    anybody.set_cookie("lt_locale", "en")
    assert "was issued through the exchange" in anybody.get(f"/check/{code}").get_data(as_text=True)
    anybody.set_cookie("lt_locale", "vi")
    _states_are_told(office, anybody, number, code)


def _states_are_told(office: Office, anybody: FlaskClient, number: int, code: str) -> None:
    for state, said in (
        (DocumentState.RECALLED, "đã bị thu hồi"),
        (DocumentState.REPLACED, "đã bị thay thế"),
        (DocumentState.SIGNED, "chưa được phát hành"),
    ):
        with office.db.write() as tx:
            tx.session.get_one(Document, number).state = state
        assert said in anybody.get(f"/check/{code}").get_data(as_text=True)


def test_a_file_is_verified_and_nothing_of_it_stays(
    office: Office, anybody: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = office.sent()
    _, issued = the_paper(office, number)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    folders = (temporary, office.config.data_dir, tmp_path)
    rows, there = everything(office), files(*folders)

    status, shown = handed_in(anybody, "/check", issued)
    assert (status, "verdict-good" in shown, "CHỨNG THƯ THỬ NGHIỆM" in shown) == (200, True, True)
    for forged, code in (
        (attacks.append_bytes(issued), "TRAILING_BYTES"),
        (attacks.cover_with_an_annotation(issued), "EDITED_AFTER_SIGNING"),
        (a_pdf(), "NO_SIGNATURE"),
        (b"%PDF-1.7 broken", "UNREADABLE"),
        (b"PK\x03\x04 mimetype" + MIMETYPE.encode(), "NOT_A_PACK"),
    ):
        status, shown = handed_in(anybody, "/check", forged)
        assert (status, code in shown, "verdict-good" in shown) == (200, True, False), code
        assert ("data:image/png" in shown) == (code == "EDITED_AFTER_SIGNING"), code
    for wrong, said in (
        (b"", "Cần chọn tệp PDF"),
        (b"PK\x03\x04 a zip", "không phải là PDF"),
        (b"%PDF-" + bytes(2_000_000), "lớn hơn mức cho phép (2 MB)"),
    ):
        status, shown = handed_in(anybody, "/check", wrong)
        assert (status, said in shown) == (422, True), said
    assert anybody.post("/check").status_code == 422
    assert handed_in(anybody, "/check", b"%PDF-" + bytes(4_000_000))[0] == 413
    hostile = handed_in(anybody, "/check", issued, '<img src=x onerror=alert(1)>".pdf')[1]
    assert "<img" not in hostile

    assert everything(office) == rows
    assert files(*folders) == there


def test_one_address_may_come_so_often_and_another_one_too(
    app: Flask, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters.stand_still(monkeypatch)
    office.config = replace(office.config, check_rate="2/hour")
    app.extensions["lienthong"] = Services(office.config, office.db, office.blobs)
    client = app.test_client()

    def come(address: str, method: str = "POST") -> int:
        path = "/check" if method == "POST" else "/check/nobodys"
        return client.open(path, method=method, environ_base={"REMOTE_ADDR": address}).status_code

    assert [come("192.0.2.1"), come("192.0.2.1", "GET"), come("192.0.2.1")] == [422, 404, 429]
    assert come("192.0.2.2") == 422
    assert [come("2001:db8::1"), come("2001:db8::2"), come("2001:db8::3")] == [422, 422, 429]  # one subscriber
    assert come("2001:db8:0:1::1") == 422
    assert client.get("/check", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


def test_when_everything_is_busy_it_is_said(anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docex.documents.checking.uploaded_files.TIMEOUT_S", 0.01)
    pool = runner.Pool(runner.Limits(processes=1))
    monkeypatch.setattr(runner, "_shared", {"papers": pool})
    pool._free.acquire()
    status, shown = handed_in(anybody, "/check", a_pdf())
    assert (status, "đang kiểm tra nhiều tệp khác" in shown) == (503, True)


def test_an_agency_prints_no_code_when_it_does_not_want_to(app: Flask, office: Office) -> None:
    ha, thu = sign_in(app, "ha"), sign_in(app, "binh")
    page = ha.get("/documents/groups").get_data(as_text=True)
    assert 'name="printed" value="y" checked' in page
    assert thu.post("/documents/code").status_code == 403
    assert ha.post("/documents/code").status_code == 303
    assert 'name="printed" value="y" checked' not in ha.get("/documents/groups").get_data(as_text=True)
    number = office.written()
    office.work()
    office.submit(number)
    office.sign(number)
    with office.db.read() as tx:
        assert tx.session.get(PublicCode, number) is None
    assert ha.post("/documents/code", data={"printed": "y"}).status_code == 303
    again = office.written()
    office.work()
    office.submit(again)
    office.sign(again)
    with office.db.read() as tx:
        assert tx.session.get(PublicCode, again) is not None


def test_a_stranger_sees_what_was_changed_in_a_red_frame(office: Office, anybody: FlaskClient) -> None:
    _, issued = the_paper(office, office.sent())
    status, shown = handed_in(anybody, "/check", attacks.cover_with_an_annotation(issued))
    assert status == 200
    assert "khác ở trang 1" in shown
    picture = the_picture(shown)
    framed = [place for place, colour in enumerate(picture.get_flattened_data()) if colour == FRAME]
    assert len(framed) > 200
    # The note of the attack lies at the top of the page: 740 to 790 points of 842, on both halves.
    rows = [place // picture.width for place in framed]
    assert max(rows) < picture.height / 5
    columns = {place % picture.width > picture.width / 2 for place in framed}
    assert columns == {False, True}
