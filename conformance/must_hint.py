"""The hub's hints to a webhook. They need a place where this kit can listen and the hub can call."""

from collections.abc import Iterator

import pytest

from conformance.evidence import refused, taken
from conformance.kit import Asked
from conformance.letters import SUBJECT, a_letter
from conformance.listener import SIGNATURE, TIMESTAMP, Call, Listener, signature
from conformance.party import Party
from kernel import clock

COMES_IN_S = 60.0
AGAIN_IN_S = 150.0


@pytest.fixture
def secret(asked_for: Asked, listener: Listener, receiver: Party) -> Iterator[str]:
    """The receiver's system is told here; answers the secret of the signatures."""
    answer = receiver.put("/api/v1/webhook", {"url": asked_for.listen_url})
    assert answer.status_code == 200, f"the address is refused: {answer.text[:300]}"
    yield answer.json()["secret"]
    listener.status = 204
    receiver.delete("/api/v1/webhook")


def _is_signed(call: Call, secret: str) -> None:
    timestamp = call.headers.get(TIMESTAMP.lower(), "")
    assert abs(clock.now().timestamp() - float(timestamp)) < 300, f"the timestamp is {timestamp}"
    assert call.headers.get(SIGNATURE.lower()) == signature(secret, timestamp, call.body), "the signature is wrong"


def test_m33(sender: Party, receiver: Party, listener: Listener, secret: str) -> None:
    """A hint says kind, id and time, and nothing of the document; it is signed with HMAC-SHA256 over
    `timestamp.body`, and no older than five minutes."""
    letter = a_letter(sender.code, receiver.code)
    taken(sender.hand_in(letter.data))
    item = receiver.item(letter.document_id)
    (call, *_) = listener.wait_for("inbox.available", item["id"], COMES_IN_S)
    _is_signed(call, secret)
    assert set(call.told) == {"event", "type", "id", "at"}
    assert SUBJECT.encode() not in call.body


def test_m34(sender: Party, receiver: Party, listener: Listener, secret: str) -> None:
    """A hint that was not answered with 2xx comes again, with the same `event` and a signature of its own."""
    listener.status = 500
    letter = a_letter(sender.code, receiver.code)
    taken(sender.hand_in(letter.data))
    item = receiver.item(letter.document_id)
    first = listener.wait_for("inbox.available", item["id"], COMES_IN_S)[0]
    listener.status = 204
    again = listener.wait_for("inbox.available", item["id"], AGAIN_IN_S, skip=1)[-1]
    assert again.told["event"] == first.told["event"]
    _is_signed(again, secret)
    for name in (TIMESTAMP, SIGNATURE):
        assert again.headers[name.lower()] != first.headers[name.lower()], f"{name} is that of the first call"


def test_m35(receiver: Party, listener: Listener, secret: str) -> None:
    """Each time the address is set there is a new secret, which is never shown again; removed, there is none (404)."""
    shown = receiver.get("/api/v1/webhook")
    assert shown.status_code == 200
    assert secret not in shown.text
    again = receiver.put("/api/v1/webhook", {"url": shown.json()["url"]})
    assert again.json()["secret"] != secret, "the same secret again"
    assert receiver.delete("/api/v1/webhook").status_code == 204
    refused(receiver.get("/api/v1/webhook"), 404)
