"""Who asks."""

import pytest
import requests
from joserfc.jwk import ECKey

from conformance.evidence import refused
from conformance.party import PATIENCE_S, Party
from kernel import clock


def test_m01(sender: Party, receiver: Party) -> None:
    """A token is given for the right id and secret; for a wrong secret the answer is 401 with `invalid_client`."""
    for party in (sender, receiver):
        good = party.sign_in()
        assert good.status_code == 200, f"no token for {party.code}: {good.status_code}"
        assert good.json()["token_type"].lower() == "bearer"
        bad = party.ask_token("x" + party.secret)
        assert bad.status_code == 401, f"a wrong secret is answered with {bad.status_code}"
        assert bad.json()["error"] == "invalid_client"


@pytest.mark.parametrize("token", ["none", "wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/edxml"),
        ("GET", "/api/v1/documents/1"),
        ("GET", "/api/v1/documents/1/receipts"),
        ("GET", "/api/v1/documents/1/evidence"),
        ("POST", "/api/v1/documents/1/evidence"),
        ("GET", "/api/v1/documents/1/evidence/1"),
        ("GET", "/api/v1/receipts/1"),
        ("GET", "/api/v1/receipts/1/proof"),
        ("GET", "/api/v1/connection"),
        ("GET", "/api/v1/inbox"),
        ("POST", "/api/v1/inbox/1/lease"),
        ("GET", "/api/v1/inbox/1/envelope"),
        ("POST", "/api/v1/inbox/1/ack"),
        ("POST", "/api/v1/inbox/1/status"),
        ("GET", "/api/v1/recalls"),
        ("POST", "/api/v1/uploads"),
        ("GET", "/api/v1/uploads/1"),
        ("PATCH", "/api/v1/uploads/1"),
        ("POST", "/api/v1/uploads/1/finish"),
        ("GET", "/api/v1/webhook"),
        ("PUT", "/api/v1/webhook"),
        ("DELETE", "/api/v1/webhook"),
        ("GET", "/api/v1/directory"),
    ],
)
def test_m02(sender: Party, method: str, path: str, token: str) -> None:
    """Without a valid token every operation on documents answers 401."""
    headers = {"none": {}, "wrong": {"Authorization": "Bearer wrong"}}[token]
    verify = sender.ca_file or None
    answer = requests.request(method, sender.url + path, headers=headers, timeout=PATIENCE_S, verify=verify)
    refused(answer, 401)


def test_m03(sender: Party) -> None:
    """Every refusal is a problem document (RFC 9457: `type`, `title`, `status`, `detail`) with a `code` and a sentence
    in Vietnamese and in English."""
    refused(sender.get("/api/v1/documents/999999999999"), 404)
    refused(sender.post("/api/v1/uploads", {"size": "x"}), 422)
    refused(sender.get("/api/v1/khong-co"), 404)


def test_m04(sender: Party, receiver: Party) -> None:
    """A signed assertion (RFC 7523, `private_key_jwt`) gets a token once; the same one again, one that has expired,
    one that is made out to somebody else or signed by another key gets 401."""
    party = next((one for one in (sender, receiver) if one.key is not None), None)
    if party is None:
        pytest.skip("give --sender or --receiver a private key in place of a secret")
    assertion = party.assertion()
    assert party.ask_token_by(assertion).status_code == 200, "a good assertion gets no token"
    now = int(clock.now().timestamp())
    bad = {
        "the same again": assertion,
        "expired": party.assertion(exp=now - 3600, iat=now - 3700),
        "for somebody else": party.assertion(aud="https://other.example/token"),
        "of somebody else": party.assertion(iss="nobody", sub="nobody"),
        "another key": party.assertion(ECKey.generate_key("P-256", private=True)),
        "without a name": party.assertion(jti=""),
        "for years": party.assertion(exp=now + 10_000_000),
    }
    for what, text in bad.items():
        answer = party.ask_token_by(text)
        assert answer.status_code == 401, f"{what}: answered {answer.status_code}, and 401 is due"
        assert answer.json()["error"] == "invalid_client", what
