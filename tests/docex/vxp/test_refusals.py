# ruff: noqa: F811 - a fixture that takes another is named as its import
"""Whatever happens, the SDK gets an answer that it can read; and a recall reaches a system as a status."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Delivery, Dispatch
from docex.edxml import StatusMessage, read
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, Organ
from docex.edxml.progress import Progress
from docex.exchange.vxp import wire
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.systems import Given
from kernel.db import Database
from kernel.storage.blobs import Blob, DiskBlobs, Draft
from tests.docex.hub.systems import without_reason
from tests.docex.hub.test_malware import BAD, Scanner, clamd  # noqa: F401 - a fixture
from tests.docex.hub.test_receipts import read_receipt
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import KEY, a_letter, a_status, organ
from tests.docex.vxp.test_exchange import FRIEND, agency_id, second_agency
from tests.web.application import create_app
from web.services import Services


class FullDisk(DiskBlobs):
    """A store on which nothing fits any more."""

    def keep(self, drafts: Sequence[Draft]) -> list[Blob]:
        """Fail as a full disk does."""
        raise OSError(28, "No space left on device")


def send(app: Flask, given: Given, data: bytes, tail: bytes = wire.LINE_END) -> tuple[int, dict[str, Any]]:
    values = {
        "systemid": given.system_id,
        "hash-file": wire.unpadded(hashlib.sha256(data).digest()),
        "servicetype": "eDoc",
        "messagetype": "edoc",
        "timestamp": "23112026T213348+0150",
        "Content-Type": "application/octet-stream",
    }
    headers = wire.signed_headers(given.secret, values) | {"Content-Type": "application/octet-stream"}
    answer = app.test_client().post("/vxp/sendEdoc", data=data + tail, headers=headers)
    said = json.loads(answer.data.decode("ascii"))
    assert all(isinstance(said[name], str) for name in ("status", "ErrorCode", "ErrorDesc", "DocId"))
    return answer.status_code, said


def test_a_file_beyond_the_cap_gets_an_answer(office: Office, abroad: int, given: Callable[[int], Given]) -> None:
    config = replace(office.config, upload_max_bytes=1000)
    app = create_app(config, Services(config, office.db, office.blobs))
    status, said = send(app, given(abroad), b"x" * 5000)
    assert (status, said["status"], said["ErrorCode"]) == (413, "FAIL", "10")


def test_trouble_inside_gets_an_answer_that_invites_to_try_again(
    office: Office, abroad: int, given: Callable[[int], Given]
) -> None:
    assert isinstance(office.blobs, DiskBlobs)
    app = create_app(office.config, Services(office.config, office.db, FullDisk(office.blobs.folder)))
    status, said = send(app, given(abroad), a_letter(FRIEND, organ(office.cast.city)))
    assert (status, said["ErrorCode"]) == (503, "20")
    assert "disk" not in said["ErrorDesc"]


def test_a_database_in_trouble_is_never_an_empty_list(
    office: Office, abroad: int, given: Callable[[int], Given], tmp_path: Path
) -> None:
    found = given(abroad)
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")  # it has no tables
    app = create_app(office.config, Services(office.config, empty, office.blobs))
    values = {"systemid": found.system_id, "messagetype": "edoc", "timestamp": "x", "Content-Type": "application/json"}
    headers = wire.signed_headers(found.secret, values)
    for name in ("getReceivedEdocList", "getEdoc", "updateStatus", "countReceiveEdoc", "getAgenciesList"):
        answer = app.test_client().post(f"/vxp/{name}", data=b"{}", headers=headers)
        assert (answer.status_code, answer.get_json()["status"], answer.get_json()["ErrorCode"]) == (500, "FAIL", "20")
    download = app.test_client().get("/vxp/downloadEdoc", headers=headers)
    assert (download.data, download.headers["X-ErrorCode"]) == (b"", "20")
    empty.close()


def test_a_body_that_is_not_what_was_signed_is_refused(
    app: Flask, office: Office, abroad: int, given: Callable[[int], Given]
) -> None:
    status, said = send(app, given(abroad), a_letter(FRIEND, organ(office.cast.city)), b"and more")
    assert (status, said["ErrorCode"]) == (422, "10")
    assert office.incoming(office.cast.ha) == []


def test_a_registration_that_is_no_json_gets_an_answer(app: Flask, abroad: int, given: Callable[[int], Given]) -> None:
    found = given(abroad)
    values = {"systemid": found.system_id, "timestamp": "x", "Content-Type": "application/json"}
    headers = wire.signed_headers(found.secret, values) | {"Content-Type": "application/json"}
    own = json.dumps({"code": ABROAD, "mail": "\ud800"}).encode()
    for body in (b"{id:1}", b"[]", b'{"code": 5}', b"\xff", b"", b'{"code": "\\ud800"}', own):
        answer = app.test_client().post("/vxp/registerAgency", data=body, headers=headers)
        assert answer.get_json()["status"] == "FAIL"
        assert answer.status_code < 500


def test_a_recall_reaches_a_system_as_a_status_and_its_answer_comes_back(
    office: Office, abroad: int, system: Callable[[int], VxpClient]
) -> None:
    far = second_agency(office)
    here, there = system(abroad), system(agency_id(office, far.code))
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    (letter,) = there.received("edoc")
    there.update_status(letter.doc_id, "done")
    recall = Business(BusinessKind.RECALL, "Gửi nhầm nơi nhận", document_id=KEY)
    here.send(a_letter(FRIEND, far, business=recall, attachments=()), ABROAD)
    office.work()
    (line,) = there.received("status")
    asked = read(there.download(line.doc_id, max_bytes=10**7))
    assert isinstance(asked, StatusMessage)
    assert (asked.status, asked.description) == (StatusCode.RECALL_ASKED, "Gửi nhầm nơi nhận")
    assert (asked.sender.code, asked.about.organ_code, asked.about.document_id) == (ABROAD, far.code, KEY)
    agreed = a_status(far, ABROAD, StatusCode.RECALL_AGREED)
    there.send(agreed, far.code, "status")
    (answer,) = here.received("status")
    assert here.download(answer.doc_id, max_bytes=10**7) == agreed


def test_a_refusal_without_a_reason_is_refused_and_nothing_of_it_stays(
    app: Flask, office: Office, abroad: int, given: Callable[[int], Given]
) -> None:
    number = office.sent(recipients=(abroad,))
    with office.db.read() as tx:
        key = tx.session.scalars(sa.select(Dispatch.document_key).where(Dispatch.document_id == number)).one()
    bare = without_reason(a_status(FRIEND, office.cast.city.code, StatusCode.REFUSED, "Gửi nhầm", key=key))
    kept = stored(office)
    _, said = send(app, given(abroad), bare)
    assert (said["ErrorCode"], said["ErrorDesc"]) == ("21", "Trạng thái 02 phải nêu lý do.")
    assert stored(office) == kept
    with office.db.read() as tx:
        assert tx.session.scalars(sa.select(Delivery.progress)).one() != Progress.REFUSED


def stored(office: Office) -> set[str]:
    """The names of all files in the store."""
    return {one.sha256 for one in office.blobs.listed()}


def test_nothing_of_a_file_that_is_refused_stays(
    app: Flask, office: Office, abroad: int, given: Callable[[int], Given]
) -> None:
    city = organ(office.cast.city)
    refused = [
        ("21", a_letter(FRIEND, city, subject="(Mật) Kế hoạch phòng thủ")),
        ("19", a_letter(city, FRIEND)),
        ("18", a_letter(FRIEND, Organ("H97.404", "Không có"))),
        ("21", a_letter(FRIEND, city, business=Business(BusinessKind.RECALL, "Gửi nhầm", "X,2026/01/01,9/Y"))),
        ("21", a_status(FRIEND, city.code, StatusCode.REGISTERED, key="X,2026/01/01,9/Y")),
    ]
    system = given(abroad)
    for code, data in refused:
        _, said = send(app, system, data)
        assert (said["status"], said["ErrorCode"]) == ("FAIL", code)
        assert stored(office) == set()
    assert send(app, system, a_letter(FRIEND, city))[1]["status"] == "OK"
    assert len(stored(office)) == 2


def test_malware_is_refused_with_a_receipt_and_nothing_is_kept(
    app: Flask, office: Office, abroad: int, given: Callable[[int], Given], clamd: Scanner
) -> None:
    guarded = replace(office.config, clamd=clamd.address)
    app.extensions["lienthong"] = Services(guarded, office.db, office.blobs)
    system, data = given(abroad), a_letter(FRIEND, organ(office.cast.city))
    clamd.mark = BAD
    first, again = (send(app, system, data)[1] for _ in range(2))
    assert (first["ErrorCode"], first["Receipt"]) == ("21", again["Receipt"])
    claims = read_receipt(app, first["Receipt"])
    assert (claims["kind"], claims["sender"]) == ("refused", ABROAD)
    assert (claims["sha256"], claims["reason"]) == (hashlib.sha256(data).hexdigest(), "Test.Sign")
    assert stored(office) == set()
    seen = len(clamd.scanned)
    assert send(app, system, a_letter(FRIEND, Organ("H97.404", "Không có")))[1]["ErrorCode"] == "18"
    assert len(clamd.scanned) == seen  # who it is for is asked first


def test_what_was_taken_in_is_answered_again_also_while_the_scanner_is_away(
    app: Flask, office: Office, abroad: int, given: Callable[[int], Given], clamd: Scanner
) -> None:
    guarded = replace(office.config, clamd=clamd.address)
    app.extensions["lienthong"] = Services(guarded, office.db, office.blobs)
    system, data = given(abroad), a_letter(FRIEND, organ(office.cast.city))
    first = send(app, system, data)[1]
    clamd.answer = b"UNKNOWN COMMAND\0"
    assert send(app, system, data)[1] == first
    assert send(app, system, a_letter(FRIEND, organ(office.cast.city), number="126"))[1]["ErrorCode"] == "20"
