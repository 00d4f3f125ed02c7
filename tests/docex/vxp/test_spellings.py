"""`docId` and `docid` on one SDK object: it signs and repeats both in every later call."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from docex.documents.models import Delivery
from docex.edxml.progress import Progress
from docex.exchange.vxp import wire
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.systems import Given
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import a_letter
from tests.docex.vxp.test_exchange import FRIEND, agency_id, second_agency

pytestmark = [pytest.mark.one_database("postgresql"), pytest.mark.long_proof]


class SdkObject:
    """The behaviour of the official SDK: the headers of a call stay in the object and are signed again with the next
    one."""

    def __init__(self, url: str, given: Given) -> None:
        self.url, self.secret = url, given.secret
        self.values = {"systemid": given.system_id, "timestamp": "23112026T213348+0150"}

    def call(self, operation: str, **values: str) -> dict[str, Any]:
        """One call; the JSON of the answer."""
        self.values |= values | {"Content-Type": "application/json"}
        headers = wire.signed_headers(self.secret, self.values)
        answer = requests.post(f"{self.url}/{operation}", data=b"{}", headers=headers, timeout=30)
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def three(office: Office, abroad: int, system: Callable[[int], VxpClient]) -> list[str]:
    """The DocIds of three documents that wait for the second agency."""
    far, here = second_agency(office), system(abroad)
    for number in "123":
        here.send(a_letter(FRIEND, far, document_id=f"{ABROAD},2026/03/02,{number}/VP", number=number), ABROAD)
    office.work()
    return [line.doc_id for line in system(agency_id(office, far.code)).received("edoc")]


@pytest.fixture
def sdk(office: Office, url: str, three: list[str], given: Callable[[int], Given]) -> SdkObject:
    """An object of the receiver's system."""
    return SdkObject(url, given(agency_id(office, "H97.01")))


def waiting(sdk: SdkObject) -> list[str]:
    answer = sdk.call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")
    return [line["docId"] for line in answer["data"]]


def test_the_loop_of_the_kit(sdk: SdkObject, three: list[str], office: Office) -> None:
    assert waiting(sdk) == three
    for number, name in enumerate(three):
        assert sdk.call("getEdoc", docId=name, filePath=".")["ErrorCode"] == "0"
        assert sdk.call("updateStatus", docid=name, status="done")["ErrorCode"] == "0"
        assert waiting(sdk) == three[number + 1 :]
    assert sdk.call("countReceiveEdoc")["count"] == 0
    with office.db.read() as tx:
        assert [tx.session.get_one(Delivery, int(name[1:])).progress for name in three] == [Progress.RETRIEVED] * 3


def test_all_are_fetched_before_they_are_acknowledged(sdk: SdkObject, three: list[str]) -> None:
    for name in three:
        sdk.call("getEdoc", docId=name, filePath=".")
    for number, name in enumerate(three):
        sdk.call("updateStatus", docid=name, status="processing")
        sdk.call("updateStatus", docid=name, status="done")
        assert waiting(sdk) == three[number + 1 :]


def test_now_the_one_spelling_and_now_the_other(sdk: SdkObject, three: list[str]) -> None:
    first, second, third = three
    assert sdk.call("updateStatus", docId=first, status="done")["ErrorCode"] == "0"
    assert sdk.call("updateStatus", docid=second, status="done")["ErrorCode"] == "0"
    assert sdk.call("updateStatus", docId=third, status="done")["ErrorCode"] == "0"
    assert waiting(sdk) == []


def test_what_is_fetched_is_named_by_the_spelling_of_that_call(sdk: SdkObject, three: list[str]) -> None:
    first, second, _third = three
    texts = {name: sdk.call("getEdoc", docId=name)["data"] for name in (first, second)}
    sdk.call("updateStatus", docid=second, status="processing")
    assert sdk.call("getEdoc", docId=first)["data"] == texts[first]


def test_an_id_of_nobody_in_either_spelling_moves_nothing(sdk: SdkObject, three: list[str]) -> None:
    assert sdk.call("updateStatus", docid="2999999999999", status="done")["status"] == "FAIL"
    assert sdk.call("updateStatus", docId=three[0], status="done")["ErrorCode"] == "0"
    assert waiting(sdk) == three[1:]
