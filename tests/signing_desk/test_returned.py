# ruff: noqa: F811 - a fixture that takes another is named as its import
"""What may come back from a device, and what is refused: file by file, without a server."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from kernel.errors import Invalid
from signing import isolation
from signing.deferred import begin, finish, prepare
from signing.pades import FIELD_PERSON, FIELD_SEAL, sign_field, sign_person, sign_seal, writer_for
from signing.policy import DocumentKind
from signing.returned import Wanted, check_returned
from signing.verdicts import HolderKind, Value
from tests.signing.conftest import CITY, DEPARTMENT, Office, letter, office  # noqa: F401 - fixtures
from tests.signing_desk.agent import Agent, seal_agent

BINH = Wanted(HolderKind.PERSON, "Nguyễn Thanh Bình", CITY)
SEAL = Wanted(HolderKind.SEAL, "", CITY)


@pytest.fixture(scope="module")
def sent(letter: bytes) -> bytes:
    return prepare(letter, {FIELD_PERSON: None, FIELD_SEAL: None})


@pytest.fixture(scope="module")
def agent(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Agent:
    file, passphrase = office.authority.person_path("binh"), office.authority.passphrase
    return Agent.holding(file, passphrase, tmp_path_factory.mktemp("agent"), "Nguyễn Thanh Bình")


@pytest.fixture(scope="module")
def clerk(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Agent:
    file, passphrase = office.authority.seal_path("city"), office.authority.passphrase
    return seal_agent(file, passphrase, tmp_path_factory.mktemp("clerk"), CITY)


def test_openssl_as_the_token_makes_signatures_that_we_and_pyhanko_find_valid(
    office: Office, sent: bytes, agent: Agent, clerk: Agent
) -> None:
    signed = agent.signed(sent)
    assert check_returned(sent, signed, BINH).field == FIELD_PERSON
    assert office.judge(signed, DocumentKind.PERSON_ONLY).value is Value.VALID
    sealed = clerk.signed(signed)
    found = isolation.apart(check_returned, signed, sealed, SEAL)
    assert (found.field, found.name) == (FIELD_SEAL, CITY)
    assert office.judge(sealed).value is Value.VALID


def test_a_program_may_make_a_field_of_its_own(office: Office, sent: bytes, agent: Agent) -> None:
    begun = begin(sent, "Signature1", name="x")
    signed = finish(begun, agent.cms(begun.to_be_signed))
    assert check_returned(sent, signed, BINH).field == "Signature1"
    assert office.judge(sign_seal(signed, office.seal)).value is Value.VALID


def test_a_signature_that_is_longer_than_its_room_is_refused(letter: bytes, agent: Agent) -> None:
    begun = begin(letter, FIELD_PERSON, name="x", room=512)
    with pytest.raises(Invalid):
        finish(begun, agent.cms(begun.to_be_signed))


def page_changed(pdf: bytes) -> bytes:
    """The same update that brings the signature also writes another text over the page."""
    writer = writer_for(pdf)
    page = writer.root["/Pages"]["/Kids"][0]
    text = generic.StreamObject(stream_data=b"BT /F1 30 Tf 72 400 Td (1.000.000) Tj ET")
    page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), writer.add_object(text)])
    writer.update_container(page)
    return _written(writer)


def catalog_changed(pdf: bytes) -> bytes:
    """Something runs when the file is opened."""
    writer = writer_for(pdf)
    action = {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.TextStringObject("app.alert(1)")}
    writer.root[pdf_name("/OpenAction")] = generic.DictionaryObject(action)
    writer.update_root()
    return _written(writer)


def _written(writer: object) -> bytes:
    from io import BytesIO

    out = BytesIO()
    writer.write(out)  # type: ignore[attr-defined]
    return out.getvalue()


def _flipped(data: bytes) -> bytes:
    return data[:400] + bytes([data[400] ^ 1]) + data[401:]


def test_what_a_dishonest_program_brings_is_refused(
    office: Office, sent: bytes, agent: Agent, clerk: Agent, tmp_path: Path
) -> None:
    key, thu = office.binh, office.keys["thu"]
    signed = agent.signed(sent)
    other = sign_field(sent, office.keys["finance"], FIELD_SEAL)
    brought = {
        "gửi đi": [(_flipped(signed), BINH), (agent.signed(b"%PDF-1.6\n" + sent[9:]), BINH), (b"", BINH)],
        "chưa có chữ ký": [(sent, BINH), (page_changed(sent), BINH)],
        "hỏng": [(sent + b"\n% hello\n%%EOF\n", BINH), (signed + b"\n%%EOF\n", BINH), (signed[:-9], BINH)],
        "2 chữ ký": [(sign_field(signed, thu, "Khac"), BINH), (clerk.signed(signed), BINH)],
        "bao trùm": [(page_changed(signed), BINH)],
        "nội dung khác": [(agent.signed(page_changed(sent)), BINH), (agent.signed(catalog_changed(sent)), BINH)],
        "của cá nhân": [(sign_field(sent, office.seal, FIELD_PERSON), BINH)],
        "Lê Minh Thu, không phải": [(sign_person(sent, thu), BINH)],
        "không phải con dấu": [(sign_field(sent, key, FIELD_SEAL), SEAL)],
        f"{DEPARTMENT}, không phải": [(other, SEAL)],
    }
    for words, files in brought.items():
        for data, wanted in files:
            with pytest.raises(Invalid, match=words) as told:
                check_returned(sent, data, wanted)
            assert told.value.message.en != told.value.message.vi
    cut = bytearray(signed)
    at = signed.rindex(b"/ByteRange")
    cut[at : at + 10] = b"/ByteRangX"
    with pytest.raises(Invalid):
        check_returned(sent, bytes(cut), BINH)
