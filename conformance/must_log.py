"""The evidence log: what is handed in is in it, its heads are signed, and it only grows (docs/evidence-log.md)."""

import json
import time
from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from asn1crypto import cms, tsp

from conformance.evidence import claims_of, fingerprint, refused, taken
from conformance.letters import a_letter
from conformance.party import Party
from signing.log import merkle

LATEST_S = 130.0
"""A hub numbers what waits each minute."""
STAMPED_S = 60.0
PROOF, HEADS = "/api/v1/log/proof", "/api/v1/log/heads"


@dataclass(frozen=True)
class Logged:
    """Two letters in the log, each with its proof under the head that was the newest then."""

    envelopes: tuple[str, str]
    numbers: tuple[int, int]
    proofs: tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="session")
def logged(sender: Party, receiver: Party) -> Logged:
    """Two letters, the second handed in when the first was in the log."""
    done = [_logged(sender, receiver) for _ in range(2)]
    return Logged((done[0][0], done[1][0]), (done[0][1], done[1][1]), (done[0][2], done[1][2]))


def _logged(sender: Party, receiver: Party) -> tuple[str, int, dict[str, Any]]:
    letter = a_letter(sender.code, receiver.code)
    number = int(taken(sender.hand_in(letter.data))["id"])
    receiver.fetch(letter.document_id)
    digest = fingerprint(letter.data)
    return digest, number, _proof(sender, f"{PROOF}?kind=document&sha256={digest}", "an envelope")


def _proof(sender: Party, path: str, what: str) -> dict[str, Any]:
    """The proof as soon as there is one."""
    end = time.monotonic() + LATEST_S
    while (answer := sender.get(path)).status_code == 409:
        assert time.monotonic() < end, f"{what} has no number in the log after {LATEST_S:.0f} s"
        time.sleep(0.5)
    assert answer.status_code == 200, f"{what} is not in the log: {answer.status_code} {answer.text[:200]}"
    found: dict[str, Any] = answer.json()
    return found


def _leads(sender: Party, proof: dict[str, Any], kind: str, digest: str) -> None:
    """Whether a proof leads from the leaf of this fact to the root that the head of its size is signed for."""
    leaf = json.loads(proof["leaf"])
    assert (leaf["kind"], leaf["sha256"]) == (kind, digest), "the leaf is about something else"
    root = bytes.fromhex(_head(sender, proof["size"])["root"])
    path = [bytes.fromhex(step) for step in proof["path"]]
    hashed = merkle.leaf_hash(proof["leaf"].encode())
    assert merkle.is_included(hashed, proof["number"], proof["size"], root, path), "the path leads elsewhere"


def _head(sender: Party, size: int) -> dict[str, Any]:
    """What the signed head of this size says."""
    answer = sender.get(f"{HEADS}/{size}")
    assert answer.status_code == 200, f"no head of {size} leaves: {answer.status_code}"
    return _said(sender, answer.json())


def _said(sender: Party, head: dict[str, Any]) -> dict[str, Any]:
    claims = claims_of(sender, head["jws"])
    assert (claims["size"], claims["root"]) == (head["size"], head["root"]), "a head says other than what it signs"
    return claims


def test_m36(sender: Party, logged: Logged) -> None:
    """What is handed in is a leaf of the hub's log within two minutes, and the proof leads to the root of a signed
    head."""
    for digest, proof in zip(logged.envelopes, logged.proofs, strict=True):
        _leads(sender, proof, "document", digest)


def test_m37(sender: Party, receiver: Party, logged: Logged) -> None:
    """A head is a compact JWS, ES256, with a key of `/api/v1/keys`; each call of the mailbox hands out the newest one,
    and the head of a size is the same for ever."""
    size = logged.proofs[1]["size"]
    for party in (sender, receiver):
        head = party.get("/api/v1/inbox").json().get("head")
        assert head, "a call of the mailbox brings no head"
        assert _said(party, head)["size"] >= size, "the head is not the newest one"
        assert party.get(f"{HEADS}/{head['size']}").json()["jws"] == head["jws"], "another head of the same size"


def test_m38(sender: Party, logged: Logged) -> None:
    """A later head holds all that an earlier one held: the consistency proof leads from the one root to the other."""
    first, second = (proof["size"] for proof in logged.proofs)
    assert first < second, "two letters, and the log has not grown"
    answer = sender.get(f"/api/v1/log/consistency?first={first}&second={second}")
    assert answer.status_code == 200, answer.text[:200]
    older, newer = (bytes.fromhex(_head(sender, size)["root"]) for size in (first, second))
    path = [bytes.fromhex(step) for step in answer.json()["path"]]
    assert merkle.is_consistent(first, older, second, newer, path), "the log was rewritten between two heads"


def test_m39(sender: Party, logged: Logged) -> None:
    """Each receipt is a leaf, too, and its proof leads to the root of a signed head."""
    listed = sender.get(f"/api/v1/documents/{logged.numbers[0]}/receipts").json()["items"]
    assert {"submitted", "available", "retrieved"} <= {one["kind"] for one in listed}, "a receipt is missing"
    for one in listed:
        proof = _proof(sender, f"/api/v1/receipts/{one['id']}/proof", f"the receipt “{one['kind']}”")
        _leads(sender, proof, "receipt", fingerprint(one["jws"]))


def test_m40(sender: Party, logged: Logged) -> None:
    """There is no proof of what is not in the log, and none beyond its size (404)."""
    refused(sender.get(f"{PROOF}?kind=document&sha256={'0' * 64}"), 404)
    refused(sender.get(f"{PROOF}?kind=verdict&sha256={logged.envelopes[0]}"), 404)
    refused(sender.get(f"/api/v1/log/consistency?first=1&second={2**40}"), 404)


def test_m41(sender: Party, logged: Logged) -> None:
    """The time-stamp of a head, where there is one, is an RFC 3161 token over the bytes of its JWS."""
    end = time.monotonic() + STAMPED_S
    while not (head := sender.get(f"{HEADS}/{logged.proofs[1]['size']}").json())["time_stamp"]:
        if time.monotonic() > end:
            pytest.skip("this head has no time-stamp yet")
        time.sleep(0.5)
    signed = cms.ContentInfo.load(b64decode(head["time_stamp"]))["content"]
    imprint = tsp.TSTInfo.load(bytes(signed["encap_content_info"]["content"]))["message_imprint"]
    assert imprint["hash_algorithm"]["algorithm"].native == "sha256"
    assert imprint["hashed_message"].native == sha256(head["jws"].encode()).digest(), "it is over something else"
