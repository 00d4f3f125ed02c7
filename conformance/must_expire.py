"""The end of a term; the letter for it is handed in when the run begins."""

from conformance.evidence import claims_of, refused
from conformance.kit import Expiring
from conformance.party import Party

LATEST_S = 120.0


def test_m24(sender: Party, receiver: Party, expiring: Expiring) -> None:
    """What nobody has fetched when its term ends becomes `expired`, with a signed receipt and the reason; it is no
    longer offered, and cannot be leased (409). A lease that runs then may be used and renewed for at most an hour
    more."""
    sender.delivery_in(expiring.number, receiver.code, {"expired"}, LATEST_S)
    listed = sender.get(f"/api/v1/documents/{expiring.number}/receipts?code={receiver.code}").json()["items"]
    claims = claims_of(sender, listed[-1]["jws"])
    assert claims["kind"] == "expired"
    assert claims["reason"], "no reason"
    assert expiring.document_id not in [one["document_id"] for one in receiver.waiting()], "it is still offered"
    refused(receiver.post(f"/api/v1/inbox/{expiring.item}/lease"), 409)
