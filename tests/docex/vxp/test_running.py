"""The real web process, spoken to byte by byte as the official SDK's library does."""

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from docex.exchange.vxp import systems, wire
from docex.exchange.vxp.systems import Given
from tests.browser.house import Process
from tests.docex.office import Office
from web.tour.instance import free_port

JSON = "application/json"


@pytest.fixture
def running(office: Office, tmp_path: Path) -> Iterator[tuple[Process, Given]]:
    """The process on the office's database, and a system of the city office."""
    port = free_port()
    with office.db.write(office.cast.admin.by) as tx:
        safe = systems.safe_of(office.config)
        given = systems.register(tx, office.cast.admin, safe, office.cast.city.id, "QLVB", "")
    environment = {
        **os.environ,
        "LIENTHONG_DATABASE_URL": office.config.sql_url,
        "LIENTHONG_DATA_DIR": str(office.config.data_dir),
        "LIENTHONG_PORT": str(port),
    }
    process = Process(environment, tmp_path / "web.log", f"http://127.0.0.1:{port}")
    process.start()
    yield process, given
    process.kill()


def spoken(process: Process, lines: list[str], body: bytes = b"", *, waits: bool = False) -> tuple[bytes, bytes]:
    """Send a request as raw bytes: the head and the body of the answer. `waits` holds the body back until the server
    has said something; TimeoutError when it says nothing."""
    host, _, port = process.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode())
        if not waits:
            connection.sendall(body)
        answer = connection.makefile("rb")
        head = _head(answer)
        if head.startswith(b"HTTP/1.1 100"):
            connection.sendall(body)
            head = _head(answer)
        length = re.search(rb"content-length: (\d+)", head.lower())
        return head, answer.read(int(length[1])) if length else b""


def _head(answer: IO[bytes]) -> bytes:
    return b"".join(iter(answer.readline, b"\r\n"))


def request(given: Given, line: str, *more: str, kind: str = JSON, **values: str) -> list[str]:
    signed = {"systemid": given.system_id, **values, "timestamp": "23112026T213348+0150", "Content-Type": kind}
    headers = wire.signed_headers(given.secret, signed)
    return [f"{line} HTTP/1.1", "Host: x", f"Content-Type: {kind}", *(f"{k}: {v}" for k, v in headers.items()), *more]


def test_nobody_waits_for_a_go_ahead_and_nobody_is_sent_elsewhere(running: tuple[Process, Given]) -> None:
    """HttpClient holds a body back for three seconds unless the server answers, and here for ever; it does not follow a
    redirect."""
    process, given = running
    expect = "Expect: 100-continue"
    for name in ("getEdoc", "updateStatus", "countReceiveEdoc", "deleteAgency", "registerAgency"):
        for path in (f"/vxp/{name}", f"/vxp//{name}"):  # an address with a slash at its end makes two
            head, said = spoken(process, request(given, f"POST {path}", expect), b"{}", waits=True)
            assert not head.startswith(b"HTTP/1.1 3")
            assert set(json.loads(said)) >= {"status", "ErrorCode", "ErrorDesc"}


def test_a_list_call_has_no_body_and_a_download_no_redirect(running: tuple[Process, Given]) -> None:
    process, given = running
    _, said = spoken(process, request(given, "POST /vxp/getReceivedEdocList", messagetype="edoc"))
    assert json.loads(said)["data"] == []
    head, said = spoken(process, request(given, "GET /vxp//downloadEdoc", docId="1"))
    assert head.startswith(b"HTTP/1.1 204")
    assert said == b""


def test_hundreds_of_receivers_in_two_headers_come_through(running: tuple[Process, Given]) -> None:
    process, given = running
    to = json.dumps([f"000.00.{n:02}.H29" for n in range(600)])
    values = {"to": to, "hash-file": "x"}
    _, said = spoken(process, request(given, "POST /vxp/sendEdoc", kind="application/octet-stream", **values), b"x")
    assert json.loads(said)["ErrorCode"] == "10"  # the signature was right, the hash is not


def test_what_two_servers_could_understand_differently_is_refused(running: tuple[Process, Given]) -> None:
    """Two lengths, a length that is no number, HTTP/1.1 without a host or with two (RFC 9112)."""
    process, _given = running
    start, host = "POST /vxp/getAgenciesList HTTP/1.1", "Host: a.example"
    wrong = [
        [start, host, "Content-Length: 5"],  # and the 0 that `spoken` adds
        [start, host, "Content-Length: +0"],
        [start, "Connection: close"],
        [start, host, "Host: b.example"],
    ]
    for lines in wrong:
        head, _body = spoken(process, lines)
        assert head.startswith(b"HTTP/1.1 400"), lines
    for lines in ([start, host], [start, host, "Content-Length: 0"], [start.replace("1.1", "1.0")]):
        head, _body = spoken(process, lines)
        assert b" 401 " in head.split(b"\r\n")[0], lines
