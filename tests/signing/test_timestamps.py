"""Time-stamps that come over HTTP, good ones and bad ones."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from asn1crypto import tsp

import signing.doctor  # noqa: F401  # registers the self-checks
from kernel.config import Config
from kernel.doctor import Health, checks
from kernel.errors import Unavailable
from signing.pades import add_timestamp
from signing.reasons import Code
from signing.timestamps import HttpTimeStamps, LocalTimeStamps
from signing.verdicts import Level, Value
from tests.signing.conftest import Office


def test_an_address_must_be_of_the_web() -> None:
    with pytest.raises(ValueError, match="http"):
        HttpTimeStamps("ftp://example.vn/")


class _Authority(HTTPServer):
    source: LocalTimeStamps
    answer_with: bytes | None = None


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, _Authority)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = server.answer_with
        if answer is None:
            answer = server.source.answer(tsp.TimeStampReq.load(body)).dump()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""


@pytest.fixture
def http_authority(office: Office) -> Iterator[_Authority]:
    server = _Authority(("127.0.0.1", 0), _Door)
    server.source = LocalTimeStamps(office.authority.time_stamp_key())
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_time_stamp_comes_over_http(
    office: Office, sealed: bytes, http_authority: _Authority, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{http_authority.server_port}/"
    verdict = office.judge(add_timestamp(sealed, HttpTimeStamps(url)))
    assert verdict.value is Value.VALID
    assert verdict.signers[0].level is Level.B_T
    assert checks["tsa"](Config(data_dir=tmp_path, tsa_url=url)).health is Health.GOOD


@pytest.mark.parametrize("answer", [b"", b"<html>busy</html>", b"\x30\x03\x30\x01\x00", b"0" * 2_000_000])
def test_an_answer_that_is_no_time_stamp_is_refused(sealed: bytes, http_authority: _Authority, answer: bytes) -> None:
    http_authority.answer_with = answer
    with pytest.raises(Unavailable):
        add_timestamp(sealed, HttpTimeStamps(f"http://127.0.0.1:{http_authority.server_port}/"))


def test_the_time_stamp_of_another_file_proves_nothing(
    office: Office, sealed: bytes, signed: bytes, http_authority: _Authority
) -> None:
    imprint = tsp.MessageImprint({"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"x" * 32})

    class Confused(LocalTimeStamps):
        def answer(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
            req["message_imprint"] = imprint
            return super().answer(req)

    verdict = office.judge(add_timestamp(sealed, Confused(office.authority.time_stamp_key())))
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.TIMESTAMP_BROKEN)
