"""What is handed in."""

import base64
import io
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.evidence import claims_of, fingerprint, refused, taken
from conformance.letters import a_letter
from conformance.party import Party
from conformance.passing import come

QUICKLY_S = 30.0


def test_m05(sender: Party, receiver: Party) -> None:
    """A well-formed envelope is answered with 202, the SHA-256 and size of exactly the bytes that were sent, and a
    receipt."""
    letter = a_letter(sender.code, receiver.code)
    told = taken(sender.hand_in(letter.data))
    assert (told["sha256"], told["size"]) == (fingerprint(letter.data), len(letter.data))
    assert told["document_id"] == letter.document_id
    assert told["receipt"]["jws"]


def test_m06(sender: Party, receiver: Party) -> None:
    """A receipt is a compact JWS, ES256, and verifies with a key of `/api/v1/keys`; it names kind, sender,
    receivers, message, hash and size."""
    letter, key = a_letter(sender.code, receiver.code), uuid.uuid4().hex
    told = taken(sender.hand_in(letter.data, key))
    claims = claims_of(sender, told["receipt"]["jws"])
    assert claims["kind"] == "submitted"
    assert (claims["sender"], claims["receivers"]) == (sender.code, [receiver.code])
    assert (claims["message_id"], claims["sha256"], claims["size"]) == (key, told["sha256"], told["size"])


def test_m07(sender: Party, receiver: Party) -> None:
    """The same bytes under the same `Idempotency-Key` are answered with the first receipt, byte for byte, and
    delivered once, also when they come at the same moment."""
    letter, key = a_letter(sender.code, receiver.code), uuid.uuid4().hex
    with ThreadPoolExecutor(4) as all_at_once:
        answers = list(all_at_once.map(lambda _: sender.hand_in(letter.data, key), range(4)))
    answers.append(sender.hand_in(letter.data, key))
    receipts = {taken(answer)["receipt"]["jws"] for answer in answers}
    assert len(receipts) == 1, f"{len(receipts)} different receipts"
    count = come(sender, receiver)[letter.document_id]
    assert count == 1, f"delivered {count} times"


def test_m44(sender: Party, receiver: Party) -> None:
    """A body that is declared as a form is refused with 415, and nothing is taken in."""
    letter = a_letter(sender.code, receiver.code)
    for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
        refused(sender.hand_in(letter.data, Content_Type=kind), 415)
    assert come(sender, receiver)[letter.document_id] == 0, "what was refused has been delivered"


def test_m08(sender: Party, receiver: Party) -> None:
    """Other bytes under the same key are answered with 409, and the first message stays as it was."""
    key, first = uuid.uuid4().hex, a_letter(sender.code, receiver.code)
    receipt = taken(sender.hand_in(first.data, key))["receipt"]
    second = a_letter(sender.code, receiver.code)
    refused(sender.hand_in(second.data, key), 409)
    assert taken(sender.hand_in(first.data, key))["receipt"] == receipt, "the first receipt has changed"
    found = come(sender, receiver)
    assert found[second.document_id] == 0, "what was refused has been delivered"
    assert found[first.document_id] == 1, f"the first message was delivered {found[first.document_id]} times"
    assert receiver.item(first.document_id)["sha256"] == fingerprint(first.data), "the first message has changed"


def test_m09(sender: Party, receiver: Party) -> None:
    """A refused message does not use up its key: the mended one is taken under the same key."""
    key = uuid.uuid4().hex
    refused(sender.hand_in(b"not an envelope", key), 422)
    taken(sender.hand_in(a_letter(sender.code, receiver.code).data, key))


def test_m10(sender: Party, receiver: Party) -> None:
    """An envelope whose sender is not the system's agency is refused with 403."""
    refused(sender.hand_in(a_letter(receiver.code, sender.code).data), 403)


def test_m11(sender: Party) -> None:
    """An unknown receiver is refused with 422 and its code is named."""
    told = refused(sender.hand_in(a_letter(sender.code, "Z99.99.99").data), 422)
    assert "Z99.99.99" in str(told), "the unknown code is not named"


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pdf", b"0" * 300_000_000)
    return base64.b64encode(packed.getvalue())


@pytest.mark.parametrize("what", ["empty", "no XML", "cut in half", "document type", "zip bomb"])
def test_m12(sender: Party, receiver: Party, what: str) -> None:
    """What is empty, not XML, cut in half, has a document type declaration or expands beyond all measure is refused
    with 422, quickly."""
    good = a_letter(sender.code, receiver.code).data
    head, _, rest = good.partition(b"?>")
    bad = {
        "empty": b"",
        "no XML": b"%PDF-1.4",
        "cut in half": good[: len(good) // 2],
        "document type": head + b'?><!DOCTYPE a [<!ENTITY b "c">]>' + rest,
        "zip bomb": good,
    }[what]
    if what == "zip bomb":
        begins = good.index(b"JVBERi0")  # how every PDF begins in base64
        bad = good[:begins] + _bomb() + good[good.index(b"<", begins) :]
    begun = time.monotonic()
    answer = sender.hand_in(bad)
    took_s = time.monotonic() - begun
    refused(answer, 413, 422)
    assert took_s < QUICKLY_S, f"refused after {took_s:.1f} s"


@pytest.mark.parametrize("seconds", ["0", "59", "2592001", "-5", "soon", "1e3"])
def test_m13(sender: Party, receiver: Party, seconds: str) -> None:
    """A `Delivery-TTL` that is no number of seconds from 60 to 2,592,000 is refused with 422, and nothing is taken
    in."""
    letter, key = a_letter(sender.code, receiver.code), uuid.uuid4().hex
    refused(sender.hand_in(letter.data, key, Delivery_TTL=seconds), 422)
    told = taken(sender.hand_in(a_letter(sender.code, receiver.code).data, key, Delivery_TTL="2592000"))
    assert told["document_id"] != letter.document_id, "the refused one had been taken in"
    assert come(sender, receiver)[letter.document_id] == 0, "the refused one has been delivered"
