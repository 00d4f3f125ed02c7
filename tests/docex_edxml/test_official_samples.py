"""Envelopes built by the axis' official builder, when they lie beside the repository: input only, none of ours."""

from pathlib import Path

import pytest

from docex.edxml import Envelope, StatusMessage, read, write

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "samples" / "edxml" / "built-by-official-sdk"
FILES = sorted(FOLDER.glob("*.edxml"))

pytestmark = pytest.mark.skipif(
    not FILES, reason="the samples of the official builder are not beside the repository (../shared/samples/edxml)"
)


def test_all_twenty_two_are_there() -> None:
    assert len(FILES) == 22


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_reads_without_a_note(path: Path) -> None:
    message = read(path.read_bytes())
    assert message.notes == ()
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


def test_packed_papers_come_out_with_their_own_type() -> None:
    (path,) = [p for p in FILES if "zipped" in p.stem]
    message = read(path.read_bytes())
    assert isinstance(message, Envelope)
    assert [a.unwrapped for a in message.attachments] == [True, True, True]
    assert [a.media_type.rpartition(".")[2] for a in message.attachments] == ["sheet", "text/plain", "application/pdf"]
