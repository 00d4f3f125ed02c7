"""The mailbox of the receiver."""

import threading
import time
from typing import Any

import pytest

from conformance.evidence import claims_of, fingerprint, refused, taken
from conformance.letters import Letter, a_letter
from conformance.party import Party

WAITS_S = 25
MUST_BE_LEFT_S = 3.0


@pytest.fixture
def letter(sender: Party, receiver: Party) -> Letter:
    """A letter that was handed in."""
    made = a_letter(sender.code, receiver.code)
    taken(sender.hand_in(made.data))
    return made


def test_m18(sender: Party, receiver: Party, letter: Letter) -> None:
    """What is handed in appears in the mailbox of its receiver, and of nobody else."""
    item = receiver.item(letter.document_id)
    assert (item["sender"]["code"], item["sha256"]) == (sender.code, fingerprint(letter.data))
    assert letter.document_id not in [one["document_id"] for one in sender.waiting()], "in the sender's mailbox too"


def test_m19(receiver: Party, letter: Letter) -> None:
    """The envelope is handed out byte for byte as it came, with its SHA-256 as ETag; a part of it can be fetched
    with `Range`, and with `If-Range` of another file the whole comes."""
    path = f"/api/v1/inbox/{receiver.item(letter.document_id)['id']}/envelope"
    whole = receiver.get(path)
    assert whole.content == letter.data, "what came is not what was sent"
    tag = f'"{fingerprint(letter.data)}"'
    assert whole.headers.get("ETag") == tag, f"the ETag is {whole.headers.get('ETag')}"
    size = len(letter.data)
    for wanted, end in (("100-", size), ("100-199", 200)):
        part = receiver.get(path, Range=f"bytes={wanted}", If_Range=tag)
        assert part.status_code == 206, f"a part is answered with {part.status_code}, and 206 is due"
        assert part.content == letter.data[100:end], f"another part than {wanted}"
        said = part.headers.get("Content-Range")
        assert said == f"bytes 100-{end - 1}/{size}", f"the Content-Range of {wanted} is {said}"
    other = receiver.get(path, Range="bytes=100-", If_Range='"another"')
    assert (other.status_code, other.content == letter.data) == (200, True), "of another file only a part came"


def test_m20(receiver: Party, letter: Letter) -> None:
    """An acknowledgement with the current lease gives a `retrieved` receipt; said again, the same receipt. Then the
    mailbox is empty of it."""
    item = receiver.item(letter.document_id)
    token = receiver.post(f"/api/v1/inbox/{item['id']}/lease").json()["token"]
    first = receiver.post(f"/api/v1/inbox/{item['id']}/ack", {"token": token})
    assert first.status_code == 200, first.text[:300]
    claims = claims_of(receiver, first.json()["receipt"]["jws"])
    assert (claims["kind"], claims["sha256"]) == ("retrieved", fingerprint(letter.data))
    again = receiver.post(f"/api/v1/inbox/{item['id']}/ack", {"token": token})
    assert again.status_code == 200, again.text[:300]
    assert again.json()["receipt"] == first.json()["receipt"], "another receipt for the same acknowledgement"
    assert letter.document_id not in [one["document_id"] for one in receiver.waiting()], "it is still offered"


def test_m21(receiver: Party, letter: Letter) -> None:
    """An acknowledgement with a token that was overtaken is refused with 409 and changes nothing."""
    item = receiver.item(letter.document_id)
    old = receiver.post(f"/api/v1/inbox/{item['id']}/lease").json()["token"]
    new = receiver.post(f"/api/v1/inbox/{item['id']}/lease").json()["token"]
    assert old != new, "two leases have one token"
    refused(receiver.post(f"/api/v1/inbox/{item['id']}/ack", {"token": old}), 409)
    assert receiver.item(letter.document_id)["id"] == item["id"]
    last = receiver.post(f"/api/v1/inbox/{item['id']}/ack", {"token": new})
    assert last.status_code == 200, f"the current lease is worth nothing any more: {last.status_code}"


@pytest.mark.parametrize("act", ["lease", "ack", "status", "envelope"])
def test_m22(sender: Party, receiver: Party, letter: Letter, act: str) -> None:
    """For what is in another agency's mailbox the answer is 404, as if it did not exist."""
    path = f"/api/v1/inbox/{receiver.item(letter.document_id)['id']}/{act}"
    bodies: dict[str, dict[str, Any]] = {"ack": {"token": 1}, "status": {"code": "03"}}
    refused(sender.get(path) if act == "envelope" else sender.post(path, bodies.get(act)), 404)


def test_m23(sender: Party, receiver: Party) -> None:
    """A call with `wait` is answered as soon as something comes, not only at the end of the time."""
    page = receiver.get("/api/v1/inbox").json()
    while page["more"]:
        page = receiver.get(f"/api/v1/inbox?after={page['next']}").json()
    letter = a_letter(sender.code, receiver.code)
    begun = time.monotonic()
    later = threading.Timer(1.0, sender.hand_in, [letter.data])
    later.start()
    found = receiver.get(f"/api/v1/inbox?wait={WAITS_S}&after={page['next']}").json()["items"]
    took_s = time.monotonic() - begun
    later.join()
    assert letter.document_id in [one["document_id"] for one in found], "the answer came without the letter"
    assert took_s > 0.9, f"answered after {took_s:.1f} s, before there was anything"
    assert took_s < WAITS_S - MUST_BE_LEFT_S, f"answered after {took_s:.1f} s"
