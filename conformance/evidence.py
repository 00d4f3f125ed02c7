"""Receipts and refusals, checked with nothing but the hub's public keys."""

import hashlib
import json
from typing import Any

import requests
from joserfc import jws
from joserfc.jwk import KeySet

from conformance.party import Party


def claims_of(party: Party, signed: str) -> dict[str, Any]:
    """What a receipt (compact JWS) says. AssertionError when none of the hub's keys has signed it."""
    keys = KeySet.import_key_set(party.get("/api/v1/keys").json())
    try:
        claims: dict[str, Any] = json.loads(jws.deserialize_compact(signed, keys, ["ES256"]).payload)
    except Exception as error:
        raise AssertionError(f"the receipt does not verify with the hub's keys: {error!r}") from error
    return claims


def fingerprint(data: bytes | str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def refused(answer: requests.Response, *statuses: int, code: str = "") -> dict[str, Any]:
    """The problem document of a refusal with one of these statuses; AssertionError when it is none (M03)."""
    due = " or ".join(map(str, statuses))
    assert answer.status_code in statuses, f"answered {answer.status_code}, and {due} is due: {answer.text[:200]}"
    told_type = answer.headers.get("Content-Type", "")
    assert told_type.startswith("application/problem+json"), f"M03: a refusal is {told_type or 'of no type'}"
    told: dict[str, Any] = answer.json()
    missing = [name for name in ("type", "title", "detail", "code") if not isinstance(told.get(name), str)]
    assert not missing, f"M03: a refusal has no {', '.join(missing)}"
    status = told.get("status")
    assert status == answer.status_code, f"M03: a refusal with {answer.status_code} says `status` {status}"
    for language in ("vi", "en"):
        assert told.get("message", {}).get(language), f"M03: a refusal has no sentence in “{language}”"
    assert not code or told["code"] == code, f"the code is {told['code']}, and {code} is due"
    return told


def taken(answer: requests.Response) -> dict[str, Any]:
    """The answer to something that was handed in; AssertionError when the hub did not take it."""
    assert answer.status_code == 202, f"answered {answer.status_code}, and 202 is due: {answer.text[:300]}"
    told: dict[str, Any] = answer.json()
    return told
