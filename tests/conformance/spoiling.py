"""Ways for a hub to break its promises, put around the real one: each MUST as a whole, and clauses of it alone."""

import io
import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from flask import Flask, Response, request

Before = Callable[[], Response | None]
After = Callable[[Response], None]


@dataclass(frozen=True)
class Spoiler:
    """What is done to a call before the hub sees it, and to its answer before the caller sees it."""

    after: After | None = None
    before: Before | None = None


def put_around(app: Flask, spoilers: list[Spoiler]) -> Callable[[], None]:
    """Spoil this hub. Answers how to mend it."""
    before: list[Any] = app.before_request_funcs.setdefault(None, [])
    after: list[Any] = app.after_request_funcs.setdefault(None, [])
    first = [spoiler.before for spoiler in spoilers if spoiler.before]

    def spoil(answer: Response) -> Response:
        for spoiler in spoilers:
            if spoiler.after:
                spoiler.after(answer)
        return answer

    before[:0] = first
    after.insert(0, spoil)  # they are called last first: the hub's own tests have looked at the answer by then

    def mend() -> None:
        after.remove(spoil)
        for one in first:
            before.remove(one)

    return mend


def instead(path: str, status: int, other: int, *, has: str = "", method: str = "", header: str = "") -> After:
    """Answer another status than is due to calls below this path, where the answer holds this text."""

    def change(answer: Response) -> None:
        about = request.path.startswith(path) and (not method or request.method == method)
        about = about and (not header or header in request.headers)
        if about and answer.status_code == status and has.encode() in _body(answer):
            answer.status_code = other

    return change


def say(path: str, old: str, new: str, *, ends: str = "") -> After:
    """Say something else in answers to calls below this path."""

    def change(answer: Response) -> None:
        if request.path.startswith(path) and request.path.endswith(ends):
            answer.set_data(_body(answer).replace(old.encode(), new.encode()))

    return change


def count(path: str, name: str, *, ends: str = "") -> After:
    """Say something new in this member of the answer each time."""
    numbers = itertools.count()

    def change(answer: Response) -> None:
        if request.path.startswith(path) and request.path.endswith(ends):
            new = f'"{name}":{next(numbers)},"was":'.encode()
            answer.set_data(_body(answer).replace(f'"{name}":'.encode(), new, 1))

    return change


def drop_header(name: str) -> Before:
    """Act as if the caller had not sent it."""

    def change() -> None:
        request.environ.pop(f"HTTP_{name.upper().replace('-', '_')}", None)

    return change


def drop_query(path: str, name: str) -> Before:
    """Act as if the caller had not asked so."""

    def change() -> None:
        if request.path == path:
            parts = request.environ["QUERY_STRING"].split("&")
            request.query_string = "&".join(part for part in parts if not part.startswith(f"{name}=")).encode()

    return change


def drop_item(path: str, kind: str, *, ends: str) -> After:
    """Leave out the items of this kind."""

    def change(answer: Response) -> None:
        if request.path.startswith(path) and request.path.endswith(ends) and answer.status_code == 200:
            told = json.loads(_body(answer))
            told["items"] = [one for one in told["items"] if one["kind"] != kind]
            answer.set_data(json.dumps(told))

    return change


def use_up_keys() -> Spoiler:
    """A refused message uses up its key."""
    used: set[str] = set()

    def before() -> Response | None:
        key = request.headers.get("Idempotency-Key", "")
        return Response("{}", 409) if key in used else None

    def after(answer: Response) -> None:
        if request.path == "/api/v1/edxml" and answer.status_code == 422:
            used.add(request.headers.get("Idempotency-Key") or "-")

    return Spoiler(after, before)


def change_files(answer: Response) -> None:
    """Hand out other bytes than came."""
    if answer.mimetype == "application/octet-stream":
        answer.set_data(_body(answer).replace(b"edXML", b"EDXML"))


def take_assertions_twice(answer: Response) -> None:
    """Give a token for an assertion that was used before."""
    if "client_assertion" in request.form and answer.status_code == 401:
        answer.status_code = 200
        answer.set_data('{"access_token":"x","token_type":"Bearer","expires_in":1,"scope":""}')


# ---- clauses: what is said is right, and what is done is not ----


