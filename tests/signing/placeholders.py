"""Signatures of other programs in a PDF: a field with room for a token, written by hand as small programs do it."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOM = 12000


@dataclass(frozen=True)
class Placeholder:
    """A file with room for a token in hex digits, from `start` to `end` with its brackets."""

    data: bytes
    start: int
    end: int

    @property
    def signed(self) -> bytes:
        """The bytes that the token is over."""
        return self.data[: self.start] + self.data[self.end :]

    def filled(self, token: bytes) -> bytes:
        """The file with this token in it."""
        digits = token.hex().encode()
        assert len(digits) < self.end - self.start - 2
        return self.data[: self.start + 1] + digits + self.data[self.start + 1 + len(digits) :]


def with_placeholder(pdf: bytes, field: str, subfilter: str = "adbe.pkcs7.detached") -> Placeholder:
    """One more field in a file of `papers.minimal_pdf`, whose catalogue is object 1 and whose page is object 4."""
    size = int(re.findall(rb"/Size (\d+)", pdf)[-1])
    objects = {
        1: _with_reference(_object(pdf, 1), b"/AcroForm << /SigFlags 3 /Fields [", b"] >>", size),
        4: _with_reference(_object(pdf, 4), b"/Annots [", b"]", size),
        size: b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (%s) /F 132 /Rect [0 0 0 0] /P 4 0 R /V %d 0 R >>"
        % (field.encode(), size + 1),
        size + 1: b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /%s /ByteRange [%s] /Contents <%s> >>"
        % (subfilter.encode(), b"0".ljust(34), b"0" * ROOM),
    }
    out = bytearray(pdf)
    table = b"xref\n"
    for number, body in objects.items():
        table += b"%d 1\n%010d 00000 n \n" % (number, len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    previous = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Prev %d >>\n" % (size + 2, previous)
    out += table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(out)
    start = out.rindex(b"<" + b"0" * ROOM)
    end = start + ROOM + 2
    covered = b"0 %d %d %d" % (start, end, len(out) - end)
    place = out.rindex(b"/ByteRange [") + len(b"/ByteRange [")
    out[place : place + 34] = covered.ljust(34)
    return Placeholder(bytes(out), start, end)


def openssl_signed(
    pdf: bytes, field: str, key: Path, folder: Path, *options: str, subfilter: str = "adbe.pkcs7.detached"
) -> bytes:
    """The file with a signature of `openssl cms -sign`; `key` holds a private key and its certificate (PEM)."""
    made = with_placeholder(pdf, field, subfilter)
    words: Sequence[str] = (
        "openssl",
        "cms",
        "-sign",
        "-binary",
        "-outform",
        "DER",
        "-md",
        "sha256",
        "-signer",
        str(key),
        *options,
    )
    done = subprocess.run(words, cwd=folder, input=made.signed, capture_output=True, check=True)
    return made.filled(done.stdout)


def _object(pdf: bytes, number: int) -> bytes:
    return re.findall(rb"(?ms)^%d 0 obj\n(.*?)\nendobj" % number, pdf)[-1]  # type: ignore[no-any-return]


def _with_reference(body: bytes, before: bytes, after: bytes, number: int) -> bytes:
    """The dictionary with one more reference in the array that stands between `before` and `after`."""
    if before not in body:
        return body.removesuffix(b">>") + before + b"%d 0 R" % number + after + b" >>"
    head, rest = body.split(before)
    listed, rest = rest.split(b"]", 1)
    return head + before + listed + b" %d 0 R]" % number + rest
