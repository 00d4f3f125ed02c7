"""What a vendor's client must do, as its hub sees it. The client has to be running; only the sender is ours."""

import uuid

import pytest

from conformance.evidence import claims_of, fingerprint, taken
from conformance.kit import Asked
from conformance.letters import Letter, a_large_letter, a_letter
from conformance.party import Party
from docex.edxml.model import Attachment

HAS_IT = {"01", "02", "03", "04", "05", "06"}
MANY = 20
PAPER_BYTES = 5_000_000


def _sent(sender: Party, letter: Letter) -> int:
    """Hand it in, in pieces when it is large."""
    if len(letter.data) < 1_000_000:
        return int(taken(sender.hand_in(letter.data))["id"])
    told = sender.post("/api/v1/uploads", {"size": len(letter.data), "sha256": fingerprint(letter.data)}).json()
    for offset in range(0, len(letter.data), told["piece"]):
        sender.put_piece(told["id"], offset, letter.data[offset : offset + told["piece"]])
    sender.post(f"/api/v1/uploads/{told['id']}/finish")
    return int(taken(sender.hand_in(b"", Upload_Id=told["id"]))["id"])


def _is_retrieved(sender: Party, asked: Asked, number: int, letter: Letter) -> None:
    sender.delivery_in(number, asked.client_code, HAS_IT, asked.within_s)
    path = f"/api/v1/documents/{number}/receipts?code={asked.client_code}"
    signed = [one["jws"] for one in sender.get(path).json()["items"] if one["kind"] == "retrieved"]
    assert signed, "it was taken without an acknowledgement"
    assert claims_of(sender, signed[0])["sha256"] == fingerprint(letter.data)


def test_c01(sender: Party, asked_for: Asked) -> None:
    """A letter is leased and acknowledged within the time (`--within`)."""
    letter = a_letter(sender.code, asked_for.client_code)
    _is_retrieved(sender, asked_for, _sent(sender, letter), letter)


def test_c02(sender: Party, asked_for: Asked) -> None:
    """Twenty letters that come at once are all acknowledged."""
    letters = [a_letter(sender.code, asked_for.client_code) for _ in range(MANY)]
    for number, letter in [(_sent(sender, letter), letter) for letter in letters]:
        _is_retrieved(sender, asked_for, number, letter)


def test_c03(sender: Party, asked_for: Asked) -> None:
    """A letter of 7 MB is acknowledged too."""
    letter = a_large_letter(sender.code, asked_for.client_code, PAPER_BYTES)
    _is_retrieved(sender, asked_for, _sent(sender, letter), letter)


@pytest.mark.parametrize("what", ["no paper", "long names", "other letters", "many papers"])
def test_c04(sender: Party, asked_for: Asked, what: str) -> None:
    """Envelopes that are unusual and allowed are acknowledged: without papers, with many, with long and strange
    names."""
    names = {
        "no paper": [],
        "long names": ["Báo cáo " + "rất " * 45 + "dài.pdf"],
        "other letters": ["Báo cáo 𝒳 ‘№ 5’ & b.pdf"],
        "many papers": [f"{number}.pdf" for number in range(60)],
    }[what]
    papers = tuple(Attachment(str(uuid.uuid4()), name, b"%PDF-1.4\n%%EOF\n") for name in names)
    letter = a_letter(sender.code, asked_for.client_code, attachments=papers)
    _is_retrieved(sender, asked_for, _sent(sender, letter), letter)


def test_c05(sender: Party, asked_for: Asked) -> None:
    """What becomes of a letter is reported: 03 when it is registered, or 02 with the reason (`--with-statuses`)."""
    if not asked_for.with_statuses:
        pytest.skip("--with-statuses")
    number = _sent(sender, a_letter(sender.code, asked_for.client_code))
    told = sender.delivery_in(number, asked_for.client_code, HAS_IT - {"01"}, asked_for.within_s)
    assert told["state"] != "02" or told["reason"], "refused without a reason"