def deliver_all_the_same(status: int, *, nth: int = 1, header: str = "") -> Spoiler:
    """Answer as is due, and deliver what was handed in: at the n-th answer with this status to one key."""
    answered: Counter[str] = Counter()

    def before() -> None:
        if request.path == EDXML:
            data = request.environ["wsgi.input"].read(request.content_length or 0)
            request.environ["wsgi.input"], request.environ[_BYTES] = io.BytesIO(data), data

    def after(answer: Response) -> None:
        key = request.headers.get("Idempotency-Key", "")
        if request.path != EDXML or answer.status_code != status or not key or header not in ("", *_sent()):
            return
        answered[key] += 1
        if answered[key] == nth:
            _ask_hub("POST", EDXML, request.environ[_BYTES])

    return Spoiler(after, before)


def wrong_range(answer: Response) -> None:
    """Say that a part is another one."""
    if answer.status_code == 206:
        answer.headers["Content-Range"] = "bytes 0-1/2"


def part_of_another(answer: Response) -> None:
    """Call a part the whole, where the file is not the one of which a part was asked for."""
    if "If-Range" in _sent() and answer.status_code == 200:
        answer.set_data(_body(answer)[100:])


def end_the_lease(answer: Response) -> None:
    """Refuse an overtaken acknowledgement, and let it end the lease that runs."""
    if request.path.endswith("/ack") and answer.status_code == 409:
        _ask_hub("POST", request.path.replace("/ack", "/lease"))


def show_to_everybody() -> Spoiler:
    """Whoever is refused gets what the last sender would get."""
    asked_by = [""]

    def before() -> None:
        if request.path == EDXML:
            asked_by[0] = request.headers.get("Authorization", "")

    def after(answer: Response) -> None:
        if answer.status_code == 404 and request.path.startswith(DOCUMENTS) and "Cookie" not in _sent():
            told = _ask_hub("GET", request.path, Authorization=asked_by[0], Cookie="again=1")
            answer.status_code = told.status_code
            answer.set_data(told.content)

    return Spoiler(after, before)


def agree_in_vain() -> Response | None:
    """Take 15 for an answer, and do nothing."""
    if request.path.endswith("/status") and b'"15"' in request.get_data():
        return Response('{"id":1,"state":"counted","progress":"03","recall":"15"}', 200, mimetype="application/json")
    return None


def prove_what_was_handed_in_alone() -> Response | None:
    """Keep no other receipts in the log."""
    if not (request.path.startswith(RECEIPTS) and request.path.endswith("/proof")):
        return None
    kind = _ask_hub("GET", request.path.removesuffix("/proof")).json().get("kind")
    return None if kind == "submitted" else Response("{}", 404, mimetype="application/problem+json")


def spoil_receipts(kind: str) -> After:
    """Sign receipts of this kind no longer."""

    def change(answer: Response) -> None:
        if request.path.startswith(DOCUMENTS) and request.path.endswith("/receipts") and answer.status_code == 200:
            told = json.loads(_body(answer))
            told["items"] = [one | ({"jws": "rubbish"} if one["kind"] == kind else {}) for one in told["items"]]
            answer.set_data(json.dumps(told))

    return change


def _sent() -> set[str]:
    return {name for name, _ in request.headers}


def _ask_hub(method: str, path: str, data: bytes = b"", **headers: str) -> requests.Response:
    """A call beside the one that is being spoiled, by the same system unless told otherwise."""
    told = {"Authorization": request.headers.get("Authorization", ""), **headers}
    if data:
        told |= {"Content-Type": "application/octet-stream"}
    return requests.request(method, request.host_url.rstrip("/") + path, data=data, headers=told, timeout=30)


def _body(answer: Response) -> bytes:
    answer.direct_passthrough = False
    return bytes(answer.get_data())


EDXML, INBOX, DOCUMENTS, UPLOADS = "/api/v1/edxml", "/api/v1/inbox", "/api/v1/documents", "/api/v1/uploads"
LOG, RECEIPTS = "/api/v1/log", "/api/v1/receipts"
_BYTES = "spoiling.bytes"

