# ruff: noqa: F811 - a fixture that takes another is named as its import
"""What may come back from a device, and what is refused: file by file, without a server."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from dataclasses import replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import SigMDPSetup

from kernel.errors import Invalid
from signing.pdf.deferred_signing import begin, finish, prepare
from signing.pdf.pades import (
    FIELD_COPY,
    FIELD_PERSON,
    FIELD_SEAL,
    add_empty_field,
    add_timestamp,
    sign_field,
    sign_person,
    sign_seal,
    writer_for,
)
from signing.pdf.stamps import Box
from signing.pdf.timestamps import LocalTimeStamps
from signing.remote_signing.return_check import Wanted, check_returned
from signing.sandbox import runner
from signing.verdicts.policy import DocumentKind
from signing.verdicts.verdict import HolderKind, Value
from tests.signing.conftest import CITY, DEPARTMENT, Office, letter, office  # noqa: F401 - fixtures
from tests.signing.remote_signing.agent import Agent, Change, seal_agent

BINH = Wanted(HolderKind.PERSON, "Nguyễn Thanh Bình", CITY, FIELD_PERSON, (FIELD_SEAL,))
SEAL = Wanted(HolderKind.SEAL, "", CITY, FIELD_SEAL)


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
    assert office.verify(signed, DocumentKind.PERSON_ONLY).value is Value.VALID
    sealed = clerk.signed(signed)
    found = runner.run_sandboxed(check_returned, signed, sealed, SEAL)
    assert (found.field, found.name) == (FIELD_SEAL, CITY)
    assert office.verify(sealed).value is Value.VALID


def test_a_program_may_make_a_field_of_its_own(office: Office, sent: bytes, agent: Agent) -> None:
    begun = begin(sent, "Signature1", name="x")
    signed = finish(begun, agent.cms(begun.to_be_signed))
    assert check_returned(sent, signed, BINH).field == "Signature1"
    assert office.verify(sign_seal(signed, office.seal)).value is Value.VALID


def locking(level: MDPPerm | None = None, fields: FieldMDPSpec | None = None, *, certify: bool = False) -> SigMDPSetup:
    return SigMDPSetup("sha256", certify=certify, docmdp_perms=level, field_lock=fields)


ALL = FieldMDPSpec(FieldMDPAction.ALL)
LOCKING = {
    "certified, nothing may follow": (FIELD_PERSON, locking(MDPPerm.NO_CHANGES, certify=True), None),
    "approved, nothing may follow": (FIELD_PERSON, locking(MDPPerm.NO_CHANGES, ALL), None),
    "all fields": (FIELD_PERSON, locking(None, ALL), None),
    "the seal's field": (FIELD_PERSON, locking(None, FieldMDPSpec(FieldMDPAction.INCLUDE, [FIELD_SEAL])), None),
    "all but its own": (FIELD_PERSON, locking(None, FieldMDPSpec(FieldMDPAction.EXCLUDE, [FIELD_PERSON])), None),
    "a lock in a field of its own": ("Signature1", locking(MDPPerm.NO_CHANGES), ALL),
}
OPEN = {
    "certified, signatures may follow": locking(MDPPerm.FILL_FORMS, certify=True),
    "its own field": locking(None, FieldMDPSpec(FieldMDPAction.INCLUDE, [FIELD_PERSON])),
    "all but the seal's": locking(MDPPerm.ANNOTATE, FieldMDPSpec(FieldMDPAction.EXCLUDE, [FIELD_SEAL])),
}


@pytest.mark.parametrize(("place", "locks", "lock"), LOCKING.values(), ids=LOCKING.keys())
def test_a_signature_after_which_nobody_can_seal_is_refused(
    office: Office, sent: bytes, agent: Agent, place: str, locks: SigMDPSetup, lock: FieldMDPSpec | None
) -> None:
    brought = replace(agent, place=place, locks=locks, lock=lock).signed(sent)
    with pytest.raises(Invalid, match="khóa văn bản") as told:
        check_returned(sent, brought, BINH)
    assert "locks the document" in told.value.message.en
    assert _sealed_is_worth(office, brought) is not Value.VALID  # why


@pytest.mark.parametrize("locks", OPEN.values(), ids=OPEN.keys())
def test_a_signature_that_leaves_room_for_the_seal_is_taken(
    office: Office, sent: bytes, agent: Agent, locks: SigMDPSetup
) -> None:
    brought = replace(agent, locks=locks).signed(sent)
    assert check_returned(sent, brought, BINH).field == FIELD_PERSON
    assert _sealed_is_worth(office, brought) is Value.VALID


@pytest.mark.parametrize("locks", [locking(MDPPerm.NO_CHANGES, ALL), locking(None, ALL)], ids=["level", "fields"])
def test_the_last_signature_may_lock_and_the_paper_is_kept_all_the_same(
    office: Office, sent: bytes, agent: Agent, clerk: Agent, locks: SigMDPSetup
) -> None:
    signed = agent.signed(sent)
    sealed = replace(clerk, locks=locks).signed(signed)
    assert check_returned(signed, sealed, SEAL).field == FIELD_SEAL
    assert office.verify(sealed).value is Value.VALID
    stamped = add_timestamp(sealed, LocalTimeStamps(office.authority.time_stamp_key()))
    assert office.verify(stamped).value is Value.VALID


def test_a_copy_may_be_certified_by_the_agency_that_alone_signs_it(office: Office, letter: bytes, clerk: Agent) -> None:
    out = prepare(letter, {FIELD_COPY: None})
    brought = replace(clerk, place=FIELD_COPY, locks=locking(MDPPerm.NO_CHANGES, certify=True)).signed(out)
    assert check_returned(out, brought, replace(SEAL, field=FIELD_COPY)).field == FIELD_COPY
    assert office.verify(brought, DocumentKind.COPY).value is Value.VALID


def _sealed_is_worth(office: Office, signed: bytes) -> Value | None:
    try:
        return office.verify(sign_seal(signed, office.seal)).value
    except Invalid:
        return None


def with_field(name: str, box: Box | None) -> Change:
    """One more empty field, in an update before the signature's."""

    def change(pdf: bytes) -> bytes:
        writer = writer_for(pdf)
        add_empty_field(writer, name, box)
        return _written(writer)

    return change


