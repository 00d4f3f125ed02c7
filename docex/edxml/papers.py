"""Attachments: from what stands in the file to the paper itself, and back to what the official parser takes.

The official builder writes some papers as plain Base64 and packs the others in a ZIP of one entry; declared
types are unreliable, so the bytes decide.
"""

import io
import shutil
import tempfile
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from docex.edxml.base64_text import Decoder
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import MIB, Limits
from docex.edxml.paper_store import PaperFile, Shelf
from docex.edxml.values import plain
from kernel.text import phrase

PACKED_FORMATS = frozenset(
    {"docx", "xlsx", "pptx", "odt", "ods", "odp", "docm", "xlsm", "pptm", "dotx", "xltx", "jar", "epub"}
)
"""Formats that are ZIP files themselves."""
RAW_BY_BUILDER = frozenset({"pdf", "doc", "docx"})

_ZIP_TYPES = frozenset({"", "application/zip", "application/x-zip", "application/x-zip-compressed"})
_PLAIN = frozenset(
    {"pdf", "doc", "xls", "ppt", "txt", "jpg", "jpeg", "png", "gif", "tif", "tiff", "bmp", "rar", "7z", "p7m"}
)
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"<?xml", "application/xml"),
)
_OPENXML = "application/vnd.openxmlformats-officedocument."
_ZIP_BY_EXTENSION = {
    "docx": _OPENXML + "wordprocessingml.document",
    "xlsx": _OPENXML + "spreadsheetml.sheet",
    "pptx": _OPENXML + "presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_BY_EXTENSION = {"xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint"}
_NAME_LENGTH = 200
_END_RECORD = 65_557
"""How far from the end of a ZIP its end record may begin."""
_PIECE = 1 << 20
_IN_MEMORY = 4 * MIB
_PACK_DATE = (1980, 1, 1, 0, 0, 0)


def extension(name: str) -> str:
    """The part after the last dot, in lower case; "" when there is none."""
    stem, dot, tail = name.rpartition(".")
    return tail.lower() if dot and stem and len(tail) <= 8 else ""


def plain_name(name: str) -> str:
    """A file name without path or control characters, at most 200 characters, ending kept."""
    last = plain(name).replace("\\", "/").rpartition("/")[2]
    clean = last.replace("\n", " ").replace("\t", " ").strip(" .")
    if len(clean) <= _NAME_LENGTH:
        return clean
    ending = extension(clean)
    stem = clean[: _NAME_LENGTH - len(ending) - 1].strip(" .")
    return f"{stem}.{ending}" if ending else stem


class Encoded:
    """One paper while its Base64 text comes in: decoded at once, so that the text never stands whole in memory.

    What is wrong with it is kept in `flaw` and told by `checked`, when the name of the paper is known.
    """

    def __init__(self, file: PaperFile, most: int) -> None:
        self.file = file
        self.size = 0
        self.flaw: Refusal | None = None
        self._most = most
        self._decoder = Decoder()

    def feed(self, text: str) -> None:
        """The next piece of the text."""
        if self.flaw is None:
            self._take(lambda: self._decoder.feed(text))

    def end(self) -> None:
        """The text is complete."""
        if self.flaw is None:
            self._take(self._decoder.end)
        self.file.close()

    def checked(self, name: str) -> PaperFile:
        """The paper, when its text was right and no longer than allowed."""
        if self.flaw is Refusal.ATTACHMENT_TOO_LARGE:
            raise too_much(name, too_large=True)
        if self.flaw is not None:
            raise EdxmlError(
                self.flaw, phrase("Tệp đính kèm “{name}” bị hỏng: nội dung Base64 không đúng.", name=name), name
            )
        return self.file

    def _take(self, decoded: Callable[[], bytes]) -> None:
        try:
            piece = decoded()
        except ValueError:  # of bytes that are no ASCII, and of binascii
            self.flaw = Refusal.ATTACHMENT_BASE64
            return
        self.size += len(piece)
        if self.size > self._most:
            self.flaw = Refusal.ATTACHMENT_TOO_LARGE
            return
        self.file.write(piece)


def unwrap(paper: PaperFile, name: str, declared: str, limits: Limits, shelf: Shelf) -> PaperFile:
    """The paper inside the sender's ZIP of one flat entry; anything else comes back as it is.

    The entry's own name is not looked at: builders give it `.unk` or another ending than the paper's.
    """
    ending = extension(name)
    with paper.open() as file:
        if file.read(4) != b"PK\x03\x04" or ending == "zip" or not _one_entry(file):
            return paper
        if ending not in _PLAIN and ending not in PACKED_FORMATS and declared.strip().lower() not in _ZIP_TYPES:
            return paper
        packed = file.seek(0, io.SEEK_END)
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
                if len(entries) != 1 or not _flat(entries[0]):
                    return paper
                if ending in PACKED_FORMATS and extension(entries[0].filename) not in (ending, "unk"):
                    return paper  # one part of a document, not a document in a wrapper
                return _bounded(archive, entries[0], packed, name, limits, shelf())
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise _broken(name) from error


def type_to_declare(name: str) -> str:
    """The type that the official builder declares, by the name's ending."""
    ending = extension(name)
    return f"application/{ending}" if ending in RAW_BY_BUILDER else "application/zip"


@contextmanager
def packed(paper: IO[bytes], name: str, content_id: str) -> Iterator[IO[bytes]]:
    """The paper as the official builder writes it: as it is, or in a ZIP of one entry.

    The same paper always gives the same bytes, so that a repeated submission has the same hash.
    """
    ending = extension(name)
    if ending in RAW_BY_BUILDER or ending == "zip":
        yield paper
        return
    entry = zipfile.ZipInfo(f"{uuid.uuid5(uuid.NAMESPACE_URL, content_id)}.{ending or 'unk'}", _PACK_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as target:
        with zipfile.ZipFile(target, "w") as archive, archive.open(entry, "w", force_zip64=_is_huge(paper)) as inside:
            shutil.copyfileobj(paper, inside, _PIECE)
        target.seek(0)
        yield target


def _is_huge(paper: IO[bytes]) -> bool:
    """Whether a ZIP needs its larger form for it; where nobody can say, it is not."""
    if not paper.seekable():
        return False
    size = paper.seek(0, io.SEEK_END)
    paper.seek(0)
    return size > zipfile.ZIP64_LIMIT // 2


def media_type(head: bytes, name: str) -> str:
    """The media type of the bytes that begin with `head`, whatever was declared; the name only tells apart formats of
    one container. The first kilobyte is enough."""
    data = head
    ending = extension(name)
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    for magic, found in _MAGIC:
        if data.startswith(magic):
            return found
    if data.startswith(b"PK\x03\x04"):
        return _ZIP_BY_EXTENSION.get(ending, "application/zip")
    if data.startswith(_OLE):
        return _OLE_BY_EXTENSION.get(ending, "application/msword")
    return "text/plain" if ending in ("txt", "csv") else "application/octet-stream"


def _one_entry(file: IO[bytes]) -> bool:
    """Ask the end record first: a directory of a million entries must not be built to count it."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_RECORD - 20))
    data = file.read()
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _END_RECORD))
    if end < 0 or len(data) < end + 22 or data[max(0, end - 20) :].startswith(b"PK\x06\x07"):
        return False  # the third is a 64-bit archive, whose second directory would overrule this one
    entries = int.from_bytes(data[end + 10 : end + 12], "little")
    directory_size = int.from_bytes(data[end + 12 : end + 16], "little")
    return entries == 1 and directory_size <= 70_000


def _flat(entry: zipfile.ZipInfo) -> bool:
    encrypted = bool(entry.flag_bits & 0x1)
    plain_method = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    # Readers that go through the file from its start take what stands there for the entry.
    is_first = entry.header_offset == 0
    in_folder = any(sign in entry.filename for sign in "/\\:") or entry.filename in ("", ".", "..")
    return is_first and plain_method and not encrypted and not in_folder


def _bounded(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, packed: int, name: str, limits: Limits, into: PaperFile
) -> PaperFile:
    """Unpack while counting; the sizes that the archive states are not believed."""
    allowed = min(limits.attachment_bytes, max(limits.ratio_floor, packed * limits.ratio))
    size = 0
    try:
        with archive.open(entry) as stream:
            while piece := stream.read(1024 * 1024):
                size += len(piece)
                if size > allowed:
                    raise too_much(name, too_large=size > limits.attachment_bytes)
                into.write(piece)
    except (zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise _broken(name) from error
    finally:
        into.close()
    return into


def too_much(name: str, *, too_large: bool) -> EdxmlError:
    """The refusal of an attachment that is over the cap, or that only unpacking makes large."""
    if too_large:
        return EdxmlError(
            Refusal.ATTACHMENT_TOO_LARGE,
            phrase("Tệp đính kèm “{name}” lớn hơn mức cho phép.", name=name),
            name,
        )
    return EdxmlError(
        Refusal.ATTACHMENT_BOMB,
        phrase("Tệp đính kèm “{name}” nén bất thường; vì an toàn, tệp không được mở.", name=name),
        name,
    )


def _broken(name: str) -> EdxmlError:
    return EdxmlError(
        Refusal.ATTACHMENT_BROKEN,
        phrase("Tệp đính kèm “{name}” bị hỏng, không giải nén được.", name=name),
        name,
    )
