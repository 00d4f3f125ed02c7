"""What comes back from a signer's own device: exactly what was sent out, and one signature more.

The device belongs to somebody else's computer: whatever it returns is a stranger's file. Run `check_returned` in a
process of its own (`signing.sandbox.runner`); whose signature it is and what it is worth is verified
by `signing.verification.file_verification`.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.fields import MDPPerm

from kernel.errors import Invalid
from kernel.text import Phrase, phrase
from signing.pdf import field_locks
from signing.pdf.complexity import TooComplicated
from signing.pdf.signed_file import BROKEN, Found, NotReadable, Signatures, embedded_signatures, integrity_of
from signing.trust.holders import read_holder, same
from signing.verdicts.verdict import HolderKind

OTHER_FILE = phrase("Tệp gửi về không phải là văn bản đã gửi đi: phần đầu không giống từng byte.")
NOT_SIGNED = phrase("Tệp gửi về chưa có chữ ký nào mới.")
TOO_MANY = phrase("Tệp gửi về có {count} chữ ký mới, chỉ được có một.")
BROKEN_FILE = phrase("Tệp gửi về bị hỏng hoặc không đúng chuẩn PDF.")
NOT_WHOLE = phrase("Chữ ký mới không bao trùm toàn bộ tệp gửi về.")
ALSO_CHANGED = phrase("Ngoài chữ ký, tệp gửi về còn bị thay đổi nội dung khác.")
OTHER_PLACE = phrase("Chữ ký mới không nằm ở ô dành cho người ký này.")
SHOWN = phrase("Ô chữ ký mà chương trình ký tự thêm phải là ô không hiện trên trang.")
OTHER_FIELDS = phrase("Tệp gửi về còn thêm, xóa hoặc sửa ô khác ngoài ô của chữ ký mới.")
LOCKED = phrase(
    "Chữ ký mới khóa văn bản, nên sau đó cơ quan không đóng dấu được. Xin tắt lựa chọn khóa hoặc chứng thực văn bản "
    "(lock, certify) trong chương trình ký rồi ký lại."
)
PERSON_WANTED = phrase("Chữ ký trên tệp gửi về là của cơ quan {name}, không phải của cá nhân.")
SEAL_WANTED = phrase("Chữ ký trên tệp gửi về là của {name}, không phải con dấu của cơ quan.")
OTHER_PERSON = phrase("Tệp được ký bằng chứng thư của {name}, không phải của {expected}.")
OTHER_AGENCY = phrase("Tệp được ký bằng chứng thư của {name}, không phải của cơ quan {expected}.")


@dataclass(frozen=True)
class Wanted:
    """Whose signature is to come back, a person's by name or an agency's seal, and in which field that was prepared;
    `later`: the fields in which others sign after it."""

    kind: HolderKind
    person: str
    agency: str
    field: str
    later: tuple[str, ...] = ()


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
    except (NotReadable, TooComplicated):
        raise _refused(BROKEN_FILE) from None
    if after.lenient and not before.lenient:
        raise _refused(BROKEN_FILE)
    new = _the_new_one(before, after)
    _room_for_others(new, wanted.later)
    _nothing_else(before, after, new, wanted.field)
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


def _room_for_others(new: Found, later: tuple[str, ...]) -> None:
    """The signature leaves the file open for those who sign after it."""
    assert new.signature is not None
    if not later:
        return
    try:
        locked = field_locks.forbids(new.signature, later)
    except BROKEN:
        raise _refused(BROKEN_FILE) from None
    if locked:
        raise _refused(LOCKED)


def _nothing_else(before: Signatures, after: Signatures, new: Found, place: str) -> None:
    assert new.signature is not None
    if new.end != len(after.data) or not integrity_of(after, new).covered:
        raise _refused(NOT_WHOLE)
    try:
        sent_revision = PdfFileReader.get_historical_resolver(after.reader, before.reader.xrefs.total_revisions - 1)
        policy = field_locks.comparison(before.reader, after.reader, new.signature)
        found = policy.review_file(after.reader, sent_revision, doc_mdp=MDPPerm.FILL_FORMS)
        old, now = _fields(before.reader), _fields(after.reader)
    except BROKEN:
        raise _refused(ALSO_CHANGED) from None
    if isinstance(found, SuspiciousModification):
        raise _refused(ALSO_CHANGED)
    _right_place(old, now, new.field, place)
    # What the comparison of revisions lets pass beside the signature: empty fields that do not show, and flags.
    if now.keys() != old.keys() | {new.field} or any(now[name] != old[name] for name in old if name != new.field):
        raise _refused(OTHER_FIELDS)
    if not set(found.changed_form_fields) <= {new.field}:
        raise _refused(ALSO_CHANGED)


def _right_place(
    old: dict[str, generic.DictionaryObject], now: dict[str, generic.DictionaryObject], own: str, place: str
) -> None:
    """In the field that was prepared for this signer, or in a new one of its own that does not show."""
    if own == place and own in old:
        return  # its place on the page is among what the comparison of revisions holds fast
    if own in old:
        raise _refused(OTHER_PLACE)
    if own not in now or not _is_hidden(now[own]):
        raise _refused(SHOWN)


def _fields(reader: PdfFileReader) -> dict[str, generic.DictionaryObject]:
    """Every field of the form by its full name, those above others included."""
    found: dict[str, generic.DictionaryObject] = {}

    def collect(fields: Any, above: str) -> None:
        for place, reference in enumerate(fields.get_object()):
            one = reference.get_object()
            name = f"{above}.{one['/T']}" if above and "/T" in one else str(one.get("/T", f"{above}#{place}"))
            found[name] = one
            if "/Kids" in one:
                collect(one["/Kids"], name)

    if "/AcroForm" in reader.root and "/Fields" in reader.root["/AcroForm"]:
        collect(reader.root["/AcroForm"]["/Fields"], "")
    return found


def _is_hidden(field: generic.DictionaryObject) -> bool:
    """Whether a field takes no room on any page. What cannot be read as a rectangle without room counts as shown."""
    try:
        left, bottom, right, top = (float(side.get_object()) for side in field["/Rect"])
        return (left == right or bottom == top) and "/Kids" not in field
    except KeyError:
        return "/Kids" not in field
    except BROKEN:
        return False


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
