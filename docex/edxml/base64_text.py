"""Base64 as foreign systems write it - in lines or not, URL-safe or not, padded or not - decoded piece by piece."""

import base64
import binascii

_BLANKS = b" \t\r\n"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_SCHEME = "data:"
_MAX_SCHEME_LENGTH = 1024


class Decoder:
    """The text comes in pieces of any length; what it stands for goes out. ValueError when it is no Base64."""

    def __init__(self) -> None:
        self._begun = False
        self._start = ""
        self._carry = b""
        self._padded = False

    def feed(self, text: str) -> bytes:
        """The bytes of the next piece."""
        if not self._begun:
            text = self._after_scheme(text)
        packed = text.encode("ascii").translate(_STANDARD, _BLANKS)
        plain = packed.rstrip(b"=")
        if (self._padded and plain) or b"=" in plain:
            raise binascii.Error("something follows the end")
        self._padded = self._padded or len(plain) < len(packed)
        plain = self._carry + plain
        whole = len(plain) - len(plain) % 4
        self._carry = plain[whole:]
        return base64.b64decode(plain[:whole], validate=True)

    def end(self) -> bytes:
        """The last bytes."""
        if not self._begun and self._start.startswith(_SCHEME):
            return b""
        self._begun = True
        rest = self.feed(self._start)
        return rest + base64.b64decode(self._carry + b"=" * (-len(self._carry) % 4), validate=True)

    def _after_scheme(self, text: str) -> str:
        """The rest after `data:application/pdf;base64,`; nothing while that cannot be told yet."""
        text = (self._start + text).lstrip()
        if text.startswith(_SCHEME):
            _, comma, rest = text.partition(",")
            if not comma and len(text) > _MAX_SCHEME_LENGTH:
                raise binascii.Error("a data address without data")
            self._begun, self._start = bool(comma), "" if comma else text
            return rest
        if _SCHEME.startswith(text):
            self._start = text
            return ""
        self._begun, self._start = True, ""
        return text
