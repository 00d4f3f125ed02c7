"""HTTP to the hub: who we are, what time it is there, and plain sentences for what the network does to us."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from docex.agent.credentials import Credentials
from docex.agent.errors import Refused, TransientError, Unreachable, Unusable
from kernel import clock
from kernel.text import Phrase, one_line, phrase

CONNECT_S, ANSWER_S = 10.0, 120.0  # the second also between two pieces of an answer
MAX_RETRY_AFTER_S = 3600.0
TOKENS = "/api/v1/oauth/token"
KEYS = "/api/v1/keys"
_HOME = frozenset({"localhost", "127.0.0.1", "::1"})
_LATER = frozenset({408, 425, 429, 502, 503, 504})


def version() -> str:
    """The agent's version, as the hub's operator sees it."""
    try:
        return metadata.version("lienthong")
    except metadata.PackageNotFoundError:
        return "0"


@dataclass(frozen=True)
class Reach:
    """How the hub is reached: where, as whom, trusting which authority (PEM file), made out to which address."""

    url: str
    credentials: Credentials
    ca_file: str = ""
    audience: str = ""

    def __post_init__(self) -> None:
        """Unusable when the address would carry what is secret in the clear, or the authority's file is missing."""
        if self.ca_file and not Path(self.ca_file).is_file():
            raise Unusable(phrase("Không đọc được tệp chứng thư {path}.", path=self.ca_file))
        parts = urlsplit(self.url)
        if parts.scheme == "https" and parts.hostname:
            return
        if parts.scheme != "http" or parts.hostname not in _HOME:
            raise Unusable(phrase("Địa chỉ của trục phải bắt đầu bằng https://, không phải “{url}”.", url=self.url))


class _Bearer(AuthBase):
    """As an auth object, so that a .netrc of the machine cannot take its place."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Wire:
    """One line to the hub. Not for several threads at once."""

    def __init__(self, reach: Reach) -> None:
        self.url = reach.url.rstrip("/")
        self.ahead: timedelta | None = None  # how far the hub's clock is ahead of ours
        self.scopes: frozenset[str] = frozenset()
        self._reach = reach
        self._token = ""
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"lienthong-agent/{version()} ({platform.system()})"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """An answer that is about this call: success, or a refusal of it (4xx). Everything else is Unreachable."""
        answer = self._send(method, path, self._token or self._new_token(), **more)
        if answer.status_code == 401:
            answer = self._send(method, path, self._new_token(), **more)
        if answer.status_code == 401:
            raise Unreachable(phrase("Trục không công nhận mã truy cập vừa cấp."), _short(answer))
        return answer

    def told(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The JSON of a successful answer; anything else is Unreachable, only for this item."""
        return told(self.call(method, path, **more))

    def public_keys(self) -> dict[str, Any]:
        """The hub's keys; needs no token."""
        return told(self._send("GET", KEYS, "", headers={"Cache-Control": "no-cache"}))

    def _send(
        self, method: str, path: str, token: str, *, timeout_s: float = ANSWER_S, **more: Any
    ) -> requests.Response:
        headers = {"Date": format_datetime(clock.now(), usegmt=True), **more.pop("headers", {})}
        try:
            answer = self._session.request(
                method,
                self.url + path,
                auth=_Bearer(token),
                headers=headers,
                timeout=(CONNECT_S, timeout_s),
                verify=self._reach.ca_file or None,  # here: a session's own gives way to REQUESTS_CA_BUNDLE
                allow_redirects=False,  # a moved hub is for a person to decide
                **more,
            )
        except (requests.RequestException, OSError) as error:
            raise _away(error) from error
        self._look_at_the_clock(answer)
        _check_is_about_the_call(answer)
        return answer

    def _new_token(self) -> str:
        if self._reach.credentials.key and self.ahead is None:
            self.public_keys()  # tells the hub's time: an assertion must be made in it
        now = clock.now() + (self.ahead or timedelta())
        audience = [self._reach.audience] if self._reach.audience else [self.url + TOKENS, self.url]
        form = {"grant_type": "client_credentials", **self._reach.credentials.form(audience, now)}
        answer = self._send("POST", TOKENS, "", data=form)
        if answer.status_code in (400, 401):
            words = phrase("Trục không nhận ra hệ thống này: sai mã ứng dụng, mã bí mật hoặc khóa, hoặc đã bị thu hồi.")
            raise Unreachable(words, _short(answer))
        given = told(answer)
        try:
            self._token, self.scopes = str(given["access_token"]), frozenset(str(given.get("scope", "")).split())
        except KeyError as error:
            raise Unreachable(_NOT_THE_HUB) from error
        return self._token

    def _look_at_the_clock(self, answer: requests.Response) -> None:
        try:
            there = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
            self.ahead = there + timedelta(seconds=int(answer.headers.get("Age", "0"))) - clock.now()
        except (KeyError, ValueError, OverflowError):
            return  # an answer without the time


