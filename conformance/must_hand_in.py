"""M01 to M11: who asks, and what is handed in."""

import base64
import io
import time
import uuid
import zipfile

import pytest
import requests

from conformance.evidence import claims_of, fingerprint, problem_of
from conformance.letters import a_letter
from conformance.party import PATIENCE_S, Party

QUICKLY_S = 10.0


def test_m01_a_token_for_the_right_secret_only(sender: Party) -> None:
    good = sender.ask_token(sender.secret)
    assert good.status_code == 200
    assert good.json()["token_type"].lower() == "bearer"
    bad = sender.ask_token(sender.secret + "x")
    assert bad.status_code == 401
    assert bad.json()["error"] == "invalid_client"


@pytest.mark.parametrize("token", ["", "Bearer wrong"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/edxml"), ("GET", "/api/v1/inbox")])
def test_m02_nothing_without_a_valid_token(sender: Party, method: str, path: str, token: str) -> None:
    headers = {"Authorization": token} if token else {}
    answer = requests.request(method, sender.url + path, headers=headers, data=b"", timeout=PATIENCE_S)
    assert answer.status_code == 401
    problem_of(answer)


def test_m04_taking_over_names_exactly_these_bytes(sender: Party, receiver: Party) -> None:
    letter = a_letter(sender.code, receiver.code)
    answer = sender.hand_in(letter.data)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["sha256"], told["size"]) == (fingerprint(letter.data), len(letter.data))
    assert told["document_id"] == letter.document_id
    assert told["receipt"]["jws"]


def test_m05_the_receipt_verifies_and_says_what_was_taken(sender: Party, receiver: Party) -> None:
    letter, key = a_letter(sender.code, receiver.code), uuid.uuid4().hex
    told = sender.hand_in(letter.data, key).json()
    claims = claims_of(sender.url, told["receipt"]["jws"])
    assert claims["kind"] == "submitted"
    assert (claims["sender"], claims["receivers"]) == (sender.code, [receiver.code])
    assert (claims["message_id"], claims["sha256"], claims["size"]) == (key, told["sha256"], told["size"])


def test_m06_the_same_again_gets_the_first_receipt_and_is_delivered_once(sender: Party, receiver: Party) -> None:
    letter, key = a_letter(sender.code, receiver.code), uuid.uuid4().hex
    answers = [sender.hand_in(letter.data, key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["receipt"]["jws"] for answer in answers}) == 1
    receiver.item(letter.document_id)
    assert [one["document_id"] for one in receiver.waiting()].count(letter.document_id) == 1


def test_m07_other_bytes_under_the_key_are_a_conflict(sender: Party, receiver: Party) -> None:
    key, first = uuid.uuid4().hex, a_letter(sender.code, receiver.code)
    receipt = sender.hand_in(first.data, key).json()["receipt"]
    other = sender.hand_in(a_letter(sender.code, receiver.code).data, key)
    assert other.status_code == 409
    problem_of(other)
    assert sender.hand_in(first.data, key).json()["receipt"] == receipt


def test_m08_a_refused_message_does_not_use_up_its_key(sender: Party, receiver: Party) -> None:
    key = uuid.uuid4().hex
    assert sender.hand_in(b"not an envelope", key).status_code == 422
    assert sender.hand_in(a_letter(sender.code, receiver.code).data, key).status_code == 202


def test_m09_nobody_sends_in_anothers_name(sender: Party, receiver: Party) -> None:
    answer = sender.hand_in(a_letter(receiver.code, sender.code).data)
    assert answer.status_code == 403
    problem_of(answer)


def test_m10_an_unknown_receiver_is_named(sender: Party) -> None:
    answer = sender.hand_in(a_letter(sender.code, "Z99.99.99").data)
    assert answer.status_code == 422
    assert "Z99.99.99" in str(problem_of(answer))


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pdf", b"0" * 300_000_000)
    return base64.b64encode(packed.getvalue())


@pytest.mark.parametrize("what", ["empty", "no XML", "cut in half", "document type", "zip bomb"])
def test_m11_what_cannot_be_read_is_refused_quickly(sender: Party, receiver: Party, what: str) -> None:
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
    assert answer.status_code in (413, 422), answer.text
    problem_of(answer)
    assert time.monotonic() - begun < QUICKLY_S
