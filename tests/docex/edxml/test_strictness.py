"""Losses of strict readers are noted, and the copy that is made for them they can read."""

import base64
import io
import re
import warnings
import zipfile
from pathlib import Path

import pytest

from docex.edxml import Envelope, read, repaired, write
from docex.edxml.strictness import UNREADABLE, is_unreadable
from tests.docex.edxml import letters
from tests.docex.edxml.strict import LostError, strictly
from tests.docex.edxml.test_official_samples import FILES

DATA = write(letters.letter(attachments=(letters.attachment(),)))
TEXT = DATA.decode()


def read_envelope(data: bytes) -> Envelope:
    message = read(data)
    assert isinstance(message, Envelope)
    return message


def declared(charset: str, text: str = TEXT) -> str:
    return text.replace('encoding="UTF-8"', f'encoding="{charset}"')


def archive(*names: str, text: bytes = b"%PDF-1.4\n") -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name in names:
            made.writestr(zipfile.ZipInfo(name), text)
    return target.getvalue()


def with_paper(data: bytes, name: str, kind: str) -> bytes:
    """The letter with this first paper."""
    text = re.sub(r"(<AttachmentName>)[^<]*", rf"\g<1>{name}", TEXT, count=1)
    text = re.sub(
        r"<ContentType>[^<]*</ContentType>", f"<ContentType>{kind}</ContentType>" if kind else "", text, count=1
    )
    encoded = base64.b64encode(data).decode()
    put = re.compile(r"(<edXML:ContentTransferEncoded[^>]*>)[^<]*")
    return put.sub(lambda found: found[1] + encoded, text, count=1).encode()


def change(old: str, new: str) -> bytes:
    text = re.sub(old, new, TEXT, flags=re.DOTALL)
    assert text != TEXT
    return text.encode()


FORMS: dict[str, tuple[str, bytes]] = {
    "utf16-over-utf8": ("declared_charset", declared("UTF-16").encode()),
    "utf7-over-utf8": ("declared_charset", declared("UTF-7").encode()),
    "unknown-over-utf8": ("declared_charset", declared("X-TCVN").encode()),
    "utf8-without-hyphen": ("declared_charset", declared("utf8").encode()),
    "windows-over-utf8": ("declared_charset", declared("windows-1258").encode()),
    "utf16": ("charset", declared("UTF-16").encode("utf-16")),
    "utf16-declared-utf8": ("charset", TEXT.encode("utf-16")),
    "utf16-unmarked": ("charset", TEXT.encode("utf-16-le")),
    "nul-after-the-root": ("junk_after", DATA.rstrip() + b"\0\0\0"),
    "text-after-the-root": ("junk_after", DATA + b"-- end --"),
    "two-marks": ("marks", b"\xef\xbb\xbf" * 2 + DATA),
    "a-line-before": ("blank_before", b"\r\n" + DATA),
    "junk-before": ("junk_before", b"1212" + DATA),
    "no-namespace": ("namespace", change(r' xmlns(:edXML)?="[^"]*"', "").replace(b"edXML:", b"")),
    "another-namespace": ("namespace", TEXT.replace("QCVN_102_2016", "QCVN_102_2026").encode()),
    "no-outer-element": (
        "root",
        re.sub(rb"</?edXML( [^>]*)?>\s*|<AttachmentEncoded>.*</AttachmentEncoded>", b"", DATA, flags=re.S),
    ),
    "business": ("spelling", TEXT.replace("Bussiness", "Business").encode()),
    "lower-case": ("spelling", TEXT.replace("DocumentId>", "documentid>").encode()),
    "no-document-id": ("document_id", change(r"<edXML:DocumentId>.*?</edXML:DocumentId>", "")),
    "day-first": ("date_form", change(r"(<edXML:PromulgationDate>)(\d+)/(\d+)/(\d+)", r"\1\4/\3/\2")),
    "iso-date": ("date_form", change(r"(<edXML:PromulgationDate>)(\d+)/(\d+)/(\d+)", r"\1\2-\3-\4")),
    "empty-steering": ("steering_form", change(r"(<edXML:SteeringType>)\d", r"\1")),
    "blank-steering": ("steering_form", change(r"(<edXML:SteeringType>)(\d)", r"\1 \2 ")),
    "paper-without-a-name": ("name", change(r"<AttachmentName>[^<]*</AttachmentName>", "")),
    "no-zip-declared-so": ("paper_type", with_paper(b"%PDF-1.4\n", "a.pdf", "application/zip")),
    "nothing-declared": ("paper_type", with_paper(b"%PDF-1.4\n", "a.pdf", "")),
    "climbing": ("zip", with_paper(archive("../../x"), "a.xlsx", "application/zip")),
    "absolute": ("zip", with_paper(archive("/etc/x"), "a.xlsx", "application/zip")),
    "backslashes": ("zip", with_paper(archive("..\\x"), "a.xlsx", "application/zip")),
    "drive": ("zip", with_paper(archive("C:x"), "a.xlsx", "application/zip")),
    "in-a-folder": ("zip", with_paper(archive("a/b.pdf"), "a.pdf", "application/zip")),
    "twice": ("zip", with_paper(archive("x.pdf", "x.pdf"), "a.pdf", "application/zip")),
    "two": ("zip", with_paper(archive("x.pdf", "y.pdf"), "a.pdf", "")),
    "empty-archive": ("paper_type", with_paper(archive(), "a.pdf", "application/zip")),
    "capital-ending": ("zip", with_paper(archive("../x"), "a.ZIP", "application/zip")),
    "two-bombs": ("zip", with_paper(archive("x", "y", text=b"\0" * 8_000_000), "a.pdf", "application/zip")),
}


