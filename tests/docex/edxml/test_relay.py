"""A relay adds its line to the trace and leaves every other byte of the sender as it was."""

import io
import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docex.edxml import EdxmlError, Envelope, Limits, Refusal, read, write
from docex.edxml.codes import NAMESPACE, StatusCode
from docex.edxml.model import Trace
from docex.edxml.relay import has_passed, pass_on, with_trace
from kernel.clock import VN
from tests.docex.edxml import letters

HUB = Trace("H99.TRUC", datetime(2026, 3, 2, 10, 0, 5, tzinfo=VN))
LINE = (
    "\r\n        <edXML:TraceHeader>\r\n          <edXML:OrganId>H99.TRUC</edXML:OrganId>\r\n"
    "          <edXML:Timestamp>2026/03/02 10:00:05</edXML:Timestamp>\r\n        </edXML:TraceHeader>"
)
TEXT = write(letters.letter(attachments=(letters.attachment(),), signature=letters.signature())).decode()
_LIST = re.compile(r"<edXML:TraceHeaderList>.*</edXML:TraceHeaderList>", re.S)

FILES = {
    "as we write": TEXT,
    "unix lines": TEXT.replace("\r\n", "\n"),
    "one line": re.sub(r">\s+<", "><", TEXT),
    "no prefixes": TEXT.replace("edXML:", "").replace(f' xmlns:edXML="{NAMESPACE}"', ""),
    "another prefix": TEXT.replace("edXML:", "q:").replace("xmlns:edXML", "xmlns:q"),
    "business last": re.sub(
        r"(\s*<edXML:Bussiness>.*</edXML:Bussiness>)(.*)(\s*</edXML:TraceHeaderList>)", r"\2\1\3", TEXT, flags=re.S
    ),
    "no trace yet": re.sub(r"\s*<edXML:TraceHeader>.*</edXML:TraceHeader>", "", TEXT, flags=re.S),
    "an empty list": _LIST.sub('<edXML:TraceHeaderList id="a>b" />', TEXT),
    "no list": _LIST.sub("", TEXT),
    "a comment behind the last": TEXT.replace("</edXML:TraceHeader>", "</edXML:TraceHeader><!-- > -->"),
    "an empty trace": TEXT.replace("</edXML:TraceHeaderList>", "<edXML:TraceHeader/></edXML:TraceHeaderList>"),
}


def envelope(data: bytes) -> Envelope:
    message = read(data)
    assert isinstance(message, Envelope)
    return message


def test_the_line_stands_behind_the_last_one_and_nothing_else_changed() -> None:
    passed_on = with_trace(TEXT.encode(), HUB).decode()
    assert passed_on.count(LINE) == 1
    assert passed_on.replace(LINE, "") == TEXT
    assert passed_on.index(LINE) > TEXT.rindex("<edXML:TraceHeader>")


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_every_form_of_file_gets_its_line_and_keeps_the_rest(text: str, charset: str) -> None:
    data = text.encode(charset)
    before, after = envelope(data), envelope(with_trace(data, HUB))
    assert after.traces == (*before.traces, HUB)
    assert {**_rest(after)} == {**_rest(before)}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_from_file_to_file_it_is_the_same(text: str, charset: str, tmp_path: Path) -> None:
    paper = "QUJD" * 40_000  # over the size of a piece
    for junk in ("", "1212", "\ufeff") if charset == "utf-8" else ("",):
        data = (junk + text.replace("JVBERi0xLjQK", paper + "JVBERi0xLjQK")).encode(charset)
        (tmp_path / "came").write_bytes(data)
        with (tmp_path / "came").open("rb") as came, (tmp_path / "passed").open("wb") as passed:
            pass_on(came, HUB, passed)
        assert (tmp_path / "passed").read_bytes() == with_trace(data, HUB)
        assert envelope(with_trace(data, HUB)).traces[-1] == HUB


def test_an_empty_file_is_not_passed_on(tmp_path: Path) -> None:
    (tmp_path / "came").write_bytes(b"")
    with (tmp_path / "came").open("rb") as came, pytest.raises(EdxmlError):
        pass_on(came, HUB, io.BytesIO())


