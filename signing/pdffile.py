"""The file side of a verification: which signatures a PDF holds, what each covers, and what came after it."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import logging
import re
from dataclasses import dataclass
from io import BytesIO

from asn1crypto import parser
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import CMSExtractionError
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.complexity import check_count, check_structure, check_tables

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

_END = re.compile(rb"\s*((trailer\b|<<).*?)?startxref\s+\d+\s+%%EOF\s*", re.DOTALL)


class NotReadable(Exception):
    """The file is not a PDF, or too broken to be one."""


@dataclass(frozen=True)
class Found:
    """One signature field that claims to hold a signature; `signature` is None when that cannot be read."""

    field: str
    signature: EmbeddedPdfSignature | None
    is_timestamp: bool
    end: int
    revision: int
    without_certificate: bool = False


@dataclass(frozen=True)
class Signatures:
    """What a file holds, oldest signature first. `lenient`: it could be read only by overlooking errors."""

    reader: PdfFileReader
    data: bytes
    found: tuple[Found, ...]
    lenient: bool


@dataclass(frozen=True)
class Integrity:
    """What the bytes say about one signature.

    `covered`: everything up to its end is under it. `later`: the gravest change after it, None when forbidden.
    """

    covered: bool
    later: ModificationLevel | None
    changed_fields: frozenset[str]


def embedded_signatures(data: bytes) -> Signatures:
    """Every signature field of the file, each parsed on its own: one broken signature must not hide the others.

    NotReadable when the file is no PDF; TooComplicated when it costs more to judge than any paper.
    """
    check_tables(data)
    reader, lenient = _reader(data)
    found = []
    try:
        check_structure(reader)
        for name, value, field in enumerate_sig_fields(reader, filled_status=True):
            found.append(_found(reader, str(name), value, field))
            check_count(len(found))
    except BROKEN as error:
        raise NotReadable("the form of the file is broken") from error
    # A signature that cannot be read stands where its field was met; sorting keeps that.
    found.sort(key=lambda one: one.end)
    return Signatures(reader, data, tuple(found), lenient)


def _reader(data: bytes) -> tuple[PdfFileReader, bool]:
    if b"%PDF-" not in data[:1024]:
        raise NotReadable("not a PDF")
    reader = _read(data, strict=True)
    if reader is not None and reader.xrefs.hybrid_xrefs_present:
        # Word writes hybrid files: well-formed, but pyHanko judges their signatures only when it is not strict.
        return _read(data, strict=False) or reader, False
    if reader is not None:
        return reader, False
    reader = _read(data, strict=False)
    if reader is None:
        raise NotReadable("broken PDF")
    return reader, True


def _read(data: bytes, *, strict: bool) -> PdfFileReader | None:
    try:
        reader = PdfFileReader(BytesIO(data), strict=strict)
        reader.root["/Pages"]  # a reader of a broken file may only fail when asked
        return reader
    except BROKEN:
        return None


def _found(reader: PdfFileReader, name: str, value: generic.PdfObject, field: generic.DictionaryObject) -> Found:
    try:
        signature = EmbeddedPdfSignature(reader, field, name)
        signature.signer_cert  # noqa: B018  # parse the certificate now
        stamp = signature.sig_object_type == "/DocTimeStamp"
        end = int(signature.byte_range[2]) + int(signature.byte_range[3])
        return Found(name, signature, stamp, end, signature.signed_revision)
    except BROKEN as error:
        # A token that can be read but does not bring its signer's certificate is told apart from a ruined one.
        bare = isinstance(error, CMSExtractionError)
        return Found(name, None, _claims_timestamp(value), _claimed_end(value), -1, without_certificate=bare)


def _claims_timestamp(value: generic.PdfObject) -> bool:
    try:
        return bool(value.get_object().get("/Type") == "/DocTimeStamp")
    except BROKEN:
        return False


def _claimed_end(value: generic.PdfObject) -> int:
    try:
        byte_range = value.get_object()["/ByteRange"]
        return int(byte_range[2]) + int(byte_range[3])
    except BROKEN:
        return 0


def integrity_of(file: Signatures, found: Found) -> Integrity:
    """Whether the signature covers what it must, and what was added after it."""
    signature = found.signature
    if signature is None or not _gap_is_the_signature(file.data, signature):
        return Integrity(covered=False, later=None, changed_fields=frozenset())
    try:
        signature.compute_integrity_info()
    except BROKEN:
        return Integrity(covered=False, later=None, changed_fields=frozenset())
    covered = signature.coverage in {
        SignatureCoverageLevel.ENTIRE_FILE,
        SignatureCoverageLevel.ENTIRE_REVISION,
    }
    result = signature.diff_result
    if not isinstance(result, DiffResult):
        return Integrity(covered, None, frozenset())
    level = result.modification_level
    permitted = signature.docmdp_level
    if level is ModificationLevel.OTHER or (permitted is not None and level.value > permitted.value):
        return Integrity(covered, None, frozenset(result.changed_form_fields))
    return Integrity(covered, level, frozenset(result.changed_form_fields))


def _gap_is_the_signature(data: bytes, signature: EmbeddedPdfSignature) -> bool:
    """The bytes left out of the digest must be exactly the hex string of this signature, and nothing else."""
    try:
        start, length, second, rest = (int(number) for number in signature.byte_range)
    except (ValueError, TypeError):
        return False
    if start != 0 or length <= 0 or rest < 0 or not length < second <= second + rest <= len(data):
        return False
    gap = data[length:second]
    if gap[:1] != b"<" or gap[-1:] != b">":
        return False
    try:
        content = bytes.fromhex(gap[1:-1].decode("ascii"))
        token = parser.peek(content)
    except ValueError:
        return False
    # What is left after the token is under no signature: only padding may stand there.
    return content == signature.pkcs7_content and not content[token:].strip(b"\0")


def trailing_bytes(file: Signatures) -> int:
    """How many bytes stand after the last revision of the file, under no signature and no structure."""
    xrefs = file.reader.xrefs
    last = xrefs.get_xref_container_info(xrefs.total_revisions - 1)
    newest = max((one for one in file.found if one.signature), key=lambda one: one.end, default=None)
    if newest is not None and newest.revision == xrefs.total_revisions - 1:
        return len(file.data[newest.end :].strip())
    end = _END.match(file.data, last.end_location)
    return len(file.data) - end.end() if end else len(file.data) - last.end_location
