"""What a vendor's webhook receiver must do with the hub's hints."""

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from conformance.kit import Hook
from conformance.listener import SIGNATURE, TIMESTAMP, signature
from kernel import clock

ANSWERS_IN_S = 10.0
OLDEST_S = 300


def _hint(**changes: Any) -> bytes:
    number = secrets.randbelow(1_000_000) + 1
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    told = {"event": f"1:inbox.available:{number}:0:0", "type": "inbox.available", "id": number, "at": at}
    return json.dumps({**told, **changes}).encode()


def _call(hook: Hook, body: bytes, headers: dict[str, str]) -> requests.Response:
    told = {"Content-Type": "application/json", "User-Agent": "docex-conformance/1", **headers}
    try:
        return requests.post(
            hook.url,
            data=body,
            headers=told,
            timeout=ANSWERS_IN_S,
            allow_redirects=False,
            verify=hook.ca_file or None,
        )
    except requests.RequestException as error:
        raise AssertionError(f"no answer: {error}") from error


def _signed(hook: Hook, body: bytes, at: float | None = None, secret: str = "") -> dict[str, str]:
    timestamp = str(int(clock.now().timestamp() if at is None else at))
    return {TIMESTAMP: timestamp, SIGNATURE: signature(secret or hook.secret, timestamp, body)}


def _accepted(answer: requests.Response) -> None:
    assert 200 <= answer.status_code < 300, f"answered {answer.status_code}, and 2xx is due"


def _refused(answer: requests.Response) -> None:
    assert 400 <= answer.status_code < 500, f"answered {answer.status_code}, and a refusal (4xx) is due"


def test_w01(hook: Hook) -> None:
    """A hint with the right signature is answered with 2xx within 10 seconds, without a redirect."""
    body = _hint()
    _accepted(_call(hook, body, _signed(hook, body)))
    body = _hint(type="delivery.changed")
    _accepted(_call(hook, body, _signed(hook, body)))


@pytest.mark.parametrize(
    "what", ["none", "no timestamp", "another secret", "cut", "empty", "without version", "not a number"]
)
def test_w02(hook: Hook, what: str) -> None:
    """A hint without a signature, or with a wrong one, is refused (4xx)."""
    body = _hint()
    good = _signed(hook, body)
    headers = {
        "none": {},
        "no timestamp": {SIGNATURE: good[SIGNATURE]},
        "another secret": _signed(hook, body, secret="x" + hook.secret),
        "cut": {**good, SIGNATURE: good[SIGNATURE][:20]},
        "empty": {**good, SIGNATURE: ""},
        "without version": {**good, SIGNATURE: good[SIGNATURE].removeprefix("v1=")},
        "not a number": {TIMESTAMP: "soon", SIGNATURE: signature(hook.secret, "soon", body)},
    }[what]
    _refused(_call(hook, body, headers))


@pytest.mark.parametrize("what", ["another id", "one blank more", "the time"])
def test_w03(hook: Hook, what: str) -> None:
    """A hint that was changed after it was signed is refused (4xx): every byte of the body counts, and the
    timestamp."""
    body = _hint(id=7)
    good = _signed(hook, body)
    if what == "the time":
        good = {**good, TIMESTAMP: str(int(good[TIMESTAMP]) - 1)}
    changed = {"another id": body.replace(b'"id": 7', b'"id": 8'), "one blank more": body + b" "}.get(what, body)
    _refused(_call(hook, changed, good))


@pytest.mark.parametrize("seconds", [-OLDEST_S - 60, -86_400, OLDEST_S + 60])
def test_w04(hook: Hook, seconds: int) -> None:
    """A hint that is older than five minutes, or as far in the future, is refused (4xx), though its signature is
    right."""
    body = _hint()
    _refused(_call(hook, body, _signed(hook, body, at=clock.now().timestamp() + seconds)))
    _accepted(_call(hook, body, _signed(hook, body, at=clock.now().timestamp() - OLDEST_S / 2)))


def test_w05(hook: Hook) -> None:
    """The same event may come twice, signed anew: the second is answered with 2xx too, or the hub would go on."""
    body = _hint()
    _accepted(_call(hook, body, _signed(hook, body, at=clock.now().timestamp() - 30)))
    _accepted(_call(hook, body, _signed(hook, body)))


def test_w06(hook: Hook) -> None:
    """The very same call again, with its old timestamp and signature, is answered with 2xx or refused (4xx); it
    breaks nothing."""
    body = _hint()
    headers = _signed(hook, body)
    _accepted(_call(hook, body, headers))
    answer = _call(hook, body, headers)
    assert 200 <= answer.status_code < 300 or 400 <= answer.status_code < 500, f"answered {answer.status_code}"


def test_w07(hook: Hook) -> None:
    """A kind of hint that is not known, and members that are not known, are answered with 2xx: the hub will learn
    more."""
    body = _hint(type="something.new", more={"a": [1, 2]})
    _accepted(_call(hook, body, _signed(hook, body)))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"type": 1}', b'{"id": 1' + b" " * 100_000 + b"}"])
def test_w08(hook: Hook, body: bytes) -> None:
    """What is signed and yet no hint breaks nothing: no 5xx, and the next good hint is taken."""
    answer = _call(hook, body, _signed(hook, body))
    assert answer.status_code < 500, f"answered {answer.status_code}"
    good = _hint()
    _accepted(_call(hook, good, _signed(hook, good)))


def test_w09(hook: Hook) -> None:
    """Twenty hints at once are all answered with 2xx."""
    bodies = [_hint() for _ in range(20)]
    with ThreadPoolExecutor(20) as all_at_once:
        for answer in all_at_once.map(lambda body: _call(hook, body, _signed(hook, body)), bodies):
            _accepted(answer)
