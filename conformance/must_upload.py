"""Large files in pieces."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from conformance.evidence import claims_of, fingerprint, refused, taken
from conformance.letters import a_large_letter
from conformance.party import Party

PIECE = 1 << 20
PAPER_BYTES = 2_500_000


def _announce(party: Party, data: bytes) -> dict[str, Any]:
    return _shown(party.post("/api/v1/uploads", {"size": len(data), "sha256": fingerprint(data)}))


def _shown(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, f"answered {answer.status_code}, and 200 is due: {answer.text[:200]}"
    told: dict[str, Any] = answer.json()
    return told


def _bring(party: Party, upload: dict[str, Any], data: bytes) -> dict[str, Any]:
    """What is still missing."""
    most = min(upload["piece"], PIECE)
    while upload["offset"] < len(data):
        before = upload["offset"]
        upload = _shown(party.put_piece(upload["id"], before, data[before : before + most]))
        assert upload["offset"] > before, "a piece was taken, and the offset stays"
    return upload


def test_m14(sender: Party, receiver: Party) -> None:
    """A file that was announced, came in pieces and was finished is handed in with `Upload-Id` as if it had come
    whole: the same hash, size and receipt; before it is finished it cannot be handed in."""
    letter = a_large_letter(sender.code, receiver.code, PAPER_BYTES)
    upload = _announce(sender, letter.data)
    assert (upload["offset"], upload["whole"]) == (0, False)
    refused(sender.hand_in(b"", Upload_Id=upload["id"]), 409)
    upload = _bring(sender, upload, letter.data)
    for _ in range(2):
        finished = _shown(sender.post(f"/api/v1/uploads/{upload['id']}/finish"))
        assert finished["whole"] is True
    told = taken(sender.hand_in(b"", Upload_Id=upload["id"]))
    assert (told["sha256"], told["size"]) == (fingerprint(letter.data), len(letter.data))
    assert claims_of(sender, told["receipt"]["jws"])["sha256"] == fingerprint(letter.data)
    item = receiver.item(letter.document_id)
    came = receiver.get(f"/api/v1/inbox/{item['id']}/envelope")
    assert fingerprint(came.content) == fingerprint(letter.data), "what came is not what was sent"


def test_m15(sender: Party, receiver: Party) -> None:
    """A piece in the wrong place is refused with 409 `wrong_offset` and the right place in `info.offset`; the same
    file announced again goes on where it was."""
    data = a_large_letter(sender.code, receiver.code, PAPER_BYTES).data
    upload = _announce(sender, data)
    first = _shown(sender.put_piece(upload["id"], 0, data[:100_000]))
    assert first["offset"] == 100_000
    told = refused(sender.put_piece(upload["id"], 200_000, data[200_000:300_000]), 409, code="wrong_offset")
    assert told["info"]["offset"] == 100_000
    again = _announce(sender, data)
    assert (again["id"], again["offset"]) == (upload["id"], 100_000), "the file began anew"
    assert _shown(sender.get(f"/api/v1/uploads/{upload['id']}"))["offset"] == 100_000
    told = refused(sender.post(f"/api/v1/uploads/{upload['id']}/finish"), 409, code="wrong_offset")
    assert told["info"]["offset"] == 100_000
    assert _shown(sender.post(f"/api/v1/uploads/{_bring(sender, again, data)['id']}/finish"))["whole"] is True


def test_m16(sender: Party, receiver: Party) -> None:
    """Pieces that are not what was announced are refused at the end with 409 `wrong_hash`; the right ones may then
    come from offset 0."""
    data = a_large_letter(sender.code, receiver.code, 100_000).data
    upload = _announce(sender, data)
    _bring(sender, upload, bytes([data[0] ^ 1]) + data[1:])
    refused(sender.post(f"/api/v1/uploads/{upload['id']}/finish"), 409, code="wrong_hash")
    refused(sender.hand_in(b"", Upload_Id=upload["id"]), 409)
    _bring(sender, {**upload, "offset": 0}, data)
    assert _shown(sender.post(f"/api/v1/uploads/{upload['id']}/finish"))["whole"] is True


@pytest.mark.parametrize("act", ["look", "piece", "finish", "hand in"])
def test_m17(sender: Party, receiver: Party, act: str) -> None:
    """For an upload of another system the answer is 404, as if it did not exist."""
    upload = _announce(sender, a_large_letter(sender.code, receiver.code, 1000).data)
    number = upload["id"]
    acts: dict[str, Callable[[], requests.Response]] = {
        "look": lambda: receiver.get(f"/api/v1/uploads/{number}"),
        "piece": lambda: receiver.put_piece(number, 0, b"x"),
        "finish": lambda: receiver.post(f"/api/v1/uploads/{number}/finish"),
        "hand in": lambda: receiver.hand_in(b"", Upload_Id=number),
    }
    refused(acts[act](), 404)
