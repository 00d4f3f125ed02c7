"""Long strings are read at once, and read as the library reads them."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from collections import Counter
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import enumerate_sig_fields

from signing.pdf.pades import sign_person
from signing.pdf.strict_reader import BROKEN, FileStream, StandardReader
from tests.signing.conftest import Office
from tests.signing.papers import minimal_pdf

REF = generic.TrailerReference(None)


def read(stream: BytesIO) -> tuple[object, ...]:
    """The object that stands at the beginning, its type, and where reading ended; or the kind of error."""
    try:
        found = generic.read_object(stream, REF)
    except BROKEN as error:
        return (type(error),)
    return type(found), found, getattr(found, "original_bytes", None), stream.tell()


@given(st.text("0123456789abcdefABCDEF <>%\n\0g", max_size=40))
@example("")
@example("0")
@example("FEFF00D0 ")
@example("feff1ed1>>")
@example("EFBBBF41>")
@example("41%>\n42>")
def test_a_hex_string_is_what_the_library_reads(text: str) -> None:
    for data in (f"<{text}> rest".encode(), f"<{text}".encode(), f"[<{text}> <{text}>]".encode()):
        assert read(FileStream(data)) == read(BytesIO(data))


def test_the_token_of_a_signature_is_read_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Counter[str]()

    def counted(stream: FileStream, size: int | None = -1) -> bytes:
        reads["read"] += 1
        return BytesIO.read(stream, size)

    monkeypatch.setattr(FileStream, "read", counted, raising=False)
    signed = sign_person(minimal_pdf("So: 15/UBND-VP"), office.binh)
    reader = StandardReader(FileStream(signed))
    [(_, value, _)] = enumerate_sig_fields(reader, filled_status=True)
    reads.clear()
    token = value.get_object()["/Contents"]
    assert 0 < reads["read"] < len(token) / 4  # byte by byte it would be twice as many as the token has bytes
