"""The services of the marked TEST authority over HTTP: time-stamps (RFC 3161), status of certificates (OCSP, RFC 6960),
revocation lists and authorities' certificates. For the test suite and for trials, on the loopback address.

    POST /tsa                                  POST /ocsp, GET /ocsp/<base64>
    GET /crl/root.crl, /crl/issuing.crl        GET /ca/root.crt, /ca/issuing.crt

Each can be told to be slow, down, or wrong (`Mood`), as authorities are in real life.
"""

import base64
import binascii
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from kernel import clock
from signing.keys.keystore import KeyStore
from signing.pdf.timestamps import LocalTimeStamps
from signing.testca.authority import TestAuthority
from signing.trust.holders import TEST_MARK

log = logging.getLogger(__name__)

_MAX_BYTES = 100_000
_ANSWER_HOLDS = timedelta(days=1)
TSA, OCSP, CRL, CA = "tsa", "ocsp", "crl", "ca"


class Fault(StrEnum):
    """What a service does instead of its work."""

    NONE = ""
    DOWN = "down"  # closes the connection without an answer
    BUSY = "busy"  # 503
    GARBAGE = "garbage"  # a page in place of an answer
    REFUSES = "refuses"  # a well-formed answer that says no
    OTHER = "other"  # a well-formed, signed answer about something else
    ENDLESS = "endless"  # an answer that drips and does not end
    NO_HEAD = "no head"  # an answer whose head drips already
    ELSEWHERE = "elsewhere"  # a redirect to another door, `/other`


@dataclass
class Mood:
    """How one service behaves at the moment; tests and trials change it while it runs."""

    fault: Fault = Fault.NONE
    delay_s: float = 0.0

    def wait(self) -> None:
        """As long as the service is slow; one that is well again answers at once."""
        begun = time.monotonic()
        while time.monotonic() < begun + self.delay_s:
            time.sleep(0.02)