_NOT_THE_HUB = phrase("Nơi trả lời không phải là trục liên thông. Xin kiểm tra địa chỉ.")


def told(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of a successful answer; a proxy's page instead of it means that the hub was not reached."""
    if not answer.ok:
        raise TransientError(phrase("Trục không làm được yêu cầu này."), _short(answer))
    try:
        found = answer.json()
    except requests.JSONDecodeError as error:
        raise Unreachable(_NOT_THE_HUB) from error
    if not isinstance(found, dict):
        raise Unreachable(_NOT_THE_HUB)
    return found


def problem(answer: requests.Response) -> dict[str, Any]:
    """The problem document (RFC 9457) of a refusal; {} when it is none."""
    try:
        found = json.loads(answer.text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("code"), str) else {}


def refusal(answer: requests.Response) -> Refused | TransientError:
    """Why the hub does not take something; a refusal that is not the hub's own may be a proxy's mistake."""
    found = problem(answer)
    words = found.get("message")
    if isinstance(words, Mapping) and isinstance(words.get("vi"), str) and isinstance(words.get("en"), str):
        return Refused(one_line(found["code"]), one_line(words["vi"]), one_line(words["en"]))
    if answer.status_code == 413:
        large = phrase("Tệp lớn hơn mức mà đường truyền tới trục cho phép.")
        return Refused("too_large", large.vi, large.en)
    return TransientError(phrase("Trục không làm được yêu cầu này."), _short(answer))


def _check_is_about_the_call(answer: requests.Response) -> None:
    code = answer.status_code
    if 300 <= code < 400 and code != 304:
        words = phrase("Trục đã chuyển sang địa chỉ khác ({to}). Xin hỏi quản trị trục.", to=_target(answer))
        raise Unreachable(words)
    if code in _LATER:
        busy = phrase("Trục đang quá tải hoặc tạm ngừng.")
        raise Unreachable(busy, _short(answer), wait_s=_asked_pause_s(answer))
    if code >= 500:
        raise TransientError(phrase("Trục gặp lỗi."), _short(answer))


def _target(answer: requests.Response) -> str:
    return answer.headers.get("Location", "?")[:200]


def _asked_pause_s(answer: requests.Response) -> float:
    told_s = answer.headers.get("Retry-After", "")
    return min(float(told_s), MAX_RETRY_AFTER_S) if told_s.isascii() and told_s.isdigit() else 0.0


def _short(answer: requests.Response) -> str:
    return f"{answer.status_code}: {one_line(answer.text[:200])}"


def _away(error: Exception) -> Unreachable:
    """The sentence for what the network or TLS did."""
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return Unreachable(_tls(text), _cause(text))
    words = phrase("Không kết nối được tới trục. Xin kiểm tra mạng.")
    if isinstance(error, requests.exceptions.ProxyError):
        words = phrase("Không đi qua được máy chủ proxy. Xin kiểm tra thiết lập proxy của máy này.")
    elif "NameResolution" in text or "Name or service not known" in text or "getaddrinfo" in text:
        words = phrase("Không tìm thấy máy chủ của trục theo tên. Xin kiểm tra địa chỉ và mạng (DNS).")
    elif isinstance(error, requests.exceptions.Timeout):
        words = phrase("Trục không trả lời kịp. Mạng chậm hoặc bị chặn.")
    return Unreachable(words, _cause(text))


def _tls(text: str) -> Phrase:
    """Why the certificate was not believed. Nothing is ever sent past it."""
    if "has expired" in text or "not yet valid" in text:
        return phrase("Chứng thư TLS của trục hết hạn hoặc chưa có hiệu lực. Xin xem lại giờ máy này, rồi báo trục.")
    if "ostname mismatch" in text or "doesn't match" in text or "address mismatch" in text:
        return phrase("Chứng thư TLS không phải của máy chủ này. Xin kiểm tra địa chỉ; có thể có kẻ đứng giữa.")
    if "self-signed" in text or "self signed" in text or "local issuer" in text:
        return phrase("Không biết nơi cấp chứng thư TLS của trục. Nếu trục có CA riêng, dùng --ca-file.")
    return phrase("Không lập được kết nối TLS an toàn tới trục.")


def _cause(text: str) -> str:
    return text.rpartition("(Caused by ")[2][:200]
