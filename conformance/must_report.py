"""What becomes of a document, and the evidence of it."""

from typing import Any

import pytest

from conformance.evidence import claims_of, fingerprint, refused, taken
from conformance.letters import Letter, a_bare_status, a_letter, a_recall, a_status
from conformance.party import Party
from docex.edxml.codes import StatusCode


@pytest.fixture
def letter(sender: Party, receiver: Party) -> Letter:
    """A new letter."""
    return a_letter(sender.code, receiver.code)


@pytest.fixture
def number(sender: Party, letter: Letter) -> int:
    """The number under which the hub took it in."""
    return int(taken(sender.hand_in(letter.data))["id"])


@pytest.fixture
def item(receiver: Party, letter: Letter, number: int) -> int:
    """Its place in the mailbox, from which it was fetched."""
    found, answer = receiver.fetch(letter.document_id)
    assert answer.status_code == 200, answer.text[:300]
    return int(found["id"])


def _say(receiver: Party, item: int, code: str, description: str = "") -> Any:
    answer = receiver.post(f"/api/v1/inbox/{item}/status", {"code": code, "description": description})
    assert answer.status_code == 200, f"status {code} is answered with {answer.status_code}: {answer.text[:200]}"
    return answer.json()


def _asked_back(receiver: Party, item: int) -> list[dict[str, Any]]:
    return [one for one in receiver.get("/api/v1/recalls").json()["items"] if one["id"] == item]


def test_m25(sender: Party, receiver: Party, letter: Letter, number: int, item: int) -> None:
    """A refusal (02) without a reason is refused with 422, also as an edXML status message; with one the sender sees it
    and the reason."""
    refused(receiver.post(f"/api/v1/inbox/{item}/status", {"code": "02"}), 422)
    refused(receiver.hand_in(a_bare_status(receiver.code, sender.code, letter, StatusCode.REFUSED)), 422)
    assert sender.delivery(number, receiver.code)["state"] == "01"
    _say(receiver, item, "02", "Không thuộc thẩm quyền")
    told = sender.delivery(number, receiver.code)
    assert (told["state"], told["reason"]) == ("02", "Không thuộc thẩm quyền")


def test_m26(sender: Party, receiver: Party, number: int, item: int) -> None:
    """Statuses may come twice and in any order: all are accepted, and the greatest progress is what the sender
    sees."""
    for code in ("05", "03", "05", "04"):
        _say(receiver, item, code)
    assert sender.delivery(number, receiver.code)["state"] == "05"
    _say(receiver, item, "06")
    assert sender.delivery(number, receiver.code)["state"] == "06"


def test_m27(sender: Party, receiver: Party, letter: Letter, number: int, item: int) -> None:
    """Each receipt of a delivery names the SHA-256 of the one before it, so that none can be left out unseen."""
    listed = sender.get(f"/api/v1/documents/{number}/receipts").json()["items"]
    assert [one["kind"] for one in listed] == ["submitted", "available", "retrieved"]
    before = None
    for one in listed:
        claims = claims_of(sender, one["jws"])
        assert (claims["kind"], claims["sha256"]) == (one["kind"], fingerprint(letter.data))
        assert claims["previous"] == before, f"{one['kind']} does not name the receipt before it"
        before = fingerprint(one["jws"])


def _own_receipts(sender: Party, receiver: Party, number: int) -> None:
    path = f"/api/v1/documents/{number}/receipts"
    listed = sender.get(path).json()["items"]
    own = [one for one in listed if one["code"] == receiver.code]
    assert own, "no receipt about the receiver"
    assert sender.get(f"{path}?code={receiver.code}").json()["items"] == own
    assert receiver.get(path).json()["items"] == own
    assert sender.get(f"/api/v1/receipts/{own[0]['id']}").json()["jws"] == own[0]["jws"]
    submitted = next(one for one in listed if one["code"] is None)
    refused(receiver.get(f"/api/v1/receipts/{submitted['id']}"), 404)
    refused(receiver.get("/api/v1/documents/999999999999/receipts"), 404)


def _nobody_elses(sender: Party, receiver: Party) -> None:
    """With two systems, a letter in which one has no part is one that the other's agency sends to itself."""
    letter = a_letter(sender.code, sender.code)
    answer = sender.hand_in(letter.data)
    if answer.status_code == 422:
        pytest.skip("this hub takes no letter of an agency to itself: a third agency would have to look on")
    number = taken(answer)["id"]
    sender.fetch(letter.document_id)
    path = f"/api/v1/documents/{number}"
    listed = sender.get(f"{path}/receipts").json()["items"]
    receipts = [f"/api/v1/receipts/{one['id']}" for one in listed]
    for hidden in (path, f"{path}/receipts", *receipts, *(f"{one}/proof" for one in receipts)):
        refused(receiver.get(hidden), 404)


@pytest.mark.parametrize("whose", ["own", "others'"])
def test_m28(sender: Party, receiver: Party, letter: Letter, whose: str) -> None:
    """The sender can read every receipt of its envelope, a receiver those about itself; for others there are none
    (404)."""
    if whose == "own":
        number = int(taken(sender.hand_in(letter.data))["id"])
        receiver.fetch(letter.document_id)
        _own_receipts(sender, receiver, number)
    else:
        _nobody_elses(sender, receiver)


