"""What comes back from a signer's own device: exactly what was sent out, and one signature more.

The device belongs to somebody else's computer: whatever it returns is a stranger's file. Run `check_returned` in a
process of its own (`signing.isolation`); whose signature it is and what it is worth is judged by `signing.verify`.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from dataclasses import dataclass

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, SuspiciousModification
from pyhanko.sign.fields import MDPPerm

from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.holders import read_holder, same
from signing.pdffile import BROKEN, Found, NotReadable, Signatures, embedded_signatures, integrity_of
from signing.verdicts import HolderKind

OTHER_FILE = phrase("Tệp gửi về không phải là văn bản đã gửi đi: phần đầu không giống từng byte.")
NOT_SIGNED = phrase("Tệp gửi về chưa có chữ ký nào mới.")
TOO_MANY = phrase("Tệp gửi về có {count} chữ ký mới, chỉ được có một.")
BROKEN_FILE = phrase("Tệp gửi về bị hỏng hoặc không đúng chuẩn PDF.")
NOT_WHOLE = phrase("Chữ ký mới không bao trùm toàn bộ tệp gửi về.")
ALSO_CHANGED = phrase("Ngoài chữ ký, tệp gửi về còn bị thay đổi nội dung khác.")
PERSON_WANTED = phrase("Chữ ký trên tệp gửi về là của cơ quan {name}, không phải của cá nhân.")
SEAL_WANTED = phrase("Chữ ký trên tệp gửi về là của {name}, không phải con dấu của cơ quan.")
OTHER_PERSON = phrase("Tệp được ký bằng chứng thư của {name}, không phải của {expected}.")
OTHER_AGENCY = phrase("Tệp được ký bằng chứng thư của {name}, không phải của cơ quan {expected}.")


@dataclass(frozen=True)
class Wanted:
    """Whose signature is to come back: a person's by name, or an agency's seal."""

    kind: HolderKind
    person: str
    agency: str


@dataclass(frozen=True)
class Returned:
    """The new signature: its field, and the SHA-256 and names of its certificate."""

    field: str
    certificate: str
    name: str
    serial: str


def check_returned(sent: bytes, returned: bytes, wanted: Wanted) -> Returned:
    """The one signature that was added. Invalid(file) says what else was done, or whose signature it is."""
    if returned[: len(sent)] != sent:
        raise _refused(OTHER_FILE)
    if len(returned) == len(sent):
        raise _refused(NOT_SIGNED)
    try:
        before, after = embedded_signatures(sent), embedded_signatures(returned)
    except NotReadable:
        raise _refused(BROKEN_FILE) from None
    if after.lenient and not before.lenient:
        raise _refused(BROKEN_FILE)
    new = _the_new_one(before, after)
    _nothing_else(before, after, new)
    return _right_holder(new, wanted)


def _the_new_one(before: Signatures, after: Signatures) -> Found:
    known = {one.field for one in before.found}
    added = [one for one in after.found if one.field not in known]
    if not added:
        raise _refused(NOT_SIGNED)
    if len(added) > 1 or len(after.found) != len(before.found) + 1:
        raise _refused(phrase(TOO_MANY.msgid, count=len(added)))
    if added[0].signature is None or added[0].is_timestamp:
        raise _refused(BROKEN_FILE)
    return added[0]


def _nothing_else(before: Signatures, after: Signatures, new: Found) -> None:
    if new.end != len(after.data) or not integrity_of(after, new).covered:
        raise _refused(NOT_WHOLE)
    try:
        sent_revision = PdfFileReader.get_historical_resolver(after.reader, before.reader.xrefs.total_revisions - 1)
        found = DEFAULT_DIFF_POLICY.review_file(after.reader, sent_revision, doc_mdp=MDPPerm.FILL_FORMS)
    except BROKEN:
        raise _refused(ALSO_CHANGED) from None
    if isinstance(found, SuspiciousModification) or not set(found.changed_form_fields) <= {new.field}:
        raise _refused(ALSO_CHANGED)


def _right_holder(new: Found, wanted: Wanted) -> Returned:
    assert new.signature is not None
    holder = read_holder(new.signature.signer_cert)
    if wanted.kind is HolderKind.SEAL:
        if holder.kind is not HolderKind.SEAL:
            raise _refused(phrase(SEAL_WANTED.msgid, name=holder.full_name))
        if not holder.belongs_to((wanted.agency,)):
            raise _refused(phrase(OTHER_AGENCY.msgid, name=holder.full_name, expected=wanted.agency))
    else:
        if holder.kind is HolderKind.SEAL:
            raise _refused(phrase(PERSON_WANTED.msgid, name=holder.full_name))
        if same(holder.full_name) != same(wanted.person):
            raise _refused(phrase(OTHER_PERSON.msgid, name=holder.full_name, expected=wanted.person))
    return Returned(new.field, holder.certificate, holder.full_name, holder.serial)


def _refused(why: Phrase) -> Invalid:
    return Invalid({"file": why}, why)