GROUPS: list[dict[str, Spoiler]] = [
    {
        "M01": Spoiler(instead("/api/v1/oauth", 401, 400)),
        "M02": Spoiler(instead("/api/v1/directory", 401, 200)),
        "M05": Spoiler(say(EDXML, '"sha256":"', '"sha256":"0')),
        "M11": Spoiler(say(EDXML, "Z99", "Y99")),
        "M15": Spoiler(say(UPLOADS, '"offset": 100000', '"offset": 1')),
        "M17": Spoiler(instead(UPLOADS, 404, 403)),
        "M19": Spoiler(change_files),
        "M22": Spoiler(instead(INBOX, 404, 403)),
        "M25": Spoiler(instead(INBOX, 422, 200, method="POST")),
        "M32": Spoiler(instead("/api/v1/directory", 304, 200)),
        "M35": Spoiler(say("/api/v1/webhook", '"secret":"', '"secret":"","x":"')),
    },
    {
        "M04": Spoiler(take_assertions_twice),
        "M06": Spoiler(say(EDXML, '"jws":"', '"jws":"x')),
        "M08": Spoiler(instead(EDXML, 409, 202)),
        "M44": Spoiler(instead(EDXML, 415, 422)),
        "M12": Spoiler(instead(EDXML, 422, 202, has="edxml_refused")),
        "M14": Spoiler(instead(EDXML, 409, 202, header="Upload-Id")),
        "M16": Spoiler(instead(UPLOADS, 409, 200, has="wrong_hash")),
        "M18": Spoiler(say(INBOX, '"sha256":"', '"sha256":"0')),
        "M20": Spoiler(count(INBOX, "made_at", ends="/ack")),
        "M23": Spoiler(before=drop_query(INBOX, "wait")),
        "M26": Spoiler(say(DOCUMENTS, '"state":"05"', '"state":"03"')),
        "M28": Spoiler(instead("/api/v1/receipts", 404, 200)),
        "M30": Spoiler(say(EDXML, "unknown_document", "conflict")),
    },
    {"M03": Spoiler(say("/api", '"en":', '"fr":'))},
    {
        "M07": Spoiler(count(EDXML, "jws")),
        "M09": use_up_keys(),
        "M10": Spoiler(instead(EDXML, 403, 202)),
        "M13": Spoiler(before=drop_header("Delivery-TTL")),
        "M21": Spoiler(instead(INBOX, 409, 200)),
        "M43": Spoiler(say(EDXML, '"resends":', '"was":')),
        "M27": Spoiler(drop_item(DOCUMENTS, "available", ends="/receipts")),
        "M29": Spoiler(count(EDXML, "status_id")),
        "M31": Spoiler(say(DOCUMENTS, '"recall":"13"', '"recall":null')),
        "M42": Spoiler(say(DOCUMENTS, '"recall":"15"', '"recall":null')),
    },
    {
        "M36": Spoiler(say(f"{LOG}/proof", '"number":', '"number":999999,"was":')),
        "M37": Spoiler(say(INBOX, '"root":"', '"root":"0')),
        "M38": Spoiler(say(f"{LOG}/consistency", '"path":[', f'"path":["{"0" * 64}",')),
        "M39": Spoiler(say("/api/v1/receipts", '"leaf":"', '"leaf":" ', ends="/proof")),
        "M40": Spoiler(instead(LOG, 404, 409)),
        "M41": Spoiler(say(f"{LOG}/heads", '"time_stamp":"', '"time_stamp":"AAAA')),
    },
]
"""Those of one group do not get into each other's way."""

CLAUSES: list[dict[str, Spoiler]] = [
    {
        "M02": Spoiler(instead("/api/v1/recalls", 401, 200)),
        "M07": deliver_all_the_same(202, nth=2),
        "M13": deliver_all_the_same(422, header="Delivery-Ttl"),
        "M19": Spoiler(wrong_range),
        "M21": Spoiler(end_the_lease),
        "M31": Spoiler(before=agree_in_vain),
        "M39": Spoiler(before=prove_what_was_handed_in_alone),
    },
    {
        "M02": Spoiler(instead("/api/v1/webhook", 401, 200, method="DELETE")),
        "M08": deliver_all_the_same(409),
        "M19": Spoiler(part_of_another),
        "M28": show_to_everybody(),
        "M42": Spoiler(spoil_receipts("withdrawn")),
    },
    {"M03": Spoiler(say("/api", '"title":', '"was":'))},
    {"M03": Spoiler(say("/api", '"status": 4', '"status": 2'))},
]
"""Here one clause of each is broken, and the rest of it holds."""

ELSEWHERE = {"M24", "M33", "M34"}
"""Broken in test_kit.py itself: a term, a signature, a repetition."""
