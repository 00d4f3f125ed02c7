"""The way out to webhooks. What an agency may name as address is limited, so that nobody makes the hub call addresses
inside its own network: https only, public addresses only, and the address that was looked at is the one that is called.
"""

import contextlib
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import urlsplit

import urllib3

from kernel import netaddresses
from kernel.deadline import Deadline
from kernel.errors import Invalid
from kernel.text import Phrase, phrase

CONNECT_S, READ_S = 5, 10
TIMEOUT_S = 20
"""For a whole call: a server that sends a byte now and then holds a thread no longer than a silent one."""
SIGNATURE, TIMESTAMP = "Lienthong-Signature", "Lienthong-Timestamp"
MAX_URL_LENGTH = 500


NOT_ALLOWED, UNKNOWN_NAME, NOT_PUBLIC = "not_allowed", "unknown_name", "not_public"
TIMED_OUT, NOT_REACHED, BAD_TLS, BROKEN_OFF = "timed_out", "not_reached", "bad_tls", "broken_off"
KEY_LOST = "key_lost"
_HTTP = "http_"

_WORDS = {
    NOT_ALLOWED: phrase("Địa chỉ này không được phép gọi."),
    UNKNOWN_NAME: phrase("Không tìm thấy tên máy chủ này trên mạng."),
    NOT_PUBLIC: phrase("Tên máy chủ dẫn tới một địa chỉ nội bộ, trục không gọi."),
    TIMED_OUT: phrase("Máy chủ không trả lời trong thời gian chờ."),
    NOT_REACHED: phrase("Không nối được tới máy chủ: máy chủ tắt, hoặc tường lửa chặn."),
    BAD_TLS: phrase("Chứng thư TLS của máy chủ không hợp lệ hoặc không đúng tên."),
    BROKEN_OFF: phrase("Kết nối bị ngắt giữa chừng."),
    KEY_LOST: phrase(
        "Trục không còn mở được khóa ký tin báo: khóa của trục đã đổi. Hệ thống nhận cần đặt lại địa chỉ nhận tin báo."
    ),
}


class Refused(Exception):
    """The call was not made, or not answered with success; `reason` is a code that `words` explains."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def words(reason: str) -> Phrase:
    """Why a call failed, in a sentence."""
    if reason.startswith(_HTTP):
        return phrase("Máy chủ trả lời mã HTTP {status} thay vì 2xx.", status=reason.removeprefix(_HTTP))
    return _WORDS.get(reason, phrase("Lời gọi không thành công."))


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over `timestamp.body`, hex with its version."""
    return f"v1={hmac.new(secret.encode(), f'{timestamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def check_address(url: str, *, anywhere: bool) -> None:
    """Invalid when a webhook must not have this address; names are looked up when they are called."""
    message = phrase("Địa chỉ nhận tin phải là https, không kèm tên đăng nhập, tới một máy chủ công khai.")
    if not url.isprintable() or " " in url:  # urlsplit drops line ends, and a log or a header would not
        raise Invalid({"url": message}, message)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid({"url": message}, message) from None
    secure = parts.scheme == "https" or (anywhere and parts.scheme == "http")
    if not secure or not host or parts.username or parts.password or parts.fragment or len(url) > MAX_URL_LENGTH:
        raise Invalid({"url": message}, message)
    if not anywhere and netaddresses.is_address(host) and not netaddresses.is_public(host):
        raise Invalid({"url": message}, message)
    host = host.rstrip(".")
    if not anywhere and (host == "localhost" or host.endswith((".localhost", ".local", ".internal"))):
        raise Invalid({"url": message}, message)


def without_query(url: str) -> str:
    """The address as the audit keeps it for good: what stands in a query is often a key of its owner's."""
    parts = urlsplit(url)
    return parts._replace(query="…" if parts.query else "").geturl()


def call(url: str, secret: str, timestamp: int, body: bytes, *, anywhere: bool) -> None:
    """Post `body`, signed, and be content with any 2xx. Follows no redirect. Refused says why it did not arrive."""
    try:
        check_address(url, anywhere=anywhere)
    except Invalid:
        raise Refused(NOT_ALLOWED) from None
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "lienthong-webhook/1",
        TIMESTAMP: str(timestamp),
        SIGNATURE: signature(secret, timestamp, body),
    }
    with posted(url, body, headers, anywhere=anywhere) as answer:
        if not 200 <= answer.status < 300:
            raise Refused(f"{_HTTP}{answer.status}")


@contextlib.contextmanager
def posted(
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    anywhere: bool,
    read_s: float = READ_S,
    whole_s: float = TIMEOUT_S,
) -> Iterator[urllib3.BaseHTTPResponse]:
    """The answer to a POST, its body not read yet. The address that was looked at is the one that is called; no
    redirect is followed. Refused when nothing answers, when the answer breaks off while it is read, or when all of it
    takes longer than `whole_s`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    headers = {"Host": host if parts.port is None else f"{host}:{parts.port}", **headers}
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    pool = _pool(parts.scheme == "https", host, parts.port, read_s, anywhere=anywhere)
    with Deadline(whole_s) as deadline:
        pool.ConnectionCls = deadline.watched(pool.ConnectionCls)
        try:
            answer = pool.urlopen(
                "POST", path, body=body, headers=headers, retries=False, redirect=False, preload_content=False
            )
            try:
                yield answer
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Refused(TIMED_OUT if deadline.is_over else _code_of(error)) from error
        finally:
            pool.close()
        if deadline.is_over:  # a head that is cut off looks like a whole one
            raise Refused(TIMED_OUT)


def _pool(secure: bool, host: str, port: int | None, read_s: float, *, anywhere: bool) -> urllib3.HTTPConnectionPool:
    port = port or (443 if secure else 80)
    address = _address_of(host, port, anywhere=anywhere)
    timeout = urllib3.Timeout(connect=CONNECT_S, read=read_s)
    if not secure:
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    return urllib3.HTTPSConnectionPool(address, port, timeout=timeout, server_hostname=host, assert_hostname=host)


def _code_of(error: Exception) -> str:
    match error:
        case urllib3.exceptions.NewConnectionError():
            return NOT_REACHED
        case urllib3.exceptions.TimeoutError():
            return TIMED_OUT
        case urllib3.exceptions.SSLError():
            return BAD_TLS
    return BROKEN_OFF


def _address_of(host: str, port: int, *, anywhere: bool) -> str:
    """The address to call; Refused when the host has none, or any that is not public."""
    try:
        return netaddresses.resolved(host, port, anywhere=anywhere)
    except netaddresses.UnknownHost:
        raise Refused(UNKNOWN_NAME) from None
    except netaddresses.NotPublic:
        raise Refused(NOT_PUBLIC) from None
