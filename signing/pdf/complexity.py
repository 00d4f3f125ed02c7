"""Files that cost more to verify than any paper is worth: known by counting, before the work begins.

A few kilobytes can name a thousand million objects, the same signature five hundred times, or certificates that lead
up to nobody in 2^30 ways. What the counting overlooks ends at the limit of time (`Limits.verification_seconds`).
"""

# mypy: allow-untyped-calls
# (pyHanko and asn1crypto are typed in parts)

import re
from collections import Counter
from collections.abc import Iterable

from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

MAX_ENTRIES = 400_000
"""Of all cross-reference sections together; 300 tagged pages have a tenth of that."""
MAX_REVISIONS = 500
MAX_FIELDS = 20_000
MAX_SIGNATURES = 60
"""Signatures and time-stamps; a paper renewed each five years for a century has 30 or so."""
MAX_CERTIFICATES = 100
"""In one signature or time-stamp."""
MAX_LINES = 200
"""Ways up through the certificates of a signature; papers have one or two."""

_XREF_STREAM = re.compile(rb"/Type\s*/XRef\b")
_SIZE = re.compile(rb"/Size\s+(\d{1,20})")
_INDEX = re.compile(rb"/Index\s*\[([\d\s]{0,100000})\]")
_SECTION = re.compile(rb"[\r\n][ \t]*(\d{1,10})[ \t]+(\d{1,20})[ \t]*[\r\n]+\s*\d{10} \d{5} [nf]")
"""The head of a part of a table, and the first line of that part."""
_BEFORE, _BEHIND = 4096, 4096
_NUMBER_DIGITS = 20


class TooComplicated(Exception):
    """Nobody verifies this file; `what` is the name of what there is too much of, for the log."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


def check_tables(data: bytes) -> None:
    """Raises TooComplicated when the cross-reference sections say to name more objects than any paper has."""
    count = _entries_of_tables(data)
    for found in _XREF_STREAM.finditer(data):
        count += _entries_of(data[max(0, found.start() - _BEFORE) : found.end() + _BEHIND], found.start())
        if count > MAX_ENTRIES:
            break
    if count > MAX_ENTRIES:
        raise TooComplicated("entries")


def _entries_of_tables(data: bytes) -> int:
    """How many entries the tables say to have. They stand between two words, which are found ten times as fast as a
    pattern of digits."""
    count, at = 0, data.find(b"xref")
    while at >= 0:
        end = data.find(b"trailer", at)
        end = len(data) if end < 0 else end
        count += sum(int(found[2]) for found in _SECTION.finditer(data, at, end))
        at = data.find(b"xref", end)
    return count


def _entries_of(around: bytes, place: int) -> int:
    """How many entries the cross-reference stream in the middle of these bytes says to have."""
    middle = min(place, _BEFORE)
    begin = around.rfind(b"obj", 0, middle) + 1
    end = around.find(b"stream", middle)
    told = around[begin : end if end >= 0 else len(around)]
    if (index := _INDEX.search(told)) is not None:
        return sum(int(number[:_NUMBER_DIGITS]) for number in index[1].split()[1::2])
    size = _SIZE.search(told)
    return int(size[1]) if size is not None else 0


def check_structure(reader: PdfFileReader) -> None:
    """Raises TooComplicated when there are too many revisions, or more ways through the form than fields."""
    if reader.xrefs.total_revisions > MAX_REVISIONS:
        raise TooComplicated("revisions")
    form = _item(reader.root, "/AcroForm")
    waiting, count = [_item(form, "/Fields")], 0
    while waiting:
        kids = waiting.pop()
        if not isinstance(kids, generic.ArrayObject):
            continue
        count += len(kids)
        if count > MAX_FIELDS:
            raise TooComplicated("fields")
        waiting += [_item(kid.get_object(), "/Kids") for kid in kids]


def _item(value: object, key: str) -> generic.PdfObject | None:
    if not isinstance(value, generic.DictionaryObject):
        return None
    try:
        found: generic.PdfObject = value[key]
    except KeyError:
        return None
    return found


def check_count(signatures: int) -> None:
    """Raises TooComplicated when a file holds more signatures than any paper."""
    if signatures > MAX_SIGNATURES:
        raise TooComplicated("signatures")


def check_certificates(certificate: x509.Certificate, embedded: Iterable[x509.Certificate]) -> None:
    """Raises TooComplicated when the certificates of a signature are too many, or lead up in too many ways.

    Each way that leads nowhere is tried by the library, and their number doubles with every name that two bear.
    """
    others = {one.sha256: one for one in embedded if one.issuer.hashable != one.subject.hashable}
    if len(others) > MAX_CERTIFICATES:
        raise TooComplicated("certificates")
    ways, total = Counter({certificate.issuer.hashable: 1}), 0
    for _ in range(len(others)):
        above: Counter[object] = Counter()
        for one in others.values():
            if (count := ways[one.subject.hashable]) > 0:
                above[one.issuer.hashable] += count
        total += sum(above.values())
        if total > MAX_LINES:
            raise TooComplicated("ways")
        ways = above
