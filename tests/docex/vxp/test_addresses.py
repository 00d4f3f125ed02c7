"""An address that misses its prefix, or is wrong otherwise, is told to the SDK in words that it can read."""

import json
from collections.abc import Callable

import pytest
from flask import Flask

from docex.exchange.vxp import wire
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.systems import Given
from kernel.outbox import SendError
from tests.docex.office import Office

OPERATIONS = [
    "sendEdoc",
    "getReceivedEdocList",
    "getEdoc",
    "updateStatus",
    "getSentEdocList",
    "countReceiveEdoc",
    "countReceiveStatus",
    "getAgenciesList",
    "getAgenciesListQD20",
    "getSynchronizeUnit",
    "registerAgency",
    "deleteAgency",
]
WRONG = ("/", "/VXP/", "/vxp/api/x/", "/api/", "/api/v1/", "/admin/", "/sign-in/", "//")


def signed(given: Given) -> dict[str, str]:
    values = {"systemid": given.system_id, "timestamp": "23112026T213348+0150", "Content-Type": "application/json"}
    return wire.signed_headers(given.secret, values)


@pytest.mark.one_database("sqlite")
@pytest.mark.parametrize("start", WRONG)
def test_every_operation_answers_in_json(app: Flask, office: Office, given: Callable[[int], Given], start: str) -> None:
    headers = signed(given(office.cast.city.id))
    for name in OPERATIONS:
        answer = app.test_client().post(start + name, headers=headers)
        said = json.loads(answer.data.decode("ascii"))
        assert (answer.status_code, said["status"], said["DocId"]) == (404, "FAIL", ""), (start, name)
        assert said["ErrorCode"] != "0"
        assert said["ErrorDesc"]
    for name in ("downloadEdoc", "downloadEdoc2"):
        assert app.test_client().get(start + name, headers=headers).data == b"", "the SDK would save it as the document"


@pytest.mark.one_database("sqlite")
@pytest.mark.parametrize("path", ["/", "/sign-in", "/today", "/static/css/no.css", "/api/docs", "/health", "/vxp"])
def test_pages_of_ours_do_the_same(app: Flask, office: Office, given: Callable[[int], Given], path: str) -> None:
    headers = signed(given(office.cast.city.id))
    said = json.loads(app.test_client().post(path, headers=headers).data.decode("ascii"))
    assert said["status"] == "FAIL"
    assert "/vxp" in said["ErrorDesc"], "the right address is named"
    answer = app.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.data) == (204, b"")
    assert app.test_client().get(path).status_code != 204, "for everybody else nothing changes"


@pytest.mark.one_database("postgresql")
def test_a_forgotten_prefix_is_no_empty_mailbox(office: Office, url: str, given: Callable[[int], Given]) -> None:
    found = given(office.cast.city.id)
    lost = VxpClient(url.removesuffix("/vxp"), found.system_id, found.secret, timeout_s=30)
    for call in (lambda: lost.received("edoc"), lambda: lost.count("edoc"), lambda: lost.sent("")):
        with pytest.raises(SendError, match="Địa chỉ kết nối không đúng"):
            call()
    assert VxpClient(url, found.system_id, found.secret, timeout_s=30).received("edoc") == []
