"""Envelopes built by the axis' official builder, when they lie beside the repository: input only, none of ours."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.parsers import expat

import pytest
from click.testing import CliRunner

from docex.edxml import Envelope, StatusMessage, read, write
from docex.edxml.model import Trace
from docex.edxml.relay import with_trace
from web.cli import main

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "samples" / "edxml" / "built-by-official-sdk"
FILES = sorted(FOLDER.glob("*.edxml"))

pytestmark = pytest.mark.skipif(
    not FILES, reason="the samples of the official builder are not beside the repository (../shared/samples/edxml)"
)


def test_all_twenty_two_are_there() -> None:
    assert len(FILES) == 22


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_reads_without_a_note(path: Path) -> None:
    message = read(path.read_bytes())
    assert [note.code for note in message.notes] == (["papers"] if path.stem == "new-07-no-attachment" else [])
    assert isinstance(message, StatusMessage if path.stem.startswith("status") else Envelope)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_writing_of_it_reads_equal_field_by_field(path: Path) -> None:
    message = read(path.read_bytes())
    assert read(write(message)) == message


@pytest.mark.parametrize("path", [p for p in FILES if "zipped" not in p.stem], ids=lambda path: path.stem)
def test_our_writing_of_it_is_byte_for_byte_the_official_one(path: Path) -> None:
    """All but the file with packed papers, whose entries carry a random name and a time."""
    data = path.read_bytes()
    assert write(read(data)) == data


ACCEPTED = {
    "zip date_time": "the same paper always gives the same bytes, so a repeated submission has the same hash",
    "zip flag_bits": "sizes stand in the entry's head instead of behind its data, and the name is plain ASCII",
    "zip create_system": "Python's packer says Unix; only the permissions that nobody reads depend on it",
    "zip external_attr": "permissions, as above",
    "zip filename": "the builder invents a name for every writing; ours follows from the paper's id, ending alike",
    "packed or raw": "the builder goes by the ending of a file on its disk, we by the name in the envelope: a .pdf "
    "that lay there without ending was packed, ours is raw and declared so; both are what readers expect of a .pdf",
}
"""Where our output may differ from the official builder's, each with its reason. Everything else must be equal."""

ZIP_FIELDS = (
    "filename", "date_time", "compress_type", "comment", "extra", "create_system", "create_version", "extract_version",
    "flag_bits", "volume", "internal_attr", "external_attr", "CRC", "file_size",
)  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_writing_has_the_official_structure_field_by_field(path: Path) -> None:
    """Every element in its order, its prefix, its attributes, its text to the letter; packed papers by their layout."""
    official = path.read_bytes()
    ours = write(read(official))
    assert ours.count(b"\r\n") == official.count(b"\r\n") == ours.count(b"\n")
    theirs, differences = list(_events(official)), []
    mine = list(_events(ours))
    assert len(mine) == len(theirs)
    for one, other in zip(theirs, mine, strict=True):
        if one == other:
            continue
        if (one, other) == (("text", "ContentType", "application/zip"), ("text", "ContentType", "application/pdf")):
            differences.append("packed or raw")
            continue
        assert one[:2] == other[:2] == ("text", "edXML:ContentTransferEncoded")
        differences += _paper_differences(base64.b64decode(one[2]), base64.b64decode(other[2]))
    assert set(differences) <= ACCEPTED.keys(), set(differences) - ACCEPTED.keys()


def test_packed_papers_have_the_official_layout_and_content() -> None:
    (path,) = [p for p in FILES if "zipped" in p.stem]
    message = read(path.read_bytes())
    assert isinstance(message, Envelope)
    again = read(write(message))
    assert isinstance(again, Envelope)
    assert [a.data for a in again.attachments] == [a.data for a in message.attachments]


def _events(data: bytes) -> Iterator[tuple[str, ...]]:
    """The view of a parser without knowledge of namespaces: names with their prefixes, attributes, texts."""
    seen: list[tuple[str, ...]] = []
    open_: list[str] = []
    parser = expat.ParserCreate()
    parser.buffer_text = parser.ordered_attributes = True
    parser.XmlDeclHandler = lambda *said: seen.append(("declaration", *map(str, said)))

    def start(name: str, attributes: list[str]) -> None:
        open_.append(name)
        seen.append(("start", name, *attributes))

    def end(name: str) -> None:
        open_.pop()
        seen.append(("end", name))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: seen.append(("text", open_[-1], text))
    parser.Parse(data, True)
    yield from seen


def _paper_differences(official: bytes, ours: bytes) -> list[str]:
    if ours.startswith(b"%PDF-"):
        with zipfile.ZipFile(io.BytesIO(official)) as archive:
            assert [archive.read(entry) for entry in archive.infolist()] == [ours]
        return ["packed or raw"]
    with zipfile.ZipFile(io.BytesIO(official)) as one, zipfile.ZipFile(io.BytesIO(ours)) as other:
        assert len(one.infolist()) == len(other.infolist()) == 1
        theirs, mine = one.infolist()[0], other.infolist()[0]
        assert one.read(theirs) == other.read(mine)
        assert one.comment == other.comment
        assert len(theirs.filename) == len(mine.filename)
        assert mine.filename.isascii()
        return [f"zip {name}" for name in ZIP_FIELDS if getattr(theirs, name) != getattr(mine, name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_relay_changes_nothing_but_the_trace(path: Path) -> None:
    before = read(path.read_bytes())
    line = Trace("H99.TRUC", datetime(2026, 4, 1, tzinfo=UTC))
    after = read(with_trace(path.read_bytes(), line))
    if isinstance(before, Envelope):
        assert after == replace(before, traces=(*before.traces, line))
    else:
        assert after == before


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_commands_read_it(path: Path) -> None:
    assert CliRunner().invoke(main, ["edxml", "check", str(path)]).exit_code == 0
    shown = CliRunner().invoke(main, ["edxml", "show", str(path)])
    assert json.loads(shown.output)["message"] == ("status" if path.stem.startswith("status") else "document")


def test_packed_papers_come_out_with_their_own_type() -> None:
    (path,) = [p for p in FILES if "zipped" in p.stem]
    message = read(path.read_bytes())
    assert isinstance(message, Envelope)
    assert [a.unwrapped for a in message.attachments] == [True, True, True]
    assert [a.media_type.rpartition(".")[2] for a in message.attachments] == ["sheet", "text/plain", "application/pdf"]