def open_listener(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """Where services are going to answer. Certificates that name the address are made before there is anybody to
    answer, and nobody else may take it meanwhile."""
    return socket.create_server((host, port))


class TestServices(ThreadingHTTPServer):
    """The running services. `counts` are the requests to each; `now_at_once` and `most_at_once` those to the TSA."""

    __test__ = False  # pytest would collect the name
    daemon_threads = True
    block_on_close = False

    def __init__(self, authority: TestAuthority, listener: socket.socket | None = None) -> None:
        listener = listener or open_listener()
        super().__init__(listener.getsockname(), _RequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.server_port = listener, listener.getsockname()[1]
        self.authority = authority
        self.moods = {name: Mood() for name in (TSA, OCSP, CRL, CA)}
        self.counts: Counter[str] = Counter()
        self._counting = Lock()
        self.now_at_once = self.most_at_once = 0
        self.own_key = authority.time_stamp_key()
        self.time_stamp_key: KeyStore = self.own_key

    @property
    def url(self) -> str:
        """The address of the services, without a slash at the end."""
        return f"http://{self.server_address[0]!s}:{self.server_port}"

    @property
    def tsa_url(self) -> str:
        """Where time-stamps are asked for."""
        return f"{self.url}/tsa"

    def well(self) -> None:
        """Everything works again, and is counted anew."""
        for mood in self.moods.values():
            mood.fault, mood.delay_s = Fault.NONE, 0.0
        self.counts.clear()
        self.most_at_once = 0
        self.time_stamp_key = self.own_key

    @contextmanager
    def at_work(self, name: str) -> Iterator[None]:
        """Counts a request. It is over before its answer goes out: who has that may ask the next thing at once."""
        with self._counting:
            self.counts[name] += 1
            self.now_at_once += name == TSA
            self.most_at_once = max(self.most_at_once, self.now_at_once)
        try:
            yield
        finally:
            with self._counting:
                self.now_at_once -= name == TSA

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news."""
        log.debug("a caller of the test services went away", exc_info=True)


@contextmanager
def served(authority: TestAuthority, listener: socket.socket | None = None) -> Iterator[TestServices]:
    """The services in a thread of their own for the length of the block, at a door that is open already or another."""
    services = TestServices(authority, listener)
    thread = Thread(target=services.serve_forever, args=(0.02,), daemon=True, name="test-services")
    thread.start()
    try:
        yield services
    finally:
        services.shutdown()
        thread.join()
        services.server_close()


def serve(folder: Path, port: int, say: Callable[[str], None]) -> None:
    """Serve the authority in `folder` on this machine until the process is told to end; port 0 is any that is free.
    Certificates that it makes from now on name this address."""
    listener = open_listener(port)
    authority = TestAuthority(folder, served_at=f"http://127.0.0.1:{listener.getsockname()[1]}")
    with TestServices(authority, listener) as services:
        say(f"{folder}: {TEST_MARK}")
        say(f"LIENTHONG_TSA_URL={services.tsa_url}")
        say(f"{services.url}/ocsp  {services.url}/crl/issuing.crl  {services.url}/ca/issuing.crt")
        with suppress(KeyboardInterrupt):
            services.serve_forever(0.2)


@dataclass(frozen=True)
class _Answer:
    kind: str
    body: bytes
    status: int = 200


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _RequestHandler(BaseHTTPRequestHandler):
    server: TestServices
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        name, _, rest = self.path.strip("/").partition("/")
        self._serve(name, lambda: self._read(name, rest))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length <= _MAX_BYTES else b""
        name = self.path.strip("/")
        self._serve(name, lambda: self._ask(name, body))

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)

    def _read(self, name: str, rest: str) -> _Answer:
        authority = self.server.authority
        if name == CRL and rest in ("root.crl", "issuing.crl"):
            return _Answer("application/pkix-crl", authority.crls()[rest == "issuing.crl"])
        if name == CA and rest in ("root.crt", "issuing.crt"):
            certificate = authority.root_certificate if rest == "root.crt" else authority.issuing_certificate
            return _Answer("application/pkix-cert", certificate)
        if name == OCSP and rest:
            return self._ask(OCSP, base64.b64decode(unquote(rest), validate=True))
        raise _Refused(405 if name == TSA else 404)  # the government's authority answers a GET with 403, too

    def _ask(self, name: str, body: bytes) -> _Answer:
        fault = self.server.moods[name].fault if name in self.server.moods else Fault.NONE
        if name == TSA:
            return _Answer("application/timestamp-reply", stamp(self.server.time_stamp_key, body, fault))
        if name == OCSP:
            return _Answer("application/ocsp-response", status_of(self.server.authority, body, fault))
        raise _Refused(404)

    def _serve(self, name: str, work: Callable[[], _Answer]) -> None:
        mood = self.server.moods.get(name, Mood())
        with self.server.at_work(name):
            mood.wait()
            fault = mood.fault
            answer = _worked(work) if fault in _AT_WORK else None
        if answer is not None:
            self._send(answer)
        else:
            self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        match fault:
            case Fault.DOWN:
                self.close_connection = True
            case Fault.ENDLESS | Fault.NO_HEAD:
                self._drip(with_head=fault is Fault.ENDLESS)
            case Fault.ELSEWHERE:
                self.send_response(307)
                self.send_header("Location", f"{self.server.url}/other")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case _:
                status = 503 if fault is Fault.BUSY else 200
                self._send(_Answer("text/html", b"<html>busy</html>", status))

    def _drip(self, *, with_head: bool) -> None:
        self.send_response(200)
        if with_head:
            self.end_headers()
        else:
            self.flush_headers()
            self.wfile.write(b"X-Slow: ")
        self.close_connection = True
        while True:  # until the caller has had enough
            self.wfile.write(b"0")
            self.wfile.flush()
            time.sleep(0.05)

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


_AT_WORK = (Fault.NONE, Fault.REFUSES, Fault.OTHER)


def _worked(work: Callable[[], _Answer]) -> _Answer:
    try:
        return work()
    except _Refused as refused:
        return _Answer("text/plain", b"", refused.status)
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        log.debug("a request that cannot be read: %s", error)
        return _Answer("text/plain", b"", 400)


def stamp(key: KeyStore, request: bytes, fault: Fault = Fault.NONE) -> bytes:
    """The answer to a time-stamp request (DER); ValueError when it is none."""
    asked = tsp.TimeStampReq.load(request, strict=True)
    asked.native  # noqa: B018  # parse now
    if fault is Fault.REFUSES:
        failed = {"status": "rejection", "status_string": ["no"], "fail_info": {"system_failure"}}
        return bytes(tsp.TimeStampResp({"status": failed}).dump())
    if fault is Fault.OTHER:
        asked["message_imprint"]["hashed_message"] = bytes(len(asked["message_imprint"]["hashed_message"].native))
    return bytes(LocalTimeStamps(key).answer(asked).dump())


def status_of(authority: TestAuthority, request: bytes, fault: Fault = Fault.NONE) -> bytes:
    """The answer to an OCSP request (DER), signed by the authority's responder; ValueError when it is none."""
    if fault is Fault.REFUSES:
        return _refusal(ocsp.OCSPResponseStatus.TRY_LATER)
    asked = ocsp.load_der_ocsp_request(request)
    issuer = x509.load_der_x509_certificate(authority.issuing_certificate)
    if not _issued_by(issuer, asked):
        return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    serial = asked.serial_number + (1 if fault is Fault.OTHER else 0)
    revoked_at = authority.revoked_at(serial)
    now = clock.now().replace(microsecond=0)
    responder = authority.status_pair()
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=asked.issuer_name_hash,
        issuer_key_hash=asked.issuer_key_hash,
        serial_number=serial,
        algorithm=asked.hash_algorithm,
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else ocsp.OCSPCertStatus.GOOD,
        this_update=now,
        next_update=now + _ANSWER_HOLDS,
        revocation_time=revoked_at,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked_at else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
    builder = builder.certificates([responder.certificate])
    for extension in asked.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            builder = builder.add_extension(extension.value, critical=False)
    return builder.sign(responder.key, hashes.SHA256()).public_bytes(Encoding.DER)


def status_request(certificate: bytes, issuer: bytes) -> bytes:
    """An OCSP request (DER) about a certificate; both in DER."""
    about, above = x509.load_der_x509_certificate(certificate), x509.load_der_x509_certificate(issuer)
    builder = ocsp.OCSPRequestBuilder().add_certificate(about, above, hashes.SHA1())  # noqa: S303  # names, no secret
    return builder.build().public_bytes(Encoding.DER)


def _issued_by(issuer: x509.Certificate, asked: ocsp.OCSPRequest) -> bool:
    # Any certificate of this issuer gives the same hashes: its own does.
    model = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, asked.hash_algorithm).build()
    return model.issuer_key_hash == asked.issuer_key_hash


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
