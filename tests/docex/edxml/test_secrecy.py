"""Envelopes that say that they carry a secret, in the ways in which software says it."""

from dataclasses import replace

import pytest

from docex.edxml import Envelope, read, write
from docex.edxml.model import DocumentType
from docex.edxml.secrecy import mark_of
from tests.docex.edxml import letters

PLAIN = letters.letter()


def with_field(name: str, value: str) -> Envelope:
    text = write(PLAIN).decode()
    place = "</edXML:OtherInfo>"
    message = read(text.replace(place, f"<edXML:{name}>{value}</edXML:{name}>{place}").encode())
    assert isinstance(message, Envelope)
    return message


@pytest.mark.parametrize(
    ("name", "value"), [("SecurityLevel", "1"), ("DoMat", "Mật"), ("Secrecy", "TỐI MẬT"), ("SecretLevel", "tuyet mat")]
)
def test_a_field_of_its_own_is_found(name: str, value: str) -> None:
    assert mark_of(with_field(name, value)) == value


@pytest.mark.parametrize(
    ("name", "value"), [("SecurityLevel", "0"), ("DoMat", "Thường"), ("DoMat", ""), ("Other", "1")]
)
def test_a_field_that_says_no_is_no_mark(name: str, value: str) -> None:
    assert mark_of(with_field(name, value)) == ""


@pytest.mark.parametrize("sphere", ["Mật", "TUYỆT MẬT.", "Độ mật: Tối mật"])
def test_the_sphere_may_say_it(sphere: str) -> None:
    assert mark_of(replace(PLAIN, other=replace(PLAIN.other, sphere=sphere))) == sphere


def test_the_head_of_a_title_may_say_it() -> None:
    assert mark_of(replace(PLAIN, subject="[MẬT] Kế hoạch")) == "MẬT"
    assert mark_of(replace(PLAIN, type=DocumentType("(Tối mật) Công văn"))) == "Tối mật"


@pytest.mark.parametrize(
    "subject", ["Bảo vệ bí mật nhà nước", "Mật ong rừng", "[Khẩn] Họp", "Tập huấn về văn bản mật", "(Mặt bằng) dự án"]
)
def test_talking_about_secrets_is_no_secret(subject: str) -> None:
    assert mark_of(replace(PLAIN, subject=subject)) == ""
