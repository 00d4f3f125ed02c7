"""Time-stamps of RFC 3161: asking an authority over HTTP, and the small authority of trial installations.

Answers may take minutes (the government's takes 2 to 131 s), so only jobs ask; a request never waits for one.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import asyncio
import logging
import math
import secrets
from abc import ABC, abstractmethod
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from pyhanko.sign.general import as_signing_certificate_v2, simple_cms_attribute
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from kernel import clock
from kernel.deadline import Deadline
from kernel.errors import Unavailable
from kernel.text import phrase
from signing.keys.keystore import KeyStore
from signing.sandbox import ports
from signing.sandbox.limits import ExitReason, SandboxError

log = logging.getLogger(__name__)

TIMEOUT_S = 180
_MAX_BYTES = 1_000_000
_PIECE = 16_384

UNKNOWN_ROOM = 32_768
"""Room in hex digits for the token of an authority that we do not know yet: 16 KiB."""
# An arc for examples (ITU-T X.660): nobody may take it for a real time-stamp policy.
TEST_POLICY = "2.999.1.1"


def room_for(size: int) -> int:
    """Room in hex digits for tokens of `size` bytes, and a quarter more.

    Readers go through the digits one by one, so room that is not needed makes every verification slower.
    """
    return 2 * 512 * math.ceil(size * 1.25 / 512)


class TimeStamps(TimeStamper, ABC):
    """Where time-stamps come from."""

    def __init__(self) -> None:
        super().__init__()

    @property
    @abstractmethod
    def room(self) -> int:
        """Hex digits to leave for a token."""


class SandboxTimeStamps(TimeStamps):
    """A time-stamp authority as a task in the sandbox sees it: the parent asks it, for the task has no network."""

    def __init__(self, ask: ports.Ask, room: int) -> None:
        super().__init__()
        self._ask, self._room = ask, room

    @property
    def room(self) -> int:
        """Hex digits to leave for a token, as the parent knows."""
        return self._room

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """What the authority answered to the parent; TimestampRequestError when it did not."""
        try:
            return tsp.TimeStampResp.load(self._ask(req.dump()))
        except ports.RemoteError as error:
            raise TimestampRequestError(str(error)) from error


def _answer_sandbox(source: TimeStamps, question: bytes) -> bytes:
    """The answer of an authority to the request of a task, which must be one (RFC 3161 §2.4.1) and nothing else."""
    try:
        asked = tsp.TimeStampReq.load(question, strict=True)
        asked.native  # noqa: B018 - reads it whole
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SandboxError(ExitReason.FAILED, "asked for a time-stamp in no form") from None
    try:
        return bytes(asyncio.run(source.async_request_tsa_response(asked)).dump())
    except TimestampRequestError as error:
        raise ports.RemoteError(str(error)) from error


ports.register(
    ports.Remote(
        name="timestamps",
        module=__name__,
        matches=lambda thing: isinstance(thing, TimeStamps),
        describe=lambda source: source.room,
        answer=_answer_sandbox,
        proxy=SandboxTimeStamps,
    )
)

NO_TIME_STAMP = phrase("Đơn vị cấp dấu thời gian chưa trả lời, hệ thống sẽ thử lại.")
_GRANTED = ("granted", "granted_with_mods")


def token_over(digest: bytes, source: TimeStamps) -> bytes:
    """A time-stamp token (DER) over a SHA-256 digest. May take minutes; call it without an event loop.

    Unavailable when there is no answer, or one that is no time-stamp of just this (RFC 3161 §2.4.2). Whether its
    authority is trusted is for the verification to say.
    """
    try:
        nonce, question = source.request_cms(digest, "sha256")
        answer = asyncio.run(source.async_request_tsa_response(question))
        status = answer["status"]["status"].native
        if status not in _GRANTED:
            raise TimestampRequestError(f"refused: {status} {answer['status']['status_string'].native}")
        token = answer["time_stamp_token"]
        said = token["content"]["encap_content_info"]["content"].parsed
        if said["nonce"].native != nonce or said["message_imprint"]["hashed_message"].native != digest:
            raise TimestampRequestError("the answer is about something else")
        return bytes(token.dump())
    except (TimestampRequestError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("no time-stamp: %s", error)
        raise Unavailable(NO_TIME_STAMP) from error


class HttpTimeStamps(TimeStamps):
    """A time-stamp authority at a URL; `timeout_s` is for the whole call, however slowly the answer drips.

    Only this address is asked: an authority that sends elsewhere has not answered.
    """

    # What each authority's tokens took lately, for all that ask it in this process.
    _rooms: ClassVar[dict[str, int]] = {}

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("a time-stamp authority has an http or https address")
        super().__init__()
        self.url = url
        self._timeout_s = timeout_s

    @property
    def room(self) -> int:
        """Hex digits to leave for a token."""
        return self._rooms.get(self.url, UNKNOWN_ROOM)

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Post the request; TimestampRequestError when there is no usable answer."""
        body = self._post(req.dump())
        try:
            response = tsp.TimeStampResp.load(body)
            response["status"]["status"].native  # noqa: B018  # parse now, not later
            token = response["time_stamp_token"]
            if isinstance(token, cms.ContentInfo):
                self._rooms[self.url] = room_for(len(token.dump()))  # one that does not fit does at the next try
        except (ValueError, TypeError) as error:
            raise TimestampRequestError(f"the answer of {self.url} is no time-stamp") from error
        return response

    def _post(self, request: bytes) -> bytes:
        with Deadline(self._timeout_s) as deadline, requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Watched(deadline))
            try:
                body = self._answered(session, request)
            except (requests.RequestException, HTTPError, OSError) as error:
                raise TimestampRequestError(f"no answer from {self.url}: {error}") from error
            if deadline.is_over:  # an answer that is cut off may look like a whole one
                raise TimestampRequestError(f"the answer of {self.url} does not end")
            return body

    def _answered(self, session: requests.Session, request: bytes) -> bytes:
        kinds = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        body = bytearray()
        with session.post(
            self.url, data=request, headers=kinds, timeout=self._timeout_s, stream=True, allow_redirects=False
        ) as answer:
            if answer.status_code != 200:
                raise TimestampRequestError(f"{self.url} answers with HTTP {answer.status_code}")
            while piece := answer.raw.read1(_PIECE, decode_content=True):
                body += piece
                if len(body) > _MAX_BYTES:
                    raise TimestampRequestError(f"the answer of {self.url} is too long")
        return bytes(body)


