"""A body that nobody wants: its sender gets the answer whole, at once, and can see why it was refused."""

import http.client
import json
import socket

import pytest

from tests.web.server.conftest import Site

TIMEOUT_S = 30


def said(site: Site, head: str) -> tuple[http.client.HTTPResponse, socket.socket]:
    """The answer to a head whose body is never sent."""
    line = socket.create_connection(("127.0.0.1", site.port), TIMEOUT_S)
    line.sendall(f"POST /refuse HTTP/1.1\r\nHost: here\r\n{head}\r\n\r\n".encode())
    answer = http.client.HTTPResponse(line)
    answer.begin()
    return answer, line


@pytest.mark.parametrize(
    "head", ["Content-Length: 50000000", "Transfer-Encoding: chunked", "Content-Length: 9\r\nExpect: 100-continue"]
)
def test_the_answer_does_not_wait_for_the_body(site: Site, head: str) -> None:
    answer, line = said(site, head)
    with line:
        assert (answer.status, answer.headers["Connection"]) == (401, "close")
        assert answer.read() == b"not from you"


def test_who_sends_everything_first_gets_the_answer_and_no_reset(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=TIMEOUT_S)
    connection.request("POST", "/refuse", bytes(50_000_000))
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (401, b"not from you")
    connection.close()


def test_a_small_refused_body_does_not_end_the_connection(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=TIMEOUT_S)
    for body in (bytes(500_000), iter([b"one", b"two"]), b""):
        connection.request("POST", "/refuse", body, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (401, b"not from you")
        if isinstance(body, bytes):
            kept = connection.sock
            assert kept is not None
            assert answer.headers["Connection"] is None
    connection.request("GET", "/state")
    assert "members" in json.loads(connection.getresponse().read())
    connection.close()


def test_a_body_without_end_is_not_read_for_ever(site: Site) -> None:
    answer, line = said(site, "Content-Length: 1000000000000")
    with line:
        assert answer.status == 401
        sent = 0
        with pytest.raises((ConnectionResetError, BrokenPipeError, TimeoutError)):
            while sent < 1 << 30:
                sent += line.send(bytes(1 << 20))
        assert sent < 256 << 20  # what is on the way counts, too
