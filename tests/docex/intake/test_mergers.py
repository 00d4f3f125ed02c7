"""A document that was under way when an agency went into another goes on: its successor acts for it, and both names
lead there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from directory import agencies
from docex.edxml import Envelope, StatusMessage, write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, Organ, Replacement, ResponseFor
from kernel import clock
from tests.docex.hub.systems import FAR, System, a_letter, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.intake.test_several import stand, update_of
from tests.docex.intake.test_superseding import update
from tests.docex.office import Office
from tests.docex.recalls.test_recalls import recall_of

pytestmark = pytest.mark.long_proof

FRIEND = Organ(FAR, "Sở Giao thông tỉnh Bạn")
OLD = Organ("H98.20", "Sở Thông tin tỉnh Bạn")
OTHER = Organ("H98.21", "Ban Dân tộc tỉnh Bạn")
NEW = Organ("H98.22", "Sở Khoa học tỉnh Bạn")


@pytest.fixture
def old(app: Flask, hub: Office) -> System:
    return System(app, hub, an_agency(hub, OLD.code, OLD.name))


@pytest.fixture
def other(app: Flask, hub: Office) -> System:
    return System(app, hub, an_agency(hub, OTHER.code, OTHER.name))


@pytest.fixture
def new(app: Flask, hub: Office) -> System:
    return System(app, hub, an_agency(hub, NEW.code, NEW.name))


def merged(hub: Office, into: System, *gone: System) -> None:
    yesterday = clock.today() - timedelta(days=1)
    with hub.db.write(hub.cast.admin.by) as tx:
        for one in gone:
            agencies.merge(tx, hub.cast.admin, one.agency_id, into.agency_id, yesterday)


def handed_in(hub: Office, system: System, data: bytes) -> Any:
    answer = system.hand_in(data, Idempotency_Key=uuid4().hex)
    hub.work()
    return answer


def brought(hub: Office, near: System, letter: Envelope, *receivers: System) -> None:
    assert handed_in(hub, near, write(letter)).status_code == 202
    for one in receivers:
        fetched(one, waiting(one)["items"][0])


def status(speaker: Organ, about: str, letter: Envelope, code: StatusCode, reason: str = "") -> bytes:
    answered = ResponseFor(about, "1/VP", letter.document_id, clock.today())
    return write(StatusMessage(speaker, answered, code, reason, clock.now()))


@pytest.mark.parametrize("named", [OLD, NEW], ids=["its old name", "its new name"])
def test_a_status_about_a_letter_of_an_agency_that_is_no_more_is_counted(
    hub: Office, far: System, old: System, new: System, named: Organ
) -> None:
    letter = a_letter(hub, sender=OLD, receivers=(FRIEND,), document_id=f"{OLD.code},2026,1")
    brought(hub, old, letter, far)
    merged(hub, new, old)
    answer = handed_in(hub, far, status(FRIEND, named.code, letter, StatusCode.REGISTERED))
    assert (answer.status_code, answer.get_json()["state"]) == (202, "counted")
    assert stand(hub, far.agency_id) == [("03", "")]


@pytest.mark.parametrize("speaker", [OLD, NEW], ids=["as its predecessor", "as itself"])
def test_the_successor_says_what_becomes_of_what_its_predecessor_has(
    hub: Office, near: System, old: System, new: System, speaker: Organ
) -> None:
    letter = a_letter(hub, receivers=(OLD,))
    brought(hub, near, letter, old)
    merged(hub, new, old)
    answer = handed_in(hub, new, status(speaker, hub.cast.city.code, letter, StatusCode.WORKING))
    assert answer.get_json()["state"] == "counted"
    assert stand(hub, old.agency_id) == [("05", "")]


def test_who_speaks_as_one_of_two_predecessors_means_what_that_one_has(
    hub: Office, near: System, old: System, other: System, new: System
) -> None:
    letter = a_letter(hub, receivers=(OLD, OTHER))
    brought(hub, near, letter, old, other)
    merged(hub, new, old, other)
    handed_in(hub, new, status(OLD, hub.cast.city.code, letter, StatusCode.WORKING))
    assert (stand(hub, old.agency_id), stand(hub, other.agency_id)) == ([("05", "")], [("01", "")])


@pytest.mark.parametrize("named", [OLD, NEW], ids=["its old name", "its new name"])
@pytest.mark.parametrize("as_status", [True, False], ids=["by 13", "by a recall"])
def test_a_recall_reaches_what_was_sent_to_an_agency_that_is_no_more(
    hub: Office, near: System, old: System, new: System, named: Organ, as_status: bool
) -> None:
    letter = a_letter(hub, receivers=(OLD,))
    brought(hub, near, letter, old)
    merged(hub, new, old)
    sender = Organ(hub.cast.city.code, hub.cast.city.name)
    asks = status(sender, named.code, letter, StatusCode.RECALL_ASKED, "Gửi nhầm")
    data = asks if as_status else recall_of(replace(letter, receivers=(named,)), "Gửi nhầm")
    assert handed_in(hub, near, data).status_code == 202
    assert stand(hub, old.agency_id) == [("01", "13")]
    handed_in(hub, new, status(NEW, hub.cast.city.code, letter, StatusCode.RECALL_AGREED))
    assert stand(hub, old.agency_id) == [("01", "15")]


def test_a_recall_from_one_predecessor_leaves_the_others_alone(
    hub: Office, near: System, old: System, other: System, new: System
) -> None:
    letter = a_letter(hub, receivers=(OLD, OTHER))
    brought(hub, near, letter, old)
    merged(hub, new, old, other)
    handed_in(hub, near, recall_of(replace(letter, receivers=(OLD,)), "Gửi nhầm"))
    assert (stand(hub, old.agency_id), stand(hub, other.agency_id)) == ([("01", "13")], [("available", "")])
    handed_in(hub, near, recall_of(letter, "Gửi nhầm"))
    assert stand(hub, other.agency_id) == [("available", "15")]


@pytest.mark.parametrize("issuer", [OLD, NEW], ids=["as its predecessor", "as itself"])
def test_the_successor_recalls_what_its_predecessor_sent(
    hub: Office, far: System, old: System, new: System, issuer: Organ
) -> None:
    letter = a_letter(hub, sender=OLD, receivers=(FRIEND,), document_id=f"{OLD.code},2026,1")
    brought(hub, old, letter, far)
    merged(hub, new, old)
    assert handed_in(hub, new, recall_of(replace(letter, sender=issuer), "Gửi nhầm")).status_code == 202
    assert stand(hub, far.agency_id) == [("01", "13")]


def test_an_update_asks_for_what_the_predecessors_have(
    hub: Office, near: System, old: System, other: System, new: System
) -> None:
    letter = a_letter(hub, receivers=(OLD, OTHER))
    brought(hub, near, letter, old)
    merged(hub, new, old, other)
    handed_in(hub, near, update_of(replace(letter, receivers=(OLD,))))
    assert (stand(hub, old.agency_id), stand(hub, other.agency_id)) == ([("01", "13")], [("available", "13")])
    assert stand(hub, new.agency_id) == [("available", "")]


def test_an_update_of_the_successor_asks_for_what_its_predecessor_sent(
    hub: Office, far: System, old: System, new: System
) -> None:
    letter = a_letter(hub, sender=OLD, receivers=(FRIEND,), document_id=f"{OLD.code},2026,1")
    brought(hub, old, letter, far)
    merged(hub, new, old)
    handed_in(hub, new, update_of(replace(letter, sender=NEW)))
    assert stand(hub, far.agency_id) == [("01", "13"), ("available", "")]


def test_an_agency_that_is_no_more_is_taken_off_and_its_successor_is_not(
    hub: Office, near: System, old: System, new: System
) -> None:
    letter = a_letter(hub, receivers=(OLD, NEW))
    brought(hub, near, letter)
    merged(hub, new, old)
    handed_in(hub, near, update(letter, OLD, NEW, off=(OLD.code,)))
    assert stand(hub, old.agency_id) == [("available", "15")]
    assert stand(hub, new.agency_id) == [("available", "13"), ("available", "")]


def test_a_replacement_asks_an_agency_that_is_no_more_for_what_it_replaces(
    hub: Office, near: System, far: System, old: System, new: System
) -> None:
    before = a_letter(hub, receivers=(OLD,))
    brought(hub, near, before, old)
    merged(hub, new, old)
    replaced = (Replacement(before.document_id, (OLD.code,)),)
    business = Business(BusinessKind.REPLACE, "Thay thế", replacements=replaced)
    handed_in(hub, near, write(a_letter(hub, 2, receivers=(FRIEND,), business=business)))
    assert stand(hub, old.agency_id) == [("01", "13")]


def test_the_system_of_an_agency_that_is_no_more_ends_what_is_under_way_and_sends_nothing_new(
    hub: Office, near: System, far: System, old: System, other: System, new: System
) -> None:
    came = a_letter(hub, receivers=(OLD, OTHER))
    went = a_letter(hub, 2, sender=OLD, receivers=(FRIEND,), document_id=f"{OLD.code},2026,1")
    brought(hub, near, came, old, other)
    brought(hub, old, went, far)
    merged(hub, new, old, other)
    assert handed_in(hub, old, status(OLD, hub.cast.city.code, came, StatusCode.WORKING)).status_code == 202
    assert (stand(hub, old.agency_id), stand(hub, other.agency_id)) == ([("05", "")], [("01", "")])
    assert handed_in(hub, old, recall_of(went, "Gửi nhầm")).status_code == 202
    assert stand(hub, far.agency_id) == [("01", "13")]
    for message in (write(replace(went, document_id=f"{OLD.code},2026,2")), update_of(went)):
        answer = handed_in(hub, old, message)
        assert answer.status_code == 403
        assert NEW.code in answer.get_json()["detail"]
    for stranger in (OTHER, NEW):
        said = status(stranger, hub.cast.city.code, came, StatusCode.DONE)
        assert handed_in(hub, old, said).status_code == 403
    assert stand(hub, far.agency_id) == [("01", "13")]


def test_before_its_last_day_is_over_each_acts_for_itself(hub: Office, near: System, old: System, new: System) -> None:
    letter = a_letter(hub, receivers=(OLD,))
    brought(hub, near, letter, old)
    with hub.db.write(hub.cast.admin.by) as tx:
        agencies.merge(tx, hub.cast.admin, old.agency_id, new.agency_id, clock.today())
    said = status(NEW, hub.cast.city.code, letter, StatusCode.WORKING)
    assert handed_in(hub, new, said).get_json()["code"] == "unknown_document"
    assert handed_in(hub, near, recall_of(replace(letter, receivers=(NEW,)), "Gửi nhầm")).status_code == 422
    assert stand(hub, old.agency_id) == [("01", "")]
