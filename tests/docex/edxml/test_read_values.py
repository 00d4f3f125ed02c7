"""Values of envelopes in the forms in which software writes them: dates, steering, types, priorities, traces."""

import re
from datetime import UTC, date, datetime

import pytest

from docex.edxml.codes import BusinessKind, Priority, Steering
from tests.docex.edxml.foreign import LETTER, TEXT, changed, envelope, notes


def test_business_without_a_type_counts_as_new_and_is_noted() -> None:
    message = envelope(re.sub(r"\s*<edXML:BussinessDocType>0</edXML:BussinessDocType>", "", TEXT))
    assert message.business.kind is BusinessKind.NEW
    assert notes(message) == ["business"]


@pytest.mark.parametrize("text", ["0001/01/01", "9999/12/31", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00"])
def test_a_librarys_way_of_saying_no_date_is_no_date(text: str) -> None:
    message = envelope(changed("2026/03/15", text).replace("2026/03/02 09:15:00", text))
    assert message.due_on is None
    assert message.traces[0].at is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01T17:00:00.000Z", date(2026, 3, 2)),
        ("2026-03-01T16:59:59Z", date(2026, 3, 1)),
        ("2026-03-01 17:00:00+00", date(2026, 3, 2)),
        ("2026-03-02T00:00:00+07:00", date(2026, 3, 2)),
        ("2026-03-02+07:00", date(2026, 3, 2)),
        ("2026-03-02Z", date(2026, 3, 2)),
        ("3/2/2026 12:00:00 AM", date(2026, 3, 2)),
        ("15/03/2026 9:00 AM", date(2026, 3, 15)),
        ("3/1/2026 5:00:00 pm +00:00", date(2026, 3, 2)),
        ("2/3/2026 12:00:00 SA", date(2026, 3, 2)),
        ("02/03/2026 00:00:00", date(2026, 3, 2)),
    ],
)
def test_a_date_is_the_day_in_vietnam(text: str, day: date) -> None:
    assert envelope(changed("PromulgationDate>2026/03/02<", f"PromulgationDate>{text}<")).promulgated_on == day


@pytest.mark.parametrize(
    "text", ["2026-03-02Z", "3/2/2026 12:00:00 AM", "2/3/2026 12:00:00 SA", "2026-03-01T17:00:00Z", "2026/03/02"]
)
def test_a_time_in_a_foreign_form_is_read(text: str) -> None:
    assert envelope(changed("2026/03/02 09:15:00", text)).traces[0].at == datetime(2026, 3, 1, 17, tzinfo=UTC)
    noon = envelope(changed("2026/03/02 09:15:00", "2/3/2026 12:15:00 CH")).traces[0].at
    assert noon == datetime(2026, 3, 2, 5, 15, tzinfo=UTC)


def test_the_texts_that_nobody_explains_are_kept() -> None:
    extra = "<edXML:ReplyFors>a</edXML:ReplyFors><edXML:ReferenceCodes>b</edXML:ReferenceCodes></edXML:OtherInfo>"
    other = envelope(changed("</edXML:OtherInfo>", extra)).other
    assert (other.reply_fors, other.reference_codes) == ("a", "b")


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ("<Type>2</Type><TypeDetail>25</TypeDetail>", "Giấy mời"),
        ("<Type>2</Type><TypeDetail>21</TypeDetail>", "Bản cam kết"),
        ("<Type>1</Type><TypeDetail>7</TypeDetail>", "Nghị định"),
        ("<Type>18</Type>", ""),
        ("<Type>2</Type><TypeDetail>99</TypeDetail>", ""),
        ("<Type>x</Type><TypeDetail>-1</TypeDetail>", ""),
    ],
)
def test_a_type_without_its_name_is_looked_up_and_noted(numbers: str, name: str) -> None:
    text = re.sub(
        r"<edXML:DocumentType>.*</edXML:DocumentType>", f"<DocumentType>{numbers}</DocumentType>", TEXT, flags=re.S
    )
    message = envelope(text)
    assert message.type.name == name
    assert notes(message) == ["type_name"]


def test_the_code_of_an_answered_document_is_kept_as_it_is_written() -> None:
    message = envelope(changed(">3/SNV-VP<", "> 3 / SNV/VP <"))
    assert message.responses[0].code == "3 / SNV/VP"


@pytest.mark.parametrize(
    ("raw", "first", "meant"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (2, 0, 2),
        (3, 0, 0),
        (None, 0, 0),
        (1, 1, 0),
        (2, 1, 1),
        (3, 1, 2),
        (0, 1, 0),
        (None, 1, 0),
    ],
)
def test_both_conventions_of_steering_are_understood(raw: int | None, first: int, meant: int) -> None:
    assert Steering.read(raw, first=first) is Steering(meant)


def test_decomposed_letters_are_composed() -> None:
    import unicodedata

    assert envelope(unicodedata.normalize("NFD", TEXT)).subject == LETTER.subject


def test_a_missing_document_id_is_composed_from_its_parts() -> None:
    message = envelope(re.sub(r"\s*<edXML:DocumentId>000[^<]*</edXML:DocumentId>", "", TEXT))
    assert message.document_id == LETTER.document_id
    assert notes(message) == ["document_id"]


def test_an_unknown_priority_counts_as_normal_and_is_noted() -> None:
    message = envelope(changed("<edXML:Priority>1<", "<edXML:Priority>9<"))
    assert message.other.priority is Priority.NORMAL
    assert notes(message) == ["priority"]


def test_a_trace_without_a_readable_time_is_kept() -> None:
    message = envelope(changed("2026/03/02 09:15:00", "hôm qua"))
    assert message.traces[0].at is None
    assert notes(message) == ["timestamp"]


def test_a_message_without_business_is_a_new_document() -> None:
    message = envelope(re.sub(r"<edXML:Bussiness>.*</edXML:Bussiness>", "", TEXT, flags=re.S))
    assert message.business.kind is BusinessKind.NEW


def test_papers_named_in_the_manifest_only_are_noted() -> None:
    assert notes(envelope(re.sub(r"<AttachmentEncoded>.*</AttachmentEncoded>", "", TEXT, flags=re.S))) == [
        "manifest",
        "papers",
    ]