class _Watched(HTTPAdapter):
    """Opens lines that a deadline hangs up on."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The pool for an address, or for the proxy on the way there."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self._deadline.watched(pool.ConnectionCls)
        return pool


class LocalTimeStamps(TimeStamps):
    """The time-stamp authority of a trial installation: signs at once with a key of ours."""

    def __init__(self, store: KeyStore) -> None:
        super().__init__()
        self._store = store

    @property
    def room(self) -> int:
        """Hex digits to leave for a token: certificates, signature and what is said."""
        description = self._store.describe()
        return room_for(len(description.certificate) + sum(map(len, description.chain)) + 1024)

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Answer in this process."""
        return self.answer(req)

    def answer(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """A granted time-stamp for the request (RFC 3161 §2.4.2), with the time of the house's clock."""
        description = self._store.describe()
        certificate = asn1_x509.Certificate.load(description.certificate)
        fields = {
            "version": "v1",
            "policy": TEST_POLICY,
            "message_imprint": req["message_imprint"],
            "serial_number": secrets.randbits(63),
            "gen_time": clock.now().replace(microsecond=0),
        }
        if req["nonce"].native is not None:
            fields["nonce"] = req["nonce"]
        info = tsp.TSTInfo(fields).dump()
        token = cms.ContentInfo(
            {"content_type": "signed_data", "content": self._signed(info, certificate, description.chain)}
        )
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})

    def _signed(self, info: bytes, certificate: asn1_x509.Certificate, chain: tuple[bytes, ...]) -> cms.SignedData:
        digest = algos.DigestAlgorithm({"algorithm": "sha256"})
        attributes = cms.CMSAttributes(
            [
                simple_cms_attribute("content_type", "tst_info"),
                simple_cms_attribute("signing_certificate_v2", as_signing_certificate_v2(certificate)),
                simple_cms_attribute("message_digest", sha256(info).digest()),
            ]
        )
        signer_info = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    {
                        "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                            {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                        )
                    }
                ),
                "digest_algorithm": digest,
                "signature_algorithm": algos.SignedDigestAlgorithm(
                    {"algorithm": self._store.describe().algorithm.value}
                ),
                "signed_attrs": attributes,
                "signature": self._store.sign(attributes.dump()),
            }
        )
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": cms.DigestAlgorithms((digest,)),
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(info),
                },
                "certificates": [certificate, *(asn1_x509.Certificate.load(der) for der in chain)],
                "signer_infos": [signer_info],
            }
        )
