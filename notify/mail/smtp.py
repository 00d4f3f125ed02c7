"""Hands a finished letter to an SMTP server. The only file that knows `smtplib`."""

import smtplib
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from kernel import faults
from kernel.outbox import SendError
from kernel.text import phrase

TIMEOUT_S = 20
IDLE_S = 30


@dataclass(frozen=True)
class Server:
    """Where mail goes. `tls` from the first byte, else STARTTLS when the server offers it."""

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = ""

    @classmethod
    def from_url(cls, url: str) -> "Server":
        """Read `smtp://user:password@host:25` or `smtps://…`; ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("smtp://host:port or smtps://host:port")
        tls = parts.scheme == "smtps"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, parts.port or (465 if tls else 25), tls, user, password)


class _Connection(smtplib.SMTP):
    """SMTP with a marked point between the last byte of a letter and the server's answer."""

    _in_data = 0

    def data(self, msg: Any) -> tuple[int, bytes]:
        self._in_data = 2
        return super().data(msg)

    def getreply(self) -> tuple[int, bytes]:
        if self._in_data:
            self._in_data -= 1
            if not self._in_data:
                faults.point("mail.sent")
        return super().getreply()


class _TlsConnection(_Connection, smtplib.SMTP_SSL):
    """The same inside TLS."""


class SmtpSender:
    """Sends letters; keeps one connection a thread for as long as it is used."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._kept = threading.local()

    def send(self, sender: str, to: str, letter: bytes) -> None:
        """Hand over one letter. SendError says that the server refused, or that nobody knows."""
        if not (to.isascii() and sender.isascii()):
            raise SendError(phrase("Địa chỉ có chữ mà máy chủ thư không nhận."), permanent=True)
        try:
            connection = self._connection()
            faults.point("mail.connected")
            connection.sendmail(sender, [to], letter)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise _send_error(error) from error
        self._kept.used_at = time.monotonic()

    def check(self) -> None:
        """Connect, say hello and NOOP; SendError."""
        try:
            connection = open_connection(self.server)
            connection.noop()
            connection.quit()
        except (OSError, smtplib.SMTPException) as error:
            raise _send_error(error) from error

    def close(self) -> None:
        """Drop this thread's connection."""
        connection = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if connection is not None:
            connection.close()

    def _connection(self) -> smtplib.SMTP:
        kept: smtplib.SMTP | None = getattr(self._kept, "connection", None)
        if kept is not None and (time.monotonic() - self._kept.used_at > IDLE_S or not _alive(kept)):
            self.close()
            kept = None
        if kept is None:
            kept = self._kept.connection = open_connection(self.server)
        return kept


def open_connection(server: Server) -> smtplib.SMTP:
    """A connection that has said hello, is encrypted when the server offers it, and signed in when we have a user."""
    context = ssl.create_default_context()
    if server.tls:
        connection: smtplib.SMTP = _TlsConnection(server.host, server.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = _Connection(server.host, server.port, timeout=TIMEOUT_S)
    connection.ehlo_or_helo_if_needed()
    if not server.tls and connection.has_extn("starttls"):
        connection.starttls(context=context)
        connection.ehlo()
    if server.user:
        connection.login(server.user, server.password)
    return connection


def _alive(connection: smtplib.SMTP) -> bool:
    """Whether a kept connection still answers; before the letter starts, a new one is free of doubt."""
    try:
        return connection.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def _send_error(error: Exception) -> SendError:
    """Permanent: the server's last word on this letter or address (5xx). All else may pass: 4xx, a wrong
    password that an operator will mend, a lost connection."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return SendError(_words(code, text), permanent=500 <= code < 600)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return SendError(_words(error.smtp_code, error.smtp_error), permanent=False)
    if isinstance(error, smtplib.SMTPResponseException):
        return SendError(_words(error.smtp_code, error.smtp_error), permanent=500 <= error.smtp_code < 600)
    return SendError(f"{type(error).__name__}: {error}", permanent=False)


def _words(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {said}"[:300]
