"""Files that want to harm: each ends in a refusal with a code, quickly and with little memory."""

import base64
import contextlib
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docex.edxml import EdxmlError, Envelope, Limits, Refusal, read, write
from docex.edxml.codes import StatusCode
from docex.edxml.limits import MIB
from tests.docex.edxml import letters

BODY = "<edXML><MessageHeader><From><OrganId>{0}</OrganId></From></MessageHeader></edXML>"
SUBJECT = "<edXML><MessageHeader><Subject>{0}</Subject></MessageHeader></edXML>"
NAMES = ("DocumentId", "CodeNumber", "CodeNotation", "OrganId", "Code", "TaskCode")
LAUGHS = "<!DOCTYPE edXML [<!ENTITY a0 'ha'>{}]>".format(
    "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
)
VALID = write(letters.letter(attachments=(letters.attachment(),)))

HOSTILE = {
    "billion laughs": (f'<?xml version="1.0"?>{LAUGHS}{BODY.format("&a11;")}', Refusal.DOCTYPE),
    "file entity": ('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + BODY.format("&f;"), Refusal.DOCTYPE),
    "net entity": ('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + BODY.format("H99"), Refusal.DOCTYPE),
    "parameter entity": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]><x/>', Refusal.DOCTYPE),
    "doctype after junk": ("zz<!DOCTYPE x>" + BODY.format("H99"), Refusal.DOCTYPE),
    "undeclared entity": (BODY.format("&nbsp;"), Refusal.BROKEN_XML),
    "depth": ("<a>" * 5000 + "</a>" * 5000, Refusal.TOO_DEEP),
    "elements": ("<a>" + "<b/>" * 50_000 + "</a>", Refusal.TOO_MANY),
    "long field": (SUBJECT.format("H" * 3_000_000), Refusal.FIELD_TOO_LONG),
    "crossed tags": ("<a><b></a></b>", Refusal.BROKEN_XML),
    "control characters": (BODY.format("H\x01"), Refusal.BROKEN_XML),
    "attribute twice": ('<a x="1" x="2"/>', Refusal.BROKEN_XML),
    "NUL in the middle": (BODY.format("H\x00"), Refusal.BROKEN_XML),
    "a tag that never ends": ("<a x='" + "y" * 5_000_000, Refusal.TAG_TOO_LONG),
    "a huge attribute": (BODY.replace("<From>", f"<From x='{'y' * 5_000_000}'>"), Refusal.TAG_TOO_LONG),
    "a huge name": (f"<{'y' * 5_000_000}/>", Refusal.TAG_TOO_LONG),
    "a huge comment": (f"<a><!--{'y' * 5_000_000}--></a>", Refusal.TAG_TOO_LONG),
    "a huge instruction": (f"<a><?x {'y' * 5_000_000}?></a>", Refusal.TAG_TOO_LONG),
    "many attributes": ("<a " + " ".join(f"a{n}=''" for n in range(10_000)) + "/>", Refusal.TOO_MANY),
    "too many attributes to hold": ("<a " + " ".join(f"a{n}=''" for n in range(500_000)) + "/>", Refusal.TAG_TOO_LONG),
    "many namespaces": ("<a " + " ".join(f"xmlns:a{n}='u'" for n in range(5000)) + "/>", Refusal.TOO_MANY),
    "many references": (SUBJECT.format("&amp;" * 200_000), Refusal.FIELD_TOO_LONG),
    "a letter with a million marks": (SUBJECT.format("a" + "\u0301\u0323" * 500_000), Refusal.FIELD_TOO_LONG),
    "unknown charset with bad bytes": (
        b'<?xml version="1.0" encoding="klingon"?><a>\xff</a>'.decode("latin-1"),
        Refusal.BROKEN_XML,
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_index_holds_is_refused(name: str) -> None:
    """Whatever rows are found by: an index of PostgreSQL takes no more than some 2,700 bytes."""
    with pytest.raises(EdxmlError) as caught:
        read(SUBJECT.replace("Subject", name).format("ế" * 501).encode())
    assert (caught.value.refusal, caught.value.where) == (Refusal.FIELD_TOO_LONG, name)


@pytest.mark.parametrize(("text", "refusal"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_with_its_code(text: str, refusal: Refusal) -> None:
    data = text.encode("latin-1" if "klingon" in text else "utf-8")
    with pytest.raises(EdxmlError) as caught:
        read(data)
    assert caught.value.refusal is refusal
    assert caught.value.message.vi
    assert caught.value.message.en != caught.value.message.vi


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("text", "refusal"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_costs_little_memory(text: str, refusal: Refusal) -> None:
    data = text.encode("latin-1" if "klingon" in text else "utf-8")
    with _memory_below(32 * MIB), pytest.raises(EdxmlError):
        read(data)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("unit", ["ab<!---->", "<![CDATA[QUJD]]>", "QUJD\r\n", "&#65;"])
def test_a_paper_in_millions_of_pieces_costs_a_few_times_its_size(unit: str) -> None:
    paper = base64.b64encode(letters.PDF).decode()
    text = VALID.decode().replace(paper, unit * (8 * MIB // len(unit)))
    with _memory_below(64 * MIB), contextlib.suppress(EdxmlError):
        read(text.encode())


@pytest.mark.timeout(120)
def test_sorting_the_marks_of_one_letter_takes_no_time() -> None:
    subject = "a" + "\u0301\u0323" * 30_000
    message = read(VALID.replace("Triển khai".encode(), subject.encode()))
    assert isinstance(message, Envelope)
    assert len(message.subject) < 100


@pytest.mark.timeout(120)
def test_an_archive_whose_second_directory_is_huge_is_not_opened() -> None:
    many = letters.zipped(*((f"{n}.txt", b"") for n in range(20_000)))
    end = many.rindex(b"PK\x05\x06")
    one = (1).to_bytes(2, "little") * 2
    locator = b"PK\x06\x07" + bytes(16)
    data = many[:end] + locator + many[end : end + 8] + one + (46).to_bytes(4, "little") + many[end + 16 :]
    message = read(write(letters.letter(attachments=(letters.attachment("a.doc", data),))))
    assert isinstance(message, Envelope)
    assert message.attachments[0].data == data


def test_an_unmarked_utf16_file_is_read_and_its_doctype_refused() -> None:
    message = read(VALID.decode().replace("UTF-8", "UTF-16").encode("utf-16-le"))
    assert isinstance(message, Envelope)
    with pytest.raises(EdxmlError) as caught:
        read((LAUGHS + BODY.format("&a3;")).encode("utf-16-be"))
    assert caught.value.refusal is Refusal.DOCTYPE


@pytest.mark.parametrize("declared", ["utf-7", "shift_jis", "rot13", "zlib", "idna", "utf-32", "x" * 5000])
def test_a_charset_that_nobody_should_use_is_refused(declared: str) -> None:
    data = f'<?xml version="1.0" encoding="{declared}"?>'.encode() + b"<a>\xff\xfe</a>"
    with pytest.raises(EdxmlError):
        read(data)


def test_a_doctype_in_utf16_is_refused_too() -> None:
    with pytest.raises(EdxmlError) as caught:
        read(('<?xml version="1.0" encoding="UTF-16"?>' + LAUGHS + BODY.format("&a3;")).encode("utf-16"))
    assert caught.value.refusal is Refusal.DOCTYPE


def test_a_file_over_the_cap_is_refused_before_it_is_read() -> None:
    with pytest.raises(EdxmlError) as caught:
        read(VALID, Limits(file_bytes=100))
    assert caught.value.refusal is Refusal.TOO_LARGE


def test_a_bomb_does_not_fill_the_memory() -> None:
    bomb = letters.zipped(("a.txt", bytes(64 * 1024 * 1024)))
    data = write(letters.letter(attachments=(letters.attachment("a.pdf", bomb),)))
    with _memory_below(32 * MIB), pytest.raises(EdxmlError):
        read(data)


@contextlib.contextmanager
def _memory_below(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


@pytest.mark.parametrize("part", range(1, 20))
def test_a_file_that_was_cut_is_refused(part: int) -> None:
    with pytest.raises(EdxmlError):
        read(VALID[: len(VALID) * part // 20])


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused_and_nothing_else_is_raised(noise: bytes) -> None:
    with pytest.raises(EdxmlError):
        read(noise)


@given(st.integers(0, len(VALID) - 1), st.binary(min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused_but_never_crashes(at: int, damage: bytes) -> None:
    with contextlib.suppress(EdxmlError):
        read(VALID[:at] + damage + VALID[at + len(damage) :])


def test_every_status_survives_a_round_of_damage_to_its_code() -> None:
    text = write(letters.status(StatusCode.DONE)).decode()
    for code in ("", " ", "06 ", "-6", "006", "６"):
        with contextlib.suppress(EdxmlError):
            read(text.replace(">06<", f">{code}<").encode())
