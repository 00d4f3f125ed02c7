"""Properties of every message: writing and reading is the identity; the reader never fails but by its own refusal."""

import random
import re
from datetime import datetime
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from docex.edxml import EdxmlError, Envelope, Message, Refusal, StatusMessage, read, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Trace
from docex.edxml.relay import with_trace
from kernel.text import Phrase
from tests.docex.edxml import invented, letters

MODEST = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
MANY = settings(MODEST, max_examples=250)

PAPERS = (letters.attachment(), letters.attachment("số liệu.xlsx", letters.zipped(("a", b"b"), ("c", b"d")), 2))
VALID: tuple[bytes, ...] = (
    write(letters.letter(attachments=PAPERS, signature=letters.signature())),
    write(letters.update()),
    write(letters.replacement()),
    write(letters.status(StatusCode.RECALL_ASKED)),
)
DIRT = (
    "", " ", "-1", "0", "9", "99999999999999999999", "true", "2026/13/45", "9999/12/31 23:59:59", "0001-01-01T00:00:00",
    "2026/02/29", "9999-12-31T23:59:59-12:00", "1900-01-01T00:00:00+14:00", "١٤٤٧/٠١/٠١", "cid:cid:", "/", "../../x",
    "&amp;", "<x/>", "<![CDATA[ ]]>", "\u0301", "UEsDBA==", "UEsFBgAAAAA=", "====", "ÿ", "a" * 3000, "\ud7ff",
)  # fmt: skip


@given(invented.messages)
@MODEST
def test_what_is_written_reads_back_equal(message: Message) -> None:
    data = write(message)
    again = read(data)
    assert again == message
    assert {n.code for n in again.notes} <= {"empty", "papers"}
    assert write(again) == data


@pytest.mark.long_proof
@given(invented.envelopes, st.sampled_from(["", " ", "\ufeff", "1212", "\r\n\r\n"]), st.booleans())
@MODEST
def test_dirt_around_a_message_changes_nothing_in_it(message: Envelope, before: str, unix: bool) -> None:
    data = before.encode() + write(message)
    if unix:
        data = data.replace(b"\r\n", b"\n")
    assert read(data) == message


@given(invented.messages)
@MODEST
def test_a_stock_parser_sees_well_formed_xml_in_one_namespace(message: Message) -> None:
    root = ElementTree.fromstring(write(message))
    assert {element.tag.partition("}")[0] for element in root.iter()} == {"{http://www.mic.gov.vn/TBT/QCVN_102_2016"}


@pytest.mark.long_proof
@given(invented.envelopes, invented.codes, invented.instants)
@MODEST
def test_a_relay_adds_its_line_only(message: Envelope, code: str, at: datetime) -> None:
    data = write(message)
    line = Trace(code, at)
    passed_on = with_trace(data, line)
    again = read(passed_on)
    assert isinstance(again, Envelope)
    assert again.traces == (*message.traces, line)
    place = _common(data, passed_on)
    assert passed_on[:place] + passed_on[place + len(passed_on) - len(data) :] == data


@given(st.sampled_from(VALID), st.randoms(use_true_random=False))
@MANY
def test_a_file_with_any_value_replaced_is_read_or_refused(data: bytes, luck: random.Random) -> None:
    text = data.decode()
    values = list(re.finditer(r">([^<>\s][^<>]*)<", text))
    for _ in range(luck.randint(1, 4)):
        value = luck.choice(values)
        text = text.replace(value[0], f">{luck.choice(DIRT)}<", 1)
    _read_or_refused(text.encode())


@pytest.mark.long_proof
@given(st.sampled_from(VALID), st.randoms(use_true_random=False))
@MANY
def test_a_file_with_any_element_moved_doubled_or_lost_is_read_or_refused(data: bytes, luck: random.Random) -> None:
    root = ElementTree.fromstring(data)
    for _ in range(luck.randint(1, 6)):
        parent = luck.choice([e for e in root.iter() if len(e)] or [root])
        if not len(parent):
            break
        child = luck.choice(list(parent))
        match luck.randint(0, 3):
            case 0:
                parent.remove(child)
            case 1:
                parent.append(child)
            case 2:
                child.clear()
            case _:
                child.tag = luck.choice([e.tag for e in root.iter()])
    _read_or_refused(ElementTree.tostring(root))


@given(
    st.sampled_from(VALID), st.lists(st.tuples(st.integers(0, 20_000), st.binary(max_size=4)), min_size=1, max_size=5)
)
@MANY
def test_a_file_with_any_bytes_changed_is_read_or_refused(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    for at, new in changes:
        at %= len(data)
        data = data[:at] + new + data[at + max(1, len(new)) :]
    _read_or_refused(data)


@pytest.mark.long_proof
@given(st.binary(max_size=400), st.booleans())
@example(b"PK\x05\x06" + bytes(18), True)
@MANY
def test_any_bytes_as_a_packed_paper_are_handed_on_or_refused(noise: bytes, changed: bool) -> None:
    packed = letters.zipped(("a.txt", b"x" * 300))
    if changed:
        at = (noise[0] * 7 if noise else 0) % len(packed)
        noise = packed[:at] + noise[:3] + packed[at + len(noise[:3]) :]
    paper = letters.attachment("a.doc", noise)
    _read_or_refused(write(letters.letter(attachments=(paper,))))


def test_every_refusal_code_is_one_word_and_known() -> None:
    assert all(re.fullmatch(r"[a-z0-9_]+", code.value) for code in Refusal)


def _read_or_refused(data: bytes) -> None:
    try:
        message = read(data)
    except EdxmlError as refused:
        said: list[Phrase] = [refused.message]
    else:
        assert isinstance(message, Envelope | StatusMessage)
        said = [note.text for note in message.notes]
    for sentence in said:
        assert sentence.vi
        assert sentence.en


def _common(one: bytes, other: bytes) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