def with_entry(name: str, key: str, value: generic.PdfObject) -> Change:
    """Another value in the dictionary of a field that was prepared."""

    def change(pdf: bytes) -> bytes:
        writer = writer_for(pdf)
        _, _, reference = next(one for one in enumerate_sig_fields(writer) if one[0] == name)
        reference.get_object()[pdf_name(key)] = value
        writer.mark_update(reference.reference)
        return _written(writer)

    return change


def without_field(pdf: bytes) -> bytes:
    """The agency's field is taken out of the form."""
    writer = writer_for(pdf)
    form = writer.root["/AcroForm"]
    form[pdf_name("/Fields")] = generic.ArrayObject(
        one for one in form["/Fields"] if one.get_object()["/T"] != FIELD_SEAL
    )
    writer.update_container(form)
    return _written(writer)


def shown_to_some(pdf: bytes) -> bytes:
    """One more field: pyHanko finds no rectangle in its five numbers, other programs show the first four."""
    sides = generic.ArrayObject([generic.NumberObject(side) for side in (10, 10, 300, 300, 0)])
    return with_entry("Khac", "/Rect", sides)(with_field("Khac", None)(pdf))


BOX = Box(0, 100, 100, 60, 60)
MOVED = generic.ArrayObject([generic.NumberObject(side) for side in (10, 10, 300, 300)])


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (lambda pdf: pdf, FIELD_SEAL, "ô dành cho người ký"),
        (with_field("Khac", BOX), "Khac", "nội dung khác"),
        (shown_to_some, "Khac", "không hiện trên trang"),
        (with_field("Khac", None), FIELD_PERSON, "ô khác"),
        (with_entry(FIELD_SEAL, "/Ff", generic.NumberObject(1)), FIELD_PERSON, "ô khác"),
        (with_entry(FIELD_SEAL, "/Rect", MOVED), FIELD_PERSON, "nội dung khác"),
        (with_entry(FIELD_PERSON, "/Rect", MOVED), FIELD_PERSON, "nội dung khác"),
        (without_field, FIELD_PERSON, "nội dung khác"),
    ],
    ids=[
        "the seal's field",
        "a field that shows",
        "a field that shows in some",
        "a second field",
        "a flag",
        "moved",
        "moved its own",
        "removed",
    ],
)
def test_a_signature_stands_in_its_own_field_and_no_other_field_changes(
    sent: bytes, agent: Agent, change: Change, place: str, words: str
) -> None:
    changed = change(sent)
    begun = begin(changed, place, name="x")
    with pytest.raises(Invalid, match=words) as told:
        check_returned(sent, finish(begun, agent.cms(begun.to_be_signed)), BINH)
    assert told.value.message.en != told.value.message.vi


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
