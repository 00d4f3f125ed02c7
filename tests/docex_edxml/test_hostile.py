"""Files that want to harm: each ends in a refusal with a code, quickly and with little memory."""

import contextlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docex.edxml import EdxmlError, Limits, Refusal, read, write
from docex.edxml.codes import StatusCode
from tests.docex_edxml import letters

BODY = "<edXML><MessageHeader><From><OrganId>{0}</OrganId></From></MessageHeader></edXML>"
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
    "long field": (BODY.format("H" * 3_000_000), Refusal.FIELD_TOO_LONG),
    "crossed tags": ("<a><b></a></b>", Refusal.BROKEN_XML),
    "control characters": (BODY.format("H\x01"), Refusal.BROKEN_XML),
    "attribute twice": ('<a x="1" x="2"/>', Refusal.BROKEN_XML),
    "unknown charset with bad bytes": (
        b'<?xml version="1.0" encoding="klingon"?><a>\xff</a>'.decode("latin-1"),
        Refusal.BROKEN_XML,
    ),
}


@pytest.mark.parametrize(("text", "refusal"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_with_its_code(text: str, refusal: Refusal) -> None:
    data = text.encode("latin-1" if "klingon" in text else "utf-8")
    with pytest.raises(EdxmlError) as caught:
        read(data)
    assert caught.value.refusal is refusal


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
    tracemalloc.start()
    with pytest.raises(EdxmlError):
        read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * 1024 * 1024


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
