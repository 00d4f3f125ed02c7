"""The file side of a verification: which signatures a PDF holds, what each covers, and what came after it."""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from asn1crypto import parser
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    DiffResult,
    FormUpdatingRule,
    GenericFieldModificationRule,
    ModificationLevel,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.constants import VALUE_UPDATE_KEYS
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import CMSExtractionError, extract_certificate_info, find_unique_cms_attribute
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.pdf.complexity import check_count, check_structure, check_tables
from signing.pdf.strict_reader import BROKEN, NotReadable, open_pdf

__all__ = [
    "BROKEN",
    "Found",
    "Integrity",
    "NotReadable",
    "Signatures",
    "embedded_signatures",
    "integrity_of",
    "trailing_bytes",
]

# What stands between the last cross-reference section and the end of the file, besides comments.
_END = re.compile(rb"\s*startxref\s+\d+\s+%%EOF\s*")
_ENDOBJ = re.compile(rb"\s*endobj")
_COMMENT = re.compile(rb"\s*%(?!%EOF)[^\r\n]*")
_LONGEST_COMMENTS = 200  # programs sign with their name there; more may be another file


@dataclass(frozen=True)
class Found:
    """One signature field that claims to hold a signature; `signature` is None when that cannot be read.

    Of one that brings no certificate of its signer the digest can be checked all the same: `content_changed`.
    """

    field: str
    signature: EmbeddedPdfSignature | None
    is_timestamp: bool
    end: int
    revision: int
    without_certificate: bool = False
    content_changed: bool = False


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

    NotReadable when the file is no PDF; TooComplicated when it costs more to verify than any paper.
    """
    check_tables(data)
    reader, lenient = open_pdf(data)
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


def _found(reader: PdfFileReader, name: str, value: generic.PdfObject, field: generic.DictionaryObject) -> Found:
    signature = None
    try:
        signature = EmbeddedPdfSignature(reader, field, name)
        signature.signer_cert  # noqa: B018  # parse the certificate now
        stamp = signature.sig_object_type == "/DocTimeStamp"
        end = int(signature.byte_range[2]) + int(signature.byte_range[3])
        return Found(name, signature, stamp, end, signature.signed_revision)
    except BROKEN:
        bare = signature is not None and _lacks_its_certificate(signature)
        changed = bare and signature is not None and _content_has_changed(signature)
        return Found(name, None, _claims_timestamp(value), _claimed_end(value), -1, bare, changed)


def _lacks_its_certificate(signature: EmbeddedPdfSignature) -> bool:
    """Whether the token is sound but for the certificate of its signer, which is not among those that it brings."""
    try:
        extract_certificate_info(signature.signed_data)
    except CMSExtractionError:
        return True
    except BROKEN:
        return False
    return False


def _content_has_changed(signature: EmbeddedPdfSignature) -> bool:
    """Whether the digest that was signed is another than that of the file. False when none was signed by itself."""
    try:
        signed = find_unique_cms_attribute(signature.signer_info["signed_attrs"], "message_digest")
        return bool(signed.native != signature.compute_digest())
    except BROKEN:
        return False


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


class _DiffPolicy(StandardDiffPolicy):
    """pyHanko's rules of what may follow a signature, less where they take what honest programs write for an attack.

    iText 5 enters each new cross-reference stream as free, under a number that nobody has used before.
    """

    def apply(self, old: HistoricalResolver, new: HistoricalResolver, *more: Any, **named: Any) -> DiffResult:
        """The gravest change between the revisions; raises SuspiciousModification for one that is not allowed."""
        before = new.reader.get_historical_resolver(new.revision - 1)
        freed = {ref for ref in new.refs_freed_in_revision() if not before.is_ref_unassignable(ref)}
        if freed:
            raise SuspiciousModification(f"objects were removed: {freed}")
        if numbers := _taken(old, new):
            raise SuspiciousModification(f"numbers that the signed file refers to were given to others: {numbers}")
        return super().apply(old, new, *more, **named)


def _taken(old: HistoricalResolver, new: HistoricalResolver) -> set[int]:
    """Numbers of objects that were referred to and not there, or there with another generation, and that now are.

    Many readers do not look at generations, and would show the new object.
    """
    given = {ref.idnum: ref for ref in new.explicit_refs_in_revision()}
    history = old.reader.xrefs
    taken = {
        ref.idnum
        for ref in _referred_to(old)
        if ref.idnum in given and (given[ref.idnum] != ref or history.get_historical_ref(ref, old.revision) is None)
    }
    # What is not referred to any more does no harm.
    return taken & {ref.idnum for ref in _referred_to(new)} if taken else taken


def _referred_to(revision: HistoricalResolver) -> Iterable[generic.Reference]:
    revision._load_reverse_xref_cache()
    return revision._indirect_object_access_cache or ()


class _EmptyFormReplaced(WhitelistRule):
    """Clears a number that was an empty drawing's, is another empty drawing's now, and that nothing refers to any more,
    whatever the generation. poppler does so when it fills a prepared field; `updates.review` has the same rule."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """The numbers of the newer revision that are cleared."""
        sections = range(old.revision + 1)
        before = {ref.idnum: ref for n in sections for ref in old.reader.xrefs.explicit_refs_in_revision(n)}
        given = [ref for ref in new.explicit_refs_in_revision() if before.get(ref.idnum, ref) != ref]
        for ref in given:
            empty = _draws_nothing(old(before[ref.idnum])) and _draws_nothing(new(ref))
            if empty and all(one.idnum != ref.idnum for one in _referred_to(new)):
                yield ReferenceUpdate(ref)


def _draws_nothing(value: generic.PdfObject) -> bool:
    return (
        isinstance(value, generic.StreamObject)
        and value.get("/Subtype") == "/Form"
        and value.get("/Type", "/XObject") == "/XObject"
        and not value.encoded_data.strip()
    )


_WHAT_MAY_FOLLOW = _DiffPolicy(
    [*DEFAULT_DIFF_POLICY.global_rules, _EmptyFormReplaced().as_qualified(ModificationLevel.LTA_UPDATES)],
    FormUpdatingRule(
        [
            SigFieldCreationRule(),
            # /M says when the annotation was changed: poppler writes it into a prepared field that it signs.
            SigFieldModificationRule(value_update_keys=VALUE_UPDATE_KEYS | {"/M"}),
            GenericFieldModificationRule(),
        ]
    ),
    reject_object_freeing=False,  # done above
)


def integrity_of(file: Signatures, found: Found) -> Integrity:
    """Whether the signature covers what it must, and what was added after it."""
    signature = found.signature
    if signature is None or not _gap_is_the_signature(file.data, signature):
        return Integrity(covered=False, later=None, changed_fields=frozenset())
    try:
        signature.compute_integrity_info(_WHAT_MAY_FOLLOW)
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
    newest = max((one for one in file.found if one.signature), key=lambda one: one.end, default=None)
    if newest is not None and newest.revision == xrefs.total_revisions - 1:
        return len(file.data[newest.end :].strip())
    place = _end_of_structure(file)
    comments = 0
    while comment := _COMMENT.match(file.data, place):
        comments += len(comment.group().strip())
        place = comment.end()
    end = _END.match(file.data, place)
    if end is None:
        return len(file.data) - place + comments
    return len(file.data) - end.end() + (comments if comments > _LONGEST_COMMENTS else 0)


def _end_of_structure(file: Signatures) -> int:
    """Where the last cross-reference section ends: a table with its trailer dictionary, a stream with its `endobj`."""
    xrefs = file.reader.xrefs
    last = xrefs.get_xref_container_info(xrefs.total_revisions - 1)
    if last.xref_section_type is XRefSectionType.STREAM:
        closed = _ENDOBJ.match(file.data, last.end_location)
        return closed.end() if closed else last.end_location
    stream = BytesIO(file.data)
    stream.seek(last.end_location)
    try:
        generic.DictionaryObject.read_from_stream(stream, generic.TrailerReference(file.reader))
    except BROKEN:
        return last.end_location
    return stream.tell()
