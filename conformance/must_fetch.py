"""M12 to M20: the mailbox, the receipts of a delivery, and statuses."""

import threading
import time
from typing import Any

import pytest

from conformance.evidence import claims_of, fingerprint, problem_of
from conformance.letters import Letter, a_letter
from conformance.party import Party


@pytest.fixture
def letter(sender: Party, receiver: Party) -> Letter:
    """A letter that was handed in."""
    made = a_letter(sender.code, receiver.code)
    assert sender.hand_in(made.data).status_code == 202
    return made


def _state(sender: Party, number: int) -> dict[str, Any]:
    (delivery,) = sender.get(f"/api/v1/documents/{number}").json()["deliveries"]
    state: dict[str, Any] = delivery
    return state


def test_m12_it_appears_in_the_receivers_mailbox_only(sender: Party, receiver: Party, letter: Letter) -> None:
    item = receiver.item(letter.document_id)
    assert (item["sender"]["code"], item["sha256"]) == (sender.code, fingerprint(letter.data))
    assert letter.document_id not in [one["document_id"] for one in sender.waiting()]


def test_m13_the_envelope_comes_as_it_was_sent(receiver: Party, letter: Letter) -> None:
    path = f"/api/v1/inbox/{receiver.item(letter.document_id)['id']}/envelope"
    whole = receiver.get(path)
    assert whole.content == letter.data
    assert whole.headers["ETag"].strip('"') == fingerprint(letter.data)
    part = receiver.get(path, Range="bytes=100-")
    assert part.status_code == 206
    assert part.content == letter.data[100:]


def test_m14_an_acknowledgement_gives_a_receipt_and_empties_the_mailbox(receiver: Party, letter: Letter) -> None:
    item = receiver.item(letter.document_id)
    token = receiver.post(f"/api/v1/inbox/{item['id']}/lease").json()["token"]
    first = receiver.post(f"/api/v1/inbox/{item['id']}/ack", {"token": token})
    assert first.status_code == 200, first.text
    claims = claims_of(receiver.url, first.json()["receipt"]["jws"])
    assert (claims["kind"], claims["sha256"]) == ("retrieved", fingerprint(letter.data))
    again = receiver.post(f"/api/v1/inbox/{item['id']}/ack", {"token": token})
    assert again.json()["receipt"] == first.json()["receipt"]
    assert letter.document_id not in [one["document_id"] for one in receiver.waiting()]


def test_m15_an_overtaken_lease_acknowledges_nothing(receiver: Party, letter: Letter) -> None:
    item = receiver.item(letter.document_id)
    old = receiver.post(f"/api/v1/inbox/{item['id']}/lease").json()["token"]
    new = receiver.post(f"/api/v1/inbox/{item['id']}/lease").json()["token"]
    assert old != new
    refused = receiver.post(f"/api/v1/inbox/{item['id']}/ack", {"token": old})
    assert refused.status_code == 409
    problem_of(refused)
    assert receiver.item(letter.document_id)["id"] == item["id"]


@pytest.mark.parametrize("act", ["lease", "ack", "status", "envelope"])
def test_m16_anothers_mailbox_does_not_exist(sender: Party, receiver: Party, letter: Letter, act: str) -> None:
    path = f"/api/v1/inbox/{receiver.item(letter.document_id)['id']}/{act}"
    bodies: dict[str, dict[str, Any]] = {"ack": {"token": 1}, "status": {"code": "03"}}
    answer = sender.get(path) if act == "envelope" else sender.post(path, bodies.get(act))
    assert answer.status_code == 404
    problem_of(answer)


def test_m17_waiting_ends_when_something_comes(sender: Party, receiver: Party) -> None:
    for item in receiver.waiting():
        receiver.fetch(item["document_id"])
    letter = a_letter(sender.code, receiver.code)
    begun = time.monotonic()
    later = threading.Timer(1.0, sender.hand_in, [letter.data])
    later.start()
    found = receiver.waiting(wait=25)
    took_s = time.monotonic() - begun
    later.join()
    assert letter.document_id in [one["document_id"] for one in found]
    assert took_s < 20, f"answered after {took_s:.1f} s"


def test_m18_a_refusal_needs_a_reason(receiver: Party, letter: Letter) -> None:
    item, _ = receiver.fetch(letter.document_id)
    bare = receiver.post(f"/api/v1/inbox/{item['id']}/status", {"code": "02"})
    assert bare.status_code == 422
    problem_of(bare)
    said = receiver.post(f"/api/v1/inbox/{item['id']}/status", {"code": "02", "description": "Không thuộc thẩm quyền"})
    assert said.status_code == 200


def test_m19_statuses_in_any_order_keep_the_greatest_progress(sender: Party, receiver: Party) -> None:
    letter = a_letter(sender.code, receiver.code)
    number = sender.hand_in(letter.data).json()["id"]
    item, _ = receiver.fetch(letter.document_id)
    for code in ("05", "03", "05", "04"):
        assert receiver.post(f"/api/v1/inbox/{item['id']}/status", {"code": code}).status_code == 200
    assert _state(sender, number)["state"] == "05"
    receiver.post(f"/api/v1/inbox/{item['id']}/status", {"code": "06"})
    assert _state(sender, number)["state"] == "06"


def test_m20_each_receipt_names_the_one_before(receiver: Party, letter: Letter) -> None:
    _, answer = receiver.fetch(letter.document_id)
    last = claims_of(receiver.url, answer.json()["receipt"]["jws"])
    assert last["kind"] == "retrieved"
    assert len(last["previous"]) == 64
    assert last["previous"] != fingerprint(answer.json()["receipt"]["jws"])
