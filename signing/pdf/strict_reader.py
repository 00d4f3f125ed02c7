"""Reading a PDF strictly, by ISO 32000-1: pyHanko's strict reader, less what it demands beyond the standard.

Strict reading matters because a file that readers understand in different ways shows each of them something else. But
whoever follows the standard is not lenient, and several signing programs (poppler, iText, Word) write what pyHanko's
strict mode refuses.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import logging
import re
from binascii import unhexlify
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError, PdfStrictReadError
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.pdf_utils.xref import XRefBuilder, XRefSection, _check_xref_consistency
from pyhanko.sign.general import CMSExtractionError
from pyhanko.sign.validation.errors import SignatureValidationError

# What the library warns about stands in the verdict; hostile files must not fill the log with traces.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# What a damaged or hostile file makes the libraries raise. Nothing of it may reach a page as an error 500.
BROKEN = (
    PdfError,
    SignatureValidationError,
    CMSExtractionError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    OSError,
)


class NotReadable(Exception):
    """The file is not a PDF, or too broken to be one."""


class FileStream(BytesIO):
    """The bytes of a file for `StandardReader`, with the long hex strings of signatures read at once."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


_HEX = re.compile(rb"<([0-9A-Fa-f]*)>")
_hex_of_library = generic.read_hex_string_from_stream


def _hex_string(stream: BytesIO) -> generic.ByteStringObject | generic.TextStringObject:
    """pyHanko takes a hex string in byte by byte, which was a fifth of the time of a verification: tokens of signatures
    have thousands. Plain digits in a `FileStream` are read at once; all else is read by pyHanko as before."""
    found = _HEX.match(stream.data, stream.tell()) if isinstance(stream, FileStream) else None
    if found is None:  # blanks, comments and what is no hex at all
        return _hex_of_library(stream)
    stream.seek(found.end())
    digits = found[1]
    return generic.pdf_string(unhexlify(digits + b"0" * (len(digits) % 2)))


generic.read_hex_string_from_stream = _hex_string


class StandardReader(PdfFileReader):
    """A strict reader for which a reference to an object that is not there is the null object (ISO 32000-1, 7.3.10)."""

    def get_object(  # type: ignore[override]  # pyHanko adds `revision`, too
        self, ref: generic.Reference, revision: int | None = None, *more: Any, **named: Any
    ) -> Any:
        """As pyHanko's; a strict reader of theirs raises PdfStrictReadError where there is no such object."""
        try:
            return super().get_object(ref, revision, *more, **named)
        except PdfStrictReadError:
            if self._is_there(ref, revision):
                raise
            nothing = generic.NullObject()
            nothing.container_ref = ref
            return nothing

    def get_historical_resolver(self, revision: int) -> HistoricalResolver:
        """The file as it was at that revision (from 0)."""
        if revision not in self._historical_resolver_cache:
            self._historical_resolver_cache[revision] = _Resolver(self, revision)
        return self._historical_resolver_cache[revision]

    def _is_there(self, ref: generic.Reference, revision: int | None) -> bool:
        newest = self.xrefs.total_revisions - 1
        return self.xrefs.get_historical_ref(ref, newest if revision is None else revision) is not None


class _Resolver(HistoricalResolver):
    """A revision, for which a number that it neither gives to an object nor refers to is new, however large its table
    claims to be: poppler claims 256 in Word's files."""

    def is_ref_unassignable(self, ref: generic.Reference) -> bool:
        """Whether no object of this revision can have this number."""
        if super().is_ref_unassignable(ref):
            return True
        sections = range(self.revision + 1)
        if any(one.idnum == ref.idnum for n in sections for one in self.reader.xrefs.explicit_refs_in_revision(n)):
            return False
        self._load_reverse_xref_cache()
        return not any(one.idnum == ref.idnum for one in self._indirect_object_access_cache or ())


def open_pdf(data: bytes) -> tuple[PdfFileReader, bool]:
    """A reader of the file, and whether it can be read only by overlooking errors. NotReadable when not even so."""
    if b"%PDF-" not in data[:1024]:
        raise NotReadable("not a PDF")
    reader = _read(data, strict=True) or _read_by_the_standard(data)
    if reader is not None and reader.xrefs.hybrid_xrefs_present:
        # Word writes hybrid files: well-formed, but pyHanko verifies their signatures only when it is not strict.
        return _read(data, strict=False) or reader, False
    if reader is not None:
        return reader, False
    reader = _read(data, strict=False)
    if reader is None:
        raise NotReadable("broken PDF")
    return reader, True


def _read(data: bytes, *, strict: bool) -> PdfFileReader | None:
    try:
        reader = StandardReader(FileStream(data), strict=strict)
        reader.root["/Pages"]  # a reader of a broken file may only fail when asked
        return reader
    except BROKEN:
        return None


def _read_by_the_standard(data: bytes) -> PdfFileReader | None:
    """A strict reader of a file whose cross-reference sections are each well-formed and contradict each other only by
    pyHanko's reckoning; None when they do by the standard's."""
    try:
        reader = StandardReader(FileStream(data), strict=False)
        sections = _sections_of(reader, data)
        if len(sections) != reader.xrefs.total_revisions:
            return None
        # The check itself is pyHanko's, which has no public one.
        _check_xref_consistency(_renumbered(sections, encrypted=reader.encrypted))
        reader.strict = True
        reader.resolved_objects.clear()
        reader.root["/Pages"]
        return reader
    except BROKEN:
        return None


def _sections_of(reader: PdfFileReader, data: bytes) -> list[XRefSection]:
    """The cross-reference sections, oldest first, each read strictly; fewer when one of them has an error."""
    assert reader.last_startxref is not None
    builder = XRefBuilder(reader, BytesIO(data), strict=True, last_startxref=reader.last_startxref)
    with suppress(PdfStrictReadError):  # what is wrong between the sections is found when all of them have been read
        builder.read_xrefs()
    return list(reversed(builder.sections))


def _renumbered(sections: Iterable[XRefSection], *, encrypted: bool) -> list[XRefSection]:
    """The sections, with what the standard allows and pyHanko does not written in the way that it knows.

    A number that was never in use may begin with any generation: here all begin with 0. The number of an old
    cross-reference stream may be used for another object, which pyHanko forbids for the sake of encrypted files only.
    """
    plain, first = [], dict[int, int]()
    for section in sections:
        own = section.xref_data
        for data in (own.hybrid.xref_data, own) if own.hybrid is not None else (own,):
            for number in data.xrefs_in_objstm:
                first.setdefault(number, 0)
            for number, next_generation in data.freed.items():
                data.freed[number] = max(0, next_generation - first.setdefault(number, 0))
            for number, (generation, place) in data.standard_xrefs.items():
                if generation < first.setdefault(number, generation):
                    raise ValueError(f"generation {generation} of object {number} comes after a higher one")
                data.standard_xrefs[number] = generation - first[number], place
        plain.append(section if encrypted else replace(section, meta_info=replace(section.meta_info, stream_ref=None)))
    return plain
