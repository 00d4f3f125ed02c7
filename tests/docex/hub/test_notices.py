"""A message that is taken in though not all of it can be followed says so; one that cannot be followed says why."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask

from docex.edxml import write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, Organ, ReceiverChange, ResponseFor, StatusMessage, UpdateInfo
from kernel import clock
from tests.docex.hub.systems import FAR, System, a_letter, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.intake.test_several import stand
from tests.docex.office import Office

FRIEND = Organ(FAR, "Sở Giao thông tỉnh Bạn")
OTHER = Organ("H97.01", "Sở Tài chính tỉnh Xa")


@pytest.fixture
def other(hub: Office) -> int:
    """An agency that never gets the letter."""
    return an_agency(hub, OTHER.code, OTHER.name)


def recalled(near: System, letter: Any, *receivers: Organ) -> Any:
    business = Business(BusinessKind.RECALL, "Gửi nhầm", letter.document_id)
    return near.hand_in(write(replace(letter, receivers=receivers, business=business, attachments=())))


def test_a_recall_asks_those_that_had_it_and_names_the_others(
    hub: Office, near: System, far: System, other: int
) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    near.hand_in(write(letter))
    hub.work()
    fetched(far, waiting(far)["items"][0])
    answer = recalled(near, letter, FRIEND, OTHER)
    assert answer.status_code == 202
    (note,) = answer.get_json()["notes"]
    assert (note["code"], note["codes"]) == ("never_sent", [OTHER.code])
    assert OTHER.code in note["message"]["vi"]
    assert OTHER.code in note["message"]["en"]
    assert note["message"]["vi"] != note["message"]["en"]
    assert stand(hub, far.agency_id) == [("01", "13")]
    again = recalled(near, letter, FRIEND, OTHER)
    assert again.get_json() == answer.get_json()


def test_a_recall_of_what_none_of_them_had_names_them_all(hub: Office, near: System, far: System, other: int) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    answer = recalled(near, letter, FRIEND, OTHER)
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["info"]["codes"]) == (422, "unknown_document", [FAR, OTHER.code])
    assert letter.document_id in told["message"]["vi"]


def test_a_recall_that_all_can_follow_has_no_notes(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    near.hand_in(write(letter))
    hub.work()
    assert recalled(near, letter, FRIEND).get_json()["notes"] == []


def updated(near: System, letter: Any, added: str, *receivers: Organ) -> Any:
    info = (UpdateInfo(True, True, (ReceiverChange(added, True),)),)
    business = Business(BusinessKind.UPDATE, "Thêm nơi nhận", letter.document_id, updates=info)
    return near.hand_in(write(replace(letter, receivers=receivers, business=business)))


def test_added_receivers_that_are_missing_from_to_are_noted(hub: Office, near: System, far: System, other: int) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    near.hand_in(write(letter))
    hub.work()
    answer = updated(near, letter, OTHER.code, FRIEND).get_json()
    (note,) = answer["notes"]
    assert (note["code"], note["codes"]) == ("added_not_addressed", [OTHER.code])
    assert [one["code"] for one in answer["receivers"]] == [FAR]
    assert updated(near, letter, OTHER.code, FRIEND, OTHER).get_json()["notes"] == []


def a_status(letter: Any, **about: Any) -> bytes:
    """A status as strange software writes it: ours always names the id, so what is "" or None here is cut out."""
    names = {"document_id": "DocumentId", "code": "Code", "promulgated_on": "PromulgationDate"}
    plain = ResponseFor(letter.sender.code, letter.code, letter.document_id, letter.promulgated_on)
    wanted = {"document_id": "", **about}
    given = replace(plain, **{name: value for name, value in wanted.items() if value})
    text = write(StatusMessage(FRIEND, given, StatusCode.REGISTERED, "", clock.now())).decode()
    for name in (names[name] for name, value in wanted.items() if not value):
        text, count = re.subn(rf"<edXML:{name}>[^<]*</edXML:{name}>", "", text)
        assert count == 1
    return text.encode()


def test_a_status_without_id_is_matched_by_number_date_and_agency(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    near.hand_in(write(letter))
    near.hand_in(write(a_letter(hub, number=2, receivers=(FRIEND,))))
    hub.work()
    answer = far.hand_in(a_status(letter))
    assert (answer.status_code, answer.get_json()["state"]) == (202, "counted")
    assert [progress for progress, _ in stand(hub, far.agency_id)] == ["03", "available"]


@pytest.mark.parametrize(
    ("about", "missing"),
    [
        ({"code": ""}, ["DocumentId", "Code"]),
        ({"promulgated_on": None}, ["DocumentId", "PromulgationDate"]),
        ({"code": "", "promulgated_on": None}, ["DocumentId", "Code", "PromulgationDate"]),
    ],
)
def test_what_a_status_lacks_is_named(
    hub: Office, near: System, far: System, about: dict[str, Any], missing: list[str]
) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    near.hand_in(write(letter))
    answer = far.hand_in(a_status(letter, **about))
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["info"]["missing"]) == (422, "field_missing", missing)
    assert all(name in told["message"]["vi"] for name in missing)


@pytest.mark.parametrize("about", [{"code": "999/KHAC"}, {"promulgated_on": date(2001, 1, 1)}])
def test_a_status_about_another_number_or_day_is_refused_by_these(
    hub: Office, near: System, far: System, about: dict[str, Any]
) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    near.hand_in(write(letter))
    answer = far.hand_in(a_status(letter, **about))
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (422, "unknown_document")
    assert about.get("code", "01/01/2001") in told["message"]["vi"]


def test_two_documents_of_one_number_and_day_are_not_guessed_at(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub, receivers=(FRIEND,))
    near.hand_in(write(letter))
    near.hand_in(write(replace(letter, document_id=f"{letter.document_id}-2")))
    told = far.hand_in(a_status(letter)).get_json()
    assert told["code"] == "unknown_document"
    assert "DocumentId" in told["message"]["vi"]
    answer = far.hand_in(a_status(letter, document_id=letter.document_id))
    assert answer.status_code == 202
