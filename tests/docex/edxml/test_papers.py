"""Attachments: raw or packed, well or badly declared."""

import base64

import pytest

from docex.edxml import EdxmlError, Envelope, Limits, Refusal, read, write
from docex.edxml.model import Attachment
from docex.edxml.papers import plain_name
from tests.docex.edxml import letters

DOCX = letters.zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"))


def received(data: bytes, name: str, declared: str, limits: Limits | None = None, encoded: str = "") -> Attachment:
    """The paper as read from a message in which somebody wrote it like this."""
    text = write(letters.letter(attachments=(letters.attachment(),))).decode()
    head, _, tail = text.partition("<AttachmentEncoded>")
    tail = tail.replace("12_VP.pdf", name).replace("application/pdf", declared)
    tail = tail.replace(base64.b64encode(letters.PDF).decode(), encoded or base64.b64encode(data).decode())
    message = read(f"{head}<AttachmentEncoded>{tail}".encode(), limits or Limits())
    assert isinstance(message, Envelope)
    return message.attachments[0]


@pytest.mark.parametrize(
    ("data", "name", "declared"),
    [
        (letters.PDF, "a.pdf", "application/pdf"),
        (letters.PDF, "a.pdf", "application/zip"),
        (letters.PDF, "a.pdf", ""),
        (letters.zipped(("b8aa.pdf", letters.PDF)), "a.pdf", "application/zip"),
        (letters.zipped(("b8aa.unk", letters.PDF)), "a.pdf", "application/zip"),
        (letters.zipped(("b8aa.pdf", letters.PDF)), "a.pdf", "application/pdf"),
        (letters.zipped(("tệp.edxml", letters.PDF)), "a.doc", "application/zip"),
        (letters.zipped(("x", letters.PDF)), "khong-duoi", ""),
    ],
)
def test_the_paper_comes_out_however_it_was_packed_or_declared(data: bytes, name: str, declared: str) -> None:
    paper = received(data, name, declared)
    assert paper.data == letters.PDF
    assert paper.media_type == "application/pdf"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (letters.zipped(("a.pdf", letters.PDF)), "ho-so.zip"),
        (letters.zipped(("a.pdf", letters.PDF)), "HO-SO.ZIP"),
        (letters.zipped(("a.pdf", letters.PDF), ("b.pdf", letters.PDF)), "a.pdf"),
        (letters.zipped(("thu-muc/a.pdf", letters.PDF)), "a.pdf"),
        (letters.zipped(("../a.pdf", letters.PDF)), "a.pdf"),
        (DOCX, "a.docx"),
        (letters.zipped(("only.xml", b"<x/>")), "a.docx"),
    ],
)
def test_what_is_no_wrapper_stays_as_it_came(data: bytes, name: str) -> None:
    assert received(data, name, "application/zip").data == data


def test_a_word_file_in_a_wrapper_comes_out() -> None:
    paper = received(letters.zipped(("x.docx", DOCX)), "a.docx", "application/zip")
    assert paper.data == DOCX
    assert paper.unwrapped
    assert paper.media_type.endswith("wordprocessingml.document")


@pytest.mark.parametrize("name", ["a.rar", "a.7z", "a.p7m", "a.xlsx", "a.jar", "a.odt", "khong-duoi", "a.lạ"])
@pytest.mark.parametrize("data", [b"Rar!\x1a\x07 not a zip", DOCX, b"\xd0\xcf\x11\xe0 locked by a password", b""])
def test_whatever_the_official_builder_packs_comes_out_whole(name: str, data: bytes) -> None:
    for entry in (f"b8aa.{name.rpartition('.')[2]}", "b8aa.unk"):
        assert received(letters.zipped((entry, data)), name, "application/zip").data == data


@pytest.mark.parametrize("form", ["lines", "url", "unpadded", "data"])
def test_base64_is_read_in_its_usual_forms(form: str) -> None:
    data = b"%PDF-1.4 \xfb\xff\xfe" + bytes(range(200))
    text = base64.b64encode(data).decode()
    forms = {
        "lines": "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)),
        "url": text.replace("+", "-").replace("/", "_"),
        "unpadded": text.rstrip("="),
        "data": "data:application/pdf;base64," + text,
    }
    assert received(data, "a.pdf", "application/pdf", encoded=forms[form]).data == data


@pytest.mark.parametrize("text", ["JVBER!!i0x", "JVBER", "đây không phải", "JVBE=Ri0x"])
def test_broken_base64_is_refused_with_the_name_of_the_paper(text: str) -> None:
    with pytest.raises(EdxmlError) as caught:
        received(b"", "công văn.pdf", "application/pdf", encoded=text)
    assert caught.value.refusal is Refusal.ATTACHMENT_BASE64
    assert "công văn.pdf" in caught.value.message.vi


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\tai lieu\\cv.pdf", "cv.pdf"),
        ("tệp &amp; tên &lt;lạ&gt;.pdf", "tệp & tên <lạ>.pdf"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        (" . ", "tep-dinh-kem-1.pdf"),
        ("công\u00a0văn\u2028số\u30001.pdf", "công văn số 1.pdf"),
    ],
)
def test_names_lose_paths_and_excess_but_keep_their_ending(written: str, kept: str) -> None:
    assert received(letters.PDF, written, "pdf").name == kept


def test_a_type_without_end_is_no_ending_of_a_name() -> None:
    assert received(letters.PDF, "abc", "a" * 1000).name == "abc"
    assert received(letters.PDF, "abc", ".PDF").name == "abc.pdf"


def test_a_name_made_plain_is_plain() -> None:
    # What is dropped stands between a letter and its mark.
    assert plain_name("a\u200b\u0301.pdf") == plain_name(plain_name("a\u200b\u0301.pdf")) == "á.pdf"


def test_a_zip_that_grows_without_end_is_refused() -> None:
    bomb = letters.zipped(("a.txt", bytes(30 * 1024 * 1024)))
    with pytest.raises(EdxmlError) as caught:
        received(bomb, "a.txt", "application/zip")
    assert caught.value.refusal is Refusal.ATTACHMENT_BOMB


def test_a_zip_that_lies_about_its_size_is_refused() -> None:
    data = letters.zipped(("a.txt", b"x" * 5000))
    lying = data.replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(EdxmlError) as caught:
        received(lying, "a.txt", "application/zip")
    assert caught.value.refusal is Refusal.ATTACHMENT_BROKEN


def test_a_cut_zip_is_handed_on_as_it_came() -> None:
    data = letters.zipped(("a.txt", b"x" * 5000))[:-30]
    assert received(data, "a.txt", "application/zip").data == data


def test_whoever_takes_larger_files_takes_larger_papers() -> None:
    assert Limits().attachment_bytes < Limits(file_bytes=10**9).attachment_bytes
    assert Limits(file_bytes=1).unpacked_bytes == Limits().unpacked_bytes
    assert Limits(attachment_bytes=7).attachment_bytes == 7


def test_papers_over_the_cap_are_refused() -> None:
    with pytest.raises(EdxmlError) as caught:
        received(letters.PDF, "a.pdf", "application/pdf", Limits(attachment_bytes=10))
    assert caught.value.refusal is Refusal.ATTACHMENT_TOO_LARGE
    with pytest.raises(EdxmlError) as caught:
        received(letters.PDF, "a.pdf", "application/pdf", Limits(unpacked_bytes=10))
    assert caught.value.refusal is Refusal.ATTACHMENT_TOO_LARGE
