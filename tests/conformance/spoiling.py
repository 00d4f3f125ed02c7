"""Ways for a hub to break its promises, one for each MUST, put around the real one."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


def _body(answer: Response) -> bytes:
    answer.direct_passthrough = False
    return bytes(answer.get_data())


EDXML, INBOX, DOCUMENTS, UPLOADS = "/api/v1/edxml", "/api/v1/inbox", "/api/v1/documents", "/api/v1/uploads"
LOG = "/api/v1/log"

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

ELSEWHERE = {"M24", "M33", "M34"}
"""Broken in test_kit.py itself: a term, a signature, a repetition."""
