"""Reading from a file: the same message as from bytes, and no memory for the papers, however large they are."""

import base64
import io
import itertools
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docex.edxml import EdxmlError, Envelope, Limits, Refusal, read, read_file, write
from docex.edxml.base64_text import Decoder
from docex.edxml.limits import MIB
from docex.edxml.paper_store import MemoryFile
from kernel.storage.blobs import DiskBlobs, Draft, drafts
from tests.docex.edxml import letters

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "edxml"
FILES = sorted(SAMPLES.rglob("*.edxml"))


def large(path: Path, size: int) -> None:
    """A letter with one PDF of `size` bytes, written piece by piece; it begins like a PDF."""
    head, _, tail = write(letters.letter(attachments=(letters.attachment(),))).partition(base64.b64encode(letters.PDF))
    noise = random.Random(7)
    with path.open("wb") as file:
        file.write(head)
        file.write(base64.b64encode(b"%PDF-1.7" + b"\n"))
        for _ in range(size // 3072):
            file.write(base64.b64encode(noise.randbytes(3072)))
        file.write(tail)


@pytest.mark.timeout(180)
def test_a_paper_of_many_megabytes_costs_no_memory(tmp_path: Path) -> None:
    store, path = DiskBlobs(tmp_path / "blobs"), tmp_path / "large.edxml"
    large(path, 96 * MIB)
    most = 200 * MIB
    tracemalloc.start()
    try:
        with path.open("rb") as file, drafts(store) as shelf:
            message = read_file(file, Limits(most), shelf)
            assert isinstance(message, Envelope)
            (paper,) = message.attachments
            assert (paper.data, paper.media_type) == (b"", "application/pdf")
            assert paper.file is not None
            with paper.file.open() as written:
                assert written.seek(0, io.SEEK_END) == 9 + 96 * MIB // 3072 * 3072
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB
    assert list((tmp_path / "blobs" / "drafts").iterdir()) == []


def test_what_is_not_kept_is_gone_and_what_is_kept_stays(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path)
    data = write(letters.letter(attachments=(letters.attachment(), letters.attachment("b.pdf", b"%PDF-2", 2))))
    with drafts(store) as shelf:
        message = read_file(io.BytesIO(data), Limits(), shelf)
        assert isinstance(message, Envelope)
        second = message.attachments[1].file
        assert isinstance(second, Draft)
        (kept,) = store.keep([second])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [kept.sha256]


@pytest.mark.skipif(not FILES, reason="the samples are not beside the repository")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_sample_reads_the_same_from_a_file(path: Path) -> None:
    def refusal(act: Callable[[], object]) -> Refusal | None:
        try:
            act()
        except EdxmlError as refused:
            return refused.refusal
        return None

    with path.open("rb") as file:
        refused = refusal(lambda: read(path.read_bytes()))
        assert refusal(lambda: read_file(file, Limits(), MemoryFile)) is refused
    if refused is not None:
        return
    whole = read(path.read_bytes())
    with path.open("rb") as file:
        streamed = read_file(file, Limits(), MemoryFile)
    assert [note.code for note in streamed.notes] == [note.code for note in whole.notes]
    if isinstance(whole, Envelope) and isinstance(streamed, Envelope):
        assert [a.file.open().read() for a in streamed.attachments if a.file] == [a.data for a in whole.attachments]


def test_words_outside_the_papers_have_a_cap_of_their_own() -> None:
    text = write(letters.letter()).decode()
    many = "".join(f"<edXML:X{n}>{'chữ ' * 20_000}</edXML:X{n}>" for n in range(150))
    with pytest.raises(EdxmlError) as caught:
        read(text.replace("</edXML:MessageHeader>", f"{many}</edXML:MessageHeader>").encode(), Limits(10**9))
    assert caught.value.refusal is Refusal.TOO_MANY


def test_papers_are_counted_while_they_come() -> None:
    many = "".join("<Attachment><Content>QQ==</Content></Attachment>" for _ in range(501))
    text = write(letters.letter()).decode()
    with pytest.raises(EdxmlError) as caught:
        read(text.replace("</edXML>", f"<AttachmentEncoded>{many}</AttachmentEncoded></edXML>").encode())
    assert caught.value.refusal is Refusal.TOO_MANY


@given(st.binary(max_size=400), st.lists(st.integers(0, 600), max_size=12), st.sampled_from(["", "\r\n", "data:a;b,"]))
@settings(max_examples=300, deadline=None)
def test_base64_means_the_same_however_it_is_cut(data: bytes, cuts: list[int], extra: str) -> None:
    text = base64.b64encode(data).decode()
    text = extra + text if extra.startswith("data:") else extra.join(text[i : i + 76] for i in range(0, len(text), 76))
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    decoder = Decoder()
    found = b"".join(decoder.feed(text[a:b]) for a, b in itertools.pairwise(places)) + decoder.end()
    assert found == data


@pytest.mark.parametrize(
    "text", ["A", "QQ==QQ==", "QQ=Q", "Q!==", "ế", "data:x,A", "data:" + "x" * 2000, "=" * 4 + "QQ"]
)
def test_what_is_no_base64_is_an_error(text: str) -> None:
    decoder = Decoder()
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the library says
        _ = decoder.feed(text) + decoder.end()


@pytest.mark.parametrize(("text", "data"), [("", b""), ("  ", b""), ("da", b"u"), ("data:", b""), ("_-8", b"\xff\xef")])
def test_odd_base64_is_read(text: str, data: bytes) -> None:
    decoder = Decoder()
    assert decoder.feed(text) + decoder.end() == data
