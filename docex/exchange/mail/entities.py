"""A MIME entity by its places in the raw message (RFC 2045, 2046): headers are read, bodies stay where they are until
somebody asks for them. The standard library makes some nine times the size of a message out of it.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

MAX_PARTS = 200
_MAX_HEAD_BYTES = 1 << 20
_BLANK_LINE = b"\r\n\r\n"
_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


class Entity:
    """Headers and a body, in a message whose lines end with CRLF. ValueError when the headers are without end."""

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self.data, self.start = data, start
        self.end = len(data) if end is None else end
        blank = data.find(_BLANK_LINE, start, self.end)
        self.body = blank + len(_BLANK_LINE) if blank >= 0 else self.end
        if data.startswith(b"\r\n", start):  # no headers at all
            self.body = min(start + 2, self.end)
        if self.body - start > _MAX_HEAD_BYTES:
            raise ValueError("headers without end")
        self.head: EmailMessage = message_from_bytes(data[start : self.body], policy=policy.default)

    @property
    def kind(self) -> str:
        """Its media type in lower case."""
        return self.head.get_content_type()

    @property
    def raw(self) -> memoryview:
        """The whole entity exactly as it travelled; nothing is copied."""
        return memoryview(self.data)[self.start : self.end]

    def parts(self) -> Iterator["Entity"]:
        """The parts of a multipart; nothing when it is none. A last part may lack its closing mark."""
        boundary = (self.head.get_boundary() or "").encode("ascii", "ignore")
        if not boundary or self.head.get_content_maintype() != "multipart":
            return
        mark = re.compile(rb"\r\n--" + re.escape(boundary) + rb"(--)?[ \t]*(?:(?=\r\n)|\Z)")
        begun: int | None = None
        # The line end before the first mark may be that of the blank line before the body.
        for found in mark.finditer(self.data, self.body - 2, self.end):
            if begun is not None:
                yield Entity(self.data, begun, max(begun, found.start()))
            if found[1]:
                return
            begun = min(found.end() + 2, self.end)
        if begun is not None:
            yield Entity(self.data, begun, self.end)

    def content(self) -> bytes:
        """The body decoded; what is badly encoded comes out as far as it goes."""
        view = memoryview(self.data)[self.body : self.end]
        match str(self.head.get("Content-Transfer-Encoding", "")).strip().lower():
            case "base64":
                return _from_base64(view)
            case "quoted-printable":
                return quopri.decodestring(bytes(view))
        return bytes(view)


def _from_base64(view: memoryview) -> bytes:
    try:
        return binascii.a2b_base64(view)
    except binascii.Error:
        letters = bytes(view).translate(None, _NO_BASE64)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
