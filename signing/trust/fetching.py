"""The way out to authorities' OCSP responders and revocation lists.

The addresses stand in certificates, so they are strangers' words, though only certificates that lead to a trusted root
are asked about. Only http and https; the address that was looked at is the one that is called; no redirects; answers
are capped in size and time. Without a list of allowed hosts only public addresses are called.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import urllib3

from kernel import netaddresses
from kernel.deadline import Deadline
from kernel.text import Phrase, phrase

LIST_BYTES = 30_000_000
ANSWER_BYTES = 100_000
SECONDS = 30
"""For a whole call, from the look-up of the name to the last byte."""
_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_PIECE = 64 * 1024
_LONGEST_URL = 500

_WORDS = {
    "not_allowed": phrase("Địa chỉ ghi trong chứng thư không nằm trong danh sách được phép gọi."),
    "unknown_name": phrase("Không tìm thấy tên máy chủ này trên mạng."),
    "not_public": phrase("Tên máy chủ dẫn tới một địa chỉ nội bộ, hệ thống không gọi."),
    "no_answer": phrase("Máy chủ không trả lời, hoặc đường mạng bị chặn."),
    "too_long": phrase("Máy chủ trả lời quá chậm hoặc quá dài."),
    "unreadable": phrase("Máy chủ trả lời nội dung không đọc được."),
    "wrong_signature": phrase("Câu trả lời không do đúng CA ký."),
    "not_about": phrase("Câu trả lời không nói về chứng thư đã hỏi."),
    "older": phrase("Câu trả lời cũ hơn bản đang có."),
    "from_the_future": phrase("Câu trả lời ghi ngày trong tương lai. Xin kiểm tra đồng hồ máy chủ."),
}


@dataclass(frozen=True)
class NotFetched(Exception):
    """There is no answer that can be used; `reason` is a code that `words` explains."""

    reason: str


def words(reason: str) -> Phrase:
    """Why there is no answer, in a sentence."""
    if reason.startswith("http_"):
        return phrase("Máy chủ trả lời mã HTTP {status}.", status=reason.removeprefix("http_"))
    return _WORDS.get(reason, _WORDS["no_answer"])


def is_callable(url: str) -> bool:
    """Whether an address in a certificate is of a kind that is called at all; ldap is not."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not parts.username and not parts.password
    return parts.scheme in {"http", "https"} and bool(host) and plain and len(url) <= _LONGEST_URL


def fetched(url: str, hosts: tuple[str, ...], *, question: bytes | None = None) -> bytes:
    """The body behind `url`: a revocation list, or with `question` the answer of an OCSP responder to it.

    `hosts` are the allowed ones, such as `ca.gov.vn` or `*.ca.gov.vn`; empty allows all with public addresses.
    NotFetched says why there is none.
    """
    if not is_callable(url) or (hosts and not _allowed(url, hosts)):
        raise NotFetched("not_allowed")
    most = LIST_BYTES if question is None else ANSWER_BYTES
    with Deadline(SECONDS) as deadline:
        try:
            body = _called(url, question, deadline, most, anywhere=bool(hosts))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NotFetched("too_long" if deadline.is_over else "no_answer") from error
        if deadline.is_over:  # an answer that is cut off may look like a whole one
            raise NotFetched("too_long")
        return body


def _called(url: str, question: bytes | None, deadline: Deadline, most: int, *, anywhere: bool) -> bytes:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = _address_of(host, port, anywhere=anywhere)
    headers = {"Host": host if parts.port is None else f"{host}:{port}", "User-Agent": "lienthong/1"}
    if question is not None:
        headers["Content-Type"] = "application/ocsp-request"
    pool = (
        urllib3.HTTPSConnectionPool(address, port, timeout=_TIMEOUT, server_hostname=host, assert_hostname=host)
        if secure
        else urllib3.HTTPConnectionPool(address, port, timeout=_TIMEOUT)
    )
    pool.ConnectionCls = deadline.watched(pool.ConnectionCls)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    method = "GET" if question is None else "POST"
    try:
        answer = pool.urlopen(
            method, path, body=question, headers=headers, retries=False, redirect=False, preload_content=False
        )
        try:
            return _body(answer, most)
        finally:
            answer.close()
    finally:
        pool.close()


def _body(answer: urllib3.BaseHTTPResponse, most: int) -> bytes:
    if answer.status != 200:
        raise NotFetched(f"http_{answer.status}")
    body = bytearray()
    while piece := answer.read1(_PIECE, decode_content=False):  # what is there, so that drops are counted, too
        body += piece
        if len(body) > most:
            raise NotFetched("too_long")
    return bytes(body)


def _allowed(url: str, hosts: tuple[str, ...]) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    return any(fnmatchcase(host, one.lower()) for one in hosts)


def _address_of(host: str, port: int, *, anywhere: bool) -> str:
    """The address to call; without an allow-list none of the host's addresses may be other than public."""
    try:
        return netaddresses.resolved(host, port, anywhere=anywhere)
    except netaddresses.UnknownHost:
        raise NotFetched("unknown_name") from None
    except netaddresses.NotPublic:
        raise NotFetched("not_public") from None
