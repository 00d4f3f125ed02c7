"""Our files are read back field by field, and in the shape that the official parser demands."""

import base64
import random
import re
import tempfile
import tracemalloc
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docex.edxml import EdxmlError, Envelope, Message, Refusal, StatusMessage, read, write, write_file
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, DocumentType, Organ, Signer, Trace
from docex.edxml.paper_store import TemporaryFile
from tests.docex.edxml import letters

MESSAGES: dict[str, Message] = {
    "letter": letters.letter(),
    "signed": letters.letter(signature=letters.signature()),
    "papers": letters.letter(attachments=(letters.attachment(), letters.attachment("bảng số.xlsx", b"PK\x03\x04x", 2))),
    "recall": letters.recall(),
    "update": letters.update(),
    "replacement": letters.replacement(),
    **{f"status-{code.value}": letters.status(code) for code in StatusCode},
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_what_is_written_reads_back_equal_in_every_field(message: Message) -> None:
    again = read(write(message))
    assert again == message
    assert {note.code for note in again.notes} <= {"papers"}
    assert again.notes == () or (isinstance(again, Envelope) and not again.attachments)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_the_same_message_gives_the_same_bytes(message: Message) -> None:
    assert write(message) == write(message)


def test_the_file_has_the_outer_form_of_the_official_builder() -> None:
    data = write(letters.letter(attachments=(letters.attachment(),), signature=letters.signature()))
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\r\n<edXML xmlns="http://www.mic.gov.vn/TBT/')
    assert data.endswith(b"\r\n</edXML>\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    text = data.decode()
    assert "<edXML:ContentTransferEncoded xmlns:edXML=" in text
    for bare in ("Signature", "SignedInfo", "X509Certificate", "AttachmentEncoded", "AttachmentName"):
        assert f"<{bare}>" in text
    for prefixed in ("From", "TraceHeaderList", "Bussiness", "BussinessDocType", "TyperNotation", "OrganAdd"):
        assert f"<edXML:{prefixed}>" in text


def test_elements_stand_in_the_order_of_the_official_builder() -> None:
    text = write(letters.letter()).decode()
    header = re.findall(r"^ {8}<edXML:(\w+)>", text, re.M)
    assert header[: header.index("ToPlaces") + 1] == [
        "From", "To", "To", "DocumentId", "Code", "PromulgationInfo", "DocumentType", "Subject", "Content",
        "SignerInfo", "DueDate", "OtherInfo", "ResponseFor", "SteeringType", "ResponseForTask", "ApplicationType",
        "ToPlaces",
    ]  # fmt: skip
    assert text.index("<edXML:Bussiness>") < text.index("<edXML:TraceHeader>")


def test_readers_who_count_from_one_get_their_numbers() -> None:
    assert "<edXML:SteeringType>3</edXML:SteeringType>" in write(replace(LETTER, steering=3, steering_first=1)).decode()
    with pytest.raises(EdxmlError):
        write(replace(LETTER, steering=0, steering_first=1))


def test_a_letter_without_papers_still_has_the_empty_manifest_and_list() -> None:
    text = write(letters.letter()).decode()
    assert '<edXML:edXMLManifest version="1.0" />' in text
    assert "<AttachmentEncoded />" in text


def test_a_status_has_a_header_and_nothing_else() -> None:
    text = write(letters.status(StatusCode.ARRIVED)).decode()
    assert "<edXML:StatusCode>01</edXML:StatusCode>" in text
    assert "<edXML:Timestamp>2026/03/02 09:15:00</edXML:Timestamp>" in text
    for absent in ("edXMLBody", "TraceHeaderList", "AttachmentEncoded"):
        assert absent not in text


@pytest.mark.parametrize(
    ("name", "declared", "raw"),
    [
        ("a.pdf", "application/pdf", True),
        ("a.PDF", "application/pdf", True),
        ("a.docx", "application/docx", True),
        ("a.zip", "application/zip", True),
        ("a.xlsx", "application/zip", False),
        ("ảnh.png", "application/zip", False),
        ("khong-duoi", "application/zip", False),
    ],
)
def test_papers_are_packed_by_the_ending_of_their_name(name: str, declared: str, raw: bool) -> None:
    text = write(letters.letter(attachments=(letters.attachment(name),))).decode()
    listed = text[text.index("<AttachmentEncoded>") :]
    assert f"<ContentType>{declared}</ContentType>" in listed
    found = re.search(r"ContentTransferEncoded[^>]*>([^<]+)<", listed)
    assert found
    data = base64.b64decode(found[1], validate=True)
    if raw:
        assert data == letters.PDF
    else:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            (entry,) = archive.infolist()
            assert "/" not in entry.filename
            assert archive.read(entry) == letters.PDF
    assert text.count("<edXML:ContentType>application/zip</edXML:ContentType>") == 1


def test_the_ending_of_an_archive_is_written_small_so_that_nobody_unpacks_it() -> None:
    archive = letters.zipped(("a.txt", b"a"))
    again = read(write(letters.letter(attachments=(letters.attachment("HO SO.ZIP", archive),))))
    assert isinstance(again, Envelope)
    assert again.attachments[0].name == "HO SO.zip"
    assert again.attachments[0].data == archive


def test_special_characters_survive_and_illegal_ones_are_dropped() -> None:
    subject = "Số <5> & \"7\" ]]> 'x'\nhai dòng\tcột 😀"
    data = write(letters.letter(subject=subject + "\x0b\x00"))
    assert b"&#x1f600;" in data
    assert b"\r\nhai d" in data
    again = read(data)
    assert isinstance(again, Envelope)
    assert again.subject == subject


def test_decomposed_and_padded_texts_are_written_composed_and_trimmed() -> None:
    again = read(write(letters.letter(subject="  Ho\u0323p giao ban \r\n")))
    assert isinstance(again, Envelope)
    assert again.subject == "Họp giao ban"


@given(st.text(min_size=1, max_size=400))
@settings(max_examples=60, deadline=None)
def test_any_text_is_written_as_well_formed_xml(text: str) -> None:
    again = read(write(letters.letter(subject="x" + text)))
    assert isinstance(again, Envelope)


LETTER = letters.letter()
BROKEN: dict[str, tuple[Message, Refusal, str]] = {
    "no receiver": (replace(LETTER, receivers=()), Refusal.FIELD_MISSING, "To"),
    "no subject": (replace(LETTER, subject=" "), Refusal.FIELD_MISSING, "Subject"),
    "no date": (replace(LETTER, promulgated_on=None), Refusal.FIELD_MISSING, "PromulgationDate"),
    "no signer": (replace(LETTER, signer=Signer("")), Refusal.FIELD_MISSING, "FullName"),
    "no type": (replace(LETTER, type=DocumentType("")), Refusal.FIELD_MISSING, "TypeName"),
    "no trace": (replace(LETTER, traces=()), Refusal.FIELD_MISSING, "TraceHeader"),
    "long subject": (replace(LETTER, subject="x" * 501), Refusal.FIELD_TOO_LONG, "Subject"),
    "long places": (replace(LETTER, places=("x" * 600, "y" * 600)), Refusal.FIELD_TOO_LONG, "ToPlaces"),
    "long code": (replace(LETTER, sender=Organ("1" * 36, "X")), Refusal.FIELD_TOO_LONG, "From/OrganId"),
    "recall of nothing": (
        replace(LETTER, business=Business(BusinessKind.RECALL, "Lý do")),
        Refusal.FIELD_MISSING,
        "Bussiness/DocumentId",
    ),
    "replaces nothing": (
        replace(LETTER, business=Business(BusinessKind.REPLACE, "Lý do")),
        Refusal.FIELD_MISSING,
        "ReplacementInfo",
    ),
    "refusal without reason": (
        StatusMessage(letters.DEPARTMENT, letters.ABOUT, StatusCode.REFUSED, "", letters.AT),
        Refusal.FIELD_MISSING,
        "Description",
    ),
    "steering from one": (replace(LETTER, steering=3), Refusal.FIELD_WRONG, "SteeringType"),
    "a thousand pages": (
        replace(LETTER, other=replace(LETTER.other, pages=1000)),
        Refusal.FIELD_WRONG,
        "PageAmount",
    ),
    "a trace of nobody": (
        replace(LETTER, traces=(Trace("", letters.AT),)),
        Refusal.FIELD_MISSING,
        "TraceHeader/OrganId",
    ),
    "only what XML cannot carry": (replace(LETTER, subject="\x00\x0b"), Refusal.FIELD_MISSING, "Subject"),
    "an update's list in a new document": (
        replace(LETTER, business=replace(letters.update().business, kind=BusinessKind.NEW)),
        Refusal.FIELD_WRONG,
        "BussinessDocumentInfo",
    ),
    "replaces without saying so": (
        replace(LETTER, business=replace(letters.replacement().business, kind=BusinessKind.NEW)),
        Refusal.FIELD_WRONG,
        "ReplacementInfoList",
    ),
    "a path as a name": (
        letters.letter(attachments=(letters.attachment("../a.pdf"),)),
        Refusal.FIELD_WRONG,
        "AttachmentName",
    ),
    "same id twice": (
        letters.letter(attachments=(letters.attachment(), letters.attachment("b.pdf"))),
        Refusal.FIELD_WRONG,
        "ContentId",
    ),
}


@pytest.mark.parametrize(("message", "refusal", "where"), BROKEN.values(), ids=BROKEN.keys())
def test_what_the_standard_forbids_is_refused_by_name(message: Message, refusal: Refusal, where: str) -> None:
    with pytest.raises(EdxmlError) as caught:
        write(message)
    assert (caught.value.refusal, caught.value.where) == (refusal, where)
    assert where in caught.value.message.vi


@pytest.mark.parametrize("name", ["a.pdf", "a.xlsx", "a.zip", "a"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 200_000, 5_000_001])
def test_a_paper_in_a_file_is_written_as_one_in_memory_is(name: str, size: int) -> None:
    data = random.Random(size).randbytes(size)
    lying = TemporaryFile()
    lying.write(data)
    lying.close()
    kept = letters.attachment(name, data)
    expected = write(letters.letter(attachments=(kept,)))
    target = BytesIO()
    write_file(letters.letter(attachments=(replace(kept, data=b"", file=lying),)), target)
    assert target.getvalue() == expected
    message = read(expected)
    assert isinstance(message, Envelope)
    assert message.attachments[0].data == data


@pytest.mark.long_proof
def test_writing_a_large_paper_costs_no_memory() -> None:
    lying = TemporaryFile()
    for _ in range(40):
        lying.write(random.Random(1).randbytes(1 << 20))
    lying.close()
    for name in ("a.pdf", "a.xlsx"):
        message = letters.letter(attachments=(replace(letters.attachment(name), data=b"", file=lying),))
        tracemalloc.start()
        try:
            with tempfile.TemporaryFile() as target:
                write_file(message, target)
                assert target.tell() > 40 << 20
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 16 << 20
