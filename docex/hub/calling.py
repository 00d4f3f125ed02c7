"""The way out to webhooks. What an agency may name as address is limited, so that nobody makes the hub knock at doors
inside its own network: https only, public addresses only, and the address that was looked at is the one that is called.
"""

import contextlib
import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from kernel.errors import Invalid
from kernel.text import phrase

TIMEOUT = urllib3.Timeout(connect=5, read=10)
SIGNATURE, TIMESTAMP = "Lienthong-Signature", "Lienthong-Timestamp"
LONGEST_URL = 500


@dataclass(frozen=True)
class Refused(Exception):
    """The call was not made, or not answered with success."""

    reason: str


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over `timestamp.body`, hex with its version."""
    return f"v1={hmac.new(secret.encode(), f'{timestamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def check_address(url: str, *, anywhere: bool) -> None:
    """Invalid when a webhook must not have this address; names are looked up when they are called."""
    message = phrase("Địa chỉ nhận tin phải là https, không kèm tên đăng nhập, tới một máy chủ công khai.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid({"url": message}, message) from None
    secure = parts.scheme == "https" or (anywhere and parts.scheme == "http")
    if not secure or not host or parts.username or parts.password or parts.fragment or len(url) > LONGEST_URL:
        raise Invalid({"url": message}, message)
    with contextlib.suppress(ValueError):
        if not anywhere and not ipaddress.ip_address(host).is_global:
            raise Invalid({"url": message}, message)
    if not anywhere and (host == "localhost" or host.endswith((".localhost", ".local", ".internal"))):
        raise Invalid({"url": message}, message)


def call(url: str, secret: str, timestamp: int, body: bytes, *, anywhere: bool) -> None:
    """Post `body`, signed, and be content with any 2xx. Follows no redirect. Refused says why it did not arrive."""
    try:
        check_address(url, anywhere=anywhere)
    except Invalid:
        raise Refused("the address is not allowed") from None
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = _address_of(host, port, anywhere=anywhere)
    headers = {
        "Host": host if parts.port is None else f"{host}:{port}",
        "Content-Type": "application/json",
        "User-Agent": "lienthong-webhook/1",
        TIMESTAMP: str(timestamp),
        SIGNATURE: signature(secret, timestamp, body),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    pool = (
        urllib3.HTTPSConnectionPool(address, port, timeout=TIMEOUT, server_hostname=host, assert_hostname=host)
        if secure
        else urllib3.HTTPConnectionPool(address, port, timeout=TIMEOUT)
    )
    try:
        answer = pool.urlopen(
            "POST", path, body=body, headers=headers, retries=False, redirect=False, preload_content=False
        )
        answer.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Refused(type(error).__name__) from error
    finally:
        pool.close()
    if not 200 <= answer.status < 300:
        raise Refused(f"HTTP {answer.status}")


def _address_of(host: str, port: int, *, anywhere: bool) -> str:
    """One address of the host; Refused when any of them is inside some private network."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise Refused("the name is unknown") from None
    if not anywhere and not all(ipaddress.ip_address(address.partition("%")[0]).is_global for address in found):
        raise Refused("the address is not public")
    return found[0]
