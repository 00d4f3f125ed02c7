"""The parts of a message by their places: the same as the standard library finds, at a fraction of the memory."""

import base64
import contextlib
import tracemalloc
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docex.exchange.mail.entities import Entity
from docex.exchange.mail.inbound import parsing
from kernel import clock


def leaves(raw: bytes) -> list[tuple[str, str, bytes]]:
    """Kind, name and content of every leaf, as we find them."""
    waiting, found = [Entity(raw)], []
    while waiting:
        one = waiting.pop(0)
        inner = list(one.parts())
        waiting[:0] = inner
        if not inner:
            found.append((one.kind, str(one.head.get_filename() or ""), one.content()))
    return found


def as_the_library(raw: bytes) -> list[tuple[str, str, bytes]]:
    message = message_from_bytes(raw, policy=policy.default)
    parts = [part for part in message.walk() if part.get_content_maintype() != "multipart"]
    return [
        (part.get_content_type(), str(part.get_filename() or ""), part.get_payload(decode=True) or b"")  # type: ignore[misc]
        for part in parts
    ]


def built(*files: tuple[str, bytes], text: str = "Kính gửi", nested: int = 0) -> bytes:
    """A message as the standard library writes it."""
    message = EmailMessage()
    message["From"] = "a@b.example"
    message.set_content(text)
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    for _ in range(nested):
        outer = EmailMessage()
        outer.make_mixed()
        outer.attach(message)
        message = outer
    return message.as_bytes(policy=policy.SMTP)


@given(
    st.lists(st.tuples(st.text("abcđ ơ.pdf", min_size=1, max_size=12), st.binary(max_size=300)), max_size=4),
    st.text(max_size=200),
    st.integers(0, 3),
)
@settings(max_examples=150, deadline=None)
def test_what_the_library_writes_we_read_as_it_does(files: list[tuple[str, bytes]], text: str, nested: int) -> None:
    try:
        raw = built(*files, text=text, nested=nested)
    except (ValueError, UnicodeError):
        return  # texts that no message can carry
    assert leaves(raw) == as_the_library(raw)


def entity(head: str, body: bytes) -> bytes:
    return head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


MIXED = 'Content-Type: multipart/mixed; boundary="b"'
ODD = {
    "no headers": (b"\r\nx", [b"x"]),
    "headers alone": (b"Subject: x\r\n", [b""]),
    "no closing mark": (entity(MIXED, b"--b\r\n\r\none\r\n--b\r\n\r\ntwo"), [b"one", b"two"]),
    "a text before and after": (entity(MIXED, b"hello\r\n--b\r\n\r\none\r\n--b--\r\nbye"), [b"one"]),
    "blanks behind a mark": (entity(MIXED, b"--b \t\r\n\r\none\r\n--b--"), [b"one"]),
    "a mark inside a line": (entity(MIXED, b"--b\r\n\r\none --b two\r\n--bx\r\n--b--"), [b"one --b two\r\n--bx"]),
    "an empty part": (entity(MIXED, b"--b\r\n--b\r\n\r\n--b--"), [b"", b""]),
    "quoted": (entity("Content-Transfer-Encoding: quoted-printable", b"=C3=A0=\r\n b"), ["à b".encode()]),
    "base64 in lines": (entity("Content-Transfer-Encoding: BASE64 ", b"QUJD\r\nRA==\r\n"), [b"ABCD"]),
    "base64 without padding": (entity("Content-Transfer-Encoding: base64", b"QUJDRA"), [b"ABCD"]),
    "base64 with dirt": (entity("Content-Transfer-Encoding: base64", b"QU!JD\r\n*RA="), [b"ABCD"]),
    "base64 cut short": (entity("Content-Transfer-Encoding: base64", b"QUJDR"), [b"ABC"]),
    "an unknown encoding": (entity("Content-Transfer-Encoding: x-y", b"QUJD"), [b"QUJD"]),
}


@pytest.mark.parametrize(("raw", "contents"), ODD.values(), ids=ODD.keys())
def test_odd_messages_are_read_as_far_as_they_go(raw: bytes, contents: list[bytes]) -> None:
    assert [content for _, _, content in leaves(raw)] == contents


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_noise_is_read_or_called_unreadable(noise: bytes) -> None:
    for raw in (noise, entity(MIXED, b"--b\r\n" + noise), noise.replace(b"\n", b"\r\n--b\r\n")):
        with contextlib.suppress(parsing.Unreadable):
            parsing.read(raw, None, clock.now())


def test_a_large_letter_costs_what_is_in_it_and_no_more() -> None:
    data = bytes(range(256)) * 4096 * 16
    head = entity(MIXED, b"") + b'--b\r\nContent-Disposition: attachment; filename="a.edxml"\r\n'
    raw = head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data).replace(b"\n", b"\r\n")
    tracemalloc.start()
    try:
        mail = parsing.read(raw + b"--b--\r\n", None, clock.now())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert mail.edxml == (data,)
    assert peak < 2 * len(raw) + (8 << 20)