def test_relays_line_up_in_their_order() -> None:
    data = TEXT.encode()
    codes = ["H1", "H2", "H3"]
    for code in codes:
        data = with_trace(data, Trace(code, HUB.at))
    assert [t.organ_code for t in envelope(data).traces][-3:] == codes


def test_a_circle_is_seen() -> None:
    message = envelope(with_trace(TEXT.encode(), HUB))
    assert has_passed(message, "H99.TRUC")
    assert not has_passed(message, letters.OFFICE.code)  # the sender's own line is no relay


def test_a_status_has_no_trace_and_stays_as_it_is() -> None:
    data = write(letters.status(StatusCode.DONE))
    assert with_trace(data, HUB) == data
    assert with_trace(b"1212" + data + b"xyz", HUB) == data.rstrip()


def test_junk_before_the_prolog_is_not_passed_on() -> None:
    assert with_trace(b"1212\xef\xbb\xbf" + TEXT.encode(), HUB) == with_trace(TEXT.encode(), HUB)


@pytest.mark.parametrize("junk", ["xyz", "\r\n<a>", "\ufeff", "<!-- > -->x", "\x00x"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le"])
def test_junk_behind_the_document_is_not_passed_on_either(junk: str, charset: str) -> None:
    head = "\ufeff" if charset == "utf-16-le" else ""
    whole = with_trace((head + TEXT).encode(charset), HUB)
    assert with_trace((head + TEXT + junk).encode(charset), HUB) == whole.removesuffix("\r\n".encode(charset))


def test_blank_lines_behind_the_document_stay() -> None:
    assert with_trace(TEXT.encode() + b"\x00\x00", HUB).endswith(b"</edXML>")
    assert with_trace(TEXT.encode() + b"\n\n", HUB).endswith(b"</edXML>\r\n\n\n")


@pytest.mark.parametrize("declared", ["utf8", "windows-1258", "ISO-8859-1"])
def test_a_wrongly_declared_charset_is_set_right(declared: str) -> None:
    wrong = TEXT.replace('encoding="UTF-8"', f'encoding="{declared}"').encode()
    assert with_trace(wrong, HUB) == with_trace(TEXT.encode(), HUB)


def test_a_rightly_declared_charset_is_kept() -> None:
    text = re.sub(r"[^\x00-\x7f]", "e", TEXT).replace('"UTF-8"', '"windows-1252"').replace("An Binh", "An B\xe8nh")
    data = text.replace("Trien", "Tri\xe8n").replace("Trieen", "Tri\xe8n").replace("Nhe", "Nh\xe8").encode("latin-1")
    assert b"\xe8" in data
    passed_on = with_trace(data, HUB)
    assert b'encoding="windows-1252"' in passed_on
    assert envelope(passed_on).traces[-1] == HUB


def test_papers_are_not_parsed_for_it() -> None:
    with_trace(TEXT.encode()[: TEXT.encode().index(b"<AttachmentEncoded>")], HUB)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", Refusal.DOCTYPE),
        (b"<a>" * 100, Refusal.TOO_DEEP),
        (b"<a/>", Refusal.NOT_EDXML),
        (b"<a", Refusal.BROKEN_XML),
        (b"", Refusal.NOT_XML),
        (b"<a x='" + b"y" * 1_000_000, Refusal.TAG_TOO_LONG),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes, refusal: Refusal) -> None:
    with pytest.raises(EdxmlError) as caught:
        with_trace(data, HUB, Limits())
    assert caught.value.refusal is refusal


@given(st.integers(0, len(TEXT) - 1), st.binary(min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_damaged_file_is_passed_on_readable_or_refused(at: int, damage: bytes) -> None:
    data = TEXT.encode()
    data = data[:at] + damage + data[at + len(damage) :]
    try:
        before = read(data)
        passed_on = with_trace(data, HUB)
    except EdxmlError:
        return
    if isinstance(before, Envelope):
        assert HUB in envelope(passed_on).traces


def _rest(message: Envelope) -> dict[str, object]:
    return {name: getattr(message, name) for name in message.__slots__ if name not in ("traces", "notes")}
