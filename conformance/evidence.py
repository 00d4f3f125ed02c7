"""Receipts, checked with nothing but the hub's public keys."""

import hashlib
import json
from typing import Any

import requests
from joserfc import jws
from joserfc.jwk import KeySet

from conformance.party import PATIENCE_S


def claims_of(url: str, receipt: str) -> dict[str, Any]:
    """What a receipt says. AssertionError when none of the hub's keys has signed it."""
    keys = KeySet.import_key_set(requests.get(f"{url}/api/v1/keys", timeout=PATIENCE_S).json())
    try:
        claims: dict[str, Any] = json.loads(jws.deserialize_compact(receipt, keys, ["ES256"]).payload)
    except Exception as error:
        raise AssertionError(f"the receipt does not verify: {error!r}") from error
    return claims


def fingerprint(data: bytes | str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def problem_of(answer: requests.Response) -> dict[str, Any]:
    """The problem document of a refusal; AssertionError when it is not whole (M03)."""
    assert answer.headers["Content-Type"].startswith("application/problem+json"), "M03: not a problem document"
    told: dict[str, Any] = answer.json()
    assert told["code"], "M03: no code"
    assert told["message"]["vi"], "M03: no Vietnamese sentence"
    assert told["message"]["en"], "M03: no English sentence"
    return told
