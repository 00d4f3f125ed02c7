"""A recall reaches the receiver's system, however long ago it fetched the document."""

from dataclasses import replace

from flask import Flask

from docex.edxml import Envelope, write
from docex.edxml.codes import BusinessKind
from docex.edxml.model import Business, Organ
from tests.docex.hub.systems import System, a_letter
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.office import Office


def recall_of(letter: Envelope, reason: str) -> bytes:
    """The sender asks for it back."""
    return write(replace(letter, business=Business(BusinessKind.RECALL, reason, letter.document_id), attachments=()))


def test_what_is_asked_back_is_listed_until_it_is_answered(app: Flask, hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub)
    number = near.hand_in(write(letter)).get_json()["id"]
    hub.work()
    (waits,) = waiting(far)["items"]
    fetched(far, waits)
    assert far.get("/api/v1/recalls").get_json() == {"items": []}
    assert near.hand_in(recall_of(letter, "Gửi nhầm")).status_code == 202
    hub.work()
    (item,) = far.get("/api/v1/recalls").get_json()["items"]
    assert (item["id"], item["document"], item["document_id"]) == (waits["id"], number, letter.document_id)
    assert (item["sender"]["code"], item["code"], item["reason"]) == (hub.cast.city.code, "1/VP", "Gửi nhầm")
    assert near.get("/api/v1/recalls").get_json() == {"items": []}
    assert System(app, hub, hub.cast.science.id).get("/api/v1/recalls").get_json() == {"items": []}
    assert far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "15"}).status_code == 200
    assert far.get("/api/v1/recalls").get_json() == {"items": []}


def test_what_was_served_on_pages_has_no_place_in_the_mailbox(app: Flask, hub: Office, near: System) -> None:
    finance = System(app, hub, hub.cast.finance.id)
    letter = a_letter(hub, receivers=(Organ(hub.cast.finance.code, hub.cast.finance.name),))
    near.hand_in(write(letter))
    hub.work()
    near.hand_in(recall_of(letter, "Gửi nhầm"))
    hub.work()
    (item,) = finance.get("/api/v1/recalls").get_json()["items"]
    assert item["id"] is None
    assert item["subject"] == letter.subject