@pytest.mark.parametrize(("code", "data"), FORMS.values(), ids=FORMS)
def test_it_is_noted_and_the_copy_is_read_strictly(code: str, data: bytes) -> None:
    message = read_envelope(data)
    assert code in {note.code for note in message.notes}
    assert is_unreadable(message.notes)
    copy = b"".join(repaired(message))
    seen = strictly(copy)
    assert (seen.sender, seen.receivers) == (message.sender.code, [one.code for one in message.receivers])
    assert (seen.document_id, seen.number, seen.subject) == (message.document_id, message.number, message.subject)
    assert seen.issued_on == f"{message.promulgated_on:%Y/%m/%d}"
    assert [paper for _, paper in seen.papers] == [paper.data for paper in message.attachments]
    again = read_envelope(copy)
    assert again.notes == () or {note.code for note in again.notes} == {"papers"}
    assert again.signature is None


HARMLESS_HERE = (
    "another-namespace",
    "business",
    "lower-case",
    "no-document-id",
    "iso-date",
    "day-first",
    "two",
    "twice",
)
"""The strict reader throws at none of these: it reads nothing, or something else."""


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {*HARMLESS_HERE, "two-bombs"}))
def test_as_it_came_the_strict_reader_loses_it_or_reads_something_else(form: str) -> None:
    data = FORMS[form][1]
    try:
        seen = strictly(data)
    except LostError:
        return
    message = read_envelope(data)
    is_mojibake = seen.subject != message.subject
    assert is_mojibake or FORMS[form][0] in ("charset", "declared_charset"), "then it needs no copy"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("number", change(r"<edXML:Code>.*?</edXML:Code>", "")),
        ("issued_on", change(r"<edXML:PromulgationDate>.*?</edXML:PromulgationDate>", "")),
        ("subject", change(r"<edXML:Subject>.*?</edXML:Subject>|<edXML:Content>.*?</edXML:Content>", "")),
        ("papers", change(r"<Attachment>.*</Attachment>", "").replace(b"edXML:Reference>", b"edXML:Other>")),
    ],
)
def test_what_nobody_can_make_up_is_noted_only(code: str, data: bytes) -> None:
    message = read_envelope(data)
    assert code in {note.code for note in message.notes}
    assert not is_unreadable(message.notes)
    strictly(data)


def test_two_names_of_one_entry_are_not_taken_for_one() -> None:
    """The directory at the end says one name, what stands before the content says another."""
    packed = archive("aaaaaa").replace(b"aaaaaa", b"../../", 1)
    with pytest.raises(Exception, match="hỏng"):
        read(with_paper(packed, "a.pdf", "application/zip"))


def test_a_clean_letter_needs_no_copy() -> None:
    assert read_envelope(DATA).notes == ()
    strictly(DATA)


@pytest.mark.skipif(not FILES, reason="the samples of the official builder are not beside the repository")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_official_builder_needs_no_copy(path: Path) -> None:
    assert not is_unreadable(read(path.read_bytes()).notes)


def test_every_code_is_met() -> None:
    assert {code for code, _ in FORMS.values()} | {"nested_receivers"} == UNREADABLE
