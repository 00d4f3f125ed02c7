"""Each system is told agencies' codes in one form, whatever the envelopes hold, and whichever operation answers."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from flask import Flask

from directory import codeforms
from directory.codes import Form
from directory.models import Agency, ApiClient
from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery
from docex.edxml import StatusMessage, read
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ
from docex.exchange.vxp import wire
from docex.exchange.vxp.systems import Given
from kernel.errors import Invalid
from tests.docex.hub.systems import System
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD, OLD_CODE
from tests.docex.vxp.letters import a_letter, a_status
from tests.web.people import sign_in

FAR = Organ("H97.01", "Sở Tài chính tỉnh Xa")
FAR_OLD = "000.00.01.H97"
PAIRS = {Form.NEW: (ABROAD, FAR.code), Form.OLD: (OLD_CODE, FAR_OLD)}

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def far(office: Office) -> int:
    with office.db.write() as tx:
        row = Agency(code=FAR.code, old_code=FAR_OLD, name=FAR.name, is_local=False)
        tx.session.add(row)
        tx.session.flush()
        return row.id


@pytest.fixture
def calls(office: Office, url: str, given: Callable[[int], Given]) -> Callable[..., Call]:
    """The raw answers of the operations for a system of an agency, in a form of codes."""

    def of(agency_id: int, form: str | None = None) -> Call:
        made = given(agency_id)
        if form is not None:
            with office.db.write(office.cast.admin.by) as tx:
                codeforms.set_form(tx, office.cast.admin, made.client_id, form)

        def call(operation: str, body: bytes = b"", **values: str) -> dict[str, Any]:
            values = {"systemid": made.system_id, "timestamp": "23112026T213348+0150", **values}
            headers = wire.signed_headers(made.secret, values)
            answer: dict[str, Any] = requests.post(f"{url}/{operation}", data=body, headers=headers, timeout=30).json()
            assert answer["ErrorCode"] == "0", answer
            return answer

        return call

    return of


def send(call: Call, data: bytes, kind: str = "edoc") -> str:
    digest, _ = wire.file_hash(io.BytesIO(data))
    return str(call("sendEdoc", data, **{"hash-file": digest, "messagetype": kind})["DocId"])


@pytest.mark.parametrize("written", [Form.NEW, Form.OLD])
@pytest.mark.parametrize("form", [Form.NEW, Form.OLD])
def test_every_answer_of_the_protocol_has_the_systems_form(
    office: Office, abroad: int, far: int, calls: Callable[..., Call], written: Form, form: Form
) -> None:
    here, there = calls(abroad, form), calls(far, form)
    sender, receiver = PAIRS[written]
    friend, other = Organ(sender, "Sở Giao thông tỉnh Bạn"), Organ(receiver, FAR.name)
    sent = send(here, a_letter(friend, other))
    office.work()
    (line,) = there("getReceivedEdocList", messagetype="edoc")["data"]
    assert (line["from"], line["to"]) == PAIRS[form]
    there("updateStatus", docId=line["docId"], status="done")
    (told,) = here("getSentEdocList", docId=sent)["data"]
    assert (told["fromCode"], told["toCode"]) == PAIRS[form]
    said = send(there, a_status(other, sender, StatusCode.REGISTERED), "status")
    (back,) = here("getReceivedEdocList", messagetype="status")["data"]
    assert (back["from"], back["to"]) == PAIRS[form][::-1]
    (of_status,) = there("getSentEdocList", docId=said, messagetype="status")["data"]
    assert (of_status["fromCode"], of_status["toCode"]) == PAIRS[form][::-1]
    listed = {one["name"]: one for one in here("getAgenciesList")["data"]}
    assert (listed[FAR.name]["code"], listed[FAR.name]["oldCode"]) == (PAIRS[form][1], FAR_OLD)
    units = {one["name"]: one["code"] for one in here("getSynchronizeUnit")["data"]}
    assert units[FAR.name] == PAIRS[form][1]


@pytest.mark.long_proof
@pytest.mark.parametrize("form", [Form.NEW, Form.OLD])
def test_a_status_that_is_written_for_a_system_has_its_form(
    office: Office, abroad: int, far: int, calls: Callable[..., Call], form: Form
) -> None:
    here, there = calls(abroad, form), calls(far, form)
    send(here, a_letter(Organ(OLD_CODE, "Sở Giao thông tỉnh Bạn"), FAR))
    office.work()
    (line,) = there("getReceivedEdocList", messagetype="edoc")["data"]
    there("updateStatus", docId=line["docId"], status="done")
    with office.db.write("x") as tx:
        report_status(tx, tx.session.scalars(sa.select(Delivery)).one(), "13", description="Gửi nhầm")
    (asked,) = there("getReceivedEdocList", messagetype="status")["data"]
    message = read(base64.b64decode(there("getEdoc", docId=asked["docId"])["data"]))
    assert isinstance(message, StatusMessage)
    assert (message.sender.code, message.about.organ_code) == PAIRS[form]


def test_without_a_setting_it_is_the_form_of_decision_20(
    office: Office, abroad: int, far: int, calls: Callable[..., Call]
) -> None:
    assert {one["name"]: one["code"] for one in calls(abroad)("getAgenciesList")["data"]}[FAR.name] == FAR.code


@pytest.mark.parametrize("form", [Form.NEW, Form.OLD])
def test_every_answer_of_the_api_has_the_systems_form(
    app: Flask, office: Office, abroad: int, far: int, form: Form
) -> None:
    here, there = System(app, office, abroad), System(app, office, far)
    with office.db.write(office.cast.admin.by) as tx:
        for one in (here, there):
            codeforms.set_form(tx, office.cast.admin, one.client_id, form)
    there.get("/api/v1/inbox")  # it fetches here
    sender, receiver = PAIRS[form]
    answer = here.hand_in(a_letter(Organ(OLD_CODE, "Sở Giao thông tỉnh Bạn"), Organ(FAR.code, FAR.name))).get_json()
    assert [one["code"] for one in answer["receivers"]] == [receiver]
    assert [one["forwarded_to"] for one in answer["receivers"]] == [None]
    office.work()
    number = answer["id"]
    assert [one["code"] for one in here.get(f"/api/v1/documents/{number}").get_json()["deliveries"]] == [receiver]
    (item,) = there.get("/api/v1/inbox").get_json()["items"]
    assert item["sender"]["code"] == sender
    assert there.get("/api/v1/connection").get_json()["agency"]["code"] == receiver
    token = there.post(f"/api/v1/inbox/{item['id']}/lease").get_json()["token"]
    there.post(f"/api/v1/inbox/{item['id']}/ack", json={"token": token})
    receipts = here.get(f"/api/v1/documents/{number}/receipts").get_json()["items"]
    assert {one["code"] for one in receipts} == {None, receiver}
    for code in (FAR.code, FAR_OLD):
        assert here.get(f"/api/v1/documents/{number}/receipts?code={code}").get_json()["items"]
    here.hand_in(a_status(Organ(ABROAD, "Sở Giao thông tỉnh Bạn"), FAR_OLD, StatusCode.RECALL_ASKED, "Gửi nhầm"))
    (asked,) = there.get("/api/v1/recalls").get_json()["items"]
    assert asked["sender"]["code"] == sender


def test_administrators_set_it_on_the_page(
    app: Flask, office: Office, abroad: int, given: Callable[[int], Given]
) -> None:
    made = given(office.cast.city.id)
    browser, address = sign_in(app, "quantri"), f"/admin/clients/{made.client_id}/codes"
    assert 'value="old"' in browser.get(address).text
    assert "mã mới" in browser.get("/admin/clients/vxp").text
    assert browser.post(address, data={"code_form": "none"}).status_code == 422
    assert browser.post(address, data={"code_form": "old"}).status_code == 302
    assert "mã cũ" in browser.get("/admin/clients/vxp").text
    with office.db.read() as tx:
        assert tx.session.get_one(ApiClient, made.client_id).code_form == "old"
    assert sign_in(app, "ha").get(address).status_code in (403, 404)


def test_another_form_is_refused(office: Office, given: Callable[[int], Given]) -> None:
    made = given(office.cast.city.id)
    with office.db.write(office.cast.admin.by) as tx, pytest.raises(Invalid):
        codeforms.set_form(tx, office.cast.admin, made.client_id, json.dumps(1))
