"""A recall withdraws all that lies unfetched, also the version that an update has asked for already."""

from flask import Flask

from docex.documents.states import DocumentState
from docex.edxml import write
from docex.edxml.model import Organ
from docex.exchange.recalls import withdrawal
from tests.docex.documents.workflow import drawn
from tests.docex.hub.systems import FAR, System, a_letter
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.intake.test_several import stand
from tests.docex.intake.test_superseding import sent, update
from tests.docex.office import Office
from tests.docex.recalls.test_recalls import recall_of
from tests.docex.recalls.test_taking_back import recall

FRIEND = Organ(FAR, "Sở Giao thông tỉnh Bạn")


def test_a_recall_withdraws_both_versions_that_nobody_fetched(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    sent(hub, near, write(letter))
    sent(hub, near, update(letter, FRIEND))
    assert stand(hub, far.agency_id) == [("available", "13"), ("available", "")]
    assert near.hand_in(recall_of(letter, "Gửi nhầm")).status_code == 202
    hub.work()
    assert stand(hub, far.agency_id) == [("available", "15"), ("available", "15")]
    assert waiting(far)["items"] == far.get("/api/v1/recalls").get_json()["items"] == []


def test_a_recall_asks_for_the_version_that_was_fetched_once_only(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    sent(hub, near, write(letter))
    fetched(far, waiting(far)["items"][0])
    sent(hub, near, update(letter, FRIEND))
    near.hand_in(recall_of(letter, "Gửi nhầm"))
    hub.work()
    assert stand(hub, far.agency_id) == [("01", "13"), ("available", "15")]


def test_who_is_taken_off_by_a_second_update_loses_both_versions(hub: Office, near: System, far: System) -> None:
    finance = Organ(hub.cast.finance.code, hub.cast.finance.name)
    letter = a_letter(hub, receivers=(FRIEND, finance))
    sent(hub, near, write(letter))
    sent(hub, near, update(letter, FRIEND, finance))
    sent(hub, near, update(letter, finance, off=(FAR,)))
    assert stand(hub, far.agency_id) == [("available", "15"), ("available", "15")]
    assert waiting(far)["items"] == []


def test_a_recall_by_the_page_ends_when_no_version_was_fetched(app: Flask, hub: Office, far: System) -> None:
    number = hub.on_its_way(recipients=(far.agency_id,))
    drawn(hub, number)
    with hub.db.write(hub.cast.ha.by) as tx:
        withdrawal.resend(tx, hub.cast.ha, number, (far.agency_id,), "Bổ sung phụ lục")
    hub.work()
    assert stand(hub, far.agency_id) == [("available", "13"), ("available", "")]
    recall(hub, number)
    assert stand(hub, far.agency_id) == [("available", "15"), ("available", "15")]
    assert hub.document(number).state == DocumentState.RECALLED
