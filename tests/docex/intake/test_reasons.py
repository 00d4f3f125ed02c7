"""A refusal needs its reason, whichever way it is said (QĐ 28/2018)."""

import pytest

from docex.edxml import write
from docex.edxml.codes import StatusCode
from tests.docex.hub.systems import System, a_letter, a_status, without_reason
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.intake.test_several import stand
from tests.docex.office import Office
from tests.docex.recalls.test_recalls import recall_of


@pytest.mark.parametrize("code", [StatusCode.REFUSED, StatusCode.RECALL_REFUSED])
def test_a_refusal_as_edxml_without_a_reason_is_refused_and_nothing_of_it_stays(
    hub: Office, near: System, far: System, code: StatusCode
) -> None:
    letter = a_letter(hub)
    near.hand_in(write(letter))
    hub.work()
    fetched(far, waiting(far)["items"][0])
    if code is StatusCode.RECALL_REFUSED:
        near.hand_in(recall_of(letter, "Gửi nhầm"))
    before = stand(hub, far.agency_id)
    kept = {one.sha256 for one in hub.blobs.listed()}
    answer = far.hand_in(without_reason(a_status(hub, letter, code, "Lý do")), Idempotency_Key="1")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "reason_missing")
    assert set(answer.get_json()["fields"]) == {"Description"}
    assert stand(hub, far.agency_id) == before
    assert {one.sha256 for one in hub.blobs.listed()} == kept
    told = far.hand_in(a_status(hub, letter, code, "Đã ban hành quyết định"), Idempotency_Key="1")
    assert (told.status_code, told.get_json()["state"]) == (202, "counted")


def test_what_needs_no_reason_is_taken_without(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub)
    near.hand_in(write(letter))
    hub.work()
    fetched(far, waiting(far)["items"][0])
    assert far.hand_in(a_status(hub, letter, StatusCode.REGISTERED)).get_json()["state"] == "counted"