def test_m29(sender: Party, receiver: Party, letter: Letter, number: int, item: int) -> None:
    """An edXML status message that is handed in does what the operation does: `counted` when it is news, `noted`
    when it is not, refused (422) where 16 gives no reason; and the same message again gets the same answer."""
    data = a_status(receiver.code, sender.code, letter, StatusCode.REGISTERED)
    first = taken(receiver.hand_in(data))
    assert first["state"] == "counted"
    assert taken(receiver.hand_in(data)) == first, "another answer to the same message"
    assert sender.delivery(number, receiver.code)["state"] == "03"
    late = a_status(receiver.code, sender.code, letter, StatusCode.ARRIVED)
    assert taken(receiver.hand_in(late))["state"] == "noted"
    refused(receiver.hand_in(a_bare_status(receiver.code, sender.code, letter, StatusCode.RECALL_REFUSED)), 422)
    assert sender.delivery(number, receiver.code)["state"] == "03"


def test_m30(sender: Party, receiver: Party, letter: Letter) -> None:
    """A status or a recall about a document that was never carried between the two is refused with 422
    `unknown_document`."""
    status = a_status(receiver.code, sender.code, letter, StatusCode.REGISTERED)
    refused(receiver.hand_in(status), 422, code="unknown_document")
    recall = a_recall(sender.code, receiver.code, letter)
    refused(sender.hand_in(recall.data), 422, code="unknown_document")


def _ask_back(sender: Party, receiver: Party, letter: Letter, number: int, item: int) -> None:
    taken(sender.hand_in(a_recall(sender.code, receiver.code, letter).data))
    assert sender.delivery(number, receiver.code)["recall"] == "13"
    (own,) = receiver.get(f"/api/v1/documents/{number}").json()["deliveries"]
    assert own["recall"] == "13"
    assert [one["reason"] for one in _asked_back(receiver, item)] == ["Kiểm tra thu hồi"], "it is not listed"


def test_m31(sender: Party, receiver: Party, letter: Letter, number: int, item: int) -> None:
    """A recall is seen by both sides as 13 and listed for the receiver's system until it is answered with 15, or 16
    and a reason, which the sender sees. An answer without a question changes nothing."""
    _say(receiver, item, "15")
    assert not sender.delivery(number, receiver.code)["recall"], "an answer counted without a question"
    for answer, reason in (("16", "Đã ban hành quyết định"), ("15", "")):
        _ask_back(sender, receiver, letter, number, item)
        if answer == "16":
            refused(receiver.post(f"/api/v1/inbox/{item}/status", {"code": "16"}), 422)
        _say(receiver, item, answer, reason)
        told = sender.delivery(number, receiver.code)
        assert told["recall"] == answer, f"answered with {answer}, and the sender sees {told['recall'] or 'nothing'}"
        assert answer == "15" or told["reason"] == reason, "the sender does not see the reason"
        assert _asked_back(receiver, item) == [], f"it is still listed after {answer}"


def test_m42(sender: Party, receiver: Party, letter: Letter, number: int) -> None:
    """What no system has fetched is taken back by a recall at once: the sender sees 15 and gets a `withdrawn` receipt;
    it is offered no longer, and can be neither leased nor downloaded (409)."""
    item = receiver.item(letter.document_id)["id"]
    taken(sender.hand_in(a_recall(sender.code, receiver.code, letter).data))
    assert sender.delivery(number, receiver.code)["recall"] == "15"
    listed = sender.get(f"/api/v1/documents/{number}/receipts").json()["items"]
    signed = [one["jws"] for one in listed if one["kind"] == "withdrawn"]
    assert signed, "there is no receipt of it"
    claims = claims_of(sender, signed[0])
    assert (claims["kind"], claims["sha256"]) == ("withdrawn", fingerprint(letter.data)), "the receipt is of another"
    assert item not in [one["id"] for one in receiver.waiting()], "it is still offered"
    refused(receiver.post(f"/api/v1/inbox/{item}/lease"), 409)
    refused(receiver.get(f"/api/v1/inbox/{item}/envelope"), 409)


def test_m43(sender: Party, receiver: Party, letter: Letter) -> None:
    """What has ended without success at all receivers is, handed in again without a key, a new sending: another id,
    `resends` with the first, a receipt that names the first receipt, and it is offered. Under a key it stays the first.
    """
    first = taken(sender.hand_in(letter.data))
    receiver.item(letter.document_id)
    taken(sender.hand_in(a_recall(sender.code, receiver.code, letter).data))
    second = taken(sender.hand_in(letter.data))
    assert second["id"] != first["id"], "it is answered with the sending that has ended"
    assert second["resends"] == first["id"], "the answer does not name the first sending"
    named = claims_of(sender, second["receipt"]["jws"]).get("resends", {})
    assert named.get("sha256") == fingerprint(first["receipt"]["jws"]), "the receipt names no earlier one"
    assert taken(sender.hand_in(letter.data))["id"] == second["id"], "the new sending is not told again"
    assert second["id"] == receiver.item(letter.document_id)["document"], "it is not offered"


def test_m32(sender: Party, receiver: Party) -> None:
    """The directory is one signed document with every agency; unchanged it answers 304 to its ETag."""
    answer = sender.get("/api/v1/directory")
    assert answer.status_code == 200, answer.text[:200]
    claims = claims_of(sender, answer.json()["jws"])
    codes = {one["code"] for one in claims["agencies"]}
    assert {sender.code, receiver.code} <= codes, "an agency is missing"
    assert claims["version"] == answer.json()["version"]
    assert receiver.get("/api/v1/directory", If_None_Match=answer.headers["ETag"]).status_code == 304
